//! Which columns are in the files, and which in the paths.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use worldstore_core::{Error, Result};

use crate::error;

/// A schema, and how rows of it are parted.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub schema: SchemaRef,
    /// The columns of the files, in the order of the schema.
    pub in_files: SchemaRef,
    /// Where the columns of the files are in the schema.
    pub in_files_at: Vec<usize>,
    /// The names of the partition columns, outermost first.
    pub partition_by: Vec<String>,
    /// Where they are in the schema.
    pub partitions_at: Vec<usize>,
}

impl Layout {
    /// Checks the partition columns, and that files can have the others.
    ///
    /// # Errors
    /// `Invalid` for what cannot part rows, `Unsupported` for a type that Parquet does not have, naming the column.
    pub fn new(schema: &SchemaRef, partition_by: &[String]) -> Result<Self> {
        if let Some(field) = schema.fields().iter().find(|field| has_union(field.data_type())) {
            return Err(Error::unsupported("Parquet files have no unions")
                .with("column", field.name())
                .with("type", field.data_type()));
        }
        let mut partitions_at = Vec::with_capacity(partition_by.len());
        for name in partition_by {
            let wrong = |why: &str| Error::invalid(why).with("column", name);
            let index = schema.index_of(name).map_err(|_| wrong("partition column is not in the schema"))?;
            if partitions_at.contains(&index) {
                return Err(wrong("partition column is given twice"));
            }
            if name.is_empty() {
                return Err(wrong("partition column has no name"));
            }
            let data_type = schema.field(index).data_type();
            if !can_part(data_type) {
                return Err(wrong("only texts, integers, booleans and days can part rows").with("type", data_type));
            }
            partitions_at.push(index);
        }
        let in_files_at: Vec<usize> = (0..schema.fields().len()).filter(|at| !partitions_at.contains(at)).collect();
        if in_files_at.is_empty() {
            return Err(Error::invalid("at least one column must not be a partition column"));
        }
        let in_files: SchemaRef = Arc::new(schema.project(&in_files_at).map_err(error::arrow)?);
        Ok(Self {
            schema: Arc::new(Schema::new(schema.fields().clone())),
            in_files,
            in_files_at,
            partition_by: partition_by.to_vec(),
            partitions_at,
        })
    }

    /// The type of a partition column.
    pub fn partition_type(&self, index: usize) -> &DataType {
        self.schema.field(self.partitions_at[index]).data_type()
    }
}

/// True for a union and what holds one. The writer of Parquet gives up over it, with a panic.
fn has_union(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Union(..) => true,
        Struct(fields) => fields.iter().any(|field| has_union(field.data_type())),
        List(item) | LargeList(item) | ListView(item) | LargeListView(item) | FixedSizeList(item, _) | Map(item, _) => {
            has_union(item.data_type())
        }
        RunEndEncoded(_, values) => has_union(values.data_type()),
        Dictionary(_, values) => has_union(values),
        _ => false,
    }
}

fn can_part(data_type: &DataType) -> bool {
    use DataType::*;
    data_type.is_integer() || matches!(data_type, Utf8 | LargeUtf8 | Utf8View | Boolean | Date32)
}
