//! How far a release has come: kept in a file below the target folder, so that it goes on where it broke off.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::git;
use crate::failure::{Context, Failure, Result};

/// What has been done for one release. It is written after each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The version before.
    pub from: String,
    /// The version that is made.
    pub to: String,
    /// The commit that it began with.
    pub commit: String,
    /// The date in the changelog, which does not change when a release takes longer than a day.
    pub date: String,
    /// What the tree was after the last step, as git sees it.
    pub tree: String,
    /// Steps that are done, by name.
    pub done: Vec<String>,
    /// Crates that are in the registry.
    pub published: Vec<String>,
}

/// The place of the file, and of the tree that it tells of.
pub struct State {
    path: PathBuf,
    root: PathBuf,
}

impl State {
    /// In a folder, which need not exist.
    pub fn new(folder: &Path, root: &Path) -> Self {
        Self { path: folder.join("state.json"), root: root.to_owned() }
    }

    /// What the tree is now.
    pub fn tree(&self) -> Result<String> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).during(format_args!("making {}", folder.display()))?;
        git::fingerprint(&self.root, &folder.join("index"))
    }

    /// The release that was begun, if one was.
    pub fn read(&self) -> Result<Option<Progress>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&self.path).during(format_args!("reading {}", self.path.display()))?;
        serde_json::from_str(&text).map(Some).during(format_args!("reading {}", self.path.display()))
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, progress: &Progress) -> Result<()> {
        let text = serde_json::to_string_pretty(progress).during("writing the state of the release")?;
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).during(format_args!("making {}", folder.display()))?;
        let new = self.path.with_extension("json.new");
        std::fs::write(&new, text).during(format_args!("writing {}", new.display()))?;
        std::fs::rename(&new, &self.path).during(format_args!("writing {}", self.path.display()))
    }

    /// Forgets it.
    pub fn remove(&self) -> Result<()> {
        match self.path.exists() {
            true => std::fs::remove_file(&self.path).during(format_args!("removing {}", self.path.display())),
            false => Ok(()),
        }
    }
}

impl Progress {
    /// Whether a step is done.
    pub fn is_done(&self, name: &str) -> bool {
        self.done.iter().any(|done| done == name)
    }

    /// Runs a step that was not done yet and notes it. A failure leaves the state as it was: the step runs again. What was
    /// done before is worth nothing in another tree, so nobody may change it: neither before nor while the step runs.
    pub fn step(&mut self, state: &State, name: &str, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.change(state, name, |progress| {
            step(progress)?;
            progress.ensure_same_tree(state)
        })
    }

    /// The same for a step that changes the tree.
    pub fn change(&mut self, state: &State, name: &str, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.is_done(name) {
            println!("== {name}: done before");
            return Ok(());
        }
        println!("== {name}");
        self.ensure_same_tree(state)?;
        step(self)?;
        self.tree = state.tree()?;
        self.done.push(name.to_owned());
        state.write(self)
    }

    fn ensure_same_tree(&self, state: &State) -> Result<()> {
        if state.tree()? == self.tree {
            return Ok(());
        }
        let last = self.done.last().map_or("begin", String::as_str);
        let message = format!(
            "the tree is not what it was after the step `{last}`: undo what came after, or all of the release and then --restart"
        );
        Err(Failure::new(message))
    }

    /// Publishes what is not published yet, in the order given, and notes each crate.
    pub fn publish(&mut self, state: &State, order: &[String], mut one: impl FnMut(&str) -> Result<()>) -> Result<()> {
        for (number, name) in (1..).zip(order) {
            if self.published.contains(name) {
                println!("{name}: published before");
                continue;
            }
            println!("{name}: {number} of {}", order.len());
            one(name)?;
            self.published.push(name.clone());
            state.write(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
