//! The flights, one day after the other, from the files in `data/flights`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use worldstore::arrow::array::{
    ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use worldstore::arrow::compute::concat_batches;
use worldstore::arrow::error::ArrowError;
use worldstore::{Error, Result};

/// The days of 2013: tick and rows. An entity is a flight, numbered through the year from 1.
pub struct Days {
    folder: PathBuf,
    dates: std::vec::IntoIter<(i32, i32)>,
    tick: i64,
    flights: u64,
}

impl Days {
    pub fn new(data: &Path) -> Result<Self> {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let dates = (1..).zip(lengths).flat_map(|(month, days)| (1..=days).map(move |day| (month, day)));
        Ok(Self { folder: data.join("flights"), dates: dates.collect::<Vec<_>>().into_iter(), tick: 0, flights: 0 })
    }

    fn day(&mut self, month: i32, day: i32) -> Result<RecordBatch> {
        let path = self.folder.join(format!("month={month}/day={day}/part-0.parquet"));
        let in_file = |error: Error| error.with("file", path.display());
        let file = File::open(&path).map_err(|source| in_file(Error::io("open", source)))?;
        let unreadable = |source| in_file(Error::invalid("file cannot be read").caused_by(source));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
        let reader = reader.map_err(|source| in_file(Error::invalid("file cannot be read").caused_by(source)))?;
        let batches = reader.collect::<Result<Vec<_>, ArrowError>>().map_err(unreadable)?;
        let first = batches.first().ok_or_else(|| in_file(Error::invalid("file has no rows")))?;
        let rows = concat_batches(&first.schema(), &batches).map_err(unreadable)?;
        let (start, count) = (self.flights + 1, rows.num_rows());
        self.flights += count as u64;
        let entity: ArrayRef = Arc::new(UInt64Array::from_iter_values(start..=self.flights));
        let of_path = |value: i32| Arc::new(Int32Array::from_value(value, count)) as ArrayRef;
        let base = [("entity", entity), ("month", of_path(month)), ("day", of_path(day))];
        with_columns(base, &rows).map_err(unreadable)
    }
}

impl Iterator for Days {
    type Item = Result<(i64, RecordBatch)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (month, day) = self.dates.next()?;
        self.tick += 1;
        Some(self.day(month, day).map(|rows| (self.tick, rows)))
    }
}

/// Some columns in front of others. What is in a file may be null there, so it may be null in the table.
fn with_columns<const N: usize>(front: [(&str, ArrayRef); N], rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let front = front.into_iter().map(|(name, column)| (name, column, name != "entity"));
    let columns =
        schema.fields().iter().zip(rows.columns()).map(|(field, column)| (field.name().as_str(), column.clone(), true));
    RecordBatch::try_from_iter_with_nullable(front.chain(columns))
}

/// Three flights that never were: a storm holds them for five hours.
pub fn storm() -> Result<RecordBatch> {
    let number = |values: [i32; 3]| Arc::new(Int32Array::from(values.to_vec())) as ArrayRef;
    let text = |values: [&str; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let same = |value: i32| number([value; 3]);
    let time = TimestampMicrosecondArray::from(vec![1_372_590_000_000_000; 3]).with_timezone("UTC");
    let entity = Arc::new(UInt64Array::from(vec![1_000_001, 1_000_002, 1_000_003])) as ArrayRef;
    let columns = [
        ("year", same(2013)),
        ("dep_time", number([1400, 1410, 1425])),
        ("sched_dep_time", number([900, 910, 925])),
        ("dep_delay", same(300)),
        ("arr_time", number([1700, 1715, 1740])),
        ("sched_arr_time", number([1200, 1215, 1240])),
        ("arr_delay", same(300)),
        ("carrier", text(["UA", "DL", "B6"])),
        ("flight", number([9001, 9002, 9003])),
        ("tailnum", text(["N00001", "N00002", "N00003"])),
        ("origin", text(["EWR", "LGA", "JFK"])),
        ("dest", text(["ORD", "ATL", "BOS"])),
        ("air_time", number([120, 125, 60])),
        ("distance", number([719, 762, 187])),
        ("hour", same(9)),
        ("minute", number([0, 10, 25])),
        ("time_hour", Arc::new(time) as ArrayRef),
    ];
    let failed = |source| Error::unexpected("columns differ in length").caused_by(source);
    let rows = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)));
    with_columns([("entity", entity), ("month", same(6)), ("day", same(30))], &rows.map_err(failed)?).map_err(failed)
}
