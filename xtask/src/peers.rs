//! Peers to test against, and to be measured with, that are libraries: those in Python that have tables, and moto.

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

/// The interpreter with what Z-sets are measured against.
pub fn zset_python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "bench-zset", include_str!("../python/bench_zset.txt"), &[])
}

/// The interpreter that has the peers, which are installed if need be.
pub fn python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "peers", include_str!("../python/peers.txt"), &[])
}

/// The interpreter that has Daft, and the DuckDB that there are extensions for. They do not go with the others.
pub fn older_python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "peers-older", include_str!("../python/peers_older.txt"), &[])
}

/// The interpreter with what queries over files are measured against.
pub fn graph_python(workspace: &Workspace) -> Result<PathBuf> {
    python::environment(workspace, "bench-graph", include_str!("../python/bench_graph.txt"), &[])
}

/// What asks for a newer Python than the others.
const ARCHETYPE: &str = "archetype-ecs";
/// The oldest Python that it installs on.
const ARCHETYPE_OLDEST: (u32, u32) = (3, 12);

/// The interpreter with what tables are measured against. Without archetype, which is said, where that does not install.
pub fn bench_python(workspace: &Workspace) -> Result<PathBuf> {
    let all = include_str!("../python/bench.txt");
    python::environment_since(ARCHETYPE_OLDEST, workspace, "bench", all, &[]).or_else(|failure| {
        eprintln!("without {ARCHETYPE}: {failure}");
        let rest: String =
            all.lines().filter(|line| !line.starts_with(ARCHETYPE)).map(|line| format!("{line}\n")).collect();
        python::environment(workspace, "bench-rest", &rest, &[])
    })
}
