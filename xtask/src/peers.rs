//! Peers to test against that are libraries: those in Python that read our tables, and moto.

use std::path::PathBuf;

use crate::failure::Result;
use crate::python;
use crate::workspace::Workspace;

/// Through this variable tests find the interpreter that has the peers.
pub const PYTHON: &str = "WORLDSTORE_PYTHON";

/// Through this variable tests find the interpreter that has peers which ask for older packages.
pub const PYTHON_OLDER: &str = "WORLDSTORE_PYTHON_OLDER";

/// Through this variable measurements find the interpreter that has what they are compared with.
pub const PYTHON_BENCH: &str = "WORLDSTORE_PYTHON_BENCH";

/// The interpreter that has the peers of measurements, which are installed if need be.
pub fn bench_python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "peers-bench", include_str!("../python/peers_bench.txt"), &[])
}

/// The interpreter that has the peers, which are installed if need be.
pub fn python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "peers", include_str!("../python/peers.txt"), &[])
}

/// The interpreter that has Daft, and the DuckDB that there are extensions for. They do not go with the others.
pub fn older_python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "peers-older", include_str!("../python/peers_older.txt"), &[])
}
