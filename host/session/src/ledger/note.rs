//! What the host puts on record about itself.

use countersign_audit::Record;
use countersign_audit::record::{HostFinding, HostFindingKind, TokenChanged};
use countersign_model::HostNote;
use countersign_model::vocabulary::{Severity, SignalClass};

use super::Ledger;
use crate::report::{Line, Notice};

impl Ledger {
    /// Records a note of the host's at a position. That its log isn't as it was signed is a finding.
    pub(crate) fn record_note(&mut self, position: u64, note: HostNote) {
        match note {
            HostNote::Token(token) => self.page.records.push(Record::Token(TokenChanged { position, token })),
            HostNote::NotAsSigned { why } => {
                self.page.records.push(Record::HostFinding(HostFinding {
                    position,
                    kind: HostFindingKind::LogNotAsSigned,
                    signal_class: SignalClass::Evasion,
                    severity: Severity::Critical,
                    rule: None,
                    source: None,
                    message: why.clone(),
                }));
                self.page.line(Line::Notice(Notice::Log { message: why }));
            }
        }
    }
}
