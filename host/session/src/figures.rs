//! What a session tells of itself while it runs. Nothing of it affects what is judged.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_model::{DecisionKind, RuleId, Timestamp};

use crate::session::Session;

/// What a session has done, those before it in the same store included unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Events judged.
    pub events: u64,
    /// Records that became dead letters.
    pub dead_letters: u64,
    /// Events that came before.
    pub duplicates: u64,
    /// Findings.
    pub findings: u64,
    /// Decisions by kind; every kind is there.
    pub decisions: BTreeMap<DecisionKind, u64>,
    /// Up to which time events are complete, by the sources' own times; none before the first event.
    pub watermark: Option<Timestamp>,
    /// Commits of this session alone, and how long they took in all.
    pub commits: (u64, Duration),
    /// The rules of the generation that serves.
    pub rules: BTreeMap<RuleId, RuleFigures>,
}

/// What a rule has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFigures {
    /// Rows that were delivered to it.
    pub delivered: u64,
    /// Rows that were held back from it.
    pub held: u64,
    /// Rows that were set aside for it because it failed on them.
    pub set_aside: u64,
    /// Findings.
    pub findings: u64,
    /// The gate's clock at its last finding.
    pub last_finding: Option<Timestamp>,
    /// What it keeps, bytes.
    pub state_bytes: u64,
    /// Timers that are pending.
    pub timers: u64,
    /// The parts of sources whose rows it isn't called with for a while.
    pub parked: u64,
    /// The sources for which it is in quarantine or stopped.
    pub quarantined: u64,
}

impl Session<'_> {
    /// What it has done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let summary = &self.ledger.summary;
        let of = |counts: &BTreeMap<RuleId, u64>, id: &RuleId| counts.get(id).copied().unwrap_or_default();
        let kind = |kind: &DecisionKind| (*kind, summary.decisions.get(kind.id()).copied().unwrap_or_default());
        let generation = self.ledger.generation();
        let mut rules: BTreeMap<RuleId, RuleFigures> = BTreeMap::new();
        for rule in &generation.responses {
            rules.entry(rule.identity.id.clone()).or_default();
        }
        for figures in self.judges.figures() {
            rules.extend([figures]);
        }
        for (id, hold) in self.judges.holds().chain(self.ledger.response_holds()) {
            let Some(figures) = rules.get_mut(id) else { continue };
            *(if hold.is_of_source() { &mut figures.quarantined } else { &mut figures.parked }) += 1;
        }
        for (id, figures) in &mut rules {
            figures.set_aside = of(&summary.rows_set_aside, id);
            figures.findings = of(&summary.findings_by_rule, id);
            figures.last_finding = self.ledger.last_findings.get(id).copied();
        }
        Figures {
            events: summary.events,
            dead_letters: summary.set_aside,
            duplicates: summary.duplicates,
            findings: summary.findings,
            decisions: DecisionKind::ALL.iter().map(kind).collect(),
            watermark: self.sequencer.clock().watermark(),
            commits: self.commits,
            rules,
        }
    }
}
