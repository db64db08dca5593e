//! Executes a scenario.

use std::sync::Arc;
use std::time::{Duration, Instant};

use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::{Detail, check, parse};
use worldstore_cypher_runtime::{
    Answer, Field, FieldType, Limits, MemoryGraph, Options, Order, Procedure, ProcedureRows, Result as RuntimeResult,
    SideEffects, Signature, Statement, Value,
};

use super::corpus::{Scenario, Step, folder};
use super::expected::{Expected, Lists, read, same_bag};

/// How long a scenario may take.
const SECONDS_MAX: u64 = 60;

/// What goes wrong in a scenario.
#[derive(Debug)]
pub struct Failure {
    /// In few words, the same each time.
    pub category: String,
    pub message: String,
}

impl Failure {
    pub fn new(category: impl Into<String>, message: impl Into<String>) -> Self {
        Self { category: category.into(), message: message.into() }
    }
}

/// How a query fails.
#[derive(Debug)]
struct Fault {
    is_early: bool,
    class: String,
    detail: String,
    message: String,
}

type Outcome = Result<Answer, Fault>;

/// Executes a scenario, step by step; patterns are sought in this order.
pub fn run(scenario: &Scenario, order: Order) -> Result<(), Failure> {
    let mut graph = MemoryGraph::new();
    let limits = Limits::default().with_deadline(Instant::now() + Duration::from_secs(SECONDS_MAX));
    let mut options =
        Options::default().with_limits(limits).with_now_unix_nanos(1_700_000_000_000_000_000).with_order(order);
    let mut last: Option<Outcome> = None;
    for step in &scenario.steps {
        let text = step.text.as_str();
        if let Some(name) = text.strip_prefix("the ").and_then(|text| text.strip_suffix(" graph")) {
            let path = folder().join(format!("graphs/{name}/{name}.cypher"));
            prepare(&std::fs::read_to_string(path).unwrap(), &mut graph, &options)?;
        } else if text == "having executed:" {
            prepare(&step.body, &mut graph, &options)?;
        } else if text == "parameters are:" {
            for row in &step.table {
                options = options.with_parameter(row[0].clone(), read(&row[1]).value());
            }
        } else if let Some(signature) = text.strip_prefix("there exists a procedure ") {
            let procedures = options.procedures.clone().with(Arc::new(Table::new(signature, &step.table)));
            options = options.with_procedures(procedures);
        } else if matches!(text, "executing query:" | "executing control query:") {
            last = Some(execute(&step.body, &mut graph, &options));
        } else if !matches!(text, "an empty graph" | "any graph") {
            let last = last.as_ref().expect("a query was executed");
            verify(step, last)?;
        }
    }
    Ok(())
}

fn prepare(query: &str, graph: &mut MemoryGraph, options: &Options) -> Result<(), Failure> {
    match execute(query, graph, options) {
        Ok(_) => Ok(()),
        Err(fault) => Err(Failure::new(format!("fails to prepare: {} {}", fault.class, fault.detail), fault.message)),
    }
}

fn execute(source: &str, graph: &mut MemoryGraph, options: &Options) -> Outcome {
    let early = |wrong: Vec<worldstore_cypher::Diagnostic>| Fault {
        is_early: true,
        class: wrong[0].class.name().to_owned(),
        detail: wrong[0].detail.map_or("none", Detail::name).to_owned(),
        message: wrong[0].render(source),
    };
    let statements = parse(source).map_err(early)?;
    let mut answer = Answer::default();
    for statement in &statements {
        let wrong = check(statement);
        if !wrong.is_empty() {
            return Err(early(wrong));
        }
        let StatementKind::Query(query) = &statement.kind else { panic!("the TCK has queries only: {source}") };
        let fault = |is_early: bool| {
            move |error: worldstore_cypher_runtime::RuntimeError| Fault {
                is_early,
                class: error.class().to_string(),
                detail: error.detail().to_string(),
                message: format!("{error} at {:?}", error.span().map(|span| span.text(source))),
            }
        };
        answer = Answer::default();
        let statement = Statement::new(query, options).map_err(fault(true))?;
        answer.effects = statement.write(graph, &mut answer).map_err(fault(false))?;
    }
    Ok(answer)
}

fn verify(step: &Step, outcome: &Outcome) -> Result<(), Failure> {
    let text = step.text.as_str();
    if let Some((class, rest)) = text.split_once(" should be raised at ") {
        return verify_error(class.trim_start_matches("an ").trim_start_matches("a "), rest, outcome);
    }
    let answer = outcome.as_ref().map_err(|fault| {
        let phase = if fault.is_early { "refuses" } else { "fails" };
        Failure::new(format!("{phase}: {} {}", fault.class, fault.detail), fault.message.clone())
    })?;
    match text {
        "the result should be empty" => verify_rows(&[], answer, true, Lists::Ordered),
        "the result should be, in any order:" => verify_rows(&step.table, answer, false, Lists::Ordered),
        "the result should be, in order:" => verify_rows(&step.table, answer, true, Lists::Ordered),
        "the result should be (ignoring element order for lists):" => {
            verify_rows(&step.table, answer, false, Lists::Unordered)
        }
        "the result should be, in order (ignoring element order for lists):" => {
            verify_rows(&step.table, answer, true, Lists::Unordered)
        }
        "no side effects" => verify_effects(&[], answer),
        "the side effects should be:" => verify_effects(&step.table, answer),
        other => panic!("an unknown step: {other}"),
    }
}

fn verify_error(class: &str, rest: &str, outcome: &Outcome) -> Result<(), Failure> {
    let (phase, detail) = rest.split_once(": ").expect("a phase and a detail");
    match outcome {
        Ok(answer) => Err(Failure::new(format!("accepts: {class} {detail}"), format!("{:?}", answer.rows))),
        Err(fault) => {
            // What fails when it runs may as well be found before, but not as something else.
            let in_time = phase != "compile time" || fault.is_early;
            let is_class = fault.class == class || (fault.is_early && phase != "compile time");
            match in_time && is_class && (detail == "*" || fault.detail == detail) {
                true => Ok(()),
                false => {
                    let wanted = format!("{class} {detail} at {phase}");
                    let found = format!("{} {}", fault.class, fault.detail);
                    Err(Failure::new(format!("fails with {found} instead of {wanted}"), fault.message.clone()))
                }
            }
        }
    }
}

fn verify_rows(table: &[Vec<String>], answer: &Answer, in_order: bool, lists: Lists) -> Result<(), Failure> {
    let differs = |message: String| {
        let rows: Vec<String> = answer.rows.iter().map(|row| show(row)).collect();
        Err(Failure::new("the result differs", format!("{message}\nfound {:?}\n{}", answer.columns, rows.join("\n"))))
    };
    let Some((header, rows)) = table.split_first() else {
        return if answer.rows.is_empty() { Ok(()) } else { differs("wanted no rows".to_owned()) };
    };
    let place = |name: &String| answer.columns.iter().position(|column| column == name);
    let Some(places) = header.iter().map(place).collect::<Option<Vec<_>>>() else {
        return differs(format!("wanted {header:?}"));
    };
    if places.len() != answer.columns.len() {
        return differs(format!("wanted {header:?}"));
    }
    let wanted: Vec<Vec<Expected>> = rows.iter().map(|row| row.iter().map(|cell| read(cell)).collect()).collect();
    let found: Vec<Vec<&Value>> =
        answer.rows.iter().map(|row| places.iter().map(|place| &row[*place]).collect()).collect();
    let fits = |wanted: &Vec<Expected>, found: &Vec<&Value>| {
        wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| wanted.fits(found, lists))
    };
    let is_same = match in_order {
        true => wanted.len() == found.len() && wanted.iter().zip(&found).all(|(wanted, found)| fits(wanted, found)),
        false => same_bag(&wanted, &found, &fits),
    };
    if is_same { Ok(()) } else { differs(format!("wanted {rows:?}")) }
}

fn show(row: &[Value]) -> String {
    row.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ")
}

fn verify_effects(table: &[Vec<String>], answer: &Answer) -> Result<(), Failure> {
    let mut wanted = SideEffects::default();
    for row in table {
        let count: u64 = row[1].parse().unwrap();
        match row[0].as_str() {
            "+nodes" => wanted.nodes_created = count,
            "-nodes" => wanted.nodes_deleted = count,
            "+relationships" => wanted.relationships_created = count,
            "-relationships" => wanted.relationships_deleted = count,
            "+labels" => wanted.labels_created = count,
            "-labels" => wanted.labels_deleted = count,
            "+properties" => wanted.properties_created = count,
            "-properties" => wanted.properties_deleted = count,
            other => panic!("an unknown effect: {other}"),
        }
    }
    match wanted == answer.effects {
        true => Ok(()),
        false => Err(Failure::new("the side effects differ", format!("wanted {wanted:?}\nfound {:?}", answer.effects))),
    }
}

/// A procedure that is a table: of the rows whose inputs equal the arguments it gives the outputs.
#[derive(Debug)]
struct Table {
    signature: Signature,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// `test.my.proc(in :: INTEGER?) :: (out :: STRING?):`, and a table with a header.
    fn new(signature: &str, table: &[Vec<String>]) -> Self {
        let (name, rest) = signature.split_once('(').unwrap();
        let (inputs, rest) = rest.split_once(')').unwrap();
        let outputs = rest.split_once('(').unwrap().1.split_once(')').unwrap().0;
        let signature = Signature { name: name.to_owned(), inputs: fields(inputs), outputs: fields(outputs) };
        let rows = table.iter().skip(1).map(|row| row.iter().map(|cell| read(cell).value()).collect()).collect();
        Self { signature, rows }
    }
}

fn fields(text: &str) -> Vec<Field> {
    let fields = text.split(',').map(str::trim).filter(|field| !field.is_empty());
    fields
        .map(|field| {
            let (name, kind) = field.split_once("::").unwrap();
            let kind = match kind.trim().trim_end_matches('?') {
                "INTEGER" => FieldType::Integer,
                "FLOAT" => FieldType::Float,
                "NUMBER" => FieldType::Number,
                "STRING" => FieldType::String,
                "BOOLEAN" => FieldType::Boolean,
                other => panic!("an unknown type: {other}"),
            };
            Field { name: name.trim().to_owned(), kind, is_nullable: field.ends_with('?') }
        })
        .collect()
}

impl Procedure for Table {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call<'p>(&'p self, arguments: &[Value]) -> RuntimeResult<ProcedureRows<'p>> {
        let arguments = arguments.to_vec();
        let inputs = self.signature.inputs.len();
        let rows = self.rows.iter().filter(move |row| row[..inputs] == arguments);
        Ok(Box::new(rows.map(move |row| Ok(row[inputs..].to_vec()))))
    }
}
