//! The `worldstore` command: worlds, tables, queries and files from a shell.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod args;
mod commands;
mod compiled;
mod failure;
mod files;
mod output;
mod progress;
mod sources;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use worldstore::Registry;
use worldstore::config::Lookup;

use args::Args;

/// How long what cleans up may take at the end.
const CLEANING_MAX: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let matches = Args::command().long_version(compiled::VERSION.as_str()).get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return failure::report(&worldstore::Error::io("start", source).into()),
    };
    let registry =
        Registry::compiled_in().with_config_found(args.config.clone()).with_lake_variables(Lookup::process());
    let done = runtime.block_on(commands::run(args, &registry));
    // What does not end in a new line waits until now, and after this nobody would say that it is lost.
    let code = match done.and_then(|()| Ok(output::flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure::report(&failure),
    };
    // What was begun is cleaned up. Tasks that are cancelled may panic in those that wait for them: nobody needs to hear it.
    std::panic::set_hook(Box::new(|_| {}));
    runtime.shutdown_timeout(CLEANING_MAX);
    code
}
