//! What a key stands for and what calls on it cost: told without I/O, from what the backend declares.

use super::scope::Kernel;
use crate::error::{Error, Result};
use crate::key::Prefix;
use crate::ops::Namespace;

/// Where a key leads to, and what each operation on it means there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolutionPlan {
    /// One word for the kind of backend: `memory`, `local`, `s3`.
    pub scheme: &'static str,
    /// The backend as it names itself in errors, without secrets.
    pub backend: String,
    /// Where the backend's root is, without secrets.
    pub root: String,
    /// The whole path below the backend's root; empty for the root itself.
    pub path: Prefix,
    /// A path of the file system for local files, a URI for everything else.
    pub native_path: String,
    /// Whether a name can be an object and a folder at once.
    pub namespace: Namespace,
    /// What a write that has returned survives: a power cut too, if true.
    pub durable: bool,
    /// What each operation is, in the order of [`Operation::ALL`].
    pub operations: Vec<OperationPlan>,
}

impl ResolutionPlan {
    /// What is said of one operation.
    pub fn operation(&self, operation: Operation) -> Option<&OperationPlan> {
        self.operations.iter().find(|plan| plan.operation == operation)
    }
}

/// What one operation is on one backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationPlan {
    /// Which one.
    pub operation: Operation,
    /// False if it is refused as `Unsupported` before any I/O.
    pub supported: bool,
    /// False if `IfAbsent` is refused; decided at publication otherwise.
    pub if_absent: bool,
    /// False if `IfMatch` is refused; decided at publication otherwise. For reads: that a version can be insisted on.
    pub if_match: bool,
    /// How many calls of the backend it takes.
    pub cost: Cost,
    /// What others can see of it while it runs.
    pub atomicity: Atomicity,
    /// What it sees of changes by others.
    pub consistency: Consistency,
}

/// The operations of a store that differ in cost or guarantees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Reading an object or parts of it.
    Read,
    /// Looking an object up.
    Head,
    /// Listing a folder.
    List,
    /// Writing an object, in whichever way.
    Write,
    /// Copying an object.
    Copy,
    /// Moving an object.
    Rename,
    /// Deleting an object.
    Delete,
    /// Deleting a folder with what is in it.
    DeleteFolder,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Read, Self::Head, Self::List, Self::Write, Self::Copy, Self::Rename, Self::Delete, Self::DeleteFolder];
}

/// How many calls of the backend an operation takes that succeeds. One that fails may take one more, to tell why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cost {
    /// One.
    One,
    /// Two: it looks first whether there is an object.
    Two,
    /// One for each page; with a bounded depth, for each page of each folder.
    PerPage,
    /// Two for each page: it is listed, and deleted.
    TwoPerPage,
}

/// What others can see of a change while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Atomicity {
    /// It changes nothing.
    ReadOnly,
    /// All of it or nothing.
    Whole,
    /// Each object wholly, one after the other.
    PerObject,
}

/// What an operation sees of changes by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// One state of the object, not older than the last change that had returned when it began.
    OneState,
    /// Each page by itself: what changes in between is in it or not.
    PerPage,
}

impl Kernel {
    /// Resolves a key or a folder. No I/O; a closed store answers too.
    ///
    /// # Errors
    /// `Invalid` for what is neither; the empty text is the root.
    pub fn resolve(&self, key: &str) -> Result<ResolutionPlan> {
        let path = self.folder(key)?;
        let info = self.info();
        Ok(ResolutionPlan {
            scheme: info.scheme,
            backend: self.backend.name.clone(),
            root: info.root.clone(),
            native_path: self.native(&path),
            path,
            namespace: info.namespace,
            durable: info.capability.durable,
            operations: Operation::ALL.iter().map(|operation| self.plan(*operation)).collect(),
        })
    }

    /// The path or URI of a key or a folder. No I/O; a closed store answers too.
    ///
    /// # Errors
    /// `Invalid` for what is neither; the empty text is the root.
    pub fn native_path(&self, key: &str) -> Result<String> {
        Ok(self.native(&self.folder(key)?))
    }

    /// The key that a [`native_path`](Self::native_path) belongs to. No I/O; a closed store answers too.
    ///
    /// # Errors
    /// `Invalid` for a path that is not below the root of the store, or no key.
    pub fn to_key(&self, native_path: &str) -> Result<String> {
        let outside = || {
            Error::invalid("path is not below the root of the store")
                .with("path", native_path)
                .with("root", self.native(&self.root))
        };
        let below = native_path.strip_prefix(&self.base()).ok_or_else(outside)?;
        let below = if below.is_empty() { below } else { below.strip_prefix('/').ok_or_else(outside)? };
        let path = if self.is_file_system() { below.to_owned() } else { decode(below).ok_or_else(outside)? };
        let path = Prefix::new(&path)?;
        Ok(self.relative_folder(&path).map_err(|_| outside())?.to_string())
    }

    fn native(&self, path: &Prefix) -> String {
        match (path.is_root(), self.is_file_system()) {
            (true, _) => self.base(),
            (false, true) => format!("{}/{path}", self.base()),
            (false, false) => format!("{}/{}", self.base(), encode(path.as_str())),
        }
    }

    /// The backend's root, without a slash at its end.
    fn base(&self) -> String {
        let info = self.info();
        let root = info.root.trim_end_matches('/');
        match self.is_file_system() {
            true => root.to_owned(),
            false => format!("{}://{root}", info.scheme),
        }
    }

    fn is_file_system(&self) -> bool {
        self.info().scheme == "local"
    }

    fn plan(&self, operation: Operation) -> OperationPlan {
        let can = self.info().capability;
        let (supported, if_absent, if_match) = match operation {
            Operation::Read => (true, false, can.versions),
            Operation::Head | Operation::List => (true, false, false),
            Operation::Write => (can.write, can.write && can.write_if_absent, can.write && can.write_if_match),
            Operation::Copy => {
                let copies = can.write && can.copy;
                (copies, copies && can.copy_if_absent, copies && can.copy_if_match)
            }
            Operation::Rename => {
                let renames = can.write && can.rename;
                (renames, renames && can.rename_if_absent, renames && can.rename_if_match)
            }
            Operation::Delete => (can.write, false, can.write && can.delete_if_match),
            Operation::DeleteFolder => (can.write, false, false),
        };
        let cost = match operation {
            Operation::List => Cost::PerPage,
            Operation::DeleteFolder => Cost::TwoPerPage,
            Operation::Delete if self.is_flat() => Cost::Two,
            _ => Cost::One,
        };
        let atomicity = match operation {
            Operation::Read | Operation::Head | Operation::List => Atomicity::ReadOnly,
            Operation::DeleteFolder => Atomicity::PerObject,
            _ => Atomicity::Whole,
        };
        let consistency = match operation {
            Operation::List | Operation::DeleteFolder => Consistency::PerPage,
            _ => Consistency::OneState,
        };
        OperationPlan { operation, supported, if_absent, if_match, cost, atomicity, consistency }
    }
}

/// Writes as `%XX` every byte that has a meaning in a URI, and what is not ASCII.
fn encode(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b'=' | b'+' | b',' => {
                text.push(char::from(byte));
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Undoes [`encode`]. None for a broken escape or what is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
