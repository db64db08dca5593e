//! Builds what a crash leaves: from the durable state, and what was chosen of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choice::{Chooser, Effect, Effects, apply};
use super::log::Standing;
use super::node::{Body, EntryChange, FileNode, FolderNode, Name, Names, Node};
use super::room::Room;
use super::state::{ROOT, State};
use super::trace::Print;

/// What a crash leaves, and how.
pub(super) struct Built {
    pub state: State,
    pub effects: Effects,
    /// The same for images that were made of the same decisions.
    pub print: u64,
    /// Changes that could have gone either way.
    pub uncertain: usize,
}

/// The places of all uncertain changes in the order of all.
pub(super) fn uncertain(state: &State) -> Vec<u64> {
    let mut orders = Vec::new();
    for node in state.nodes.values() {
        match &node.body {
            Body::File(file) => {
                orders.extend(file.log.uncertain().map(|logged| logged.order));
                orders.extend(file.meta_log.uncertain().map(|logged| logged.order));
            }
            Body::Folder(folder) => orders.extend(folder.log.uncertain().map(|logged| logged.order)),
        }
    }
    orders
}

/// Builds an image. The orders are those of [`uncertain`].
pub(super) fn build(state: &State, chooser: &Chooser, uncertain: usize) -> Built {
    let mut builder = Builder {
        source: state,
        chooser,
        folders: decide_names(state, chooser),
        target: state.successor(),
        effects: Effects::default(),
        print: Print::default(),
    };
    builder.copy_tree();
    let Builder { target, effects, print, .. } = builder;
    Built { state: target, effects, print: print.0, uncertain }
}

/// A change of names with what decides over it.
struct Candidate<'a> {
    order: u64,
    /// The folder that gains a moved name comes before the one that loses it.
    loses: bool,
    folder: u64,
    change: &'a EntryChange,
    standing: Standing,
}

/// For each folder with changes, what it holds and what was decided of them.
#[derive(Default)]
struct Decided {
    names: Names,
    effects: Effects,
    print: Print,
}

/// Goes through the changes of names of all folders in their order. One survives only if all earlier ones of the same
/// name do, as in the journal of a file system, and a name does not leave a folder before it is in the other.
fn decide_names(state: &State, chooser: &Chooser) -> BTreeMap<u64, Decided> {
    let mut decided: BTreeMap<u64, Decided> = BTreeMap::new();
    let mut candidates = Vec::new();
    for (key, node) in &state.nodes {
        let Body::Folder(folder) = &node.body else { continue };
        if folder.log.is_empty() {
            continue;
        }
        decided.insert(*key, Decided { names: Arc::clone(&folder.base), ..Decided::default() });
        candidates.extend(folder.log.iter().map(|logged| Candidate {
            order: logged.order,
            loses: logged.change.twin.is_some(),
            folder: *key,
            change: &logged.change,
            standing: logged.standing,
        }));
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.order, candidate.loses));
    let mut gone: BTreeSet<(u64, &Name)> = BTreeSet::new();
    let mut dropped: BTreeSet<(u64, u64)> = BTreeSet::new();
    for candidate in candidates {
        let Some(folder) = decided.get_mut(&candidate.folder) else { continue };
        let touched = || candidate.change.touched().map(|name| (candidate.folder, name));
        let certain = candidate.standing == Standing::Durable;
        let halved = candidate.change.twin.is_some_and(|twin| dropped.contains(&(twin, candidate.order)));
        let possible = !halved && touched().all(|name| !gone.contains(&name));
        let survives = certain || (possible && chooser.name(candidate.order, candidate.loses));
        folder.print.number(u64::from(survives));
        match survives {
            true => {
                candidate.change.apply(&mut folder.names);
                gone.retain(|name| touched().all(|touched| touched != *name));
            }
            false => {
                gone.extend(touched());
                dropped.insert((candidate.folder, candidate.order));
            }
        }
        match (survives, candidate.change.twin) {
            _ if certain => {}
            (true, _) => folder.effects.note(Effect::NameKept),
            (false, None) => folder.effects.note(Effect::NameLost),
            (false, Some(_)) if halved => folder.effects.note(Effect::NameLost),
            (false, Some(_)) => folder.effects.note(Effect::MoveHalved),
        }
    }
    decided
}

struct Builder<'a> {
    source: &'a State,
    chooser: &'a Chooser,
    folders: BTreeMap<u64, Decided>,
    target: State,
    effects: Effects,
    print: Print,
}

impl Builder<'_> {
    /// Copies what names lead to.
    fn copy_tree(&mut self) {
        let mut links: BTreeMap<u64, u64> = BTreeMap::from([(ROOT, 1)]);
        let mut open = vec![ROOT];
        while let Some(key) = open.pop() {
            let Some(node) = self.source.nodes.get(&key) else { continue };
            let body = match &node.body {
                Body::File(file) => Body::File(self.copy_file(file)),
                Body::Folder(folder) => {
                    let names = self.copy_names(key, folder);
                    for child in names.values() {
                        let count = links.entry(*child).or_default();
                        *count += 1;
                        if *count == 1 {
                            open.push(*child);
                        }
                    }
                    Body::Folder(FolderNode { live: Arc::clone(&names), base: names, ..FolderNode::default() })
                }
            };
            let node = Node { name: Arc::clone(&node.name), body, ..*node };
            self.target.adopt(key, node);
        }
        for (key, links) in links {
            self.target.nodes.entry(key).and_modify(|node| node.links = links);
        }
    }

    fn copy_names(&mut self, key: u64, folder: &FolderNode) -> Names {
        match self.folders.remove(&key) {
            None => Arc::clone(&folder.base),
            Some(decided) => {
                self.print.number(key);
                self.print.number(decided.print.0);
                self.effects.add(decided.effects);
                decided.names
            }
        }
    }

    fn copy_file(&mut self, file: &FileNode) -> FileNode {
        if file.is_certain() {
            let (pages, meta) = (file.base.clone(), file.meta.clone());
            let room = file.room.clone();
            return FileNode {
                live: pages.clone(),
                base: pages,
                meta: meta.clone(),
                meta_base: meta,
                room,
                ..FileNode::default()
            };
        }
        let mut pages = file.base.clone();
        for logged in file.log.iter() {
            if logged.standing == Standing::Durable {
                logged.change.apply(&mut pages);
                continue;
            }
            let fate = self.chooser.fate(logged.order, &logged.change);
            apply(&logged.change, fate, &mut pages, &mut self.effects);
            self.print.fate(fate);
        }
        let mut meta = file.meta_base.clone();
        let survive = self.chooser.meta(file.meta_log.uncertain());
        self.print.number(survive.min(file.meta_log.uncertain().count()) as u64);
        let mut seen = 0;
        for logged in file.meta_log.iter() {
            let certain = logged.standing == Standing::Durable;
            seen += usize::from(!certain);
            match certain || seen <= survive {
                true => logged.change.apply(&mut meta),
                false => self.effects.note(Effect::MetaLost),
            }
        }
        let mut room = Room::of(pages.length());
        if room.bytes() > file.room.bytes() {
            room = file.room.clone();
            room.cut(pages.length());
        }
        FileNode { live: pages.clone(), base: pages, meta: meta.clone(), meta_base: meta, room, ..FileNode::default() }
    }
}
