//! The name of a crate follows from its folder, so that either is found from the other.

use super::finding::Finding;
use super::source::Member;

/// `store-core` holds `worldstore-core`, `graph` and `adapters/sled` hold `worldstore-graph` and `worldstore-sled`, the
/// root holds `worldstore`, and `xtask` itself. `graph/runtime` holds `worldstore-cypher-runtime`. A `derive` in a crate's
/// folder is that crate's derive macro.
pub fn check(members: &[Member]) -> Vec<Finding> {
    let wrong = members.iter().filter(|member| member.name != name_of(&member.folder));
    wrong.map(|member| finding(member, &name_of(&member.folder))).collect()
}

fn finding(member: &Member, right: &str) -> Finding {
    let message = format!("the crate is called {}, its folder asks for {right}", member.name);
    Finding::new("folders", member.manifest(), 0, message)
}

fn name_of(folder: &str) -> String {
    match folder.rsplit('/').next().unwrap_or_default() {
        "" => "worldstore".to_owned(),
        "xtask" => "xtask".to_owned(),
        "derive" => format!("{}-derive", name_of(folder.trim_end_matches("/derive"))),
        // `worldstore-runtime` would not say what it runs.
        "runtime" => "worldstore-cypher-runtime".to_owned(),
        last => format!("worldstore-{}", last.strip_prefix("store-").unwrap_or(last)),
    }
}

#[cfg(test)]
mod tests;
