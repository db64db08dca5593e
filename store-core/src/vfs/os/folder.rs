//! Open folders of the operating system: nothing is followed, and nothing leads out of them.

use std::fs::File as StdFile;
use std::io::Result;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, linkat, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::super::{Entry, Folder, Kind, Stat};
use super::file::{OsFile, try_lock};
use super::{kind_of, stat_of};

/// An open folder.
#[derive(Debug)]
pub struct OsFolder(StdFile);

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::RDONLY);
/// Opening a pipe does not wait for its other end.
const READ: OFlags = OFlags::CLOEXEC.union(OFlags::RDONLY).union(OFlags::NONBLOCK);
const WRITE: OFlags = OFlags::CLOEXEC.union(OFlags::RDWR).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);
const CREATE: OFlags = OFlags::CLOEXEC.union(OFlags::RDWR).union(OFlags::CREATE).union(OFlags::EXCL);
/// To be looked at, not to be read: that takes the system half the time, and no right to read.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LOOK: OFlags = OFlags::CLOEXEC.union(OFlags::PATH).union(OFlags::NOFOLLOW);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const LOOK: OFlags = READ.union(OFlags::NOFOLLOW);

const FILE_MODE: Mode = Mode::from_raw_mode(0o600);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);

impl OsFolder {
    fn new(folder: OwnedFd) -> Self {
        Self(folder.into())
    }

    /// Opens a folder by a path from anywhere, with the links in it.
    pub(super) fn open_root(path: &Path) -> Result<Self> {
        Ok(Self::new(retry_on_intr(|| openat(CWD, path, FOLDER, Mode::empty()))?))
    }

    #[cfg(target_os = "linux")]
    fn open_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd> {
        use rustix::fs::{ResolveFlags, openat2};
        expect_segments(path)?;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match retry_on_intr(|| openat2(&self.0, path, flags, Mode::empty(), beneath)) {
            Err(Errno::NOSYS) => self.walk_below(path, flags),
            opened => Ok(opened?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd> {
        expect_segments(path)?;
        self.walk_below(path, flags)
    }

    /// Opens segment by segment, following no link: for systems without a call that does it at once.
    pub(super) fn walk_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd> {
        let mut folder: Option<OwnedFd> = None;
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            let flags = if segments.peek().is_some() { FOLDER } else { flags };
            let above = folder.as_ref().map_or_else(|| self.0.as_fd(), AsFd::as_fd);
            folder = Some(retry_on_intr(|| openat(above, segment, flags | OFlags::NOFOLLOW, Mode::empty()))?);
        }
        folder.ok_or_else(|| Errno::INVAL.into())
    }
}

impl Folder for OsFolder {
    type File = OsFile;

    fn reopen(&self) -> Result<Self> {
        Ok(Self::new(retry_on_intr(|| openat(&self.0, ".", FOLDER, Mode::empty()))?))
    }

    fn open_folder(&self, path: &str) -> Result<Self> {
        self.open_below(path, FOLDER).map(Self::new)
    }

    fn make_folder(&self, name: &str) -> Result<()> {
        Ok(mkdirat(&self.0, single(name)?, FOLDER_MODE)?)
    }

    fn remove_folder(&self, name: &str) -> Result<()> {
        Ok(unlinkat(&self.0, single(name)?, AtFlags::REMOVEDIR)?)
    }

    fn open(&self, path: &str) -> Result<OsFile> {
        self.open_below(path, READ).map(OsFile::new)
    }

    fn open_writable(&self, name: &str) -> Result<OsFile> {
        let name = single(name)?;
        Ok(OsFile::new(retry_on_intr(|| openat(&self.0, name, WRITE, Mode::empty()))?))
    }

    fn create(&self, name: &str) -> Result<OsFile> {
        let name = single(name)?;
        Ok(OsFile::new(retry_on_intr(|| openat(&self.0, name, CREATE, FILE_MODE))?))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn create_unnamed(&self) -> Result<OsFile> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        Ok(OsFile::new(retry_on_intr(|| openat(&self.0, ".", flags, FILE_MODE))?))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn create_unnamed(&self) -> Result<OsFile> {
        Err(Errno::OPNOTSUPP.into())
    }

    fn stat(&self, path: &str) -> Result<Stat> {
        if path.contains('/') {
            return Ok(stat_of(&fstat(self.open_below(path, LOOK)?)?));
        }
        // Without a folder on the way there is nothing to follow, and one call does it.
        Ok(stat_of(&statat(&self.0, single(path)?, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    fn stat_self(&self) -> Result<Stat> {
        Ok(stat_of(&fstat(&self.0)?))
    }

    fn list(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.for_each(&mut |name, kind| entries.push(Entry { name: name.to_owned(), kind }))?;
        Ok(entries)
    }

    fn for_each(&self, visit: &mut dyn FnMut(&str, Kind)) -> Result<()> {
        // A handle of its own has a position of its own.
        for entry in Dir::new(retry_on_intr(|| openat(&self.0, ".", FOLDER, Mode::empty()))?)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            if let Some(kind) = self.kind(entry.file_type(), name)? {
                visit(name, kind);
            }
        }
        Ok(())
    }

    fn rename(&self, name: &str, to: &Self, to_name: &str) -> Result<()> {
        Ok(renameat(&self.0, single(name)?, &to.0, single(to_name)?)?)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn rename_no_replace(&self, name: &str, to: &Self, to_name: &str) -> Result<()> {
        use rustix::fs::{RenameFlags, renameat_with};
        Ok(renameat_with(&self.0, single(name)?, &to.0, single(to_name)?, RenameFlags::NOREPLACE)?)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_no_replace(&self, _name: &str, _to: &Self, _to_name: &str) -> Result<()> {
        Err(Errno::INVAL.into())
    }

    fn link(&self, name: &str, to: &Self, to_name: &str) -> Result<()> {
        Ok(linkat(&self.0, single(name)?, &to.0, single(to_name)?, AtFlags::empty())?)
    }

    fn remove(&self, name: &str) -> Result<()> {
        Ok(unlinkat(&self.0, single(name)?, AtFlags::empty())?)
    }

    fn sync(&self) -> Result<()> {
        self.0.sync_all()
    }

    fn try_lock(&self) -> Result<bool> {
        try_lock(&self.0)
    }

    fn is_remote(&self) -> bool {
        is_remote(&self.0)
    }
}

impl OsFolder {
    /// The kind of an entry; asked for where the folder does not tell. None if it is gone.
    fn kind(&self, told: FileType, name: &str) -> Result<Option<Kind>> {
        if told != FileType::Unknown {
            return Ok(Some(kind_of(told)));
        }
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(Some(kind_of(FileType::from_raw_mode(about.st_mode)))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Refuses what may lead out of a folder, or to itself.
fn expect_segments(path: &str) -> Result<()> {
    match path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        true => Err(Errno::INVAL.into()),
        false => Ok(()),
    }
}

/// The name, if it is one.
fn single(name: &str) -> Result<&str> {
    match matches!(name, "" | "." | "..") || name.contains('/') {
        true => Err(Errno::INVAL.into()),
        false => Ok(name),
    }
}

/// Network file systems: their locks may exclude only on this machine, and what they tell of a file may be old.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_remote(folder: &StdFile) -> bool {
    /// Magic numbers of `statfs(2)`: NFS, SMB, SMB 2, CIFS, 9P, FUSE, Ceph, AFS, Coda, Lustre, GFS2, OCFS2, BeeGFS, GPFS,
    /// OrangeFS, kAFS.
    const REMOTE: [u32; 16] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x0102_1997,
        0x6573_5546,
        0x00C3_6400,
        0x5346_414F,
        0x7375_7245,
        0x0BD0_0BD0,
        0x0116_1970,
        0x7461_636F,
        0x1983_0326,
        0x4750_4653,
        0x2003_0528,
        0x6B41_4653,
    ];
    // Whoever cannot tell what it is does not know that it is local.
    rustix::fs::fstatfs(folder).map_or(true, |about| REMOTE.contains(&(about.f_type as u32)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_remote(_folder: &StdFile) -> bool {
    false
}
