//! Comparing a log with what its host has signed about it: checkpoints, in their order.
//!
//! The chain proves that no line was changed by itself; a checkpoint proves that the host's key had signed the log as far as
//! that. So a log that was written anew, cut before a checkpoint, or put back from an older copy is found out, unless the
//! checkpoints were put back as well: only one that was kept elsewhere shows that.

use std::io;

use countersign_model::{Digest, SignedNote, Timestamp};
use countersign_signing::{Checkpoint, Envelope, PublicKey};

use crate::chain::ChainWriter;
use crate::verify::{AuditFault, FaultCode, file_fault};

/// The link before the record of a number; none if that isn't known.
pub type LinkAt<'l> = &'l dyn Fn(u64) -> io::Result<Option<Digest>>;

/// A log whose chain holds, as far as checkpoints are about it.
pub struct SignedLog<'l> {
    /// The number of its first record; more than 0 where earlier ones aren't in it.
    pub first: u64,
    /// The digest of the lines that stand there.
    pub standing: Option<Digest>,
    /// Its end.
    pub end: ChainWriter,
    /// The links within it.
    pub link: LinkAt<'l>,
    /// Whether this is all that its host keeps; else a part of it.
    pub whole: bool,
}

/// By what checkpoints are believed.
#[derive(Clone, Debug, Default)]
pub struct Believed {
    /// The keys that may have signed them; none for any.
    pub keys: Vec<PublicKey>,
    /// A checkpoint that was kept elsewhere: the log has to go on from there.
    pub saved: Option<Vec<u8>>,
    /// How far the host has signed it, as something beside the log says: checkpoints have to come that far.
    pub noted: Option<SignedNote>,
}

impl Believed {
    /// Whether any key is as good as another, and nothing was kept elsewhere.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.keys.is_empty() && self.saved.is_none() && self.noted.is_none()
    }
}

/// Up to where a log is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedUpTo {
    /// All records before this number are.
    pub records: u64,
    /// When, by the host's clock.
    pub at: Timestamp,
    /// By which key.
    pub key: PublicKey,
    /// How many segments have ended.
    pub segments: u64,
}

/// Checks checkpoints against each other and against a log, in the order of their segments. None if there are none.
///
/// # Errors
/// When a link can't be read. The inner error is every fault.
pub fn check_signed<'e>(
    envelopes: impl IntoIterator<Item = &'e [u8]>,
    log: &SignedLog<'_>,
    believed: &Believed,
) -> io::Result<Result<Option<SignedUpTo>, Vec<AuditFault>>> {
    let mut check = Check {
        log,
        trusted: believed.keys.clone(),
        any: believed.keys.is_empty(),
        last: None,
        elsewhere: None,
        faults: Vec::new(),
    };
    for envelope in envelopes {
        check.next(envelope)?;
    }
    if let Some(saved) = &believed.saved {
        check.saved(saved)?;
    }
    check.noted(believed.noted.as_ref());
    check.finish();
    let Check { last, elsewhere, faults, .. } = check;
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    Ok(Ok(last.or(elsewhere).map(|(checkpoint, key)| SignedUpTo {
        records: checkpoint.records,
        at: checkpoint.at,
        key,
        segments: checkpoint.segment.saturating_sub(u64::from(!checkpoint.ends())),
    })))
}

struct Check<'l> {
    log: &'l SignedLog<'l>,
    trusted: Vec<PublicKey>,
    any: bool,
    last: Option<(Checkpoint, PublicKey)>,
    /// The one that was kept elsewhere.
    elsewhere: Option<(Checkpoint, PublicKey)>,
    faults: Vec<AuditFault>,
}

impl Check<'_> {
    fn fault(&mut self, code: FaultCode, expected: impl ToString, got: impl ToString) {
        self.faults.push(file_fault(code, expected, got));
    }

    /// Reads a checkpoint that one of the trusted keys has signed.
    fn read(&mut self, bytes: &[u8]) -> Option<(Checkpoint, PublicKey)> {
        let envelope = match Envelope::<Checkpoint>::verify(bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.fault(FaultCode::WrongCheckpoint, "a signed checkpoint", error);
                return None;
            }
        };
        let checkpoint = envelope.statement().clone();
        let key = *envelope.signers().next()?;
        let vouched = checkpoint
            .replaces
            .is_some_and(|old| self.trusted.contains(&old) && envelope.signers().any(|signer| *signer == old));
        if vouched && !self.trusted.contains(&key) {
            self.trusted.push(key);
        }
        if !self.any && !self.trusted.contains(&key) {
            let (segment, at) = (checkpoint.segment, checkpoint.at);
            let got = format!("`{key}` for the checkpoint of segment {segment}, {at}");
            self.fault(FaultCode::ForeignKey, "a signature of a key that was given", got);
        }
        Some((checkpoint, key))
    }

    fn next(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((checkpoint, key)) = self.read(bytes) else { return Ok(()) };
        match self.last.take() {
            None => self.begin(&checkpoint),
            Some((before, by)) => self.follow(&before, by, &checkpoint, key),
        }
        self.place(&checkpoint, "checkpoint")?;
        self.last = Some((checkpoint, key));
        Ok(())
    }

    /// The first one that is there.
    fn begin(&mut self, checkpoint: &Checkpoint) {
        let first = self.log.first;
        let is_first = checkpoint.segment == 1 && checkpoint.first == 0 && checkpoint.previous.is_none();
        let ended_before = checkpoint.records == first && checkpoint.ends();
        if first == 0 && !is_first || first > 0 && !ended_before {
            let expected = match first {
                0 => "the checkpoint of segment 1".to_owned(),
                _ => format!("the checkpoint that ended the segment before record {first}"),
            };
            let got = format!(
                "one of segment {} with records {} to {}",
                checkpoint.segment, checkpoint.first, checkpoint.records
            );
            self.fault(FaultCode::CheckpointMissing, expected, got);
        }
        if first > 0 && ended_before && self.log.standing != checkpoint.standing {
            let text = |digest: Option<Digest>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
            let expected = format!("lines that stand at record {first}, of digest {}", text(checkpoint.standing));
            self.fault(FaultCode::WrongOpening, expected, text(self.log.standing));
        }
    }

    fn follow(&mut self, before: &Checkpoint, by: PublicKey, checkpoint: &Checkpoint, key: PublicKey) {
        let follows = before.ends()
            && checkpoint.segment == before.segment + 1
            && checkpoint.first == before.records
            && checkpoint.previous == Some(before.digest());
        if !follows {
            let expected = format!("the checkpoint of segment {}, which names the one before", before.segment + 1);
            self.fault(FaultCode::CheckpointMissing, expected, format!("one of segment {}", checkpoint.segment));
        }
        if key != by && checkpoint.replaces != Some(by) {
            let expected = format!("a signature of `{by}`, or a checkpoint that replaces that key");
            self.fault(FaultCode::ForeignKey, expected, format!("`{key}`"));
        }
    }

    /// Compares a checkpoint with the log.
    fn place(&mut self, checkpoint: &Checkpoint, what: &str) -> io::Result<()> {
        let (records, at, end) = (checkpoint.records, checkpoint.at, self.log.end);
        if records > end.records() {
            let expected = format!("at least the {records} records of the {what} of {at}");
            let got = format!("{}: the log was cut, or an older copy was put back", end.records());
            self.fault(FaultCode::NotAsSigned, expected, got);
            return Ok(());
        }
        // What was dropped can't be compared.
        if records < self.log.first {
            return Ok(());
        }
        let link = if records == end.records() { Some(end.link()) } else { (self.log.link)(records)? };
        if let Some(link) = link.filter(|link| *link != checkpoint.link) {
            let expected = format!("link {} after {records} records, as the {what} of {at} says", checkpoint.link);
            self.fault(FaultCode::NotAsSigned, expected, format!("link {link}: the log was written anew"));
        }
        Ok(())
    }

    fn saved(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((saved, key)) = self.read(bytes) else { return Ok(()) };
        self.place(&saved, "checkpoint that was kept elsewhere,")?;
        let last = self.last.as_ref().map(|(last, _)| (last.segment, last.records));
        let goes_on = last.is_some_and(|(segment, records)| segment >= saved.segment && records >= saved.records);
        if self.log.whole && !goes_on {
            let expected =
                format!("checkpoints up to that of segment {} with {} records", saved.segment, saved.records);
            let got = last.map_or_else(
                || "none".to_owned(),
                |(segment, records)| format!("segment {segment}, {records} records"),
            );
            self.fault(FaultCode::CheckpointMissing, expected, got);
        }
        self.elsewhere = Some((saved, key));
        Ok(())
    }

    /// Compares the last checkpoint of all that a host keeps with how far that has signed it.
    fn noted(&mut self, noted: Option<&SignedNote>) {
        let Some(noted) = noted.filter(|_| self.log.whole) else { return };
        let last = self.last.as_ref().map(|(last, _)| last.records);
        if last.is_none_or(|records| records < noted.records) {
            let expected = format!("checkpoints up to {} records, which the host has signed", noted.records);
            let got = last.map_or_else(|| "none".to_owned(), |records| format!("up to {records} records"));
            self.fault(FaultCode::CheckpointMissing, expected, got);
        }
    }

    fn finish(&mut self) {
        let first = self.log.first;
        match &self.last {
            None if (!self.any && self.elsewhere.is_none()) || first > 0 => {
                self.fault(FaultCode::CheckpointMissing, "signed checkpoints", "none")
            }
            Some((last, _)) if self.log.whole && last.kept < first => {
                let expected = format!("records from {} on, as the last checkpoint says", last.kept);
                self.fault(FaultCode::NotDropped, expected, format!("records from {first} on"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/signed.rs"]
mod tests;
