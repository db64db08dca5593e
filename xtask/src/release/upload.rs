//! Uploads, crate by crate, and what is done about the answers of the registry.

use std::path::Path;

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::version::Version;
use super::{Release, archives, tagged};
use crate::failure::{Context, Failure, Result};
use crate::workspace::Workspace;
use crate::{process, protoc};

/// Uploads one crate, if the tree still is what is tagged. Cargo builds it from its archive before, and waits until the
/// registry shows it. One that was uploaded by a try whose answer was lost counts as published if its contents are ours.
pub fn one(release: &Release, name: &str) -> Result<()> {
    let to = release.to;
    tagged::ensure_tagged(&release.tree, &release.manifests(), to)?;
    let mut command = protoc::cargo(release.workspace)?;
    command.args(["publish", "--locked", "--package", name]);
    let (outcome, said) = process::overhear("cargo publish", &mut command)?;
    let Err(failure) = outcome else { return Ok(()) };
    let again = format!("`cargo xtask release --publish {to}` goes on with {name}");
    match Refusal::of(&said) {
        Refusal::There => ensure_ours(release, name),
        Refusal::TooMany => {
            Err(Failure::new(format!("the registry takes no more for now, see above until when: then {again}")))
        }
        Refusal::Other => {
            Err(Failure::new(format!("{failure}\nwhen that is mended, {again}")).with_exit_code(failure.exit_code))
        }
    }
}

/// Why the registry did not take a crate.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// It has that version.
    There,
    /// It had many from us: it takes more of them later.
    TooMany,
    Other,
}

impl Refusal {
    /// From the words of cargo, which looks into the index before, and of crates.io, which knows more than the index.
    fn of(said: &str) -> Self {
        if said.contains(" already exists on ") || said.contains(" is already uploaded") {
            Self::There
        } else if said.contains("429 Too Many Requests") || said.contains(" got 429") {
            Self::TooMany
        } else {
            Self::Other
        }
    }
}

/// Refuses a crate in the registry whose archive is not the one that the tag gives.
fn ensure_ours(release: &Release, name: &str) -> Result<()> {
    let to = release.to;
    let archive = archives::package_one(release.workspace, &release.tree, name, to)?;
    let ours = sum(&archive)?;
    let theirs = sum_in_registry(release.workspace, &release.folder.join("there"), name, to)?;
    if ours == theirs {
        println!("{name} {to} was there already, with our contents");
        return Ok(());
    }
    let message = format!(
        "the registry has another {name} {to} than the tag gives here: {theirs}, and not {ours} as {}. If the one there is good, as \
         one that another cargo packed, add {name} to `published` in {}",
        archive.display(),
        release.folder.join("state.json").display(),
    );
    Err(Failure::new(message))
}

/// The SHA-256 of a file.
fn sum(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).during(format_args!("reading {}", file.display()))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The SHA-256 of a crate in the registry: cargo writes it into the lock file of a package that needs this crate alone.
fn sum_in_registry(workspace: &Workspace, folder: &Path, name: &str, version: Version) -> Result<String> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).during(format_args!("removing {}", folder.display()))?;
    }
    let source = folder.join("src");
    std::fs::create_dir_all(&source).during(format_args!("making {}", source.display()))?;
    std::fs::write(source.join("lib.rs"), "").during(format_args!("writing into {}", source.display()))?;
    let manifest = format!(
        "[package]\nname = \"there\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{name} = \"={version}\"\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).during(format_args!("writing into {}", folder.display()))?;
    let mut command = workspace.cargo();
    process::capture("cargo generate-lockfile", command.current_dir(folder).arg("generate-lockfile"))?;
    let lock = folder.join("Cargo.lock");
    let text = std::fs::read_to_string(&lock).during(format_args!("reading {}", lock.display()))?;
    let lock: Table = text.parse().during(format_args!("reading {}", lock.display()))?;
    locked_sum(&lock, name, version).ok_or_else(|| Failure::new(format!("the registry has no sum of {name} {version}")))
}

/// What a lock file says of the contents of a crate.
fn locked_sum(lock: &Table, name: &str, version: Version) -> Option<String> {
    let version = version.to_string();
    let is = |package: &Value, key: &str, value: &str| package.get(key).and_then(Value::as_str) == Some(value);
    let mut packages = lock.get("package")?.as_array()?.iter();
    let package = packages.find(|package| is(package, "name", name) && is(package, "version", &version))?;
    Some(package.get("checksum")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
