//! Queries over flights, those that somebody would ask and random ones: DuckDB, over the same files, finds the same.

mod queries;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use worldstore_async::SyncBackendAdapter;
use worldstore_core::Local;
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{LABELS, cells, parquet};

/// Random queries, each of which is planned and walked.
const RANDOM: usize = 96;
const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;
const AIRPORTS: [&str; 6] = ["ATL", "BOS", "EWR", "IAH", "JFK", "ORD"];
const CARRIERS: [&str; 4] = ["AA", "DL", "UA", "XX"];

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<Item: Copy>(&mut self, items: &[Item]) -> Item {
        items[self.roll(items.len() as u64) as usize]
    }
}

fn write(folder: &Path, key: &str, columns: Vec<(&str, ArrayRef)>) {
    let path = folder.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, parquet(&RecordBatch::try_from_iter(columns).unwrap(), 40)).unwrap();
}

/// Twelve folders of flights, some of them to airports and by airlines that nobody knows.
pub fn flights(folder: &Path, dice: &mut Dice) {
    let mut flight = 0;
    for (month, day) in (1..=4).flat_map(|month| (1..=3).map(move |day| (month, day))) {
        let rows = 60 + dice.roll(60);
        let numbers: Int64Array = (0..rows).map(|row| Some(flight + row as i64)).collect();
        flight += rows as i64;
        let delays: Int32Array =
            (0..rows).map(|_| Some(dice.roll(120) as i32 - 20).filter(|delay| *delay < 90)).collect();
        let miles: Float64Array =
            (0..rows).map(|_| Some(dice.roll(4_000) as f64 / 4.0).filter(|miles| *miles > 60.0)).collect();
        let hours = |dice: &mut Dice| Some(dice.roll(480) as i64).filter(|hour| *hour > 20);
        let departed: TimestampMicrosecondArray =
            (0..rows).map(|_| hours(dice).map(|hour| hour * 3_600_000_000)).collect();
        let booked: Date32Array = (0..rows).map(|_| hours(dice).map(|hour| hour as i32 / 24)).collect();
        let mut names = |of: &[&'static str]| -> ArrayRef {
            Arc::new((0..rows).map(|_| Some(dice.pick(of)).filter(|name| *name != "ATL")).collect::<StringArray>())
        };
        let (carriers, origins, dests) = (names(&CARRIERS), names(&AIRPORTS), names(&AIRPORTS));
        let columns = vec![
            ("flight", Arc::new(numbers) as ArrayRef),
            ("delay", Arc::new(delays)),
            ("miles", Arc::new(miles)),
            ("departed", Arc::new(departed)),
            ("booked", Arc::new(booked)),
            ("carrier", carriers),
            ("origin", origins),
            ("dest", dests),
        ];
        write(folder, &format!("flights/month={month}/day={day}/a.parquet"), columns);
    }
    let text = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let states = ["MA", "NJ", "TX", "NY"];
    write(folder, "airports.parquet", vec![("faa", text(&AIRPORTS[1..5])), ("state", text(&states))]);
    write(folder, "airlines.parquet", vec![("code", text(&CARRIERS[..3])), ("name", text(&["Al", "Be", "Ce"]))]);
    let routes = vec![
        ("src", text(&["EWR", "EWR", "IAH"])),
        ("dst", text(&["IAH", "BOS", "EWR"])),
        ("miles", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
    ];
    write(folder, "routes.parquet", routes);
}

/// A piece of a query in both languages.
pub type Both = (String, String);

fn same(text: String) -> Both {
    (text.clone(), text)
}

pub fn condition(dice: &mut Dice, deep: u32) -> Both {
    let number = dice.pick(&["f.delay", "f.miles", "f.flight", "f.month", "f.day"]);
    let value = match number {
        "f.month" | "f.day" => dice.roll(5).to_string(),
        "f.miles" => format!("{}.25", dice.roll(1_000)),
        _ => (dice.roll(140) as i64 - 30).to_string(),
    };
    let name = dice.pick(&["f.carrier", "f.origin", "f.dest"]);
    let text = if name == "f.carrier" { dice.pick(&CARRIERS) } else { dice.pick(&AIRPORTS) };
    let time = format!("1970-01-{:02}T{:02}:30:00", 1 + dice.roll(20), dice.roll(24));
    let compares = dice.pick(&["<", "<=", ">", ">=", "=", "<>"]);
    match dice.roll(if deep == 0 { 9 } else { 12 }) {
        0 | 1 => same(format!("{number} {compares} {value}")),
        2 => same(format!("{number} IS {}NULL", dice.pick(&["", "NOT "]))),
        3 => same(format!("{name} {} '{text}'", dice.pick(&["=", "<>", "<"]))),
        4 => (format!("{name} IN ['{text}', 'JFK', 'UA']"), format!("{name} IN ('{text}', 'JFK', 'UA')")),
        5 => (format!("{name} STARTS WITH '{}'", &text[..1]), format!("starts_with({name}, '{}')", &text[..1])),
        6 => same(format!("f.delay * 2 + {} < f.flight - {value}", dice.roll(9))),
        7 => (
            format!("f.departed {compares} localdatetime('{time}')"),
            format!("f.departed {compares} TIMESTAMP '{time}'"),
        ),
        8 => {
            let day = &time[..10];
            (format!("f.booked {compares} date('{day}')"), format!("f.booked {compares} DATE '{day}'"))
        }
        9 => {
            let (one, other) = condition(dice, deep - 1);
            (format!("NOT ({one})"), format!("NOT ({other})"))
        }
        _ => {
            let (one, other) = (condition(dice, deep - 1), condition(dice, deep - 1));
            let word = dice.pick(&["AND", "OR"]);
            (format!("({} {word} {})", one.0, other.0), format!("({} {word} {})", one.1, other.1))
        }
    }
}

/// A query in Cypher, without and with what sends it to the interpreter, and in SQL.
fn query(dice: &mut Dice) -> (String, String, String) {
    let (pattern, from, more) = dice.pick(&[
        ("(f:Flight)", "", "f.origin"),
        ("(f:Flight)-[:DEST]->(a:Airport)", " JOIN airports a ON f.dest = a.faa", "a.state"),
        ("(f:Flight)-[:BY]->(l:Airline)", " JOIN airlines l ON f.carrier = l.code", "l.name"),
        (
            "(a:Airport)<-[:ORIGIN]-(f:Flight)-[:BY]->(l:Airline)",
            " JOIN airports a ON f.origin = a.faa JOIN airlines l ON f.carrier = l.code",
            "l.name",
        ),
    ]);
    let (cypher, sql) = condition(dice, 3);
    let number = dice.pick(&["f.delay", "f.miles", "f.flight"]);
    let key = dice.pick(&["f.month", "f.carrier", "f.dest", more]);
    let (returns, selects, rest) = match dice.roll(5) {
        0 => (
            format!("count(*) AS n, min({number}) AS low, max({number}) AS high, sum({number}) AS total"),
            format!("count(*), min({number}), max({number}), coalesce(sum({number}), 0)"),
            String::new(),
        ),
        1 | 2 => (
            format!("{key} AS key, count(*) AS n, avg({number}) AS mean, count({number}) AS there"),
            format!("{key}, count(*), avg({number}), count({number})"),
            " GROUP BY ALL".to_owned(),
        ),
        3 => (format!("DISTINCT {key} AS key, f.day AS day"), format!("DISTINCT {key}, f.day"), String::new()),
        _ => {
            let rest = format!(" ORDER BY f.flight DESC LIMIT {}", 1 + dice.roll(20));
            (
                format!("f.flight AS flight, {number} AS number, {more} AS more{rest}"),
                format!("f.flight, {number}, {more}"),
                rest,
            )
        }
    };
    let planned = format!("MATCH {pattern} WHERE {cypher} RETURN {returns}");
    let walked = format!("MATCH {pattern} WITH * WHERE {cypher} RETURN {returns}");
    (planned, walked, format!("SELECT {selects} FROM flights f{from} WHERE {sql}{rest}"))
}

/// The rows that DuckDB finds for each query.
fn duckdb(python: &str, folder: &Path, queries: &[String]) -> Vec<Vec<String>> {
    let mut child = Command::new(python)
        .args(["-B", "-c", include_str!("oracle/duckdb.py")])
        .current_dir(folder)
        .env("DO_NOT_TRACK", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = queries.iter().map(|query| format!("{query}\n")).collect::<String>();
    let mut input = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator("end\n").map(|rows| sorted(rows.lines().map(str::to_owned))).collect()
}

/// Rows in an order of their own; numbers with the digits that all agree on: the sum of nothing is the integer 0 in Cypher.
fn sorted(rows: impl Iterator<Item = String>) -> Vec<String> {
    let cell = |cell: &str| match cell.parse::<f64>() {
        Ok(number) => format!("{number:.9e}"),
        Err(_) => cell.to_owned(),
    };
    let mut rows: Vec<String> = rows.map(|row| row.split('|').map(cell).collect::<Vec<_>>().join("|")).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn duckdb_finds_the_same() {
    let Ok(python) = std::env::var("WORLDSTORE_PYTHON") else {
        assert!(std::env::var_os("CI").is_none(), "WORLDSTORE_PYTHON is not set");
        eprintln!("SKIPPED: WORLDSTORE_PYTHON is not set, no other program answers our queries: run cargo xtask test");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(SEED);
    flights(folder.path(), &mut dice);
    let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Local::open(folder.path()).unwrap())));
    let graph = Graph::new().with_mount("data", backend).unwrap();
    graph.run(LABELS, &Parameters::default()).await.unwrap();
    let written = queries::QUERIES.iter().map(|(cypher, sql)| (vec![(*cypher).to_owned()], (*sql).to_owned()));
    let random = (0..RANDOM).map(|_| query(&mut dice)).map(|(planned, walked, sql)| (vec![planned, walked], sql));
    let queries: Vec<(Vec<String>, String)> = written.chain(random).collect();
    let asked: Vec<String> = queries.iter().map(|(_, sql)| sql.replace('\n', " ")).collect();
    let found = duckdb(&python, folder.path(), &asked);
    assert_eq!(found.len(), queries.len());
    let (mut rows, mut wrong) = (0, Vec::new());
    for ((cypher, sql), expected) in queries.iter().zip(&found) {
        rows += expected.len();
        for query in cypher {
            match graph.query(query, &Parameters::default()).await {
                Ok(result) if sorted(cells(&result).into_iter()) == *expected => {}
                Ok(result) => wrong.push(format!("{query}\n{sql}\nours   {:?}\nDuckDB {expected:?}\n", cells(&result))),
                Err(error) => wrong.push(error.render(query)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Most of them find something.
    assert!(rows > 5 * queries.len(), "{rows}");
}
