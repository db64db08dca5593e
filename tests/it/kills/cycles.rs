//! A process that writes is killed at any moment, over and over on one world.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use worldstore::cache::verify_retained;
use worldstore::world::IfOpen;
use worldstore::{ErrorKind, World};

use super::ground::{Ground, Held, Kind};
use super::ledger::Ledger;
use super::random::Random;
use super::rows::read;
use super::worker::{Task, Worker};
use super::{Replay, for_each_kind, number, report, seed};

const KILLS: u64 = 50;
/// Kills of one world. More are made of a new one each time, so that a failure can be shown again soon.
const KILLS_OF_WORLD: u64 = 25;

for_each_kind!(kill);

/// Whatever was acknowledged is there after each kill, once and in order; every tick is there wholly or not at all.
fn kill(kind: Kind) {
    let (kills, seed) = (number("WORLDSTORE_CRASH_KILLS", KILLS), seed());
    let suite = format!("kills::cycles::{kind}");
    let mut sums = Figures::default();
    for round in 0..kills.div_ceil(KILLS_OF_WORLD) {
        let (seed, kills) = (seed.wrapping_add(round), KILLS_OF_WORLD.min(kills - round * KILLS_OF_WORLD));
        let _shows_again = Replay::new(&suite, &[("SEED", seed), ("KILLS", kills)]);
        let held = Held::new(kind);
        let mut world = Cycles::new(kind, &held.ground, seed);
        let mut cycle = 0;
        // A process that is overtaken is not killed.
        while world.figures.kills < kills {
            cycle += 1;
            world.cycle(cycle);
        }
        world.end();
        sums.add(&world.figures);
        eprintln!("{suite}: {} kills, seed {seed}: {:?}", sums.kills, sums);
    }
    assert!(sums.acknowledged > sums.kills, "{sums:?}");
    report(&suite, &sums.listed());
}

#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    kills: u64,
    kills_during_open: u64,
    takeovers: u64,
    acknowledged: u64,
    unasked: u64,
    recovered: u64,
    readers: u64,
    files_verified: u64,
}

impl Figures {
    fn listed(&self) -> [(&'static str, u64); 8] {
        [
            ("kills", self.kills),
            ("kills_during_open", self.kills_during_open),
            ("takeovers", self.takeovers),
            ("acknowledged", self.acknowledged),
            ("there_unacknowledged", self.unasked),
            ("rows_recovered", self.recovered),
            ("readers", self.readers),
            ("files_verified", self.files_verified),
        ]
    }

    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.kills_during_open += other.kills_during_open;
        self.takeovers += other.takeovers;
        self.acknowledged += other.acknowledged;
        self.unasked += other.unasked;
        self.recovered += other.recovered;
        self.readers += other.readers;
        self.files_verified += other.files_verified;
    }
}

/// One world, from its first kill to its last.
struct Cycles<'ground> {
    ground: &'ground Ground,
    random: Random,
    ledger: Ledger,
    runtime: Runtime,
    /// A process that was not killed: the next one takes over.
    alive: Option<Worker>,
    figures: Figures,
}

impl<'ground> Cycles<'ground> {
    fn new(kind: Kind, ground: &'ground Ground, seed: u64) -> Self {
        let (random, ledger, runtime) = (Random::of(&[seed, kind as u64]), Ledger::default(), Runtime::new().unwrap());
        Self { ground, random, ledger, runtime, alive: None, figures: Figures::default() }
    }

    fn cycle(&mut self, cycle: u64) {
        let takes_over = self.alive.is_some() || self.random.chance(20);
        let if_open = if takes_over { IfOpen::TakeOver } else { IfOpen::Refuse };
        let mut worker = Worker::start(&Task { ground: self.ground, cycle, if_open });
        self.hear(&mut worker, "opening");
        let opens = self.random.chance(80);
        if opens {
            self.hear(&mut worker, "opened");
        }
        if let Some(mut overtaken) = self.alive.take() {
            self.figures.takeovers += u64::from(opens);
            if !opens {
                overtaken.kill();
            }
            overtaken.finish(&mut self.ledger).expect_overtaken();
        }
        if opens {
            self.listen(&mut worker);
        }
        let moment = if opens { self.random.time(20) } else { self.random.time(150) };
        wait(moment);
        if opens && self.random.chance(25) {
            self.alive = Some(worker);
            return;
        }
        self.figures.kills += 1;
        self.figures.kills_during_open += u64::from(!opens);
        worker.kill();
        worker.finish(&mut self.ledger).expect_kinds(&[]);
        // Now and then the next process has to recover from two kills.
        if self.random.chance(30) {
            let verifies = self.random.chance(10);
            self.reopen(verifies);
        }
        if self.random.chance(30) {
            self.read();
        }
    }

    fn hear(&mut self, worker: &mut Worker, what: &str) {
        if !worker.hear(&mut self.ledger, what) {
            panic!("the process ended before it told {what}: {:#?}", worker.failures);
        }
    }

    /// Hears some acknowledgements, and reads meanwhile.
    fn listen(&mut self, worker: &mut Worker) {
        for _ in 0..self.random.below(3) {
            (0..self.random.below(30)).for_each(|_| self.hear(worker, "ack"));
            if self.random.chance(30) {
                self.read();
            }
        }
    }

    /// Reads what is published, as any process can at any time.
    fn read(&mut self) {
        let (uri, options) = (self.ground.uri(), self.ground.options());
        let found = self.runtime.block_on(async {
            let mut attempt = 0;
            loop {
                let read = async { read(&World::read(&uri, &options).await?).await };
                match read.await {
                    // Without a lease, what is read may expire: a slow reader reads again.
                    Err(error) if error.is_not_found() && attempt < 10 => attempt += 1,
                    read => return read,
                }
            }
        });
        match found {
            Ok(found) => self.ledger.check_published(found),
            // Until the first has opened it there is nothing.
            Err(error) => {
                assert_eq!((error.kind(), self.ledger.acknowledgements()), (ErrorKind::NotFound, 0), "{error:?}")
            }
        }
        self.figures.readers += 1;
    }

    /// Opens as the next writer would, and looks for everything; at every file that is published, too, if it `verifies`.
    fn reopen(&mut self, verifies: bool) {
        let (uri, options) = (self.ground.uri(), self.ground.options());
        let runtime = &self.runtime;
        let (found, recovered, verified) = runtime.block_on(async {
            let world = World::open_or_create(&uri, &options).await.unwrap();
            let found = read(&world).await.unwrap();
            world.shutdown().await.unwrap();
            let again = read(&World::read(&uri, &options).await.unwrap()).await.unwrap();
            let sorted = |mut rows: Vec<_>| {
                rows.sort_unstable();
                rows
            };
            assert!(sorted(found.clone()) == sorted(again), "what is there is published when it is shut down");
            let mut files = 0;
            if verifies {
                let verified = verify_retained(world.manifests()).await.unwrap();
                assert!(verified.damage.is_empty(), "{:#?}", verified.damage);
                files = verified.files;
            }
            (found, world.recovery().rows, files)
        });
        self.ledger.check(found.clone());
        self.ledger.check_published(found);
        self.figures.recovered += recovered;
        self.figures.files_verified += verified;
    }

    fn end(&mut self) {
        if let Some(mut alive) = self.alive.take() {
            alive.kill();
            alive.finish(&mut self.ledger).expect_kinds(&[]);
        }
        self.reopen(true);
        self.read();
        self.figures.acknowledged = self.ledger.acknowledgements();
        self.figures.unasked = self.ledger.unasked();
    }
}

/// A sleep is too coarse for moments within a call.
fn wait(time: Duration) {
    let start = Instant::now();
    std::thread::sleep(time.saturating_sub(Duration::from_millis(1)));
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
