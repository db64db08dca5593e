//! `worldstore lake`, and addresses elsewhere on the command line.

use std::fs;

use serde_json::json;

use super::desk::{Desk, FEBRUARY, code_of, data, errors_of};

const FLIGHTS: &str = "lake://nyc/flights/month={month}/day={day}";

fn mount() -> String {
    format!("--mount=nyc={}", data("").trim_end_matches('/'))
}

#[test]
fn addresses_are_resolved() {
    let desk = Desk::new();
    desk.write(
        "worldstore.toml",
        "[lake.far]\nuri = 'far'\nresidency = 'tiered'\ncache = 'near'\ncache_bytes_max = 9\n",
    );
    assert_eq!(
        desk.ok(&["lake", "resolve", "lake://far/tracks/{season:int}/week={week}"]),
        "physical   far/tracks/{season:int}/week={week}\n\
         residency  tiered\n\
         origin     worldstore.toml:1\n\
         cache      near, 9 bytes, objects of 1073741824\n\
         bucket     far\n\
         folder     tracks\n\
         variables  {season:int} {week}\n"
    );
    let resolved = &desk.lines(&["lake", "resolve", FLIGHTS, "--mount", "nyc=s", "--json"])[0];
    assert_eq!(resolved["physical"], "s/flights/month={month}/day={day}");
    assert_eq!((&resolved["residency"], &resolved["origin"]), (&json!("local"), &json!("given")));
    assert_eq!((&resolved["variables"], &resolved["cache"]), (&json!(["{month}", "{day}"]), &json!(null)));
    desk.refused(&["lake", "resolve", "lake://none/x"], &["bucket: none", "known: far", "WORLDSTORE_LAKE_NONE"]);
    desk.refused(&["lake", "resolve", "lake://far/a/{x"], &["`{` without `}`", "at: 13"]);
    desk.refused(&["lake", "resolve", "lake://far", "--mount", "far"], &["NAME=URI", "mount: far"]);
}

#[test]
fn folders_are_left_out_and_counted() {
    let desk = Desk::new();
    let list = |more: &[&str]| desk.ok(&[&["lake", "list", FLIGHTS, &mount()], more].concat());
    let february = list(&["--where", "month = 2 and day <= 2"]);
    let expected = "flights/month=2/day=1/part-0.parquet\nflights/month=2/day=2/part-0.parquet\n";
    let (files, counts) = february.split_at(expected.len());
    assert_eq!(files, expected);
    // The folder flights, month=2, and the two days; 12 months and 28 days are seen.
    assert!(counts.starts_with("2 files, ") && counts.contains(", 4 list calls\n"), "{counts}");
    assert!(counts.contains("folders  40 seen, 37 pruned, 0 unfit, 0 hidden\n"), "{counts}");
    assert!(counts.contains("files    2 seen, 0 pruned, 0 unfit, 0 hidden\n"), "{counts}");
    assert!(list(&["--counts"]).starts_with("365 files, "));

    let lines = desk.lines(&["lake", "list", FLIGHTS, &mount(), "--where", "month = 2 and day in (1, 3)", "--json"]);
    assert_eq!(lines[1]["values"], json!({"month": 2, "day": 3}));
    assert_eq!(
        (&lines[2]["kind"], &lines[2]["files"], &lines[2]["folders_pruned"]),
        (&json!("counts"), &json!(2), &json!(37))
    );
}

#[test]
fn names_that_do_not_fit_are_shown() {
    let desk = Desk::new();
    for name in ["007/a.csv", "8/a.csv", "8/b.txt", "_tmp/a.csv", "x.csv"] {
        desk.write(&format!("lake/{name}"), "x");
    }
    let mount = "--mount=l=lake";
    let listed = desk.ok(&["lake", "list", "lake://l/{code}", mount, "--ending", ".csv"]);
    assert!(listed.starts_with("007/a.csv\n8/a.csv\n2 files, 2 bytes"), "{listed}");
    assert!(
        listed.contains("3 seen, 0 pruned, 0 unfit, 1 hidden\n") && listed.contains("unfit    8/b.txt x.csv\n"),
        "{listed}"
    );
    let lines = desk.lines(&["lake", "list", "lake://l/{code}", mount, "--where", "code = '007'", "--json"]);
    assert_eq!(lines[0]["values"], json!({"code": "007"}), "a zero in front stays");
    desk.refused(&["lake", "list", "lake://l/none/{x}", mount], &["not found", "nothing is there", "lake://l/none"]);
    desk.refused(&["lake", "list", "lake://l/{x}", "--mount=l=gone"], &["not found", "gone"]);
    desk.refused(&["lake", "list", "lake://l/{x}", mount, "--where", "y ="], &["at: 3", "condition"]);
    desk.refused(&["lake", "list", "lake://l/{x}", mount, "--where", "y = 1"], &["variable: y"]);
}

#[test]
fn buckets_are_known_everywhere() {
    let desk = Desk::new();
    let data = data("");
    desk.write("worldstore.toml", format!("[lake.nyc]\nuri = '{}'\n", data.trim_end_matches('/')));
    assert!(desk.ok(&["fs", "ls", "lake://nyc"]).contains("flights/\n"));
    assert_eq!(desk.ok(&["fs", "ls", "lake://nyc/flights/month=2/day=1"]), "part-0.parquet\n");
    let label = format!("CREATE NODE LABEL Flight VIRTUAL FROM PARTITION '{FLIGHTS}';");
    let query = format!("{label} MATCH (f:Flight) WHERE f.month = 2 RETURN count(*) AS n");
    let output = desk.run(&["query", &query, "--format", "csv", "--io-stats"]);
    let stats = errors_of(&output);
    assert_eq!(
        (code_of(&output), String::from_utf8(output.stdout).unwrap()),
        (0, format!("n\n{FEBRUARY}\n")),
        "{stats}"
    );
    let counter = |name: &str| {
        let line = stats.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!((counter("folders_pruned"), counter("files_total"), counter("files_pruned")), (11, 365, 337), "{stats}");

    let root = desk.path("all");
    fs::create_dir_all(root.join("b")).unwrap();
    fs::write(root.join("b/file"), "x").unwrap();
    let mut command = desk.command(&["lake", "list", "lake://b/"]);
    let output = command.env("WORLDSTORE_LAKE_ROOT", &root).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("file\n1 file, 1 byte, 1 list call\n"));
}
