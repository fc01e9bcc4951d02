//! What the host says in its own log about what it judged. What matters stands in the audit log; this is for those who look
//! at a terminal or a log.

use std::io;

use countersign_formats::DeadLetter;
use countersign_logging::LogRate;
use countersign_session::{DecisionLine, FindingLine, Notice, Observer};

use crate::metrics::Counters;

/// Writes decisions and notices to the host's log.
pub(crate) struct LogObserver<'s> {
    /// Where decisions are counted.
    pub(crate) counters: &'s Counters,
    /// What is found and decided may be as much as a sender likes.
    pub(crate) rate: LogRate,
}

impl Observer for LogObserver<'_> {
    fn decision(&mut self, seq: u64, line: &DecisionLine) -> io::Result<()> {
        self.counters.decided(line);
        if !self.rate.allows() {
            return Ok(());
        }
        tracing::info!(
            seq,
            event_id = %line.event_id,
            rule = %line.rule,
            action = line.action.map(|action| action.id()),
            decision = line.decision.id(),
            "decided"
        );
        Ok(())
    }

    fn finding(&mut self, seq: u64, line: &FindingLine) -> io::Result<()> {
        if !self.rate.allows() {
            return Ok(());
        }
        tracing::info!(
            seq,
            event_id = %line.event_id,
            rule = %line.rule,
            class = line.signal_class.id(),
            confidence = line.confidence,
            "found"
        );
        Ok(())
    }

    fn dead_letter(&mut self, seq: u64, letter: &DeadLetter) -> io::Result<()> {
        tracing::debug!(seq, input = letter.input, ordinal = letter.ordinal, "a record is set aside");
        Ok(())
    }

    fn notice(&mut self, seq: u64, notice: &Notice) -> io::Result<()> {
        match notice {
            Notice::Host { message, .. } | Notice::Source { message, .. } | Notice::Log { message } => {
                tracing::error!(seq, "{message}")
            }
            other if self.rate.allows() => tracing::warn!(seq, "{other:?}"),
            _ => {}
        }
        Ok(())
    }
}
