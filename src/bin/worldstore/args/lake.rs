//! The commands of `worldstore lake` and their arguments; the text of their `--help`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// Tell where an address leads to
    ///
    /// Nothing is opened.
    Resolve(ResolveArgs),
    /// List the files of an address, and count what was left out
    ///
    /// Folders that the condition rules out are not listed, and no file is opened.
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub struct ResolveArgs {
    /// An address like `lake://nfl/tracks/{season}/week={week}`
    #[arg(value_name = "ADDRESS")]
    pub uri: String,
    #[command(flatten)]
    pub mounts: MountArgs,
    /// One JSON object: address, bucket, template, folder, variables, physical, residency, origin, cache
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// An address like `lake://nfl/tracks/{season}/week={week}`
    #[arg(value_name = "ADDRESS")]
    pub uri: String,
    /// A condition on the variables, like `season = 2024 and week < 3`, with = <> < <= > >=, in (…), between … and …,
    /// is null, and, or, not and brackets; texts in '…', dates as date '2024-02-29'
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Only files whose names end so, as in `.parquet` [default: all]
    #[arg(long, value_name = "TEXT")]
    pub ending: Option<String>,
    /// The counts alone
    #[arg(long)]
    pub counts: bool,
    /// Sizes and times too
    #[arg(long, short, conflicts_with = "counts")]
    pub long: bool,
    #[command(flatten)]
    pub mounts: MountArgs,
    /// JSON lines: kind (file), path, bytes, modified, version, values; at last kind (counts)
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct MountArgs {
    /// The folder or store that `lake://NAME/…` means, whatever the configuration says; may be given several times
    #[arg(long = "mount", value_name = "NAME=URI")]
    pub mounts: Vec<String>,
}
