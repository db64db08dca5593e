//! The scenarios of the openCypher TCK, outlines expanded, as the crate open-cypher ships them. The tests of the crate that
//! runs queries read them with this file too.

use std::path::{Path, PathBuf};

/// Where the TCK lies within the package of open-cypher.
const FOLDER: &str = "open-cypher-0.5.0/spec/vendor/openCypher-2024.3/tck";

/// A scenario; each row of an outline is one.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `clauses/match/Match1 [3]`, with `#2` behind it for the second row of an outline.
    pub name: String,
    pub steps: Vec<Step>,
}

/// A step: `Given …`, `When …`, `Then …`, `And …`.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Without its first word.
    pub text: String,
    /// The text in three quotes.
    pub body: String,
    pub table: Vec<Vec<String>>,
}

/// All scenarios and the number of feature files.
pub fn scenarios() -> (usize, Vec<Scenario>) {
    let mut files = Vec::new();
    collect(&folder().join("features"), &mut files);
    files.sort();
    let all = files.iter().flat_map(|(name, text)| read(name, text)).collect();
    (files.len(), all)
}

/// The folder of the TCK, with `features` and `graphs`, in the registry of the cargo that built this test.
pub fn folder() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).expect("there is a home folder");
    let registries = std::fs::read_dir(home.join("registry/src")).expect("the registry has sources");
    let mut candidates = registries.map(|registry| registry.unwrap().path().join(FOLDER));
    candidates.find(|folder| folder.is_dir()).expect("open-cypher 0.5.0 is in the registry, for it is a dependency")
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            let below = path.to_str().unwrap().split("/tck/features/").last().unwrap().to_owned();
            files.push((below.trim_end_matches(".feature").to_owned(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// A scenario or outline as it is written.
#[derive(Default)]
struct Draft {
    number: String,
    steps: Vec<Step>,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn read(file: &str, text: &str) -> Vec<Scenario> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut in_examples = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(title) = line.strip_prefix("Scenario Outline:").or_else(|| line.strip_prefix("Scenario:")) {
            let number = title.trim().split(']').next().unwrap().trim_start_matches('[').to_owned();
            drafts.push(Draft { number, ..Draft::default() });
            in_examples = false;
        } else if line.starts_with("Background:") {
            drafts.push(Draft { number: "background".to_owned(), ..Draft::default() });
        } else if let Some(draft) = drafts.last_mut() {
            match line {
                "Examples:" => {
                    in_examples = true;
                    draft.header.clear();
                }
                "\"\"\"" => {
                    let body = lines.by_ref().take_while(|line| line.trim() != "\"\"\"").collect::<Vec<_>>();
                    draft.steps.last_mut().unwrap().body = unindent(&body);
                }
                row if row.starts_with('|') && in_examples && draft.header.is_empty() => draft.header = cells(row),
                row if row.starts_with('|') && in_examples => draft.rows.push(cells(row)),
                row if row.starts_with('|') => draft.steps.last_mut().unwrap().table.push(cells(row)),
                other if other.is_empty() || other.starts_with(['#', '@']) => {}
                step => {
                    let text = step.split_once(' ').map_or("", |(_, text)| text).to_owned();
                    draft.steps.push(Step { text, ..Step::default() });
                }
            }
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
    let mut letters = row.trim().strip_prefix('|').unwrap().chars().peekable();
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

fn expand(file: &str, background: &[Step], draft: &Draft) -> Vec<Scenario> {
    let none = vec![Vec::new()];
    let rows = if draft.rows.is_empty() { &none } else { &draft.rows };
    let name = |row: usize| match draft.rows.is_empty() {
        true => format!("{file} [{}]", draft.number),
        false => format!("{file} [{}] #{}", draft.number, row + 1),
    };
    let scenario = |(index, row): (usize, &Vec<String>)| {
        let fill = |text: &str| {
            let columns = draft.header.iter().zip(row);
            columns.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
        };
        let steps = background.iter().chain(&draft.steps).map(|step| Step {
            text: fill(&step.text),
            body: fill(&step.body),
            table: step.table.iter().map(|row| row.iter().map(|cell| fill(cell)).collect()).collect(),
        });
        Scenario { name: name(index), steps: steps.collect() }
    };
    rows.iter().enumerate().map(scenario).collect()
}
