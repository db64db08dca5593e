//! An engine whose steps are on threads that may wait, and go on when their caller goes away.

use tokio::task::JoinHandle;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Changes, Circuit, Deltas, Engine, Time};

/// See the module.
#[derive(Debug)]
pub(super) struct Steps {
    /// `None` while a step is under way, and after one panicked.
    engine: Option<Engine>,
    /// The step that is under way, with the engine.
    away: Option<JoinHandle<(Engine, Result<Deltas>)>>,
}

impl Steps {
    /// # Errors
    /// As [`Engine::open`].
    pub fn open(circuit: Circuit, store: impl Store + 'static, mode: Mode) -> Result<Self> {
        Ok(Self { engine: Some(Engine::open(circuit, store, mode)?), away: None })
    }

    /// The engine.
    ///
    /// # Errors
    /// `Poisoned` after a step panicked; `Unavailable` while a step whose caller has gone away is under way.
    pub fn engine(&mut self) -> Result<&mut Engine> {
        match (&mut self.engine, &self.away) {
            (Some(engine), _) => Ok(engine),
            (None, Some(_)) => {
                Err(Error::new(ErrorKind::Unavailable, "a step is under way whose caller has gone away"))
            }
            (None, None) => Err(poisoned()),
        }
    }

    /// The engine, after the step that is under way, if one is. What became of it the store tells.
    ///
    /// # Errors
    /// `Poisoned` after a step panicked.
    pub async fn settled(&mut self) -> Result<&mut Engine> {
        let _ended = self.come_back().await?;
        self.engine()
    }

    /// One step, as [`Engine::step_then`].
    ///
    /// # Errors
    /// Those of the step; `Poisoned` if it panicked.
    pub async fn step(
        &mut self,
        changes: Changes,
        time: Time,
        before_commit: impl FnOnce(&Deltas) -> Result<()> + Send + 'static,
    ) -> Result<Deltas> {
        let mut engine = self.engine.take().ok_or_else(poisoned)?;
        self.away = Some(tokio::task::spawn_blocking(move || {
            let result = engine.step_then(changes, time, before_commit);
            (engine, result)
        }));
        self.come_back().await?.ok_or_else(poisoned)?
    }

    /// Waits for a step that is under way, if one is: it has the engine.
    async fn come_back(&mut self) -> Result<Option<Result<Deltas>>> {
        let Some(away) = &mut self.away else { return Ok(None) };
        let ended = away.await;
        self.away = None;
        let (engine, result) = ended.map_err(|error| poisoned().caused_by(error))?;
        self.engine = Some(engine);
        Ok(Some(result))
    }
}

fn poisoned() -> Error {
    Error::new(ErrorKind::Poisoned, "a step of the view panicked; open it again")
}
