//! The openCypher TCK: what of it is read, and what is refused, with which class.

#[allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]
#[allow(dead_code, reason = "tables of steps are read by those who run the queries")]
mod corpus;

use std::collections::{BTreeMap, BTreeSet};

use worldstore_cypher::{Detail, check, parse};

use crate::erase::Spans;

/// Feature files of the release 2024.3.
const FILES: usize = 220;

/// Scenarios of the release 2024.3, one for each row of an outline.
const SCENARIOS: usize = 3_897;

/// Scenarios whose outcome differs from what the TCK wants, each with the reason. The list is compared exactly.
const EXCEPTIONS: &str = include_str!("tck/exceptions.txt");

/// What a scenario says of queries, whatever they give.
struct Scenario {
    name: String,
    /// Queries that prepare the graph or look at it afterwards.
    around: Vec<String>,
    /// The query under test.
    query: String,
    /// What must go wrong: the type, the phase and the detail.
    error: Option<(String, String, String)>,
}

/// All scenarios and the number of feature files.
fn scenarios() -> (usize, Vec<Scenario>) {
    let (files, scenarios) = corpus::scenarios();
    (files, scenarios.into_iter().map(Scenario::of).collect())
}

impl Scenario {
    fn of(written: corpus::Scenario) -> Self {
        let mut scenario = Self { name: written.name, around: Vec::new(), query: String::new(), error: None };
        for step in written.steps {
            match step.text.as_str() {
                "executing query:" => scenario.query = step.body,
                "having executed:" | "executing control query:" => scenario.around.push(step.body),
                text => scenario.error = scenario.error.or(raised(text)),
            }
        }
        scenario
    }
}

/// `a SyntaxError should be raised at compile time: UndefinedVariable`.
fn raised(step: &str) -> Option<(String, String, String)> {
    let (kind, rest) = step.split_once(" should be raised at ")?;
    let (phase, detail) = rest.split_once(": ")?;
    let kind = kind.trim_start_matches("an ").trim_start_matches("a ");
    Some((kind.to_owned(), phase.to_owned(), detail.trim().to_owned()))
}

/// What is found wrong with a query before it runs: the details of all mistakes.
fn verdict(query: &str) -> Result<(), Vec<Option<Detail>>> {
    let details = |diagnostics: Vec<worldstore_cypher::Diagnostic>| diagnostics.iter().map(|one| one.detail).collect();
    let statements = parse(query).map_err(details)?;
    let wrong: Vec<_> = statements.iter().flat_map(check).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(details(wrong)),
    }
}

/// What the TCK wants a scenario to come to at compile time, and what it came to, where they differ.
fn deviation(scenario: &Scenario) -> Option<String> {
    let wanted = scenario.error.as_ref().filter(|(_, phase, _)| phase == "compile time");
    match (wanted, verdict(&scenario.query)) {
        (None, Ok(())) => None,
        (None, Err(details)) => {
            // What fails when it runs may as well be found before, but not as something else.
            let allowed = scenario.error.as_ref().is_some_and(|(_, _, wanted)| {
                wanted == "*" || details.first().copied().flatten().is_some_and(|detail| detail.name() == wanted)
            });
            (!allowed).then(|| format!("refused: {details:?}"))
        }
        (Some((_, _, wanted)), Ok(())) => Some(format!("accepted: {wanted}")),
        (Some((_, _, wanted)), Err(details)) => {
            let found = details.first().copied().flatten().map_or("none", Detail::name);
            (found != wanted).then(|| format!("{found}: {wanted}"))
        }
    }
}

fn exceptions() -> BTreeSet<String> {
    let lines = EXCEPTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split(" -- ").next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn the_tck_is_read_and_refused_as_it_wants() {
    let (files, scenarios) = scenarios();
    assert_eq!((files, scenarios.len()), (FILES, SCENARIOS));
    let deviations: BTreeMap<String, String> = scenarios
        .iter()
        .filter_map(|scenario| deviation(scenario).map(|deviation| (scenario.name.clone(), deviation)))
        .collect();
    let found: BTreeSet<String> = deviations.iter().map(|(name, deviation)| format!("{name}: {deviation}")).collect();
    let known = exceptions();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    let compile_time =
        |scenario: &&Scenario| scenario.error.as_ref().is_some_and(|(_, phase, _)| phase == "compile time");
    let refused = scenarios.iter().filter(compile_time).count();
    println!("{} of {SCENARIOS} scenarios as wanted, {refused} of them expect an error", SCENARIOS - found.len());
    assert!(new.is_empty(), "{} new deviations: {new:#?}", new.len());
    assert!(gone.is_empty(), "these are as wanted now, take them from the list: {gone:#?}");
}

#[test]
fn everything_that_is_read_prints_as_itself() {
    let (_, scenarios) = scenarios();
    let mut count = 0;
    for scenario in &scenarios {
        for query in scenario.around.iter().chain([&scenario.query]) {
            let Ok(statements) = parse(query) else { continue };
            for statement in statements {
                let printed = statement.to_string();
                let again = parse(&printed).unwrap_or_else(|wrong| panic!("{printed}\n{}", wrong[0].render(&printed)));
                assert_eq!(again.len(), 1, "{printed}");
                let again = again.into_iter().next().map(Spans::erased);
                assert_eq!(again, Some(statement.erased()), "{query}\n{printed}");
                count += 1;
            }
        }
    }
    assert!(count > 4_000, "{count} statements");
}

#[test]
fn queries_that_prepare_scenarios_are_right() {
    let (_, scenarios) = scenarios();
    for query in scenarios.iter().flat_map(|scenario| &scenario.around) {
        assert_eq!(verdict(query), Ok(()), "{query}");
    }
}

#[test]
fn what_is_printed_is_open_cypher() {
    // An independent reader of openCypher 2024.3 takes what it took before as it is printed here.
    let (_, scenarios) = scenarios();
    let queries: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.query.as_str()).collect();
    let mut count = 0;
    for query in queries {
        let other = open_cypher::parse(query).is_ok();
        let statements = match parse(query) {
            Ok(statements) => statements,
            Err(wrong) => {
                // It leaves the range of numbers and the like to others.
                let is_syntax = wrong.iter().any(|one| one.detail == Some(Detail::UnexpectedSyntax));
                assert!(!(other && is_syntax), "open-cypher takes {query}");
                continue;
            }
        };
        let [statement] = statements.as_slice() else { panic!("one statement: {query}") };
        let printed = statement.to_string();
        if other {
            assert!(open_cypher::parse(&printed).is_ok(), "open-cypher takes {query} but not {printed}");
            count += 1;
        }
    }
    assert!(count > 3_000, "{count} queries");
}
