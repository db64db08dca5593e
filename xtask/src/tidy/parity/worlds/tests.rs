//! Worlds and their mirrors, and each way in which they may drift apart.

use super::*;

const WORLD: &str = "
    pub use state::{SeqAt, State, Ticks};
    pub struct World { inner: Arc<Inner> }
    pub struct Run;
    pub struct View;
    pub struct TickWriter;
    struct Inner;
    impl World {
        /// Opens.
        ///
        /// # Errors
        /// Many.
        pub async fn open(uri: &str, options: &WorldOptions) -> Result<Self> { todo }
        /// Its name.
        pub fn name(&self) -> &str { todo }
        /// Tables, see [`World::open`].
        pub fn table_backend(&self) -> Arc<dyn AsyncTableBackend> { todo }
        pub async fn sql(&self) -> Result<SqlRows> { todo }
        pub async fn graph(&self) -> Result<Graph> { todo }
        pub(super) async fn helper(&self) { }
    }
    impl Inner { pub async fn wait(&self) { } }
    impl Run {
        /// Replays.
        pub async fn replay(&self, ticks: RangeInclusive<i64>) -> Result<Ticks> { todo }
    }
    impl View {
        /// Reads.
        pub async fn scan(&self, table: &str) -> Result<TableScan<AsyncBatches>> { todo }
        pub async fn sql(&self) -> Result<SqlRows> { todo }
        pub async fn sql_with(&self) -> Result<SqlRows> { todo }
        pub async fn dataframe(&self) -> Result<DataFrame> { todo }
        pub fn sql_session(&self) -> SqlSession { todo }
        pub fn graph(&self) -> Graph { todo }
    }
    impl TickWriter {
        /// Stores.
        pub async fn commit(self) -> Result<TickReceipt> { todo }
    }
";

const STATE: &str = "
    /// Ticks.
    pub type Ticks = BoxStream<'static, Result<Tick>>;
    pub struct State { pub rows: u64, pub batches: AsyncBatches, hidden: u8 }
    pub trait SeqAt: Send {
        /// Knows.
        fn seq_at(&self, time: SystemTime) -> BoxFuture<'_, Result<u64>>;
    }
";

const CONTEXT: &str = "
    pub struct StorageContext;
    impl StorageContext {
        /// Names.
        pub async fn worlds(&self) -> Result<Vec<String>> { todo }
    }
";

const BLOCKING: &str = "
    pub use context::StorageContext;
    pub struct World;
    pub struct Run;
    pub struct View;
    pub struct TickWriter;
    impl Mirror for World { fn bridge(&self) -> &Bridge { todo } }
    impl World {
        /// Opens.
        ///
        /// # Errors
        /// More.
        pub fn open(uri: &str, options: &WorldOptions) -> Result<Self> { todo }
        /// Its name.
        pub fn name(&self) -> &str { todo }
        /// Tables, see [`World::open`](Self::open).
        pub fn table_backend(&self) -> Arc<dyn TableBackend> { todo }
    }
    impl Run {
        /// Replays.
        pub fn replay(&self, ticks: RangeInclusive<i64>) -> Result<Ticks> { todo }
    }
    impl View {
        /// Reads.
        pub fn scan(&self, table: &str) -> Result<TableScan<Batches>> { todo }
    }
    impl TickWriter {
        /// Stores.
        pub fn commit(self) -> Result<TickReceipt> { todo }
    }
    impl StorageContext {
        /// Names.
        pub fn worlds(&self) -> Result<Vec<String>> { todo }
    }
    /// Ticks.
    pub type Ticks = Box<dyn Iterator<Item = Result<Tick>> + Send>;
    pub struct State { pub rows: u64, pub batches: Batches }
    pub trait SeqAt: Send {
        /// Knows.
        fn seq_at(&self, time: SystemTime) -> Result<u64>;
    }
";

fn findings_of(world: &str, blocking: &str) -> Vec<String> {
    let sources = Sources::of(&[
        ("src/world/mod.rs", world),
        ("src/world/state.rs", STATE),
        ("src/world/tests.rs", "pub struct View; impl View { pub async fn test(&self) -> Result<()> { todo } }"),
        ("src/context/mod.rs", CONTEXT),
        ("src/blocking/mod.rs", blocking),
    ]);
    check(&sources).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_mirror_passes() {
    assert_eq!(findings_of(WORLD, BLOCKING), [] as [&str; 0]);
}

#[test]
fn a_missing_method_shows_what_is_to_be_written() {
    let planted =
        WORLD.replace("pub(super) async fn helper(&self) { }", "pub async fn planted(&self) -> Result<u64> { todo }");
    assert_eq!(
        findings_of(&planted, BLOCKING),
        ["the mirror of World has no `planted`; the other side has\n    async fn planted(&self) -> Result<u64>"]
    );
}

#[test]
fn a_type_that_begins_to_wait_needs_a_mirror() {
    let dropped = "pub struct Dropped; impl Dropped { /// Undoes.\n pub async fn undo(self) -> Result<()> { todo } }";
    let findings = findings_of(&format!("{WORLD} {dropped}"), BLOCKING);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("the mirror of Dropped has no `undo`"), "{findings:?}");
}

#[test]
fn each_drift_of_the_mirror_is_found() {
    let drifts = [
        ("uri: &str, ", "place: &str, ", "`open`: signatures differ"),
        ("options: &WorldOptions", "", "`open`: signatures differ"),
        ("TableScan<Batches>", "Vec<RecordBatch>", "`scan`: signatures differ"),
        ("Arc<dyn TableBackend>", "Arc<dyn Tables>", "`table_backend`: signatures differ"),
        ("pub fn name(&self) -> &str", "pub fn name(&self) -> String", "`name`: signatures differ"),
        ("pub fn scan", "pub async fn scan", "`scan`: a mirror awaits nothing"),
        ("/// Opens.", "/// Makes.", "`open`: first paragraphs of the docs differ"),
        ("pub fn worlds", "fn worlds", "there is no type StorageContext with methods"),
        ("pub fn name", "fn name", "the mirror of World has no `name`"),
        ("/// Its name.", "pub fn more(&self) {}\n/// Its name.", "the async World has no `more`"),
        ("pub fn scan", "pub fn sql(&self) {} pub fn scan", "`View::sql` is listed as without mirror"),
        ("dyn Iterator<Item = Result<Tick>> + Send", "dyn Iterator<Item = Tick> + Send", "`Ticks` differs"),
        ("pub type Ticks", "type Ticks", "there is no Ticks"),
        ("pub batches: Batches", "pub batches: Vec<RecordBatch>", "`State` differs"),
        ("time: SystemTime) -> Result<u64>", "time: SystemTime) -> u64", "`seq_at`: signatures differ"),
        ("fn seq_at", "fn at", "SeqAt has no `seq_at`"),
    ];
    for (change, to, wanted) in drifts {
        assert!(BLOCKING.contains(change), "nothing to change: {change}");
        let findings = findings_of(WORLD, &BLOCKING.replacen(change, to, 1));
        assert!(findings.iter().any(|found| found.starts_with(wanted)), "{change} to {to}: {findings:?}");
    }
}

#[test]
fn the_list_of_exceptions_says_nothing_that_is_not_so() {
    let findings = findings_of(&WORLD.replace("pub fn sql_session", "pub fn session"), BLOCKING);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].starts_with("the mirror of View has no `session`"), "{findings:?}");
    assert!(findings[1].starts_with("`View::sql_session` is listed as without mirror"), "{findings:?}");
    let findings = findings_of(
        &WORLD.replace("open(uri: &str, options: &WorldOptions) -> Result<Self>", "open() -> Self"),
        BLOCKING,
    );
    assert!(findings.iter().any(|found| found.starts_with("`open`: what waits gives a Result")), "{findings:?}");
}
