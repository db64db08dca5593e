//! Traits that mirror each other, and each way in which they may drift apart.

use super::*;

const SYNC: &str = "
    /// Stores bytes, see [`Store`](crate::Store).
    ///
    /// More.
    pub trait Backend: Send + 'static {
        /// Describes.
        fn info(&self) -> Info;
        /// Reads as [`Chunks`], or as
        /// for [`Backend::info`].
        fn read(&self, key: &Key, options: &ReadOptions) -> Result<Reply<Chunks>>;
        /// Opens.
        fn open(&self, key: &Key) -> Result<Box<dyn Writer>>;
        /// Checks. No I/O.
        fn check(&self, key: &Key) -> Result<()>;
    }
    /// Writes.
    pub trait Writer: Send { }
    /// Tables.
    pub trait TableBackend { }
";

const ASYNC: &str = "
    /// Stores bytes,
    /// see [`Store`](worldstore_core::Store).
    ///
    /// More, and futures.
    #[async_trait]
    pub trait AsyncBackend: Send + 'static {
        /// Describes.
        fn info(&self) -> Info;
        /// Reads as [`AsyncChunks`], or as for [`AsyncBackend::info`].
        async fn read(
            &self,
            key: &Key,
            options: &ReadOptions,
        ) -> Result<Reply<AsyncChunks>>;
        /// Opens.
        async fn open(&self, key: &Key) -> Result<Box<dyn AsyncWriter>>;
        /// Checks. No I/O.
        fn check(&self, key: &Key) -> Result<()>;
    }
    /// Writes.
    pub trait AsyncWriter: Send { }
    /// Tables.
    pub trait AsyncTableBackend { }
";

fn findings_after(change: &str, to: &str) -> Vec<String> {
    assert!(change.is_empty() || ASYNC.contains(change), "nothing to change: {change}");
    let mirror = if change.is_empty() { ASYNC.to_owned() } else { ASYNC.replacen(change, to, 1) };
    let sources = Sources::of(&[("store-core/src/backend.rs", SYNC), ("store-async/src/backend.rs", &mirror)]);
    check_traits(&sources, &SIDES[0]).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn what_does_no_io_is_not_async() {
    let found = findings_after("fn check", "async fn check");
    assert!(found.len() == 1 && found[0].contains("async is for what does I/O"), "{found:?}");
}

#[test]
fn a_mirror_passes() {
    assert_eq!(findings_after("", ""), [] as [&str; 0]);
}

#[test]
fn another_argument_name_shows_both_signatures() {
    let findings = findings_after("key: &Key)", "path: &Key)");
    assert_eq!(
        findings,
        ["`open`: signatures differ\n    \
        sync:  fn open(&self, key: &Key) -> Result<Box<dyn Writer>>\n    \
        async: async fn open(&self, path: &Key) -> Result<Box<dyn AsyncWriter>>"]
    );
}

#[test]
fn each_drift_is_found_once() {
    let drifts = [
        ("Reply<AsyncChunks>", "Reply<AsyncBatches>", "`read`: signatures differ"),
        ("options: &ReadOptions,", "", "`read`: signatures differ"),
        ("async fn open", "fn open", "`open`: async is for what does I/O"),
        ("fn info", "async fn info", "`info`: async is for what does I/O"),
        ("-> Info;", "-> Info { Info }", "`info`: only one side has a default body"),
        ("/// Opens.", "/// Opens it.", "`open`: docs differ"),
        ("fn info(&self)", "fn about(&self)", "AsyncBackend has no `info`"),
        ("AsyncBackend: Send", "AsyncBackend: Sync", "generics or supertraits differ"),
        ("/// Stores bytes,", "/// Keeps bytes,", "first paragraphs of the docs differ"),
        ("fn info", "type Error;\nfn info", "associated types or constants differ"),
        ("AsyncTableBackend", "AsyncTables", "there is no trait AsyncTableBackend"),
    ];
    for (change, to, wanted) in drifts {
        let findings = findings_after(change, to);
        assert!(findings.first().is_some_and(|found| found.starts_with(wanted)), "{change} to {to}: {findings:?}");
    }
}

#[test]
fn another_order_is_found() {
    let opens = "/// Opens.\n        async fn open(&self, key: &Key) -> Result<Box<dyn AsyncWriter>>;";
    let describes = "/// Describes.\n        fn info(&self) -> Info;";
    let swapped = ASYNC.replace(opens, "@").replace(describes, opens).replace('@', describes);
    let sources = Sources::of(&[("store-core/src/a.rs", SYNC), ("store-async/src/a.rs", &swapped)]);
    let findings = check_traits(&sources, &SIDES[0]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.starts_with("methods have another order"), "{}", findings[0]);
}
