//! Columns of values whose Rust type the program does not have: only their bytes.

use std::any::Any;

use bytes::Bytes;
use worldstore_core::Result;

use super::erased::{DynColumn, ErasedColumn};
use crate::component::ComponentType;
use crate::error::corrupt;
use crate::field::{FieldValue, Sink};
use crate::small::SmallBytes;

/// An empty column for a component: of its Rust type if the program has it.
pub fn column(component: &ComponentType) -> Box<dyn ErasedColumn> {
    match (component.typed(), component.width()) {
        (Some(typed), _) => (typed.column)(),
        (None, Some(width)) => Box::new(PackedColumn { width, rows: 0, bytes: Vec::new(), frozen: None }),
        (None, None) => Box::new(LooseColumn { values: Vec::new(), component: component.clone() }),
    }
}

/// Values that take as many bytes each, one behind the other.
#[derive(Debug)]
struct PackedColumn {
    width: usize,
    rows: usize,
    bytes: Vec<u8>,
    /// The bytes that the column was restored from, until something changes.
    frozen: Option<Bytes>,
}

impl PackedColumn {
    fn bytes(&self) -> &[u8] {
        self.frozen.as_deref().unwrap_or(&self.bytes)
    }

    fn bytes_mut(&mut self) -> &mut Vec<u8> {
        if let Some(frozen) = self.frozen.take() {
            self.bytes = frozen.to_vec();
        }
        &mut self.bytes
    }

    fn row(&self, row: usize) -> &[u8] {
        self.bytes().get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }

    fn check(&self, bytes: &[u8]) -> Result<()> {
        if bytes.len() == self.width { Ok(()) } else { Err(corrupt("a value has another length than its column")) }
    }
}

impl ErasedColumn for PackedColumn {
    fn len(&self) -> usize {
        self.rows
    }

    fn encode(&self, row: usize, out: &mut SmallBytes) -> Result<()> {
        out.put(self.row(row));
        Ok(())
    }

    fn packed(&self) -> Option<&[u8]> {
        Some(self.bytes())
    }

    fn frozen(&self) -> Option<Bytes> {
        self.frozen.clone()
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.check(bytes)?;
        self.bytes_mut().extend_from_slice(bytes);
        self.rows += 1;
        Ok(())
    }

    fn set(&mut self, row: usize, bytes: &[u8]) -> Result<()> {
        self.check(bytes)?;
        let range = row * self.width..(row + 1) * self.width;
        if let Some(place) = self.bytes_mut().get_mut(range) {
            place.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn swap_remove(&mut self, row: usize) {
        if row >= self.rows {
            return;
        }
        let (width, last) = (self.width, self.rows - 1);
        let bytes = self.bytes_mut();
        bytes.copy_within(last * width.., row * width);
        bytes.truncate(last * width);
        self.rows = last;
    }

    fn move_row(&mut self, row: usize, to: &mut DynColumn) {
        let Some(to) = (to as &mut dyn Any).downcast_mut::<Self>() else { return };
        to.bytes_mut().extend_from_slice(self.row(row));
        to.rows += 1;
        self.swap_remove(row);
    }

    fn adopt(&mut self, bytes: &Bytes, rows: usize) -> Result<()> {
        if rows.checked_mul(self.width) != Some(bytes.len()) {
            return Err(corrupt("a column has another length than its rows"));
        }
        if self.rows == 0 {
            self.frozen = Some(bytes.clone());
        } else {
            self.bytes_mut().extend_from_slice(bytes);
        }
        self.rows += rows;
        Ok(())
    }

    fn empty(&self) -> Box<dyn ErasedColumn> {
        Box::new(Self { width: self.width, rows: 0, bytes: Vec::new(), frozen: None })
    }
}

/// Values of any length.
#[derive(Debug)]
struct LooseColumn {
    values: Vec<SmallBytes>,
    component: ComponentType,
}

impl ErasedColumn for LooseColumn {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn encode(&self, row: usize, out: &mut SmallBytes) -> Result<()> {
        if let Some(value) = self.values.get(row) {
            out.put(value.as_slice());
        }
        Ok(())
    }

    fn packed(&self) -> Option<&[u8]> {
        None
    }

    fn frozen(&self) -> Option<Bytes> {
        None
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.values.push(bytes.into());
        Ok(())
    }

    fn set(&mut self, row: usize, bytes: &[u8]) -> Result<()> {
        if let Some(place) = self.values.get_mut(row) {
            *place = bytes.into();
        }
        Ok(())
    }

    fn swap_remove(&mut self, row: usize) {
        if row < self.values.len() {
            self.values.swap_remove(row);
        }
    }

    fn move_row(&mut self, row: usize, to: &mut DynColumn) {
        let Some(to) = (to as &mut dyn Any).downcast_mut::<Self>() else { return };
        if row < self.values.len() {
            to.values.push(self.values.swap_remove(row));
        }
    }

    fn adopt(&mut self, bytes: &Bytes, rows: usize) -> Result<()> {
        let mut rest = &bytes[..];
        for _ in 0..rows {
            let before = rest;
            for field in self.component.fields() {
                FieldValue::decode(field, &mut rest)?;
            }
            self.values.push(before[..before.len() - rest.len()].into());
        }
        Ok(())
    }

    fn empty(&self) -> Box<dyn ErasedColumn> {
        Box::new(Self { values: Vec::new(), component: self.component.clone() })
    }
}
