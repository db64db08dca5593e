//! The connection that all calls share: made again when it is lost, and what the server behind it can do.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use worldstore_core::{Capability, Error, ErrorKind, Result};

use crate::config::{MissingRoot, SftpConfig};
use crate::connect::connect;
use crate::failure::Failure;
use crate::lookup::Root;
use crate::remote::{COPY_DATA, FSYNC, HARDLINK, POSIX_RENAME};
use crate::session::Session;
use crate::wire::FileKind;

/// What the backend, its writers and its streams have in common.
#[derive(Debug)]
pub struct Inner {
    pub config: SftpConfig,
    pub root: Root,
    pub server: Server,
    current: Mutex<Option<Arc<Session>>>,
    is_swept: AtomicBool,
}

/// What the server was found to do when it was first connected to. It does not change later: what is declared must
/// stay true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// A file's name can be given in one step to another file.
    pub replaces: bool,
    /// A file can have a second name.
    pub links: bool,
    /// Bytes can be copied where they are.
    pub copies: bool,
    /// Files and folders can be synced.
    pub durable: bool,
}

impl Server {
    async fn find_out(session: &Session, root: &Root) -> Result<Self> {
        // Syncing the root changes nothing and shows whether folders can be synced at all.
        let durable = match session.has(FSYNC, "1") {
            false => false,
            true => match session.sync_folder(&root.path("")).await {
                Ok(()) => true,
                Err(Failure::Status { .. }) => false,
                Err(failure) => return Err(failure.into_error("connect")),
            },
        };
        Ok(Self { durable, ..Self::told_by(session) })
    }

    fn told_by(session: &Session) -> Self {
        Self {
            replaces: session.has(POSIX_RENAME, "1"),
            links: session.has(HARDLINK, "1"),
            copies: session.has(COPY_DATA, "1"),
            durable: session.has(FSYNC, "1"),
        }
    }

    /// True if it does all that another does.
    fn covers(&self, other: &Self) -> bool {
        (self.replaces || !other.replaces)
            && (self.links || !other.links)
            && (self.copies || !other.copies)
            && (self.durable || !other.durable)
    }

    pub fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        capability.write = self.replaces;
        capability.write_if_absent = self.replaces && self.links;
        capability.copy = self.replaces && self.copies;
        capability.copy_if_absent = capability.copy && self.links;
        capability.rename = self.replaces;
        // No request renames unless the name is taken. A link and a removal are two, and a writer comes in between.
        capability.rename_if_absent = false;
        capability.list_sorted = true;
        capability.durable = self.replaces && self.durable;
        capability
    }
}

impl Inner {
    pub async fn connect(config: SftpConfig) -> Result<Self> {
        let session = connect(&config).await?;
        let root = find_root(&session, &config).await;
        let root = root.map_err(|error| error.during("connect").with("root", &config.folder))?;
        let server = Server::find_out(&session, &root).await?;
        let current = Mutex::new(Some(session));
        Ok(Self { config, root, server, current, is_swept: AtomicBool::new(false) })
    }

    /// The connection, made again if it was lost.
    pub async fn session(&self) -> Result<Arc<Session>> {
        let mut current = self.current.lock().await;
        if let Some(session) = &*current
            && !session.is_closed()
        {
            return Ok(Arc::clone(session));
        }
        *current = None;
        let session = connect(&self.config).await?;
        if !Server::told_by(&session).covers(&self.server) {
            let message = "the server no longer does what it did when it was connected to first, open it anew";
            return Err(Error::new(ErrorKind::Poisoned, message));
        }
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Does what changes nothing; once more if the connection is lost on the way.
    pub async fn reading<T, Fut>(&self, operation: impl Fn(Arc<Session>) -> Fut) -> Result<T>
    where
        Fut: Future<Output = Result<T>>,
    {
        let session = self.session().await?;
        match operation(Arc::clone(&session)).await {
            Err(error) if error.kind() == ErrorKind::Unavailable && session.is_closed() => {
                operation(self.session().await?).await
            }
            done => done,
        }
    }

    /// True once: for whoever writes first.
    pub fn sweep_is_due(&self) -> bool {
        !self.is_swept.swap(true, Ordering::Relaxed)
    }
}

/// The root as the server resolves it: links on the way to it are followed, once and here only.
async fn find_root(session: &Session, config: &SftpConfig) -> Result<Root> {
    let folder = config.folder.as_str();
    if config.missing_root == MissingRoot::Create {
        for end in folder.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0).chain([folder.len()]) {
            match session.make_folder(&folder.as_bytes()[..end], config.folder_mode).await {
                // It is there, or the look below tells why not.
                Ok(()) | Err(Failure::Status { .. }) => {}
                Err(failure) => return Err(failure.into_error("connect")),
            }
        }
    }
    let missing = |failure: Failure| match failure.is_missing() {
        true => Error::not_found("there is no such folder on the server"),
        false => failure.into_error("connect"),
    };
    let path = session.real_path(folder.as_bytes()).await.map_err(missing)?;
    let attrs = session.lstat(&path).await.map_err(missing)?;
    match attrs.kind() {
        FileKind::Folder => Ok(Root::new(&path)),
        _ => Err(Error::invalid("the root is not a folder")),
    }
}

#[cfg(test)]
mod tests;
