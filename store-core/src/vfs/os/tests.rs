//! The system's files through the traits: what is found, what is refused, and which errors tell so.

use std::fs;
use std::io::IoSlice;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, UNIX_EPOCH};

use rustix::io::Errno;
use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;
use crate::vfs::File;

struct Place {
    outer: TempDir,
    root: OsFolder,
}

/// A root beside a file that must not be reached.
fn place() -> Place {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    let root = OsVfs::create(outer.path().join("root")).unwrap().root().unwrap();
    Place { outer, root }
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.outer.path().join("root").join(name)
    }
}

fn errno<Value>(result: io::Result<Value>) -> Errno {
    Errno::from_io_error(&result.err().unwrap()).unwrap()
}

fn text(file: &OsFile) -> String {
    let mut bytes = vec![0; 1000];
    let count = file.read_at(&mut bytes, 0).unwrap();
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

fn put(folder: &OsFolder, name: &str, body: &str) -> OsFile {
    let file = folder.create(name).unwrap();
    file.write_all_at(body.as_bytes(), 0).unwrap();
    file
}

#[test]
fn roots_are_made_with_their_parents_and_stay_what_was_opened() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("a/b");
    assert_eq!(OsVfs::open(&path).unwrap_err().kind(), ErrorKind::NotFound);
    let vfs = OsVfs::create(&path).unwrap();
    assert_eq!(vfs.path(), path.canonicalize().unwrap());
    assert_eq!(vfs.to_string(), vfs.path().display().to_string());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
    fs::rename(&path, outer.path().join("moved")).unwrap();
    vfs.root().unwrap().create("file").unwrap();
    assert!(outer.path().join("moved/file").exists());
    fs::write(outer.path().join("file"), "").unwrap();
    assert_eq!(OsVfs::open(outer.path().join("file")).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(OsVfs::create(outer.path().join("file")).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(vfs.now().duration_since(UNIX_EPOCH).unwrap() > Duration::from_secs(1_700_000_000));
}

#[test]
fn no_name_leads_out() {
    let place = place();
    place.root.make_folder("a").unwrap();
    for path in ["", ".", "..", "../secret", "/etc/passwd", "a/../../secret", "a/./b", "a//b", "a/", "a/.."] {
        assert_eq!(errno(place.root.open(path)), Errno::INVAL, "{path}");
        assert_eq!(errno(place.root.open_folder(path)), Errno::INVAL, "{path}");
        assert_eq!(errno(place.root.stat(path)), Errno::INVAL, "{path}");
    }
    for name in ["", ".", "..", "a/b", "../secret", "/x"] {
        assert_eq!(errno(place.root.create(name)), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.open_writable(name)), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.make_folder(name)), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.remove(name)), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.remove_folder(name)), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.rename("a", &place.root, name)), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.rename_no_replace(name, &place.root, "b")), Errno::INVAL, "{name}");
        assert_eq!(errno(place.root.link("a", &place.root, name)), Errno::INVAL, "{name}");
    }
}

#[test]
fn no_link_is_followed() {
    let place = place();
    symlink(place.outer.path(), place.path("folder")).unwrap();
    symlink(place.outer.path().join("secret"), place.path("file")).unwrap();
    place.root.make_folder("inner").unwrap();
    symlink("../file", place.path("inner/link")).unwrap();
    for path in ["file", "folder/secret", "inner/link"] {
        assert_eq!(errno(place.root.open(path)), Errno::LOOP, "{path}");
    }
    for path in ["folder", "folder/root"] {
        assert_eq!(errno(place.root.open_folder(path)), Errno::LOOP, "{path}");
    }
    assert_eq!(errno(place.root.open_writable("file")), Errno::LOOP);
    assert_eq!(errno(place.root.create("file")), Errno::EXIST);
    assert_eq!(errno(place.root.stat("folder/secret")), Errno::LOOP);
    for path in ["file", "folder", "inner/link"] {
        assert_eq!(place.root.stat(path).unwrap().kind, Kind::Link, "{path}");
    }
    assert_eq!(fs::read_to_string(place.outer.path().join("secret")).unwrap(), "secret");
}

/// Systems without a call that resolves below a folder walk segment by segment, and must stay inside as well.
#[test]
fn walking_segment_by_segment_stays_inside() {
    let place = place();
    symlink(place.outer.path(), place.path("folder")).unwrap();
    symlink(place.outer.path().join("secret"), place.path("file")).unwrap();
    fs::create_dir_all(place.path("a/b")).unwrap();
    fs::write(place.path("a/b/c"), "x").unwrap();
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    assert!(place.root.walk_below("a/b/c", flags).is_ok());
    assert!(place.root.walk_below("a", flags).is_ok());
    for name in ["folder/secret", "file", "folder"] {
        assert!(place.root.walk_below(name, flags).is_err(), "{name}");
    }
}

#[test]
fn what_is_missing_or_of_another_kind_is_told_apart() {
    let place = place();
    put(&place.root, "file", "x");
    place.root.make_folder("folder").unwrap();
    assert_eq!(errno(place.root.open("none")), Errno::NOENT);
    assert_eq!(errno(place.root.open("file/below")), Errno::NOTDIR);
    assert_eq!(errno(place.root.open_folder("file")), Errno::NOTDIR);
    assert_eq!(errno(place.root.open_writable("folder")), Errno::ISDIR);
    assert_eq!(errno(place.root.open_writable("none")), Errno::NOENT);
    assert_eq!(errno(place.root.make_folder("file")), Errno::EXIST);
    assert_eq!(place.root.open("folder").unwrap().stat().unwrap().kind, Kind::Folder);
    assert_eq!(errno(place.root.remove("none")), Errno::NOENT);
    put(&place.root.open_folder("folder").unwrap(), "x", "");
    assert_eq!(errno(place.root.remove_folder("folder")), Errno::NOTEMPTY);
    place.root.open_folder("folder").unwrap().remove("x").unwrap();
    place.root.remove_folder("folder").unwrap();
    assert_eq!(errno(place.root.stat("folder")), Errno::NOENT);
}

#[test]
fn modes_are_private() {
    let place = place();
    place.root.make_folder("folder").unwrap();
    put(&place.root, "file", "x");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("folder"), mode("file")), (0o700, 0o600));
}

#[test]
fn what_is_told_of_a_file_is_what_the_system_says() {
    let place = place();
    let file = put(&place.root, "a", "12345");
    file.set_modified(UNIX_EPOCH - Duration::from_nanos(1)).unwrap();
    place.root.link("a", &place.root, "b").unwrap();
    let (about, known) = (file.stat().unwrap(), fs::metadata(place.path("a")).unwrap());
    assert_eq!(about, place.root.stat("a").unwrap());
    assert_eq!(about, place.root.open("b").unwrap().stat().unwrap());
    assert_eq!((about.kind, about.length, about.links), (Kind::File, 5, 2));
    assert_eq!(about.id, (known.dev(), known.ino()));
    assert_eq!(about.modified, (-1, 999_999_999));
    assert_eq!(about.changed, (known.ctime(), known.ctime_nsec() as u32));
    // Through a handle for reading as well, and without a new time of access.
    place.root.open("a").unwrap().set_modified(UNIX_EPOCH + Duration::new(5, 7)).unwrap();
    let after = fs::metadata(place.path("a")).unwrap();
    assert_eq!((after.mtime(), after.mtime_nsec()), (5, 7));
    assert_eq!((after.atime(), after.atime_nsec()), (known.atime(), known.atime_nsec()));
    place.root.make_folder("f").unwrap();
    let folder = place.root.open_folder("f").unwrap();
    assert_eq!(folder.stat_self().unwrap(), place.root.stat("f").unwrap());
    assert_eq!(folder.stat_self().unwrap().kind, Kind::Folder);
}

#[test]
fn bytes_are_where_they_were_put() {
    let place = place();
    let file = place.root.create("a").unwrap();
    file.write_all_at(b"world", 6).unwrap();
    assert_eq!(file.write_at(b"hello ", 0).unwrap(), 6);
    assert_eq!(text(&file), "hello world");
    let pieces = [IoSlice::new(b"W"), IoSlice::new(b""), IoSlice::new(b"ORLD!")];
    let mut written = file.write_vectored_at(&pieces, 6).unwrap();
    // A system may write the first piece alone.
    if written == 1 {
        written += file.write_at(b"ORLD!", 7).unwrap();
    }
    assert_eq!(written, 6);
    assert_eq!(text(&place.root.open("a").unwrap()), "hello WORLD!");
    file.sync_data().unwrap();
    file.set_length(3).unwrap();
    assert_eq!(text(&file), "hel");
    file.set_length(5).unwrap();
    assert_eq!(text(&file), "hel\0\0");
    file.sync_all().unwrap();
    assert_eq!(file.read_at(&mut [0; 4], 5).unwrap(), 0);
    assert_eq!(errno(place.root.open("a").unwrap().write_at(b"x", 0)), Errno::BADF);
}

/// More pieces than the system takes at once are written in part, never refused.
#[test]
fn there_may_be_many_pieces() {
    let place = place();
    let file = place.root.create("a").unwrap();
    let pieces: Vec<_> = (0..3000).map(|_| IoSlice::new(b"ab")).collect();
    let written = file.write_vectored_at(&pieces, 0).unwrap();
    assert!(written > 0 && written <= 6000, "{written}");
    assert_eq!(file.stat().unwrap().length, written as u64);
}

#[test]
fn reading_fills_the_room_that_there_is() {
    let place = place();
    let file = put(&place.root, "a", "0123456789");
    let mut bytes = Vec::with_capacity(8);
    bytes.extend_from_slice(b">");
    assert_eq!(file.read_to_spare(&mut bytes, 2).unwrap(), 7.min(bytes.capacity() - 1));
    assert_eq!(&bytes[..8], b">2345678");
    let mut full = Vec::new();
    assert_eq!(file.read_to_spare(&mut full, 0).unwrap(), 0);
    assert_eq!(file.read_to_spare(&mut Vec::with_capacity(3), 10).unwrap(), 0);
}

#[test]
fn copies_are_equal() {
    let place = place();
    let long: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    let source = place.root.create("a").unwrap();
    source.write_all_at(&long, 0).unwrap();
    type Step = fn(&OsFile, &OsFile, u64) -> io::Result<u64>;
    let steps: [(&str, Step); 2] = [
        ("b", |source, target, position| target.copy_at(source, position)),
        ("c", |source, target, position| crate::vfs::copy_through_memory(source, target, position)),
    ];
    for (name, step) in steps {
        let target = place.root.create(name).unwrap();
        let mut position = 0;
        loop {
            match step(&source, &target, position).unwrap() {
                0 => break,
                count => position += count,
            }
        }
        assert_eq!(fs::read(place.path(name)).unwrap(), long, "{name}");
    }
}

#[test]
fn room_can_be_reserved() {
    let place = place();
    let file = put(&place.root, "a", "x");
    match file.allocate(0, 10_000) {
        Ok(()) => {
            assert_eq!(file.stat().unwrap().length, 10_000);
            assert_eq!(text(&file), format!("x{}", "\0".repeat(999)));
        }
        Err(error) => assert_eq!(error.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error())),
    }
}

#[test]
fn names_change_in_one_step() {
    let place = place();
    place.root.make_folder("f").unwrap();
    let folder = place.root.open_folder("f").unwrap();
    put(&place.root, "a", "a");
    put(&folder, "b", "b");
    match place.root.rename_no_replace("a", &folder, "b") {
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
            eprintln!("SKIPPED: the file system cannot rename without replacing");
        }
        refused => assert_eq!(errno(refused), Errno::EXIST),
    }
    assert_eq!(errno(place.root.link("a", &folder, "b")), Errno::EXIST);
    place.root.rename("a", &folder, "b").unwrap();
    assert_eq!(text(&place.root.open("f/b").unwrap()), "a");
    assert_eq!(errno(place.root.open("a")), Errno::NOENT);
    put(&place.root, "file", "");
    assert_eq!(errno(place.root.rename("file", &place.root, "f")), Errno::ISDIR);
    folder.sync().unwrap();
    place.root.sync().unwrap();
}

#[test]
fn folders_are_listed_as_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let place = place();
    put(&place.root, "file", "");
    place.root.make_folder("folder").unwrap();
    symlink("file", place.path("link")).unwrap();
    fs::write(place.path("").join(std::ffi::OsStr::from_bytes(b"not-utf8-\xff")), "x").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    // Twice: the second time begins anew.
    for _ in 0..2 {
        let mut entries = place.root.list().unwrap();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let entries: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
        let expected = [("file", Kind::File), ("folder", Kind::Folder), ("link", Kind::Link), ("socket", Kind::Other)];
        assert_eq!(entries, expected);
    }
}

#[test]
fn a_file_without_a_name_goes_with_its_handle() {
    let place = place();
    let file = match place.root.create_unnamed() {
        Ok(file) => file,
        Err(error) => {
            assert_eq!(error.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error()));
            eprintln!("SKIPPED: the file system has no files without names");
            return;
        }
    };
    file.write_all_at(b"x", 0).unwrap();
    assert_eq!((text(&file).as_str(), file.stat().unwrap().links), ("x", 0));
    assert_eq!(place.root.list().unwrap(), []);
}

#[test]
fn attributes_are_kept_and_may_be_long() {
    let place = place();
    let file = put(&place.root, "a", "x");
    if let Err(error) = file.set_attribute("user.x", b"short") {
        assert_eq!(error.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error()));
        eprintln!("SKIPPED: the file system has no extended attributes of users");
        return;
    }
    let again = place.root.open("a").unwrap();
    assert_eq!(again.attribute("user.x").unwrap().unwrap(), b"short");
    assert_eq!(again.attribute("user.y").unwrap(), None);
    file.set_attribute("user.x", &[b'l'; 1000]).unwrap();
    assert_eq!(again.attribute("user.x").unwrap().unwrap(), [b'l'; 1000]);
    file.set_attribute("user.x", b"").unwrap();
    assert_eq!(again.attribute("user.x").unwrap().unwrap(), b"");
}

#[test]
fn locks_belong_to_a_handle() {
    let place = place();
    let one = put(&place.root, "a", "");
    let other = place.root.open_writable("a").unwrap();
    one.lock().unwrap();
    assert!(one.try_lock().unwrap(), "who has it may take it again");
    assert!(!other.try_lock().unwrap());
    one.unlock().unwrap();
    assert!(other.try_lock().unwrap());
    drop(other);
    assert!(one.try_lock().unwrap());

    let again = place.root.reopen().unwrap();
    assert!(place.root.try_lock().unwrap());
    assert!(!again.try_lock().unwrap());
    drop(place.root);
    assert!(again.try_lock().unwrap());
}

#[test]
fn whoever_waits_for_a_lock_gets_it() {
    let place = place();
    let file = put(&place.root, "a", "");
    file.lock().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let other = place.root.open_writable("a").unwrap();
            other.lock().unwrap();
            text(&other)
        });
        file.write_all_at(b"done", 0).unwrap();
        file.unlock().unwrap();
        assert_eq!(waiting.join().unwrap(), "done");
    });
}
