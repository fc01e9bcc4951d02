//! All approvals of a host: one card for an account and action, a bounded number of them, and how hastily people answer.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::{RuleId, Timestamp};
use countersign_policy::PersonRole;
use serde::{Deserialize, Serialize};

use crate::answer::Signed;
use crate::approval::{Approval, Outcome, State};
use crate::card::{Card, Evidence};
use crate::electorate::Electorate;
use crate::terms::{Meanwhile, Terms};

/// Answers within so many microseconds of the question are counted as hasty: ten seconds.
const HASTY: i64 = 10 * 1_000_000;

/// How many cards may wait at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// In all.
    pub pending: usize,
    /// Of those that rest on one rule: a rule that asks too much leaves room for others.
    pub pending_per_rule: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { pending: 500, pending_per_rule: 100 }
    }
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It has a card, of this number.
    New(u64),
    /// This card asks for it already.
    Joined(u64),
    /// This card, about the same account and action, is answered first; then this question is asked, or the last one that
    /// came meanwhile.
    Behind(u64),
    /// As many cards wait as may, of all or of this rule: nobody is asked, and somebody has to hear of that.
    Full(Option<RuleId>),
}

/// An approval that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The approval.
    pub approval: Approval,
    /// The card that is asked now, which waited behind it.
    pub next: Option<u64>,
}

/// An approval that waits, and the question behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    approval: Approval,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<(Card, Terms)>,
}

/// How often somebody answered, and how often within ten seconds of the question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// Answers that counted.
    pub answers: u64,
    /// Those of them within ten seconds.
    pub hasty: u64,
}

/// The approvals that wait, and counters of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    open: BTreeMap<u64, Open>,
    counters: BTreeMap<String, Counter>,
}

impl Desk {
    /// The approvals that wait, by number.
    pub fn pending(&self) -> impl Iterator<Item = &Approval> {
        self.open.values().map(|open| &open.approval)
    }

    /// One that waits.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Approval> {
        self.open.get(&number).map(|open| &open.approval)
    }

    /// How people answer, by identity.
    #[must_use]
    pub fn counters(&self) -> &BTreeMap<String, Counter> {
        &self.counters
    }

    /// Asks. There is one card for an account and action.
    ///
    /// INVARIANT: a question never ends a card that waits: whoever causes findings could keep a card from ever being
    /// answered.
    pub fn ask(&mut self, card: Card, terms: Terms, limits: Limits, now: Timestamp) -> Asked {
        let same = self.open.iter_mut().find(|(_, open)| open.approval.card().is_about_the_same(&card));
        if let Some((number, open)) = same {
            if open.approval.card().covers(&card) {
                open.approval.add(&card.evidence);
                return Asked::Joined(*number);
            }
            open.next = Some((card, terms));
            return Asked::Behind(*number);
        }
        if let Some(full) = self.full(&card, limits) {
            return Asked::Full(full);
        }
        let number = card.approval;
        self.open.insert(number, Open { approval: Approval::ask(card, terms, now), next: None });
        Asked::New(number)
    }

    /// Which limit a card would exceed: that of a rule, or that of all.
    fn full(&self, card: &Card, limits: Limits) -> Option<Option<RuleId>> {
        if self.open.len() >= limits.pending {
            return Some(None);
        }
        let rules: BTreeSet<&RuleId> = card.evidence.iter().map(|one| &one.rule).collect();
        let rests = |rule: &RuleId| {
            let cards = self.pending().filter(|open| open.card().evidence.iter().any(|one| one.rule == *rule));
            cards.count() >= limits.pending_per_rule
        };
        rules.into_iter().find(|rule| rests(rule)).map(|rule| Some(rule.clone()))
    }

    /// Takes a person's answer to a card that waits. None where no such card waits.
    pub fn answer(
        &mut self,
        number: u64,
        signed: &Signed,
        electorate: &Electorate<'_>,
        now: Timestamp,
    ) -> Option<(Outcome, Option<Ended>)> {
        let Open { approval, .. } = self.open.get_mut(&number)?;
        let said = approval.votes().len();
        let outcome = approval.answer(signed, electorate, now);
        if let Some(vote) = approval.votes().get(said) {
            let counter = self.counters.entry(vote.identity.clone()).or_default();
            counter.answers += 1;
            counter.hasty += u64::from(now.micros_since(approval.asked()) < HASTY);
        }
        Some((outcome, self.take_ended(number, now)))
    }

    /// Time passes: those that ended, and those that others may answer from here on.
    pub fn pass(&mut self, now: Timestamp) -> (Vec<Ended>, Vec<(u64, PersonRole, Meanwhile)>) {
        let mut escalated = Vec::new();
        for (number, open) in &mut self.open {
            if let Outcome::Escalated(role, meanwhile) = open.approval.pass(now) {
                escalated.push((*number, role, meanwhile));
            }
        }
        let numbers: Vec<u64> = self.open.keys().copied().collect();
        (numbers.into_iter().filter_map(|number| self.take_ended(number, now)).collect(), escalated)
    }

    /// What a card rests on is this now; the approval comes back if it ended.
    pub fn evidence(&mut self, number: u64, evidence: &[Evidence], now: Timestamp) -> Option<Ended> {
        self.open.get_mut(&number)?.approval.evidence(evidence);
        self.take_ended(number, now)
    }

    /// What a card asks for isn't what would be done any more, by another policy, say.
    pub fn supersede(&mut self, number: u64, why: String, now: Timestamp) -> Option<Ended> {
        self.open.get_mut(&number)?.approval.supersede(why);
        self.take_ended(number, now)
    }

    /// Nothing is asked by a card any more.
    pub fn withdraw(&mut self, number: u64, why: String, now: Timestamp) -> Option<Ended> {
        self.open.get_mut(&number)?.approval.withdraw(why);
        self.take_ended(number, now)
    }

    /// Takes an approval that has ended, and asks what waited behind it.
    fn take_ended(&mut self, number: u64, now: Timestamp) -> Option<Ended> {
        if self.get(number)?.state() == State::Pending {
            return None;
        }
        let Open { approval, next } = self.open.remove(&number)?;
        // It has the room of the one that ended. One that expired meanwhile ends when time passes.
        let next = next.map(|(card, terms)| {
            let number = card.approval;
            self.open.insert(number, Open { approval: Approval::ask(card, terms, now), next: None });
            number
        });
        Some(Ended { approval, next })
    }
}

#[cfg(test)]
#[path = "../tests/unit/desk.rs"]
mod tests;
