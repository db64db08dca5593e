//! Several components at once: a component, or a tuple of up to eight.

use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::ComponentValue;
use crate::chunk::Chunk;
use crate::component::{Component, ComponentType};
use crate::local::insert::{Row, Rows};

/// Components that an entity gets together: one, a tuple of up to eight, or `()` for none. Not for implementing.
///
/// A component that is there twice is written twice: its [rule](Component::combine) says what that becomes.
pub trait Bundle: Sized + Send + 'static {
    /// The components, in their order.
    ///
    /// # Errors
    /// Those of [`Component::component`].
    fn components() -> Result<Vec<&'static Arc<ComponentType>>>;

    /// The values by name.
    ///
    /// # Errors
    /// Those of [`ComponentValue::of`].
    fn values(&self) -> Result<Vec<ComponentValue>>;

    /// Reads the values of a row of a chunk that has their columns.
    ///
    /// # Errors
    /// `Invalid` if the chunk lacks a column or the row, `Corrupt` if a type refuses the bytes.
    fn read(chunk: &Chunk<'_>, row: usize) -> Result<Self>;

    /// Puts the values into a row in memory.
    ///
    /// # Errors
    /// `Unexpected` if the row is for other components.
    fn put(self, row: &mut Row<'_>) -> Result<()>;

    /// Puts many bundles into rows in memory, and says how many.
    ///
    /// # Errors
    /// `Unexpected` if the rows are for other components.
    fn put_all(bundles: impl Iterator<Item = Self>, rows: &mut Rows<'_>) -> Result<usize>;
}

impl<Type: Component> Bundle for Type {
    fn components() -> Result<Vec<&'static Arc<ComponentType>>> {
        Ok(vec![Type::component()?])
    }

    fn values(&self) -> Result<Vec<ComponentValue>> {
        Ok(vec![ComponentValue::of(self)?])
    }

    fn read(chunk: &Chunk<'_>, row: usize) -> Result<Self> {
        read(chunk, row)
    }

    #[inline]
    fn put(self, row: &mut Row<'_>) -> Result<()> {
        row.put(0, self)
    }

    fn put_all(bundles: impl Iterator<Item = Self>, rows: &mut Rows<'_>) -> Result<usize> {
        <(Type,)>::put_all(bundles.map(|value| (value,)), rows)
    }
}

impl Bundle for () {
    fn components() -> Result<Vec<&'static Arc<ComponentType>>> {
        Ok(Vec::new())
    }

    fn values(&self) -> Result<Vec<ComponentValue>> {
        Ok(Vec::new())
    }

    fn read(_: &Chunk<'_>, _: usize) -> Result<Self> {
        Ok(())
    }

    fn put(self, _: &mut Row<'_>) -> Result<()> {
        Ok(())
    }

    fn put_all(bundles: impl Iterator<Item = Self>, _: &mut Rows<'_>) -> Result<usize> {
        Ok(bundles.count())
    }
}

fn read<Type: Component>(chunk: &Chunk<'_>, row: usize) -> Result<Type> {
    let missing = || Error::invalid("the chunk has no column of the component").with("component", Type::NAME);
    chunk.column(Type::NAME).ok_or_else(missing)?.get(row)
}

macro_rules! bundles {
    ($($count:literal ($($type:ident $value:ident $place:tt),+))+) => {
        $(impl<$($type: Component),+> Bundle for ($($type,)+) {
            fn components() -> Result<Vec<&'static Arc<ComponentType>>> {
                Ok(vec![$($type::component()?),+])
            }

            fn values(&self) -> Result<Vec<ComponentValue>> {
                Ok(vec![$(ComponentValue::of(&self.$place)?),+])
            }

            fn read(chunk: &Chunk<'_>, row: usize) -> Result<Self> {
                Ok(($(read::<$type>(chunk, row)?,)+))
            }

            #[inline]
            fn put(self, row: &mut Row<'_>) -> Result<()> {
                $(row.put($place, self.$place)?;)+
                Ok(())
            }

            fn put_all(bundles: impl Iterator<Item = Self>, rows: &mut Rows<'_>) -> Result<usize> {
                /// Takes back what was added, unless all of it was: the caller's iterator may panic.
                struct Added<'a, $($type),+> {
                    $($value: &'a mut Vec<$type>,)+
                    first: usize,
                    is_whole: bool,
                }

                impl<$($type),+> Drop for Added<'_, $($type),+> {
                    fn drop(&mut self) {
                        if !self.is_whole {
                            $(self.$value.truncate(self.first);)+
                        }
                    }
                }

                let [$($value),+] = rows.stores::<$count>()?;
                $(let $value = $value.typed_mut::<$type>().ok_or_else(crate::local::mismatched)?;)+
                let more = bundles.size_hint().0;
                $($value.reserve(more);)+
                let first = [$($value.len()),+].into_iter().min().unwrap_or_default();
                let mut added = Added { $($value,)+ first, is_whole: false };
                let mut count = 0;
                for bundle in bundles {
                    $(added.$value.push(bundle.$place);)+
                    count += 1;
                }
                added.is_whole = true;
                Ok(count)
            }
        })+
    };
}

bundles! {
    1 (A a 0)
    2 (A a 0, B b 1)
    3 (A a 0, B b 1, C c 2)
    4 (A a 0, B b 1, C c 2, D d 3)
    5 (A a 0, B b 1, C c 2, D d 3, E e 4)
    6 (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5)
    7 (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6)
    8 (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7)
}
