//! Where a release begins: anew, or where one broke off.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use super::state::{Progress, State};
use super::version::Version;
use super::{Options, date, git, order, tagged};
use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

/// The step after which nothing of a release is left to do but to publish it.
pub const TAGGED: &str = "tag";

/// The step after which nothing at all is left to do.
pub const PUBLISHED: &str = "publish";

/// Whether what was begun is done, and the call means another one. A tag that nothing was published of is done as well: what
/// is lost of it, the tag tells.
pub fn is_over(begun: &Progress, options: &Options) -> bool {
    match options.publish {
        Some(wanted) => begun.is_done(PUBLISHED) && wanted.to_string() != begun.to,
        None => begun.is_done(PUBLISHED) || (begun.is_done(TAGGED) && begun.published.is_empty()),
    }
}

/// A new release: from a clean tree, of a version that has no tag. One that has it, and is to be published, needs no more.
pub fn begun(workspace: &Workspace, options: &Options, state: &State) -> Result<Progress> {
    let changed = git::changed(&workspace.root)?;
    if let Some(first) = changed.first() {
        let message = format!("{} files differ from the last commit, as {first}: commit them first", changed.len());
        return Err(Failure::new(message));
    }
    let from = current(workspace)?;
    let to = options.level.map_or(from, |level| from.next(level));
    if let (Some(wanted), None) = (options.publish, options.level)
        && git::is_tagged(&workspace.root, wanted)?
    {
        return rebuilt(&workspace.root, wanted, state);
    }
    if git::is_tagged(&workspace.root, to)? {
        return Err(Failure::new(format!("{to} is released: say patch, minor or major")));
    }
    Ok(Progress {
        from: from.to_string(),
        to: to.to_string(),
        commit: git::head(&workspace.root)?,
        date: date::of(SystemTime::now()),
        tree: state.tree()?,
        done: Vec::new(),
        published: Vec::new(),
    })
}

/// A release whose state is lost, as by `cargo clean`: the tag says that all is done but to publish it.
fn rebuilt(root: &Path, version: Version, state: &State) -> Result<Progress> {
    tagged::ensure_here(root, version)?;
    Ok(Progress {
        from: version.to_string(),
        to: version.to_string(),
        commit: git::head(root)?,
        date: date::of(SystemTime::now()),
        tree: state.tree()?,
        done: vec![TAGGED.to_owned()],
        published: Vec::new(),
    })
}

/// A release that was begun, if it is the one that is asked for and nothing else came in between.
pub fn resumed(root: &Path, options: &Options, begun: Progress) -> Result<Progress> {
    let (from, to): (Version, Version) = (begun.from.parse()?, begun.to.parse()?);
    let other = options.level.is_some_and(|level| from.next(level) != to);
    if other {
        let message = format!("a release of {to} was begun: go on with it, or forget it with --restart");
        return Err(Failure::new(message));
    }
    if begun.is_done(TAGGED) && options.publish.is_none() {
        let count = begun.published.len();
        let message = format!(
            "{to} is published in part, {count} crates of it: `cargo xtask release --publish {to}` goes on, --restart forgets it"
        );
        return Err(Failure::new(message));
    }
    // The commit of the release itself may be there, and its tag not.
    if !begun.is_done(TAGGED) && !git::is_at_or_after(root, &begun.commit)? {
        let message =
            format!("there are commits since the release of {to} was begun: undo its changes, then --restart");
        return Err(Failure::new(message));
    }
    println!("going on with {to}, begun on {}", begun.date);
    Ok(begun)
}

/// The version that all published crates have.
pub fn current(workspace: &Workspace) -> Result<Version> {
    let published = workspace.packages().into_iter().filter(|package| order::is_published(package));
    let versions: BTreeSet<String> = published.map(|package| package.version.to_string()).collect();
    match versions.iter().collect::<Vec<_>>().as_slice() {
        [version] => version.parse(),
        _ => Err(Failure::new(format!("crates have versions of their own: {versions:?}; they are released together"))),
    }
}

#[cfg(test)]
mod tests;
