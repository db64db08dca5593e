//! Processes that are killed in the middle of batches: what is left is what a prefix of the batches makes, and all that
//! was acknowledged is in it. A test binary starts itself again as the process that is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use worldstore_core::{Error, Result};

use super::steps::{Agent, Counters, Name, Position, shown};
use crate::{Batch, ComponentValue, Entity, Local, Storage, Updates};

/// Set for processes that are to be killed: what they open.
const VARIABLE: &str = "WORLDSTORE_ECS_VICTIM";
/// What the lines of a victim begin with, among those of the test harness.
const MARK: &str = "victim:";
/// A process that has not applied a batch by then is not coming.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens what is kept at a place.
pub type Open<'a> = dyn Fn(&str) -> Result<Box<dyn Storage>> + 'a;

/// Which processes are killed.
#[derive(Debug, Clone, Copy)]
pub struct Kills<'a> {
    /// The test that calls [`victim`], by the path that the harness gives it.
    pub victim: &'a str,
    /// How many are killed.
    pub count: u32,
    /// How much longer each lives than the one before.
    pub step: Duration,
}

impl Kills<'_> {
    /// Kills one process after the other, between or in batches, and looks at what is left each time.
    ///
    /// # Errors
    /// `Unexpected` if a batch that was acknowledged is not there, or something else is. Those of the storage and of
    /// processes.
    pub fn survive(&self, place: &str, open: &Open<'_>) -> Result<()> {
        let mut expected = Local::new();
        for kill in 0..self.count {
            let acknowledged = self.kill(place, kill)?;
            let storage = open(place)?;
            let tick = storage.tick()?.0;
            let differs = |what| Error::unexpected(what).with("place", place).with("kill", kill).with("tick", tick);
            if tick != acknowledged && tick != acknowledged + 1 {
                return Err(differs("another tick is there than was acknowledged").with("wanted", acknowledged));
            }
            while expected.tick()?.0 < tick {
                step(&mut expected)?;
            }
            let (found, wanted) = (shown(&storage.export()?)?, shown(&expected.export()?)?);
            if found != wanted {
                return Err(differs("something else is there than was applied")
                    .with("found", format!("{found:?}"))
                    .with("wanted", format!("{wanted:?}")));
            }
        }
        Ok(())
    }

    /// Kills one process, and gives the last tick that it has acknowledged.
    fn kill(&self, place: &str, number: u32) -> Result<u64> {
        let program = std::env::current_exe().map_err(|error| Error::io("find this program", error))?;
        let child = Command::new(program)
            .args(["--exact", self.victim, "--nocapture"])
            .env(VARIABLE, place)
            .stdout(Stdio::piped())
            .spawn();
        let mut child = Victim(child.map_err(|error| Error::io("start a process", error))?);
        let output = child.0.stdout.take().ok_or_else(|| Error::unexpected("a process has no output"))?;
        let (sender, acknowledged) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(std::result::Result::ok);
            let ticks = lines.filter_map(|line| line.strip_prefix(MARK)?.parse::<u64>().ok());
            ticks.take_while(|tick| sender.send(*tick).is_ok()).for_each(drop);
        });
        // It is under way after the first, and then killed wherever it is.
        let none = |source| Error::unexpected("a process has applied no batch").caused_by(source);
        let first = acknowledged.recv_timeout(PATIENCE).map_err(none)?;
        std::thread::sleep(self.step * number);
        drop(child);
        let _ = reader.join();
        Ok(acknowledged.try_iter().last().unwrap_or(first))
    }
}

/// A process that does not outlive its test.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process does until it is killed: it applies batches and says so. Nothing in a process that nobody kills.
///
/// # Errors
/// Those of the storage.
#[expect(clippy::print_stdout, reason = "whoever kills it reads what it has done")]
pub fn victim(open: &Open<'_>) -> Result<()> {
    let Ok(place) = std::env::var(VARIABLE) else { return Ok(()) };
    let mut storage = open(&place)?;
    loop {
        println!("\n{MARK}{}", step(&mut *storage)?);
    }
}

fn step(storage: &mut dyn Storage) -> Result<u64> {
    let number = storage.tick()?.0 + 1;
    let alive: Vec<Entity> = storage.export()?.allocator.alive().collect();
    Ok(storage.apply(&batch(number, &alive)?)?.tick.0)
}

/// Batch number `number`, which follows from what the storage holds before: rows of several components, all of which say
/// the number, entities that come, move and go, shared values, and something that a reserved entity has.
fn batch(number: u64, alive: &[Entity]) -> Result<Batch> {
    let mut updates = Updates::new();
    let counters = Counters { entity: number, small: 1, block: [0; 3], flag: None, raw: vec![number as u8; 20] };
    updates.insert_value(Entity::WORLD, ComponentValue::of(&counters)?);
    for entity in alive {
        updates.insert_value(*entity, ComponentValue::of(&Position { x: number as f32, y: 1.0 })?);
        match (u64::from(entity.index()) + number) % 7 {
            0 => updates.destroy(*entity),
            1 => updates.insert_value(*entity, ComponentValue::of(&Agent)?),
            2 => updates.remove_named(*entity, "agent"),
            _ => &mut updates,
        };
    }
    let name = Name { text: format!("{}", number / 3), nick: None };
    for _ in 0..9 {
        let position = ComponentValue::of(&Position { x: number as f32, y: 0.0 })?;
        updates.spawn_values(vec![position, ComponentValue::of(&name)?.shared()]);
    }
    updates.to_batch()
}
