//! What every backend does with a commit before it stores anything: a commit that can't be stored as a whole is refused
//! here.

use countersign_audit::{Blob, ChainWriter};

use crate::error::Overtaken;
use crate::{Commit, StoreError};

/// Maximum bytes of one value: the blob of a state entry, or a value of memory.
pub(crate) const MAX_VALUE: usize = Blob::MAX_BYTES;

/// The log after a commit, and the commit's lines one after another. `end` is the log as it is stored.
pub(crate) fn prepare(end: ChainWriter, commit: &Commit<'_>) -> Result<(ChainWriter, Vec<u8>), StoreError> {
    if commit.expected != end {
        return Err(StoreError::Superseded(Overtaken::Head { expected: commit.expected, got: end }));
    }
    check_sizes(commit)?;
    let (mut end, mut lines) = (end, Vec::new());
    for record in commit.records {
        end.append(record, &mut lines)?;
    }
    Ok((end, lines))
}

/// Refuses what couldn't be read back.
fn check_sizes(commit: &Commit<'_>) -> Result<(), StoreError> {
    if let Some(blob) = commit.blobs.iter().find(|blob| blob.bytes().len() > Blob::MAX_BYTES) {
        let got = blob.bytes().len() as u64;
        return Err(StoreError::BlobTooLarge { name: blob.name(), limit: Blob::MAX_BYTES, got });
    }
    let state = commit.baselines.iter().chain(commit.state).filter_map(|change| change.entry.as_ref());
    let largest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
    let values = [
        ("state entry", largest(&mut state.map(|entry| entry.blob.len()))),
        ("key of memory", largest(&mut commit.memory.iter().map(|change| change.key.len()))),
        (
            "value of memory",
            largest(&mut commit.memory.iter().filter_map(|change| change.value.as_ref()).map(Vec::len)),
        ),
    ];
    match values.into_iter().find(|(_, got)| *got > MAX_VALUE) {
        Some((what, got)) => Err(StoreError::ValueTooLarge { what, limit: MAX_VALUE, got }),
        None => Ok(()),
    }
}
