//! The policy matrix over all members of the chain: the weakest cell, the highest floor, the shortest age.

use countersign_model::{Effect, Identity, Reason, ReasonCode};
use countersign_policy::{Answer, CellOutcome, DEFAULT_MAX_AGE};

use super::Question;

/// The matrix's conditions.
pub(super) struct Terms {
    /// The highest floor of the chain.
    pub(super) floor: u8,
    /// The shortest age of the chain, microseconds.
    pub(super) max_age: i64,
}

impl Question<'_> {
    /// Looks up the subject, then every other member of the chain.
    pub(super) fn matrix(&self, reasons: &mut Vec<Reason>) -> Terms {
        let own = self.cell(&self.subject.identity);
        let mut terms = Terms {
            floor: own.map_or(0, |cell| cell.floor),
            max_age: own.map_or(DEFAULT_MAX_AGE, |cell| cell.max_age),
        };
        let combination = self.combination(&self.subject.identity);
        reasons.push(match own {
            Some(cell) => {
                let detail =
                    format!("`{}` answers `{}` for {combination}, floor {}", cell.name, cell.answer.id(), cell.floor);
                self.reason(ReasonCode::PolicyCell, effect(Some(cell)), detail)
            }
            None if self.observes() => {
                let detail = "no cell is needed to observe: floor 0";
                self.reason(ReasonCode::ObserveExempt, Effect::Allow, detail)
            }
            None => {
                let detail = format!("no cell covers {combination}: never");
                self.reason(ReasonCode::PolicyUnset, Effect::Refuse, detail)
            }
        });
        self.review(own, reasons);
        for member in &self.subject.chain {
            let cell = self.cell(&member.identity);
            if cell.is_none() && self.observes() {
                continue;
            }
            let floor = cell.map_or(0, |cell| cell.floor);
            let max_age = cell.map_or(DEFAULT_MAX_AGE, |cell| cell.max_age);
            // INVARIANT: the strictest member of the chain counts.
            if self.strictness(cell) > self.strictness(own) || floor > terms.floor || max_age < terms.max_age {
                let (name, answer) = cell.map_or(("unset", Answer::Never), |cell| (cell.name.as_str(), cell.answer));
                let detail = format!(
                    "`{name}` answers `{}` for {} in the chain, floor {floor}",
                    answer.id(),
                    self.combination(&member.identity)
                );
                reasons.push(self.reason(ReasonCode::StrictestInChain, self.strictness(cell), detail));
            }
            self.review(cell, reasons);
            terms.floor = terms.floor.max(floor);
            terms.max_age = terms.max_age.min(max_age);
        }
        terms
    }

    fn cell(&self, identity: &Identity) -> Option<&CellOutcome> {
        let class = self.found.finding.signal_class;
        self.inputs.policy.cell(class, identity.identity_type, identity.tier, self.action)
    }

    fn combination(&self, identity: &Identity) -> String {
        let class = self.found.finding.signal_class;
        format!("class `{class}`, type `{}`, tier `{}`, `{}`", identity.identity_type, identity.tier, self.action)
    }

    /// Observe actions are exempt from "unset is never", not from a cell that is set.
    fn strictness(&self, cell: Option<&CellOutcome>) -> Effect {
        if cell.is_none() && self.observes() { Effect::Allow } else { effect(cell) }
    }

    fn review(&self, cell: Option<&CellOutcome>, reasons: &mut Vec<Reason>) {
        let Some(cell) = cell.filter(|cell| cell.answer == Answer::Automatic) else { return };
        // A cell without a date can't be written; were there one, it would be overdue.
        let overdue = cell.review_by.as_ref().is_none_or(|date| date.is_over(self.inputs.clock));
        if overdue {
            let date = cell.review_by.as_ref().map(ToString::to_string).unwrap_or_default();
            let detail = format!("`{}` was to be reviewed by {date}: it falls back to approval", cell.name);
            reasons.push(self.reason(ReasonCode::PolicyReviewOverdue, Effect::Approval, detail));
        }
    }
}

fn effect(cell: Option<&CellOutcome>) -> Effect {
    match cell.map_or(Answer::Never, |cell| cell.answer) {
        Answer::Automatic => Effect::Allow,
        Answer::Approval => Effect::Approval,
        Answer::Never => Effect::Refuse,
    }
}
