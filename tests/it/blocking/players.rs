//! One player for both sides: it is written once, and compiled with and without awaiting.

use std::fmt::Debug;

use worldstore::Result;

/// An answer as a line of the transcript.
fn told(step: impl Debug, answer: Result<String>) -> String {
    match answer {
        Ok(answer) => format!("{step:?}: {answer}"),
        Err(error) => format!("{step:?}: refused, {error}"),
    }
}

macro_rules! player {
    ($($home:ident)::+, [$($begin:tt)*], [$($wait:tt)*]) => {
        use std::time::{Duration, SystemTime};

        use worldstore::config::Lookup;
        use worldstore::core::table::{
            CompactOptions, HistoryOptions, Level, ListTablesOptions, Receipt, Scan, TableName,
        };
        use worldstore::world::{
            CompactWorldOptions, Ended, ExpireWorldOptions, Extent, History, ReplayOptions, StateOptions, TableOptions,
        };
        use worldstore::{Result, StorageConfig};
        use $($home)::+::{Run, StorageContext, View, World};

        use super::told;
        use crate::bed::Bed;
        use crate::blocking::op::{Op, TABLES, batch, resolve};

        struct Player {
            world: World,
            copies: World,
            runs: Vec<Run>,
            receipt: Option<Receipt>,
        }

        /// Plays a history, and tells what each step answered and what is there in the end.
        pub $($begin)* fn play(ops: &[Op]) -> Vec<String> {
            let options = Bed::new(worldstore::TableFormat::Memory).options();
            let world = World::create("memory:", &options) $($wait)*.unwrap();
            let copies = World::create("memory:", &options.with_name("copies")) $($wait)*.unwrap();
            let runs = vec![world.run("main") $($wait)*.unwrap()];
            let mut player = Player { world, copies, runs, receipt: None };
            let mut lines = Vec::new();
            for op in ops {
                lines.push(told(op, player.step(op) $($wait)*));
            }
            lines.push(told("end", player.end() $($wait)*));
            lines
        }

        impl Player {
            fn at(&self, run: usize) -> Run {
                self.runs[run % self.runs.len()].clone()
            }

            $($begin)* fn step(&mut self, op: &Op) -> Result<String> {
                Ok(match op.clone() {
                    Op::Define { table } => {
                        let options = TableOptions::default().with_history(History::Changes);
                        self.world.define_table(TABLES[table], &options) $($wait)*?;
                        format!("{:?}", self.world.table_history(TABLES[table]) $($wait)*?)
                    }
                    Op::Append { run, tick, table, rows } => {
                        let receipt = self.at(run).append(tick, TABLES[table], &batch(&rows)) $($wait)*?;
                        self.receipt = Some(receipt.clone());
                        format!("{receipt:?}")
                    }
                    Op::Tick { run, tick, rows: [a, b], ended } => {
                        let writer = self.at(run).tick(tick).append("a", &batch(&a))?.append("b", &batch(&b))?;
                        format!("{:?}", writer.end("a", ended)?.commit() $($wait)*?)
                    }
                    Op::Fork { run, tick } => {
                        let fork = self.at(run).fork(&format!("run{}", self.runs.len()), tick) $($wait)*?;
                        self.runs.push(fork.clone());
                        format!("{} of {} from {}", fork.name(), fork.world().name(), fork.first_tick())
                    }
                    Op::CreateRun => {
                        let run = self.world.create_run(&format!("run{}", self.runs.len())) $($wait)*?;
                        self.runs.push(run);
                        format!("{:?}", self.world.runs() $($wait)*?)
                    }
                    Op::Drop { run } => format!("{:?}", self.world.drop_run(self.at(run).name()) $($wait)*?),
                    Op::Merge { ours, theirs, tick, rule } => self.merge(ours, theirs, tick, rule) $($wait)*?,
                    Op::Diff { one, other, tick } => {
                        format!("{:?}", self.at(one).now().diff(&self.at(other).as_of(tick)) $($wait)*?)
                    }
                    Op::Replay { run, from, to } => self.replay(run, from, to) $($wait)*?,
                    Op::Look { run, tick, seq, entity } => {
                        look(&self.at(run).as_of(tick), entity) $($wait)*?
                            + &look(&self.at(run).now().at_seq(seq), entity) $($wait)*?
                    }
                    Op::Flush => {
                        self.world.flush() $($wait)*?;
                        match &self.receipt {
                            Some(receipt) => format!("{:?}", self.world.wait(receipt, Level::Committed) $($wait)*?),
                            None => "nothing to wait for".to_owned(),
                        }
                    }
                    Op::Compact { table } => {
                        let table = TableName::new(TABLES[table])?;
                        let tables = self.world.table_backend();
                        format!("{:?}", tables.compact(&table, &CompactOptions::default()) $($wait)*?)
                    }
                })
            }

            $($begin)* fn merge(&mut self, ours: usize, theirs: usize, tick: i64, rule: u8) -> Result<String> {
                let (ours, theirs) = (self.at(ours), self.at(theirs).now());
                let ancestor = ours.common_ancestor(&theirs).map(|view| format!("{:?}", view.segments()));
                let plain = told("merge", ours.merge(&theirs, tick) $($wait)*.map(|merge| format!("{merge:?}")));
                let mut asked = String::new();
                let merged = ours.merge_with(&theirs, tick, |conflict| {
                    asked += &format!("conflict in {} of {}; ", conflict.table, conflict.entity);
                    resolve(rule, conflict)
                });
                let merged = merged $($wait)*.map(|merge| format!("{merge:?}"));
                Ok(format!("{}\n{plain}\n{}", told("ancestor", ancestor), told("rule", merged)) + &asked)
            }

            $($begin)* fn replay(&mut self, run: usize, from: i64, to: i64) -> Result<String> {
                let run = self.at(run);
                let small = ReplayOptions::default().with_window_rows(3);
                let ticks = gather(run.replay_with(from..=to, &small) $($wait)*?) $($wait)*?;
                let copies = self.copies.runs() $($wait)*?.len();
                let copy = self.copies.create_run(&format!("copy{copies}")) $($wait)*?;
                let mut text = String::new();
                for tick in gather(run.replay(from..=to) $($wait)*?) $($wait)*? {
                    text += &format!("{} rows, {:?}\n", tick.rows(), tick.commit_to(&copy) $($wait)*?);
                }
                Ok(format!("{ticks:?}\n{text}{}", copy.now().state_hash() $($wait)*?))
            }

            /// All there is to see of each run, and what a world refuses once it has shut down.
            $($begin)* fn end(&mut self) -> Result<String> {
                let mut text = format!("{:?}\n", self.world.stats().map(|stats| stats.visible_seq));
                for run in self.runs.clone() {
                    for entity in 0..3 {
                        text += &told(run.name(), look(&run.now(), entity) $($wait)*);
                    }
                }
                text += &format!("{:?} {:?}\n", self.world.runs() $($wait)*?, self.world.recovery());
                let tables = self.world.table_backend();
                for table in tables.list(&ListTablesOptions::default()) $($wait)*? {
                    let versions = tables.history(&table, &HistoryOptions::default()) $($wait)*?;
                    let versions: Vec<_> = versions.iter().map(|each| (each.version, each.watermark)).collect();
                    text += &format!("{table}: {versions:?}\n");
                }
                text += &self.upkeep() $($wait)*?;
                self.world.shutdown() $($wait)*?;
                self.world.shutdown() $($wait)*?;
                text += &format!("{:?}\n", self.runs[0].check(99, "a", &batch(&[])) $($wait)*.map_err(|error| error.kind()));
                let late = self.runs[0].append(99, "a", &batch(&[])) $($wait)*.map(|receipt| format!("{receipt:?}"));
                let later = self.runs[0].now().pinned() $($wait)*?;
                Ok(text + &told("late", late) + &look(&later, 1) $($wait)*?)
            }
        }

        impl Player {
            /// What is published, and what upkeep does to it.
            $($begin)* fn upkeep(&mut self) -> Result<String> {
                let waiting = (self.world.waiting() $($wait)*?.is_some(), self.world.log_state() $($wait)*?);
                let compacted = self.world.compact(&CompactWorldOptions::default()) $($wait)*?;
                let expire = ExpireWorldOptions::default().with_keep(1).with_spare_for(Duration::ZERO);
                // How many states there are depends on which publications came together: it is no part of the answer.
                let expired = self.world.expire(&expire) $($wait)*.map(|expired| expired.tables.failed.len());
                let states = self.world.states() $($wait)*?;
                let states = states.last().map(|state| (state.seq, state.rows, state.tables.len()));
                let newest = self.world.newest_published() $($wait)*?.seq;
                let verified = self.world.verify(Extent::All) $($wait)*?;
                let found = (verified.versions, verified.rows, verified.findings());
                Ok(format!("{waiting:?}\n{compacted:?}\n{expired:?}\n{states:?} {newest}\n{found:?}\n"))
            }
        }

        /// All that a view tells.
        $($begin)* fn look(view: &View, entity: u64) -> Result<String> {
            let mut text = format!("{} until {}\n", view.run().name(), view.tick());
            let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 33);
            for time in [SystemTime::UNIX_EPOCH, far] {
                let then = view.at_time(time, view.run().world()) $($wait)*;
                text += &told("time", then.map(|then| format!("{:?}", then.segments())));
            }
            text += &format!("{:?} {:?}\n", view.history(entity) $($wait)*?, view.entity(entity) $($wait)*?);
            text += &format!("{}\n", view.pinned() $($wait)*?.state_hash() $($wait)*?);
            for table in TABLES.into_iter().chain(["missing", "not a name"]) {
                text += &told(table, look_at(view, table, entity) $($wait)*);
            }
            Ok(text)
        }

        $($begin)* fn look_at(view: &View, table: &str, entity: u64) -> Result<String> {
            let counts = (view.count(table) $($wait)*?, view.ticks(table) $($wait)*?);
            let scan = view.scan(table, &Scan::all().with_columns(["tick", "x"])) $($wait)*?;
            let read = (scan.schema, scan.watermark, gather(scan.batches) $($wait)*?);
            let all = (view.collect(table, &Scan::all()) $($wait)*?, view.collect_state(table) $($wait)*?);
            let state = view.state(table) $($wait)*?;
            let state = (state.schema, state.rows, gather(state.batches) $($wait)*?);
            let options = StateOptions::default().with_ended(Ended::Show).with_entities([entity]).with_columns(["x"]);
            let some = view.state_with(table, &options) $($wait)*?;
            let some = (some.schema, some.rows, gather(some.batches) $($wait)*?);
            let rows = view.rows_at(table, 2.min(view.tick())) $($wait)*?;
            let rows = (rows.rows, gather(rows.batches) $($wait)*?);
            Ok(format!("{counts:?}\n{read:?}\n{all:?}\n{state:?}\n{some:?}\n{rows:?}\n"))
        }

        /// Opens, closes and lists the worlds of two namespaces.
        pub $($begin)* fn contexts() -> Vec<String> {
            let config = || StorageConfig::default().with_uri("memory:");
            let context = StorageContext::builder(config()).build() $($wait)*.unwrap();
            let other = context.with_namespace("other") $($wait)*.unwrap();
            let mut lines = Vec::new();
            for context in [&context, &other] {
                for name in ["north", "south", "north", ".wrong"] {
                    let made = context.create(name) $($wait)*.map(|world| world.name().to_owned());
                    lines.push(told(("create", name), made));
                }
            }
            let world = context.open_or_create("north") $($wait)*.unwrap();
            let run = world.run("main") $($wait)*.unwrap();
            lines.push(format!("{:?}", run.append(1, "a", &batch(&[(1, true, None)])) $($wait)*));
            lines.push(told("close", other.close("south") $($wait)*.map(|()| String::new())));
            lines.push(told("missing", context.open("west") $($wait)*.map(|world| world.name().to_owned())));
            let again = context.open("north") $($wait)*.unwrap().run("main") $($wait)*.unwrap();
            lines.push(format!("{:?}", again.now().count("a") $($wait)*));
            lines.push(format!("{:?} {:?}", context.worlds() $($wait)*, context.namespaces() $($wait)*));
            lines.push(format!("{:?} {:?}", other.config().namespace, context.storage().location));
            lines.push(format!("{:?}", context.shutdown() $($wait)*));
            lines.push(format!("{:?}", run.append(2, "a", &batch(&[(1, true, None)])) $($wait)*.map_err(|error| error.kind())));
            let given = Lookup::given([("WORLDSTORE_STORAGE_URI", "memory:"), ("WORLDSTORE_STORAGE_NAMESPACE", "given")]);
            let loaded = StorageContext::load(None, &given) $($wait)*;
            lines.push(told("load", loaded.map(|context| context.config().namespace.clone())));
            lines
        }
    };
}

/// The side that awaits.
pub mod awaited {
    use futures::stream::{BoxStream, TryStreamExt};

    async fn gather<Item>(items: BoxStream<'static, Result<Item>>) -> Result<Vec<Item>> {
        items.try_collect().await
    }

    player!(worldstore, [async], [.await]);
}

/// The side that waits.
pub mod waited {
    fn gather<Item>(items: impl Iterator<Item = Result<Item>>) -> Result<Vec<Item>> {
        items.collect()
    }

    player!(worldstore::blocking, [], []);
}
