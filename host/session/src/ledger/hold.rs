//! Records where rows of a source begin to be held from a rule, and where they reach it again.

use countersign_audit::Record;
use countersign_audit::record::{HostFindingKind, Parked, Quarantine, Readmitted};
use countersign_model::vocabulary::Severity;
use countersign_model::{Hold, HoldEnd, RuleId};
use countersign_stream::{BegunHold, HoldCause, QuarantineThreshold};
use countersign_text::quoted;

use super::Ledger;
use crate::report::{Line, Notice, describe_held};

impl Ledger {
    /// Records that a rule is in quarantine for a source, or parked for a part of its rows.
    pub(super) fn record_hold(&mut self, position: u64, rule: &RuleId, BegunHold { hold, cause }: BegunHold) {
        let (source, until) = (hold.source.clone(), hold.until);
        *self.summary.holds.entry(rule.clone()).or_default() += 1;
        self.counted.insert(rule.clone());
        match cause {
            HoldCause::Accounts { failed, seen } => {
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
                let message = format!(
                    "`{rule}` is in quarantine for {}: within an hour it failed on rows of {failed} of {seen} \
                     authenticated accounts; it judges no rows of that source until {until}",
                    quoted(&hold.source)
                );
                self.add_silenced(rule);
                self.record_host_finding(position, HostFindingKind::RuleQuarantined, Severity::High, rule, message);
            }
            HoldCause::Charges { calls } => {
                self.page.records.push(Record::Parked(Parked {
                    position,
                    rule: rule.clone(),
                    source,
                    rows: hold.rows,
                    party: hold.party.clone(),
                    calls: calls.into(),
                    until,
                }));
                let message = format!(
                    "`{rule}` is parked for {}: within an hour rows on which it failed have cost {calls} times its \
                     fuel; it judges no more of them until {until}",
                    describe_held(&hold.source, hold.rows, hold.party.as_deref())
                );
                // One party's rows are a part of the others': a source's whole part leaves a gap.
                let severity = if hold.party.is_some() { Severity::Medium } else { Severity::High };
                self.record_host_finding(position, HostFindingKind::RuleParked, severity, rule, message);
            }
        }
        self.holds.entry(rule.clone()).or_default().push(hold);
    }

    /// Records that rows reach a rule again.
    pub(super) fn record_readmitted(&mut self, position: u64, rule: &RuleId, hold: Hold, end: HoldEnd) {
        let left = self.holds.entry(rule.clone()).or_default();
        left.retain(|other| *other != hold);
        if !left.iter().any(Hold::is_quarantine) && hold.is_quarantine() {
            self.summary.silenced.retain(|silenced| silenced != rule);
        }
        let why = match end {
            HoldEnd::Time => "the time is over",
            HoldEnd::OtherCode => "it has other code",
        };
        let message =
            format!("`{rule}` judges {} again: {why}", describe_held(&hold.source, hold.rows, hold.party.as_deref()));
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
