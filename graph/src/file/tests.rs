//! What the first bytes say, Arrow files, and Parquet files that are damaged.

use ::parquet::arrow::ArrowWriter;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use proptest::prelude::*;
use worldstore_async::SyncBackendAdapter;
use worldstore_core::{Backend, Memory, WriteOptions};

use super::*;

fn rows() -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap()
}

fn ipc_file(compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &rows().schema(), options).unwrap();
    writer.write(&rows()).unwrap();
    writer.into_inner().unwrap()
}

fn ipc_stream() -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows().schema()).unwrap();
    writer.write(&rows()).unwrap();
    writer.into_inner().unwrap()
}

async fn read_bytes(bytes: Vec<u8>) -> Result<Vec<RecordBatch>> {
    let (store, key) = (Memory::new(), Key::new("a").unwrap());
    let _ = store.write(&key, Bytes::from(bytes), &WriteOptions::default()).unwrap();
    let backend: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(store)));
    read_file(&backend, &key, &Counters::default()).await.map(|(_, batches)| batches)
}

#[tokio::test]
async fn arrow_files_and_streams_are_read() {
    let compressed = [CompressionType::LZ4_FRAME, CompressionType::ZSTD].map(|one| ipc_file(Some(one)));
    for bytes in [ipc_file(None), ipc_stream()].into_iter().chain(compressed) {
        let batches = read_bytes(bytes).await.unwrap();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].columns(), rows().columns());
    }
}

#[tokio::test]
async fn other_files_are_refused() {
    for (bytes, message) in [
        (b"FEA1....".to_vec(), "version 1"),
        (b"hello world".to_vec(), "no kind"),
        (Vec::new(), "no kind"),
        (b"PAR1PAR1".to_vec(), "Parquet"),
        (b"ARROW1\0\0".to_vec(), "Arrow"),
        (vec![9, 0, 0, 0, 0, 0, 0, 0], "longer than the file"),
    ] {
        let error = read_bytes(bytes).await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[tokio::test]
async fn parquet_files_over_which_the_reader_panics_are_refused() {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows().schema(), None).unwrap();
    writer.write(&rows()).unwrap();
    let mut bytes = writer.into_inner().unwrap();
    assert_eq!(read_bytes(bytes.clone()).await.unwrap()[0].columns(), rows().columns());
    // Where the three texts are in their dictionary: two bits for each. With 40 bits the reader panics.
    let place = bytes.windows(3).position(|three| three == [2, 3, 0b10_01_00]).unwrap();
    bytes[place] = 40;
    let error = read_bytes(bytes).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_arrow_files_are_answered(is_stream: bool, place in 0..2_000_usize, byte: u8, cut in 0..4_000_usize) {
        let mut bytes = if is_stream { ipc_stream() } else { ipc_file(None) };
        let place = place % bytes.len();
        bytes[place] = byte;
        bytes.truncate(cut.max(8));
        // Whatever it says, it says it.
        let _ = if is_stream { ipc::read_stream(&bytes) } else { ipc::read_file(&bytes) };
    }
}
