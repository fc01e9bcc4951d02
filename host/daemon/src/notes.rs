//! What the host puts on record about itself. Notes are inputs like others, so that they have their place in the order and
//! stand in the audit log; how far the log was signed is a fact, by which nothing is judged.

use std::path::Path;

use countersign_model::{HostNote, SignedNote, TokenNote};
use countersign_recorder::{
    AppendError, HostInputKind, NewHostInput, RecordedHostInput, Recorder, RecorderError, RecorderReader,
};

use crate::host::{Host, recorder_of};

/// The name of the fact.
const SIGNED: &str = "signed";

/// Puts a note on record.
///
/// # Errors
/// When it isn't on record.
pub(crate) fn put(recorder: &Recorder, note: &HostNote) -> Result<(), AppendError> {
    let payload = serde_json::to_vec(note).unwrap_or_default();
    let (kind, about) = (HostInputKind::Note, Some(note.about()));
    recorder.put(NewHostInput { kind, payload, about, contents: Vec::new(), before: None }).map(|_| ())
}

/// What a note says; none where another version wrote it.
pub(crate) fn note(input: &RecordedHostInput) -> Option<HostNote> {
    let note = serde_json::from_slice(&input.payload);
    note.inspect_err(|error| tracing::error!("host input {}: {error}: it is passed over", input.seq)).ok()
}

/// The last note about each thing.
fn last(reader: &RecorderReader) -> Result<Vec<HostNote>, RecorderError> {
    Ok(reader.last_about(HostInputKind::Note)?.iter().filter_map(note).collect())
}

/// Why the log wasn't as it was signed, as it was noted last.
pub(crate) fn accused(reader: &RecorderReader) -> Result<Option<String>, RecorderError> {
    let said = |note| if let HostNote::NotAsSigned { why } = note { Some(why) } else { None };
    Ok(last(reader)?.into_iter().find_map(said))
}

/// Remembers how far the log was signed.
///
/// # Errors
/// When it isn't on record.
pub(crate) fn set_signed(recorder: &Recorder, signed: &SignedNote) -> Result<(), AppendError> {
    recorder.remember(SIGNED, serde_json::to_vec(signed).unwrap_or_default())
}

/// How far the log was signed, as the recorder remembers it.
pub(crate) fn signed(reader: &RecorderReader) -> Result<Option<SignedNote>, RecorderError> {
    Ok(reader.fact(SIGNED)?.and_then(|value| serde_json::from_slice(&value).ok()))
}

/// Forgets it, where an older log takes the place of the one that was signed.
///
/// # Errors
/// When it can't be written.
pub(crate) fn forget_signed(recorder: &Path) -> Result<(), RecorderError> {
    Recorder::forget(recorder, SIGNED)
}

/// How far the host of a state folder has signed its log, as its recorder remembers it; none where that can't be known.
#[must_use]
pub fn signed_of(state: &Path) -> Option<SignedNote> {
    RecorderReader::open(&recorder_of(state)).and_then(|reader| signed(&reader)).ok().flatten()
}

impl Host {
    /// What became last of each token, as far as it is on record.
    ///
    /// # Errors
    /// When the recorder can't be read.
    pub fn tokens_on_record(&self) -> Result<Vec<TokenNote>, RecorderError> {
        let notes = last(&self.open.recorder.reader()?)?.into_iter();
        Ok(notes.filter_map(|note| if let HostNote::Token(token) = note { Some(token) } else { None }).collect())
    }

    /// Puts on record what became of a token.
    ///
    /// # Errors
    /// When it isn't on record.
    pub fn note_token(&self, token: TokenNote) -> Result<(), AppendError> {
        put(&self.open.recorder, &HostNote::Token(token))
    }
}
