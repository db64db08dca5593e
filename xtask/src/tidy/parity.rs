//! The sync and the async traits have one shape, and so have the types that callers use, there without a list of
//! exceptions. Worlds and their blocking mirrors have the same methods, but for a list that is checked itself.

mod doc;
mod shape;
mod types;
mod worlds;

use super::finding::Finding;
use super::source::{Source, Sources};
use shape::{Method, Shape};

/// Where the sides of something are, and what must be on both. Whatever else the async side calls `AsyncSomething` needs
/// its `Something` as well.
struct Sides {
    sync_folder: &'static str,
    async_folder: &'static str,
    traits: &'static [&'static str],
    types: &'static [&'static str],
}

/// Bytes and tables, and entities.
const SIDES: [Sides; 2] = [
    Sides {
        sync_folder: "store-core/src/",
        async_folder: "store-async/src/",
        traits: &["Backend", "Writer", "TableBackend"],
        types: &["Store", "AtomicWriter", "SeekReader"],
    },
    Sides {
        sync_folder: "adapters/ecs/src/",
        async_folder: "adapters/ecs/src/",
        traits: &["Storage"],
        types: &["Entities"],
    },
];

/// Compares traits, types that callers use, and worlds.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let mut findings: Vec<Finding> = SIDES.iter().flat_map(|sides| check_traits(sources, sides)).collect();
    findings.extend(SIDES.iter().flat_map(|sides| types::check(sources, sides)));
    findings.extend(worlds::check(sources));
    findings
}

/// Compares each pair: supertraits, methods in their order, arguments, types and docs.
///
/// Types are equal when the async one is the sync one with `Async` in front, as `AsyncChunks` and `Chunks`. A method is
/// async exactly if the sync one gives a `Result`: what cannot fail does no I/O and waits for nothing.
fn check_traits(sources: &Sources, sides: &Sides) -> Vec<Finding> {
    let Sides { sync_folder, async_folder, traits: mirrored, .. } = sides;
    let (sync_traits, async_traits) = (traits(sources, sync_folder), traits(sources, async_folder));
    let mut findings = Vec::new();
    for name in mirrored.iter().filter(|name| !sync_traits.iter().any(|(_, shape)| shape.name == **name)) {
        findings.push(Finding::new("parity", *sync_folder, 0, format!("there is no trait {name}")));
    }
    for (file, shape) in sync_traits.iter().filter(|(_, shape)| mirrored.contains(&shape.name.as_str())) {
        if !async_traits.iter().any(|(_, other)| other.mirrored_name() == Some(&shape.name)) {
            findings.push(finding(
                file,
                shape.line,
                format!("there is no trait Async{} in {async_folder}", shape.name),
            ));
        }
    }
    for (file, shape) in &async_traits {
        let Some(name) = shape.mirrored_name() else { continue };
        match sync_traits.iter().find(|(_, other)| other.name == *name) {
            Some((_, sync_shape)) => findings.extend(compare(sync_shape, file, shape)),
            None => findings.push(finding(file, shape.line, format!("there is no trait {name} in {sync_folder}"))),
        }
    }
    findings
}

fn traits<'a>(sources: &'a Sources, folder: &str) -> Vec<(&'a Source, Shape)> {
    let files = sources.rust().filter(|file| file.path.starts_with(folder) && !file.is_test());
    files.flat_map(|file| shape::public_traits(&file.text).into_iter().map(move |shape| (file, shape))).collect()
}

fn finding(file: &Source, line: usize, message: String) -> Finding {
    Finding::new("parity", &file.path, line, message)
}

/// Compares a trait with its mirror. Findings are at the async side, which follows.
fn compare(sync_shape: &Shape, file: &Source, async_shape: &Shape) -> Vec<Finding> {
    let mut findings = Vec::new();
    if sync_shape.bounds != async_shape.bounds {
        let message = differ("generics or supertraits differ", &sync_shape.bounds, &async_shape.bounds);
        findings.push(finding(file, async_shape.line, message));
    }
    if doc::first_paragraph(&sync_shape.doc) != doc::first_paragraph(&async_shape.doc) {
        let message = differ("first paragraphs of the docs differ", &sync_shape.doc, &async_shape.doc);
        findings.push(finding(file, async_shape.line, message));
    }
    if sync_shape.others != async_shape.others {
        let message = differ("associated types or constants differ", &sync_shape.others, &async_shape.others);
        findings.push(finding(file, async_shape.line, message));
    }
    for method in &sync_shape.methods {
        match async_shape.methods.iter().find(|other| other.name == method.name) {
            Some(other) => {
                let to_be_async = method.gives_result && !method.says_no_io();
                findings.extend(compare_methods(method, file, other, to_be_async));
            }
            None => findings.push(finding(file, async_shape.line, missing(&async_shape.name, method))),
        }
    }
    for method in &async_shape.methods {
        if !sync_shape.methods.iter().any(|other| other.name == method.name) {
            findings.push(finding(file, method.line, missing(&sync_shape.name, method)));
        }
    }
    if findings.is_empty() && sync_shape.order() != async_shape.order() {
        let message = differ("methods have another order", &sync_shape.order(), &async_shape.order());
        findings.push(finding(file, async_shape.line, message));
    }
    findings
}

fn missing(name: &str, method: &Method) -> String {
    format!("{name} has no `{}`; the other side has\n    {}", method.name, method.written)
}

/// Compares a method with its mirror, which is to be async or not.
fn compare_methods(method: &Method, file: &Source, other: &Method, to_be_async: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |what: &str, sync_side: &str, async_side: &str| {
        let message = differ(&format!("`{}`: {what}", method.name), sync_side, async_side);
        findings.push(finding(file, other.line, message));
    };
    if method.signature != other.signature {
        report("signatures differ", &method.written, &other.written);
    }
    if method.is_async || other.is_async != to_be_async {
        report("async is for what does I/O, and on one side", &method.written, &other.written);
    }
    if method.has_body != other.has_body {
        report("only one side has a default body", &method.written, &other.written);
    }
    if method.doc != other.doc {
        report("docs differ", &method.doc, &other.doc);
    }
    findings
}

/// A message with both sides below each other.
fn differ(what: &str, sync_side: &str, async_side: &str) -> String {
    format!("{what}\n    sync:  {sync_side}\n    async: {async_side}")
}

#[cfg(test)]
mod tests;
