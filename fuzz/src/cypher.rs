//! Statements of the graph's language.

use worldstore_cypher::{Detail, Diagnostic, Span, check, parse};

/// A text is read or refused, and every place that is told lies in it; what was read prints as what reads the same, and
/// is found as right or wrong as before.
pub fn cypher(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let is_inside = |span: Span| span.start <= span.end && text.get(span.start..span.end).is_some();
    let statements = match parse(text) {
        Ok(statements) => statements,
        Err(wrong) => {
            assert!(!wrong.is_empty(), "a refusal says why");
            for diagnostic in wrong {
                assert!(is_inside(diagnostic.span), "{diagnostic:?}");
                let _shown = diagnostic.render(text);
            }
            return;
        }
    };
    for statement in statements {
        let wrong = check(&statement);
        assert!(wrong.iter().all(|diagnostic| is_inside(diagnostic.span)), "{wrong:?}");
        let printed = statement.to_string();
        let Ok(again) = parse(&printed) else { panic!("{printed:?} was printed and is not read") };
        let [again] = again.as_slice() else { panic!("{printed:?} is not one statement") };
        assert_eq!(again.to_string(), printed, "canonical text prints as itself");
        assert_eq!(details(&check(again)), details(&wrong), "{printed:?} means what it meant");
    }
}

/// The classes of mistakes, but for those on names of columns: without an alias these are the text as it was written.
fn details(wrong: &[Diagnostic]) -> Vec<Option<Detail>> {
    let of_names = [Some(Detail::ColumnNameConflict), Some(Detail::DifferentColumnsInUnion)];
    wrong.iter().map(|one| one.detail).filter(|detail| !of_names.contains(detail)).collect()
}
