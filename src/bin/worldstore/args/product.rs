//! Arguments of the commands about the command itself: `doctor`, `completions`, `man`.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// A store or a world to look at [default: only this machine and the configuration]
    pub uri: Option<String>,
    /// Write objects there and remove them: tells what the store really does, and how long a durable write
    /// takes
    #[arg(long, requires = "uri")]
    pub probe: bool,
    /// Print a JSON object for each finding
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The folder for the pages, one for each command; it is made
    pub folder: PathBuf,
}
