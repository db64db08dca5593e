//! Listings that leave out what names rule out: what they find, and what they cost.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Decision, Filter, LakeColumn, LakeUri};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::hive::HiveType;
use crate::key::{Key, Prefix};
use crate::kv::tests::flat;
use crate::memory::Memory;
use crate::ops::{ListOptions, WriteOptions};
use crate::wrap::{Metrics, MetricsBackend, Operation};

/// A backend with these objects, and what counts its calls.
fn counted(inner: Arc<dyn Backend>, keys: &[&str]) -> (MetricsBackend, Arc<Metrics>) {
    for key in keys {
        let _ = inner.write(&Key::new(key).unwrap(), "four".into(), &WriteOptions::default()).unwrap();
    }
    let metrics = Arc::new(Metrics::default());
    (MetricsBackend::new(inner, Arc::clone(&metrics)), metrics)
}

fn both(keys: &[&str]) -> [(MetricsBackend, Arc<Metrics>); 2] {
    [counted(Arc::new(Memory::new()), keys), counted(flat(), keys)]
}

fn options(filter: &str) -> LakeListOptions {
    match filter {
        "" => LakeListOptions::default(),
        filter => LakeListOptions::default().with_filter(Filter::parse(filter).unwrap()),
    }
}

fn names(listing: &LakeListing) -> Vec<&str> {
    listing.files.iter().map(|file| file.meta.key.as_str()).collect()
}

const TRACKS: &[&str] = &[
    "other/x.parquet",
    "tracks/2023/week=1/a.parquet",
    "tracks/2023/week=2/a.parquet",
    "tracks/2024/week=1/a.parquet",
    "tracks/2024/week=1/b.parquet",
    "tracks/2024/week=12/a.parquet",
    "tracks/2024/week=2/_SUCCESS",
    "tracks/2024/week=2/a.parquet",
    "tracks/2024/week=2/note.txt",
    "tracks/2024/weak=2/a.parquet",
    "tracks/_tmp/week=1/a.parquet",
    "tracks/readme.md",
];

#[test]
fn folders_are_left_out_before_they_are_listed() {
    let template = LakeUri::parse("lake://nfl/tracks/{season}/week={week}").unwrap().template;
    for (backend, metrics) in both(TRACKS) {
        let options = options("season = 2024 and week < 3").with_ending(".parquet");
        let listing = list(&backend, &template, &options).unwrap();
        assert_eq!(
            names(&listing),
            ["tracks/2024/week=1/a.parquet", "tracks/2024/week=1/b.parquet", "tracks/2024/week=2/a.parquet"]
        );
        let stats = listing.stats;
        // tracks/; 2024/; week=1/ and week=2/. Seen: 2023 2024 _tmp, then weak=2 week=1 week=12 week=2.
        assert_eq!((stats.list_calls, stats.folders_seen), (4, 7));
        assert_eq!((stats.folders_pruned, stats.folders_unfit, stats.folders_hidden), (2, 1, 1));
        assert_eq!((stats.files_seen, stats.files_unfit, stats.files_hidden, stats.files_pruned), (6, 2, 1, 0));
        assert_eq!((stats.files(), stats.bytes), (3, 12));
        let pruned: Vec<&str> = listing.pruned.iter().map(Prefix::as_str).collect();
        assert_eq!(pruned, ["tracks/2023", "tracks/2024/week=12"]);
        assert_eq!(listing.unfit, ["tracks/2024/weak=2/", "tracks/2024/week=2/note.txt", "tracks/readme.md"]);
        let calls = metrics.snapshot();
        assert_eq!(calls.calls_of(Operation::List), stats.list_calls);
        assert_eq!(calls.calls_total(), stats.list_calls, "nothing is opened and nothing looked up");
        let kinds = [LakeColumn::new("season", HiveType::Int), LakeColumn::new("week", HiveType::Int)];
        assert_eq!((&listing.columns[..], &listing.files[2].values[..]), (&kinds[..], &[2024.into(), 2.into()][..]));
    }
}

#[test]
fn without_a_filter_all_is_listed_at_once() {
    let template = Template::parse("tracks/{season}/week={week}").unwrap();
    for (backend, metrics) in both(TRACKS) {
        let listing = list(&backend, &template, &options("").with_ending(".parquet")).unwrap();
        assert_eq!((listing.files.len(), listing.stats.list_calls), (6, 1));
        assert_eq!(metrics.snapshot().calls_of(Operation::List), 1);
        // 2023 with two weeks, 2024 with weak=2 and three weeks, _tmp; what is in _tmp is hidden with it.
        let stats = listing.stats;
        assert_eq!((stats.folders_seen, stats.folders_unfit, stats.folders_hidden), (9, 1, 1));
        assert_eq!((stats.files_seen, stats.files_unfit, stats.files_hidden), (11, 3, 2));
    }
}

#[test]
fn what_is_decided_is_not_decided_again() {
    let template = Template::parse("tracks/{season}/week={week}").unwrap();
    let (backend, _) = counted(Arc::new(Memory::new()), TRACKS);
    let listing = list(&backend, &template, &options("season = 2024 or season = 2025")).unwrap();
    assert_eq!((listing.stats.list_calls, listing.stats.folders_pruned), (2, 1), "2024 is listed whole");
}

#[test]
fn objects_are_left_out_by_their_names() {
    let keys = ["d/part-1.csv", "d/part-12.csv", "d/part-x.csv", "d/deep/part-1.csv", "d/other.csv"];
    for (backend, metrics) in both(&keys) {
        let template = Template::parse("d/part-{n:int}.csv").unwrap();
        let listing = list(&backend, &template, &options("n < 10")).unwrap();
        assert_eq!(names(&listing), ["d/part-1.csv"]);
        let stats = listing.stats;
        assert_eq!((stats.files_seen, stats.files_pruned, stats.files_unfit), (4, 1, 2));
        assert_eq!((stats.folders_seen, stats.folders_unfit), (1, 1));
        assert_eq!((stats.list_calls, metrics.snapshot().calls_of(Operation::List)), (1, 1));
    }
}

#[test]
fn keys_below_the_template_are_values_too() {
    let keys = ["t/year=2026/region=eu/f", "t/year=2026/region=us/f", "t/year=007/region=eu/x/f"];
    for (backend, _) in both(&keys) {
        let listing = list(&backend, &Template::parse("t").unwrap(), &options("")).unwrap();
        assert_eq!(
            listing.columns,
            [LakeColumn::new("year", HiveType::Text), LakeColumn::new("region", HiveType::Text)]
        );
        assert_eq!(listing.files[0].values, ["007".into(), "eu".into()], "a zero in front stays");
        let listing =
            list(&backend, &Template::parse("t/").unwrap(), &options("year = 2026 and region = 'us'")).unwrap();
        assert_eq!((names(&listing), listing.stats.folders_pruned), (vec!["t/year=2026/region=us/f"], 2));
        let error = list(&backend, &Template::parse("t").unwrap(), &options("yeer = 2026")).unwrap_err();
        assert!(error.to_string().contains("variable: yeer, known: year region"), "{error}");
    }
}

#[test]
fn text_behind_a_variable_needs_no_listing() {
    let keys = ["1/tracks/w=1/f", "1/video/w=1/f", "2/tracks/w=1/f", "2/tracks.csv", "3/none/f"];
    for (backend, metrics) in both(&keys) {
        let listing =
            list(&backend, &Template::parse("{season}/tracks/w={w}").unwrap(), &options("season < 9")).unwrap();
        assert_eq!(names(&listing), ["1/tracks/w=1/f", "2/tracks/w=1/f"]);
        // The root, and tracks/ in each of three seasons, whole.
        assert_eq!((listing.stats.list_calls, metrics.snapshot().calls_of(Operation::List)), (4, 4));
        let one = list(&backend, &Template::parse("{season}/tracks.csv").unwrap(), &options("")).unwrap();
        assert_eq!(names(&one), ["2/tracks.csv"]);
    }
}

#[test]
fn an_address_without_variables_is_a_folder_or_an_object() {
    for (backend, metrics) in both(&["a/airports.csv", "a/flights/x"]) {
        let of = |text: &str| list(&backend, &Template::parse(text).unwrap(), &options("").with_ending(""));
        assert_eq!(names(&of("a/flights").unwrap()), ["a/flights/x"]);
        let one = of("a/airports.csv").unwrap();
        assert_eq!((names(&one), one.stats.files_seen, one.stats.list_calls), (vec!["a/airports.csv"], 1, 1));
        assert_eq!(metrics.snapshot().calls_of(Operation::Stat), 1);
        assert!(of("a/airports.csv/").unwrap_err().is_not_found());
    }
}

#[test]
fn what_is_not_there_is_no_empty_lake() {
    for (backend, _) in both(TRACKS) {
        for text in ["treks/{season}", "tracks/2025/{week}", "tracks/2025", "no/no/part-{n}.csv"] {
            let error = list(&backend, &Template::parse(text).unwrap(), &options("")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{text}: {error}");
        }
        let none = list(&backend, &Template::parse("tracks/{s}/month={m}").unwrap(), &options("")).unwrap();
        assert_eq!((none.files.len(), none.stats.folders_unfit), (0, 6), "something is there, and is counted");
        assert_eq!(none.columns, [LakeColumn::new("s", HiveType::Text), LakeColumn::new("m", HiveType::Text)]);
        let all = list(&backend, &Template::parse("tracks/{s}").unwrap(), &options("s = 1900")).unwrap();
        assert_eq!((all.files.len(), all.stats.folders_pruned), (0, 2));
    }
    let error = list(&Memory::new(), &Template::parse("").unwrap(), &options("")).unwrap_err();
    assert!(error.is_not_found());
}

#[test]
fn paths_must_agree() {
    let (backend, _) = counted(Arc::new(Memory::new()), &["m/k=1/f", "m/other=1/f", "d/k=1/k=2/f"]);
    let refused = |text: &str, options: &LakeListOptions| {
        list(&backend, &Template::parse(text).unwrap(), options).unwrap_err().to_string()
    };
    assert!(refused("m", &options("")).contains("other partition columns than the first file"));
    assert!(refused("d", &options("")).contains("twice, column: k"));
    let expect = |name: &str, kind| LakeListOptions::default().with_columns(vec![LakeColumn::new(name, kind)]);
    assert!(refused("m/{x}", &expect("y", HiveType::Text)).contains("than expected"));
    assert!(refused("m/{x}", &expect("x", HiveType::Int)).contains("column: x"));
}

#[test]
fn pages_are_counted_and_types_are_of_all_values() {
    let keys: Vec<String> = (0..2500).map(|number| format!("t/n={number}/f")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for (backend, metrics) in both(&keys) {
        let listing = list(&backend, &Template::parse("t").unwrap(), &options("")).unwrap();
        assert_eq!((listing.files.len(), listing.columns[0].kind), (2500, HiveType::Int));
        assert_eq!((listing.stats.list_calls, metrics.snapshot().calls_of(Operation::List)), (3, 3));
        let few = list(&backend, &Template::parse("t").unwrap(), &options("n in (1, 2000)")).unwrap();
        assert_eq!((few.stats.list_calls, few.stats.folders_seen, few.stats.folders_pruned), (5, 2500, 2498));
    }
}

#[cfg(unix)]
#[test]
fn local_folders_are_walked_alike() {
    let folder = tempfile::tempdir().unwrap();
    let local = crate::local::Local::new(folder.path()).unwrap();
    let (backend, metrics) = counted(Arc::new(local), TRACKS);
    let template = Template::parse("tracks/{season}/week={week}").unwrap();
    let listing = list(&backend, &template, &options("season = 2024 and week < 3").with_ending(".parquet")).unwrap();
    assert_eq!((listing.files.len(), listing.stats.list_calls, listing.stats.folders_pruned), (3, 4, 2));
    assert_eq!(metrics.snapshot().calls_of(Operation::List), 4);
    let one = list(&backend, &Template::parse("tracks/readme.md").unwrap(), &options("")).unwrap();
    assert_eq!(names(&one), ["tracks/readme.md"]);
    assert!(list(&backend, &Template::parse("none/{x}").unwrap(), &options("")).unwrap_err().is_not_found());
}

/// What a listing should find: every key of the backend, matched and decided alone.
fn naive(backend: &dyn Backend, template: &Template, filter: &Filter) -> Vec<String> {
    let keys = backend.list(&Prefix::root(), &ListOptions::default().with_limit(10_000)).unwrap().objects;
    let keys = keys.into_iter().filter(|object| {
        let Ok(Some(values)) = template.values(&object.key) else { return false };
        let known = |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_deref());
        filter.decide(&known) == Decision::Always
    });
    keys.map(|object| object.key.as_str().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pruning_changes_the_cost_and_not_the_answer(
        keys in proptest::collection::btree_set("[ab]/[123x]/k=[123]/[fg]|[ab]/k=[123]/f|[ab]/[12]-[ab][.]csv|[ab]/f", 1..24),
        shape in proptest::sample::select(vec!["{x}/{y}/k={k}", "a/{y}/k={k}/f", "{x}/{y}-{k}.csv", "{x}/{y}/k={k}/g/", "{x}/f"]),
        filter in proptest::sample::select(vec![
            "x = 'a'", "y = 1", "y <> 1 and x = 'b'", "k < 3", "not (k = 2 or y = 'x')", "x = 'a' or k = 1", "k is null",
            "y in (1, 3) and k between 1 and 2", "x is not null",
        ]),
    ) {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let template = Template::parse(shape).unwrap();
        let filter = Filter::parse(filter).unwrap();
        for (backend, metrics) in both(&keys) {
            let listed = list(&backend, &template, &LakeListOptions::default().with_filter(filter.clone()));
            let calls = metrics.snapshot().calls_of(Operation::List);
            match listed {
                Ok(listing) => {
                    prop_assert_eq!(names(&listing), naive(&backend, &template, &filter));
                    let stats = listing.stats;
                    prop_assert_eq!(stats.list_calls, calls);
                    prop_assert_eq!(stats.files(), listing.files.len() as u64);
                    prop_assert_eq!(stats.folders_pruned, listing.pruned.len() as u64);
                }
                Err(error) => prop_assert!(refused_rightly(&error, &template), "{}", error),
            }
        }
    }
}

fn refused_rightly(error: &Error, template: &Template) -> bool {
    let is_unknown = error.message().contains("filter names a variable");
    error.is_not_found() || is_unknown && template.variables().len() < 3
}
