//! What was changed and is not yet certain to survive, in order.

/// Whether a change will be there after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not synced: it may be there or not.
    Pending,
    /// A sync failed over it: it may be there or not, and no later sync changes that.
    Lost,
    /// Synced, after one that is lost.
    Durable,
}

/// A change with its place in the order of all changes of the file system.
#[derive(Debug, Clone)]
pub(super) struct Logged<C> {
    pub order: u64,
    pub change: C,
    pub standing: Standing,
}

/// The changes of one file or folder since its durable state.
#[derive(Debug, Clone)]
pub(super) struct Log<C>(Vec<Logged<C>>);

impl<C> Default for Log<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C> Log<C> {
    pub fn push(&mut self, order: u64, change: C) {
        self.0.push(Logged { order, change, standing: Standing::Pending });
    }

    /// A sync that began at `until` has succeeded: later changes are none of its business.
    pub fn sync(&mut self, until: u64) {
        self.turn(until, Standing::Durable);
    }

    /// A sync that began at `until` has failed. What it covered counts as written, as in the kernel's page cache, and
    /// is not written again.
    pub fn fail(&mut self, until: u64) {
        self.turn(until, Standing::Lost);
    }

    fn turn(&mut self, until: u64, standing: Standing) {
        for logged in self.0.iter_mut().filter(|logged| logged.standing == Standing::Pending && logged.order <= until) {
            logged.standing = standing;
        }
    }

    /// Makes the change of one place in the order durable.
    pub fn settle(&mut self, order: u64) {
        for logged in self.0.iter_mut().filter(|logged| logged.order == order) {
            logged.standing = Standing::Durable;
        }
    }

    /// Takes the durable changes off the front, where nothing uncertain lies below them.
    pub fn fold(&mut self) -> impl Iterator<Item = C> {
        let certain = self.0.iter().take_while(|logged| logged.standing == Standing::Durable).count();
        self.0.drain(..certain).map(|logged| logged.change)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Logged<C>> {
        self.0.iter()
    }

    /// Those that may be there after a crash or not.
    pub fn uncertain(&self) -> impl Iterator<Item = &Logged<C>> {
        self.iter().filter(|logged| logged.standing != Standing::Durable)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
