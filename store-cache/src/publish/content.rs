//! The hash of what a version of a table means: the same after a compaction, another after anything that changes rows.

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit, UnionMode};
use worldstore_core::blocks::{Hash, Hasher};
use worldstore_core::table::TableName;

/// What the hash begins with: another way to compute it gets another line.
const START: &[u8] = b"worldstore table 1\n";

/// The hash of a table at a watermark: over its name, its columns (name, type, nullability; not their metadata), the
/// watermark and the number of rows. Rows at a watermark become fewer only when a compaction drops some.
///
/// It tells states of one world apart. Two worlds in which a table was filled differently up to the same watermark have the
/// same hash for it.
pub(crate) fn content_of(name: &TableName, schema: &Schema, watermark: u64, rows: u64) -> Hash {
    let mut hasher = Hasher::new();
    hasher.update(START);
    hasher.update_text(name.as_str());
    hasher.update_number(schema.fields().len() as u64);
    let mut columns = String::new();
    fields(&mut columns, schema.fields());
    hasher.update_text(&columns);
    hasher.update_number(watermark);
    hasher.update_number(rows);
    hasher.hash()
}

fn fields(out: &mut String, fields: &Fields) {
    fields.iter().for_each(|each| field(out, each));
}

/// Length and text of the name, `?` if it is nullable or `!`, the type, `;`.
fn field(out: &mut String, field: &Field) {
    let null = if field.is_nullable() { '?' } else { '!' };
    out.push_str(&format!("{}:{}{null}", field.name().len(), field.name()));
    kind(out, field.data_type());
    out.push(';');
}

/// A type in words of our own: what Arrow prints may change from release to release.
fn kind(out: &mut String, data_type: &DataType) {
    let word = match data_type {
        DataType::Null => "null",
        DataType::Boolean => "bool",
        DataType::Int8 => "i8",
        DataType::Int16 => "i16",
        DataType::Int32 => "i32",
        DataType::Int64 => "i64",
        DataType::UInt8 => "u8",
        DataType::UInt16 => "u16",
        DataType::UInt32 => "u32",
        DataType::UInt64 => "u64",
        DataType::Float16 => "f16",
        DataType::Float32 => "f32",
        DataType::Float64 => "f64",
        DataType::Date32 => "date32",
        DataType::Date64 => "date64",
        DataType::Binary => "binary",
        DataType::LargeBinary => "large_binary",
        DataType::BinaryView => "binary_view",
        DataType::Utf8 => "utf8",
        DataType::LargeUtf8 => "large_utf8",
        DataType::Utf8View => "utf8_view",
        _ => return composed(out, data_type),
    };
    out.push_str(word);
}

fn composed(out: &mut String, data_type: &DataType) {
    match data_type {
        DataType::Timestamp(of, None) => out.push_str(&format!("timestamp_{}", unit(*of))),
        DataType::Timestamp(of, Some(zone)) => {
            out.push_str(&format!("timestamp_{}({}:{zone})", unit(*of), zone.len()));
        }
        DataType::Time32(of) => out.push_str(&format!("time32_{}", unit(*of))),
        DataType::Time64(of) => out.push_str(&format!("time64_{}", unit(*of))),
        DataType::Duration(of) => out.push_str(&format!("duration_{}", unit(*of))),
        DataType::Interval(IntervalUnit::YearMonth) => out.push_str("interval_year_month"),
        DataType::Interval(IntervalUnit::DayTime) => out.push_str("interval_day_time"),
        DataType::Interval(IntervalUnit::MonthDayNano) => out.push_str("interval_month_day_nano"),
        DataType::FixedSizeBinary(bytes) => out.push_str(&format!("binary({bytes})")),
        DataType::Decimal32(digits, scale) => out.push_str(&format!("decimal32({digits},{scale})")),
        DataType::Decimal64(digits, scale) => out.push_str(&format!("decimal64({digits},{scale})")),
        DataType::Decimal128(digits, scale) => out.push_str(&format!("decimal128({digits},{scale})")),
        DataType::Decimal256(digits, scale) => out.push_str(&format!("decimal256({digits},{scale})")),
        DataType::List(item) => nested(out, "list", [&**item]),
        DataType::LargeList(item) => nested(out, "large_list", [&**item]),
        DataType::ListView(item) => nested(out, "list_view", [&**item]),
        DataType::LargeListView(item) => nested(out, "large_list_view", [&**item]),
        DataType::FixedSizeList(item, length) => nested(out, &format!("list{length}"), [&**item]),
        DataType::Struct(parts) => nested(out, "struct", parts.iter().map(|part| &**part)),
        DataType::Map(entries, true) => nested(out, "sorted_map", [&**entries]),
        DataType::Map(entries, false) => nested(out, "map", [&**entries]),
        DataType::RunEndEncoded(ends, values) => nested(out, "runs", [&**ends, &**values]),
        DataType::Dictionary(keys, values) => {
            out.push_str("dictionary(");
            kind(out, keys);
            out.push(',');
            kind(out, values);
            out.push(')');
        }
        DataType::Union(parts, mode) => {
            out.push_str(if *mode == UnionMode::Sparse { "sparse_union(" } else { "dense_union(" });
            for (id, part) in parts.iter() {
                out.push_str(&format!("{id}="));
                field(out, part);
            }
            out.push(')');
        }
        // All others are single words.
        _ => {}
    }
}

fn nested<'field>(out: &mut String, word: &str, parts: impl IntoIterator<Item = &'field Field>) {
    out.push_str(word);
    out.push('(');
    parts.into_iter().for_each(|part| field(out, part));
    out.push(')');
}

fn unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests;
