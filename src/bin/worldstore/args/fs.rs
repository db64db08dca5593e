//! The commands of `worldstore fs` and their arguments; the text of their `--help`.

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum FsCommand {
    /// List objects and folders
    ///
    /// One level by default, folders with a `/` behind. With --recursive or --depth only objects.
    Ls(LsArgs),
    /// Print folders and objects as a tree
    Tree(TreeArgs),
    /// Print an object as it is
    Cat {
        /// An object
        uri: String,
        /// Only these bytes: `A..B` (B excluded), `A..`, `..B`, or `-N` for the last N [default: all]
        #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
        range: Option<String>,
        /// Not for bytes
        #[arg(long, hide = true)]
        json: bool,
    },
    /// Print the beginning of an object
    Head {
        /// An object
        uri: String,
        /// So many lines
        #[arg(long, short = 'n', value_name = "LINES", default_value_t = 10)]
        lines: u64,
        /// So many bytes, not lines
        #[arg(long, short = 'c', value_name = "BYTES", conflicts_with = "lines")]
        bytes: Option<u64>,
        /// Not for bytes
        #[arg(long, hide = true)]
        json: bool,
    },
    /// Copy an object, or a folder with --recursive, also between stores
    ///
    /// Bytes stream through, a chunk at a time; within one store they stay where they are if the store can
    /// copy. A TARGET that ends in `/` is a folder, into which the object goes under its own name. With
    /// --recursive, what is below SOURCE comes to lie below TARGET, 8 objects at a time; the first that fails
    /// ends it, and what was copied until then stays. Links are not followed; they are named, and so are pipes
    /// and names that are no keys, which are left out too.
    #[command(verbatim_doc_comment)]
    Cp(CpArgs),
    /// Make a folder like another: copy what is missing or changed
    ///
    /// To go on after a failure, run it again. Links in folders of this machine are not followed, and pipes and
    /// names that are no keys are left out: they are named, and what TARGET has in their place stays.
    #[command(verbatim_doc_comment)]
    Sync(SyncArgs),
    /// Move an object, or a folder with --recursive, also between stores
    ///
    /// Within one store it is renamed, if the store can; otherwise it is copied, and deleted then.
    #[command(verbatim_doc_comment)]
    Mv(MvArgs),
    /// Remove an object, or a folder with --recursive. It asks nothing
    ///
    /// The root of a store or of a profile is refused.
    Rm(RmArgs),
    /// Tell what is known of an object or a folder
    Stat(OneArgs),
    /// Count the objects in a folder and their bytes
    Du(DuArgs),
    /// List the objects whose path below a folder matches a pattern
    ///
    /// `*` and `?` stand for characters of one segment, `[a-z]` for one of these, `**` as a whole segment for
    /// any number of segments: `**/*.csv`. Quote it, or the shell replaces it.
    #[command(verbatim_doc_comment)]
    Glob {
        /// A folder
        uri: String,
        /// The pattern
        pattern: String,
        /// Sizes and times too
        #[arg(long, short)]
        long: bool,
        /// JSON lines: kind (file), path, bytes, modified, version
        #[arg(long)]
        json: bool,
    },
    /// Prove that a store can be reached
    Ping(OneArgs),
    /// Tell what a store declares that it can do
    Caps(CapsArgs),
    /// List the schemes of URIs
    Schemes {
        /// JSON lines: scheme, aliases, compiled_in, feature, example, about, settings
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct LsArgs {
    /// A folder
    pub uri: String,
    /// Sizes in bytes and times too
    #[arg(long, short)]
    pub long: bool,
    /// Everything below
    #[arg(long, short, conflicts_with = "depth")]
    pub recursive: bool,
    /// So many levels of folders below as well [default: 0]
    #[arg(long, value_name = "LEVELS")]
    pub depth: Option<u32>,
    /// JSON lines: kind (file, folder), path, bytes, modified, version
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct TreeArgs {
    /// A folder
    pub uri: String,
    /// So many levels of folders below as well [default: all]
    #[arg(long, value_name = "LEVELS")]
    pub depth: Option<u32>,
    /// JSON lines: kind (file, folder), path, bytes, modified, version
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CpArgs {
    /// An object, or a folder with --recursive
    pub source: String,
    /// The new object or folder
    pub target: String,
    /// A folder with everything below
    #[arg(long, short)]
    pub recursive: bool,
    /// Replace what is there
    #[arg(long, short)]
    pub force: bool,
    /// Go on with an earlier --resume that was cut short, if the source has the same version still. For
    /// targets on this machine: the bytes gather in `NAME.worldstore-part` beside the target
    #[arg(long, conflicts_with = "recursive")]
    pub resume: bool,
    /// One JSON object: objects, bytes, resumed_from
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct SyncArgs {
    /// A folder
    pub source: String,
    /// The folder that becomes like it
    pub target: String,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Delete from TARGET what is not in SOURCE, once every copy has succeeded. A SOURCE without any object
    /// is refused then
    #[arg(long)]
    pub delete: bool,
    /// What makes objects of the same size equal
    #[arg(long, value_enum, default_value_t = CompareBy::Time)]
    pub compare: CompareBy,
    /// JSON lines: kind (copy, delete), path, bytes; at last kind (done), copied, deleted, unchanged, bytes,
    /// dry_run
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareBy {
    /// Nothing more
    Size,
    /// The target is not older than the source
    Time,
    /// The same version: for two stores of one service whose versions depend on nothing but the bytes
    Version,
    /// The same bytes; both sides are read
    Content,
}

#[derive(Debug, clap::Args)]
pub struct MvArgs {
    /// An object, or a folder with --recursive
    pub source: String,
    /// The new object or folder
    pub target: String,
    /// A folder with everything below
    #[arg(long, short)]
    pub recursive: bool,
    /// Replace what is there
    #[arg(long, short)]
    pub force: bool,
    /// One JSON object: objects, bytes
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct RmArgs {
    /// An object, or a folder with --recursive
    pub uri: String,
    /// A folder with everything below
    #[arg(long, short)]
    pub recursive: bool,
    /// What is not there is no error
    #[arg(long)]
    pub missing_ok: bool,
    /// One JSON object: deleted
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct OneArgs {
    /// What to look at
    pub uri: String,
    /// One JSON object. stat: kind (file, folder), path, bytes, modified, version, scheme, native; ping: uri, scheme, root, ms
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct DuArgs {
    /// A folder
    pub uri: String,
    /// Folders of so many levels each for itself too, with all that is below [default: 0, the whole alone]
    #[arg(long, value_name = "LEVELS", default_value_t = 0, hide_default_value = true)]
    pub depth: usize,
    /// JSON lines: path, objects, bytes; the whole is last and has the path `.`
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CapsArgs {
    /// A folder
    pub uri: String,
    /// Run the conformance kit in a folder of its own below, which is removed, and tell what was observed
    #[arg(long)]
    pub probe: bool,
    /// JSON lines: ability, declared, observed
    #[arg(long)]
    pub json: bool,
}
