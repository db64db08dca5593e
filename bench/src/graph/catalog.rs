//! Opening a stored catalog of many labels over many partitions.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::Runtime;
use worldstore_async::SyncBackendAdapter;
use worldstore_core::manifest::{ManifestOptions, Manifests};
use worldstore_core::{Local, Prefix};
use worldstore_graph::{Graph, Parameters};

use super::data;
use crate::Failure;
use crate::measure::{Row, Seen, Subject, row};

/// Partitions of a label.
const PARTITIONS: usize = 10;

/// From nothing to a graph that knows all labels, and to the first count over one of them. Labels are declared before, each
/// over ten folders with a file.
pub fn opened(place: &Path, labels: usize, runtime: &Rc<Runtime>) -> Result<Row, Failure> {
    let (lake, stored) = (place.join("lake"), place.join("catalog"));
    let one = place.join("one");
    data::small(&one, 1)?;
    for label in 0..labels {
        for partition in 0..PARTITIONS {
            let folder = lake.join(format!("t{label}/k={partition}"));
            fs::create_dir_all(&folder)?;
            fs::copy(one.join("p=0/00000.parquet"), folder.join("a.parquet"))?;
        }
    }
    let graph = open(&lake, &stored, runtime)?;
    for label in 0..labels {
        let partition = format!("lake://lake/t{label}/k={{k}}");
        runtime.block_on(graph.register_virtual_partition(&format!("T{label}"), &partition))?;
    }
    let ask = |name: &'static str, question: String, expected: u64| {
        let (lake, stored, runtime) = (lake.clone(), stored.clone(), Rc::clone(runtime));
        Subject::new(name, move || {
            let graph = open(&lake, &stored, &runtime)?;
            let result = runtime.block_on(graph.query(&question, &Parameters::default()))?;
            match result.rows() as u64 == expected {
                true => Ok(Seen { count: labels as u64, ..Seen::default() }),
                false => Err("the catalog is not whole".into()),
            }
        })
    };
    let count = format!("MATCH (t:T{}) RETURN t.k, count(*) AS n", labels - 1);
    let subjects = vec![
        ask("worldstore, labels shown", "SHOW NODE LABELS".to_owned(), labels as u64),
        ask("worldstore, first count over a label", count, PARTITIONS as u64),
    ];
    row("open a catalog of 1,000 labels and 10,000 partitions", 1, "op", subjects)
}

fn open(lake: &Path, stored: &Path, runtime: &Runtime) -> Result<Graph, Failure> {
    let files = Arc::new(SyncBackendAdapter::new(Arc::new(Local::open(lake)?)));
    let manifests =
        Manifests::open_or_create(Arc::new(Local::new(stored)?), Prefix::root(), ManifestOptions::default())?;
    let graph = Graph::new().with_mount("lake", files)?;
    Ok(runtime.block_on(graph.open_manifests(manifests))?)
}
