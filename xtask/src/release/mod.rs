//! `cargo xtask release`: all published crates in one version, from the changelog to the registry.
//!
//! It goes in steps, and the steps that are done are kept in a file: after a failure in the middle the same command goes on.
//! A dry run does the same in a copy of the tree, and leaves no trace in the tree itself.

mod api;
mod archives;
mod begin;
mod changelog;
mod date;
pub mod git;
mod manifests;
pub mod order;
mod semver;
mod state;
mod tagged;
mod upload;
mod version;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::failure::{Context, Failure, Result};
use crate::tools::Missing;
use crate::workspace::Workspace;
use crate::{audit, process, test};
use archives::Archive;
use begin::{PUBLISHED, TAGGED, begun, current, is_over, resumed};
use state::{Progress, State};
use version::{Level, Version};

/// What is released, and how far it goes.
#[derive(clap::Args)]
pub struct Options {
    /// Which number goes up. Without it the version is released that the manifests have: for the first release.
    #[arg(value_enum)]
    level: Option<Level>,
    /// Does everything but changing the tree, committing and publishing, in a copy below the target folder.
    #[arg(long)]
    dry_run: bool,
    /// After the tag, uploads every crate to the registry. The version has to be given, as in `--publish 0.1.1`.
    #[arg(long, value_name = "VERSION", conflicts_with = "dry_run")]
    publish: Option<Version>,
    /// Forgets a release that was begun. What it has changed in the tree stays for you to undo.
    #[arg(long, conflicts_with = "dry_run")]
    restart: bool,
    /// Compares public APIs with the last release by `cargo semver-checks` in a dry run too: it builds all docs twice.
    #[arg(long, requires = "dry_run")]
    semver: bool,
}

impl Options {
    /// What the tests ask for: a patch, in a copy.
    pub fn rehearsal() -> Self {
        Self { level: Some(Level::Patch), dry_run: true, publish: None, restart: false, semver: false }
    }
}

/// Makes a release, or tries it.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let _lock = workspace.lock("release")?;
    match options.dry_run {
        true => try_it(workspace, options),
        false => make(workspace, options),
    }
}

/// A release in the making.
struct Release<'a> {
    workspace: &'a Workspace,
    /// The tree that is released: ours, or a copy.
    tree: PathBuf,
    /// Where archives and listings go.
    folder: PathBuf,
    from: Version,
    to: Version,
    /// Crates in the order of publication.
    order: Vec<String>,
}

fn try_it(workspace: &Workspace, options: &Options) -> Result<()> {
    let changed = git::changed(&workspace.root)?;
    if !changed.is_empty() {
        println!("NOT CHECKED: the tree has changes that are not committed; a release refuses them");
    }
    let from = current(workspace)?;
    let folder = workspace.cache("release-dry-run");
    let to = options.level.map_or(from, |level| from.next(level));
    let order = order::of(&order::needs(workspace))?;
    let tree = folder.join("tree");
    copy(workspace, &tree)?;
    let release = Release { workspace, tree, folder, from, to, order };
    println!("{from} -> {to}");
    release.versions()?;
    if let Err(nothing) = release.changelog(&date::of(SystemTime::now())) {
        println!("NOT CHECKED: {nothing}");
    }
    release.api()?;
    match options.semver {
        true => semver::check(&release, Missing::Skips)?,
        false => println!("NOT CHECKED: cargo semver-checks; --semver runs it"),
    }
    println!("order: {}", release.order.join(", "));
    let archives = release.package()?;
    release.build(&archives)?;
    println!("{to} could be released. The tree is as it was.");
    Ok(())
}

fn make(workspace: &Workspace, options: &Options) -> Result<()> {
    let state = State::new(&workspace.cache("release"), &workspace.root);
    if options.restart {
        state.remove()?;
    }
    let mut progress = match state.read()?.filter(|begun| !is_over(begun, options)) {
        Some(begun) => resumed(&workspace.root, options, begun)?,
        None => begun(workspace, options, &state)?,
    };
    let (from, to): (Version, Version) = (progress.from.parse()?, progress.to.parse()?);
    if options.publish.is_some_and(|wanted| wanted != to) {
        return Err(Failure::new(format!("the release is {to}: `--publish {to}` publishes it")));
    }
    let order = order::of(&order::needs(workspace))?;
    let (tree, folder) = (workspace.root.clone(), workspace.cache("release"));
    let release = Release { workspace, tree, folder, from, to, order };
    println!("{from} -> {to}");
    state.write(&progress)?;
    if !progress.is_done(TAGGED) {
        release.steps(&mut progress, &state)?;
    }
    if options.publish.is_none() {
        println!("{to} is tagged. `git push --follow-tags` and `cargo xtask release --publish {to}` make it public.");
        return Ok(());
    }
    tagged::ensure_tagged(&release.tree, &release.manifests(), to)?;
    progress.step(&state, PUBLISHED, |progress| {
        progress.publish(&state, &release.order, |name| upload::one(&release, name))
    })?;
    println!("{to} is published: {} crates", release.order.len());
    Ok(())
}

/// Copies what git knows of the tree, with changes that are not committed.
fn copy(workspace: &Workspace, tree: &Path) -> Result<()> {
    if tree.exists() {
        std::fs::remove_dir_all(tree).during(format_args!("removing {}", tree.display()))?;
    }
    for file in workspace.files()? {
        let to = tree.join(&file);
        let folder = to.parent().unwrap_or(tree);
        std::fs::create_dir_all(folder).during(format_args!("making {}", folder.display()))?;
        std::fs::copy(workspace.root.join(&file), &to).during(format_args!("copying {}", file.display()))?;
    }
    Ok(())
}

impl Release<'_> {
    /// Everything up to the tag.
    fn steps(&self, progress: &mut Progress, state: &State) -> Result<()> {
        progress.step(state, "tests", |_| test::ensure_passed(self.workspace))?;
        progress.change(state, "versions", |_| self.versions())?;
        progress.change(state, "changelog", |progress| self.changelog(&progress.date))?;
        progress.step(state, "api", |_| self.api())?;
        progress.step(state, "semver", |_| semver::check(self, Missing::Fails))?;
        progress.step(state, "dependencies", |_| audit::all(self.workspace, Missing::Fails))?;
        progress.step(state, "archives", |_| self.build(&self.package()?))?;
        progress.step(state, "commit", |_| git::commit(&self.tree, self.to))?;
        progress.step(state, TAGGED, |_| self.tag())
    }

    /// Writes the version into manifests, lock files and pages. A lock file that does not fit is a failure.
    fn versions(&self) -> Result<()> {
        let files: Vec<String> =
            self.workspace.files()?.iter().map(|file| file.to_string_lossy().replace('\\', "/")).collect();
        let members: Vec<String> = self.workspace.packages().iter().map(|package| package.name.to_string()).collect();
        let changed = manifests::set(&self.tree, &files, &members, self.from, self.to)?;
        println!("{} files have the version {}", changed.len(), self.to);
        // Unlike `cargo metadata`, it fetches nothing that this machine does not build.
        let mut tree = self.workspace.cargo();
        tree.current_dir(&self.tree).args(["tree", "--locked", "--workspace", "--depth", "0"]);
        process::capture("cargo tree --locked", &mut tree).map(drop)
    }

    fn changelog(&self, date: &str) -> Result<()> {
        let path = self.tree.join("CHANGELOG.md");
        let text = std::fs::read_to_string(&path).during("reading CHANGELOG.md")?;
        let cut = changelog::cut(&text, self.to, date)?;
        std::fs::write(&path, cut).during("writing CHANGELOG.md")
    }

    /// What the changelog says about this version.
    fn notes(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.tree.join("CHANGELOG.md")).during("reading CHANGELOG.md")?;
        Ok(changelog::section(&text, self.to).unwrap_or_default().to_owned())
    }

    /// Lists what each crate shows, and what of it differs from the last release.
    fn api(&self) -> Result<()> {
        let folder = self.folder.join("api");
        let last = self.folder.join("last");
        for made in [&folder, &last] {
            if made.exists() {
                std::fs::remove_dir_all(made).during(format_args!("removing {}", made.display()))?;
            }
            std::fs::create_dir_all(made).during(format_args!("making {}", made.display()))?;
        }
        let before = git::last_release(&self.workspace.root)?;
        match before {
            Some(version) => git::export(&self.workspace.root, &version.tag(), &last)?,
            None => println!("no release yet: the public APIs are listed and compared with nothing"),
        }
        let mut all = String::new();
        for package in self.workspace.packages().into_iter().filter(|package| order::is_published(package)) {
            let source = archives::folder_of(self.workspace, package).join("src");
            let new = api::listing(&package.name, &self.tree.join(&source))?;
            write_lines(&folder.join(format!("{}.txt", package.name)), &new)?;
            let difference = match before {
                Some(_) => api::difference(&api::listing(&package.name, &last.join(&source))?, &new),
                None => Vec::new(),
            };
            let gone = difference.iter().filter(|line| line.starts_with('-')).count();
            println!("{:28} {:6} lines, +{} -{gone}", package.name, new.len(), difference.len() - gone);
            if !difference.is_empty() {
                all.push_str(&format!("{}\n{}\n\n", package.name, difference.join("\n")));
            }
        }
        let path = self.folder.join("api.diff");
        std::fs::write(&path, &all).during(format_args!("writing {}", path.display()))?;
        println!("read what changed in {}", path.display());
        Ok(())
    }

    fn package(&self) -> Result<Vec<Archive>> {
        let folder = self.folder.join("archives");
        let archives = archives::package(self.workspace, &self.tree, &self.order, self.to, &folder)?;
        archives::inspect_all(&archives, &self.order.iter().cloned().collect(), self.to)?;
        Ok(archives)
    }

    fn build(&self, archives: &[Archive]) -> Result<()> {
        archives::build(self.workspace, &self.tree, archives, &self.folder.join("archives"))
    }

    /// The manifests of the crates that are published, relative to the root.
    fn manifests(&self) -> Vec<String> {
        let published = self.workspace.packages().into_iter().filter(|package| order::is_published(package));
        let manifest = |package| archives::folder_of(self.workspace, package).join("Cargo.toml");
        published.map(|package| manifest(package).to_string_lossy().replace('\\', "/")).collect()
    }

    fn tag(&self) -> Result<()> {
        tagged::ensure_committed(&self.tree, &self.manifests(), self.to)?;
        git::tag(&self.tree, self.to, &self.notes()?)
    }
}

fn write_lines(path: &Path, lines: &BTreeSet<String>) -> Result<()> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(path, text).during(format_args!("writing {}", path.display()))
}
