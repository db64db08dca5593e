//! Random rows and random scans: the answer is that of the tables in memory.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, UInt8Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;

use crate::{Fixture, fixtures, lines, name, read};

/// A small generator of numbers: the same seed, the same test.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<Item: Clone>(&mut self, items: &[Item]) -> Item {
        items[self.below(items.len() as u64) as usize].clone()
    }

    fn maybe<Value>(&mut self, value: impl FnOnce(&mut Self) -> Value) -> Option<Value> {
        (self.below(6) > 0).then(|| value(self))
    }
}

fn schema() -> SchemaRef {
    use DataType::*;
    Arc::new(Schema::new(vec![
        Field::new("id", Int64, false),
        Field::new("small", UInt8, true),
        Field::new("wide", UInt64, true),
        Field::new("real", Float64, true),
        Field::new("half", Float32, true),
        Field::new("text", Utf8, true),
        Field::new("word", Dictionary(Box::new(Int32), Box::new(Utf8)), true),
        Field::new("time", Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true),
        Field::new("local", Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("flag", Boolean, true),
        Field::new("gone", Int64, true),
    ]))
}

const FLOATS: [f64; 9] = [0.0, -0.0, 1.0, -1.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9];

fn real(random: &mut Random, odd: bool) -> f64 {
    match odd {
        true => random.pick(&FLOATS),
        false => random.below(20) as f64 - 10.0,
    }
}

fn text(random: &mut Random, base: u64) -> String {
    let start = char::from(b'a' + ((base + random.below(3)) % 20) as u8);
    let length = random.pick(&[0, 1, 2, 63, 64, 65, 200]);
    start.to_string().repeat(length) + random.pick(&["", "x", "ÿ", "𝄞"])
}

/// Rows whose values lie near each other, so that whole files can be left out.
fn batch(random: &mut Random) -> RecordBatch {
    let (rows, base, odd) = (random.below(12) as usize, random.below(40), random.below(2) == 0);
    let all_null = random.below(5) == 0;
    let random = std::cell::RefCell::new(random);
    macro_rules! column {
        ($array:ty, $value:expr) => {{
            let value: fn(&mut Random, u64, bool) -> _ = $value;
            let cell = |_| match all_null {
                true => None,
                false => random.borrow_mut().maybe(|random| value(random, base, odd)),
            };
            (0..rows).map(cell).collect::<$array>()
        }};
    }
    let ids: Int64Array = (0..rows).map(|_| Some(base as i64 - 20 + random.borrow_mut().below(8) as i64)).collect();
    let words = column!(StringArray, |random, base, _| text(random, base));
    let word = arrow::compute::cast(&words, schema().field(6).data_type()).unwrap();
    let time = column!(TimestampMillisecondArray, |random, base, _| (base * 5 + random.below(10)) as i64);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids),
        Arc::new(column!(UInt8Array, |random, base, _| (base + random.below(5)) as u8)),
        Arc::new(column!(UInt64Array, |random, base, odd| match odd {
            true => i64::MAX as u64 - random.below(3),
            false => base + random.below(5),
        })),
        Arc::new(column!(Float64Array, |random, _, odd| real(random, odd))),
        Arc::new(column!(Float32Array, |random, _, odd| real(random, odd) as f32)),
        Arc::new(column!(StringArray, |random, base, _| text(random, base))),
        word,
        Arc::new(time.with_timezone("UTC")),
        Arc::new(column!(TimestampMicrosecondArray, |random, base, _| (base + random.below(3)) as i64 - 20)),
        Arc::new(column!(BooleanArray, |random, base, _| base % 3 == 0 || random.below(2) == 0 && base % 3 == 1)),
        Arc::new(Int64Array::from(vec![None; rows])),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn constant(random: &mut Random, column: &str) -> Scalar {
    let number = random.below(44) as i64 - 21;
    match column {
        "id" | "small" | "wide" | "gone" => match random.below(6) {
            0 => Scalar::Float(number as f64 + random.pick(&[0.0, 0.5])),
            1 => Scalar::UInt(random.pick(&[u64::MAX, i64::MAX as u64, i64::MAX as u64 - 1])),
            2 => Scalar::Float(random.pick(&FLOATS)),
            3 => Scalar::UInt(number.unsigned_abs()),
            _ => Scalar::Int(number),
        },
        "real" | "half" => match random.below(3) {
            0 => Scalar::Float(random.pick(&FLOATS)),
            1 => Scalar::Int(number),
            _ => Scalar::Float(number as f64),
        },
        "text" | "word" => {
            let base = random.below(20);
            Scalar::Text(text(random, base))
        }
        "time" => Scalar::TimestampMicros(number * 10_000 + random.pick(&[0, 1])),
        "local" => Scalar::TimestampMicros(number),
        _ => Scalar::Bool(random.below(2) == 0),
    }
}

fn predicate(random: &mut Random, depth: u64) -> Predicate {
    use CompareOp::*;
    let column = random.pick(schema().fields()).name().clone();
    match random.below(if depth == 0 { 6 } else { 9 }) {
        0 => random.pick(&[Predicate::IsNull(column.clone()), Predicate::IsNotNull(column)]),
        1..=5 => {
            let value = constant(random, &column);
            Predicate::compare(column, random.pick(&[Eq, NotEq, Lt, LtEq, Gt, GtEq]), value)
        }
        6 => Predicate::Not(Box::new(predicate(random, depth - 1))),
        kind => {
            let parts = (0..random.below(4)).map(|_| predicate(random, depth - 1)).collect();
            if kind == 7 { Predicate::And(parts) } else { Predicate::Or(parts) }
        }
    }
}

fn scan(random: &mut Random, versions: u64) -> Scan {
    let mut scan = Scan::all();
    if random.below(8) > 0 {
        scan = scan.with_predicate(predicate(random, 3));
    }
    if random.below(2) == 0 {
        let columns: Vec<String> =
            (0..random.below(4)).map(|_| random.pick(schema().fields()).name().clone()).collect();
        scan = scan.with_columns(columns);
    }
    match random.below(3) {
        0 => scan.with_version(random.below(versions + 1)),
        _ => scan,
    }
}

fn rows_of(batches: &[RecordBatch]) -> Vec<String> {
    match batches.first().is_some_and(|batch| batch.num_columns() == 0) {
        true => vec![String::new(); batches.iter().map(|batch| batch.num_rows()).sum()],
        false => lines(batches),
    }
}

#[tokio::test]
async fn random_scans_answer_as_memory_does() {
    let mut seen = 0;
    for (which, Fixture { tables, .. }) in fixtures().await.into_iter().enumerate() {
        for seed in 0..3_u64 {
            let mut random = Random(seed * 2 + which as u64);
            let (table, memory) = (name(&format!("random{seed}")), MemoryTables::new());
            tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
            memory.create(&table, &CreateOptions::new(schema())).unwrap();
            let mut versions = 0;
            for _ in 0..8 {
                let batches: Vec<_> = (0..random.below(3)).map(|_| batch(&mut random)).collect();
                let options = AppendOptions::default();
                let ours = tables.append(&table, batches.clone(), &options).await.unwrap();
                let theirs = memory.append(&table, batches, &options).unwrap();
                assert_eq!((ours.version, ours.rows), (theirs.version, theirs.rows), "seed {seed}");
                versions = ours.version.unwrap();
            }
            for number in 0..70 {
                let scan = scan(&mut random, versions);
                let ours = read(&tables, &table, &scan).await.unwrap();
                let theirs: Vec<_> = memory.scan(&table, &scan).unwrap().batches.collect::<Result<_, _>>().unwrap();
                let (ours, theirs) = (rows_of(&ours), rows_of(&theirs));
                assert_eq!(ours, theirs, "seed {seed}, scan {number}: {scan:?}");
                seen += usize::from(!ours.is_empty());
                let limit = random.below(30) as usize;
                let some = rows_of(&read(&tables, &table, &scan.with_limit(limit)).await.unwrap());
                assert_eq!(some.len(), limit.min(theirs.len()), "seed {seed}, scan {number}");
                assert!(some.iter().all(|row| theirs.contains(row)));
            }
        }
    }
    assert!(seen > 100, "{seen} scans found rows");
}
