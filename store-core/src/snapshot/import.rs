//! Import and restore: a state into an empty place, wholly or not at all.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use super::archive::{ArchiveLimits, ArchiveList, ArchiveMember, ArchiveReader, ArchiveSummary, MemberKind};
use super::intake::{Intake, STAGING, pour};
use super::needs::Needs;
use super::{Snapshots, Which, content_hash};
use crate::backend::Backend;
use crate::blocks::Hash;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::manifest::{Draft, Entry, Manifest, ManifestOptions, Manifests, Stored, decode, encode};

/// Settings of [`import`](Snapshots::import) and [`restore`](Snapshots::restore).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// What is taken in at most.
    pub limits: ArchiveLimits,
    /// Settings of the chain that is begun.
    pub manifests: ManifestOptions,
}

impl ImportOptions {
    /// Sets what is taken in at most.
    #[must_use]
    pub fn with_limits(mut self, limits: ArchiveLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the settings of the chain.
    #[must_use]
    pub fn with_manifests(mut self, manifests: ManifestOptions) -> Self {
        self.manifests = manifests;
        self
    }
}

/// A state that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The number of its manifest where it came from.
    pub source_number: u64,
    /// The number of its manifest here.
    pub number: u64,
    /// The hash of what it means: the same here and there.
    pub content: Hash,
    /// Entries.
    pub entries: u64,
    /// Files and blocks.
    pub members: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The archive, if it came from one.
    pub archive: Option<ArchiveSummary>,
    /// Keys in the staging folder that could not be removed. Nothing refers to them.
    pub left_behind: Vec<Key>,
}

impl Snapshots {
    /// Takes a state in from an archive: into a folder without a chain, or with one whose newest manifest is empty. File
    /// keys are below the root of the backend, as in the place that the archive comes from.
    ///
    /// Everything is first staged in `{folder}/importing/{random}`, and checked against the archive's own list and the
    /// manifest. Then files and blocks are moved to their places, and at last the manifest is published, which makes them
    /// visible. A file that is there already is not replaced; it has to be the same.
    ///
    /// # Errors
    /// As for [`ArchiveReader`], and [`Corrupt`](ErrorKind::Corrupt) if the list is not that of the manifest;
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the place is not empty; those of
    /// [`publish`](crate::manifest::Writer::publish) and of the backend. Nothing is visible then, and what could not be
    /// removed again is named. Only if nobody knows whether the manifest is published, the files stay in their places, for
    /// they may be in use: the error says how many (`files_in_place`) and which.
    pub fn import(
        backend: Arc<dyn Backend>,
        folder: Prefix,
        source: impl Read,
        options: &ImportOptions,
    ) -> Result<(Self, Imported)> {
        let place = Place::look(backend, folder, options)?;
        let mut reader = ArchiveReader::new(source, &options.limits)?;
        let stored = decode(reader.manifest()).map_err(|error| error.with("member", super::archive::MANIFEST))?;
        let (needs, list) = place.plan(&stored, reader.manifest())?;
        if list != *reader.list() {
            return Err(Error::new(ErrorKind::Corrupt, "the list of members is not that of the manifest"));
        }
        drop(needs);
        place.take_in(&stored, &list, |intake| {
            while let Some(member) = reader.next_member().cloned() {
                intake.stage(&member, |take| reader.read_member(take).map(drop))?;
            }
            reader.finish().map(Some)
        })
    }

    /// Copies a state of this chain into an empty place: what [`export`](Self::export) and [`import`](Self::import) do,
    /// without an archive between them. Files keep their keys, so the place has another root than the chain: another
    /// backend, or a [`PrefixBackend`](crate::wrap::PrefixBackend) of a folder of this one.
    ///
    /// # Errors
    /// As for both; [`Invalid`](ErrorKind::Invalid) for a state with files and a place with the same root, where the copy
    /// would refer to the files of this chain.
    pub fn restore(
        &self,
        which: &Which,
        backend: Arc<dyn Backend>,
        folder: Prefix,
        options: &ImportOptions,
    ) -> Result<(Self, Imported)> {
        let place = Place::look(backend, folder, options)?;
        let stored = self.manifest(which)?;
        let (needs, list) = place.plan(&stored, &encode(&stored.manifest)?.0)?;
        place.take_in(&stored, &list, |intake| {
            for (place, member) in list.members().iter().enumerate() {
                intake.stage(member, |take| self.hand_over(&needs, member, take))?;
                if place == 0 && needs.files().next().is_some() {
                    self.refuse_same_root(intake)?;
                }
            }
            Ok(None)
        })
    }

    /// Files that are not copied would be those of this chain, which removes them when it likes.
    fn refuse_same_root(&self, intake: &Intake<'_>) -> Result<()> {
        let backend = self.manifests().backend();
        match intake.is_seen_by(&**backend)? {
            true => Err(Error::invalid(
                "a state with files is restored below another root, as a `PrefixBackend` of the folder has",
            )
            .with("backend", backend)),
            false => Ok(()),
        }
    }

    fn hand_over(
        &self,
        needs: &Needs,
        member: &ArchiveMember,
        take: &mut dyn FnMut(Bytes) -> Result<()>,
    ) -> Result<()> {
        match member.kind()? {
            MemberKind::File(key) => pour(&**self.manifests().backend(), &Key::new(key)?, member, take),
            MemberKind::Block => take(self.block(needs, &member.blake3)?),
        }
    }
}

/// An empty place, into which a state may come.
struct Place<'options> {
    backend: Arc<dyn Backend>,
    folder: Prefix,
    blocks: Prefix,
    /// The generation of new blocks.
    generation: u64,
    options: &'options ImportOptions,
}

impl<'options> Place<'options> {
    fn look(backend: Arc<dyn Backend>, folder: Prefix, options: &'options ImportOptions) -> Result<Self> {
        if !backend.info().capability.write_if_absent {
            return Err(Error::unsupported("a snapshot needs a backend that writes only what is absent")
                .with("backend", &backend));
        }
        let opened = Manifests::open(Arc::clone(&backend), folder.clone(), options.manifests.clone());
        let generation = match opened.and_then(|manifests| manifests.latest()) {
            Ok(newest) => {
                refuse_used(&newest)?;
                newest.collections
            }
            Err(error) if error.is_not_found() => 0,
            Err(error) => return Err(error),
        };
        let blocks = folder.join("blocks")?;
        Ok(Self { backend, folder, blocks, generation, options })
    }

    /// What a state needs, and the one list that an archive of it can have.
    fn plan(&self, stored: &Stored, manifest: &[u8]) -> Result<(Needs, ArchiveList)> {
        let needs = Needs::of(stored)?;
        for (key, ..) in needs.files() {
            self.refuse_own(key)?;
        }
        let list = ArchiveList::new(content_hash(stored), manifest, needs.members(), &self.options.limits)?;
        Ok((needs, list))
    }

    /// Refuses a file in a folder that belongs to the chain: it could pass for a manifest. Or for one of another chain,
    /// wherever that is.
    fn refuse_own(&self, key: &Key) -> Result<()> {
        for own in ["manifests", "blocks", STAGING] {
            let own = self.folder.join(own)?;
            if own.as_str() == key.as_str() || own.strip(key.as_str()).is_some() {
                return Err(Error::invalid("a file of the snapshot lies in a folder of the chain").with("key", key));
            }
        }
        let parts: Vec<&str> = key.as_str().split('/').collect();
        let is_of_chain = |pair: &[&str]| {
            let [folder, number] = pair else { return false };
            ["manifests", "blocks"].contains(folder)
                && number.len() == 20
                && number.bytes().all(|letter| letter.is_ascii_digit())
        };
        if parts.windows(2).any(is_of_chain) {
            return Err(Error::invalid("a file of the snapshot could pass for one of a chain").with("key", key));
        }
        Ok(())
    }

    /// Stages, places, publishes; or takes everything back.
    fn take_in(
        self,
        stored: &Stored,
        list: &ArchiveList,
        stage: impl FnOnce(&mut Intake<'_>) -> Result<Option<ArchiveSummary>>,
    ) -> Result<(Snapshots, Imported)> {
        let mut intake = Intake::begin(&*self.backend, &self.folder, (&self.blocks, self.generation))?;
        let placed = stage(&mut intake).and_then(|archive| intake.place().map(|()| archive));
        let placed = placed.and_then(|archive| Ok((archive, self.chain()?)));
        let (archive, (manifests, writer)) = match placed {
            Ok(placed) => placed,
            // Another import may have found these files in their places, and published them.
            Err(error) if self.is_used() => return Err(intake.abandon(error)),
            Err(error) => return Err(intake.give_up(error)),
        };
        let published = match writer.publish(|draft| self.fill(draft, stored)) {
            Ok(published) => published,
            Err(error) if is_still_empty(&manifests, &error) => return Err(intake.give_up(error)),
            Err(error) => return Err(intake.abandon(error)),
        };
        let imported = Imported {
            source_number: stored.number,
            number: published.number,
            content: content_hash(&published),
            entries: stored.entries.len() as u64,
            members: list.members().len() as u64,
            bytes: list.members().iter().fold(0, |sum, member| sum.saturating_add(member.bytes)),
            archive,
            left_behind: intake.finish(),
        };
        Ok((Snapshots::new(manifests), imported))
    }

    /// False if there is certainly no state yet.
    fn is_used(&self) -> bool {
        let (backend, folder) = (Arc::clone(&self.backend), self.folder.clone());
        let opened = Manifests::open(backend, folder, self.options.manifests.clone());
        match opened.and_then(|manifests| manifests.latest()) {
            Ok(newest) => refuse_used(&newest).is_err(),
            Err(error) => !error.is_not_found(),
        }
    }

    fn chain(&self) -> Result<(Manifests, crate::manifest::Writer)> {
        let (backend, folder) = (Arc::clone(&self.backend), self.folder.clone());
        let manifests = Manifests::open_or_create(backend, folder, self.options.manifests.clone())?;
        refuse_used(&*manifests.latest()?)?;
        let writer = manifests.writer()?;
        Ok((manifests, writer))
    }

    /// Makes the next manifest mean what the other one means. Only the generation of blocks is another one here.
    fn fill(&self, draft: &mut Draft<'_>, stored: &Stored) -> Result<()> {
        refuse_used(draft.base())?;
        for entry in &stored.entries {
            let mut here: Entry = entry.clone();
            here.blocks.iter_mut().for_each(|block| block.generation = self.generation);
            draft.put(here);
        }
        draft.properties.clone_from(&stored.properties);
        Ok(())
    }
}

/// True if it is certain that nothing was published: nothing may be removed that a manifest refers to.
fn is_still_empty(manifests: &Manifests, error: &Error) -> bool {
    let is_open = matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::Fenced);
    !is_open && manifests.latest().is_ok_and(|newest| refuse_used(&newest).is_ok())
}

fn refuse_used(newest: &Manifest) -> Result<()> {
    match newest.entries.is_empty() && newest.properties.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::AlreadyExists, "there is something in the place already, import elsewhere")
            .with("number", newest.number)
            .with("entries", newest.entries.len())),
    }
}
