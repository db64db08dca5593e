//! A column of a chunk.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use worldstore_core::{Error, Result};

use crate::component::{Component, ComponentType};
use crate::error::corrupt;
use crate::field::Scalar;
use crate::local::erased::{DynColumn, TypedColumn};
use crate::small::SmallBytes;
use crate::value::{ComponentValue, check_type};

/// The values of one component, a row for each entity of a chunk.
#[derive(Debug, Clone)]
pub struct Column<'a> {
    component: Arc<ComponentType>,
    data: Data<'a>,
}

/// Where the values are.
#[derive(Debug, Clone)]
enum Data<'a> {
    /// In the memory of a storage.
    Erased(&'a DynColumn),
    /// One behind the other, each of as many bytes.
    Packed { bytes: Bytes, rows: usize },
    /// Each on its own.
    Loose(Vec<SmallBytes>),
    /// In the memory of a storage, once for all rows that have them.
    ErasedShared { values: &'a DynColumn, places: &'a [u32] },
    /// Once for all rows that have them.
    Shared { values: Vec<SmallBytes>, places: Vec<u32> },
}

impl<'a> Column<'a> {
    /// A column of these values, all of the component and all either shared or not.
    ///
    /// # Errors
    /// `Invalid` if one is not.
    pub fn from_values(component: &Arc<ComponentType>, values: &[ComponentValue]) -> Result<Column<'static>> {
        let is_shared = values.first().is_some_and(ComponentValue::is_shared);
        if values.iter().any(|value| value.is_shared() != is_shared || !value.component().is_same(component)) {
            return Err(Error::invalid("values do not belong to one column").with("component", component));
        }
        if is_shared {
            return Ok(shared(component, values));
        }
        let bytes = values.iter().map(ComponentValue::bytes);
        let data = match component.width() {
            Some(_) => Data::Packed { bytes: bytes.collect::<Vec<_>>().concat().into(), rows: values.len() },
            None => Data::Loose(bytes.map(SmallBytes::from).collect()),
        };
        Ok(Column { component: Arc::clone(component), data })
    }

    /// A column of a component whose values take as many bytes each: so many rows, one behind the other.
    ///
    /// # Errors
    /// `Invalid` if the component is not such, `Corrupt` if the length is not that of the rows or a value is none.
    pub fn from_packed(component: &Arc<ComponentType>, bytes: Bytes, rows: usize) -> Result<Column<'static>> {
        let not_packed = || Error::invalid("values of the component differ in length").with("component", component);
        let width = component.width().ok_or_else(not_packed)?;
        if rows.checked_mul(width) != Some(bytes.len()) {
            return Err(corrupt("a column has another length than its rows").with("component", component));
        }
        // Bits of numbers are always numbers: only types that look at their values have to.
        if width > 0 && component.is_picky() {
            bytes.chunks_exact(width).try_for_each(|value| component.check(value))?;
        }
        Ok(Column { component: Arc::clone(component), data: Data::Packed { bytes, rows } })
    }

    /// A column of values that are each stored once: `places` says for each row which value it has.
    ///
    /// # Errors
    /// `Corrupt` if a place is not that of a value.
    pub fn from_shared(
        component: &Arc<ComponentType>,
        values: &[ComponentValue],
        places: Vec<u32>,
    ) -> Result<Column<'static>> {
        if places.iter().any(|place| *place as usize >= values.len()) {
            return Err(corrupt("a shared value is not there").with("component", component));
        }
        if values.iter().any(|value| !value.component().is_same(component)) {
            return Err(Error::invalid("values do not belong to one column").with("component", component));
        }
        let values = values.iter().map(|value| value.bytes().into()).collect();
        Ok(Column { component: Arc::clone(component), data: Data::Shared { values, places } })
    }

    pub(crate) fn erased(component: &Arc<ComponentType>, column: &'a DynColumn) -> Self {
        Self { component: Arc::clone(component), data: Data::Erased(column) }
    }

    pub(crate) fn erased_shared(component: &Arc<ComponentType>, values: &'a DynColumn, places: &'a [u32]) -> Self {
        Self { component: Arc::clone(component), data: Data::ErasedShared { values, places } }
    }

    /// Which component it is.
    pub fn component(&self) -> &Arc<ComponentType> {
        &self.component
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Erased(column) => column.len(),
            Data::Packed { rows, .. } => *rows,
            Data::Loose(values) => values.len(),
            Data::ErasedShared { places, .. } => places.len(),
            Data::Shared { places, .. } => places.len(),
        }
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if each value is stored once for all rows that have it.
    pub fn is_shared(&self) -> bool {
        matches!(self.data, Data::ErasedShared { .. } | Data::Shared { .. })
    }

    /// For shared values: which value each row has. Rows with the same number have the same value.
    pub fn places(&self) -> Option<&[u32]> {
        match &self.data {
            Data::ErasedShared { places, .. } => Some(places),
            Data::Shared { places, .. } => Some(places),
            _ => None,
        }
    }

    /// For shared values that are the column's own: each once, and which one each row has.
    #[cfg(feature = "arrow")]
    pub(crate) fn shared_values(&self) -> Option<(Vec<ComponentValue>, &[u32])> {
        let Data::Shared { values, places } = &self.data else { return None };
        let value = |bytes: &SmallBytes| ComponentValue::trusted(&self.component, bytes.clone());
        Some((values.iter().map(value).collect(), places))
    }

    /// All rows as bytes, if they lie in one piece.
    pub fn packed(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Erased(column) => column.packed(),
            Data::Packed { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// All rows as bytes that can be kept, if they lie in one piece and are not a storage's.
    pub(crate) fn packed_owned(&self) -> Option<&Bytes> {
        match &self.data {
            Data::Packed { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Appends the bytes of a row. A row that is not there has none.
    pub(crate) fn encode(&self, row: usize, out: &mut SmallBytes) -> Result<()> {
        use crate::field::Sink;
        match &self.data {
            Data::Erased(column) => return column.encode(row, out),
            Data::Packed { bytes, .. } => out.put(self.packed_row(bytes, row)),
            Data::Loose(values) => out.put(values.get(row).map(SmallBytes::as_slice).unwrap_or_default()),
            Data::ErasedShared { values, places } => {
                return places.get(row).map_or(Ok(()), |place| values.encode(*place as usize, out));
            }
            Data::Shared { values, places } => {
                let value = places.get(row).and_then(|place| values.get(*place as usize));
                out.put(value.map(SmallBytes::as_slice).unwrap_or_default());
            }
        }
        Ok(())
    }

    fn packed_row<'b>(&self, bytes: &'b [u8], row: usize) -> &'b [u8] {
        let width = self.component.width().unwrap_or_default();
        bytes.get(row * width..(row + 1) * width).unwrap_or_default()
    }

    /// The value of a row.
    ///
    /// # Errors
    /// `Invalid` if there is no such row, or serde does not write a field as JSON.
    pub fn value(&self, row: usize) -> Result<ComponentValue> {
        self.check_row(row)?;
        let mut bytes = SmallBytes::new();
        self.encode(row, &mut bytes)?;
        let value = ComponentValue::trusted(&self.component, bytes);
        Ok(if self.is_shared() { value.shared() } else { value })
    }

    /// The value of a row in its Rust type.
    ///
    /// # Errors
    /// `Invalid` if there is no such row, or the column is of another component; `Corrupt` if the type refuses the bytes.
    pub fn get<Type: Component>(&self, row: usize) -> Result<Type> {
        self.check_row(row)?;
        if let Some(value) = self.slice::<Type>().and_then(|values| values.get(row)) {
            return Ok(value.clone());
        }
        check_type::<Type>(&self.component)?;
        let mut bytes = SmallBytes::new();
        self.encode(row, &mut bytes)?;
        Type::decode(&mut bytes.as_slice())
    }

    fn check_row(&self, row: usize) -> Result<()> {
        if row < self.len() { Ok(()) } else { Err(Error::invalid("there is no such row").with("row", row)) }
    }

    /// All rows in their Rust type, if they lie in memory as such.
    pub fn slice<Type: Component>(&self) -> Option<&[Type]> {
        match &self.data {
            Data::Erased(column) => Some(TypedColumn::<Type>::of(*column)?.values()),
            Data::Packed { bytes, rows } if check_type::<Type>(&self.component).is_ok() => {
                Type::of_plain(bytes).filter(|values| values.len() == *rows)
            }
            _ => None,
        }
    }

    /// One field of all rows, if they lie in one piece and the field is of that kind.
    pub fn field<Type: Scalar>(&self, name: &str) -> Option<Strided<'_, Type>> {
        let (offset, stride) = (self.component.place_of::<Type>(name)?, self.component.width()?);
        Some(Strided { bytes: self.packed()?, offset, stride, kind: PhantomData })
    }

    /// How many bytes the values take, those that are shared once. Of a storage's own memory: as bytes, not as types.
    pub fn bytes_kept(&self) -> usize {
        let sum = |values: &[SmallBytes]| values.iter().map(|value| value.as_slice().len()).sum::<usize>();
        match &self.data {
            Data::Erased(column) => column.packed().map_or(0, <[u8]>::len),
            Data::Packed { bytes, .. } => bytes.len(),
            Data::Loose(values) => sum(values),
            Data::ErasedShared { places, .. } => size_of_val(*places),
            Data::Shared { values, places } => sum(values) + size_of_val(&places[..]),
        }
    }

    /// The same column, with all values its own.
    pub(crate) fn into_owned(self) -> Result<Column<'static>> {
        let component = self.component;
        let encode = |column: &DynColumn, row: usize| {
            let mut bytes = SmallBytes::new();
            column.encode(row, &mut bytes)?;
            Ok(bytes.frozen())
        };
        let data = match self.data {
            Data::Erased(column) => match (column.packed(), component.width()) {
                (Some(bytes), _) => Data::Packed { bytes: Bytes::copy_from_slice(bytes), rows: column.len() },
                (None, Some(_)) => Data::Packed { bytes: encode_all(column)?, rows: column.len() },
                (None, None) => Data::Loose((0..column.len()).map(|row| encode(column, row)).collect::<Result<_>>()?),
            },
            Data::ErasedShared { values, places } => compact(values, places, encode)?,
            Data::Packed { bytes, rows } => Data::Packed { bytes, rows },
            Data::Loose(values) => Data::Loose(values),
            Data::Shared { values, places } => Data::Shared { values, places },
        };
        Ok(Column { component, data })
    }
}

/// All rows of a column behind each other.
fn encode_all(column: &DynColumn) -> Result<Bytes> {
    let mut all = Vec::new();
    for row in 0..column.len() {
        let mut bytes = SmallBytes::new();
        column.encode(row, &mut bytes)?;
        all.extend_from_slice(bytes.as_slice());
    }
    Ok(all.into())
}

/// Only those shared values that rows have.
fn compact(
    values: &DynColumn,
    places: &[u32],
    encode: impl Fn(&DynColumn, usize) -> Result<SmallBytes>,
) -> Result<Data<'static>> {
    let mut known = std::collections::HashMap::new();
    let mut kept = Vec::new();
    let mut new_places = Vec::with_capacity(places.len());
    for place in places {
        let new = match known.get(place) {
            Some(new) => *new,
            None => {
                let new = u32::try_from(kept.len()).map_err(|_| Error::invalid("a chunk has too many values"))?;
                kept.push(encode(values, *place as usize)?);
                known.insert(*place, new);
                new
            }
        };
        new_places.push(new);
    }
    Ok(Data::Shared { values: kept, places: new_places })
}

/// A column of shared values, each stored once.
fn shared(component: &Arc<ComponentType>, values: &[ComponentValue]) -> Column<'static> {
    let mut known = std::collections::HashMap::new();
    let mut kept = Vec::new();
    let places = values.iter().map(|value| {
        *known.entry(value.bytes()).or_insert_with(|| {
            kept.push(SmallBytes::from(value.bytes()));
            // No more values than rows, and no more rows than entities.
            (kept.len() - 1) as u32
        })
    });
    let places = places.collect();
    Column { component: Arc::clone(component), data: Data::Shared { values: kept, places } }
}

/// One field of the rows of a column that lies in one piece.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a, Type> {
    bytes: &'a [u8],
    offset: usize,
    stride: usize,
    kind: PhantomData<fn() -> Type>,
}

impl<'a, Type: Scalar> Strided<'a, Type> {
    /// The values, row by row. All are looked at before, where there are bytes that are no value: for numbers there are not.
    ///
    /// # Errors
    /// `Corrupt` if the bytes of a row are no such value.
    #[inline]
    pub fn values(&self) -> Result<impl Iterator<Item = Type> + use<'a, Type>> {
        if !Type::IS_ANY {
            self.rows().try_for_each(|mut row| Type::decode(&mut row).map(drop))?;
        }
        Ok(self.rows().map(Type::of_known))
    }

    /// The bytes of each value.
    #[inline]
    fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a, Type> {
        // The width is that of the type, which is known when this is compiled.
        let width = const {
            match Type::KIND.width() {
                Some(width) => width,
                None => 0,
            }
        };
        let offset = self.offset;
        let rows = self.bytes.chunks_exact(self.stride.max(1));
        rows.map(
            #[inline]
            move |row| row.get(offset..offset + width).unwrap_or_default(),
        )
    }
}
