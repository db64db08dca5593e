//! What lies behind a null is seen by nobody: it may be anything, and neither refuses a row nor shows in another.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;
use futures::TryStreamExt;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::{AppendOptions, CompactOptions, CreateOptions, Predicate, Scan, base};

use crate::support::{cells, indexing, memory, name, open, world_rows};

/// Rows of a column; which of them are null goes round.
const ROWS: usize = 12;

/// Parts without nulls of their own, so that each has something behind every null of its struct.
fn parts() -> Vec<(&'static str, ArrayRef)> {
    let numbers = Int64Array::from_iter_values((0..ROWS as i64).map(|row| row * 1_000));
    let words: Vec<String> = (0..ROWS).map(|row| "word ".repeat(row)).collect();
    let lengths: Vec<usize> = (0..ROWS).map(|row| row % 4).collect();
    let items = Int32Array::from_iter_values(0..lengths.iter().sum::<usize>() as i32);
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let lists = ListArray::new(item.clone(), OffsetBuffer::from_lengths(lengths), Arc::new(items), None);
    let pairs = Int32Array::from_iter_values(0..2 * ROWS as i32);
    let keys = Int32Array::from_iter_values((0..ROWS).map(|row| (row % 3) as i32));
    let dictionary = DictionaryArray::new(keys, Arc::new(StringArray::from(vec!["a", "b", "c"])));
    vec![
        ("numbers", Arc::new(numbers)),
        ("flags", Arc::new(BooleanArray::from_iter((0..ROWS).map(|row| Some(row % 2 == 0))))),
        ("words", Arc::new(StringArray::from(words.clone()))),
        ("bytes", Arc::new(LargeBinaryArray::from_iter_values(&words))),
        ("lists", Arc::new(lists)),
        ("pairs", Arc::new(FixedSizeListArray::new(item, 2, Arc::new(pairs), None))),
        ("dictionary", Arc::new(dictionary)),
    ]
}

fn validity(step: usize) -> NullBuffer {
    (0..ROWS).map(|row| !(row + step).is_multiple_of(3)).collect()
}

fn structure(parts: Vec<(&str, ArrayRef)>, nullable: bool, nulls: Option<NullBuffer>) -> ArrayRef {
    let field = |(name, part): &(&str, ArrayRef)| Field::new(*name, part.data_type().clone(), nullable);
    let fields: Fields = parts.iter().map(field).collect();
    Arc::new(StructArray::new(fields, parts.into_iter().map(|(_, part)| part).collect(), nulls))
}

/// A column of each part in a shape.
fn shaped(shape: impl Fn(ArrayRef) -> ArrayRef) -> Vec<(String, ArrayRef)> {
    parts().into_iter().map(|(name, part)| (name.to_owned(), shape(part))).collect()
}

/// Structs with nulls: of plain parts, of structs that are null elsewhere, in lists that are null in turn.
fn tables() -> Vec<(String, Vec<(String, ArrayRef)>)> {
    let mut tables = Vec::new();
    for nullable in [true, false] {
        let flat = |part| structure(vec![("p", part)], nullable, Some(validity(0)));
        let deep = |part| {
            let inner = structure(vec![("p", part)], nullable, None);
            structure(vec![("inner", inner)], nullable, Some(validity(1)))
        };
        let twice = |part| structure(vec![("inner", flat(part))], true, Some(validity(1)));
        let listed = |part| -> ArrayRef {
            let items = flat(part);
            let item = Arc::new(Field::new("item", items.data_type().clone(), true));
            let lengths = [3, 0, 4, 1, 0, 0, 2, 1, 0, 1, 0, 0];
            Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), items, Some(validity(2))))
        };
        let all = vec![("all".to_owned(), structure(parts(), nullable, Some(validity(2))))];
        let shapes = [("deep", shaped(deep)), ("twice", shaped(twice)), ("listed", shaped(listed))];
        for (shape, columns) in shapes.into_iter().chain([("flat", shaped(flat)), ("all", all)]) {
            tables.push((format!("{shape}, nullable {nullable}"), columns));
        }
    }
    // Keys of nulls may name values that are not there.
    let keys = Int8Array::new(vec![77; ROWS].into(), Some(NullBuffer::new_null(ROWS)));
    let none = DictionaryArray::new(keys, Arc::new(StringArray::from(Vec::<&str>::new())));
    tables.push(("nulls alone".into(), vec![("dictionary".into(), Arc::new(none))]));
    tables
}

/// A table of these columns behind numbers of the rows.
fn numbered(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let fields = columns.iter().map(|(name, values)| Field::new(name, values.data_type().clone(), true));
    let fields: Vec<Field> = [Field::new("n", DataType::Int64, false)].into_iter().chain(fields).collect();
    let values = [numbers].into_iter().chain(columns.into_iter().map(|(_, values)| values)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), values).unwrap()
}

async fn read(tables: &dyn AsyncTableBackend, scan: Scan) -> Result<RecordBatch, String> {
    let scan = tables.scan(&name("t"), &scan).await.map_err(|error| format!("{error:?}"))?;
    let schema = scan.schema.clone();
    let batches: Vec<RecordBatch> = scan.batches.try_collect().await.map_err(|error| format!("{error:?}"))?;
    arrow::compute::concat_batches(&schema, &batches).map_err(|error| error.to_string())
}

fn expect_same(what: &str, read: &RecordBatch, expected: &RecordBatch) -> Result<(), String> {
    let sorted = |batch: &RecordBatch| {
        let order = arrow::compute::sort_to_indices(batch.column(0), None, None).unwrap();
        arrow::compute::take_record_batch(batch, &order).unwrap()
    };
    let (read, expected) = (sorted(read), sorted(expected));
    match read.columns() == expected.columns() {
        true => Ok(()),
        false => Err(format!("{what}: {read:?}, not {expected:?}")),
    }
}

async fn try_table(whole: &RecordBatch) -> Result<(), String> {
    let schema = whole.schema();
    let tables = open(memory());
    let told = |error: worldstore_core::Error| format!("{error:?}");
    tables.create(&name("t"), &CreateOptions::new(schema)).await.map_err(told)?;
    // Parts of longer arrays: what lies before and behind them is not theirs.
    for (from, rows) in [(0, 5), (5, 1), (6, ROWS - 6)] {
        let part = whole.slice(from, rows);
        tables.check(&name("t"), &part).map_err(told)?;
        let appended = tables.append(&name("t"), vec![part], &AppendOptions::default()).await;
        let _ = appended.map_err(|error| format!("append of {rows} from {from}: {}", told(error)))?;
    }
    let last = whole.schema_ref().field(whole.num_columns() - 1).name().clone();
    for when in ["appended", "compacted"] {
        let all = read(&tables, Scan::all()).await.map_err(|error| format!("{when}: {error}"))?;
        expect_same(when, &all, whole)?;
        for (what, predicate) in
            [("null", Predicate::IsNull(last.clone())), ("not null", Predicate::IsNotNull(last.clone()))]
        {
            let keep = predicate.evaluate(whole).map_err(told)?;
            let expected = arrow::compute::filter_record_batch(whole, &keep).unwrap();
            let found = read(&tables, Scan::all().with_predicate(predicate)).await;
            let found = found.map_err(|error| format!("{when}, {what}: {error}"))?;
            expect_same(&format!("{when}, {what}"), &found, &expected)?;
        }
        let compacted = tables.compact(&name("t"), &CompactOptions::default()).await;
        compacted.map_err(|error| format!("{when}, compact: {}", told(error)))?;
    }
    drop_rows(&tables, whole).await
}

/// Rows can be left out of a compaction, be they those of a whole file.
async fn drop_rows(tables: &dyn AsyncTableBackend, whole: &RecordBatch) -> Result<(), String> {
    let told = |error: worldstore_core::Error| format!("{error:?}");
    for (from, left) in [(ROWS - 1, ROWS - 1), (0, 0)] {
        let options = CompactOptions::default().with_drop(Predicate::ge("n", from as i64));
        tables.compact(&name("t"), &options).await.map_err(told)?;
        expect_same("dropped", &read(tables, Scan::all()).await?, &whole.slice(0, left))?;
    }
    let appended = tables.append(&name("t"), vec![whole.clone()], &AppendOptions::default()).await;
    let _ = appended.map_err(told)?;
    expect_same("appended again", &read(tables, Scan::all()).await?, whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_behind_a_null_is_seen_nowhere() {
    for (what, columns) in tables() {
        try_table(&numbered(columns)).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_find_rows_that_were_rewritten() {
    let place =
        |tick: i64| structure(vec![("x", Arc::new(Int64Array::from(vec![tick; 9])))], false, Some(nulls_of(tick)));
    let fields = Schema::new(vec![Field::new("place", place(0).data_type().clone(), true)]);
    let schema = base::with_base(&fields).unwrap();
    let rows = |tick: i64| {
        let columns = world_rows(tick, tick as u64 + 1, 0..9).columns()[..6].to_vec();
        RecordBatch::try_new(schema.clone(), columns.into_iter().chain([place(tick)]).collect()).unwrap()
    };
    let tables = indexing(memory());
    tables.create(&name("t"), &CreateOptions::new(schema.clone())).await.unwrap();
    let indexed_and_not = [0..6_i64, 6..8];
    for ticks in indexed_and_not {
        for tick in ticks {
            let _ = tables.append(&name("t"), vec![rows(tick)], &AppendOptions::default()).await.unwrap();
        }
        tables.index(&name("t")).await.unwrap();
    }
    let early = Predicate::le(base::TICK, 1_i64);
    let compaction = tables.compact(&name("t"), &CompactOptions::default().with_drop(early)).await.unwrap();
    assert_eq!(compaction.dropped_rows, 18);
    assert!(compaction.files_after <= 2, "{compaction:?}");
    for tick in 0..8 {
        let expected = if tick < 2 { Vec::new() } else { vec![(tick, 4)] };
        let wanted = Predicate::And(vec![Predicate::eq(base::TICK, tick), Predicate::eq(base::ENTITY, 4_u64)]);
        assert_eq!(cells(&tables, &Scan::all().with_predicate(wanted)).await.unwrap(), expected);
    }
}

fn nulls_of(tick: i64) -> NullBuffer {
    (0..9).map(|row| row != tick).collect()
}
