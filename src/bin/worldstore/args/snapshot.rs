//! The commands of `worldstore snapshot` and `worldstore blocks` and their arguments; the text of their `--help`.

use std::time::Duration;

use clap::Subcommand;

use crate::args::units::{time, time_limit};

#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// List the snapshots, sorted by name
    List(ChainArgs),
    /// Keep a state under a name until it is released
    Create(CreateArgs),
    /// Keep a state under a name for some time, or, with --renew, for longer
    Pin(PinArgs),
    /// Give a snapshot up
    ///
    /// What nothing else keeps is removed by the next `snapshot expire` and `blocks collect`.
    Release {
        /// The folder of the chain
        uri: String,
        /// The snapshot
        name: String,
        /// One JSON object: released
        #[arg(long)]
        json: bool,
    },
    /// Read every byte of a state and compare it with its hash
    ///
    /// Every object that is damaged, missing or cannot be read is listed, with the entries that refer to it. The
    /// exit code is 2 if one is damaged or missing, 1 if one cannot be read.
    #[command(verbatim_doc_comment)]
    Verify(VerifyArgs),
    /// Write a snapshot as one archive, which tar and any JSON tool can read
    ///
    /// The archive of a snapshot is always the same, byte for byte. Every object is checked on the way. It appears
    /// whole or not at all.
    #[command(verbatim_doc_comment)]
    Export(ExportArgs),
    /// Read an archive into an empty place
    ///
    /// Everything is staged and checked before the first object comes to its place, and nothing is visible before
    /// the last one has. An import that fails is taken back; what could not be removed is named.
    #[command(verbatim_doc_comment)]
    Import(ImportArgs),
    /// Copy a state into an empty place, without an archive
    Restore(RestoreArgs),
    /// Forget old states that are not kept under a name, and leases that have ended
    ///
    /// Blocks that nothing refers to any more are removed by `blocks collect` after that.
    Expire(ExpireArgs),
}

#[derive(Debug, Subcommand)]
pub enum BlocksCommand {
    /// Remove blocks that no state refers to
    ///
    /// What was put lately is spared, for someone may be about to refer to it: a block goes in the second collection
    /// after it was put, at the earliest.
    #[command(verbatim_doc_comment)]
    Collect(CollectArgs),
    /// Read every block that a state refers to and compare it with its hash
    ///
    /// Exit codes are those of `snapshot verify`.
    Verify(ChainArgs),
}

#[derive(Debug, clap::Args)]
pub struct ChainArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// JSON lines. snapshot list: name, manifest, hash, expires, ended, content, created, entries, files, blocks, bytes,
    /// problem; blocks verify: as snapshot verify
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// The name: 1 to 1,024 bytes
    pub name: String,
    /// The manifest that is kept [default: the newest]
    #[arg(long, value_name = "NUMBER")]
    pub manifest: Option<u64>,
    /// One JSON object: name, manifest, hash, expires
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct PinArgs {
    #[command(flatten)]
    pub create: CreateArgs,
    /// For how long from now, not 0: `90s`, `15m`, `2h`, `7d`
    #[arg(long = "for", value_name = "TIME", value_parser = time_limit)]
    pub time: Duration,
    /// Let the lease of this name end later
    #[arg(long, conflicts_with = "manifest")]
    pub renew: bool,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// The snapshot [default: the newest state]
    pub name: Option<String>,
    /// Every state that is kept, each object once
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
    /// JSON lines: kind, key, problem (missing, length, content, unreadable), detail, manifest, entries; at last kind
    /// (done), manifests, files, blocks, bytes, damaged, content
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// The snapshot
    pub name: String,
    /// The archive that is written: a file, or an object of any store
    pub archive: String,
    /// Replace what is there
    #[arg(long, short)]
    pub force: bool,
    /// One JSON object: name, manifest, content, archive, members, bytes, blake3 (of the archive)
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The folder that becomes the chain's
    pub uri: String,
    /// The archive: a file, or an object of any store
    pub archive: String,
    /// Keep the state under this name
    #[arg(long, value_name = "NAME")]
    pub tag: Option<String>,
    /// Files and blocks that are taken in at most [default: 1,000,000]
    #[arg(long, value_name = "NUMBER")]
    pub members_max: Option<u64>,
    /// Their bytes, all together [default: 16 TiB]
    #[arg(long, value_name = "BYTES")]
    pub bytes_max: Option<u64>,
    /// One JSON object: manifest, source_manifest, content, entries, members, bytes, blake3 (of the archive, null for
    /// restore), left_behind
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// The snapshot
    pub name: String,
    /// The folder that becomes that of the copy
    pub target: String,
    /// One JSON object, as for import
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ExpireArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// The newest so many states are kept in any case, 1 at least
    #[arg(long, value_name = "STATES", default_value_t = 100)]
    pub keep: u64,
    /// Of the others only those that are older: `90s`, `15m`, `2h`, `7d` [default: of any age]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub older_than: Option<Duration>,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// One JSON object: floor, expired, leases, left, dry_run
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CollectArgs {
    /// The folder of the chain: the one with `manifests` and `blocks` in it
    pub uri: String,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// JSON lines: kind (remove), hash, generation, bytes; at last kind (done), blocks, bytes, left, dry_run
    #[arg(long)]
    pub json: bool,
}
