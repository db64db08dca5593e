//! Where the workspace and its builds are, and what cargo knows about its packages.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::failure::{Context, Failure, Result};

/// The workspace that xtask belongs to.
pub struct Workspace {
    /// The folder of the root manifest.
    pub root: PathBuf,
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo about the workspace of this xtask, without the graph of foreign packages.
    pub fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let mut command = MetadataCommand::new();
        command.manifest_path(manifest).no_deps();
        let metadata = command.exec().during("asking cargo for its metadata")?;
        Ok(Self { root: metadata.workspace_root.clone().into_std_path_buf(), metadata })
    }

    /// The packages of the workspace, by name.
    pub fn packages(&self) -> Vec<&Package> {
        let mut packages = self.metadata.workspace_packages();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        packages
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// A folder below cargo's target folder, for what xtask keeps between runs. It need not exist.
    pub fn cache(&self, name: &str) -> PathBuf {
        self.metadata.target_directory.as_std_path().join("xtask").join(name)
    }

    /// What cargo has built without optimisation, below its folder for that.
    pub fn debug_build(&self, name: &str) -> PathBuf {
        self.metadata.target_directory.as_std_path().join("debug").join(name)
    }

    /// Keeps other runs of xtask from making the same part of the cache at the same time, until the file is dropped.
    pub fn lock(&self, name: &str) -> Result<File> {
        let folder = self.cache("locks");
        std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
        let path = folder.join(name);
        let file = File::create(&path).during(format_args!("making {}", path.display()))?;
        file.lock().during(format_args!("locking {}", path.display()))?;
        Ok(file)
    }

    /// A script or list that belongs to xtask.
    pub fn python_file(&self, name: &str) -> PathBuf {
        self.root.join("xtask").join("python").join(name)
    }

    /// The cargo that runs us, in the root folder. It does not see what cargo told us of our own package: build scripts
    /// of dependencies look at that, and would build DataFusion and Lance anew for every folder that xtask lies in.
    pub fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.command(cargo.as_ref())
    }

    /// Another program in the root folder, with the same environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_of_our_package) {
                command.env_remove(name);
            }
        }
        command
    }

    /// The files that git knows or would add, relative to the root, sorted. Deleted ones are left out.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .during("listing the files of the repository with git")?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("listing the files of the repository with git: {}", reason.trim())));
        }
        let names = String::from_utf8(output.stdout).during("reading the names of files")?;
        let mut files: Vec<PathBuf> = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }
}

/// True for the variables that `cargo run` sets for the package whose program it runs.
fn is_of_our_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| variable.starts_with(start))
        || matches!(variable, "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
}

#[cfg(test)]
mod tests;
