//! Names to values, and values to names.

use super::{Part, Segment, Template};
use crate::error::{Error, Result};
use crate::hive::{self, HiveType, HiveValue, NULL, Partition};
use crate::key::{Key, Prefix};

impl Template {
    /// The folder that all keys are below: everything before the first variable.
    ///
    /// # Errors
    /// `Invalid` if it is no folder that a key can have.
    pub fn folder(&self) -> Result<Prefix> {
        self.prefix(&[])
    }

    /// The folder that all keys with these values are below, as far as the values reach: up to the first variable that
    /// is not given. A last segment that may be an object is not part of it.
    ///
    /// # Errors
    /// `Invalid` for a value that is given twice, or is of no variable, or has another type than was declared, or cannot
    /// be written so that it is read back.
    pub fn prefix(&self, values: &[(&str, HiveValue)]) -> Result<Prefix> {
        let values = self.assigned(values)?;
        let mut folders = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let is_last = index + 1 == self.segments.len();
            if is_last && !self.is_folder && !segment.is_folder() && segment.text().is_none() {
                break;
            }
            match self.write(segment, &values)? {
                Some(name) => folders.push(name),
                None => break,
            }
        }
        Prefix::new(folders.join("/"))
    }

    /// The key or folder with these values, one for each variable.
    ///
    /// ```
    /// use worldstore_core::lake::Template;
    ///
    /// # fn main() -> worldstore_core::Result<()> {
    /// let template = Template::parse("{city}/week={week}/part-{n}.parquet")?;
    /// let path = template.expand(&[("city", "Aix/Nord".into()), ("week", 3.into()), ("n", "a-1".into())])?;
    /// assert_eq!(path, "Aix%2FNord/week=3/part-a-1.parquet");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`prefix`](Self::prefix); `Invalid` if a value is missing, or the path is too long for a key.
    pub fn expand(&self, values: &[(&str, HiveValue)]) -> Result<String> {
        let values = self.assigned(values)?;
        let mut names = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let name = self.write(segment, &values)?;
            names.push(name.ok_or_else(|| {
                let missing = self.variables.iter().zip(&values).find(|(_, value)| value.is_none());
                let missing = missing.map(|(variable, _)| variable.name.as_str()).unwrap_or_default();
                Error::invalid("variable has no value").with("variable", missing).with("template", self)
            })?);
        }
        Ok(Prefix::new(names.join("/"))?.as_str().to_owned())
    }

    /// What a key tells, if it fits: the variables, then the folders `name=value` below the last segment. Values are
    /// texts, none where they are missing.
    ///
    /// # Errors
    /// `Invalid` if the key tells a name twice.
    pub fn values(&self, key: &Key) -> Result<Option<Vec<Partition>>> {
        let segments: Vec<&str> = key.as_str().split('/').collect();
        let (fixed, below) = segments.split_at(self.segments.len().min(segments.len()));
        let ends = if below.is_empty() { self.ends_in_object() } else { self.is_open() };
        if fixed.len() < self.segments.len() || !ends {
            return Ok(None);
        }
        let mut values = Vec::new();
        for (segment, name) in self.segments.iter().zip(fixed) {
            match self.read(segment, name) {
                Some(more) => values.extend(more),
                None => return Ok(None),
            }
        }
        let folders = below.split_last().map_or(&[][..], |(_, folders)| folders);
        for folder in folders {
            if let Some(partition) = hive::tell(folder) {
                values.push(distinct(partition, &values, key.as_str())?);
            }
        }
        Ok(Some(values))
    }

    /// The values in one name, if it fits the segment.
    pub(in crate::lake) fn read(&self, segment: &Segment, name: &str) -> Option<Vec<Partition>> {
        let texts = segment.fit(name)?;
        let mut values = Vec::with_capacity(texts.len());
        for (number, text) in texts {
            let variable = self.variables.get(number)?;
            let value = hive::meant(text)?;
            variable.kind.unwrap_or(HiveType::Text).read(value.as_deref()).ok()?;
            values.push((variable.name.clone(), value));
        }
        Some(values)
    }

    /// The values by variable.
    fn assigned(&self, values: &[(&str, HiveValue)]) -> Result<Vec<Option<HiveValue>>> {
        let mut assigned = vec![None; self.variables.len()];
        for (name, value) in values {
            let wrong = |why: &str| Error::invalid(why).with("variable", name).with("template", self);
            let number = self.variables.iter().position(|variable| variable.name == *name);
            let number = number.ok_or_else(|| wrong("template has no such variable"))?;
            if let Some(kind) = self.variables[number].kind {
                kind.read(value.text().as_deref()).map_err(|error| error.with("variable", name))?;
            }
            if assigned[number].replace(value.clone()).is_some() {
                return Err(wrong("variable is given twice"));
            }
        }
        Ok(assigned)
    }

    /// The name that a segment is for these values; none if one is missing.
    fn write(&self, segment: &Segment, values: &[Option<HiveValue>]) -> Result<Option<String>> {
        let (mut name, mut wanted) = (String::new(), Vec::new());
        for (index, part) in segment.parts.iter().enumerate() {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Variable(number) => {
                    let Some(value) = values.get(*number).and_then(Option::as_ref) else { return Ok(None) };
                    let end = match segment.parts.get(index + 1) {
                        Some(Part::Text(text)) => text.as_str(),
                        _ => "",
                    };
                    let value = value.text();
                    let variable =
                        self.variables.get(*number).map(|variable| variable.name.clone()).unwrap_or_default();
                    wanted.push((variable, value.clone()));
                    escape(value.as_deref(), end, &mut name);
                }
            }
        }
        // The net below every rule of writing: what is written is what will be read.
        match self.read(segment, &name) {
            Some(read) if read == wanted && !name.is_empty() => Ok(Some(name)),
            _ => {
                let shown: Vec<_> = wanted.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
                Err(Error::invalid("values cannot be told from the text around them")
                    .with("values", shown.join(" "))
                    .with("template", self))
            }
        }
    }
}

impl Segment {
    /// The stored texts of the variables in a name, if it fits.
    fn fit<'name>(&self, name: &'name str) -> Option<Vec<(usize, &'name str)>> {
        let (mut rest, mut parts) = (name, &self.parts[..]);
        if let [Part::Text(text), others @ ..] = parts {
            (rest, parts) = (rest.strip_prefix(text.as_str())?, others);
        }
        if let [others @ .., Part::Text(text)] = parts {
            (rest, parts) = (rest.strip_suffix(text.as_str())?, others);
        }
        let mut found = Vec::new();
        while let [Part::Variable(number), after @ ..] = parts {
            let [Part::Text(end), others @ ..] = after else {
                found.push((*number, rest));
                (rest, parts) = ("", after);
                continue;
            };
            let (value, more) = rest.split_once(end.as_str())?;
            found.push((*number, value));
            (rest, parts) = (more, others);
        }
        (rest.is_empty() && parts.is_empty()).then_some(found)
    }
}

/// Refuses a value whose name the path has told already.
pub(in crate::lake) fn distinct(partition: Partition, before: &[Partition], path: &str) -> Result<Partition> {
    match before.iter().any(|(name, _)| *name == partition.0) {
        true => {
            Err(Error::invalid("path names a partition column twice").with("column", partition.0).with("path", path))
        }
        false => Ok(partition),
    }
}

/// Writes a value so that it ends where `end` begins. At the beginning of a name, `_` and `.` are escaped: such
/// names are hidden, and `.` and `..` are none, also where the first dot is the template's.
fn escape(value: Option<&str>, end: &str, to: &mut String) {
    let Some(value) = value else { return to.push_str(NULL) };
    let mut rest = value;
    if let Some(first) = value.chars().next()
        && (matches!((to.as_str(), first), ("", '_' | '.') | (".", '.')) || value == NULL)
    {
        hive::escape_letter(first, to);
        rest = &value[first.len_utf8()..];
    }
    let mut escaped = String::with_capacity(rest.len());
    hive::escape(rest, &mut escaped);
    // One letter of each occurrence is escaped. What begins in the value may end in the text behind it.
    let joined = format!("{escaped}{end}");
    let mut written = 0;
    while !end.is_empty() {
        let Some(found) = joined[written..escaped.len() + end.len()].find(end).map(|at| written + at) else { break };
        let Some(letter) = escaped.get(found..).and_then(|rest| rest.chars().next()) else { break };
        to.push_str(&escaped[written..found]);
        hive::escape_letter(letter, to);
        written = found + letter.len_utf8();
    }
    to.push_str(&escaped[written..]);
}
