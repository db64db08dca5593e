//! What all rows share: the folder, the runtime, the peers, and how subjects take turns.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tokio::runtime::Runtime;

use crate::Failure;

use super::ours::{Kind, Ours};
use super::peer::Peer;
use super::python::Python;
use super::subject::Subject;

/// What a row is measured with.
pub struct Bench {
    /// Where all files lie.
    pub folder: PathBuf,
    /// By how much work is divided.
    pub scale: u64,
    /// Two workers, as the machine that the figures are quoted for has two cores.
    pub runtime: Rc<Runtime>,
    python: Option<Rc<RefCell<Python>>>,
}

impl Bench {
    /// With the peers that the interpreter has.
    pub fn new(folder: &Path, scale: usize, python: Option<Python>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let python = python.map(|python| Rc::new(RefCell::new(python)));
        Ok(Self { folder: folder.to_owned(), scale: scale as u64, runtime: Rc::new(runtime), python })
    }

    /// An amount of work, divided, but never below a least one.
    pub fn scaled(&self, amount: u64, least: u64) -> u64 {
        (amount / self.scale).max(least)
    }

    /// Worlds and peers as subjects, without peers that do not work.
    pub fn subjects(&self, kinds: impl IntoIterator<Item = Kind>, peers: &[&str]) -> Vec<Box<dyn Subject>> {
        let ours = kinds.into_iter().map(|kind| Box::new(Ours::new(&self.runtime, kind)) as Box<dyn Subject>);
        let mut subjects: Vec<_> = ours.collect();
        if let Some(python) = &self.python {
            let peers = peers.iter().filter_map(|peer| Peer::find(python, peer));
            subjects.extend(peers.map(|peer| Box::new(peer) as Box<dyn Subject>));
        }
        subjects
    }

    /// An empty place for a subject's files; what others left to the system is written out before.
    pub fn place(&self, name: &str) -> Result<PathBuf, Failure> {
        let letters = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
        let place = self.folder.join(letters.collect::<String>());
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        rustix::fs::sync();
        Ok(place)
    }
}

/// The subjects of a round in their order: another begins each time.
pub fn turns(subjects: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..subjects).map(move |place| (place + round) % subjects)
}
