//! The files: the same for all.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::Failure;

/// Partitions of the small files.
const PARTITIONS: usize = 200;
/// Rows of a small file.
const SMALL_ROWS: i64 = 20;
/// Rows of a row group of the large files.
const GROUP_ROWS: usize = 131_072;

/// So many files of 20 rows, in 200 folders `p=0` to `p=199`.
pub fn small(folder: &Path, files: usize) -> Result<(), Failure> {
    for file in 0..files {
        let folder = folder.join(format!("p={}", file % PARTITIONS));
        fs::create_dir_all(&folder)?;
        let start = file as i64 * SMALL_ROWS;
        let numbers = || (start..start + SMALL_ROWS).map(Some);
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(numbers().collect::<Int64Array>()) as ArrayRef),
            ("v", Arc::new(numbers().map(|n| n.map(|n| n as f64 / 4.0)).collect::<Float64Array>())),
        ])?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        write(&folder.join(format!("{file:05}.parquet")), &batch, properties)?;
    }
    Ok(())
}

/// So many files of so many rows, in folders `day=0` on.
pub fn large(folder: &Path, files: usize, rows: usize) -> Result<(), Failure> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    for file in 0..files {
        let folder = folder.join(format!("day={file}"));
        fs::create_dir_all(&folder)?;
        let start = (file * rows) as i64;
        let mut column = |sides: u64, step: f64| -> ArrayRef {
            Arc::new((0..rows).map(|_| Some(dice(sides) as f64 * step)).collect::<Float64Array>())
        };
        let (x, y, speed) = (column(1_201, 0.1), column(533, 0.125), column(101, 0.1));
        let key = (0..rows).map(|_| Some(dice(1_000) as i64)).collect::<Int64Array>();
        let id = (start..start + rows as i64).map(Some).collect::<Int64Array>();
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(id) as ArrayRef),
            ("key", Arc::new(key)),
            ("x", x),
            ("y", y),
            ("speed", speed),
        ])?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        write(&folder.join("f.parquet"), &batch, properties)?;
    }
    Ok(())
}

/// One file, as the large ones are written.
pub fn write_zstd(path: &Path, batch: &RecordBatch) -> Result<(), Failure> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    write(path, batch, properties)
}

fn write(path: &Path, batch: &RecordBatch, properties: WriterProperties) -> Result<(), Failure> {
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}
