//! Types that callers use: the methods of each, wherever they are written down, have a mirror.

use super::shape::{self, Inherent, Method};
use super::{Sides, compare_methods, differ, finding, missing};
use crate::tidy::finding::Finding;
use crate::tidy::source::{Source, Sources};

/// Compares the public methods of each pair: names, order, arguments, results and docs.
///
/// A method is async exactly if its docs do not say that it does no I/O. So a method that only looks at what it knows
/// is called in the same way on both sides, and one that may wait cannot be forgotten.
pub fn check(sources: &Sources, sides: &Sides) -> Vec<Finding> {
    let Sides { sync_folder, async_folder, types: mirrored, .. } = sides;
    let (sync_methods, async_methods) = (methods(sources, sync_folder), methods(sources, async_folder));
    let of = |all: &[(&Source, Inherent)], name: &str| all.iter().any(|(_, (owner, _))| owner == name);
    let mut findings = Vec::new();
    for name in mirrored.iter().copied() {
        let mirror = format!("Async{name}");
        for (folder, missing) in [
            (*sync_folder, (!of(&sync_methods, name)).then_some(name)),
            (*async_folder, (!of(&async_methods, &mirror)).then_some(mirror.as_str())),
        ] {
            findings.extend(
                missing.map(|name| Finding::new("parity", folder, 0, format!("there is no type {name} with methods"))),
            );
        }
        if of(&sync_methods, name) && of(&async_methods, &mirror) {
            findings.extend(compare(&methods_of(&sync_methods, name), &methods_of(&async_methods, &mirror), &mirror));
        }
    }
    findings
}

fn methods<'a>(sources: &'a Sources, folder: &str) -> Vec<(&'a Source, Inherent)> {
    let files = sources.rust().filter(|file| file.path.starts_with(folder) && !file.is_test());
    let mut methods: Vec<_> =
        files.flat_map(|file| shape::public_methods(&file.text).into_iter().map(move |found| (file, found))).collect();
    // By file, so that the order can be compared; a stable sort keeps it within each.
    methods.sort_by(|(one, _), (other, _)| one.path.cmp(&other.path));
    methods
}

fn methods_of<'a>(all: &'a [(&'a Source, Inherent)], name: &str) -> Vec<(&'a Source, &'a Method)> {
    all.iter().filter(|(_, (owner, _))| owner == name).map(|(file, (_, method))| (*file, method)).collect()
}

/// Findings are at the async side, which follows.
fn compare(sync_side: &[(&Source, &Method)], async_side: &[(&Source, &Method)], mirror: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((first, _)) = async_side.first() else { return findings };
    for (_, method) in sync_side {
        match async_side.iter().find(|(_, other)| other.name == method.name) {
            Some((file, other)) => findings.extend(compare_methods(method, file, other, !method.says_no_io())),
            None => findings.push(finding(first, 0, missing(mirror, method))),
        }
    }
    for (file, method) in async_side {
        if !sync_side.iter().any(|(_, other)| other.name == method.name) {
            findings.push(finding(file, method.line, missing(mirror.trim_start_matches("Async"), method)));
        }
    }
    let order = |side: &[(&Source, &Method)]| shape::order(side.iter().map(|(_, method)| *method));
    if findings.is_empty() && order(sync_side) != order(async_side) {
        let message = differ(&format!("methods of {mirror} have another order"), &order(sync_side), &order(async_side));
        findings.push(finding(first, 0, message));
    }
    findings
}

#[cfg(test)]
mod tests;
