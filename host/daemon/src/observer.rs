//! What the host says in its own log about what it judged. What matters stands in the audit log; this is for those who look
//! at a terminal or a log.

use std::io;

use countersign_formats::DeadLetter;
use countersign_session::{DecisionLine, Notice, Observer};

/// Writes decisions and notices to the host's log.
pub(crate) struct LogObserver;

impl Observer for LogObserver {
    fn decision(&mut self, seq: u64, line: &DecisionLine) -> io::Result<()> {
        tracing::info!(
            seq,
            event_id = %line.event_id,
            rule = %line.rule,
            decision = line.decision.id(),
            "decided"
        );
        Ok(())
    }

    fn dead_letter(&mut self, seq: u64, letter: &DeadLetter) -> io::Result<()> {
        tracing::debug!(seq, reason = letter.reason_code.code(), "a record can't be used");
        Ok(())
    }

    fn notice(&mut self, seq: u64, notice: &Notice) -> io::Result<()> {
        match notice {
            Notice::Host { message, .. } | Notice::Source { message, .. } => tracing::error!(seq, "{message}"),
            other => tracing::warn!(seq, "{other:?}"),
        }
        Ok(())
    }
}
