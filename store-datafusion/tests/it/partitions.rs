//! A table in several partitions is the same table, whatever is flushed, compacted and appended while they are read.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use datafusion::catalog::TableProvider;
use datafusion::prelude::{SessionConfig, SessionContext, col, lit};
use futures::TryStreamExt;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_cache::{CacheConfig, TableCache};
use worldstore_core::table::{
    AppendOptions, CompactOptions, CreateOptions, DescribeOptions, FlushOptions, MemoryTables, Segment, base,
};
use worldstore_datafusion::{PinnedProvider, TablePin, datafusion};

use crate::fixture::name;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// What happens to the table.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many rows at the next tick.
    Append(u64),
    Flush,
    Compact,
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![4 => (1..30_u64).prop_map(Step::Append), 2 => Just(Step::Flush), 1 => Just(Step::Compact)];
    prop::collection::vec(step, 0..most)
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(base::fields()))
}

fn rows(tick: i64, entities: std::ops::Range<u64>) -> RecordBatch {
    let count = entities.clone().count();
    let texts = |text: &str| Arc::new(StringArray::from(vec![text; count])) as ArrayRef;
    let columns = vec![
        texts("w"),
        texts("main"),
        Arc::new(UInt64Array::from_iter_values(entities)) as ArrayRef,
        Arc::new(Int64Array::from_value(tick, count)),
        Arc::new(BooleanArray::from(vec![true; count])),
        Arc::new(UInt64Array::from_value(0, count)),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// A table under a cache, and the entities in it: those of a tick follow those of the tick before.
struct Bed {
    cache: Arc<TableCache>,
    tick: i64,
    entities: u64,
}

impl Bed {
    async fn new() -> Self {
        let memory = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
        let cache = TableCache::open(memory, CacheConfig::default().with_idle_sec(3_600.0)).await.unwrap();
        cache.create(&name("t"), &CreateOptions::new(schema())).await.unwrap();
        Self { cache: Arc::new(cache), tick: 0, entities: 0 }
    }

    async fn play(&mut self, step: Step) {
        match step {
            Step::Append(count) => {
                let batch = rows(self.tick, self.entities..self.entities + count);
                let _ = self.cache.append(&name("t"), vec![batch], &AppendOptions::default()).await.unwrap();
                (self.tick, self.entities) = (self.tick + 1, self.entities + count);
            }
            Step::Flush => self.cache.flush(&FlushOptions::default()).await.unwrap(),
            Step::Compact => {
                self.cache.compact(&name("t"), &CompactOptions::default()).await.unwrap();
            }
        }
    }

    /// The table as it is now.
    async fn provider(&self, partitions: usize) -> PinnedProvider {
        let tables: Arc<dyn AsyncTableBackend> = self.cache.clone();
        let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
        let segment = Segment::run("w", "main").with_seq_max(info.watermark);
        let pin = TablePin::of_segments(tables, info, vec![segment]);
        PinnedProvider::new(Arc::new(pin)).with_partitions(NonZeroUsize::new(partitions).unwrap())
    }
}

fn entities(batches: &[RecordBatch]) -> Vec<u64> {
    batches.iter().flat_map(|batch| batch[base::ENTITY].as_primitive::<UInt64Type>().values().to_vec()).collect()
}

/// Reads the partitions one after the other, with a step before each; twice, as an operator may be run again.
async fn check_partitions(bed: &mut Bed, partitions: usize, meanwhile: &[Step]) {
    let (context, expected) = (SessionContext::new(), (0..bed.entities).collect::<Vec<_>>());
    let provider = bed.provider(partitions).await;
    let filter = [col(base::TICK).gt_eq(lit(0_i64))];
    let plan = provider.scan(&context.state(), None, &filter, None).await.unwrap();
    assert_eq!(plan.properties().partitioning.partition_count(), partitions);
    let mut steps = meanwhile.iter();
    for run in 0..2 {
        let mut found = Vec::new();
        for partition in (0..partitions).rev() {
            let rows = plan.execute(partition, context.task_ctx()).unwrap();
            found.extend(entities(&rows.try_collect::<Vec<_>>().await.unwrap()));
            if let Some(step) = steps.next() {
                bed.play(*step).await;
            }
        }
        found.sort_unstable();
        assert_eq!(found, expected, "{partitions} partitions, run {run}");
    }
}

/// Order, limits and groups are those of the table in one partition.
async fn check_queries(bed: &Bed, partitions: usize) {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(3));
    context.register_table("t", Arc::new(bed.provider(partitions).await)).unwrap();
    let ask = async |text: &str| context.sql(text).await.unwrap().collect().await.unwrap();
    let all = bed.entities;
    let half = all / 2;
    let ordered = ask(&format!("select entity from t where entity >= {half} order by entity desc limit 7")).await;
    assert_eq!(entities(&ordered), (half..all).rev().take(7).collect::<Vec<_>>());
    for limit in [0, 1, half, all, all + 5] {
        let mut some = entities(&ask(&format!("select entity from t limit {limit}")).await);
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len() as u64, limit.min(all), "limit {limit} of {partitions} partitions");
        let counted = ask(&format!("select count(*) as entity from (select tick from t limit {limit})")).await;
        let counted = arrow::util::display::array_value_to_string(counted[0].column(0), 0).unwrap();
        assert_eq!(counted, limit.min(all).to_string());
    }
    let skipped = ask(&format!("select entity from t order by entity limit 3 offset {half}")).await;
    assert_eq!(entities(&skipped), (half..all).take(3).collect::<Vec<_>>());
    let groups = ask("select count(distinct tick) as n, count(*) as rows, sum(entity) as sum from t").await;
    let shown = |column: usize| arrow::util::display::array_value_to_string(groups[0].column(column), 0).unwrap();
    assert_eq!((shown(0), shown(1)), (bed.tick.to_string(), all.to_string()));
    let sum = if all == 0 { String::new() } else { (0..all).sum::<u64>().to_string() };
    assert_eq!(shown(2), sum);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn partitions_have_the_rows_of_one_state(before in steps(12), meanwhile in steps(14)) {
        RUNTIME.block_on(async {
            for partitions in [1, 2, 7] {
                let mut bed = Bed::new().await;
                for step in &before {
                    bed.play(*step).await;
                }
                check_queries(&bed, partitions).await;
                check_partitions(&mut bed, partitions, &meanwhile).await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_read_at_once_share_a_scan() {
    let mut bed = Bed::new().await;
    for _ in 0..6 {
        bed.play(Step::Append(500)).await;
        bed.play(Step::Flush).await;
    }
    bed.play(Step::Append(10)).await;
    let context = SessionContext::new();
    let observer = Arc::new(crate::fixture::Read::default());
    let provider = bed.provider(4).await.with_observer(observer.clone());
    let plan = provider.scan(&context.state(), None, &[], None).await.unwrap();
    let reading = (0..4).map(|partition| {
        let rows = plan.execute(partition, context.task_ctx()).unwrap();
        tokio::spawn(async move { rows.try_collect::<Vec<_>>().await.unwrap() })
    });
    let reading: Vec<_> = reading.collect();
    bed.play(Step::Flush).await;
    let (mut found, mut filled) = (Vec::new(), 0);
    for rows in reading {
        let some = entities(&rows.await.unwrap());
        filled += usize::from(!some.is_empty());
        found.extend(some);
    }
    found.sort_unstable();
    assert_eq!(found, (0..bed.entities).collect::<Vec<_>>());
    assert_eq!((filled, observer.scans.load(std::sync::atomic::Ordering::SeqCst)), (4, 1));
}
