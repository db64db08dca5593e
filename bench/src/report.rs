//! The figures as a table.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::measure::{Figure, Row};

/// Shows rows: the median of each subject, its range, and how many times as long as the first it takes.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["row", "subject", "median", "fastest", "slowest", "times the first"]);
    for row in rows {
        for (place, figure) in row.figures.iter().enumerate() {
            let Figure { subject, median, range: (fastest, slowest) } = figure;
            let name = if place == 0 { row.name.as_str() } else { "" };
            let show = |seconds: f64| show(seconds, row);
            let ratio = format!("{:.2}", median / row.figures[0].median);
            table.add_row([name, subject, &show(*median), &show(*fastest), &show(*slowest), &ratio]);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn show(seconds: f64, row: &Row) -> String {
    let each = seconds / row.amount as f64;
    match row.unit {
        "byte" => format!("{:.2} GB/s", 1e-9 / each),
        _ if each < 1e-6 => format!("{:.0} ns", each * 1e9),
        _ if each < 1e-3 => format!("{:.2} µs", each * 1e6),
        _ => format!("{:.2} ms", each * 1e3),
    }
}
