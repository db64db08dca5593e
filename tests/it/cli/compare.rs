//! `history`, `diff`, `merge` and `drop-run`.

use expect_test::expect;
use serde_json::json;

use super::append::walkers;
use super::desk::{code_of, errors_of};

#[test]
fn the_history_of_an_entity_goes_through_tables_and_forks() {
    let desk = walkers();
    desk.ok(&["fork", "world", "storm", "--at", "1"]);
    desk.write("end.csv", "entity,hp,name,active\n1,0,a,false\n");
    desk.ok(&["append", "world", "health=end.csv", "--run", "storm"]);
    expect![[r#"
        ┌──────┬─────┬───────┬──────────┬────────┬──────────────────────┐
        │ tick ┆ seq ┆ run   ┆ table    ┆ active ┆ components           │
        ╞══════╪═════╪═══════╪══════════╪════════╪══════════════════════╡
        │    1 ┆   1 ┆ main  ┆ health   ┆ true   ┆ {"hp":10,"name":"a"} │
        │    1 ┆   1 ┆ main  ┆ position ┆ true   ┆ {"x":0.5,"y":1}      │
        │    2 ┆   3 ┆ storm ┆ health   ┆ false  ┆ {"hp":0,"name":"a"}  │
        └──────┴─────┴───────┴──────────┴────────┴──────────────────────┘
        3 rows
    "#]]
    .assert_eq(&desk.ok(&["history", "world", "1", "--run", "storm"]));
    let main = desk.json(&["history", "world", "1"]);
    assert_eq!(main.len(), 3);
    assert_eq!(
        main[2],
        json!({
            "tick": 2, "seq": 2, "run": "main", "table": "position", "active": true,
            "components": {"x": 7.0, "y": 1},
        })
    );
    assert_eq!(desk.json(&["history", "world", "1", "--as-of", "1"]).len(), 2);
    let csv = desk.ok(&["history", "world", "4", "--format", "csv"]);
    assert_eq!(csv, "tick,seq,run,table,active,components\n2,2,main,position,true,\"{\"\"x\"\":0.0,\"\"y\"\":4}\"\n");
    desk.refused(&["history", "world", "99"], &["no table has a row of this entity", "entity: 99", "run: main"]);
    desk.refused(&["history", "world", "4", "--run", "storm"], &["no table has a row of this entity"]);
    desk.refused(&["history", "world", "4", "--run", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(&["history", "world", "one"], &["one"]);
    desk.refused(&["history", "nowhere", "1"], &["not found", "nowhere"]);
}

#[test]
fn ticks_and_runs_are_compared() {
    let desk = walkers();
    expect![[r#"
        ┌──────────┬─────────┬────────┬─────────┬───────────┬─────────────────┐
        │ table    ┆ change  ┆ entity ┆ columns ┆ before    ┆ after           │
        ╞══════════╪═════════╪════════╪═════════╪═══════════╪═════════════════╡
        │ position ┆ changed ┆      1 ┆ x       ┆ {"x":0.5} ┆ {"x":7.0}       │
        │ position ┆ added   ┆      4 ┆         ┆ null      ┆ {"x":0.0,"y":4} │
        └──────────┴─────────┴────────┴─────────┴───────────┴─────────────────┘
        2 rows
    "#]]
    .assert_eq(&desk.ok(&["diff", "world", "1", "2"]));
    desk.ok(&["fork", "world", "2013", "--at", "1"]);
    expect![[r#"
        ┌──────────┬───────┬─────────┬─────────┬─────────┐
        │ table    ┆ added ┆ removed ┆ changed ┆ columns │
        ╞══════════╪═══════╪═════════╪═════════╪═════════╡
        │ position ┆     0 ┆       1 ┆       1 ┆ x 1     │
        └──────────┴───────┴─────────┴─────────┴─────────┘
        1 row
    "#]]
    .assert_eq(&desk.ok(&["diff", "world", "main", "2013@", "--summary"]));
    assert_eq!(
        desk.json(&["diff", "world", "main@2", "2013@1"]),
        [
            json!({
                "table": "position", "change": "changed", "entity": 1, "columns": ["x"],
                "before": {"x": 7.0}, "after": {"x": 0.5},
            }),
            json!({
                "table": "position", "change": "removed", "entity": 4, "columns": [],
                "before": {"x": 0.0, "y": 4}, "after": null,
            }),
        ]
    );
    assert_eq!(desk.json(&["diff", "world", "-1", "1", "--table", "health"]).len(), 2, "all of it is new");
    assert_eq!(desk.json(&["diff", "world", "2", "99"]).len(), 0, "nothing came after");
    assert_eq!(desk.json(&["diff", "world", "1", "1", "--run", "2013"]).len(), 0);
    desk.refused(&["diff", "world", "main", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(&["diff", "world", "main@soon", "main"], &["a side must be like", "side: main@soon"]);
    desk.refused(&["diff", "world", "@3", "main"], &["a side must be like", "side: @3"]);
    desk.refused(&["diff", "world", "1", "2", "--table", "trains"], &["no such table", "table: trains"]);
    desk.refused(&["diff", "world", "1"], &["TO"]);
    desk.refused(&["diff", "nowhere", "1", "2"], &["not found", "nowhere"]);
}

#[test]
fn runs_are_merged_and_dropped() {
    for tables in ["lance", "iceberg"] {
        let desk = super::desk::Desk::new();
        desk.ok(&["init", "world", "--tables", tables]);
        super::append::walk(&desk);
        desk.ok(&["fork", "world", "storm", "--at", "1"]);
        desk.write("storm.csv", "entity,x,y\n1,9,9\n3,0,0\n");
        desk.ok(&["append", "world", "position=storm.csv", "--run", "storm"]);
        desk.refused(&["merge", "world", "storm"], &["both runs changed an entity", "entity: 1", "table: position"]);
        desk.refused(&["merge", "world", "main"], &["cannot be merged into itself", "run: main"]);
        desk.refused(&["merge", "world", "sunny"], &["no such run", "run: sunny"]);
        desk.refused(&["merge", "world", "storm", "--prefer", "mine"], &["mine", "ours, theirs, base"]);
        desk.refused(
            &["merge", "world", "storm", "--tick", "1", "--prefer", "ours"],
            &["not before the newest", "newest: 2"],
        );
        let said = desk.ok(&["merge", "world", "storm", "--prefer", "theirs"]);
        assert_eq!(said, "merged storm into main as tick 3: wrote 2 rows, ended 0, decided 1 conflict\n");
        let x = desk.json(&["scan", "world", "position", "--where", "tick = 3", "--columns", "entity,x"]);
        assert_eq!(x, [json!({"entity": 1, "x": 9.0}), json!({"entity": 3, "x": 0.0})]);
        assert_eq!(desk.ok(&["merge", "world", "storm"]), "nothing to merge from storm into main\n");

        desk.ok(&["fork", "world", "late", "--at", "5", "--from", "storm"]);
        desk.refused(&["drop-run", "world", "storm"], &["other runs are forked from this one", "forks: late"]);
        desk.refused(&["drop-run", "world", "main"], &["the main run stays"]);
        desk.refused(&["drop-run", "world", "sunny"], &["no such run", "run: sunny"]);
        assert_eq!(desk.ok(&["drop-run", "world", "late"]), "dropped run late with 0 rows\n");
        assert_eq!(desk.ok(&["drop-run", "world", "storm"]), "dropped run storm with 2 rows from position\n");
        let output = desk.run(&["ticks", "world", "position", "--run", "storm"]);
        assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
        assert_eq!(desk.json(&["runs", "world"]).len(), 1);
        assert_eq!(desk.json(&["tables", "world"])[1]["rows"], 7, "3, 2 and those of the merge");
    }
}
