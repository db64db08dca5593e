//! Worlds and contexts: whatever waits in them has a mirror in the module `blocking`, which waits for it.

mod surface;

use super::{doc, finding, missing};
use crate::tidy::finding::Finding;
use crate::tidy::parity::shape::Method;
use crate::tidy::source::{Source, Sources};
use surface::{Found, Kind, Surface};

const ASYNC_FOLDERS: [&str; 2] = ["src/world/", "src/context/"];
const BLOCKING_FOLDER: &str = "src/blocking/";

/// Types that must be there, with methods.
const MIRRORED: [&str; 5] = ["World", "Run", "View", "TickWriter", "StorageContext"];

/// Methods without a mirror: what they hand out is DataFusion's, or stands on it, and is async itself. Whoever does not
/// await reaches them through the async view, see `blocking::Mirror`. An entry that says nothing is a finding.
const WITHOUT_MIRROR: [(&str, &str); 7] = [
    ("World", "sql"),
    ("World", "graph"),
    ("View", "sql"),
    ("View", "sql_with"),
    ("View", "dataframe"),
    ("View", "sql_session"),
    ("View", "graph"),
];

/// Compares what users of worlds see with its mirror: types that have methods which wait, and what streams or futures are
/// part of.
///
/// - A method has the same name, arguments and result; `Async` in front of types is taken away.
/// - A mirror never awaits; what it waits for gives a `Result`, so that it can be refused in async code.
/// - `BoxStream<'static, T>` is `Box<dyn Iterator<Item = T> + Send>`, `BoxFuture<'_, T>` is `T`.
/// - The first paragraphs of the docs are equal.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let side = Surface::of(sources, &ASYNC_FOLDERS);
    let mirror = Surface::of(sources, &[BLOCKING_FOLDER]);
    let mut findings = Vec::new();
    for name in MIRRORED {
        for (surface, folder) in [(&side, ASYNC_FOLDERS[0]), (&mirror, BLOCKING_FOLDER)] {
            if surface.methods_of(name).next().is_none() {
                let message = format!("there is no type {name} with methods");
                findings.push(Finding::new("parity", folder, 0, message));
            }
        }
    }
    for name in side.exported.iter().filter(|name| waits(&side, name)) {
        findings.extend(compare_methods(name, &side, &mirror));
    }
    for found in side.others.iter().filter(|found| side.exported.contains(&found.name) && found.waits()) {
        findings.extend(compare_other(found, &mirror));
    }
    for name in mirror.exported.iter().filter(|name| side.exported.contains(*name) && !waits(&side, name)) {
        findings.extend(compare_methods(name, &side, &mirror));
    }
    findings.extend(stale(&side, &mirror));
    findings
}

/// Whether a type has methods that wait.
fn waits(side: &Surface, name: &str) -> bool {
    side.methods_of(name).any(|(_, method)| method.is_async)
}

/// Findings are at the mirror, which follows.
fn compare_methods(name: &str, side: &Surface, mirror: &Surface) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, method) in side.methods_of(name) {
        if WITHOUT_MIRROR.contains(&(name, method.name.as_str())) {
            continue;
        }
        if method.is_async && !method.gives_result {
            findings.push(finding(file, method.line, format!("`{}`: what waits gives a Result", method.name)));
        }
        match mirror.methods_of(name).find(|(_, other)| other.name == method.name) {
            Some((file, other)) => findings.extend(compare(method, file, other)),
            None => findings.push(Finding::new(
                "parity",
                BLOCKING_FOLDER,
                0,
                missing(&format!("the mirror of {name}"), method),
            )),
        }
    }
    for (file, other) in mirror.methods_of(name) {
        if !side.methods_of(name).any(|(_, method)| method.name == other.name) {
            findings.push(finding(file, other.line, missing(&format!("the async {name}"), other)));
        }
    }
    findings
}

fn compare(method: &Method, file: &Source, other: &Method) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |what: &str, async_side: &str, mirror: &str| {
        let message = differ(&format!("`{}`: {what}", method.name), async_side, mirror);
        findings.push(finding(file, other.line, message));
    };
    if waited_for(&method.signature) != other.signature {
        report("signatures differ", &method.written, &other.written);
    }
    if other.is_async {
        report("a mirror awaits nothing", &method.written, &other.written);
    }
    let (doc, other_doc) = (doc::first_paragraph(&method.doc), doc::first_paragraph(&other.doc));
    if doc != other_doc {
        report("first paragraphs of the docs differ", doc, other_doc);
    }
    findings
}

/// Compares an alias of a stream, a struct with a stream in it, or a trait whose methods give futures.
fn compare_other(found: &Found, mirror: &Surface) -> Vec<Finding> {
    let name = &found.name;
    let Some(other) = mirror.others.iter().find(|other| other.name == *name && mirror.exported.contains(name)) else {
        return vec![Finding::new("parity", BLOCKING_FOLDER, 0, format!("there is no {name}"))];
    };
    match (&found.kind, &other.kind) {
        (Kind::Alias(kind), Kind::Alias(other_kind)) | (Kind::Fields(kind), Kind::Fields(other_kind)) => {
            let differs = waited_for(kind) != *other_kind;
            let message = || differ(&format!("`{name}` differs"), kind, other_kind);
            differs.then(|| finding(other.file, other.line, message())).into_iter().collect()
        }
        (Kind::Trait(methods), Kind::Trait(other_methods)) => {
            let mut findings = Vec::new();
            for method in methods {
                match other_methods.iter().find(|other| other.name == method.name) {
                    Some(other_method) => findings.extend(compare(method, other.file, other_method)),
                    None => findings.push(finding(other.file, other.line, missing(name, method))),
                }
            }
            for method in other_methods.iter().filter(|other| !methods.iter().any(|each| each.name == other.name)) {
                findings.push(finding(other.file, method.line, missing(name, method)));
            }
            findings
        }
        _ => vec![finding(other.file, other.line, format!("`{name}` is something else on the other side"))],
    }
}

/// Entries of the list of exceptions that say nothing, or something wrong.
fn stale(side: &Surface, mirror: &Surface) -> Vec<Finding> {
    let there = |surface: &Surface, (name, method): &(&str, &str)| {
        surface.methods_of(name).any(|(_, found)| found.name == *method)
    };
    let stale = WITHOUT_MIRROR.iter().filter(|entry| !there(side, entry) || there(mirror, entry));
    stale
        .map(|(name, method)| {
            let message = format!("`{name}::{method}` is listed as without mirror: it is not there, or has one");
            Finding::new("parity", "xtask/src/tidy/parity/worlds.rs", 0, message)
        })
        .collect()
}

/// What is left of a type once somebody has waited for it.
fn waited_for(words: &str) -> String {
    let mut words = words.to_owned();
    for (stream, iterator, end) in
        [("BoxStream < ' static ,", "Box < dyn Iterator < Item =", "> + Send >"), ("BoxFuture < ' _ ,", "", "")]
    {
        if let Some((before, inner)) = words.split_once(stream) {
            // Both stand outermost, so that the last bracket is theirs.
            let inner = inner.strip_suffix('>').unwrap_or(inner).trim();
            let parts = [before.trim_end(), iterator, inner, end];
            words = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        }
    }
    words
}

/// A message with both sides below each other.
fn differ(what: &str, async_side: &str, mirror: &str) -> String {
    format!("{what}\n    async:    {async_side}\n    blocking: {mirror}")
}

#[cfg(test)]
mod tests;
