//! `completions` and `man`: the command described for a shell and for `man`.

use clap::CommandFactory;
use worldstore::{Error, Result};

use crate::args::Args;
use crate::args::product::{CompletionsArgs, ManArgs};
use crate::output::{bytes, counted, line};

/// Prints a script that a shell completes commands with.
pub fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "worldstore", &mut script);
    bytes(&script)
}

/// Writes a page of `man` for each command.
pub fn man(args: &ManArgs) -> Result<()> {
    let failed = |source| Error::io("write manual pages", source).with("folder", args.folder.display());
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Args::command(), &args.folder).map_err(failed)?;
    let pages = std::fs::read_dir(&args.folder).map_err(failed)?.count() as u64;
    line(&format!("{} in {}", counted(pages, "page"), args.folder.display()))
}
