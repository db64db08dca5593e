//! Derived properties that use each other: put in an order in which each comes behind those that it uses.

use worldstore_cypher::Diagnostic;
use worldstore_cypher::ast::{Computed, Expr, ExprKind};

use crate::bind::mistake;

/// Puts them in order, as declared where that is one.
///
/// # Errors
/// If two have one name, or one uses itself, by way of others or not.
pub(super) fn ordered(computed: &[Computed]) -> Result<Vec<Computed>, Diagnostic> {
    let names: Vec<&str> = computed.iter().map(|one| one.name.text.as_str()).collect();
    for (index, one) in computed.iter().enumerate() {
        if names.iter().take(index).any(|before| *before == one.name.text) {
            return Err(mistake(one.name.span, format!("`{}` is computed twice", one.name.text)));
        }
    }
    let uses: Vec<Vec<usize>> = computed.iter().map(|one| used(&one.value, &names)).collect();
    let mut placed = vec![false; computed.len()];
    let mut order = Vec::new();
    while order.len() < computed.len() {
        let is_ready = |index: &usize| !placed[*index] && uses[*index].iter().all(|used| placed[*used]);
        let Some(next) = (0..computed.len()).find(is_ready) else {
            return Err(cycle(computed, &uses, &placed));
        };
        placed[next] = true;
        order.push(computed[next].clone());
    }
    Ok(order)
}

/// The derived properties that an expression names.
fn used(value: &Expr, names: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    value.any_part(&mut |part| {
        if let ExprKind::Variable(name) = &part.kind
            && let Some(index) = names.iter().position(|known| known == name)
        {
            found.push(index);
        }
        false
    });
    found
}

/// Follows what is used from one that cannot be placed until one comes again.
fn cycle(computed: &[Computed], uses: &[Vec<usize>], placed: &[bool]) -> Diagnostic {
    let mut path: Vec<usize> = (0..computed.len()).filter(|index| !placed[*index]).take(1).collect();
    while let Some(last) = path.last().copied() {
        let Some(next) = uses[last].iter().copied().find(|used| !placed[*used]) else { break };
        if let Some(start) = path.iter().position(|before| *before == next) {
            path.drain(..start);
            path.push(next);
            break;
        }
        path.push(next);
    }
    let names: Vec<_> = path.iter().map(|index| format!("`{}`", computed[*index].name.text)).collect();
    let span = path.first().map_or_else(Default::default, |index| computed[*index].name.span);
    mistake(span, format!("computed columns use each other in a circle: {}", names.join(", which uses ")))
        .with_help("each may use columns of the files, path variables and other computed columns")
}
