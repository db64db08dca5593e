//! The figures of tables as text.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::figures::{Aim, Report, Row};

/// Figures, then aims, then what has to be known beside them.
pub fn show(report: &Report) -> String {
    let mut text = format!("{}\n", rows(&report.rows));
    if !report.aims.is_empty() {
        text += &format!("\n{}\n", aims(&report.aims));
    }
    for note in &report.notes {
        text += &format!("\n- {note}");
    }
    text
}

fn rows(rows: &[Row]) -> Table {
    let mut table = table(["row", "subject", "median", "best", "worst", "times the first"]);
    for row in rows {
        for (place, figure) in row.figures.iter().enumerate() {
            let name = if place == 0 { row.name.as_str() } else { "" };
            let [median, best, worst] = [figure.median, figure.best, figure.worst].map(|value| row.unit.show(value));
            let times = format!("{:.2}", figure.median / row.figures[0].median);
            table.add_row([name, &figure.subject, &median, &best, &worst, &times]);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn aims(aims: &[Aim]) -> Table {
    let mut table = table(["aim", "wanted", "got", "reached"]);
    for Aim { what, wanted, got, reached } in aims {
        let got = if *got >= 1000.0 { format!("{got:.0}") } else { format!("{got:.2}") };
        table.add_row([what.as_str(), wanted, &got, if *reached { "yes" } else { "no" }]);
    }
    table
}

fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}
