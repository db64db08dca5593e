//! The walk over the folders of a lake, without I/O: which folder is listed next, and what becomes of each name.

use std::collections::HashSet;

use super::filter::{Decision, Filter};
use super::listing::{self, LakeListOptions, LakeListing, ListStats, UNFIT_SHOWN};
use super::template::{self, Segment, Template};
use crate::error::{Error, Result};
use crate::hive::{self, NULL, Partition};
use crate::key::{Key, Prefix};
use crate::ops::{ListOptions, ListPage, ObjectMeta, PageToken};

/// A walk in progress: list what [`next_step`](Self::next_step) says, in any order and as many at once as you like,
/// [`take`](Self::take) every page, then [`finish`](Self::finish).
#[derive(Debug)]
pub struct Walk {
    template: Template,
    options: LakeListOptions,
    /// The folder before the first variable.
    root: Prefix,
    todo: Vec<LakeStep>,
    found: Vec<(ObjectMeta, Vec<Partition>)>,
    pruned: Vec<Prefix>,
    unfit: Vec<String>,
    stats: ListStats,
}

/// A folder to be listed.
#[derive(Debug)]
pub struct LakeStep {
    folder: Prefix,
    place: Place,
    /// Whether all of it is listed at once: nothing can be left out.
    is_whole: bool,
    /// Folders that pages of all of it have named.
    named: HashSet<String>,
}

/// Where a folder stands in the template, and what its path has told.
#[derive(Debug, Clone, Default)]
struct Place {
    /// So many segments are behind.
    level: usize,
    values: Vec<Partition>,
}

/// What becomes of a name.
#[derive(Debug)]
enum Fate<Value> {
    Fits(Value),
    Pruned,
    Unfit,
    Hidden,
}

impl LakeStep {
    /// What to list.
    pub fn folder(&self) -> &Prefix {
        &self.folder
    }

    /// How to list it, from the beginning or from where a page ended.
    pub fn options(&self, token: Option<PageToken>) -> ListOptions {
        let options = if self.is_whole { ListOptions::default() } else { ListOptions::default().one_level() };
        match token {
            Some(token) => options.with_token(token),
            None => options,
        }
    }
}

impl Walk {
    /// Begins a walk.
    ///
    /// # Errors
    /// `Invalid` if the filter does not fit the template, see [`Filter::check`], or the template has no folder that a key
    /// can have.
    pub fn new(template: &Template, options: &LakeListOptions) -> Result<Self> {
        if let Some(filter) = &options.filter {
            filter.check(template)?;
        }
        let root = template.folder()?;
        let level = template.segments.iter().take_while(|segment| segment.text().is_some()).count();
        let mut walk = Self {
            template: template.clone(),
            options: options.clone(),
            root: root.clone(),
            todo: Vec::new(),
            found: Vec::new(),
            pruned: Vec::new(),
            unfit: Vec::new(),
            stats: ListStats::default(),
        };
        walk.enter(root, Place { level, values: Vec::new() })?;
        Ok(walk)
    }

    /// The next folder to list; none if all that are known are taken. Pages of others may bring more.
    pub fn next_step(&mut self) -> Option<LakeStep> {
        self.todo.pop()
    }

    /// Takes a page of a step, and answers where to go on with it.
    ///
    /// # Errors
    /// `Invalid` if paths tell a name twice, or the filter names a variable that a path does not have; `Unexpected` if the
    /// page is of another folder.
    pub fn take(&mut self, step: &mut LakeStep, page: ListPage) -> Result<Option<PageToken>> {
        self.stats.list_calls += 1;
        for folder in page.folders {
            let name = name_below(&step.folder, folder.as_str())?;
            let fate = self.folder(&step.place, name, folder.as_str())?;
            if let Some(place) = self.count_folder(fate, &folder) {
                self.enter(folder, place)?;
            }
        }
        for object in page.objects {
            let path = name_below(&step.folder, object.key.as_str())?.to_owned();
            match path.rsplit_once('/') {
                None => self.take_file(&step.place, object)?,
                Some((folders, _)) => self.take_deep(step, folders, object)?,
            }
        }
        Ok(page.next)
    }

    /// The object to look up, once every step is taken: an address without variables is that of an object if there is no
    /// folder of this name.
    pub fn object(&self) -> Option<Key> {
        let is_candidate = self.is_empty() && self.template.ends_in_object() && self.template.variables.is_empty();
        is_candidate.then(|| Key::new(self.root.as_str()).ok()).flatten()
    }

    /// Takes the object that was looked up.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    pub fn take_object(&mut self, object: ObjectMeta) -> Result<()> {
        let level = self.template.segments.len();
        self.take_file(&Place { level, values: Vec::new() }, object)
    }

    /// What was found.
    ///
    /// # Errors
    /// `NotFound` if there was nothing at all; `Invalid` if paths tell different columns, or others than expected, or a
    /// value is not of the expected type.
    pub fn finish(mut self) -> Result<LakeListing> {
        if self.is_empty() {
            return Err(Error::not_found("nothing is there: the folder of this address is missing or empty")
                .with("folder", format!("{:?}", self.root.as_str()))
                .with("template", &self.template));
        }
        let declared: Vec<_> =
            self.template.variables.iter().map(|variable| (variable.name.clone(), variable.kind)).collect();
        let (columns, files) = listing::typed(self.found, &declared, self.options.columns.as_deref())?;
        self.pruned.sort_unstable();
        self.unfit.sort_unstable();
        Ok(LakeListing { columns, files, pruned: self.pruned, unfit: self.unfit, stats: self.stats })
    }

    fn is_empty(&self) -> bool {
        self.stats.folders_seen + self.stats.files_seen == 0
    }

    /// Goes into a folder, and through folders whose name is fixed. What can only be one object is looked for in a listing.
    fn enter(&mut self, mut folder: Prefix, mut place: Place) -> Result<()> {
        while let Some(text) = self.template.segments.get(place.level).and_then(Segment::text) {
            if place.level + 1 == self.template.segments.len() && !self.template.is_folder {
                break;
            }
            folder = folder.join(text)?;
            place.level += 1;
        }
        let ahead = self.template.segments.get(place.level..).unwrap_or_default();
        let can_skip = ahead.iter().any(|segment| segment.text().is_some())
            || (!self.template.is_open() && ahead.len() == 1)
            || self.decide(&place.values) != Decision::Always;
        self.todo.push(LakeStep { folder, place, is_whole: !can_skip, named: HashSet::new() });
        Ok(())
    }

    fn decide(&self, values: &[Partition]) -> Decision {
        let known = |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_deref());
        self.options.filter.as_ref().map_or(Decision::Always, |filter| filter.decide(&known))
    }

    /// What becomes of a folder.
    fn folder(&self, place: &Place, name: &str, path: &str) -> Result<Fate<Place>> {
        let segments = &self.template.segments;
        let Some(segment) = segments.get(place.level) else {
            let told = hive::tell(name);
            if is_hidden(name) && told.is_none() {
                return Ok(Fate::Hidden);
            }
            let Some(told) = told else { return Ok(Fate::Fits(place.clone())) };
            let mut values = place.values.clone();
            values.push(template::distinct(told, &place.values, path)?);
            return Ok(self.filtered(Place { level: place.level, values }));
        };
        if is_hidden(name) && !names_hidden(segment) {
            return Ok(Fate::Hidden);
        }
        let is_object = place.level + 1 == segments.len() && !self.template.is_open();
        let Some(told) = self.template.read(segment, name).filter(|_| !is_object) else { return Ok(Fate::Unfit) };
        let values = [&place.values[..], &told].concat();
        Ok(self.filtered(Place { level: place.level + 1, values }))
    }

    fn filtered(&self, place: Place) -> Fate<Place> {
        match self.decide(&place.values) {
            Decision::Never => Fate::Pruned,
            Decision::Always | Decision::Open => Fate::Fits(place),
        }
    }

    fn count_folder(&mut self, fate: Fate<Place>, folder: &Prefix) -> Option<Place> {
        self.stats.folders_seen += 1;
        match fate {
            Fate::Fits(place) => return Some(place),
            Fate::Pruned => {
                self.stats.folders_pruned += 1;
                self.pruned.push(folder.clone());
            }
            Fate::Unfit => {
                self.stats.folders_unfit += 1;
                self.show_unfit(|| format!("{folder}/"));
            }
            Fate::Hidden => self.stats.folders_hidden += 1,
        }
        None
    }

    /// Takes an object that lies deeper in a folder that is listed whole: its folders are looked at in turn.
    fn take_deep(&mut self, step: &mut LakeStep, folders: &str, object: ObjectMeta) -> Result<()> {
        let (mut place, mut path) = (step.place.clone(), step.folder.clone());
        for name in folders.split('/') {
            path = path.join(name)?;
            let fate = self.folder(&place, name, path.as_str())?;
            let is_hidden = matches!(fate, Fate::Hidden);
            let inside = match step.named.insert(path.as_str().to_owned()) {
                true => self.count_folder(fate, &path),
                false => match fate {
                    Fate::Fits(place) => Some(place),
                    _ => None,
                },
            };
            match inside {
                Some(inside) => place = inside,
                None => {
                    let fate = if is_hidden { Fate::Hidden } else { Fate::Unfit };
                    self.count_file(fate, object);
                    return Ok(());
                }
            }
        }
        self.take_file(&place, object)
    }

    fn take_file(&mut self, place: &Place, object: ObjectMeta) -> Result<()> {
        let fate = self.file(place, &object)?;
        self.count_file(fate, object);
        Ok(())
    }

    /// What becomes of an object.
    fn file(&self, place: &Place, object: &ObjectMeta) -> Result<Fate<Vec<Partition>>> {
        let (segments, name) = (&self.template.segments, object.key.name());
        let mut values = place.values.clone();
        match segments.get(place.level) {
            None if is_hidden(name)
                && !(self.template.ends_in_object() && segments.last().is_some_and(names_hidden)) =>
            {
                return Ok(Fate::Hidden);
            }
            None => {}
            Some(segment) if is_hidden(name) && !names_hidden(segment) => return Ok(Fate::Hidden),
            Some(segment) => {
                let may_end = place.level + 1 == segments.len() && self.template.ends_in_object();
                match self.template.read(segment, name).filter(|_| may_end) {
                    Some(told) => values.extend(told),
                    None => return Ok(Fate::Unfit),
                }
            }
        }
        if self.options.ending.as_ref().is_some_and(|ending| !name.ends_with(ending.as_str())) {
            return Ok(Fate::Unfit);
        }
        match self.decide(&values) {
            Decision::Always => Ok(Fate::Fits(values)),
            Decision::Never => Ok(Fate::Pruned),
            // All that the path can tell is told.
            Decision::Open => Err(self.untold(&values, object)),
        }
    }

    fn untold(&self, values: &[Partition], object: &ObjectMeta) -> Error {
        let known: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
        let named = self.options.filter.as_ref().map(Filter::variables).unwrap_or_default();
        let untold = named.into_iter().find(|name| !known.contains(name)).unwrap_or_default();
        Error::invalid("filter names a variable that the path does not have")
            .with("variable", untold)
            .with("known", known.join(" "))
            .with("file", &object.key)
    }

    fn count_file(&mut self, fate: Fate<Vec<Partition>>, object: ObjectMeta) {
        self.stats.files_seen += 1;
        match fate {
            Fate::Fits(values) => {
                self.stats.bytes += object.size;
                self.found.push((object, values));
            }
            Fate::Pruned => self.stats.files_pruned += 1,
            Fate::Hidden => self.stats.files_hidden += 1,
            Fate::Unfit => {
                self.stats.files_unfit += 1;
                self.show_unfit(|| object.key.as_str().to_owned());
            }
        }
    }

    fn show_unfit(&mut self, name: impl FnOnce() -> String) {
        if self.unfit.len() < UNFIT_SHOWN {
            self.unfit.push(name());
        }
    }
}

/// What follows a folder in a path of its listing.
fn name_below<'path>(folder: &Prefix, path: &'path str) -> Result<&'path str> {
    let elsewhere = || Error::unexpected("a listing names what is outside of its folder");
    folder.strip(path).ok_or_else(|| elsewhere().with("name", path).with("folder", folder))
}

/// What everyone leaves out: names of files in the making and of bookkeeping.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.']) && !name.starts_with(NULL)
}

/// True if the template itself names what is hidden otherwise.
fn names_hidden(segment: &Segment) -> bool {
    matches!(segment.parts.first(), Some(template::Part::Text(text)) if text.starts_with(['_', '.']))
}
