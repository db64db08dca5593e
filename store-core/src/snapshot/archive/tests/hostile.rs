//! Archives made to harm, each with what it must be refused for.

use ::tar::{EntryType, Header};

use super::super::tar::{TRAILER_BYTES, head};
use super::super::*;
use super::{Made, raw, sample};
use crate::error::ErrorKind;

/// An archive in pieces: manifest, list, each member, end.
#[derive(Clone)]
struct Pieces(Vec<Vec<u8>>);

impl Pieces {
    fn of(made: &Made) -> Self {
        let list = made.list.print().unwrap();
        let mut pieces = vec![
            raw(&head(MANIFEST, made.manifest.len() as u64), &made.manifest),
            raw(&head(LIST, list.len() as u64), &list),
        ];
        for (member, content) in made.list.members().iter().zip(&made.contents) {
            pieces.push(raw(&head(&member.name, member.bytes), content));
        }
        pieces.push(vec![0; TRAILER_BYTES]);
        assert_eq!(pieces.concat(), made.archive);
        Self(pieces)
    }

    fn join(&self) -> Vec<u8> {
        self.0.concat()
    }

    fn with(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let mut pieces = self.clone();
        change(&mut pieces.0);
        pieces.join()
    }

    /// Puts something before the member at this place.
    fn before(&self, at: usize, piece: Vec<u8>) -> Vec<u8> {
        self.with(|pieces| pieces.insert(at, piece))
    }

    /// Puts something in the place of the first member.
    fn instead(&self, piece: Vec<u8>) -> Vec<u8> {
        self.with(|pieces| pieces[2] = piece)
    }
}

/// A block like that of the first member, changed.
fn header(made: &Made, change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let member = &made.list.members()[0];
    let block = head(&member.name, member.bytes);
    let mut header = Header::from_byte_slice(&block).clone();
    change(&mut header);
    header.set_cksum();
    raw(header.as_bytes(), &made.contents[0])
}

fn name(header: &mut Header, name: &str) {
    let slots = header.as_old_mut().name.iter_mut();
    for (slot, byte) in slots.zip(name.bytes().chain(std::iter::repeat(0))) {
        *slot = byte;
    }
}

/// An extension in front of a member, with this content.
fn extension(entry_type: EntryType, content: &str) -> Vec<u8> {
    let mut header = Header::new_ustar();
    name(&mut header, "PaxHeaders/member");
    header.set_entry_type(entry_type);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    raw(header.as_bytes(), content.as_bytes())
}

/// A name, the archive, and how it is refused.
pub type Case = (&'static str, Vec<u8>, ErrorKind, &'static str);

/// Everything that is wrong with the tar around the members.
fn of_tar(made: &Made) -> Vec<Case> {
    let pieces = Pieces::of(made);
    let kind = |entry_type: EntryType| {
        pieces.instead(header(made, |header| {
            header.set_entry_type(entry_type);
            header.set_size(0);
            header.set_link_name("/etc/passwd").unwrap();
        }))
    };
    let changed = |change: fn(&mut Header)| pieces.instead(header(made, change));
    let extended = |entry_type, content| pieces.before(2, extension(entry_type, content));
    const HEAD: &str = "a head is not that of the listed member";
    const NOHEAD: &str = "no head of a tar member";
    const EXTENSION: &str = "an extension stands where a member is listed";
    let cases = [
        ("a symbolic link", kind(EntryType::Symlink), "a link stands"),
        ("a hard link", kind(EntryType::Link), "a link stands"),
        ("a folder", kind(EntryType::Directory), "a folder stands"),
        ("a character device", kind(EntryType::Char), "a device stands"),
        ("a block device", kind(EntryType::Block), "a device stands"),
        ("a pipe", kind(EntryType::Fifo), "a device stands"),
        ("a sparse file", kind(EntryType::GNUSparse), "a sparse file stands"),
        ("a contiguous file", kind(EntryType::Continuous), EXTENSION),
        ("a type of the old format", changed(|header| header.as_old_mut().linkflag = [0]), HEAD),
        ("a type that nobody knows", changed(|header| header.as_old_mut().linkflag = [b'Z']), EXTENSION),
        ("a long name of GNU", extended(EntryType::GNULongName, "../../etc/passwd\0"), EXTENSION),
        ("a long link of GNU", extended(EntryType::GNULongLink, "/etc/passwd\0"), EXTENSION),
        ("a global extension", extended(EntryType::XGlobalHeader, "25 path=../../etc/passwd\n"), EXTENSION),
        ("another path", extended(EntryType::XHeader, "25 path=../../etc/passwd\n"), EXTENSION),
        ("another length", extended(EntryType::XHeader, "12 size=99\n"), EXTENSION),
        ("a link's path", extended(EntryType::XHeader, "25 linkpath=/etc/passwd\n"), EXTENSION),
        ("a sparse map", extended(EntryType::XHeader, "22 GNU.sparse.major=1\n"), EXTENSION),
        ("an extension of no sense", extended(EntryType::XHeader, "999999999999999999999 x"), EXTENSION),
        ("an absolute name", changed(|header| name(header, "/etc/passwd")), HEAD),
        ("a name that climbs", changed(|header| name(header, "blocks/../../etc/passwd")), HEAD),
        ("a name that begins with a dot", changed(|header| name(header, "./blocks/a")), HEAD),
        ("no name", changed(|header| name(header, "")), HEAD),
        ("a prefix before the name", changed(|header| header.as_ustar_mut().unwrap().prefix[0] = b'/'), HEAD),
        ("rights of the owner", changed(|header| header.set_mode(0o4_755)), HEAD),
        ("an owner", changed(|header| header.set_uid(1_000)), HEAD),
        ("a group", changed(|header| header.set_gid(1_000)), HEAD),
        ("an owner's name", changed(|header| header.set_username("root").unwrap()), HEAD),
        ("a time", changed(|header| header.set_mtime(1)), HEAD),
        ("a longer length", changed(|header| header.set_size(1 << 32)), HEAD),
        ("a shorter length", changed(|header| header.set_size(0)), HEAD),
        ("a binary length", changed(|header| header.as_old_mut().size = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]), HEAD),
        ("a negative length", changed(|header| header.as_old_mut().size = [0xff; 12]), HEAD),
        ("a length in spaces", changed(|header| header.as_old_mut().size = *b"          7\0"), HEAD),
        ("a length in letters", changed(|header| header.as_old_mut().size = *b"seven bytes\0"), HEAD),
        ("the format of GNU", changed(|header| header.as_ustar_mut().unwrap().magic = *b"ustar "), HEAD),
        ("no format", changed(|header| header.as_ustar_mut().unwrap().magic = [0; 6]), HEAD),
        ("a checksum of nothing", pieces.with(|pieces| pieces[2][148..156].copy_from_slice(b"0000000\0")), NOHEAD),
    ];
    cases.into_iter().map(|(name, archive, message)| (name, archive, ErrorKind::Corrupt, message)).collect()
}

/// Everything that is wrong with the order and the number of members, and with the bytes between them.
fn of_order(made: &Made) -> Vec<Case> {
    let pieces = Pieces::of(made);
    let end = pieces.0.len() - 1;
    let whole = pieces.join();
    let upto = |length: usize| whole[..length].to_vec();
    let foreign = raw(&head("files/zzz", 3), b"abc");
    const HEAD: &str = "a head is not that of the listed member";
    const NOHEAD: &str = "no head of a tar member";
    const EARLY: &str = "the archive ends early";
    let cases = [
        ("nothing", Vec::new(), EARLY),
        ("a byte", vec![b'm'], EARLY),
        ("a text", b"#!/bin/sh\n".repeat(100), NOHEAD),
        ("a compressed file", [&[0x1f, 0x8b, 8][..], &[0; 2_000]].concat(), NOHEAD),
        ("zeros", vec![0; 10_240], "the archive ends before its last member"),
        ("half a head", upto(300), EARLY),
        ("half a manifest", upto(516), EARLY),
        ("a manifest that is not filled up", upto(512 + made.manifest.len()), EARLY),
        ("a manifest alone", upto(pieces.0[0].len()), EARLY),
        ("half a list", upto(pieces.0[0].len() + 600), EARLY),
        ("no members", pieces.with(|pieces| pieces.truncate(2)), EARLY),
        ("no members and an end", pieces.with(|pieces| drop(pieces.drain(2..end))), "ends before its last member"),
        ("no end", upto(whole.len() - TRAILER_BYTES), EARLY),
        ("half an end", upto(whole.len() - TRAILER_BYTES / 2), EARLY),
        ("an end with something in it", pieces.with(|pieces| pieces[end][700] = 1), "where the archive should end"),
        ("a byte behind the end", pieces.before(end + 1, vec![1]), "follows the end"),
        ("zeros behind the end", pieces.before(end + 1, vec![0; 512]), "follows the end"),
        ("an archive behind the end", pieces.before(end + 1, whole.clone()), "follows the end"),
        ("a member behind the end", pieces.before(end + 1, foreign.clone()), "follows the end"),
        ("a member too many", pieces.before(end, foreign.clone()), "where the archive should end"),
        ("a member between", pieces.before(4, foreign.clone()), HEAD),
        ("a member before the manifest", pieces.before(0, foreign), HEAD),
        ("a member twice", pieces.with(|pieces| pieces.insert(2, pieces[2].clone())), HEAD),
        ("the last member twice", pieces.with(|pieces| pieces.insert(end, pieces[end - 1].clone())), "should end"),
        ("a member missing", pieces.with(|pieces| drop(pieces.remove(3))), HEAD),
        ("the last member missing", pieces.with(|pieces| drop(pieces.remove(end - 1))), "ends before its last"),
        ("two members swapped", pieces.with(|pieces| pieces.swap(2, 3)), HEAD),
        ("list and manifest swapped", pieces.with(|pieces| pieces.swap(0, 1)), HEAD),
        ("no manifest", pieces.with(|pieces| drop(pieces.remove(0))), HEAD),
        ("no list", pieces.with(|pieces| drop(pieces.remove(1))), HEAD),
        ("two manifests", pieces.with(|pieces| pieces.insert(0, pieces[0].clone())), HEAD),
        ("a block that differs", pieces.with(|pieces| pieces[2][512] ^= 1), "not the hash that is listed"),
        ("something behind a block", pieces.with(|pieces| pieces[2][1_023] = 1), "not filled up with zeros"),
        ("another manifest", pieces.with(|pieces| pieces[0][512] ^= 1), "the manifest has not the hash"),
        (
            "something behind the manifest",
            pieces.with(|pieces| *pieces[0].last_mut().unwrap() = 1),
            "not filled up with zeros",
        ),
    ];
    cases.into_iter().map(|(name, archive, message)| (name, archive, ErrorKind::Corrupt, message)).collect()
}

/// The archive with another list.
fn relisted(pieces: &Pieces, list: &[u8]) -> Vec<u8> {
    pieces.with(|pieces| pieces[1] = raw(&head(LIST, list.len() as u64), list))
}

/// Everything that is wrong with the list.
fn of_list(made: &Made) -> Vec<Case> {
    let pieces = Pieces::of(made);
    let text = String::from_utf8(made.list.print().unwrap()).unwrap();
    let listed = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        relisted(&pieces, changed.as_bytes())
    };
    let hex = made.list.content().to_string();
    const READ: &str = "the list of members cannot be read";
    const PRINTED: &str = "not printed as it has to be";
    const KEY: &str = "a file's name is no key";
    use ErrorKind::*;
    let member = |name: &str| listed("\"files/a\"", &format!("\"{name}\""));
    let zeros = "0".repeat(64);
    let manifest = format!("{{\"bytes\":{},", made.manifest.len());
    vec![
        ("a name that climbs in the list", member("files/../../etc/passwd"), Corrupt, KEY),
        ("an absolute name in the list", member("files//etc/passwd"), Corrupt, KEY),
        ("a foreign folder", member("etc/passwd"), Corrupt, "neither that of a file"),
        ("the root", member("/"), Corrupt, "neither that of a file"),
        ("an empty name", member(""), Corrupt, "neither that of a file"),
        ("an empty key", member("files/"), Corrupt, KEY),
        ("a key that is a folder", member("files/a/"), Corrupt, KEY),
        ("a zero byte in a name", member("files/a\\u0000b"), Corrupt, KEY),
        ("a line feed in a name", member("files/a\\nb"), Corrupt, KEY),
        ("a backslash in a name", member("files/..\\\\a"), Corrupt, KEY),
        ("an escaped name", member("\\u0066iles/a"), Corrupt, PRINTED),
        ("half a character", member("files/\\ud800"), Corrupt, READ),
        ("the name of the manifest", member("manifest"), Corrupt, "neither that of a file"),
        ("a name that is too long", member(&format!("files/{}", "n".repeat(1_025))), Invalid, "limit: name_bytes_max"),
        ("a block of another hash", listed("\"blocks/", "\"blocks/00/"), Corrupt, "neither that of a file"),
        ("names that are not sorted", member("files/zz"), Corrupt, "not sorted"),
        ("one name twice", member("files/empty"), Corrupt, "listed twice"),
        ("no end of the length", listed("\"bytes\":5,", "\"bytes\":99999999999999999999,"), Corrupt, READ),
        (
            "a huge length",
            listed("\"bytes\":5,", "\"bytes\":18446744073709551615,"),
            Invalid,
            "limit: member_bytes_max",
        ),
        ("a negative length in the list", listed("\"bytes\":5,", "\"bytes\":-5,"), Corrupt, READ),
        ("a broken length", listed("\"bytes\":5,", "\"bytes\":5.0,"), Corrupt, READ),
        ("a length as text", listed("\"bytes\":5,", "\"bytes\":\"5\","), Corrupt, READ),
        ("another length in the list", listed("\"bytes\":5,", "\"bytes\":6,"), Corrupt, "a head is not that"),
        ("no length", listed("\"bytes\":5,", ""), Corrupt, READ),
        ("a field too many", listed("{\"format\":1,", "{\"format\":1,\"run\":\"rm\","), Corrupt, READ),
        ("a field of a member too many", listed("\"bytes\":5,", "\"bytes\":5,\"mode\":511,"), Corrupt, READ),
        ("a field twice", listed("{\"format\":1,", "{\"format\":1,\"format\":1,"), Corrupt, READ),
        ("another format", listed("\"format\":1,", "\"format\":2,"), Unsupported, "format: 2, known: 1"),
        (
            "another format with new fields",
            listed("\"format\":1,", "\"format\":9,\"new\":1,"),
            Unsupported,
            "format: 9",
        ),
        ("white space", listed("{\"format\":1,", "{ \"format\":1,"), Corrupt, PRINTED),
        ("white space at the end", listed("]}\n", "]}\n\n"), Corrupt, PRINTED),
        ("no line feed", listed("]}\n", "]}"), Corrupt, PRINTED),
        ("another order of fields", listed("{\"format\":1,\"content\":", "{\"content\":"), Corrupt, READ),
        ("a hash in capitals", listed(&hex, &hex.to_uppercase()), Corrupt, READ),
        ("half a hash", listed(&hex, &hex[..32]), Corrupt, READ),
        ("a hash that is none", listed(&hex, &hex.replace(['a', 'b', 'c'], "x")), Corrupt, READ),
        (
            "another hash of the manifest",
            listed(&made.list.manifest().1.to_string(), &zeros),
            Corrupt,
            "has not the hash",
        ),
        (
            "another length of the manifest",
            listed(&manifest, &manifest.replace(':', ":1")),
            Corrupt,
            "has not the hash",
        ),
        ("no text", relisted(&pieces, &[0xff; 100]), Corrupt, READ),
        ("nothing listed", relisted(&pieces, b""), Corrupt, READ),
        ("null", relisted(&pieces, b"null\n"), Corrupt, READ),
        ("much nested", relisted(&pieces, "[".repeat(100_000).as_bytes()), Corrupt, READ),
        ("two lists in one", relisted(&pieces, text.repeat(2).as_bytes()), Corrupt, READ),
    ]
}

/// A right archive, and what is made of it.
pub fn cases() -> (Vec<u8>, Vec<Case>) {
    let made = sample();
    let cases = [of_tar(&made), of_order(&made), of_list(&made)].concat();
    (made.archive, cases)
}

#[test]
fn hostile_archives_are_refused_for_what_they_are() {
    let (right, cases) = cases();
    assert!(cases.len() >= 100, "{}", cases.len());
    check(&right, &ArchiveLimits::default()).unwrap();
    for (name, archive, kind, message) in cases {
        let error = match check(&archive, &ArchiveLimits::default()) {
            Err(error) => error,
            Ok(_) => panic!("{name}: read as if it were right"),
        };
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(message), "{name}: {error:?}");
    }
}

#[test]
fn limits_are_checked_before_bytes_are_asked_for() {
    let made = sample();
    let default = ArchiveLimits::default;
    let cases = [
        (default().with_manifest_bytes_max(made.manifest.len() as u64 - 1), "manifest_bytes_max, found: 1"),
        (default().with_list_bytes_max(99), "list_bytes_max"),
        (default().with_members_max(5), "members_max, found: 6, max: 5"),
        (default().with_member_bytes_max(1_023), "member_bytes_max, found: 1024, max: 1023"),
        (default().with_total_bytes_max(2_147), "total_bytes_max, found: 2148, max: 2147"),
        (default().with_name_bytes_max(100), "name_bytes_max, found: 211, max: 100"),
    ];
    for (limits, message) in cases {
        let error = check(&made.archive, &limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(message), "{message} in {error}");
    }
    // The head alone tells: nothing behind it is there to be read.
    let huge = head(MANIFEST, (64 << 20) + 1);
    let error = check(&huge, &default()).unwrap_err();
    assert!(error.to_string().contains("manifest_bytes_max, found: 67108865, max: 67108864"), "{error}");
}
