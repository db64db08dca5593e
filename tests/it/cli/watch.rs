//! Following a live view: its rows, then what changes, resumed where it was, until Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::desk::{Desk, code_of, data, errors_of};

/// A command that follows a view.
struct Watch {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watch {
    fn new(desk: &Desk, args: &[&str]) -> Self {
        let mut command = desk.command(&[args, &["--every", "20ms"]].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next lines of JSON up to a progress mark with rows before it; the time of that.
    fn changes(&mut self) -> (Vec<Value>, u64) {
        let mut rows = Vec::new();
        loop {
            let mut text = String::new();
            assert!(self.lines.read_line(&mut text).unwrap() > 0, "it has ended: {}", self.errors());
            let line: Value = serde_json::from_str(&text).unwrap();
            match (line["kind"].as_str(), line["time"].as_u64()) {
                (Some("done"), Some(time)) if !rows.is_empty() => return (rows, time),
                (Some("done"), Some(_)) => {}
                _ => rows.push(line),
            }
        }
    }

    fn errors(&mut self) -> String {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    /// Sends what Ctrl-C sends; what was said, and the exit code.
    fn interrupt(mut self) -> (String, Option<i32>) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let said = self.errors();
        (said, self.child.wait().unwrap().code())
    }
}

#[test]
fn a_view_of_a_catalog_is_followed_until_ctrl_c() {
    let desk = Desk::new();
    desk.ok(&["query", "CREATE (:Note {text: 'a'})", "--labels", "graph"]);
    desk.ok(&["query", "CREATE LIVE VIEW notes AS MATCH (n:Note) RETURN n.text AS text", "--labels", "graph"]);
    let mut watch = Watch::new(&desk, &["query", "--labels", "graph", "--watch", "notes", "--json"]);
    let (rows, begun) = watch.changes();
    assert_eq!(rows, [json!({"kind": "row", "time": begun, "diff": 1, "row": {"text": "a"}})]);
    desk.ok(&["query", "MATCH (n:Note) SET n.text = 'b'", "--labels", "graph"]);
    let (rows, time) = watch.changes();
    assert!(time > begun);
    let row = |diff: i64, text: &str| json!({"kind": "row", "time": time, "diff": diff, "row": {"text": text}});
    assert_eq!(rows, [row(-1, "a"), row(1, "b")]);
    assert_eq!(watch.interrupt(), (String::new(), Some(0)));
    // Its times mean nothing to another process.
    let output = desk.run(&["query", "--labels", "graph", "--watch", "notes", "--after", "1"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
    let output = desk.run(&["query", "--labels", "graph", "--watch", "nothing"]);
    assert!(errors_of(&output).contains("no such live view"), "{}", errors_of(&output));
    let output = desk.run(&["query", "--labels", "graph", "--watch", "notes", "--format", "csv"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
}

#[test]
fn a_view_of_a_world_goes_on_where_it_was() {
    let desk = Desk::with_world();
    let declare = "CREATE LIVE VIEW ticks AS MATCH (f:flights) RETURN f.tick AS tick, count(*) AS n";
    let follow =
        |more: &[&str]| Watch::new(&desk, &[&["query", declare, "-w", "world", "--watch", "ticks"], more].concat());
    let mut watch = follow(&["--json"]);
    let (rows, begun) = watch.changes();
    assert_eq!(rows.len(), 3, "{rows:?}");
    let import = |day: u32| {
        let file = data(&format!("flights/month=2/day={day}/part-0.parquet"));
        desk.ok(&["import", "world", "flights", &file]);
    };
    import(4);
    let (rows, time) = watch.changes();
    assert!(time > begun && rows.len() == 1 && rows[0]["diff"] == 1, "{rows:?}");
    assert_eq!(watch.interrupt(), (String::new(), Some(0)));
    import(5);
    let mut resumed = follow(&["--json", "--after", &time.to_string()]);
    let (rows, _) = resumed.changes();
    assert!(rows.len() == 1 && rows[0]["row"]["tick"] == 5, "{rows:?}");
    assert_eq!(resumed.interrupt(), (String::new(), Some(0)));
    let mut told = follow(&[]);
    let mut text = String::new();
    while !text.contains("done") {
        assert!(told.lines.read_line(&mut text).unwrap() > 0, "{}", told.errors());
    }
    assert!(text.lines().take(5).all(|line| line.contains(" +1 ")) && text.lines().count() == 6, "{text}");
    assert_eq!(told.interrupt(), (String::new(), Some(0)));
}
