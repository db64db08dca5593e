//! Components: Rust types with a stable name and fields, and what is known of them without the type.

mod kind;
mod text;

use std::sync::Arc;

use worldstore_core::Result;

use crate::field::{FieldSpec, Sink};

pub use kind::{COMPONENT_NAME_BYTES_MAX, ComponentType, FIELDS_MAX};

/// A Rust type that can be attached to an entity. Derive it:
///
/// ```
/// use worldstore_ecs::Component;
///
/// #[derive(Debug, Clone, PartialEq, Component)]
/// #[component(name = "position")]
/// struct Position { x: f32, y: f32 }
/// ```
///
/// The name and the fields are what is stored, never the path of the type: a type may move to another module.
///
/// - `#[component(name = "…")]`: the stable name; that of the type by default.
/// - `#[component(combine = path)]`: the [rule](Self::combine) for two writes in one batch, `fn(&Self, Self) -> Self`.
/// - `#[component(plain)]`: the type is `zerocopy::FromBytes` and `IntoBytes`, and its memory is copied as it is.
/// - `#[component(json)]` on a field: serde writes it as JSON text. An enum with data is one such field.
/// - `#[component(rename = "…")]` on a field: the name that is stored.
///
/// Other crates have attributes of that name: `#[worldstore(…)]` is the same, and with it those are left to them.
///
/// The memory of plain types is their bytes: snapshots copy whole columns, and restoring copies none.
pub trait Component: Clone + Send + Sync + 'static {
    /// The stable name.
    const NAME: &'static str;
    /// The fields, in the order of their bytes.
    const FIELDS: &'static [FieldSpec];

    /// What is known of the component without the type. Made once.
    ///
    /// # Errors
    /// `Invalid` if the name or a field breaks the rules of [`ComponentType::dynamic`].
    fn component() -> Result<&'static Arc<ComponentType>>;

    /// Appends the bytes of the value: those of its fields.
    ///
    /// # Errors
    /// `Invalid` if serde does not write a field as JSON.
    fn encode(&self, out: &mut impl Sink) -> Result<()>;

    /// Takes a value from the input, checked.
    ///
    /// # Errors
    /// `Corrupt` if the input is too short or holds no such value.
    fn decode(input: &mut &[u8]) -> Result<Self>;

    /// What two writes of one component in one batch become. By default the later one.
    fn combine(earlier: &Self, later: Self) -> Self;

    /// The values as bytes, if their memory is their bytes.
    fn plain(values: &[Self]) -> Option<&[u8]>;

    /// Bytes as values, if their memory is their bytes, and these bytes lie so that they can be read in place.
    fn of_plain(bytes: &[u8]) -> Option<&[Self]>;
}
