//! Pictures of a circuit: text, DOT and Mermaid.

use std::fmt::{self, Write};

use super::{Circuit, Node};

impl Circuit {
    /// The circuit as text: a line for each operator with what flows into it, and a line for each table.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let inputs: Vec<&str> = self.sources(node).map(|source| source.name.as_str()).collect();
            let from = if inputs.is_empty() { String::new() } else { format!(" <- {}", inputs.join(", ")) };
            push(&mut text, format_args!("{}: {}{from} -> {}\n", node.name, node.kind, node.row));
            for (name, kind, inputs) in &node.inside {
                push(&mut text, format_args!("    {name}: {kind} <- {}\n", inputs.join(", ")));
            }
            for table in &node.tables {
                let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                push(&mut text, format_args!("    table {} ({})\n", table.name, columns.join(", ")));
            }
        }
        text
    }

    /// The circuit as a graph for Graphviz. Operators with state are boxes, those without are ellipses.
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph circuit {\n  rankdir=LR;\n");
        for node in &self.nodes {
            let shape = if node.tables.is_empty() { "ellipse" } else { "box" };
            let label = format!("{}\\n{}", node.name, node.kind);
            push(&mut text, format_args!("  {} [label=\"{label}\", shape={shape}];\n", node.name));
        }
        for node in &self.nodes {
            for source in self.sources(node) {
                push(&mut text, format_args!("  {} -> {};\n", source.name, node.name));
            }
        }
        text.push_str("}\n");
        text
    }

    /// The circuit as a Mermaid flow chart. Operators with state are cylinders.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for node in &self.nodes {
            let (open, close) = if node.tables.is_empty() { ("([", "])") } else { ("[(", ")]") };
            // The prefix keeps names such as `end` from being words of the language.
            push(&mut text, format_args!("  n_{}{open}\"{}: {}\"{close}\n", node.name, node.name, node.kind));
        }
        for node in &self.nodes {
            for source in self.sources(node) {
                push(&mut text, format_args!("  n_{} --> n_{}\n", source.name, node.name));
            }
        }
        text
    }

    fn sources<'c>(&'c self, node: &'c Node) -> impl Iterator<Item = &'c Node> {
        node.inputs.iter().filter_map(|id| self.nodes.get(*id))
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explain())
    }
}

fn push(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _infallible = text.write_fmt(line).is_ok();
}
