//! The commands of `worldstore wal` and their arguments; the text of their `--help`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum WalCommand {
    /// Print the segments of a log, or the objects of one that is kept as objects
    ///
    /// A segment is `sealed` or `fenced` when it is at its end, `open` if it may be written, and `torn` if bytes
    /// behind its last record are none: then it is being written, or a crash has cut a record, which the next
    /// writer removes. Objects are a `group` of records, or the `fence` by which a writer has opened the log.
    #[command(verbatim_doc_comment)]
    Inspect {
        /// The folder of a log
        log: String,
        /// The records too: number, kind, bytes of the payload and their CRC-32C
        #[arg(long)]
        records: bool,
        /// JSON lines: kind (segment, superseded, log, record) and what belongs to it
        #[arg(long)]
        json: bool,
    },
    /// Read all of a log and test every byte
    ///
    /// The exit code is 0 only if the log is sound. If not, all damage is told with its file or object and its
    /// offset, and how many records before and behind the first damage can be read: `worldstore wal salvage`
    /// saves them.
    #[command(verbatim_doc_comment)]
    Verify {
        /// The folder of a log
        log: String,
        /// One JSON object: sound, records, first, last, bytes, parts, epoch, torn_bytes, lost; or damage,
        /// records_before, records_after
        #[arg(long)]
        json: bool,
    },
    /// Copy what can be read of a damaged log into a new one, and tell what is lost
    ///
    /// Records keep their numbers and kinds; numbers that were lost stay free. What is lost before the first and
    /// behind the last record that can be read is not known to anyone. The log itself is not touched; it should
    /// have no writer.
    #[command(verbatim_doc_comment)]
    Salvage {
        /// The folder of a log
        log: String,
        /// The folder for the new log, on this machine; it must not exist or be empty
        target: PathBuf,
        /// One JSON object: copied, first, last, lost, damage
        #[arg(long)]
        json: bool,
    },
}
