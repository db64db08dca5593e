//! `MERGE`: finds a path, or makes it.

use std::rc::Rc;

use worldstore_cypher::ast::{Merge, MergeWhen, PathElement, Properties};

use super::create::{Slots, names_after};
use super::{Table, Writer};
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::eval;
use crate::exec::Row;
use crate::pattern::{Matcher, Pattern, Plan, compile};
use crate::value::Value;

impl<'w> Writer<'_, 'w> {
    pub(super) fn merge(&mut self, merge: &Merge, table: Table<'w>) -> Result<Table<'w>> {
        let given = table.names.len();
        let pattern = Rc::new(compile([&merge.pattern], None, &table.names)?);
        let names = names_after(&table.names, [&merge.pattern]);
        let mut merged = Table::new(self.meter, names.clone(), Vec::new());
        for mut row in table.rows {
            self.meter.tick()?;
            self.refresh(&mut row)?;
            self.refuse_nulls(merge, &table.names, &row)?;
            let mut found = self.find(&pattern, &names, &row)?;
            let when = if found.is_empty() { MergeWhen::Create } else { MergeWhen::Match };
            if found.is_empty() {
                row.resize(names.len(), Value::Null);
                self.make_path(&merge.pattern, &mut Slots::new(&names, given), &mut row)?;
                found.push(row);
            }
            for mut row in found {
                for action in merge.actions.iter().filter(|action| action.when == when) {
                    self.refresh(&mut row)?;
                    self.set(&action.items, &names, &mut row)?;
                }
                merged.push(row)?;
            }
        }
        Ok(merged)
    }

    /// The rows with what was found, in the order of `names`.
    fn find(&self, pattern: &Rc<Pattern<'_>>, names: &[String], row: &Row) -> Result<Vec<Row>> {
        self.read(|session| {
            let plan = Rc::new(Plan::new(pattern, session.graph, session.shared.order)?);
            let mut matcher = Matcher::new(session, pattern, &plan, row);
            let place = |name: &String| pattern.names.iter().rposition(|known| known == name);
            let places: Vec<_> = names.iter().map(place).collect();
            let mut found = Vec::new();
            let mut held = session.meter.holder();
            while matcher.advance()? {
                let value = |place: &Option<usize>| place.and_then(|place| matcher.values().get(place)).cloned();
                let row: Row = places.iter().map(|place| value(place).unwrap_or_default()).collect();
                held.add(crate::exec::row_bytes(&row))?;
                found.push(row);
            }
            Ok(found)
        })
    }

    /// Nothing has a property that is null: it would never be found, and made again and again.
    fn refuse_nulls(&self, merge: &Merge, names: &[String], row: &Row) -> Result<()> {
        self.read(|session| {
            let env = session.env(names, row);
            for element in &merge.pattern.elements {
                let properties = match element {
                    PathElement::Node(node) => node.properties.as_ref(),
                    PathElement::Edge(edge) => edge.properties.as_ref(),
                    PathElement::Group(_) => None,
                };
                let Some(Properties::Map(entries)) = properties else { continue };
                for (name, value) in entries {
                    if eval(value, &env)?.is_null() {
                        let message = format!("`MERGE` cannot look for null in `{}`", name.text);
                        let (class, detail) = (ErrorClass::SemanticError, ErrorDetail::MergeReadOwnWrites);
                        return Err(RuntimeError::new(class, detail, message).at(name.span));
                    }
                }
            }
            Ok(())
        })
    }
}
