//! `cargo xtask services`: the servers that tests talk to, all on this machine, each on a port of its own.
//!
//! Nothing of them is left when we end, in whatever way: each has a guard, see [`guard`]. This is for Unix; what other
//! systems get is in `elsewhere.rs`.

mod azure;
mod debian;
pub mod guard;
mod http;
mod node;
mod postgres;
mod programs;
mod redis;
mod s3;
mod server;
mod sftp;
mod strace;
mod user;
mod variables;

use std::io::Write;
use std::process::Command;
use std::sync::mpsc::channel;

use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::workspace::Workspace;
use server::Server;
pub use strace::show_strace;
use variables::Variable;

/// What is started, and for whom.
#[derive(clap::Args)]
pub struct Options {
    /// Tells the addresses as one line of JSON instead of lines for a shell.
    #[arg(long)]
    json: bool,
    /// Starts only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Service>,
    /// Runs this command with the services and stops them.
    #[arg(last = true)]
    command: Vec<String>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Runs a command with all services and stops them.
    Run {
        /// The program and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
}

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// moto.
    S3,
    /// Azurite.
    Azure,
    /// nginx.
    Http,
    /// Postgres.
    Postgres,
    /// Redis.
    Redis,
    /// OpenSSH.
    Sftp,
}

impl Service {
    /// For a person.
    fn title(self) -> &'static str {
        match self {
            Self::S3 => "S3 (moto)",
            Self::Azure => "Azure (Azurite)",
            Self::Http => "HTTP (nginx)",
            Self::Postgres => "Postgres",
            Self::Redis => "Redis",
            Self::Sftp => "SFTP (OpenSSH)",
        }
    }

    fn start(self, workspace: &Workspace) -> Result<Running> {
        match self {
            Self::S3 => s3::start(workspace),
            Self::Azure => azure::start(workspace),
            Self::Http => http::start(workspace),
            Self::Postgres => postgres::start(workspace),
            Self::Redis => redis::start(workspace),
            Self::Sftp => sftp::start(workspace),
        }
    }
}

/// A server that answers, and where.
struct Running {
    server: Server,
    variables: Vec<Variable>,
}

/// Servers that answer. They are stopped when this is dropped.
pub struct Services {
    running: Vec<Running>,
    missing: Vec<Service>,
}

impl Services {
    /// Starts these, all at the same time, and waits until each answers. One that cannot be had is skipped loudly; with
    /// `CI` set that is a failure.
    pub fn start(workspace: &Workspace, wanted: &[Service]) -> Result<Self> {
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let start = |service: &Service| {
                let service = *service;
                scope.spawn(move || service.start(workspace))
            };
            let threads: Vec<_> = wanted.iter().map(start).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(Failure::new("it panicked"))))
                .collect()
        });
        let (mut services, mut failures) = (Self { running: Vec::new(), missing: Vec::new() }, Vec::new());
        for (service, outcome) in wanted.iter().zip(outcomes) {
            match outcome {
                Ok(running) => services.running.push(running),
                Err(failure) => {
                    services.missing.push(*service);
                    failures.push(format!("{}: {failure}", service.title()));
                }
            }
        }
        if must_be_there() && !failures.is_empty() {
            return Err(Failure::new(failures.join("\n")));
        }
        for failure in failures {
            eprintln!("SKIPPED: {failure}");
        }
        Ok(services)
    }

    /// Tells the tests that a command runs where the servers are.
    pub fn show_to(&self, command: &mut Command) {
        command.envs(self.variables().map(|(name, value)| (*name, value)));
    }

    /// The value of one variable, if its service runs.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Those that could not be had.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.missing.iter().map(|service| service.title())
    }

    fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.running.iter().flat_map(|running| &running.variables)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // They end at the same time; each is then waited for.
        self.running.iter_mut().for_each(|running| running.server.let_go());
    }
}

/// Whether a peer that cannot be had is a failure: on a machine that integrates.
pub fn must_be_there() -> bool {
    std::env::var_os("CI").is_some()
}

/// Starts the services, and runs the command with them or keeps them until Ctrl-C or the end of our input.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let wanted = match options.only.is_empty() {
        true => Service::value_variants(),
        false => &options.only,
    };
    let services = Services::start(workspace, wanted)?;
    match &options.verb {
        Some(Verb::Run { command }) => run_with(&services, command),
        None if !options.command.is_empty() => run_with(&services, &options.command),
        None => keep(&services, options),
    }
}

/// Runs a command. Ctrl-C in a terminal reaches it directly, and it is for the command to decide what that means.
fn run_with(services: &Services, words: &[String]) -> Result<()> {
    let (program, arguments) = words.split_first().ok_or_else(|| Failure::new("no command to run"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    services.show_to(&mut command);
    let mut signals = signals()?;
    let handle = signals.handle();
    let mut child = command.spawn().during(format_args!("starting {program}"))?;
    let process = Pid::from_child(&child);
    std::thread::spawn(move || {
        for _ in signals.forever().filter(|signal| *signal != SIGINT) {
            let _ = kill_process(process, Signal::TERM);
        }
    });
    let status = child.wait();
    handle.close();
    process::ended("the command", &command, status.during(format_args!("waiting for {program}"))?)
}

/// Tells where the services are and waits.
fn keep(services: &Services, options: &Options) -> Result<()> {
    let mut signals = signals()?;
    let text = match options.json {
        true => variables::json(services.variables()),
        false => variables::shell(services.variables()),
    };
    let mut output = std::io::stdout();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).during("telling where the services are")?;
    eprintln!("{} services run until Ctrl-C or the end of the input", services.running.len());
    let (of_input, end) = channel();
    let of_signals = of_input.clone();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = of_input.send(());
    });
    std::thread::spawn(move || {
        let _ = signals.forever().next();
        let _ = of_signals.send(());
    });
    end.recv().during("waiting for the end")
}

/// From now on these do not end us.
fn signals() -> Result<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP]).during("listening to signals")
}
