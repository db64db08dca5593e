//! A simulation's steps: append a tick, read it back; and whether reading gets slower as ticks grow.

use std::time::{Duration, Instant};

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::Rows;
use super::figures::{Bound, Report, Row, Unit, middle, ratio};
use super::ours;
use super::subject::{Step, Subject};

const TICKS: u64 = 200;
const ROUNDS: usize = 3;
/// Nobody begins a tick of a round after that: what slows down has fewer ticks to show it in.
const LIMIT: Duration = Duration::from_secs(12);
const ARCHETYPES: [&str; 3] = ["archetype, Lance", "archetype, Lance, cached", "archetype, Iceberg"];
const PEERS: [&str; 6] = [ARCHETYPES[0], ARCHETYPES[1], ARCHETYPES[2], "LanceDB", "PyIceberg", "Daft"];

/// Ticks of so many entities.
pub fn report(bench: &Bench, name: &str, entities: u64) -> Result<Report, Failure> {
    let ticks = bench.scaled(TICKS, 25);
    let mut subjects = bench.subjects(ours::durable(), &PEERS);
    let mut rounds: Vec<Vec<Vec<Step>>> = vec![Vec::new(); subjects.len()];
    let expected: Vec<_> = (1..=ticks as i64).map(|tick| Rows::tick(entities, tick).seen()).collect();
    for round in 0..ROUNDS {
        for place in turns(subjects.len(), round) {
            let steps = run(bench, subjects[place].as_mut(), entities, ticks)?;
            if let Some(wrong) = steps.iter().zip(&expected).position(|(step, expected)| step.seen != *expected) {
                let (name, tick, seen) = (subjects[place].name(), wrong + 1, steps[wrong].seen);
                return Err(format!("{name} saw {seen:?} at tick {tick}, not {:?}", expected[wrong]).into());
            }
            rounds[place].push(steps);
        }
    }
    let names: Vec<String> = subjects.iter().map(|subject| subject.name().to_owned()).collect();
    shown(name, ticks as usize, &names, &rounds)
}

fn run(bench: &Bench, subject: &mut dyn Subject, entities: u64, ticks: u64) -> Result<Vec<Step>, Failure> {
    let place = bench.place(subject.name())?;
    subject.start(&place)?;
    let (start, mut steps) = (Instant::now(), Vec::new());
    for tick in 1..=ticks as i64 {
        if start.elapsed() > LIMIT {
            break;
        }
        steps.push(subject.step(entities, tick)?);
    }
    subject.stop()?;
    std::fs::remove_dir_all(&place)?;
    Ok(steps)
}

fn shown(name: &str, ticks: usize, names: &[String], rounds: &[Vec<Vec<Step>>]) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut steps = Row::new(format!("{name}: steps"), Unit::PerSecond);
    let mut appends = Row::new(format!("{name}: append"), Unit::Seconds);
    let mut early = Row::new(format!("{name}: read of the newest tick, about the 10th"), Unit::Seconds);
    let mut late = Row::new(format!("{name}: read of the newest tick, the last 10"), Unit::Seconds);
    let mut growth = Row::new(format!("{name}: the last 10 reads to those about the 10th"), Unit::Times);
    for (subject, rounds) in names.iter().zip(rounds) {
        let each = |measure: &dyn Fn(&[Step]) -> Result<f64, Failure>| {
            rounds.iter().map(|steps| measure(steps)).collect::<Result<Vec<_>, _>>()
        };
        let reads = |steps: &[Step]| middle(&steps.iter().map(|step| step.read).collect::<Vec<_>>());
        let rate =
            |steps: &[Step]| Ok(steps.len() as f64 / steps.iter().map(|step| step.append + step.read).sum::<f64>());
        steps.push(subject, &each(&rate)?);
        appends.push(subject, &each(&|steps| middle(&steps.iter().map(|step| step.append).collect::<Vec<_>>()))?);
        let about_tenth = |steps: &[Step]| reads(&steps[steps.len().min(5)..steps.len().min(15)]);
        let last = |steps: &[Step]| reads(&steps[steps.len().saturating_sub(10)..]);
        early.push(subject, &each(&about_tenth)?);
        late.push(subject, &each(&last)?);
        growth.push(subject, &each(&|steps| Ok(last(steps)? / about_tenth(steps)?))?);
        let fewest = rounds.iter().map(Vec::len).min().unwrap_or_default();
        if fewest < ticks {
            report.notes.push(format!("{name}: {subject} came to tick {fewest} of {ticks} in {LIMIT:?}"));
        }
    }
    let archetype = steps.figures.iter().filter(|figure| figure.subject.starts_with("archetype"));
    let fastest = archetype.map(|figure| figure.median).reduce(f64::max);
    for kind in ours::durable() {
        let what = |text: &str| format!("{name}, {}: {text}", kind.name);
        report.aim(what("newest-tick read, last to 10th"), Bound::AtMost(1.5), growth.median(kind.name));
        let times = ratio(steps.median(kind.name), fastest);
        report.aim(what("steps to those of the fastest archetype"), Bound::AtLeast(10.0), times);
    }
    report.rows = vec![steps, appends, early, late, growth];
    Ok(report)
}
