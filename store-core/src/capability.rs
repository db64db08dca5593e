//! What a backend can do, as plain data: declared by the backend, checked once by the kernel.

/// Capabilities of a backend. Everything is off by default; a backend switches on what it really does.
///
/// What is off is refused by [`Store`](crate::Store) with [`Unsupported`](crate::ErrorKind::Unsupported) before any
/// I/O. The conformance kit proves both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capability {
    /// Objects can be written, copied, renamed and deleted at all.
    pub write: bool,
    /// [`Condition::IfAbsent`](crate::Condition::IfAbsent) is decided at publication, without a race.
    pub write_if_absent: bool,
    /// [`Condition::IfMatch`](crate::Condition::IfMatch) is decided at publication, without a race.
    pub write_if_match: bool,
    /// `copy` happens where the data is.
    pub copy: bool,
    /// `copy` accepts `IfAbsent`.
    pub copy_if_absent: bool,
    /// `copy` accepts `IfMatch` at the target.
    pub copy_if_match: bool,
    /// `rename` exists and readers see the object under exactly one name.
    pub rename: bool,
    /// `rename` accepts `IfAbsent`.
    pub rename_if_absent: bool,
    /// `rename` accepts `IfMatch` at the target.
    pub rename_if_match: bool,
    /// `delete` accepts `IfMatch`.
    pub delete_if_match: bool,
    /// Writes keep their [`WriteToken`](crate::WriteToken) with the object, and `settle` finds it.
    pub write_tokens: bool,
    /// Listings come in byte order of the keys.
    pub list_sorted: bool,
    /// Objects carry a [`Version`](crate::Version), and reads can be pinned to one.
    pub versions: bool,
    /// A write that has returned survives a power cut.
    pub durable: bool,
}

impl Capability {
    /// Read-only, with sorted listings and versions off.
    pub fn read_only() -> Self {
        Self::default()
    }
}
