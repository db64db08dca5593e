//! The check: the root can be read, and what is declared works on its file system.

use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Key, Prefix, Result};

use crate::failure::Failure;
use crate::lookup::{Place, STAGING, links};
use crate::remote;
use crate::server::Inner;
use crate::session::Session;
use crate::stage::{Staged, unique_name};

/// Reads the root, and tries in the staging folder how names are given. A root that cannot be written is usable for
/// reading, and passes.
pub async fn check(inner: &Inner, session: Arc<Session>) -> Result<()> {
    match inner.root.look(&session, "", "check").await? {
        Place::Folder => {}
        Place::Link => return Err(links()),
        _ => return Err(Error::invalid("the root is not a folder")),
    }
    let root = session.open_folder(&inner.root.path("")).await;
    let root = root.map_err(|failure| failure.into_error("check"))?;
    session.read_folder(&root).await.map_err(|failure| failure.into_error("check"))?;
    if !inner.server.replaces {
        return Ok(());
    }
    let key = Prefix::new(STAGING)?.key("probe")?;
    match Staged::begin(inner, Arc::clone(&session), &key).await {
        Ok(staged) => names(inner, &session, staged, &key).await,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

async fn names(inner: &Inner, session: &Session, mut staged: Staged, key: &Key) -> Result<()> {
    staged.append(b"probe").await?;
    staged.seal(true).await?;
    let other = inner.root.path(&format!("{STAGING}/{}", unique_name()));
    let tried = async {
        if inner.server.links {
            session.link(&staged.path, &other).await.map_err(|failure| {
                let message = "the server's file system gives no file a second name";
                Error::unsupported(message).caused_by(failure.into_error("link"))
            })?;
            match session.link(&staged.path, &other).await {
                Err(Failure::Status { .. }) => {}
                Err(failure) => return Err(failure.into_error("link")),
                Ok(()) => return Err(Error::unsupported("the server links over a name that is taken")),
            }
            session.remove(&other).await.map_err(|failure| failure.into_error("check"))?;
        }
        session.replace(&staged.path, &other).await.map_err(|failure| failure.into_error("check"))
    };
    let tried = tried.await;
    session.post(remote::remove(&other));
    tried.map_err(|error| error.with("key", key))
}
