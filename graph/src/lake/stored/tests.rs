//! A catalog comes back as it was, and bytes that are none are refused.

use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};
use worldstore_core::hive::HiveType;
use worldstore_core::{ObjectMeta, Version};

use super::super::listing::batch;
use super::*;

fn address() -> LakeUri {
    LakeUri::parse("lake://nyc/flights/{k:int}/x={x}").unwrap()
}

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("f", DataType::Float64, true),
        Field::new("t", DataType::Utf8, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("l", DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true))), true),
    ]))
}

fn stored() -> Stored {
    let time = |seconds: i64| match u64::try_from(seconds) {
        Ok(after) => SystemTime::UNIX_EPOCH + Duration::new(after, 5),
        Err(_) => SystemTime::UNIX_EPOCH - Duration::new(seconds.unsigned_abs(), 5),
    };
    let file = |key: &str, size: u64| ObjectMeta::new(Key::new(key).unwrap(), size);
    let files = vec![
        file("flights/1/x=a/f.parquet", 10).with_version(Version::new("v1")).with_modified(time(1_700_000_000)),
        file("flights/2/x=b/f.parquet", 20).with_modified(time(-7)),
        file("flights/3/x=c/f.parquet", 30),
    ];
    let kinds = [("k", HiveType::Int), ("x", HiveType::Text), ("d", HiveType::Date), ("b", HiveType::Bool)];
    let path_columns: Vec<_> = kinds.into_iter().map(|(name, kind)| LakeColumn::new(name, kind)).collect();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), Some(-2), None])),
        Arc::new(StringArray::from(vec![Some("a"), None, Some("")])),
        Arc::new(Date32Array::from(vec![None, Some(-3), Some(19_000)])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
    ];
    let mut summaries = Summaries::new(columns());
    for file in files.iter().take(2) {
        let start = summaries.rows.len() as u32;
        summaries.rows.extend([3, 4]);
        for (field, bounds) in columns().fields().iter().zip(&mut summaries.columns) {
            let one: Statistics = match field.name().as_str() {
                "f" => ValueStatistics::new(Some(-0.5), Some(f64::INFINITY), None, Some(1), false).into(),
                "t" => ValueStatistics::new(Some(ByteArray::from("a")), Some(ByteArray::from("ü")), None, None, false)
                    .with_max_is_exact(true)
                    .into(),
                _ => ValueStatistics::new(Some(i64::MIN), Some(7), None, Some(0), false).into(),
            };
            bounds.push(field.data_type(), Some(&one));
            bounds.push(field.data_type(), None);
        }
        summaries.enter_stored(file, start..start + 2);
    }
    let folders = FolderState::new(vec![(Prefix::root(), time(5)), (Prefix::new("flights/1").unwrap(), time(6))], true);
    let listing = Listing::of(files, batch(&path_columns, arrays, 3).unwrap());
    Stored { folders: Some(folders), columns: columns(), path_columns, listing, summaries }
}

fn encoded(stored: &Stored) -> Vec<u8> {
    let Stored { folders, columns, path_columns, listing, summaries } = stored;
    Stored::encode(&address(), folders.as_ref(), columns, path_columns, listing, summaries).unwrap().to_vec()
}

/// The same bytes with a sum that fits.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 4;
    let sum = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn a_catalog_comes_back_as_it_was() {
    let before = stored();
    let bytes = encoded(&before);
    let after = Stored::decode(&bytes, &address()).unwrap();
    assert_eq!(after.folders, before.folders);
    assert_eq!((&after.columns, &after.path_columns), (&before.columns, &before.path_columns));
    assert_eq!(after.listing.files, before.listing.files);
    assert_eq!(after.listing.values, before.listing.values);
    assert_eq!((&after.summaries.rows, &after.summaries.columns), (&before.summaries.rows, &before.summaries.columns));
    let entries: Vec<_> = after.listing.files.iter().map(|file| after.summaries.find(file)).collect();
    assert_eq!(entries, [Some(0), Some(1), None]);
    assert_eq!((after.summaries.units(1), after.summaries.rows_of(1)), (2..4, 7));
    assert_eq!(encoded(&after), bytes, "and is written the same again");
}

#[test]
fn only_the_state_that_was_read_is_found() {
    let after = Stored::decode(&encoded(&stored()), &address()).unwrap();
    let file = &after.listing.files[0];
    let find = |change: fn(&mut ObjectMeta)| {
        let mut changed = file.clone();
        change(&mut changed);
        after.summaries.find(&changed)
    };
    assert_eq!(find(|_| {}), Some(0));
    assert_eq!(find(|file| file.size += 1), None);
    assert_eq!(find(|file| file.version = Some(Version::new("v2"))), None);
    assert_eq!(find(|file| file.modified = file.modified.map(|time| time + Duration::from_nanos(1))), None);
    assert_eq!(find(|file| file.key = Key::new("flights/1/x=a/g.parquet").unwrap()), None);
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = encoded(&stored());
    let kind = |bytes: &[u8]| Stored::decode(bytes, &address()).err().map(|error| error.kind());
    for end in 0..bytes.len() {
        assert_eq!(kind(&bytes[..end]), Some(ErrorKind::Corrupt), "cut at {end}");
    }
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0x40;
        assert!(kind(&damaged).is_some(), "byte {index}");
    }
    let longer: Vec<u8> = bytes[..bytes.len() - 4].iter().copied().chain([0; 5]).collect();
    assert_eq!(kind(&summed(longer)), Some(ErrorKind::Corrupt));
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(kind(&summed(newer)), Some(ErrorKind::Unsupported));
    let other = LakeUri::parse("lake://nyc/other").unwrap();
    assert_eq!(Stored::decode(&bytes, &other).err().map(|error| error.kind()), Some(ErrorKind::Invalid));
}

/// Whatever a byte is changed to, with a sum that fits: an error or a catalog, never a panic or a great allocation.
#[test]
fn hostile_bytes_do_no_harm() {
    let bytes = encoded(&stored());
    for index in 0..bytes.len() - 4 {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            let mut hostile = bytes.clone();
            hostile[index] = value;
            if let Ok(stored) = Stored::decode(&summed(hostile), &address()) {
                assert_eq!(stored.listing.files.len(), stored.listing.values.num_rows());
                let sum: usize = stored
                    .listing
                    .files
                    .iter()
                    .filter_map(|file| stored.summaries.find(file))
                    .map(|entry| stored.summaries.units(entry).len())
                    .sum();
                assert_eq!(sum, stored.summaries.rows.len());
            }
        }
    }
}
