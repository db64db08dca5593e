//! What sets of features must not bring, however deep in their dependencies: as `xtask/features.toml` has it.

use super::finding::Finding;
use crate::failure::Result;
use crate::features;
use crate::workspace::Workspace;

/// Asks `cargo tree` about every set. Nothing is compiled.
pub fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for set in features::sets(workspace)?.into_iter().filter(|set| !set.absent.is_empty() || set.packages_max.is_some())
    {
        let broken = set.broken_by(&set.packages(workspace)?);
        findings.extend(broken.into_iter().map(|broken| Finding::new("trees", features::FILE, 0, broken)));
    }
    Ok(findings)
}
