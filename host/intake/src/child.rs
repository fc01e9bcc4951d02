//! The child process, once it is confined: admits one rule after another, replies to each, and exits.

use std::io::{self, Read, Write};

use countersign_admission::{admit, fingerprint};
use countersign_confine::{FrameError, read, write};
use countersign_declaration::Ceilings;

use crate::parent::{CEILINGS, MAX_CEILINGS, RULE, VERDICT, max_rule};
use crate::verdict::Verdict;

/// Why it ended before its input did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The input isn't what a parent sends.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The limits can't be read.
    #[error("the operator's limits can't be read: {0}")]
    Ceilings(String),
    /// The reply can't be written.
    #[error("the reply can't be written: {0}")]
    Reply(io::Error),
}

/// Reads the operator's limits and then rules, and writes a verdict for each.
///
/// # Errors
/// When the input is something else, or a reply can't be written.
pub fn serve(mut input: impl Read, mut output: impl Write) -> Result<(), ServeError> {
    let first = read(&mut input, MAX_CEILINGS)?.filter(|frame| frame.kind == CEILINGS).ok_or(FrameError::Form)?;
    let ceilings: Ceilings =
        serde_json::from_slice(&first.bytes).map_err(|error| ServeError::Ceilings(error.to_string()))?;
    while let Some(frame) = read(&mut input, max_rule(&ceilings))? {
        if frame.kind != RULE {
            return Err(FrameError::Form.into());
        }
        let verdict = match admit(&frame.bytes, &ceilings) {
            Ok(_) => Verdict::Admitted,
            Err(refusals) => Verdict::Refused(refusals),
        };
        let reply = verdict.write(fingerprint(&frame.bytes));
        write(&mut output, VERDICT, &reply).map_err(ServeError::Reply)?;
    }
    Ok(())
}
