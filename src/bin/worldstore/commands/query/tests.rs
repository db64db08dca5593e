//! What of an answer is told beside its rows.

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use worldstore::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use worldstore::graph::QueryOptions;

use super::*;

#[tokio::test]
async fn a_query_that_was_cut_off_before_it_had_columns_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let rows = RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]).unwrap();
    fs::create_dir(folder.path().join("rows")).unwrap();
    let file = File::create(folder.path().join("rows/part.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let uri = folder.path().display().to_string();
    let storage = Registry::compiled_in().open(&uri, &OpenOptions::existing()).await.unwrap();
    let graph = Graph::new().with_mount("here", storage.backend).unwrap();
    let text = "CREATE NODE LABEL Row VIRTUAL FROM PARTITION 'lake://here/rows'; MATCH (r:Row) RETURN r.x";
    let options = QueryOptions::default().with_row_groups(0);
    let results = graph.run_with(text, &Parameters::default(), &options).await.unwrap();
    assert!(results.iter().all(|result| result.schema.fields().is_empty()), "{results:?}");
    let said = cut(&results).unwrap().to_string();
    assert!(said.contains("these are not all rows") && said.contains("go on with --resume wsr1-"), "{said}");
}
