//! The changelog: what was not released becomes a section with version and date.

use super::version::Version;
use crate::failure::{Failure, Result};

const UNRELEASED: &str = "## Unreleased";

/// The changelog with the section of a version. One that has that section already stays as it is.
pub fn cut(text: &str, version: Version, date: &str) -> Result<String> {
    if section(text, version).is_some() {
        return Ok(text.to_owned());
    }
    let Some((before, after)) = text.split_once(&format!("{UNRELEASED}\n")) else {
        return Err(Failure::new(format!("CHANGELOG.md has no section `{UNRELEASED}`")));
    };
    let end = after.find("\n## ").map_or(after.len(), |at| at + 1);
    if !after[..end].lines().any(|line| line.starts_with("- ")) {
        let message = format!("CHANGELOG.md says nothing under `{UNRELEASED}`: there is nothing to release");
        return Err(Failure::new(message));
    }
    Ok(format!("{before}{UNRELEASED}\n\n## {version} - {date}\n{after}"))
}

/// What it says about a version, without the heading.
pub fn section(text: &str, version: Version) -> Option<&str> {
    let heading = format!("## {version} - ");
    let start = text.lines().find(|line| line.starts_with(&heading))?;
    let after = text.split_once(start)?.1;
    Some(after.split("\n## ").next().unwrap_or(after).trim())
}

#[cfg(test)]
mod tests;
