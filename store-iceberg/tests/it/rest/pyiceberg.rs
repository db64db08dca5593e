//! A server whose requirements and changes are PyIceberg's, and PyIceberg as another client of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use worldstore_async::SyncBackendAdapter;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::table::conformance::check;
use worldstore_core::table::conformance::{Profile, Unsigned};
use worldstore_core::table::*;
use worldstore_core::{Local, Prefix};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

use crate::pyiceberg::python;
use crate::{ids, name, rows, schema};

struct Served {
    child: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Served {
    fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("data")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rest/server.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, folder, url: format!("http://127.0.0.1:{}", port.trim()) }
    }

    async fn open(&self, namespace: &str) -> IcebergTables {
        let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Local::new(self.folder.path().join("data")).unwrap())));
        let catalog = CatalogLocation::Rest(format!("rest+{}?namespace={namespace}", self.url));
        let config = IcebergConfig::new(catalog, format!("file://{}/data", self.folder.path().display()));
        IcebergTables::open(backend, config.with_prefix(Prefix::new(namespace).unwrap())).await.unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_a_server_of_pyiceberg() {
    let Some(python) = python() else { return };
    let served = Served::start(&python);
    let open = async |place: &str| {
        let namespace = place.replace(|letter: char| !letter.is_alphanumeric(), "_");
        Ok(Arc::new(served.open(&namespace).await) as Arc<dyn AsyncTableBackend>)
    };
    println!("{}", check(open, &Profile::format().with_unsigned(Unsigned::Half)).await.unwrap().into_result().unwrap());
}

#[tokio::test]
async fn pyiceberg_reads_and_appends_through_the_same_server() {
    let Some(python) = python() else { return };
    let served = Served::start(&python);
    let (tables, table) = (served.open("world").await, name("items"));
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows([0, 1])], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    let run = |script: &str| {
        let start = format!(
            "import pyarrow as pa\nfrom pyiceberg.catalog import load_catalog\n\
             table = load_catalog('x', type='rest', uri='{}').load_table('world.items')\n",
            served.url
        );
        let done = Command::new(&python).arg("-c").arg(start + script).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let all = "print(sorted(table.scan().to_arrow()['id'].to_pylist()), table.properties['worldstore.watermark'])";
    assert_eq!(run(all), "[0, 1] 1");
    run("row = {'id': [7], 'note': ['theirs'], 'big': [3]}\n\
         table.append(pa.Table.from_pydict(row, schema=table.schema().as_arrow()))");
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1, 7]);
    let _ = tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    tables.compact(&table, &CompactOptions::default()).await.unwrap();
    tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    tables.claim(4).await.unwrap();
    assert_eq!(run(all), "[0, 1, 2, 7] 2");
    assert_eq!(ids(&served.open("world").await, &table, &Scan::all()).await, [0, 1, 2, 7]);
}
