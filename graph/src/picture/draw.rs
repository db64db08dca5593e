//! Boxes and arrows in the notations of Graphviz and Mermaid.

use std::fmt::Write;

use super::{Picture, Shape};

/// A digraph for Graphviz.
pub(super) fn dot(picture: &Picture) -> String {
    let mut text = String::from("digraph {\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n");
    for (number, shape) in picture.boxes.iter().enumerate() {
        let kind = if shape.is_round { "ellipse" } else { "box" };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  n{number} [shape={kind}, label=\"{}\"];", lines(shape, escaped_for_dot, "\\n"));
    }
    for arrow in &picture.arrows {
        let _ = match arrow.label.is_empty() {
            true => writeln!(text, "  n{} -> n{};", arrow.from, arrow.to),
            false => {
                writeln!(text, "  n{} -> n{} [label=\"{}\"];", arrow.from, arrow.to, escaped_for_dot(&arrow.label))
            }
        };
    }
    text.push_str("}\n");
    text
}

/// A flowchart for Mermaid.
pub(super) fn mermaid(picture: &Picture) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, shape) in picture.boxes.iter().enumerate() {
        let (open, close) = if shape.is_round { ("([", "])") } else { ("[", "]") };
        let _ = writeln!(text, "  n{number}{open}\"{}\"{close}", lines(shape, escaped_for_mermaid, "<br/>"));
    }
    for arrow in &picture.arrows {
        let _ = match arrow.label.is_empty() {
            true => writeln!(text, "  n{} --> n{}", arrow.from, arrow.to),
            false => writeln!(text, "  n{} -- \"{}\" --> n{}", arrow.from, escaped_for_mermaid(&arrow.label), arrow.to),
        };
    }
    text
}

fn lines(shape: &Shape, escaped: fn(&str) -> String, between: &str) -> String {
    match shape.lines.is_empty() {
        true => " ".to_owned(),
        false => shape.lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join(between),
    }
}

fn escaped_for_dot(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Everything that could mean something is written as a number.
fn escaped_for_mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            letter if letter.is_alphanumeric() || " _-.,:/'+=()".contains(letter) => escaped.push(letter),
            letter if letter.is_control() => escaped.push(' '),
            // Writing to a text cannot fail.
            letter => _ = write!(escaped, "#{};", u32::from(letter)),
        }
    }
    escaped
}
