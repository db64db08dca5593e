//! All that a file system in memory knows, and the rules of names.

use std::collections::BTreeMap;
use std::io::Result;
use std::sync::Arc;

use rustix::io::Errno;

use super::fault::{Faults, Operation, Verdict};
use super::node::{Body, EntryChange, FileNode, FolderNode, Name, Node};
use super::trace::{Call, Trace};

/// The key of the root folder.
pub(super) const ROOT: u64 = 0;

const NAME_BYTES_MAX: usize = 255;

/// The clock of a new file system: 2025-01-01, in nanoseconds since 1970.
const START: u64 = 1_735_689_600_000_000_000;

/// How far the clock goes at each look.
const TICK: u64 = 1_000;

#[derive(Debug)]
pub(super) struct State {
    pub nodes: BTreeMap<u64, Node>,
    next_key: u64,
    next_number: u64,
    free_numbers: Vec<u64>,
    next_handle: u64,
    /// The place of the last change in the order of all.
    pub order: u64,
    pub clock: u64,
    pub capacity: Option<u64>,
    pub used: u64,
    pub crashed: bool,
    pub crash_at: Option<u64>,
    /// Calls that could change something.
    pub changes: u64,
    /// Calls of each kind.
    pub calls: BTreeMap<Operation, u64>,
    pub faults: Faults,
    pub trace: Trace,
}

impl Default for State {
    fn default() -> Self {
        let mut state = Self {
            nodes: BTreeMap::new(),
            next_key: ROOT,
            next_number: 2,
            free_numbers: Vec::new(),
            next_handle: 0,
            order: 0,
            clock: START,
            capacity: None,
            used: 0,
            crashed: false,
            crash_at: None,
            changes: 0,
            calls: BTreeMap::new(),
            faults: Faults::default(),
            trace: Trace::default(),
        };
        let root = state.make(Name::from("/"), Body::Folder(FolderNode::default()));
        state.nodes.entry(root).and_modify(|node| node.links = 1);
        state
    }
}

impl State {
    /// Counts a call and says what becomes of it.
    pub fn judge(&mut self, operation: Operation, key: u64, name: &str, range: Option<(u64, u64)>) -> Verdict {
        if self.crashed {
            return Verdict::Fail(Errno::IO.into());
        }
        if operation.changes() {
            if self.crash_at == Some(self.changes) {
                self.crashed = true;
                return Verdict::Fail(Errno::IO.into());
            }
            self.changes += 1;
            let name = match name {
                "" => self.nodes.get(&key).map_or_else(|| Name::from(""), |node| Arc::clone(&node.name)),
                name => Name::from(name),
            };
            self.trace.note(Call { operation, name, range });
        }
        *self.calls.entry(operation).or_default() += 1;
        self.faults.judge(operation)
    }

    /// The time. It never stands still.
    pub fn now(&mut self) -> u64 {
        self.clock += TICK;
        self.clock
    }

    /// The place of the next change in the order of all.
    pub fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Makes a node without a name.
    pub fn make(&mut self, name: Name, body: Body) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        let (number, changed) = (self.fresh_number(), self.now());
        self.nodes
            .insert(key, Node { number, name, links: 0, handles: 0, holder: None, changed, released: false, body });
        key
    }

    /// Takes over a node of another file system after a crash.
    pub fn adopt(&mut self, key: u64, mut node: Node) {
        if node.released {
            node.number = self.fresh_number();
        }
        if let Body::File(file) = &node.body {
            self.used += file.room.bytes();
        }
        (node.released, node.handles, node.holder) = (false, 0, None);
        self.nodes.insert(key, node);
    }

    /// A file system after a crash of this one, with an empty root.
    pub fn successor(&self) -> Self {
        Self {
            next_key: self.next_key,
            next_number: self.next_number,
            clock: self.clock + 1_000_000_000,
            capacity: self.capacity,
            ..Self::default()
        }
    }

    /// A number for a node: one that is free again, as real file systems give it, or a new one.
    fn fresh_number(&mut self) -> u64 {
        self.free_numbers.pop().unwrap_or_else(|| {
            self.next_number += 1;
            self.next_number - 1
        })
    }

    pub fn open_handle(&mut self, key: u64) -> Result<u64> {
        self.next_handle += 1;
        self.node(key)?.handles += 1;
        Ok(self.next_handle)
    }

    /// Drops a handle and the lock that goes with it.
    pub fn close_handle(&mut self, key: u64, handle: u64) {
        if let Some(node) = self.nodes.get_mut(&key) {
            node.handles = node.handles.saturating_sub(1);
            if node.holder == Some(handle) {
                node.holder = None;
            }
        }
        self.release(key);
    }

    /// Gives back what a node took, if nothing leads to it any more.
    fn release(&mut self, key: u64) {
        let Some(node) = self.nodes.get_mut(&key) else { return };
        if node.links > 0 || node.handles > 0 || node.released {
            return;
        }
        node.released = true;
        self.free_numbers.push(node.number);
        if let Body::File(file) = &node.body {
            self.used -= file.room.bytes();
        }
    }

    pub fn node(&mut self, key: u64) -> Result<&mut Node> {
        self.nodes.get_mut(&key).ok_or_else(|| Errno::NOENT.into())
    }

    pub fn file(&mut self, key: u64) -> Result<&mut FileNode> {
        match &mut self.node(key)?.body {
            Body::File(file) => Ok(file),
            Body::Folder(_) => Err(Errno::ISDIR.into()),
        }
    }

    pub fn folder(&mut self, key: u64) -> Result<&mut FolderNode> {
        match &mut self.node(key)?.body {
            Body::Folder(folder) => Ok(folder),
            Body::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    pub fn is_folder(&self, key: u64) -> bool {
        self.nodes.get(&key).is_some_and(|node| matches!(node.body, Body::Folder(_)))
    }

    /// The node that a name stands for.
    pub fn look(&mut self, folder: u64, name: &str) -> Result<u64> {
        check(name)?;
        self.folder(folder)?.live.get(name).copied().ok_or_else(|| Errno::NOENT.into())
    }

    /// The node at the end of a path.
    pub fn walk(&mut self, folder: u64, path: &str) -> Result<u64> {
        path.split('/').try_fold(folder, |key, segment| match segment {
            "." => Ok(key),
            name => self.look(key, name),
        })
    }

    /// Gives a node a name that is free.
    pub fn bind(&mut self, folder: u64, name: &str, key: u64) -> Result<()> {
        self.check_free(folder, name)?;
        let (order, name) = (self.next_order(), Name::from(name));
        self.folder(folder)?.change(order, EntryChange::set(Arc::clone(&name), key));
        let now = self.now();
        let node = self.node(key)?;
        (node.name, node.changed) = (name, now);
        node.links += 1;
        Ok(())
    }

    /// Refuses a name that is taken, and a folder that has been removed.
    pub fn check_free(&mut self, folder: u64, name: &str) -> Result<()> {
        check(name)?;
        match self.folder(folder)?.live.contains_key(name) {
            true => Err(Errno::EXIST.into()),
            false if self.node(folder)?.links == 0 => Err(Errno::NOENT.into()),
            false => Ok(()),
        }
    }

    /// Removes a name.
    pub fn unbind(&mut self, folder: u64, name: &str) -> Result<()> {
        let key = self.look(folder, name)?;
        let order = self.next_order();
        self.folder(folder)?.change(order, EntryChange::unset(Name::from(name)));
        self.unlink(key)
    }

    fn unlink(&mut self, key: u64) -> Result<()> {
        let now = self.now();
        let node = self.node(key)?;
        node.changed = now;
        node.links = node.links.saturating_sub(1);
        self.release(key);
        Ok(())
    }

    /// Moves a name, over another that is there.
    pub fn rename(&mut self, folder: u64, name: &str, to: u64, to_name: &str) -> Result<()> {
        let key = self.look(folder, name)?;
        check(to_name)?;
        let replaced = self.folder(to)?.live.get(to_name).copied();
        if replaced == Some(key) {
            return Ok(());
        }
        self.check_move(key, to, replaced)?;
        let order = self.next_order();
        let (old, new) = (Name::from(name), Name::from(to_name));
        if folder == to {
            let change = EntryChange { unset: Some(old), set: Some((Arc::clone(&new), key)), twin: None };
            self.folder(folder)?.change(order, change);
        } else {
            self.folder(to)?.change(order, EntryChange::set(Arc::clone(&new), key));
            self.folder(folder)?.change(order, EntryChange { unset: Some(old), set: None, twin: Some(to) });
        }
        let now = self.now();
        let node = self.node(key)?;
        (node.name, node.changed) = (new, now);
        replaced.map_or(Ok(()), |replaced| self.unlink(replaced))
    }

    fn check_move(&mut self, key: u64, to: u64, replaced: Option<u64>) -> Result<()> {
        if self.node(to)?.links == 0 {
            return Err(Errno::NOENT.into());
        }
        if self.is_folder(key) && self.is_below(to, key) {
            return Err(Errno::INVAL.into());
        }
        let Some(replaced) = replaced else { return Ok(()) };
        match (self.is_folder(key), self.is_folder(replaced)) {
            (false, false) => Ok(()),
            (false, true) => Err(Errno::ISDIR.into()),
            (true, false) => Err(Errno::NOTDIR.into()),
            (true, true) if self.folder(replaced)?.live.is_empty() => Ok(()),
            (true, true) => Err(Errno::NOTEMPTY.into()),
        }
    }

    /// True if a node is a folder or something in it.
    fn is_below(&self, key: u64, folder: u64) -> bool {
        let mut open = vec![folder];
        while let Some(next) = open.pop() {
            if next == key {
                return true;
            }
            if let Some(Node { body: Body::Folder(folder), .. }) = self.nodes.get(&next) {
                open.extend(folder.live.values());
            }
        }
        false
    }

    /// Makes the names of a folder durable that were there at a place in the order. Where one of them has gone to
    /// another folder, it is durable there too.
    pub fn sync_folder(&mut self, key: u64, until: u64) -> Result<()> {
        let folder = self.folder(key)?;
        let due = |order: u64| order <= until;
        let twins: Vec<_> = folder
            .log
            .uncertain()
            .filter(|logged| due(logged.order) && logged.standing == super::log::Standing::Pending)
            .filter_map(|logged| logged.change.twin.map(|twin| (twin, logged.order)))
            .collect();
        folder.log.sync(until);
        folder.fold();
        for (twin, order) in twins {
            let folder = self.folder(twin)?;
            folder.log.settle(order);
            folder.fold();
        }
        Ok(())
    }

    /// The room that is left.
    pub fn free(&self) -> u64 {
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used))
    }
}

/// Refuses what cannot be a name.
fn check(name: &str) -> Result<()> {
    match name {
        "" => Err(Errno::NOENT.into()),
        "." | ".." => Err(Errno::INVAL.into()),
        _ if name.contains(['/', '\0']) => Err(Errno::INVAL.into()),
        _ if name.len() > NAME_BYTES_MAX => Err(Errno::NAMETOOLONG.into()),
        _ => Ok(()),
    }
}
