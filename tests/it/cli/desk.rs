//! A folder to run the command in, and what it should be like afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use parquet::arrow::ArrowWriter;
use tempfile::TempDir;
use worldstore::arrow::array::RecordBatch;

/// The command.
pub const COMMAND: &str = env!("CARGO_BIN_EXE_worldstore");

/// Flights of February 2013 in the data set.
pub const FEBRUARY: u64 = 24_951;

/// A file or folder of the data set.
pub fn data(path: &str) -> String {
    format!("{}/data/flights/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// An empty folder, in which the command runs.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A desk with a world `world` that holds the airlines as `airlines` and the first three days of February as ticks
    /// 1 to 3 of `flights`.
    pub fn with_world() -> Self {
        let desk = Self::new();
        desk.ok(&["init", "world"]);
        desk.ok(&["import", "world", "airlines", &data("airlines.parquet")]);
        let days: Vec<String> = (1..=3).map(|day| data(&format!("flights/month=2/day={day}/part-0.parquet"))).collect();
        let days: Vec<&str> = days.iter().map(String::as_str).collect();
        desk.ok(&[&["import", "world", "flights", "--tick-per-file"], &days[..]].concat());
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Writes a Parquet file.
    pub fn parquet(&self, name: &str, rows: &RecordBatch) -> String {
        let path = self.write(name, "");
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), rows.schema(), None).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
        path
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, "")
    }

    /// The command, with no configuration but what is in the folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(COMMAND);
        command.args(args).current_dir(self.folder.path());
        command
            .env_remove("WORLDSTORE_CONFIG")
            .env_remove("WORLDSTORE_LAKE_ROOT")
            .env("XDG_CONFIG_HOME", self.path("no-config"));
        command
    }

    /// Runs the command with this on its standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs the command, which must succeed without a word on standard error; its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(code_of(&output), 0, "{args:?}: {}", errors_of(&output));
        assert_eq!(errors_of(&output), "", "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the command, which must print rows as JSON.
    pub fn json(&self, args: &[&str]) -> Vec<serde_json::Value> {
        self.lines(&[args, &["--format", "json"]].concat())
    }

    /// Runs the command, which must print lines of JSON.
    pub fn lines(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let text = self.ok(args);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs the command, which must refuse with exit code 2, say all of `messages`, and change nothing.
    pub fn refused(&self, args: &[&str], messages: &[&str]) -> String {
        let before = self.listing();
        let output = self.run(args);
        let errors = errors_of(&output);
        assert_eq!(code_of(&output), 2, "{args:?}: {errors}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
        for message in messages {
            assert!(errors.contains(message), "{args:?} should say {message:?}:\n{errors}");
        }
        assert_eq!(self.listing(), before, "{args:?} changed something");
        errors
    }

    /// Every file and folder with its length and a hash of its bytes, but for the catalog of Iceberg tables, and the log and
    /// the states of worlds: SQLite tidies its files when it reads, and a change of the catalog needs a new metadata file,
    /// which is listed; whoever opens a world for writing leaves a note of that in its log and in its chain of states.
    pub fn listing(&self) -> BTreeMap<String, (u64, u64)> {
        let mut entries = BTreeMap::new();
        list(self.folder.path(), self.folder.path(), &mut entries);
        entries
    }
}

fn list(root: &Path, folder: &Path, entries: &mut BTreeMap<String, (u64, u64)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        // Locks of a local store come into being with the first change that takes them, even one that is refused.
        if name.ends_with("/log")
            || name.ends_with("/manifests")
            || name.contains("catalog.db")
            || name.contains(".worldstore-staging")
        {
            continue;
        }
        if path.is_dir() {
            entries.insert(name + "/", (0, 0));
            list(root, &path, entries);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        entries.insert(name, (bytes.len() as u64, hasher.finish()));
    }
}

pub fn code_of(output: &Output) -> i32 {
    output.status.code().expect("an exit code, not a signal")
}

pub fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn errors_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
