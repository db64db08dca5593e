//! Printing.

use worldstore::core::{ListOptions, Prefix};
use worldstore::graph::QueryResult;
use worldstore::{Error, Result, World};

pub fn headline(text: &str) {
    println!("\n── {text} {}", "─".repeat(72_usize.saturating_sub(text.chars().count())));
}

/// A number with thousands separated.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// How many objects a world's byte store holds, and their bytes.
pub async fn objects(world: &World) -> Result<(usize, u64)> {
    let backend = &world.storage().backend;
    let (mut objects, mut bytes) = (0, 0);
    let mut options = ListOptions::default();
    loop {
        let page = backend.list(&Prefix::root(), &options).await?;
        objects += page.objects.len();
        bytes += page.objects.iter().map(|object| object.size).sum::<u64>();
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return Ok((objects, bytes)),
        }
    }
}

/// The rows of a result, and what was read for them.
pub fn result(query: &str, result: &QueryResult) -> Result<()> {
    let failed = |source| Error::unexpected("rows cannot be shown").caused_by(source);
    for line in query.lines() {
        println!("  {}", line.trim());
    }
    println!("{}", worldstore::arrow::util::pretty::pretty_format_batches(&result.batches).map_err(failed)?);
    let read = result.io_stats.counters();
    let in_place = result.io_stats.files_total > 0;
    let told = read.iter().filter(|(name, value)| *value > 0 || (in_place && *name == "data_bytes"));
    let told: Vec<String> = told.map(|(name, value)| format!("{name} {value}")).collect();
    println!("io_stats: {}\n", told.join(", "));
    Ok(())
}
