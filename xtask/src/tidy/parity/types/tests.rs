//! Types that mirror each other, and each way in which they may drift apart.

use super::*;

const SYNC: &str = "
    impl Store {
        /// All of a backend. No I/O.
        pub fn new(backend: Arc<dyn Backend>) -> Self { todo }
        /// Reads.
        pub fn read(&self, key: &str, options: &ReadOptions) -> Result<ReadReply<Chunks>> { todo }
        /// Lists. No I/O before the first.
        pub fn list(&self, folder: &str) -> Result<Entries<Child>> { todo }
        fn helper(&self) {}
        pub(super) fn other_helper(&self) {}
    }
    impl Display for Store { fn fmt(&self) {} }
    impl AtomicWriter {
        /// Publishes.
        pub fn commit(self) -> Result<ObjectMeta> { todo }
    }
    impl SeekReader {
        /// Where it is. No I/O.
        pub fn position(&self) -> u64 { todo }
    }
";

const ASYNC: &str = "
    impl AsyncStore {
        /// All of a backend. No I/O.
        pub fn new(backend: Arc<dyn AsyncBackend>) -> Self { todo }
        /// Reads.
        pub async fn read(&self, key: &str, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> { todo }
        async fn helper_of_its_own(&self) {}
        /// Lists. No I/O before the first.
        pub fn list(&self, folder: &str) -> Result<AsyncEntries<Child>> { todo }
    }
    impl AsyncAtomicWriter {
        /// Publishes.
        pub async fn commit(self) -> Result<ObjectMeta> { todo }
    }
    impl AsyncSeekReader {
        /// Where it is. No I/O.
        pub fn position(&self) -> u64 { todo }
    }
    impl AsyncRead for AsyncSeekReader { fn poll_read(&self) {} }
";

fn findings_after(change: &str, to: &str) -> Vec<String> {
    assert!(change.is_empty() || ASYNC.contains(change), "nothing to change: {change}");
    let mirror = if change.is_empty() { ASYNC.to_owned() } else { ASYNC.replacen(change, to, 1) };
    let sources = Sources::of(&[("store-core/src/store/a.rs", SYNC), ("store-async/src/store/a.rs", &mirror)]);
    check(&sources, &super::super::SIDES[0]).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_mirror_passes() {
    assert_eq!(findings_after("", ""), [] as [&str; 0]);
}

#[test]
fn each_drift_is_found() {
    let drifts = [
        ("key: &str", "path: &str", "`read`: signatures differ"),
        ("AsyncEntries<Child>", "AsyncEntries<Key>", "`list`: signatures differ"),
        ("async fn read", "fn read", "`read`: async is for what does I/O"),
        ("pub fn list", "pub async fn list", "`list`: async is for what does I/O"),
        ("/// Reads.", "/// Reads all.", "`read`: docs differ"),
        ("pub fn list", "fn list", "AsyncStore has no `list`"),
        ("async fn helper_of_its_own", "pub async fn more", "Store has no `more`"),
        ("impl AsyncSeekReader {", "impl Other {", "there is no type AsyncSeekReader"),
    ];
    for (change, to, wanted) in drifts {
        let findings = findings_after(change, to);
        assert!(findings.first().is_some_and(|found| found.starts_with(wanted)), "{change} to {to}: {findings:?}");
    }
}

/// A method may move to another file with its mirror, not alone.
#[test]
fn another_order_is_found() {
    let (store, rest) = ASYNC.split_at(ASYNC.find("        /// Lists").unwrap());
    let (list, rest) = rest.split_at(rest.find("    }\n    impl AsyncAtomicWriter").unwrap());
    let moved = format!("impl AsyncStore {{ {list} }} {store} {rest}");
    let sources = Sources::of(&[("store-core/src/store/a.rs", SYNC), ("store-async/src/store/a.rs", &moved)]);
    let findings = check(&sources, &super::super::SIDES[0]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.starts_with("methods of AsyncStore have another order"), "{}", findings[0]);
}
