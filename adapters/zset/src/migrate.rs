//! Filling the tables of operators that were added to a circuit whose other tables are in the store already.

use worldstore_core::{Error, ErrorKind, Result};

use crate::circuit::Circuit;
use crate::flush::Journal;
use crate::rebuild::Rebuild;
use crate::step::Step;
use crate::store::{Store, Transaction};

/// Fills the tables of these names, in one transaction, from the collections that other operators keep. If another process
/// has filled them meanwhile, there is nothing to do.
pub(crate) fn fill(circuit: &Circuit, store: &mut dyn Store, names: &[String], journal: &Journal) -> Result<()> {
    let is_new: Vec<bool> =
        circuit.nodes.iter().map(|node| node.tables.iter().any(|table| names.contains(&table.name))).collect();
    let is_there = circuit.nodes.iter().zip(&is_new).map(|(node, new)| !node.tables.is_empty() && !new).collect();
    let mut rebuild = Rebuild::new(circuit, is_there);
    let new = || circuit.nodes.iter().enumerate().zip(&is_new).filter(|(_, new)| **new).map(|(node, _)| node);
    for (_, node) in new() {
        if matches!(node.kind, "delay" | "differentiate") {
            let message = "an operator cannot be added: what came in the step before is not known";
            return Err(Error::invalid(message).with("operator", &node.name));
        }
        for input in &node.inputs {
            // A new operator's own collections follow from those before it, so only those are asked for.
            rebuild.ensure(*input).map_err(|error| {
                Error::invalid("an operator cannot be added: what flowed into it is not in the store")
                    .with("operator", &node.name)
                    .caused_by(error)
            })?;
        }
    }
    let columns = store.wants_columns();
    let mut transaction = store.begin()?;
    if is_filled(circuit, &mut *transaction, names)? {
        return Ok(());
    }
    let time = transaction.head()?.time;
    if let Some((time, _)) = journal.under_way(&mut *transaction)?.first() {
        let error = Error::new(ErrorKind::Conflict, "a step with flush_every_set is under way");
        return Err(error.with("input_time", time));
    }
    let mut step = Step::new(&mut *transaction, columns, None, (time != -1).then_some(time));
    for (id, node) in new() {
        let mut slots = crate::batch::Slots::new(circuit.nodes.len());
        for input in &node.inputs {
            slots.set(*input, rebuild.collection(*input, &mut step)?);
        }
        let given = node.operator.step(&slots, &mut step).map_err(|error| error.with("operator", &node.name))?;
        rebuild.note(id, given);
    }
    transaction.mark_filled(names)?;
    transaction.commit()
}

/// Whether another process that migrates the same store has filled the tables already.
fn is_filled(circuit: &Circuit, transaction: &mut dyn Transaction, names: &[String]) -> Result<bool> {
    for table in circuit.tables().filter(|table| names.contains(&table.name)) {
        if transaction.signature(&table.name)?.as_ref() != Some(&table.signature) {
            let error = Error::new(ErrorKind::Conflict, "another process migrates the store to another circuit");
            return Err(error.with("operator", &table.operator).with("table", &table.name));
        }
    }
    let unfilled = transaction.unfilled()?;
    match names.iter().filter(|name| unfilled.contains(name)).count() {
        0 => Ok(true),
        count if count == names.len() => Ok(false),
        _ => Err(Error::new(ErrorKind::Conflict, "another process migrates the store to another circuit")),
    }
}
