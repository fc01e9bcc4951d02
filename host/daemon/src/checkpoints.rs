//! Making the next checkpoint of a store's log.

use countersign_audit::standing_digest;
use countersign_model::{Digest, Timestamp};
use countersign_signing::{Checkpoint, Envelope, EnvelopeError, PublicKey, SecretKey};
use countersign_store::{SqliteReader, StoreError, Stored as _, StoredCheckpoint};

/// Why a log can't be signed or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A checkpoint in the store isn't one.
    #[error(
        "the checkpoint of segment {segment} isn't as it was signed: {source}; `countersign audit verify` says more"
    )]
    Checkpoint {
        /// Its segment.
        segment: u64,
        /// Why not.
        source: EnvelopeError,
    },
}

/// How a log stands: the segment that grows, and what was signed of it.
#[derive(Clone, Debug)]
pub(crate) struct Growing {
    /// The number of the segment.
    pub(crate) segment: u64,
    /// Its first record.
    pub(crate) first: u64,
    /// When it began; none if nothing was signed yet.
    pub(crate) begun: Option<Timestamp>,
    /// The records of the last checkpoint, of this segment or the one before.
    pub(crate) signed: u64,
    /// The last checkpoint, and the first key that signed it.
    pub(crate) last: Option<(Checkpoint, PublicKey)>,
    previous: Option<Digest>,
    /// The checkpoint that ended the segment before.
    ended: Option<StoredCheckpoint>,
}

/// What a next checkpoint says beside where the log ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Says {
    /// That the segment ends.
    pub(crate) ends: bool,
    /// Which record is the first that is kept; none as the last one said.
    pub(crate) kept: Option<u64>,
    /// Whose place the key takes.
    pub(crate) replaces: Option<PublicKey>,
}

impl Growing {
    /// Reads how a store's log stands.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn read(reader: &SqliteReader) -> Result<Growing, KeepError> {
        let Some(last) = reader.last_checkpoint()? else {
            return Ok(Growing {
                segment: 1,
                first: 0,
                begun: None,
                signed: 0,
                last: None,
                previous: None,
                ended: None,
            });
        };
        let (checkpoint, key) = opened(&last)?;
        let signed = checkpoint.records;
        Ok(if checkpoint.ends() {
            Growing {
                segment: checkpoint.segment + 1,
                first: checkpoint.records,
                begun: Some(checkpoint.at),
                signed,
                previous: Some(checkpoint.digest()),
                ended: Some(last),
                last: key.map(|key| (checkpoint, key)),
            }
        } else {
            let ended = reader.checkpoint(checkpoint.segment.saturating_sub(1))?;
            Growing {
                segment: checkpoint.segment,
                first: checkpoint.first,
                begun: Some(checkpoint.begun),
                signed,
                previous: checkpoint.previous,
                ended,
                last: key.map(|key| (checkpoint, key)),
            }
        })
    }

    /// Which key signed last.
    pub(crate) fn key(&self) -> Option<PublicKey> {
        self.last.as_ref().map(|(_, key)| *key)
    }

    /// Signs the log as it ends now, by all of these keys; the first is the host's.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn sign(
        &self,
        reader: &SqliteReader,
        says: Says,
        at: Timestamp,
        (key, also): (&SecretKey, Option<&SecretKey>),
        pause: &mut dyn FnMut(),
    ) -> Result<StoredCheckpoint, KeepError> {
        let head = reader.head()?;
        let standing = match says.ends {
            true => Some(reader.standing_at(self.ended.as_ref(), head.records(), pause)?),
            false => None,
        };
        let lines = standing.as_ref().map(|numbers| reader.standing_lines(numbers)).transpose()?;
        let kept = says.kept.unwrap_or_else(|| self.last.as_ref().map_or(0, |(last, _)| last.kept));
        let checkpoint = Checkpoint {
            segment: self.segment,
            first: self.first,
            records: head.records(),
            link: head.link(),
            standing: lines.map(|lines| standing_digest(lines.iter().map(Vec::as_slice))),
            kept,
            previous: self.previous,
            begun: self.begun.unwrap_or(at),
            at,
            replaces: says.replaces,
        };
        let failed = |source| KeepError::Checkpoint { segment: self.segment, source };
        let mut envelope = Envelope::sign(checkpoint, key);
        if let Some(also) = also {
            envelope = envelope.also_signed_by(also).map_err(failed)?;
        }
        let bytes = envelope.to_bytes();
        Ok(StoredCheckpoint { segment: self.segment, records: head.records(), standing, envelope: bytes })
    }
}

/// What a stored checkpoint says, and the first key that signed it.
///
/// # Errors
/// When it isn't one.
pub(crate) fn opened(stored: &StoredCheckpoint) -> Result<(Checkpoint, Option<PublicKey>), KeepError> {
    let envelope = Envelope::<Checkpoint>::verify(&stored.envelope)
        .map_err(|source| KeepError::Checkpoint { segment: stored.segment, source })?;
    let key = envelope.signers().next().copied();
    Ok((envelope.statement().clone(), key))
}
