//! An engine that works on threads that may wait, and comes to the end of what it does when its caller goes away.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Circuit, Engine};

/// See the module.
#[derive(Debug)]
pub(super) struct Steps {
    /// `None` while a step is under way, and after one panicked.
    engine: Option<Engine>,
    /// The step that is under way, with the engine.
    away: Option<JoinHandle<Engine>>,
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
        if let Some(away) = &mut self.away {
            let engine = away.await;
            self.away = None;
            self.engine = Some(engine.map_err(|error| poisoned().caused_by(error))?);
        }
        self.engine()
    }

    /// Works with the engine, on a thread that may wait.
    ///
    /// # Errors
    /// Those of the work; `Poisoned` if it panicked.
    pub async fn work<Answer: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Engine) -> Result<Answer> + Send + 'static,
    ) -> Result<Answer> {
        self.settled().await?;
        let mut engine = self.engine.take().ok_or_else(poisoned)?;
        let (sender, answer) = oneshot::channel();
        self.away = Some(tokio::task::spawn_blocking(move || {
            // Whoever has gone away wants no answer.
            drop(sender.send(work(&mut engine)));
            engine
        }));
        self.settled().await?;
        answer.await.map_err(|error| poisoned().caused_by(error))?
    }
}

fn poisoned() -> Error {
    Error::new(ErrorKind::Poisoned, "a step of the view panicked; open it again")
}
