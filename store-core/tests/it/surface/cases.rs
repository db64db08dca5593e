//! What a store is asked, as data: the same for both sides and for every backend.

use std::io::SeekFrom;
use std::ops::Range;

use worldstore_core::{
    Child, Condition, Content, Error, FolderInfo, Missing, ObjectMeta, Prefix, ReadRange, Settled, Version,
};

/// What must hold, in terms of what was seen before.
#[derive(Debug, Clone, Copy)]
pub enum If {
    /// Nothing.
    Any,
    Absent,
    /// The n-th version that this key has shown, from 0.
    Seen(usize),
}

/// How a writer ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    Commit,
    Abort,
    Drop,
}

/// A step of a reader with a position.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    To(SeekFrom),
    Read(usize),
}

type Text = &'static str;

/// One call of a method.
#[derive(Debug, Clone)]
pub enum Call {
    /// Goes on in a child of the store that the case began with.
    InChild(Text),
    /// Goes on in the store that the case began with.
    InParent,
    Read(Text),
    ReadText(Text),
    ReadRange(Text, ReadRange),
    ReadRanges(Text, &'static [Range<u64>]),
    ReadSeen(Text, usize),
    Seek(Text, u32, &'static [Move]),
    Stat(Text),
    FileInfo(Text),
    Head(Text),
    Exists(Text),
    IsFile(Text),
    IsFolder(Text),
    Write(Text, Text),
    WriteText(Text, Text),
    WriteAtomic(Text, Text, If),
    WriteWith(Text, Text, If),
    WriteToken(Text, Text, Text),
    Settle(Text, Text),
    Parts(Text, &'static [Text], If, End),
    Delete(Text, Missing),
    DeleteWith(Text, Missing, If),
    DeleteFolder(Text, Content, Missing),
    Copy(Text, Text, If),
    Rename(Text, Text, If),
    Page(Text),
    List(Text),
    Files(Text, Option<u32>, Option<Text>),
    Folders(Text, Option<u32>, Option<Text>),
    Children(Text),
    Glob(Text),
    FolderInfo(Text, Option<u32>),
    NativePathAndBack(Text),
    Ping,
    Check,
    Close,
}

/// Calls on a store that is empty at first.
pub struct Case {
    pub name: Text,
    pub calls: Vec<Call>,
}

/// What was seen of versions, for conditions on them.
#[derive(Debug, Default)]
pub struct Seen(Vec<(String, Version)>);

impl Seen {
    pub fn note(&mut self, meta: &ObjectMeta) {
        let entry = meta.version.clone().map(|version| (meta.key.to_string(), version));
        self.0.extend(entry.filter(|entry| !self.0.contains(entry)));
    }

    pub fn version(&self, key: &str, which: usize) -> Version {
        let mut of_key = self.0.iter().filter(|(seen, _)| seen == key).map(|(_, version)| version.clone());
        of_key.nth(which).unwrap_or_else(|| Version::new("never seen"))
    }

    pub fn condition(&self, key: &str, condition: If) -> Condition {
        match condition {
            If::Any => Condition::None,
            If::Absent => Condition::IfAbsent,
            If::Seen(which) => Condition::IfMatch(self.version(key, which)),
        }
    }
}

pub fn show_meta(meta: &ObjectMeta) -> String {
    format!("{} ({} bytes)", meta.key, meta.size)
}

pub fn show_child(child: &Child) -> String {
    match child {
        Child::File(meta) => show_meta(meta),
        Child::Folder(folder) => show_folder(folder),
    }
}

pub fn show_folder(folder: &Prefix) -> String {
    format!("{folder}/")
}

pub fn show_info(info: &FolderInfo) -> String {
    format!("{:?}: {} files, {} bytes", info.folder.as_str(), info.files, info.bytes)
}

pub fn show_settled(settled: &Settled) -> String {
    match settled {
        Settled::Applied(meta) => format!("applied {}", show_meta(meta)),
        Settled::Other(meta) => format!("other {}", show_meta(meta)),
        Settled::Absent => "absent".to_owned(),
    }
}

/// An error by its kind, or whole.
pub fn show_error(error: &Error, whole: bool) -> String {
    match whole {
        true => format!("failed: {error}"),
        false => format!("failed: {}", error.kind()),
    }
}

fn case(name: Text, calls: impl IntoIterator<Item = Call>) -> Case {
    Case { name, calls: calls.into_iter().collect() }
}

const REFUSE: Missing = Missing::Refuse;
const IGNORE: Missing = Missing::Ignore;

/// Cases that every backend with renames and conditions of absence answers alike.
pub fn common() -> Vec<Case> {
    use Call::*;
    vec![
        case(
            "reads",
            [
                Write("f/a", "0123456789"),
                Read("f/a"),
                ReadText("f/a"),
                ReadRange("f/a", worldstore_core::ReadRange::Bounded(2..5)),
                ReadRange("f/a", worldstore_core::ReadRange::Bounded(8..50)),
                ReadRange("f/a", worldstore_core::ReadRange::From(7)),
                ReadRange("f/a", worldstore_core::ReadRange::From(10)),
                ReadRange("f/a", worldstore_core::ReadRange::Last(3)),
                ReadRange("f/a", worldstore_core::ReadRange::Last(99)),
                ReadRange("f/a", worldstore_core::ReadRange::From(11)),
                ReadRange("f/a", worldstore_core::ReadRange::Bounded(11..12)),
                ReadRanges("f/a", &[7..9, 0..1, 3..3]),
                ReadRanges("f/a", &[0..1, 9..11]),
                ReadRanges("f/a", &[]),
                Write("empty", ""),
                Read("empty"),
                ReadText("empty"),
                ReadRange("empty", worldstore_core::ReadRange::Last(3)),
            ],
        ),
        case(
            "looks",
            [
                Write("f/g/a", "abc"),
                Stat("f/g/a"),
                FileInfo("f/g/a"),
                Head("f/g/a"),
                Exists("f/g/a"),
                Exists("f/g"),
                Exists("f"),
                Exists(""),
                Exists("none"),
                Exists("f/none"),
                Exists("f/g/a/below"),
                IsFile("f/g/a"),
                IsFile("f"),
                IsFile(""),
                IsFile("none"),
                IsFolder("f"),
                IsFolder("f/g"),
                IsFolder("f/g/a"),
                IsFolder("f/"),
                IsFolder(""),
                IsFolder("none"),
                IsFile("../f"),
                Ping,
                Check,
            ],
        ),
        case(
            "a position moves",
            [
                Write("a", "0123456789"),
                Seek(
                    "a",
                    4,
                    &[
                        Move::Read(3),
                        Move::Read(3),
                        Move::To(SeekFrom::Start(8)),
                        Move::Read(5),
                        Move::Read(5),
                        Move::To(SeekFrom::End(-4)),
                        Move::Read(2),
                        Move::To(SeekFrom::Current(-3)),
                        Move::Read(1),
                        Move::To(SeekFrom::End(5)),
                        Move::Read(1),
                        Move::To(SeekFrom::Current(-100)),
                        Move::To(SeekFrom::End(-11)),
                        Move::To(SeekFrom::Start(0)),
                        Move::Read(0),
                        Move::Read(100),
                    ],
                ),
                Seek("a", 0, &[Move::Read(2), Move::Read(2)]),
                Write("empty", ""),
                Seek("empty", 4, &[Move::Read(1), Move::To(SeekFrom::End(0)), Move::Read(1)]),
                Seek("none", 4, &[]),
            ],
        ),
        case(
            "nothing is overwritten unless asked for",
            [
                Write("a", "old"),
                Write("a", "new"),
                WriteText("a", "new"),
                WriteText("b", "é"),
                WriteAtomic("a", "new", If::Absent),
                WriteAtomic("a", "newer", If::Any),
                ReadText("a"),
                WriteWith("a", "newest", If::Any),
                WriteWith("a", "no", If::Absent),
                ReadText("a"),
                ReadText("b"),
            ],
        ),
        case(
            "parts appear at the commit",
            [
                Parts("p/a", &["one, ", "", "two"], If::Absent, End::Commit),
                ReadText("p/a"),
                Parts("p/a", &["late"], If::Absent, End::Commit),
                Parts("p/a", &["over"], If::Any, End::Abort),
                Parts("p/a", &["over"], If::Any, End::Drop),
                ReadText("p/a"),
                Parts("p/b", &[], If::Any, End::Drop),
                Parts("p/c", &[], If::Any, End::Commit),
                List(""),
            ],
        ),
        case(
            "deletes",
            [
                Write("f/a", "a"),
                Delete("f", REFUSE),
                Delete("f", IGNORE),
                Delete("none", REFUSE),
                Delete("none", IGNORE),
                Delete("f/none", IGNORE),
                Delete("", IGNORE),
                Delete("f/a", REFUSE),
                Delete("f/a", REFUSE),
                Delete("f", IGNORE),
                List(""),
            ],
        ),
        case(
            "folders are deleted with what is in them or not at all",
            [
                Write("f/a", "1"),
                Write("f/b/c", "2"),
                Write("f/b/d/e", "3"),
                Write("f/z", "4"),
                Write("f-beside", "5"),
                Write("f%", "6"),
                Write("F/a", "7"),
                DeleteFolder("f", Content::Keep, REFUSE),
                DeleteFolder("f/a", Content::Delete, IGNORE),
                DeleteFolder("none", Content::Delete, REFUSE),
                DeleteFolder("none", Content::Keep, REFUSE),
                DeleteFolder("none", Content::Delete, IGNORE),
                DeleteFolder("", Content::Delete, IGNORE),
                DeleteFolder("../f", Content::Delete, IGNORE),
                InChild("f"),
                DeleteFolder("", Content::Delete, IGNORE),
                InParent,
                DeleteFolder("f", Content::Delete, REFUSE),
                DeleteFolder("f", Content::Delete, REFUSE),
                List(""),
            ],
        ),
        case(
            "copies",
            [
                Write("a", "a"),
                Write("b", "b"),
                Write("f/x", "x"),
                Copy("a", "c/d", If::Absent),
                ReadText("c/d"),
                Copy("a", "b", If::Absent),
                Copy("a", "b", If::Any),
                ReadText("b"),
                Copy("a", "a", If::Absent),
                Copy("a", "a", If::Any),
                Copy("none", "none", If::Any),
                Copy("none", "b", If::Absent),
                Copy("none", "", If::Any),
                Copy("f", "new", If::Any),
                Copy("f", "b", If::Absent),
                Copy("f", "f", If::Any),
                Copy("a", "", If::Any),
                Copy("", "b", If::Any),
                List(""),
            ],
        ),
        case(
            "renames",
            [
                Write("a", "a"),
                Write("b", "b"),
                Write("f/x", "x"),
                Rename("a", "c/d", If::Absent),
                ReadText("c/d"),
                Rename("c/d", "b", If::Absent),
                Rename("c/d", "b", If::Any),
                ReadText("b"),
                Rename("b", "b", If::Absent),
                Rename("b", "b", If::Any),
                Rename("none", "none", If::Any),
                Rename("none", "b", If::Absent),
                Rename("none", "", If::Any),
                Rename("f", "new", If::Any),
                Rename("f", "b", If::Absent),
                Rename("b", "", If::Any),
                List(""),
            ],
        ),
        case("depth and patterns", listings()),
        case(
            "hostile names are names",
            [
                Write("100%/a b.csv", "1"),
                Write("100x/a b.csv", "2"),
                Write("a_/x", "3"),
                Write("ab/x", "4"),
                Write("[x]/*.csv", "5"),
                Write("x/?.csv", "6"),
                Write(".hidden/..a", "7"),
                Write("\u{e9}/e\u{301}", "8"),
                Write("q'\"/#;", "9"),
                List("100%"),
                List("a_"),
                Glob("[[]x[]]/[*].csv"),
                Glob("[x]/*.csv"),
                Glob("x/[?].csv"),
                Glob(".*/*"),
                Glob("\u{e9}/??"),
                Glob("\u{e9}/\u{e9}"),
                InChild("[x]"),
                Glob("*"),
                Read("*.csv"),
                InParent,
                InChild("100%"),
                List(""),
                DeleteFolder("none", Content::Delete, IGNORE),
                InParent,
                DeleteFolder("a_", Content::Delete, REFUSE),
                DeleteFolder("100%", Content::Delete, REFUSE),
                List(""),
            ],
        ),
        case("wrong arguments", wrong()),
        case(
            "children are stores of their own",
            [
                InChild("one"),
                Write("a", "1"),
                InChild("one/two"),
                Write("a", "22"),
                List(""),
                Copy("a", "b", If::Any),
                Children(""),
                FolderInfo("", None),
                InParent,
                List(""),
                InChild("one"),
                Files("", Some(1), Some("*/a")),
                Folders("", None, None),
                Exists(""),
                Stat("one/a"),
                Stat("two/a"),
            ],
        ),
        case(
            "native paths lead back",
            [
                NativePathAndBack(""),
                NativePathAndBack("a b/%20#?"),
                InChild("in side"),
                NativePathAndBack(""),
                NativePathAndBack("\u{e9}/%"),
            ],
        ),
        case("a closed store is poisoned", closed()),
    ]
}

fn listings() -> Vec<Call> {
    use Call::*;
    let keys = ["a", "b/1.csv", "b/2.txt", "b/c/3.csv", "b/c/d/4.csv", "b/c/d/e/5.csv", "b-/6.csv", "b.csv", "z/7.csv"];
    let mut calls: Vec<Call> = keys.into_iter().map(|key| Write(key, "x")).collect();
    for depth in [Some(0), Some(1), Some(2), Some(9), None] {
        calls.extend([Files("", depth, None), Files("b", depth, None), Folders("", depth, None)]);
        calls.extend([Folders("b", depth, None), FolderInfo("", depth), FolderInfo("b", depth)]);
    }
    calls.extend([
        List("b"),
        Page("b"),
        Page("none"),
        Page("a"),
        Children(""),
        Children("b"),
        Children("b/c/d/e"),
        Children("none"),
        Children("a"),
        Files("b", None, Some("*.csv")),
        Files("b", None, Some("**/*.csv")),
        Files("b", None, Some("c/*.csv")),
        Files("b", None, Some("c/**")),
        Files("b", Some(1), Some("**/*.csv")),
        Files("b", Some(0), Some("c/*.csv")),
        Files("b", Some(0), Some("?.???")),
        Files("", None, Some("b*/[1-3].csv")),
        Folders("", None, Some("b*")),
        Folders("", None, Some("b/**")),
        Folders("", None, Some("**/d")),
        Folders("", None, Some("b/*/d")),
        Folders("b", None, Some("[!c]")),
        Glob("**"),
        Glob("*"),
        Glob("**/*.csv"),
        Glob("b/**/*.csv"),
        Glob("b/*/*.csv"),
        Glob("b/c/d/4.csv"),
        Glob("b/c/d/4.cs"),
        Glob("b/c"),
        Glob("a/*"),
        Glob("*.csv"),
        Glob("none/**"),
        List("none"),
        List("a"),
        Files("b/1.csv", None, None),
        Files("b/1.csv", Some(0), Some("*")),
        Folders("b/1.csv", None, None),
        FolderInfo("none", None),
        FolderInfo("b/1.csv", None),
        FolderInfo("b/1.csv", Some(0)),
        FolderInfo("b/c/d", Some(0)),
    ]);
    calls
}

fn wrong() -> Vec<Call> {
    use Call::*;
    let mut calls = vec![Write("a", "a"), Write("f/b", "b")];
    for key in ["", "/", "/a", "a/", "f//b", ".", "..", "../a", "f/../a", "f/./b", "a\\b", "a\0", "a\nb"] {
        calls.extend([Read(key), ReadText(key), ReadRanges(key, &[]), Seek(key, 1, &[]), Stat(key), Head(key)]);
        calls.extend([FileInfo(key), Write(key, "x"), WriteText(key, "x"), WriteAtomic(key, "x", If::Any)]);
        calls.extend([Parts(key, &["x"], If::Any, End::Commit), Delete(key, IGNORE)]);
        calls.extend([Copy(key, "n", If::Any), Copy("a", key, If::Any), Rename("a", key, If::Any)]);
        calls.extend([DeleteFolder(key, Content::Delete, IGNORE), InChild(key)]);
        if !key.is_empty() {
            calls.extend([Exists(key), IsFile(key), IsFolder(key), Page(key), List(key), Files(key, None, None)]);
            calls.extend([Folders(key, None, None), Children(key), FolderInfo(key, None), NativePathAndBack(key)]);
        }
    }
    // A folder is no object.
    calls.extend([Read("f"), ReadText("f"), ReadRanges("f", &[]), Seek("f", 1, &[]), Stat("f"), Head("f")]);
    calls.extend([FileInfo("f"), Rename("f", "n", If::Any)]);
    for pattern in ["", "a[", "a**", "a/b**/c", "/a", "a/", "a//b", "../a", "./a", "[b-a]", "a\\", "a\0"] {
        calls.extend([Glob(pattern), Files("", None, Some(pattern)), Folders("f", None, Some(pattern))]);
    }
    calls.push(List(""));
    calls
}

fn closed() -> Vec<Call> {
    use Call::*;
    let everything = || {
        vec![
            Read("a"),
            ReadText("a"),
            ReadRange("a", worldstore_core::ReadRange::From(0)),
            ReadRanges("a", &[]),
            Seek("a", 1, &[]),
            Stat("a"),
            Head("a"),
            FileInfo("a"),
            Exists("a"),
            Exists(""),
            IsFile("a"),
            IsFolder(""),
            Write("b", "b"),
            WriteText("b", "b"),
            WriteAtomic("b", "b", If::Any),
            Parts("b", &[], If::Any, End::Commit),
            Delete("a", IGNORE),
            DeleteFolder("f", Content::Delete, IGNORE),
            Copy("a", "b", If::Any),
            Rename("a", "b", If::Any),
            Page(""),
            List(""),
            Files("", None, None),
            Folders("", None, None),
            Children(""),
            Glob("*"),
            Glob("a"),
            FolderInfo("", None),
            Ping,
            Check,
            NativePathAndBack("a"),
        ]
    };
    let mut calls = vec![Write("a", "a"), InChild("f"), Write("x", "x"), Close];
    calls.extend(everything());
    calls.extend([InParent, ReadText("a"), Close, Close]);
    calls.extend(everything());
    calls.extend([InChild("f"), ReadText("x"), InChild("none"), NativePathAndBack("b")]);
    calls
}

/// Cases for backends with compare-and-swap and write tokens.
pub fn conditions() -> Vec<Case> {
    use Call::*;
    vec![
        case(
            "compare and swap",
            [
                Write("a", "1"),
                WriteWith("a", "22", If::Seen(0)),
                WriteWith("a", "333", If::Seen(0)),
                WriteAtomic("a", "333", If::Seen(1)),
                WriteWith("none", "x", If::Seen(0)),
                ReadSeen("a", 2),
                ReadSeen("a", 0),
                Parts("a", &["4"], If::Seen(0), End::Commit),
                Parts("a", &["44", "44"], If::Seen(2), End::Commit),
                ReadText("a"),
                Write("b", "b"),
                Copy("b", "a", If::Seen(0)),
                Copy("b", "a", If::Seen(3)),
                Copy("a", "a", If::Seen(0)),
                Copy("a", "a", If::Seen(4)),
                Rename("b", "a", If::Seen(0)),
                Rename("none", "a", If::Seen(0)),
                Rename("b", "a", If::Seen(4)),
                Write("f/x", "x"),
                DeleteWith("a", REFUSE, If::Seen(0)),
                DeleteWith("a", IGNORE, If::Seen(0)),
                DeleteWith("a", REFUSE, If::Seen(5)),
                DeleteWith("a", IGNORE, If::Seen(5)),
                DeleteWith("f", IGNORE, If::Seen(0)),
                DeleteWith("f/x", REFUSE, If::Absent),
                List(""),
            ],
        ),
        case(
            "tokens settle",
            [
                Settle("a", "t1"),
                WriteToken("a", "1", "t1"),
                Settle("a", "t1"),
                WriteToken("a", "2", "t2"),
                Settle("a", "t1"),
                Settle("a", "t2"),
                InChild("f"),
                WriteToken("a", "3", "t3"),
                Settle("a", "t3"),
                Settle("", "t3"),
            ],
        ),
    ]
}

/// Cases for backends on which an object is no folder.
pub fn tree() -> Vec<Case> {
    use Call::*;
    vec![case(
        "an object is no folder and a folder no object",
        [
            Write("f/a", "a"),
            Write("f", "x"),
            WriteWith("f", "x", If::Any),
            Write("f/a/b", "x"),
            Parts("f", &["x"], If::Any, End::Commit),
            Copy("f/a", "f", If::Any),
            Copy("none", "f", If::Any),
            Copy("f/a", "f/a/b", If::Any),
            Rename("f/a", "f", If::Any),
            Rename("none", "f", If::Any),
            List(""),
        ],
    )]
}

/// A case of calls by chance, the same for the same seed. No key in it is a folder of another.
pub fn random(seed: u64) -> Case {
    use Call::*;
    const KEYS: [Text; 6] = ["a", "b/c", "b/d", "e/f/g", "e/f/%*", "none"];
    const PATHS: [Text; 8] = ["", "b", "e", "e/f", "none", "a", "b/c", "e/f/g/h"];
    const PATTERNS: [Text; 6] = ["*", "**", "b/*", "**/[!c]", "e/**/g", "?/?"];
    const CONDITIONS: [If; 2] = [If::Any, If::Absent];
    // Constants of a linear congruential generator; the high bits are good enough to choose by.
    let mut state = seed;
    let mut below = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % count
    };
    let mut calls = Vec::new();
    for _ in 0..40 {
        let (key, other, path) = (KEYS[below(6)], KEYS[below(6)], PATHS[below(8)]);
        let (condition, pattern) = (CONDITIONS[below(2)], PATTERNS[below(6)]);
        let depth = [Some(0), Some(1), None][below(3)];
        let missing = [REFUSE, IGNORE][below(2)];
        calls.push(match below(16) {
            0..=2 => WriteWith(key, ["", "x", "0123456789"][below(3)], condition),
            3 => Parts(key, &["one", "two"], condition, [End::Commit, End::Abort, End::Drop][below(3)]),
            4 => Delete(if below(2) == 0 { key } else { path }, missing),
            5 => DeleteFolder(path, [Content::Keep, Content::Delete][below(2)], missing),
            6 => Copy(key, other, condition),
            7 => Rename(key, other, condition),
            8 => Read(path),
            9 => Exists(path),
            10 => Seek(key, 3, &[Move::Read(2), Move::To(SeekFrom::End(-1)), Move::Read(9)]),
            11 => Files(path, depth, [None, Some(pattern)][below(2)]),
            12 => Folders(path, depth, [None, Some(pattern)][below(2)]),
            13 => Children(path),
            14 => Glob(pattern),
            _ => FolderInfo(path, depth),
        });
    }
    calls.push(List(""));
    Case { name: "by chance", calls }
}
