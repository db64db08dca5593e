//! The requests of the protocol as functions: paths in, typed answers out.

use bytes::Bytes;

use crate::failure::{Answer, Failure};
use crate::session::{Handle, Pending, Session};
use crate::wire::{self, Attrs, Entry, Reply, Request, kind};

/// Bytes of one read or write, unless the server names a limit: every server takes so many.
const CHUNK_BYTES_SAFE: u64 = 32 << 10;
/// Bytes of one read or write at most: a packet of 256 KiB less what goes around them.
const CHUNK_BYTES_MAX: u64 = 255 << 10;

/// Parts with fewer bytes are copied out of what came in.
const OWN_BYTES: usize = 64 << 10;

pub const FSYNC: &str = "fsync@openssh.com";
pub const POSIX_RENAME: &str = "posix-rename@openssh.com";
pub const HARDLINK: &str = "hardlink@openssh.com";
pub const COPY_DATA: &str = "copy-data";
pub const STATVFS: &str = "statvfs@openssh.com";
pub const LIMITS: &str = "limits@openssh.com";

/// How much a server takes in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub read_bytes: u64,
    pub write_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { read_bytes: CHUNK_BYTES_SAFE, write_bytes: CHUNK_BYTES_SAFE }
    }
}

/// What a server tells of a file system.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    pub blocks_available: u64,
    pub files_available: u64,
    pub is_read_only: bool,
    /// Tells file systems of one server apart.
    pub id: u64,
}

impl Session {
    async fn done(&self, request: Request) -> Answer<()> {
        match self.request(request).await? {
            Reply::Status { .. } => Ok(()),
            _ => Err(self.garbled("a status was expected")),
        }
    }

    /// A server that answers something else than what was asked is not to be relied on.
    fn garbled(&self, what: &'static str) -> Failure {
        self.close();
        Failure::Garbled(what)
    }

    async fn attrs(&self, request: Request) -> Answer<Attrs> {
        match self.request(request).await? {
            Reply::Attrs(attrs) => Ok(attrs),
            _ => Err(self.garbled("attributes were expected")),
        }
    }

    async fn handle(&self, request: Request) -> Answer<Handle> {
        match self.request(request).await? {
            Reply::Handle(handle) => Ok(handle),
            _ => Err(self.garbled("a handle was expected")),
        }
    }

    /// Attributes of what the path names, not of where a link leads.
    pub async fn lstat(&self, path: &[u8]) -> Answer<Attrs> {
        self.attrs(Request::new(kind::LSTAT).bytes(path)).await
    }

    pub async fn fstat(&self, file: &Handle) -> Answer<Attrs> {
        self.attrs(Request::new(kind::FSTAT).bytes(file.id())).await
    }

    pub async fn open_to_read(&self, path: &[u8]) -> Answer<Handle> {
        self.handle(Request::new(kind::OPEN).bytes(path).u32(wire::flags::READ).u32(0)).await
    }

    /// Makes a file that must not exist, not even as a link.
    pub async fn create(&self, path: &[u8], mode: u32) -> Answer<Handle> {
        let flags = wire::flags::WRITE | wire::flags::CREATE | wire::flags::EXCLUSIVE;
        self.handle(Request::new(kind::OPEN).bytes(path).u32(flags).mode(mode)).await
    }

    pub async fn open_folder(&self, path: &[u8]) -> Answer<Handle> {
        self.handle(Request::new(kind::OPENDIR).bytes(path)).await
    }

    pub async fn close_handle(&self, mut handle: Handle) -> Answer<()> {
        let request = Request::new(kind::CLOSE).bytes(handle.id());
        let pending = self.send(request).await?;
        handle.disarm();
        self.answer(pending).await.map(|_| ())
    }

    /// Some more entries of a folder, in no order; none at its end.
    pub async fn read_folder(&self, folder: &Handle) -> Answer<Option<Vec<Entry>>> {
        match self.request(Request::new(kind::READDIR).bytes(folder.id())).await {
            Ok(Reply::Names(entries)) => Ok(Some(entries)),
            Ok(_) => Err(self.garbled("names were expected")),
            Err(failure) if failure.is_eof() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// At most so many bytes, and fewer only if the server likes; none at the end of the file.
    pub async fn read_some(&self, file: &Handle, offset: u64, length: u64) -> Answer<Bytes> {
        let request = Request::new(kind::READ).bytes(file.id()).u64(offset).u32(length as u32);
        match self.request(request).await {
            // A small part on its own would keep the whole buffer in which it came.
            Ok(Reply::Data(data)) if data.len() as u64 <= length => Ok(match data.len() < OWN_BYTES {
                true => Bytes::copy_from_slice(&data),
                false => data,
            }),
            Ok(Reply::Data(_)) => Err(self.garbled("more bytes came than were asked for")),
            Ok(_) => Err(self.garbled("data was expected")),
            Err(failure) if failure.is_eof() => Ok(Bytes::new()),
            Err(failure) => Err(failure),
        }
    }

    /// Sends bytes to be written. The answer tells whether they were.
    pub async fn send_write(&self, file: &Handle, offset: u64, bytes: &[u8]) -> Answer<Pending> {
        self.send(Request::new(kind::WRITE).bytes(file.id()).u64(offset).bytes(bytes)).await
    }

    pub async fn remove(&self, path: &[u8]) -> Answer<()> {
        self.done(remove(path)).await
    }

    pub async fn make_folder(&self, path: &[u8], mode: u32) -> Answer<()> {
        self.done(Request::new(kind::MKDIR).bytes(path).mode(mode)).await
    }

    pub async fn remove_folder(&self, path: &[u8]) -> Answer<()> {
        self.done(Request::new(kind::RMDIR).bytes(path)).await
    }

    /// The path without links and dots, as the server resolves it.
    pub async fn real_path(&self, path: &[u8]) -> Answer<Bytes> {
        match self.request(Request::new(kind::REALPATH).bytes(path)).await? {
            Reply::Names(mut names) if names.len() == 1 => Ok(names.remove(0).name),
            _ => Err(self.garbled("one name was expected")),
        }
    }

    /// Gives a file another name, in one step, also if there is a file of that name: it is replaced.
    pub async fn replace(&self, from: &[u8], to: &[u8]) -> Answer<()> {
        self.done(Request::extended(POSIX_RENAME).bytes(from).bytes(to)).await
    }

    /// Gives a file a second name, unless the name is taken.
    pub async fn link(&self, from: &[u8], to: &[u8]) -> Answer<()> {
        self.done(Request::extended(HARDLINK).bytes(from).bytes(to)).await
    }

    pub async fn sync(&self, file: &Handle) -> Answer<()> {
        self.done(Request::extended(FSYNC).bytes(file.id())).await
    }

    /// Syncs a file that is not open.
    pub async fn sync_file(&self, path: &[u8]) -> Answer<()> {
        let file = self.open_to_read(path).await?;
        self.sync(&file).await
    }

    /// Syncs a folder: a server on a Unix system opens one like a file.
    pub async fn sync_folder(&self, path: &[u8]) -> Answer<()> {
        self.sync_file(path).await
    }

    /// Copies bytes from one file to another where they are.
    pub async fn copy_data(&self, from: &Handle, offset: u64, length: u64, to: &Handle) -> Answer<()> {
        let request = Request::extended(COPY_DATA).bytes(from.id()).u64(offset).u64(length);
        self.done(request.bytes(to.id()).u64(offset)).await
    }

    /// How much room there is, if the server tells.
    pub async fn space(&self, path: &[u8]) -> Answer<Option<Space>> {
        if !self.has(STATVFS, "2") {
            return Ok(None);
        }
        let Reply::Extended(mut data) = self.request(Request::extended(STATVFS).bytes(path)).await? else {
            return Err(self.garbled("the state of a file system was expected"));
        };
        let mut fields = [0; 11];
        for field in &mut fields {
            *field = wire::get_u64(&mut data).map_err(|what| self.garbled(what))?;
        }
        let [_, _, _, _, blocks_available, _, _, files_available, id, flags, _] = fields;
        Ok(Some(Space { blocks_available, files_available, is_read_only: flags & 1 != 0, id }))
    }

    /// What the server takes in one request.
    pub async fn ask_limits(&self) -> Answer<Limits> {
        let mut limits = [0; 4];
        if self.has(LIMITS, "1") {
            let Reply::Extended(mut data) = self.request(Request::extended(LIMITS)).await? else {
                return Err(self.garbled("limits were expected"));
            };
            for limit in &mut limits {
                *limit = wire::get_u64(&mut data).map_err(|what| self.garbled(what))?;
            }
        }
        let chunk = |limit: u64| if limit == 0 { CHUNK_BYTES_SAFE } else { limit.min(CHUNK_BYTES_MAX) };
        let [_, read_bytes, write_bytes, _] = limits;
        Ok(Limits { read_bytes: chunk(read_bytes), write_bytes: chunk(write_bytes) })
    }
}

/// The request that removes a file, for those who cannot wait for its answer.
pub fn remove(path: &[u8]) -> Request {
    Request::new(kind::REMOVE).bytes(path)
}
