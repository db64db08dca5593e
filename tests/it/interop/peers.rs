//! The other programs: Python environments that `cargo xtask test` makes, and the scripts beside this file.

use std::path::{Path, PathBuf};
use std::process::Command;

use worldstore::arrow::array::RecordBatch;
use worldstore::arrow::datatypes::SchemaRef;
use worldstore::arrow::ipc::writer::StreamWriter;

/// Programs that go together in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// pylance, LanceDB, PyIceberg, DuckDB.
    Newest,
    /// Daft, which asks for older packages, and the DuckDB that there are extensions for.
    Older,
}

impl Group {
    fn variable(self) -> &'static str {
        match self {
            Self::Newest => "WORLDSTORE_PYTHON",
            Self::Older => "WORLDSTORE_PYTHON_OLDER",
        }
    }

    /// The interpreter. Without one the test is skipped, loudly, but never where everything must run.
    pub fn python(self) -> Option<PathBuf> {
        variable(self.variable()).map(PathBuf::from)
    }
}

/// A PostgreSQL server for catalogs, or a loud skip.
#[cfg(feature = "iceberg")]
pub fn postgres() -> Option<String> {
    variable("WORLDSTORE_TEST_POSTGRES_URL")
}

#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{name} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {name} is not set, no other program looks at our tables: run cargo xtask test");
            None
        }
    }
}

/// Runs a script that lies beside this file, and returns what it prints. If it fails the test does.
pub fn run(python: &Path, script: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/interop");
    let mut command = Command::new(python);
    // Nothing is written beside the scripts, and nobody is asked for extensions or told of the use.
    command.arg("-B").arg(folder.join(script)).args(arguments).env("DO_NOT_TRACK", "1");
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} {arguments:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Writes rows where a script finds them.
pub fn save(path: &Path, schema: &SchemaRef, rows: &[RecordBatch]) {
    let mut writer = StreamWriter::try_new(std::fs::File::create(path).unwrap(), schema).unwrap();
    rows.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}
