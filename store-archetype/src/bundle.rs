//! Bundles: the Rust components of one entity.

use arrow::array::{ArrayRef, RecordBatch};
use worldstore_core::{Error, Result};

use crate::component::{Component, ComponentSchema};
use crate::trace;

/// The components of an entity: one [`Component`], or a tuple of up to eight. It is not for implementing.
pub trait Bundle: Columns {}

/// What a bundle can do; each in the order of the tuple.
pub trait Columns: Sized {
    /// The schemas of the components.
    ///
    /// # Errors
    /// Those of [`ComponentSchema::of`].
    fn schemas() -> Result<Vec<ComponentSchema>>;

    /// The columns of each component for these rows.
    ///
    /// # Errors
    /// `Invalid` if a value does not fit its column.
    fn encode(rows: &[(u64, Self)], schemas: &[ComponentSchema]) -> Result<Vec<Vec<ArrayRef>>>;

    /// A value for each row.
    ///
    /// # Errors
    /// `Invalid` if the columns are not those of the components; `Corrupt` for values that they do not have.
    fn decode(rows: &RecordBatch, schemas: &[ComponentSchema]) -> Result<Vec<Self>>;
}

impl<C: Component> Bundle for C {}

impl<C: Component> Columns for C {
    fn schemas() -> Result<Vec<ComponentSchema>> {
        Ok(vec![ComponentSchema::of::<C>()?])
    }

    fn encode(rows: &[(u64, Self)], schemas: &[ComponentSchema]) -> Result<Vec<Vec<ArrayRef>>> {
        let [schema] = schemas else { return Err(miscounted()) };
        let values: Vec<&C> = rows.iter().map(|(_, value)| value).collect();
        Ok(vec![trace::encode(&values, schema)?])
    }

    fn decode(rows: &RecordBatch, schemas: &[ComponentSchema]) -> Result<Vec<Self>> {
        let [schema] = schemas else { return Err(miscounted()) };
        trace::decode(rows, schema)
    }
}

macro_rules! tuple {
    ($($component:ident $schema:ident $at:tt),+) => {
        impl<$($component: Component),+> Bundle for ($($component,)+) {}

        impl<$($component: Component),+> Columns for ($($component,)+) {
            fn schemas() -> Result<Vec<ComponentSchema>> {
                Ok(vec![$(ComponentSchema::of::<$component>()?),+])
            }

            fn encode(rows: &[(u64, Self)], schemas: &[ComponentSchema]) -> Result<Vec<Vec<ArrayRef>>> {
                let [$($schema),+] = schemas else { return Err(miscounted()) };
                Ok(vec![$({
                    let values: Vec<&$component> = rows.iter().map(|(_, row)| &row.$at).collect();
                    trace::encode(&values, $schema)?
                }),+])
            }

            fn decode(rows: &RecordBatch, schemas: &[ComponentSchema]) -> Result<Vec<Self>> {
                let [$($schema),+] = schemas else { return Err(miscounted()) };
                let mut columns = ($(trace::decode::<$component>(rows, $schema)?.into_iter(),)+);
                let mut row = || Some(($(columns.$at.next()?,)+));
                (0..rows.num_rows()).map(|_| row().ok_or_else(miscounted)).collect()
            }
        }
    };
}

tuple!(A a 0);
tuple!(A a 0, B b 1);
tuple!(A a 0, B b 1, C c 2);
tuple!(A a 0, B b 1, C c 2, D d 3);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7);

fn miscounted() -> Error {
    Error::unexpected("a bundle has other components than its schemas, or another number of rows")
}
