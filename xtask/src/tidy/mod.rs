//! `cargo xtask tidy`: what the compiler does not check. Each check is one file with one function that gives findings.

mod binary;
mod events;
mod features;
mod finding;
mod folders;
mod headers;
mod imports;
mod leftovers;
mod links;
mod manifests;
mod parity;
mod sizes;
mod source;
mod trees;

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;
use finding::Finding;
use source::{Member, Sources};

/// Runs all checks and prints every finding; any of them fails the task.
pub fn run(workspace: &Workspace) -> Result<()> {
    let sources = Sources::read(workspace)?;
    let members = Member::all(workspace);
    let mut findings = check_texts(&sources);
    findings.extend(folders::check(&members));
    findings.extend(imports::check(&members));
    findings.extend(manifests::check(&members, &sources));
    findings.extend(trees::check(workspace)?);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} crates, {} files, nothing found", members.len(), sources.files.len());
            Ok(())
        }
        count => Err(Failure::new(format!("tidy has {count} finding{}", if count == 1 { "" } else { "s" }))),
    }
}

/// The checks that need nothing but the text of files.
fn check_texts(sources: &Sources) -> Vec<Finding> {
    let checks = [
        binary::check,
        events::check,
        features::check,
        headers::check,
        leftovers::check,
        links::check,
        parity::check,
        sizes::check,
    ];
    checks.iter().flat_map(|check| check(sources)).collect()
}
