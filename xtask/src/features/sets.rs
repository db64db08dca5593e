//! Sets of features that `xtask/features.toml` names: what each must not bring, and what is counted for the docs.

use std::collections::BTreeSet;

use cargo_metadata::Package;
use serde::Deserialize;

use crate::failure::{Context, Result};
use crate::process;
use crate::workspace::Workspace;

/// A crate with some of its features.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The crate.
    pub package: String,
    /// Features that are on; `["all"]` for all of them, and none by default. Those on by default are off unless named.
    #[serde(default)]
    pub features: Vec<String>,
    /// Families that stay out, however deep. A family is a package and those whose names begin with it and a dash.
    #[serde(default)]
    pub absent: Vec<String>,
    /// How many packages it may bring at most, itself included.
    pub packages_max: Option<usize>,
    /// Whether the table of the docs has a row for it.
    #[serde(default)]
    pub shown: bool,
    /// The example whose size the table tells: one that these features are enough for. Or a binary of the crate.
    pub program: Option<String>,
}

/// What cargo is told so that it selects more crates beside one that is built with many sets of features. Third-party packages
/// get the features that any selected crate asks for: what is below, DataFusion above all, is then built once for all sets.
/// The facade passes no feature on to these but those of clouds, so its own code sees no more than what was named.
const BESIDE: [&str; 6] = [
    "--package",
    "worldstore-lance",
    "--package",
    "worldstore-object-store",
    "--features",
    "worldstore-object-store/s3,worldstore-object-store/azure,worldstore-object-store/gcs,worldstore-object-store/http",
];

/// The features of a crate, and the crates beside it, as cargo is told. Not for a crate whose tests depend on itself: to cargo
/// `crate/feature` is a feature of that dependency then.
pub fn beside<'a>(package: &str, features: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let features = features.into_iter().map(|feature| format!("{package}/{feature}")).collect::<Vec<_>>().join(",");
    let named = ["--no-default-features", "--features", &features].map(str::to_owned);
    BESIDE.map(str::to_owned).into_iter().chain(named).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    set: Vec<Set>,
}

/// Relative to the root.
pub const FILE: &str = "xtask/features.toml";

/// All sets, as they follow each other in the file.
pub fn all(workspace: &Workspace) -> Result<Vec<Set>> {
    let text = std::fs::read_to_string(workspace.root.join(FILE)).during(format_args!("reading {FILE}"))?;
    read(&text)
}

fn read(text: &str) -> Result<Vec<Set>> {
    toml::from_str::<File>(text).map(|file| file.set).during(format_args!("reading {FILE}"))
}

/// The crates of sets, each once.
pub fn crates(sets: &[Set]) -> Vec<&str> {
    sets.iter().map(|set| &*set.package).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether the crate has this binary; other programs are examples.
pub fn has_binary(package: &Package, name: &str) -> bool {
    package.targets.iter().any(|target| target.is_bin() && target.name == name)
}

impl Set {
    /// Its features, as a reader says them.
    pub fn title(&self) -> String {
        if self.features.is_empty() { "none".to_owned() } else { self.features.join(", ") }
    }

    /// What cargo is told.
    pub fn arguments(&self) -> Vec<String> {
        if self.features == ["all"] {
            return vec!["--all-features".to_owned()];
        }
        vec!["--no-default-features".to_owned(), "--features".to_owned(), self.features.join(",")]
    }

    /// What cargo is told to build it beside other crates, so that sets share what is below.
    pub fn arguments_beside(&self) -> Vec<String> {
        match self.features == ["all"] {
            true => BESIDE.map(str::to_owned).into_iter().chain(self.arguments()).collect(),
            false => beside(&self.package, self.features.iter().map(String::as_str)),
        }
    }

    /// The packages below it that are part of what its users build, itself included, as `name v1.2.3`. Nothing is compiled.
    pub fn packages(&self, workspace: &Workspace) -> Result<BTreeSet<String>> {
        self.tree(workspace, "normal")
    }

    /// These, and those that only build scripts need.
    pub fn compiled(&self, workspace: &Workspace) -> Result<BTreeSet<String>> {
        self.tree(workspace, "normal,build")
    }

    fn tree(&self, workspace: &Workspace, edges: &str) -> Result<BTreeSet<String>> {
        let mut command = workspace.cargo();
        command.args(["tree", "-p", &self.package, "--edges", edges, "--prefix", "none", "--format", "{p}"]);
        let lines = process::capture("cargo tree", command.args(self.arguments()))?;
        let packages = lines.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
        Ok(packages.filter(|package| !package.is_empty()).collect())
    }

    /// What these packages break, in words.
    pub fn broken_by(&self, packages: &BTreeSet<String>) -> Vec<String> {
        let names: BTreeSet<&str> = packages.iter().filter_map(|package| package.split(' ').next()).collect();
        let of_family = |family: &String| {
            let belongs = |name: &&&str| {
                name.strip_prefix(family.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            let name = names.iter().filter(|name| **name != self.package).find(belongs)?;
            let how = format!("`cargo tree -p {} {} -i {name}` shows how", self.package, self.arguments().join(" "));
            Some(format!("{} with features {} brings {name}; {how}", self.package, self.title()))
        };
        let mut broken: Vec<String> = self.absent.iter().filter_map(of_family).collect();
        if let Some(most) = self.packages_max.filter(|most| packages.len() > *most) {
            let names = packages.iter().cloned().collect::<Vec<_>>().join(", ");
            let (package, count) = (&self.package, packages.len());
            broken.push(format!(
                "{package} with its dependencies is {count} packages, at most {most} are wanted: {names}"
            ));
        }
        broken
    }
}

#[cfg(test)]
mod tests;
