//! Making the next checkpoint of a store's log.

use countersign_audit::standing_digest;
use countersign_model::{Digest, SignedNote, Timestamp};
use countersign_private::FileError;
use countersign_signing::{Checkpoint, Envelope, EnvelopeError, PublicKey, SecretKey};
use countersign_store::{SqliteReader, StoreError, Stored as _, StoredCheckpoint};

use crate::remembered::Remembered;

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
    /// The log isn't one that goes on from what was signed.
    #[error(
        "the audit log isn't as it was signed: expected {expected}, got {got}; nothing is signed until it is as it was; \
         `countersign audit verify` says more"
    )]
    NotAsSigned {
        /// What was signed.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A file beside the store.
    #[error(transparent)]
    File(#[from] FileError),
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
                segment: checkpoint.segment.saturating_add(1),
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

    /// Checks that the log goes on from what was signed: from its last checkpoint, which `key` has signed if one is given,
    /// and from the one that is remembered beside the store, or in the recorder. Returns how many records it has.
    ///
    /// INVARIANT: nothing is signed before this, or the host would vouch for a log that somebody else wrote.
    ///
    /// # Errors
    /// When it doesn't, or can't be read.
    pub(crate) fn check(
        &self,
        reader: &SqliteReader,
        (remembered, noted): (Option<&Checkpoint>, Option<&SignedNote>),
        key: Option<PublicKey>,
    ) -> Result<u64, KeepError> {
        let head = reader.head()?;
        let not = |expected: String, got: String| Err(KeepError::NotAsSigned { expected, got });
        let named = |one: &Checkpoint| format!("that of segment {} with {} records", one.segment, one.records);
        let last = self.last.as_ref().map(|(last, _)| last);
        let place = |one: &Checkpoint| (one.segment, one.records);
        if let Some(known) = remembered.filter(|known| last.is_none_or(|last| place(last) < place(known))) {
            let got = last.map_or_else(|| "none".to_owned(), named);
            return not(format!("checkpoints up to {}", named(known)), got);
        }
        if let Some(error) = self.lacks(noted) {
            return Err(error);
        }
        if let (Some(key), Some(signed)) = (key, self.key())
            && key != signed
        {
            return not(format!("a last checkpoint that is signed by `{key}`"), format!("one by `{signed}`"));
        }
        let ended = self.ended.as_ref().map(opened).transpose()?.map(|(ended, _)| ended.digest());
        let previous = last.and_then(|last| if last.ends() { Some(last.digest()) } else { last.previous });
        if ended != previous {
            let before = self.segment.saturating_sub(1);
            return not(format!("the checkpoint of segment {before} that the next one names"), "another".to_owned());
        }
        for one in remembered.into_iter().chain(last) {
            let at = one.at;
            if one.records > head.records() {
                let expected = format!("at least the {} records that were signed at {at}", one.records);
                return not(expected, head.records().to_string());
            }
            let link = reader.link_at(one.records)?;
            // What was remembered may have been dropped since.
            if link != Some(one.link) && (link.is_some() || Some(one) == last) {
                let link = link.map_or_else(|| "none".to_owned(), |link| link.to_string());
                return not(format!("link {} after {} records, as signed at {at}", one.link, one.records), link);
            }
        }
        if head.records() > 0 && reader.link_at(head.records())? != Some(head.link()) {
            return not(format!("a last record of digest {}", head.link()), "another".to_owned());
        }
        Ok(head.records())
    }

    /// What is wrong where checkpoints don't come as far as the recorder remembers that they did.
    pub(crate) fn lacks(&self, noted: Option<&SignedNote>) -> Option<KeepError> {
        let known = noted.filter(|known| self.signed < known.records)?;
        Some(KeepError::NotAsSigned {
            expected: format!("checkpoints up to {} records, as the recorder remembers it", known.records),
            got: if self.signed == 0 { "none".to_owned() } else { format!("up to {} records", self.signed) },
        })
    }

    /// How far the log was signed, to be remembered.
    pub(crate) fn signed(&self) -> Option<SignedNote> {
        let (last, key) = self.last.as_ref()?;
        Some(SignedNote { records: last.records, key: key.to_string() })
    }

    /// Has the last checkpoint remembered beside the store, unless it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn remember(&self, reader: &SqliteReader, remembered: &mut Remembered) -> Result<(), KeepError> {
        let Some((last, _)) = &self.last else { return Ok(()) };
        if remembered.last.as_ref() == Some(last) {
            return Ok(());
        }
        match reader.last_checkpoint()? {
            Some(stored) => remembered.keep(last, &stored.envelope),
            None => Ok(()),
        }
    }

    /// Signs the log as it ends now, by all of these keys; the first is the host's. Only after [`Growing::check`]. The time
    /// is never before that of the last checkpoint.
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
        let at = self.last.as_ref().map_or(at, |(last, _)| at.max(last.at));
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
/// When it isn't one, or is stored as another than it is.
pub(crate) fn opened(stored: &StoredCheckpoint) -> Result<(Checkpoint, Option<PublicKey>), KeepError> {
    let envelope = Envelope::<Checkpoint>::verify(&stored.envelope)
        .map_err(|source| KeepError::Checkpoint { segment: stored.segment, source })?;
    let key = envelope.signers().next().copied();
    let checkpoint = envelope.statement().clone();
    let (says, stored) = (
        (checkpoint.segment, checkpoint.records, checkpoint.ends()),
        (stored.segment, stored.records, stored.standing.is_some()),
    );
    if says != stored {
        let text = |(segment, records, ends)| {
            let ends = if ends { "an end" } else { "a place" };
            format!("{ends} of segment {segment} with {records} records")
        };
        return Err(KeepError::NotAsSigned { expected: text(says), got: text(stored) });
    }
    Ok((checkpoint, key))
}
