//! Which row groups a scan reads, and by which partition.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::SchemaDescriptor;

use super::asked::Asked;
use crate::lake::pages::Layout;
use crate::lake::reader::LakeFile;

/// A file that is read.
#[derive(Debug)]
pub(super) struct File {
    pub lake: LakeFile,
    /// The values of its path.
    pub values: Vec<ScalarValue>,
    /// Where the columns that are read lie.
    pub leaves: Arc<[usize]>,
    /// Which row groups are left.
    pub access: ParquetAccessPlan,
}

/// Some row groups of a file, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Portion {
    pub file: Arc<File>,
    pub groups: Range<usize>,
}

/// What each partition reads.
#[derive(Debug)]
pub(super) struct Work(pub Vec<Vec<Portion>>);

impl File {
    /// How a column that is read lies in a row group; none if it is not read page by page.
    pub fn layout(&self, asked: &Asked, group: &RowGroupMetaData, place: usize) -> Option<Layout> {
        let column = group.columns().get(*self.leaves.get(place)?)?;
        let field = asked.file_schema.fields().get(*asked.columns.get(place)?)?;
        Layout::of(column, group.num_rows(), field.data_type())
    }
}

impl Work {
    /// The files, in about equal parts, in their order; none if one of them cannot be read page by page.
    pub fn of<'file>(
        files: impl Iterator<Item = &'file PartitionedFile>,
        asked: &Asked,
        partitions: usize,
    ) -> Option<Self> {
        // A file that is split over partitions is there as often.
        let (mut seen, mut opened, mut known) = (HashSet::new(), Vec::new(), None);
        for file in files.filter(|file| seen.insert(&file.object_meta.location)) {
            opened.push(Arc::new(open(file, asked, &mut known)?));
        }
        Some(Self(shared(&opened, partitions)))
    }

    /// How many files and row groups there are.
    pub fn counts(&self) -> (usize, usize) {
        let portions = || self.0.iter().flatten();
        let files: HashSet<_> = portions().map(|portion| &portion.file.lake.key).collect();
        let left =
            |portion: &Portion| portion.groups.clone().filter(|group| portion.file.access.should_scan(*group)).count();
        (files.len(), portions().map(left).sum())
    }
}

/// The columns of the schema that was seen last.
type Known<'file> = Option<(&'file SchemaDescriptor, Arc<[usize]>)>;

fn open<'file>(file: &'file PartitionedFile, asked: &Asked, known: &mut Known<'file>) -> Option<File> {
    let lake = file.extension::<LakeFile>()?;
    let footer = &lake.footer;
    let descriptor = footer.file_metadata().schema_descr();
    let leaves = match known.as_ref().filter(|(seen, _)| *seen == descriptor) {
        Some((_, leaves)) => Arc::clone(leaves),
        None => Arc::clone(&known.insert((descriptor, leaves(descriptor, asked)?)).1),
    };
    let access = match file.extension::<ParquetAccessPlan>() {
        Some(access) => access.clone(),
        None => ParquetAccessPlan::new_all(footer.num_row_groups()),
    };
    let opened = File { lake: lake.clone(), values: file.partition_values.clone(), leaves, access };
    let is_known = access_is_of(&opened.access, footer) && is_known(&opened, asked, footer);
    is_known.then_some(opened)
}

fn access_is_of(access: &ParquetAccessPlan, footer: &ParquetMetaData) -> bool {
    access.len() == footer.num_row_groups()
}

/// True if all row groups that are left can be read page by page.
fn is_known(file: &File, asked: &Asked, footer: &ParquetMetaData) -> bool {
    let mut left = file.access.row_group_index_iter().map(|group| footer.row_group(group));
    left.all(|group| {
        (0..asked.columns.len()).all(|place| {
            let has_bloom = || {
                let leaf = file.leaves.get(place).and_then(|leaf| group.columns().get(*leaf));
                let is_in_conditions = asked.columns.get(place).is_some_and(|one| asked.in_conditions.contains(one));
                is_in_conditions && leaf.is_some_and(|leaf| leaf.bloom_filter_offset().is_some())
            };
            !has_bloom() && file.layout(asked, group, place).is_some()
        })
    })
}

/// Where the columns that are read lie in files of a schema; none if one is missing or of another type.
fn leaves(descriptor: &SchemaDescriptor, asked: &Asked) -> Option<Arc<[usize]>> {
    // Without the schema that Arrow writes beside it: what Parquet has is what pages have.
    let stored = parquet_to_arrow_schema(descriptor, None).ok()?;
    let leaf = |column: &usize| {
        let field = asked.file_schema.fields().get(*column)?;
        let columns = descriptor.columns().iter().enumerate();
        let mut named = columns
            .filter(|(_, column)| column.path().parts().first().is_some_and(|root| root == field.name()))
            .map(|(leaf, _)| leaf);
        let (leaf, others) = (named.next()?, named.next());
        let is_same = stored.field_with_name(field.name()).is_ok_and(|stored| stored.data_type() == field.data_type());
        (others.is_none() && is_same).then_some(leaf)
    };
    asked.columns.iter().map(leaf).collect()
}

/// Deals row groups out, so many rows to each partition.
fn shared(files: &[Arc<File>], partitions: usize) -> Vec<Vec<Portion>> {
    let rows = |file: &File, group: usize| match file.access.should_scan(group) {
        true => u64::try_from(file.lake.footer.row_group(group).num_rows()).unwrap_or(0),
        false => 0,
    };
    let all = files.iter().map(|file| (0..file.access.len()).map(|group| rows(file, group)).sum::<u64>()).sum::<u64>();
    let mut shared = vec![Vec::<Portion>::new(); partitions];
    let mut before = 0;
    for file in files {
        for group in 0..file.access.len() {
            let here = rows(file, group);
            let middle = u128::from(before + here / 2) * partitions as u128 / u128::from(all.max(1));
            before += here;
            let place = usize::try_from(middle).unwrap_or(0).min(partitions.saturating_sub(1));
            let Some(portions) = shared.get_mut(place) else { continue };
            match portions.last_mut().filter(|last| Arc::ptr_eq(&last.file, file)) {
                Some(last) => last.groups.end = group + 1,
                None => portions.push(Portion { file: Arc::clone(file), groups: group..group + 1 }),
            }
        }
    }
    shared
}
