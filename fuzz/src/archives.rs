//! Archives of snapshots.

use bytes::Bytes;
use worldstore_core::blocks::Hash;
use worldstore_core::key::Key;
use worldstore_core::snapshot::archive::{ArchiveLimits, ArchiveList, ArchiveMember, ArchiveWriter, check};

/// Members of an archive that the bytes describe.
const MEMBERS_MAX: usize = 8;

fn limits() -> ArchiveLimits {
    ArchiveLimits::default()
        .with_members_max(64)
        .with_member_bytes_max(1 << 16)
        .with_total_bytes_max(1 << 20)
        .with_manifest_bytes_max(1 << 16)
        .with_list_bytes_max(1 << 16)
}

/// An archive is read whole, with the hash of all its bytes, or refused. The bytes come as they are, and as an archive
/// that they describe with some of its bytes changed: then it is refused, or its list is another one, which whoever knows
/// the manifest refuses.
pub fn archive(bytes: &[u8]) {
    if let Ok((list, summary)) = check(bytes, &limits()) {
        assert_eq!((summary.bytes, summary.blake3), (bytes.len() as u64, Hash::of(bytes)));
        assert_eq!(list.archive_bytes().ok(), Some(summary.bytes), "the list tells the length");
        assert_eq!(summary.members, list.members().len() as u64);
    }
    let Some((made, changes)) = made_of(bytes) else { return };
    let written = match check(&made, &limits()) {
        Ok((list, _)) => list,
        Err(error) => panic!("an archive was written and cannot be read: {error}"),
    };
    let mut changed = made.clone();
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % made.len();
        changed[place] ^= change[2];
    }
    if changed != made
        && let Ok((list, _)) = check(&changed, &limits())
    {
        assert_ne!(list, written, "a changed archive was read as the one that was written");
    }
}

/// An archive of members that the bytes name and fill, and what is left of the bytes.
fn made_of(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let take = |bytes: &mut &[u8]| {
        let (length, rest) = bytes.split_first()?;
        let (part, rest) = rest.split_at_checked(usize::from(*length))?;
        *bytes = rest;
        Some(part.to_vec())
    };
    let manifest = take(&mut bytes)?;
    let (count, rest) = bytes.split_first()?;
    bytes = rest;
    let mut contents = Vec::new();
    for _ in 0..usize::from(*count).min(MEMBERS_MAX) {
        let (name, content) = (take(&mut bytes)?, take(&mut bytes)?);
        let (length, hash) = (content.len() as u64, Hash::of(&content));
        let member = match Key::new(String::from_utf8_lossy(&name)) {
            Ok(key) => ArchiveMember::file(&key, length, hash),
            Err(_) => ArchiveMember::block(length, hash),
        };
        contents.push((member, content));
    }
    contents.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    let members = contents.iter().map(|(member, _)| member.clone()).collect();
    let list = ArchiveList::new(Hash::of(&manifest), &manifest, members, &limits()).ok()?;
    let mut writer = ArchiveWriter::new(Vec::new(), &manifest, list, &limits()).ok()?;
    for (_, content) in contents {
        writer.write_member([Ok(Bytes::from(content))]).ok()?;
    }
    Some((writer.finish().ok()?.0, bytes))
}
