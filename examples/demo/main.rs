//! The main job on real data: record a year of flights day by day, travel through it, fork it, and ask it as a graph.
//!
//! `cargo xtask demo [--folder FOLDER] [--answers FILE]`

#![allow(clippy::print_stdout, reason = "the demo speaks through it")]

mod answers;
mod flights;
mod graph;
mod show;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use worldstore::core::table::Level;
use worldstore::{CacheConfig, Error, Result, TableFormat, World, WorldOptions};

use answers::Answers;
use flights::Days;
use show::{headline, number, objects};

/// The last day that both runs of the fork share.
const FORK_TICK: i64 = 180;
/// Rows that trigger a commit, so that a year takes a few.
const FLUSH_ROWS: usize = 100_000;

/// Records a year of flights, travels through it, forks it, and asks it as a graph.
#[derive(Debug, Parser)]
struct Args {
    /// Where the worlds are made; it must not exist yet
    #[arg(long, default_value_os_t = free_folder())]
    folder: PathBuf,
    /// Write every answer as JSON, with the SQL that must give the same
    #[arg(long)]
    answers: Option<PathBuf>,
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn free_folder() -> PathBuf {
    let name = |n: u32| std::env::temp_dir().join(format!("worldstore-demo-{n}"));
    (1..).map(name).find(|folder| !folder.exists()).unwrap_or_else(|| name(0))
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    if args.folder.exists() {
        return Err(Error::invalid("the folder exists already").with("folder", args.folder.display()));
    }
    let start = Instant::now();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("flights");
    println!("worldstore records the flights out of New York in 2013, day by day, in {}", args.folder.display());
    let mut answers = Answers::new(&data, &args.folder);

    let lance = record(TableFormat::Lance, &args.folder, &data, &mut answers).await?;
    let iceberg = record(TableFormat::Iceberg, &args.folder, &data, &mut answers).await?;
    fork(&lance, &mut answers).await?;
    graph::ask(&lance, &iceberg, &data, &mut answers).await?;
    lance.shutdown().await?;
    iceberg.shutdown().await?;

    if let Some(file) = &args.answers {
        answers.write(file)?;
    }
    println!("\ndone in {:.1} s", start.elapsed().as_secs_f64());
    go_on(&args.folder, &data);
    Ok(())
}

/// Appends a year, one tick a day, through the cache; then looks back.
async fn record(format: TableFormat, folder: &Path, data: &Path, answers: &mut Answers) -> Result<World> {
    headline(&format!("a year of flights in {format}"));
    let start = Instant::now();
    let uri = folder.join(format.as_str());
    let options = WorldOptions::default()
        .with_format(format)
        .with_name("new-york-2013")
        .with_cache(CacheConfig::default().with_flush_rows(FLUSH_ROWS));
    let world = World::create(&uri.display().to_string(), &options).await?;
    let run = world.run("main").await?;
    let mut last = None;
    for day in Days::new(data)? {
        let (tick, rows) = day?;
        last = Some(run.append(tick, "flights", &rows).await?);
    }
    let last = last.ok_or_else(|| Error::not_found("there are no flights").with("data", data.display()))?;
    println!("receipt of day 365: {} rows, sequence {}, {:?}", last.rows, last.seq, last.level);
    world.flush().await?;
    let committed = world.wait(&last, Level::Committed).await?;
    println!("after the flush:    {:?} in version {}", committed.level, committed.version.unwrap_or_default());

    let now = run.now().count("flights").await?;
    let then = run.as_of(100).count("flights").await?;
    let (files, bytes) = objects(&world).await?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{} rows in {seconds:.1} s, {files} files, {:.1} MB", number(now), bytes as f64 / 1e6);
    println!("as of tick 100:     {} rows", number(then));
    answers.add_count(&format!("{format}: rows now"), now, "SELECT count(*) FROM flights");
    let sql = format!("SELECT count(*) FROM flights WHERE {} <= 100", answers::TICK);
    answers.add_count(&format!("{format}: rows as of tick 100"), then, &sql);
    Ok(world)
}

/// Forks the run, lets the fork go its own way, and compares both.
async fn fork(world: &World, answers: &mut Answers) -> Result<()> {
    headline(&format!("what if, from tick {FORK_TICK} on"));
    let main = world.run("main").await?;
    let before = objects(world).await?;
    let storm = main.fork("storm", FORK_TICK).await?;
    let after = objects(world).await?;
    println!(
        "run storm forks main at tick {FORK_TICK}: {} files more, {} bytes",
        after.0 - before.0,
        after.1 - before.1
    );
    let receipt = storm.append(FORK_TICK + 1, "flights", &flights::storm()?).await?;
    println!("storm goes its own way: {} rows at tick {}, {:?}", receipt.rows, FORK_TICK + 1, receipt.level);
    for (name, run, sql) in [
        ("main", &main, format!("SELECT count(*) FROM flights WHERE {} <= {}", answers::TICK, FORK_TICK + 1)),
        (
            "storm",
            &storm,
            format!("SELECT count(*) + {} FROM flights WHERE {} <= {FORK_TICK}", receipt.rows, answers::TICK),
        ),
    ] {
        let rows = run.as_of(FORK_TICK + 1).count("flights").await?;
        println!("{name:<6} as of tick {}: {} rows", FORK_TICK + 1, number(rows));
        answers.add_count(&format!("fork: rows of {name}"), rows, &sql);
    }
    Ok(())
}

fn go_on(folder: &Path, data: &Path) {
    let beside = std::env::current_exe().ok().and_then(|demo| Some(demo.parent()?.parent()?.join("worldstore")));
    let command =
        beside.filter(|command| command.exists()).map_or("worldstore".into(), |path| path.display().to_string());
    let (lance, data) = (folder.join("lance"), data.display());
    let lance = lance.display();
    println!("\ngo on exploring:");
    println!("  {command} tables {lance}");
    println!("  {command} ticks {lance} flights --run storm");
    println!("  {command} scan {lance} flights --where 'dep_delay > 600' --columns tick,carrier,dest,dep_delay");
    println!(
        "  {command} query --world {lance} 'MATCH (f:flights) RETURN f.dest, count(*) ORDER BY count(*) DESC LIMIT 5'"
    );
    println!("  {command} query --mount nyc={data} --file examples/flights.cypher --io-stats");
}
