//! Threads that take turns: each call of a backend is one turn, and dice with a seed decide whose it is.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::wrap::Dice;

/// Decides who is next. The same seed and the same actors: the same order.
#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
    dice: Dice,
}

#[derive(Debug)]
struct State {
    /// Who has not ended.
    alive: Vec<bool>,
    /// Who waits for a turn.
    waits: Vec<bool>,
    /// Whose turn it is.
    turn: Option<usize>,
    /// Who sleeps for so many turns, unless all sleep.
    asleep: Vec<u64>,
}

impl Turns {
    fn new(actors: usize, seed: u64) -> Self {
        let state =
            State { alive: vec![true; actors], waits: vec![false; actors], turn: None, asleep: vec![0; actors] };
        Self { state: Mutex::new(state), changed: Condvar::new(), dice: Dice::new(seed) }
    }

    /// Waits until it is this actor's turn.
    pub fn take(&self, actor: usize) {
        let mut state = self.state.lock().unwrap();
        state.waits[actor] = true;
        if state.turn == Some(actor) {
            state.turn = None;
        }
        self.give(&mut state);
        while state.turn != Some(actor) {
            state = self.changed.wait(state).unwrap();
        }
        state.waits[actor] = false;
    }

    fn end(&self, actor: usize) {
        let mut state = self.state.lock().unwrap();
        state.alive[actor] = false;
        if state.turn == Some(actor) {
            state.turn = None;
        }
        self.give(&mut state);
    }

    /// Gives the turn away, once all who live wait for it.
    fn give(&self, state: &mut MutexGuard<'_, State>) {
        let everyone = (0..state.alive.len()).filter(|actor| state.alive[*actor]).collect::<Vec<_>>();
        if state.turn.is_some() || everyone.is_empty() || everyone.iter().any(|actor| !state.waits[*actor]) {
            return;
        }
        let awake: Vec<_> = everyone.iter().copied().filter(|actor| state.asleep[*actor] == 0).collect();
        state.asleep.iter_mut().for_each(|left| *left = left.saturating_sub(1));
        let those = if awake.is_empty() { &everyone } else { &awake };
        let actor = those[self.dice.below(those.len() as u64) as usize];
        // Now and then one falls asleep in the middle of what it does, for long.
        if self.dice.hits(0.02) {
            state.asleep[actor] = self.dice.below(150);
        }
        state.turn = Some(actor);
        self.changed.notify_all();
    }
}

/// Ends the actor's part when it returns or panics.
struct Part {
    turns: Arc<Turns>,
    actor: usize,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.turns.end(self.actor);
    }
}

type Actor<'run> = Box<dyn FnOnce(Arc<Turns>, usize) + Send + 'run>;

/// Runs actors that take turns, until all have ended. A panic of one is a panic here.
pub fn play(seed: u64, actors: Vec<Actor<'_>>) {
    let turns = Arc::new(Turns::new(actors.len(), seed));
    std::thread::scope(|scope| {
        for (actor, run) in actors.into_iter().enumerate() {
            let part = Part { turns: Arc::clone(&turns), actor };
            scope.spawn(move || run(Arc::clone(&part.turns), part.actor));
        }
    });
}
