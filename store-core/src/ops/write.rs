//! Options of the calls that change something.

use super::change::{Condition, Durability, WriteToken};
use crate::error::{Error, Result};

/// Options of [`write`](crate::Backend::write) and [`open_writer`](crate::Backend::open_writer).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// What must hold when the object is published.
    pub condition: Condition,
    /// What survives after the call has returned.
    pub durability: Durability,
    /// A name for this write, so that it can be found if its outcome is unknown. None by default.
    pub token: Option<WriteToken>,
}

impl WriteOptions {
    /// Publishes only if the key holds no object.
    pub fn if_absent() -> Self {
        Self { condition: Condition::IfAbsent, ..Self::default() }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Names the write, so that it can be found if its outcome is unknown.
    #[must_use]
    pub fn with_token(mut self, token: WriteToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets the durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

/// Options of [`delete`](crate::Backend::delete).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DeleteOptions {
    /// What must hold of each key when its object goes. [`Condition::IfAbsent`] is refused as invalid.
    pub condition: Condition,
}

impl DeleteOptions {
    /// Checks that the condition is one that a delete can have.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for [`Condition::IfAbsent`].
    pub fn check(&self) -> Result<()> {
        match self.condition {
            Condition::IfAbsent => Err(Error::invalid("what is absent cannot be deleted")),
            Condition::None | Condition::IfMatch(_) => Ok(()),
        }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }
}

/// What became of one key of a delete.
#[derive(Debug)]
pub enum Deleted {
    /// It held an object, which is gone.
    Deleted,
    /// It held none.
    Missing,
    /// The backend does not tell whether there was one; there is none now.
    Gone,
    /// The condition was false: it holds no object, or one in another state. Nothing changed.
    Rejected,
    /// It could not be deleted.
    Failed(Error),
}

/// Options of [`copy`](crate::Backend::copy).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CopyOptions {
    /// What must hold at the target when the copy is published.
    pub condition: Condition,
    /// What survives after the call has returned.
    pub durability: Durability,
}

impl CopyOptions {
    /// Publishes only if the target holds no object.
    pub fn if_absent() -> Self {
        Self { condition: Condition::IfAbsent, ..Self::default() }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Sets the durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

/// Options of [`rename`](crate::Backend::rename).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RenameOptions {
    /// What must hold at the target when the object appears there.
    pub condition: Condition,
    /// What survives after the call has returned.
    pub durability: Durability,
}

impl RenameOptions {
    /// Moves only if the target holds no object.
    pub fn if_absent() -> Self {
        Self { condition: Condition::IfAbsent, ..Self::default() }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Sets the durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}
