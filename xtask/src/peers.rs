//! Peers to test against that are libraries: those in Python that read our tables, and moto.

use std::path::PathBuf;

use crate::failure::Result;
use crate::python;
use crate::workspace::Workspace;

/// Through this variable tests find the interpreter that has the peers.
pub const PYTHON: &str = "WORLDSTORE_PYTHON";

/// The interpreter that has the peers, which are installed if need be.
pub fn python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "peers", include_str!("../python/peers.txt"), &[])
}
