//! What every store owes: it fits one circuit, undoes what is not committed, and gives entries in order.

use worldstore_core::ErrorKind;
use worldstore_zset::store::{Change, KeyRange, Mode, Visit};
use worldstore_zset::{Builder, Circuit, Engine, Input, Stream};

use super::support::{Pair, Place, closure};

fn circuit(query: impl for<'b> FnOnce(Stream<'b, Pair>)) -> (Circuit, Input<Pair>) {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    query(rows);
    (builder.build().unwrap(), input)
}

fn refusal(place: &Place, mode: Mode, query: impl for<'b> FnOnce(Stream<'b, Pair>)) -> (ErrorKind, String) {
    let error = Engine::open(circuit(query).0, place.open(), mode).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_store_fits_the_circuit_that_it_was_made_for_and_no_other() {
    for place in Place::all() {
        let (kind, _) = refusal(&place, Mode::Open, |rows| {
            rows.distinct("set").output("out");
        });
        assert_eq!(kind, ErrorKind::NotFound, "tables are made only when asked for");
        let (first, input) = circuit(|rows| drop(rows.filter("some", |row| row.0 > 0).distinct("set").cache("kept")));
        let mut engine = Engine::open(first, place.open(), Mode::CreateTables).unwrap();
        engine.insert(&input, [(1, 1)]).unwrap();
        drop(engine);
        for mode in [Mode::Open, Mode::CreateTables] {
            let (kind, message) = refusal(&place, mode, |rows| {
                rows.filter("some", |row| row.0 > 0).map("other", |row| row.0).distinct("set").cache("kept");
            });
            assert_eq!(kind, ErrorKind::Invalid);
            assert!(message.contains("an operator differs, operator: set, table: set, stored: distinct"), "{message}");
            let (_, message) = refusal(&place, mode, |rows| {
                rows.filter("some", |row| row.0 > 0).distinct("set").cache("kept");
                rows.count("counts", |row| row.0);
            });
            assert!(message.contains("operator: counts, table: counts"), "{message}");
            let (_, message) = refusal(&place, mode, |rows| {
                rows.filter("some", |row| row.0 > 0).distinct("set");
            });
            assert!(message.contains("no operator keeps current, table: kept"), "{message}");
        }
        // An operator without state may come and go.
        let (same, _) = circuit(|rows| {
            rows.filter("some", |row| row.0 > 0).distinct("set").cache("kept");
            rows.neg("negative").output("out");
        });
        Engine::open(same, place.open(), Mode::Open).unwrap();
    }
}

/// A filter in front of a recursion went unnoticed, and its state went on with rows that no longer came.
#[test]
fn what_flows_into_a_recursion_is_compared() {
    for place in Place::all() {
        let open = |mode, changed: bool| {
            let query = |rows: Stream<'_, Pair>| {
                let edges = if changed { rows.filter("some", |row| row.0 > 0) } else { rows };
                closure("paths", edges);
            };
            Engine::open(circuit(query).0, place.open(), mode)
        };
        drop(open(Mode::CreateTables, false).unwrap());
        let error = open(Mode::Open, true).unwrap_err();
        assert!(error.to_string().contains("an operator differs, operator: paths_longer"), "{error}");
        open(Mode::Open, false).unwrap();
    }
}

/// A larger count went unnoticed: what had not been given was taken back later.
#[test]
fn the_numbers_that_operators_are_given_are_compared() {
    for place in Place::all() {
        let open = |mode, numbers: [i64; 5]| {
            let query = |rows: Stream<'_, Pair>| {
                let [top, first, hop, every, window] = numbers;
                rows.top_k("best", top as u32, |row| row.0, |row| row.1).cache("kept_best");
                rows.first_n("first", first as u32, |row| row.1).cache("kept_first");
                rows.hop("windows", hop, every, |row| row.1).cache("kept_windows");
                rows.window("recent", window, |row| row.1).cache("kept_recent");
            };
            Engine::open(circuit(query).0, place.open(), mode).map(drop)
        };
        open(Mode::CreateTables, [3, 3, 4, 2, 9]).unwrap();
        let others = [[4, 3, 4, 2, 9], [3, 4, 4, 2, 9], [3, 3, 6, 2, 9], [3, 3, 4, 1, 9], [3, 3, 4, 2, 8]];
        for (numbers, operator) in others.into_iter().zip(["best", "first", "kept_windows", "kept_windows", "recent"]) {
            let error = open(Mode::Open, numbers).unwrap_err();
            assert!(error.to_string().contains(&format!("differs, operator: {operator}")), "{error}");
        }
        open(Mode::Open, [3, 3, 4, 2, 9]).unwrap();
    }
}

#[test]
fn an_index_of_a_store_without_tables_is_not_found() {
    for place in Place::all() {
        let mut store = place.open();
        let error = worldstore_zset::Cache::<Pair>::named("kept").read(&mut *store).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    }
}

#[test]
fn what_is_not_committed_is_not_there() {
    for place in Place::all() {
        let (circuit, _) = circuit(|rows| {
            rows.distinct("weights");
            rows.count("values", |row| row.0);
        });
        let mut store = place.open();
        let tables: Vec<_> = circuit.tables().collect();
        store.prepare(&tables, Mode::CreateTables).unwrap();
        let (weights, values) = (tables[0], tables[1]);
        let columns = |table: &worldstore_zset::Table| vec![worldstore_zset::Datum::Integer(1); table.columns.len()];
        let add = |key: u8, change| Change { key: vec![key], change, columns: columns(weights) };
        let put = |key: u8, change| Change { key: vec![key], change, columns: columns(values) };
        for commit in [false, true, false] {
            let mut transaction = store.begin().unwrap();
            let base = transaction.weights(weights, &[vec![1], vec![9]]).unwrap();
            let sums = transaction.add(weights, vec![add(1, 5), add(2, 1), add(3, 1)]).unwrap();
            assert_eq!(sums, [base[0] + 5, base[0] / 5 + 1, base[0] / 5 + 1]);
            transaction.put(values, vec![put(1, Some(vec![7])), put(2, None)]).unwrap();
            transaction.set_time(4).unwrap();
            assert_eq!(transaction.values(values, &[vec![1], vec![2]]).unwrap(), [Some(vec![7]), None]);
            if commit {
                transaction.commit().unwrap();
            }
        }
        let mut snapshot = store.snapshot().unwrap();
        assert_eq!(snapshot.weights(weights, &[vec![1], vec![2], vec![4]]).unwrap(), [5, 1, 0]);
        assert_eq!(snapshot.values(values, &[vec![1]]).unwrap(), [Some(vec![7])]);
        assert_eq!(snapshot.head().unwrap().time, 4);
    }
}

#[test]
fn ranges_are_visited_in_order_and_as_far_as_wanted() {
    for place in Place::all() {
        let (circuit, _) = circuit(|rows| {
            rows.distinct("set");
        });
        let mut store = place.open();
        let tables: Vec<_> = circuit.tables().collect();
        store.prepare(&tables, Mode::CreateTables).unwrap();
        let columns = vec![worldstore_zset::Datum::Null; tables[0].columns.len()];
        let keys: [&[u8]; 5] = [&[1], &[1, 0], &[1, 255], &[2], &[255, 255]];
        let changes = keys.iter().rev().map(|key| Change { key: key.to_vec(), change: 1, columns: columns.clone() });
        let mut transaction = store.begin().unwrap();
        transaction.add(tables[0], changes.collect()).unwrap();
        transaction.commit().unwrap();
        let mut snapshot = store.snapshot().unwrap();
        let mut seen = |ranges: &[KeyRange], most: usize| {
            let mut seen: Vec<(usize, Vec<u8>)> = Vec::new();
            let visit = &mut |index, key: &[u8], _| {
                seen.push((index, key.to_vec()));
                let count = seen.iter().filter(|(other, _)| *other == index).count();
                Ok(if count >= most { Visit::Enough } else { Visit::Next })
            };
            snapshot.scan(tables[0], ranges, visit).unwrap();
            seen
        };
        let one = KeyRange::prefix(&[1]);
        let last = KeyRange::prefix(&[255]);
        let found = seen(&[last.clone(), one.clone(), one.clone().descending()], 2);
        let expected: [(usize, &[u8]); 5] = [(0, &[255, 255]), (1, &[1]), (1, &[1, 0]), (2, &[1, 255]), (2, &[1, 0])];
        assert_eq!(found, expected.map(|(index, key)| (index, key.to_vec())));
        assert_eq!(seen(&[KeyRange::prefix(&[])], 99).len(), 5);
        let empty = KeyRange { start: vec![2], end: Some(vec![1]), ..one };
        assert_eq!(seen(&[empty], 99), []);
    }
}

/// PostgreSQL has no order for JSON, so the table could not be made; and maps by other keys than text could not be written.
#[test]
fn an_index_may_be_by_values_without_a_column_of_their_own() {
    type Row = (i64, std::collections::BTreeMap<Pair, i64>);
    for place in Place::all() {
        let builder = Builder::new();
        let (input, rows) = builder.input::<Row>("rows");
        let lists = rows.index("by_list", |row| vec![row.0]);
        let both = rows.index("by_both", |row| (row.0, vec![row.0]));
        let mut engine = Engine::open(builder.build().unwrap(), place.open(), Mode::CreateTables).unwrap();
        let row = |number: i64| (number, std::collections::BTreeMap::from([((number, 1), 2)]));
        engine.insert(&input, [row(1), row(2)]).unwrap();
        assert_eq!(engine.read(&lists).unwrap().get(&vec![2]).unwrap(), [(row(2), 1)]);
        assert_eq!(engine.read(&both).unwrap().get(&(1, vec![1])).unwrap(), [(row(1), 1)]);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_sqlite_table_is_read_with_plain_sql() {
    use serde::{Deserialize, Serialize};
    use worldstore_zset::store::Sqlite;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Reading {
        meter: String,
        place: Option<String>,
        watts: i64,
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meters.db");
    let builder = Builder::new();
    let (input, readings) = builder.input::<Reading>("readings");
    readings.sum("watts_by_meter", |row| row.meter.clone(), |row| row.watts);
    readings.index("by_watts", |row| row.watts);
    let mut engine = Engine::open(builder.build().unwrap(), Sqlite::open(&path).unwrap(), Mode::CreateTables).unwrap();
    let reading =
        |meter: &str, place: Option<&str>, watts| Reading { meter: meter.into(), place: place.map(Into::into), watts };
    engine.insert(&input, [reading("a", None, 5), reading("a", Some("hall"), 7), reading("b", None, 1)]).unwrap();
    engine.replace(&input, reading("b", None, 1), reading("b", None, 4)).unwrap();

    let connection = rusqlite::Connection::open(&path).unwrap();
    let text = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let sums = "SELECT key || ' ' || sum_count || ' ' || sum_value FROM watts_by_meter ORDER BY key";
    assert_eq!(text(sums), ["a 2 12", "b 1 4"]);
    let rows = "SELECT meter || ' ' || ifnull(place, '-') || ' ' || watts || ' ' || _weight FROM by_watts WHERE key > 4 ORDER BY key";
    assert_eq!(text(rows), ["a - 5 1", "a hall 7 1"]);
    let plan = "EXPLAIN QUERY PLAN SELECT meter FROM by_watts WHERE key > 4";
    let mut statement = connection.prepare(plan).unwrap();
    let plan: String = statement.query_row([], |row| row.get(3)).unwrap();
    assert!(plan.contains("USING INDEX by_watts__key"), "{plan}");
}

/// The first large number failed the step, with an error about weights.
#[cfg(feature = "postgres")]
#[test]
fn postgres_wants_wider_columns_for_wider_numbers() {
    fn open<T: worldstore_zset::Row>(place: &Place, mode: Mode) -> worldstore_core::Result<(Engine, Input<T>)> {
        let builder = Builder::new();
        let (input, rows) = builder.input::<T>("rows");
        rows.cache("kept");
        Ok((Engine::open(builder.build().unwrap(), place.open(), mode)?, input))
    }
    let Some(place) = Place::postgres() else { return };
    let (mut engine, input) = open::<(u32, Option<i64>)>(&place, Mode::CreateTables).unwrap();
    engine.insert(&input, [(1, Some(2))]).unwrap();
    let error = open::<(u32, Option<i128>)>(&place, Mode::Open).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().ends_with("type of the column to numeric, operator: kept, table: kept, column: f1"));
    let Place::Postgres(schema) = &place else { panic!("another place") };
    schema.run("ALTER TABLE {ns}.kept ALTER COLUMN f1 TYPE numeric");
    let (mut engine, input) = open::<(u32, Option<i128>)>(&place, Mode::Open).unwrap();
    engine.insert(&input, [(1, Some(i128::MAX))]).unwrap();
    let shown = schema.run("SELECT f1::text FROM {ns}.kept ORDER BY kept.f1");
    assert_eq!(shown, ["2".to_owned(), i128::MAX.to_string()]);
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_shows_integers_beyond_64_bits_rounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.db");
    let builder = Builder::new();
    let (input, rows) = builder.input::<u64>("rows");
    let kept = rows.cache("kept");
    let store = worldstore_zset::store::Sqlite::open(&path).unwrap();
    let mut engine = Engine::open(builder.build().unwrap(), store, Mode::CreateTables).unwrap();
    engine.insert(&input, [7, u64::MAX]).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let mut statement = connection.prepare("SELECT typeof(value) || ' ' || value FROM kept ORDER BY value").unwrap();
    let shown: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(shown, ["integer 7", "real 1.84467440737096e+19"]);
    assert_eq!(engine.read(&kept).unwrap().all().unwrap().weight(&u64::MAX), 1);
}
