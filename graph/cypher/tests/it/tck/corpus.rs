//! The scenarios of the openCypher TCK, outlines expanded, as the crate open-cypher ships them.

use std::path::{Path, PathBuf};

/// Where the features lie within the package of open-cypher.
const FEATURES: &str = "open-cypher-0.5.0/spec/vendor/openCypher-2024.3/tck/features";

/// A scenario; each row of an outline is one.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `clauses/match/Match1 [3]`, with `#2` behind it for the second row of an outline.
    pub name: String,
    /// Queries that prepare the graph or look at it afterwards.
    pub around: Vec<String>,
    /// The query under test.
    pub query: String,
    /// What must go wrong: the type, the phase and the detail.
    pub error: Option<(String, String, String)>,
}

/// All scenarios and the number of feature files.
pub fn scenarios() -> (usize, Vec<Scenario>) {
    let mut files = Vec::new();
    collect(&features(), &mut files);
    files.sort();
    let all = files.iter().flat_map(|(name, text)| read(name, text)).collect();
    (files.len(), all)
}

/// The folder of the features, in the registry of the cargo that built this test.
fn features() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).expect("there is a home folder");
    let registries = std::fs::read_dir(home.join("registry/src")).expect("the registry has sources");
    let mut candidates = registries.map(|registry| registry.unwrap().path().join(FEATURES));
    candidates.find(|folder| folder.is_dir()).expect("open-cypher 0.5.0 is in the registry, for it is a dependency")
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false if path.extension().is_some_and(|extension| extension == "feature") => {
                let below = path.to_str().unwrap().split("/tck/features/").last().unwrap().to_owned();
                files.push((below.trim_end_matches(".feature").to_owned(), std::fs::read_to_string(&path).unwrap()));
            }
            false => {}
        }
    }
}

/// A scenario or outline as it is written.
#[derive(Default)]
struct Draft {
    number: String,
    steps: Vec<(String, String)>,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn read(file: &str, text: &str) -> Vec<Scenario> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut in_examples = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(title) = trimmed.strip_prefix("Scenario Outline:").or_else(|| trimmed.strip_prefix("Scenario:")) {
            let number = title.trim().split(']').next().unwrap().trim_start_matches('[').to_owned();
            drafts.push(Draft { number, ..Draft::default() });
            in_examples = false;
        } else if let Some(draft) = drafts.last_mut() {
            match trimmed {
                "Examples:" => {
                    in_examples = true;
                    draft.header.clear();
                }
                "\"\"\"" => {
                    let body = lines.by_ref().take_while(|line| line.trim() != "\"\"\"").collect::<Vec<_>>();
                    draft.steps.last_mut().unwrap().1 = unindent(&body);
                }
                row if row.starts_with('|') && in_examples && draft.header.is_empty() => draft.header = cells(row),
                row if row.starts_with('|') && in_examples => draft.rows.push(cells(row)),
                row if row.starts_with('|') || row.starts_with('#') || row.is_empty() => {}
                step => draft.steps.push((step.to_owned(), String::new())),
            }
        } else if trimmed.starts_with("Background:") {
            drafts.push(Draft { number: "background".to_owned(), ..Draft::default() });
        }
    }
    let background = drafts.iter().position(|draft| draft.number == "background");
    let background = background.map(|place| drafts.remove(place).steps).unwrap_or_default();
    drafts.iter().flat_map(|draft| expand(file, &background, draft)).collect()
}

fn unindent(lines: &[&str]) -> String {
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let least = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(least..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The cells of a row; a backslash escapes a bar, a backslash and a newline.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut letters = row.trim().trim_start_matches('|').chars().peekable();
    while let Some(letter) = letters.next() {
        let cell = cells.last_mut().unwrap();
        match (letter, letters.peek()) {
            ('\\', Some('|' | '\\')) => cell.extend(letters.next()),
            ('\\', Some('n')) => {
                letters.next();
                cell.push('\n');
            }
            ('|', _) => cells.push(String::new()),
            _ => cell.push(letter),
        }
    }
    cells.pop();
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn expand(file: &str, background: &[(String, String)], draft: &Draft) -> Vec<Scenario> {
    let none = vec![Vec::new()];
    let rows = if draft.rows.is_empty() { &none } else { &draft.rows };
    let number = |row: usize| match draft.rows.is_empty() {
        true => format!("{file} [{}]", draft.number),
        false => format!("{file} [{}] #{}", draft.number, row + 1),
    };
    let fill = |text: &str, row: &[String]| {
        let columns = draft.header.iter().zip(row);
        columns.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
    };
    let scenario = |(index, row): (usize, &Vec<String>)| {
        let steps = background.iter().chain(&draft.steps).map(|(step, body)| (fill(step, row), fill(body, row)));
        let mut scenario = Scenario { name: number(index), around: Vec::new(), query: String::new(), error: None };
        for (step, body) in steps {
            match step.split_once(' ').map_or("", |(_, step)| step) {
                "executing query:" => scenario.query = body,
                "having executed:" | "executing control query:" => scenario.around.push(body),
                step => scenario.error = scenario.error.or(raised(step)),
            }
        }
        scenario
    };
    rows.iter().enumerate().map(scenario).collect()
}

/// `a SyntaxError should be raised at compile time: UndefinedVariable`.
fn raised(step: &str) -> Option<(String, String, String)> {
    let (kind, rest) = step.split_once(" should be raised at ")?;
    let (phase, detail) = rest.split_once(": ")?;
    let kind = kind.trim_start_matches("an ").trim_start_matches("a ");
    Some((kind.to_owned(), phase.to_owned(), detail.trim().to_owned()))
}
