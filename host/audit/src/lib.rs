//! The audit file: what the host decided and why, in a form in which any change is detectable.
//!
//! **Form.** NDJSON. Each line is one [`Record`] with its sequence number and a link: the plain SHA-256 of the previous
//! line's exact bytes, newline included (64 zeros on the first line). The first record is a header; a finished file ends
//! with a seal, which counts the records and carries the SHA-256 of its own line's bytes up to that digest. The file's
//! *head* is the SHA-256 of the whole seal line.
//!
//! **What is in it.** Content that telemetry brought is named by keyed digests (HMAC-SHA-256), because plain ones of
//! guessable content can be guessed; the content itself is stored beside the file, in blobs. No record names a path or
//! the time of day, so the same input gives the same bytes.
//!
//! **What verification proves.** With nothing but the file, [`verify()`] finds any changed bit and names its line, and any
//! line removed, added, repeated or moved. A file cut short after a record can't be told from one of a run that was
//! interrupted: neither has a seal. Chain and seal are plain digests, so an attacker who can rewrite the *whole*
//! file can compute them anew: only a head kept elsewhere, or a checkpoint signed by a key that the attacker hasn't, shows
//! that. It does not prove that the records are true, nor
//! that blobs are undamaged: [`Record::blobs`] names them all, so that can be checked with the key.

pub mod blob;
pub mod chain;
mod check;
mod lines;
mod opening;
pub mod read;
pub mod record;
pub mod signed;
mod standing;
pub mod verify;

pub use blob::Blob;
pub use chain::{AppendError, ChainWriter, Head};
pub use lines::{BEGINNING, MAX_LINE};
pub use opening::{MAX_STANDING, Opening, begins, standing_digest};
pub use read::{Entry, ReadError, Records, parse, read};
pub use record::Record;
pub use signed::{Believed, SignedLog, SignedUpTo, check_signed};
pub use standing::StandingLines;
pub use verify::{AuditFault, FaultCode, Unsealed, Verified, VerifyError, verify, verify_log, verify_opened};
