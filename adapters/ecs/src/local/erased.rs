//! A column of an archetype, whatever it holds.

use std::any::Any;
use std::fmt::{self, Debug};

use bytes::Bytes;
use worldstore_core::Result;

use crate::component::Component;
use crate::small::SmallBytes;

/// A column of values, of a Rust type or only of bytes.
///
/// Rows are given by callers that know how many there are; a row that is not there is left alone.
pub trait ErasedColumn: Any + Debug + Send + Sync {
    /// How many rows there are.
    fn len(&self) -> usize;

    /// Appends the bytes of a row.
    fn encode(&self, row: usize, out: &mut SmallBytes) -> Result<()>;

    /// All rows as bytes, if all take as many and lie in one piece.
    fn packed(&self) -> Option<&[u8]>;

    /// All rows as the bytes that they were restored from, if they still are.
    fn frozen(&self) -> Option<Bytes>;

    /// Adds a row from its bytes.
    fn push(&mut self, bytes: &[u8]) -> Result<()>;

    /// Puts another value into a row.
    fn set(&mut self, row: usize, bytes: &[u8]) -> Result<()>;

    /// Removes a row; the last one takes its place.
    fn swap_remove(&mut self, row: usize);

    /// Moves a row behind the last of another column of the same kind; the last one takes its place.
    fn move_row(&mut self, row: usize, to: &mut DynColumn);

    /// Adds all rows of bytes that lie in one piece, without a copy if that can be.
    fn adopt(&mut self, bytes: &Bytes, rows: usize) -> Result<()>;

    /// An empty column of the same kind.
    fn empty(&self) -> Box<dyn ErasedColumn>;
}

/// A column that borrows nothing, so that its type can be asked for.
pub type DynColumn = dyn ErasedColumn;

/// A column of a Rust type.
pub struct TypedColumn<Type> {
    values: Vec<Type>,
    /// The bytes that the values were restored from and lie in, until something changes.
    frozen: Option<Bytes>,
}

impl<Type> Default for TypedColumn<Type> {
    fn default() -> Self {
        Self { values: Vec::new(), frozen: None }
    }
}

impl<Type: Component> Debug for TypedColumn<Type> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedColumn({} rows of {})", self.len(), Type::NAME)
    }
}

impl<Type: Component> TypedColumn<Type> {
    /// The column, if it is of this type.
    #[inline]
    pub fn of(column: &DynColumn) -> Option<&Self> {
        (column as &dyn Any).downcast_ref()
    }

    /// The column, if it is of this type.
    #[inline]
    pub fn of_mut(column: &mut DynColumn) -> Option<&mut Self> {
        (column as &mut dyn Any).downcast_mut()
    }

    /// The values.
    #[inline]
    pub fn values(&self) -> &[Type] {
        match &self.frozen {
            None => &self.values,
            Some(bytes) => Type::of_plain(bytes).unwrap_or_default(),
        }
    }

    /// The values, to be changed.
    #[inline]
    pub fn values_mut(&mut self) -> &mut Vec<Type> {
        if self.frozen.is_some() {
            self.thaw();
        }
        &mut self.values
    }

    #[cold]
    fn thaw(&mut self) {
        self.values = self.values().to_vec();
        self.frozen = None;
    }
}

impl<Type: Component> ErasedColumn for TypedColumn<Type> {
    fn len(&self) -> usize {
        self.values().len()
    }

    fn encode(&self, row: usize, out: &mut SmallBytes) -> Result<()> {
        self.values().get(row).map_or(Ok(()), |value| value.encode(out))
    }

    fn packed(&self) -> Option<&[u8]> {
        Type::plain(self.values())
    }

    fn frozen(&self) -> Option<Bytes> {
        self.frozen.clone()
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        let value = Type::decode(&mut bytes)?;
        self.values_mut().push(value);
        Ok(())
    }

    fn set(&mut self, row: usize, mut bytes: &[u8]) -> Result<()> {
        let value = Type::decode(&mut bytes)?;
        if let Some(place) = self.values_mut().get_mut(row) {
            *place = value;
        }
        Ok(())
    }

    fn swap_remove(&mut self, row: usize) {
        if row < self.len() {
            self.values_mut().swap_remove(row);
        }
    }

    fn move_row(&mut self, row: usize, to: &mut DynColumn) {
        let Some(to) = Self::of_mut(to) else { return };
        if row < self.len() {
            to.values_mut().push(self.values_mut().swap_remove(row));
        }
    }

    fn adopt(&mut self, bytes: &Bytes, rows: usize) -> Result<()> {
        let in_place = Type::of_plain(bytes).map(<[Type]>::len);
        if self.len() == 0 && rows > 0 && in_place == Some(rows) {
            self.frozen = Some(bytes.clone());
            return Ok(());
        }
        let mut rest = &bytes[..];
        self.values_mut().reserve(rows.min(bytes.len()));
        for _ in 0..rows {
            let value = Type::decode(&mut rest)?;
            self.values_mut().push(value);
        }
        Ok(())
    }

    fn empty(&self) -> Box<dyn ErasedColumn> {
        Box::new(Self::default())
    }
}

/// The values of a column in a column of another kind, an empty one.
///
/// # Errors
/// `Corrupt` if a value is refused.
pub fn retyped(from: &DynColumn, mut to: Box<dyn ErasedColumn>) -> Result<Box<dyn ErasedColumn>> {
    if let Some(bytes) = from.frozen() {
        to.adopt(&bytes, from.len())?;
        return Ok(to);
    }
    for row in 0..from.len() {
        let mut bytes = SmallBytes::new();
        from.encode(row, &mut bytes)?;
        to.push(bytes.as_slice())?;
    }
    Ok(to)
}
