//! The figures of appends as a table.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::appends::AppendRow;

/// Shows rows: rates, latencies, and the part of the first subject's rate that each reaches.
pub fn appends(rows: &[AppendRow]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["row", "subject", "appends/s", "slowest", "fastest", "p50", "p99", "of the first"]);
    for row in rows {
        for (place, figure) in row.figures.iter().enumerate() {
            let name = if place == 0 { row.name } else { "" };
            let share = figure.rate / row.figures[0].rate;
            table.add_row([
                name,
                figure.subject,
                &rate(figure.rate),
                &rate(figure.range.0),
                &rate(figure.range.1),
                &time(figure.p50),
                &time(figure.p99),
                &format!("{share:.2}"),
            ]);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn rate(per_second: f64) -> String {
    format!("{per_second:.0}")
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1e6 => format!("{:.0} µs", short / 1e3),
        long => format!("{:.2} ms", long / 1e6),
    }
}
