//! Records where rows of a source begin to be held from a rule, and where they reach it again.

use countersign_audit::Record;
use countersign_audit::record::{HostFindingKind, Parked, Quarantine, Readmitted, RuleStopped};
use countersign_model::vocabulary::Severity;
use countersign_model::{Hold, HoldEnd, Occasion, RuleId};
use countersign_stream::{BegunHold, HoldCause, QuarantineThreshold};
use countersign_text::quoted;

use super::Ledger;
use crate::error::SessionError;
use crate::report::{Line, Notice, describe_held};

impl Ledger {
    /// Records that a rule is in quarantine for a source, stopped for it, or parked for a part of its rows, after a row.
    pub(super) fn record_hold(
        &mut self,
        position: u64,
        rule: &RuleId,
        (occasion, event_id): (Occasion, String),
        BegunHold { hold, cause }: BegunHold,
    ) -> Result<(), SessionError> {
        let Hold { source, rows, party, until, .. } = hold;
        *self.summary.holds.entry(rule.clone()).or_default() += 1;
        self.counted.insert(rule.clone());
        match cause {
            HoldCause::Accounts { failed, seen } => {
                let message = format!(
                    "`{rule}` is in quarantine for {}: within an hour it failed on rows of {failed} of {seen} \
                     authenticated accounts; it judges no rows of that source until {until}",
                    quoted(&source)
                );
                let QuarantineThreshold { min_accounts, percent } = self.threshold;
                self.page.records.push(Record::Quarantine(Quarantine {
                    position,
                    rule: rule.clone(),
                    failing_accounts: failed,
                    accounts: seen,
                    share: u8::try_from(percent).unwrap_or(100),
                    least: u64::from(min_accounts),
                    source: Some(source),
                    until: Some(until),
                }));
                self.record_host_finding(position, HostFindingKind::RuleQuarantined, Severity::High, rule, message);
            }
            HoldCause::Charges { calls } => {
                let message = format!(
                    "`{rule}` is parked for {}: within an hour rows on which it failed have cost {calls} times its \
                     fuel; it judges no more of them until {until}",
                    describe_held(&source, rows, party.as_deref())
                );
                // One party's rows are a part of the others': a source's whole part leaves a gap.
                let severity = if party.is_some() { Severity::Medium } else { Severity::High };
                self.page.records.push(Record::Parked(Parked {
                    position,
                    rule: rule.clone(),
                    source,
                    rows,
                    party,
                    calls: calls.into(),
                    until,
                }));
                self.record_host_finding(position, HostFindingKind::RuleParked, severity, rule, message);
            }
            HoldCause::Deadline { message: what } => {
                // A stalled machine must not silence a rule.
                if !self.generation.engine.is_alive() {
                    return Err(SessionError::Stalled(rule.clone()));
                }
                let message = format!(
                    "`{rule}` is stopped for {}: it ran past the deadline twice; nothing of that source reaches it \
                     until {until}",
                    quoted(&source)
                );
                self.page.records.push(Record::RuleStopped(RuleStopped {
                    position,
                    rule: rule.clone(),
                    occasion,
                    event_id,
                    message: what,
                    source: Some(source),
                    until: Some(until),
                }));
                self.record_host_finding(position, HostFindingKind::RuleStopped, Severity::High, rule, message);
            }
        }
        Ok(())
    }

    /// Records that rows reach a rule again.
    pub(super) fn record_readmitted(&mut self, position: u64, rule: &RuleId, hold: Hold, end: HoldEnd) {
        let why = match end {
            HoldEnd::Time => "the time is over",
            HoldEnd::OtherCode => "it has other code",
        };
        let held = describe_held(&hold.source, hold.rows, hold.party.as_deref());
        let message = format!("{held} reach `{rule}` again: {why}");
        let Hold { source, rows, party, .. } = hold;
        self.page.records.push(Record::Readmitted(Readmitted {
            position,
            rule: rule.clone(),
            source,
            rows,
            party,
            end,
        }));
        self.page.line(Line::Notice(Notice::Host { rule: rule.clone(), message }));
    }
}
