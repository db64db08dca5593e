//! Several processes at one file: this test binary starts itself again as a racer.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use worldstore_core::{Backend, Condition, Durability, ErrorKind, Outcome, ReadOptions, WriteOptions};
use worldstore_sqlite::SqliteConfig;

use crate::support::{File, applied, bytes, key, write};

const RACERS: usize = 8;
const ROUNDS: usize = 300;
/// Set for racers only: `path|number`.
const VARIABLE: &str = "WORLDSTORE_SQLITE_RACER";
/// What the lines of a racer begin with, among those of the test harness.
const MARK: &str = "racer:";

/// The body of a racer, and nothing in an ordinary run. It does what its input says, line by line.
#[test]
fn racer() {
    let Ok(setting) = std::env::var(VARIABLE) else { return };
    let (path, number) = setting.rsplit_once('|').unwrap();
    let backend = SqliteConfig::new(path).open().unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let answer = match line.split_once(' ').unwrap() {
            ("create", round) => create(&backend, round, number),
            ("count", times) => count(&backend, times.parse().unwrap()),
            _ => panic!("{line}"),
        };
        println!("\n{MARK}{answer}");
    }
}

fn create(backend: &dyn Backend, round: &str, number: &str) -> String {
    let name = format!("race/{round}");
    match write(backend, &name, number, Condition::IfAbsent) {
        Outcome::Applied(_) => "won".to_owned(),
        Outcome::Rejected => "lost".to_owned(),
        Outcome::Unknown => panic!("unknown"),
    }
}

fn count(backend: &dyn Backend, times: u32) -> String {
    let mut done = 0;
    while done < times {
        let reply = backend.read(&key("counter"), &ReadOptions::default()).unwrap();
        let version = reply.meta.version.clone().unwrap();
        let text = reply.body.map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat();
        let next = String::from_utf8(text).unwrap().parse::<u32>().unwrap() + 1;
        let options = WriteOptions::default().with_durability(Durability::None);
        let options = options.with_condition(Condition::IfMatch(version));
        match backend.write(&key("counter"), next.to_string().into(), &options) {
            Ok(Outcome::Applied(_)) => done += 1,
            Ok(Outcome::Rejected) => {}
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            other => panic!("{other:?}"),
        }
    }
    "done".to_owned()
}

struct Racer {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Racer {
    fn start(file: &File, number: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::racer", "--nocapture"])
            .env(VARIABLE, format!("{}|{number}", file.path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn order(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the racer is gone");
            if let Some(answer) = line.trim_end().strip_prefix(MARK) {
                return answer.to_owned();
            }
        }
    }

    fn end(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

/// All open the same new file at once, and then race.
#[test]
fn one_process_wins_each_round_and_no_addition_is_lost() {
    let file = File::new();
    let mut racers: Vec<_> = (0..RACERS).map(|number| Racer::start(&file, number)).collect();
    for round in 0..ROUNDS {
        racers.iter_mut().for_each(|racer| racer.order(&format!("create {round}")));
        let answers: Vec<_> = racers.iter_mut().map(Racer::answer).collect();
        let winners: Vec<_> = (0..RACERS).filter(|racer| answers[*racer] == "won").collect();
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        if round == 0 {
            applied(write(&file.open(), "counter", "0", Condition::IfAbsent));
        }
        let body = bytes(&file.open(), &format!("race/{round}"), ReadOptions::default()).unwrap();
        assert_eq!(body, winners[0].to_string().as_bytes());
    }
    racers.iter_mut().for_each(|racer| racer.order(&format!("count {ROUNDS}")));
    racers.iter_mut().for_each(|racer| assert_eq!(racer.answer(), "done"));
    let total = bytes(&file.open(), "counter", ReadOptions::default()).unwrap();
    assert_eq!(total, (RACERS * ROUNDS).to_string().as_bytes());
    racers.into_iter().for_each(Racer::end);
}
