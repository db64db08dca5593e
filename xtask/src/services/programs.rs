//! Where a server's program comes from: from the system where it has one, otherwise from a Debian package that is unpacked
//! below the target folder and changes nothing in the system.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use super::user::User;
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::workspace::Workspace;

/// Folders that hold servers and are often missing in `PATH`.
const FOLDERS: [&str; 6] =
    ["/usr/local/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/// A program that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The whole path.
    pub path: PathBuf,
    /// The unpacked packages that it is part of; none for one of the system.
    root: Option<PathBuf>,
}

impl Program {
    /// The program of the system, or else that of the Debian package, which is fetched if need be.
    pub fn get(workspace: &Workspace, name: &str, package: &str) -> Result<Self> {
        let of_system = match fetches_all() {
            true => None,
            false => folders(Path::new("/")).into_iter().map(|folder| folder.join(name)).find(|path| path.is_file()),
        };
        match of_system {
            // A link is followed, as the program finds what belongs to it from its own place.
            Some(path) => {
                let path = path.canonicalize().during(format_args!("looking for {name}"))?;
                Ok(Self { path, root: None })
            }
            None => {
                let root = debian::fetch(workspace, package).map_err(|failure| missing(name, package, &failure))?;
                Self::unpacked(root, name)
            }
        }
    }

    /// The same program where another user can run it: packages below a folder that is closed to others are linked into
    /// `folder`.
    pub fn open_to(&self, user: Option<&User>, folder: &Path) -> Result<Self> {
        let (Some(_), Some(root)) = (user, &self.root) else {
            return Ok(self.clone());
        };
        if root.ancestors().all(others_may_enter) {
            return Ok(self.clone());
        }
        let copy = folder.join("programs");
        link_tree(root, &copy)?;
        let inside = self.path.strip_prefix(root).during("looking for a program among its packages")?;
        Ok(Self { path: copy.join(inside), root: Some(copy) })
    }

    /// A file of the packages that the program is part of; none for a program of the system.
    pub fn part(&self, path: &str) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(path)).filter(|path| path.is_file())
    }

    /// What the program needs around it: where the libraries of its packages are.
    pub fn environment(&self) -> Vec<(String, String)> {
        let libraries = self.root.iter().flat_map(|root| library_folders(root));
        let folders: Vec<String> = libraries.map(|folder| folder.to_string_lossy().into_owned()).collect();
        match folders.is_empty() {
            true => Vec::new(),
            false => vec![("LD_LIBRARY_PATH".to_owned(), folders.join(":"))],
        }
    }

    /// A command that runs it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.envs(self.environment());
        command
    }

    /// The path as an argument or a word of a command.
    pub fn word(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn unpacked(root: PathBuf, name: &str) -> Result<Self> {
        let path = folders(&root).into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        let path = path.ok_or_else(|| Failure::new(format!("no {name} in {}", root.display())))?;
        Ok(Self { path, root: Some(root) })
    }
}

/// Whether programs of the system are left alone and all are fetched, as if it had none: to try just that.
pub fn fetches_all() -> bool {
    std::env::var_os("WORLDSTORE_XTASK_FETCH").is_some()
}

fn missing(name: &str, package: &str, failure: &Failure) -> Failure {
    Failure::new(format!("no {name} on this system, and none could be fetched ({failure}): install {package}"))
}

/// The folders with programs, best first: `PATH` only where `root` is that of the system.
fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if root == Path::new("/") {
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        folders.extend(FOLDERS.iter().map(PathBuf::from));
    }
    folders.extend(["usr/bin", "usr/sbin", "bin", "sbin"].iter().map(|folder| root.join(folder)));
    let versions = std::fs::read_dir(root.join("usr/lib/postgresql")).into_iter().flatten().flatten();
    let names = versions.filter_map(|entry| entry.file_name().into_string().ok());
    let postgres = newest_first(names.collect()).into_iter();
    folders.extend(postgres.map(|version| root.join("usr/lib/postgresql").join(version).join("bin")));
    folders
}

/// Versions such as `9.6` and `15`, the newest first.
fn newest_first(mut versions: Vec<String>) -> Vec<String> {
    versions.sort_by_cached_key(|version| std::cmp::Reverse(numbers(version)));
    versions
}

/// The numbers of the first version in a text: 9 and 2 in `OpenSSH_9.2p1 Debian-2`.
pub fn numbers(text: &str) -> Vec<u32> {
    let start = text.find(|letter: char| letter.is_ascii_digit()).unwrap_or(text.len());
    let digits = |letter: char| letter.is_ascii_digit() || letter == '.';
    let version = text[start..].split(|letter| !digits(letter)).next().unwrap_or_default();
    version.split('.').map_while(|number| number.parse().ok()).collect()
}

/// `usr/lib`, `lib`, and the folders named after the machine below them.
fn library_folders(root: &Path) -> Vec<PathBuf> {
    let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    let bases = [root.join("usr/lib"), root.join("lib")];
    let folders = bases.iter().flat_map(|base| [base.join(&machine), base.clone()]);
    folders.filter(|folder| folder.is_dir()).collect()
}

fn others_may_enter(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
}

/// Makes the same tree elsewhere, of the same files where that is possible, otherwise of copies.
fn link_tree(from: &Path, to: &Path) -> Result<()> {
    let attempt = format!("copying {} to {}", from.display(), to.display());
    std::fs::create_dir(to).during(&attempt)?;
    for entry in std::fs::read_dir(from).during(&attempt)? {
        let entry = entry.during(&attempt)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().during(&attempt)?;
        if kind.is_dir() {
            link_tree(&source, &target)?;
        } else if kind.is_symlink() {
            let leads_to = source.read_link().during(&attempt)?;
            std::os::unix::fs::symlink(leads_to, &target).during(&attempt)?;
        } else if std::fs::hard_link(&source, &target).is_err() {
            std::fs::copy(&source, &target).during(&attempt)?;
        }
    }
    Ok(())
}

/// The version that a program tells of itself when asked with `option`, wherever it writes it.
pub fn version(program: &Program, option: &str) -> Result<Vec<u32>> {
    let output = program.command().arg(option).output();
    let output = output.during(format_args!("asking {} for its version", program.path.display()))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // An older sshd says first that it does not know the option.
    let line = said.lines().find(|line| !numbers(line).is_empty()).unwrap_or_default();
    Ok(numbers(line))
}

/// Runs a program once, before its server starts.
pub fn run_once(what: &str, program: &Program, arguments: &[&str]) -> Result<()> {
    process::capture(what, program.command().args(arguments)).map(drop)
}

#[cfg(test)]
impl Program {
    /// A program of the system, for a test; it need not exist.
    pub fn of_system(path: &str) -> Self {
        Self { path: PathBuf::from(path), root: None }
    }
}

#[cfg(test)]
mod tests;
