//! Why a host doesn't start, a generation isn't applied, or records aren't taken.

use std::path::PathBuf;

use countersign_model::SourceId;
use countersign_recorder::{AppendError, RecorderError};
use countersign_session::SessionError;
use countersign_store::StoreError;

use crate::host_key::HostKeyError;
use crate::intake::MAX_UNPACKED;

/// Why a host can't start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The recorder.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store remembers.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The first generation isn't on record.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The files of the first generation have faults.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
    /// The store has inputs that the recorder hasn't.
    #[error(
        "expected a recorder at `{}` with the inputs that the store has judged ({} records), got one without: restore the \
         recorder that belongs to the store, or begin in an empty folder",
        countersign_text::path(recorder),
        records
    )]
    Apart {
        /// The recorder.
        recorder: PathBuf,
        /// How many records the store's log has.
        records: u64,
    },
    /// The host's key.
    #[error(transparent)]
    Key(#[from] HostKeyError),
    /// A thread can't be started.
    #[error("can't start a thread: {0}")]
    Thread(std::io::Error),
}

/// Why a generation isn't applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It isn't whole: the one that serves goes on.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
    /// It differs in what is never applied, by `[reload]`.
    #[error("expected files that differ in nothing that `[reload]` refuses, got: {}", .0.join("\n"))]
    Refused(Vec<String>),
    /// Another generation was applied meanwhile.
    #[error("expected the generation to serve that the files were compared with, got another one")]
    Overtaken,
    /// No generation has this number.
    #[error(
        "expected the number of a generation that can serve again ({}), got {number}, which none has",
        listed(again)
    )]
    Unknown {
        /// The number.
        number: u64,
        /// Those that can serve again.
        again: Vec<u64>,
    },
    /// The generation of this number is what serves.
    #[error(
        "expected the number of a generation that can serve again ({}), got {number}, which is what serves",
        listed(again)
    )]
    Serves {
        /// The number.
        number: u64,
        /// Those that can serve again.
        again: Vec<u64>,
    },
    /// The generation of this number can't be built any more.
    #[error(
        "expected the number of a generation that can serve again ({}), got {number}, which can't be built any more: {}",
        listed(again),
        faults.join("; ")
    )]
    Unbuildable {
        /// The number.
        number: u64,
        /// Those that may.
        again: Vec<u64>,
        /// Why not.
        faults: Vec<String>,
    },
    /// Judging doesn't come to the end of a batch, or the host is stopping.
    #[error("expected a host that judges, got one that doesn't now: see its status, and try again")]
    Stopped,
    /// Nothing would change.
    #[error("expected another generation than the one that serves, got the same")]
    Same,
    /// It isn't on record.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Why records weren't taken.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The generation has no such source.
    #[error(
        "expected the name of a source that serves, got `{0}`: declare it in `sources.toml`, then `countersign apply`"
    )]
    NoSource(String),
    /// The source's records come otherwise.
    #[error("expected a source of kind `http`, got `{0}`, which `sources.toml` gives another kind or none")]
    NotSent(SourceId),
    /// What they are packed in expands too far.
    #[error("expected records that come to at most {} MiB unpacked, got more: send them in parts", MAX_UNPACKED >> 20)]
    TooMuch,
    /// They aren't on record.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// The most runs of numbers that are listed.
const MAX_LISTED: usize = 32;

/// Ascending numbers in words: `1, 3 to 7`; of very many the last ones.
fn listed(numbers: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let left_out = runs.len().saturating_sub(MAX_LISTED);
    let shown = runs.iter().skip(left_out).map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    let shown: Vec<String> = (left_out > 0).then(|| "…".to_owned()).into_iter().chain(shown).collect();
    if shown.is_empty() { "none: nothing else has served".to_owned() } else { shown.join(", ") }
}

#[cfg(test)]
#[path = "../tests/unit/error.rs"]
mod tests;
