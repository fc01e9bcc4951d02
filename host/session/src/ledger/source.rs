//! How sources stand: records it, and says what of it concerns a decision.

use std::collections::BTreeSet;

use countersign_audit::Record;
use countersign_audit::record::{HostFinding, HostFindingKind, SourceStood};
use countersign_gate::{Circumstances, Sources};
use countersign_generation::Rule;
use countersign_model::vocabulary::{Severity, SignalClass};
use countersign_model::{RuleId, SourceId, SourceStanding};
use countersign_text::quoted;

use super::Ledger;
use crate::chunk::Judges;
use crate::report::{Line, Notice};

impl Ledger {
    /// A source stands otherwise from a position on. What is wrong with it that wasn't before is a finding of the host.
    pub(crate) fn record_source(&mut self, position: u64, standing: SourceStanding) {
        let SourceStanding { source, unwell } = standing;
        let before = self.unwell.remove(&source).unwrap_or_default();
        let record = SourceStood { position, source: source.clone(), unwell: unwell.clone() };
        self.page.records.push(Record::Source(record));
        for new in unwell.iter().filter(|new| !before.iter().any(|old| old.what == new.what)) {
            let message = format!(
                "{} is {} since {}: {}; what rests on it needs approval",
                quoted(&source),
                new.what,
                new.since,
                new.why
            );
            self.page.records.push(Record::HostFinding(HostFinding {
                position,
                kind: HostFindingKind::SourceUnwell,
                signal_class: SignalClass::Evasion,
                severity: Severity::High,
                rule: None,
                source: Some(source.clone()),
                message: message.clone(),
            }));
            self.page.line(Line::Notice(Notice::Source { source: source.clone(), message }));
        }
        if unwell.is_empty() {
            if !before.is_empty() {
                let message = format!("{} is well again", quoted(&source));
                self.page.line(Line::Notice(Notice::Source { source, message }));
            }
        } else {
            self.unwell.insert(source, unwell);
        }
    }

    /// The present circumstances of a decision.
    pub(super) fn circumstances(&self) -> Circumstances {
        Circumstances { sources: Sources::of(&self.unwell), ..Circumstances::unconfigured() }
    }

    /// Goes on with the sources of what rules keep.
    pub(crate) fn set_sources(&mut self, judges: &Judges) {
        self.kept_of = judges.sources().map(|(rule, sources)| (rule.clone(), sources.clone())).collect();
    }

    /// Sources of what rules keep came, each with the position of its first row.
    pub(crate) fn add_sources(&mut self, new: Vec<(RuleId, SourceId, u64)>) {
        for (rule, source, from) in new {
            self.kept_of.entry(rule).or_default().insert(source, from);
        }
    }

    /// The sources that a rule's finding at a position rests on beside that of its row: those of all rows that what the rule
    /// keeps may be made of, or what a rule keeps that feeds it.
    pub(super) fn kept_sources(&self, rule: &Rule, position: u64) -> BTreeSet<SourceId> {
        let rules = rule.authority.lineage.iter().chain([&rule.identity.id]);
        let kept = rules.filter_map(|id| self.kept_of.get(id)).flatten();
        // Rows after it may have been judged already.
        kept.filter(|(_, from)| **from <= position).map(|(source, _)| source.clone()).collect()
    }
}
