//! What a release asks of git, and does with it.

use std::path::Path;
use std::process::Command;

use super::version::Version;
use crate::failure::Result;
use crate::process;

/// Files that differ from the last commit, or are not in it and not ignored.
pub fn changed(root: &Path) -> Result<Vec<String>> {
    let lines = ask(root, &["status", "--porcelain", "--no-renames"])?;
    Ok(lines.lines().filter_map(|line| line.get(3..)).map(|path| path.trim_matches('"').to_owned()).collect())
}

/// The last commit.
pub fn head(root: &Path) -> Result<String> {
    ask(root, &["rev-parse", "HEAD"]).map(|hash| hash.trim().to_owned())
}

/// Whether the last commit is this one, or comes right after it.
pub fn is_at_or_after(root: &Path, commit: &str) -> Result<bool> {
    let hashes = ask(root, &["rev-list", "--max-count", "1", "--parents", "HEAD"])?;
    Ok(hashes.split_whitespace().any(|hash| hash == commit))
}

/// The highest version that has a tag among the ancestors of the last commit.
pub fn last_release(root: &Path) -> Result<Option<Version>> {
    let tags = ask(root, &["tag", "--list", "v*", "--merged", "HEAD"])?;
    Ok(tags.lines().filter_map(|tag| tag.strip_prefix('v')?.parse().ok()).max())
}

/// Whether a version has a tag, also elsewhere.
pub fn is_tagged(root: &Path, version: Version) -> Result<bool> {
    ask(root, &["tag", "--list", &version.tag()]).map(|tags| !tags.trim().is_empty())
}

/// Whether the tag of a version is at the last commit.
pub fn is_tagged_here(root: &Path, version: Version) -> Result<bool> {
    ask(root, &["tag", "--list", &version.tag(), "--points-at", "HEAD"]).map(|tags| !tags.trim().is_empty())
}

/// What a commit of all files would hold, also of those that are new: two trees with the same hash are the same. The index
/// for it lies where it is told; the one of the repository stays.
pub fn fingerprint(root: &Path, index: &Path) -> Result<String> {
    let mut hash = String::new();
    for arguments in [["read-tree", "HEAD"].as_slice(), &["add", "--all"], &["write-tree"]] {
        hash = process::capture("git", git(root).env("GIT_INDEX_FILE", index).args(arguments))?;
    }
    Ok(hash.trim().to_owned())
}

/// Writes the files of a tag into an empty folder, with an index of their own: the one of the repository stays.
pub fn export(root: &Path, tag: &str, folder: &Path) -> Result<()> {
    let index = folder.with_extension("index");
    let prefix = format!("--prefix={}/", folder.display());
    for arguments in [["read-tree", tag].as_slice(), &["checkout-index", "--all", "--force", &prefix]] {
        let mut command = git(root);
        process::capture("git", command.env("GIT_INDEX_FILE", &index).args(arguments))?;
    }
    Ok(())
}

/// A file of the last commit.
pub fn committed(root: &Path, file: &str) -> Result<String> {
    ask(root, &["show", &format!("HEAD:{file}")])
}

/// Commits all changes, if there are any.
pub fn commit(root: &Path, version: Version) -> Result<()> {
    if changed(root)?.is_empty() {
        return Ok(());
    }
    let message = format!("release {version}");
    process::capture("git commit", git(root).args(["commit", "--all", "--message", &message])).map(drop)
}

/// Tags the last commit. A tag of an earlier try is not made again; one at another commit is a failure.
pub fn tag(root: &Path, version: Version, notes: &str) -> Result<()> {
    if is_tagged_here(root, version)? {
        return Ok(());
    }
    // A heading is no comment.
    let message = format!("worldstore {version}\n\n{notes}");
    let arguments = ["tag", "--annotate", "--cleanup=whitespace", "--message", &message, &version.tag()];
    process::capture("git tag", git(root).args(arguments)).map(drop)
}

fn ask(root: &Path, arguments: &[&str]) -> Result<String> {
    process::capture("git", git(root).args(arguments))
}

fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(root);
    command
}

#[cfg(test)]
pub mod tests;
