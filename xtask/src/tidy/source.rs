//! What the checks look at: the text files of the repository and the crates of the workspace.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_metadata::DependencyKind;

use crate::failure::{Context, Result};
use crate::workspace::Workspace;

/// A text file.
#[derive(Debug)]
pub struct Source {
    /// Relative to the root, with `/` on every system.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it holds only tests or benchmarks: there, length is no fault.
    pub fn is_test(&self) -> bool {
        let mut folders = self.path.split('/');
        folders.any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }
}

/// All files of the repository, the texts among them with what they say.
#[derive(Debug, Default)]
pub struct Sources {
    /// Files that are text, by path.
    pub files: Vec<Source>,
    /// Every file and every folder that holds one.
    pub paths: BTreeSet<String>,
}

impl Sources {
    /// Reads what git knows or would add. A file that is not UTF-8 is data, and only its path is kept.
    pub fn read(workspace: &Workspace) -> Result<Self> {
        let mut sources = Self::default();
        for file in workspace.files()? {
            let path = file.to_string_lossy().replace('\\', "/");
            let bytes = std::fs::read(workspace.root.join(&file)).during(format_args!("reading {path}"))?;
            sources.add(path, String::from_utf8(bytes).ok());
        }
        Ok(sources)
    }

    /// The files of Rust.
    pub fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.is_rust())
    }

    fn add(&mut self, path: String, text: Option<String>) {
        let folders = Path::new(&path).ancestors().map(|folder| folder.to_string_lossy().into_owned());
        self.paths.extend(folders);
        if let Some(text) = text {
            self.files.push(Source { path, text });
        }
    }
}

/// A crate of the workspace.
#[derive(Debug)]
pub struct Member {
    /// As in its manifest.
    pub name: String,
    /// Relative to the root; empty for the root's own package.
    pub folder: String,
    /// What it names under `[dependencies]`, optional ones included.
    pub imports: Vec<String>,
}

impl Member {
    /// All crates, by name.
    pub fn all(workspace: &Workspace) -> Vec<Self> {
        let of = |package: &cargo_metadata::Package| {
            let folder = package.manifest_path.parent().map(|folder| folder.as_std_path()).unwrap_or(&workspace.root);
            let folder = folder.strip_prefix(&workspace.root).unwrap_or(folder);
            let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
            Self {
                name: package.name.to_string(),
                folder: folder.to_string_lossy().replace('\\', "/"),
                imports: normal.map(|dependency| dependency.name.clone()).collect(),
            }
        };
        workspace.packages().into_iter().map(of).collect()
    }

    /// Its manifest, relative to the root.
    pub fn manifest(&self) -> String {
        self.file("Cargo.toml")
    }

    /// A file in its folder, relative to the root.
    pub fn file(&self, name: &str) -> String {
        match self.folder.is_empty() {
            true => name.to_owned(),
            false => format!("{}/{name}", self.folder),
        }
    }
}

#[cfg(test)]
impl Sources {
    /// Files for a test of a check.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            sources.add((*path).to_owned(), Some((*text).to_owned()));
        }
        sources
    }
}

#[cfg(test)]
impl Member {
    /// A crate for a test of a check.
    pub fn of(name: &str, folder: &str, imports: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            imports: imports.iter().map(|import| (*import).to_owned()).collect(),
        }
    }
}
