//! Worldstore: one label over the files.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;
use worldstore_async::SyncBackendAdapter;
use worldstore_core::{Local, Prefix};
use worldstore_graph::{Freshness, Graph, LocalFolders, Parameters};

use super::answer;
use super::questions::Question;
use crate::Failure;
use crate::measure::Seen;

/// How the graph knows its files.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// Every query lists.
    Listed,
    /// Every query asks for the times of folders.
    Folders,
    /// Nothing is asked.
    Pinned,
    /// As for [`Folders`](Self::Folders), and footers come from the stored catalog.
    StoredFolders,
    /// As for [`Pinned`](Self::Pinned), and files and footers come from the stored catalog.
    StoredPinned,
}

/// A graph that is open.
pub struct Ours {
    graph: Graph,
    stores: bool,
}

impl Ours {
    /// Makes the label.
    pub fn open(folder: &Path, how: How, runtime: &Runtime) -> Result<Self, Failure> {
        let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Local::open(folder)?)));
        let freshness = match how {
            How::Listed => Freshness::Listed,
            How::Folders | How::StoredFolders => Freshness::Folders(Arc::new(LocalFolders::new(folder))),
            How::Pinned | How::StoredPinned => Freshness::Pinned,
        };
        let mut graph = Graph::new().with_mount("lake", backend)?.with_freshness("lake", freshness);
        let stores = matches!(how, How::StoredFolders | How::StoredPinned);
        if stores {
            let beside = folder.with_extension("footers");
            let catalogs = Arc::new(SyncBackendAdapter::new(Arc::new(Local::new(beside)?)));
            graph = graph.with_footer_catalog(catalogs, Prefix::root());
        }
        let create = match folder.file_name().is_some_and(|name| name == "large") {
            true => {
                "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/day={day}' COMPUTE distance = sqrt(x * x + y * y)"
            }
            false => "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/p={p}'",
        };
        runtime.block_on(graph.query(create, &Parameters::default()))?;
        Ok(Self { graph, stores })
    }

    /// Asks, and checks that a count has read no data.
    pub fn ask(&self, runtime: &Runtime, question: &Question) -> Result<Seen, Failure> {
        let result = runtime.block_on(self.graph.query(question.cypher, &Parameters::default()))?;
        if question.cypher.contains("t.p") && result.io_stats.data_bytes > 0 {
            return Err("a count over partitions has read data".into());
        }
        if self.stores {
            runtime.block_on(self.graph.store_footers())?;
        }
        answer::of_batches(&result.batches)
    }
}
