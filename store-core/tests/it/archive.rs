//! Archives of snapshots in the hands of others: Python's `tarfile` and the `tar` of the system.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use worldstore_core::Key;
use worldstore_core::blocks::Hash;
use worldstore_core::snapshot::archive::{ArchiveLimits, ArchiveList, ArchiveMember, ArchiveWriter, LIST, MANIFEST};

/// Writes an archive with every kind of name, and returns what is in it.
fn write(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = [
        ("a".to_owned(), b"first".to_vec()),
        ("empty".to_owned(), Vec::new()),
        ("x".repeat(94), vec![1; 511]),
        ("y".repeat(95), vec![2; 512]),
        (format!("{}/{}", "long".repeat(40), "n".repeat(250)), vec![3; 1_000_000]),
        ("tables/é 🦀.bin".to_owned(), vec![4; 513]),
        ("tables/a=1:#%20".to_owned(), vec![5; 1]),
    ];
    let mut contents = BTreeMap::new();
    let mut members = Vec::new();
    for (key, content) in files {
        let member = ArchiveMember::file(&Key::new(&key).unwrap(), content.len() as u64, Hash::of(&content));
        contents.insert(member.name.clone(), content);
        members.push(member);
    }
    let block = vec![6; 70_000];
    members.push(ArchiveMember::block(block.len() as u64, Hash::of(&block)));
    contents.insert(members.last().unwrap().name.clone(), block);
    let limits = ArchiveLimits::default();
    let list = ArchiveList::new(Hash::of(b"content"), b"manifest", members, &limits).unwrap();
    let mut writer = ArchiveWriter::new(Vec::new(), b"manifest", list.clone(), &limits).unwrap();
    for content in contents.values() {
        writer.write_member([Ok(content.clone().into())]).unwrap();
    }
    std::fs::write(path, writer.finish().unwrap().0).unwrap();
    contents.insert(MANIFEST.to_owned(), b"manifest".to_vec());
    contents.insert(LIST.to_owned(), list.print().unwrap());
    contents
}

/// Runs a tool. None if it is not there, which fails where everything has to be there.
fn run(tool: &str, args: &[&str]) -> Option<Vec<u8>> {
    match Command::new(tool).args(args).output() {
        Ok(output) => {
            assert!(output.status.success(), "{tool} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
            Some(output.stdout)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
            eprintln!("SKIPPED: {tool} is missing, install it and run cargo xtask test");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

const LISTING: &str = r#"
import hashlib, json, sys, tarfile
with tarfile.open(sys.argv[1], "r:") as archive:
    for member in archive:
        assert member.isreg() and member.mode == 0o644 and member.mtime == 0, member
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", ""), member
        digest = hashlib.sha256(archive.extractfile(member).read()).hexdigest()
        print(json.dumps([member.name, member.size, digest]))
    archive.fileobj.seek(0)
    members = json.load(archive.extractfile("snapshot.json"))["members"]
    assert [member["bytes"] for member in members] == [archive.getmember(m["name"]).size for m in members]
"#;

const DIGEST: &str = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";

#[test]
fn python_lists_and_reads_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.tar");
    let contents = write(&path);
    let Some(listed) = run("python3", &["-c", LISTING, path.to_str().unwrap()]) else { return };
    let mut seen = BTreeMap::new();
    for line in String::from_utf8(listed).unwrap().lines() {
        let (name, bytes, digest): (String, u64, String) = serde_json::from_str(line).unwrap();
        seen.insert(name, (bytes, digest));
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), contents.keys().collect::<Vec<_>>());
    for (name, content) in &contents {
        let copy = folder.path().join("copy");
        std::fs::write(&copy, content).unwrap();
        let digest = run("python3", &["-c", DIGEST, copy.to_str().unwrap()]).unwrap();
        let digest = String::from_utf8(digest).unwrap();
        assert_eq!(seen[name], (content.len() as u64, digest.trim().to_owned()), "{name}");
    }
}

#[test]
fn tar_extracts_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.tar");
    let contents = write(&path);
    let target = folder.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let args = ["-xf", path.to_str().unwrap(), "-C", target.to_str().unwrap(), "--no-same-owner"];
    if run("tar", &args).is_none() {
        return;
    }
    for (name, content) in contents {
        assert_eq!(std::fs::read(target.join(&name)).unwrap(), content, "{name}");
    }
}
