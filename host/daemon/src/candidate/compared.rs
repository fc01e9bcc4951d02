//! What two generations made of the same past, compared while they make it: what both have is forgotten, so that only what
//! differs takes memory.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use countersign_formats::DeadLetter;
use countersign_model::vocabulary::{ActionClass, IdentityType};
use countersign_model::{DecisionKind, Digest, RuleId, Timestamp};
use countersign_session::{DecisionLine, FindingLine, Notice, Observer};
use serde::{Deserialize, Serialize};

use super::behaviour::Failing;

/// Differences that are held at most, of findings and of decisions.
const MAX_HELD: usize = 100_000;

/// Examples of what a group gained, and of what it lost.
const EXAMPLES: usize = 5;

/// Characters of what an example says of a finding.
const MAX_MESSAGE: usize = 400;

/// How findings, or decisions, differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// How many the generation makes that serves.
    pub serving: u64,
    /// How many the candidate makes.
    pub candidate: u64,
    /// Of these, how many the one that serves doesn't make.
    pub gained: u64,
    /// How many only the one that serves makes.
    pub lost: u64,
    /// Where they differ.
    pub groups: Vec<Group>,
}

/// The findings of a rule about identities of a type, or the decisions on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The rule.
    pub rule: RuleId,
    /// The type of the subjects.
    pub identity_type: IdentityType,
    /// See [`Compared::serving`].
    pub serving: u64,
    /// See [`Compared::candidate`].
    pub candidate: u64,
    /// See [`Compared::gained`].
    pub gained: u64,
    /// See [`Compared::lost`].
    pub lost: u64,
    /// Some of what was gained, earliest first.
    pub examples_gained: Vec<Example>,
    /// Some of what was lost, earliest first.
    pub examples_lost: Vec<Example>,
}

/// A finding or decision that only one of them makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The event's time.
    pub event_time: Timestamp,
    /// The event's id.
    pub event_id: String,
    /// The subject: its account, else its id in the directory.
    pub account: Option<String>,
    /// The finding's message, or the decision with its action.
    pub what: String,
}

/// Who makes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Serving,
    Candidate,
}

type Place = (RuleId, IdentityType);

/// Counts what both make, and holds what only one has made so far.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<Place, (u64, u64)>,
    /// How much more often the candidate made it than the one that serves, never 0.
    held: HashMap<Digest, (i64, Place, Example)>,
    is_full: bool,
}

impl Tally {
    fn add(&mut self, side: Side, key: &str, place: Place, example: Example) {
        let (serving, candidate) = self.counts.entry(place.clone()).or_default();
        let step = match side {
            Side::Serving => {
                *serving += 1;
                -1
            }
            Side::Candidate => {
                *candidate += 1;
                1
            }
        };
        let key = Digest::of(key.as_bytes());
        if let Some((balance, ..)) = self.held.get_mut(&key) {
            *balance += step;
            if *balance == 0 {
                self.held.remove(&key);
            }
        } else if self.held.len() < MAX_HELD {
            self.held.insert(key, (step, place, example));
        } else {
            self.is_full = true;
        }
    }

    fn finish(self) -> Compared {
        let mut compared = Compared::default();
        for (serving, candidate) in self.counts.values() {
            compared.serving += serving;
            compared.candidate += candidate;
        }
        let mut groups: BTreeMap<Place, Group> = BTreeMap::new();
        for (balance, place, example) in self.held.into_values() {
            let (serving, candidate) = self.counts.get(&place).copied().unwrap_or_default();
            let group = groups.entry(place).or_insert_with_key(|(rule, identity_type)| Group {
                rule: rule.clone(),
                identity_type: *identity_type,
                serving,
                candidate,
                gained: 0,
                lost: 0,
                examples_gained: Vec::new(),
                examples_lost: Vec::new(),
            });
            let (count, of_all, examples) = if balance > 0 {
                (&mut group.gained, &mut compared.gained, &mut group.examples_gained)
            } else {
                (&mut group.lost, &mut compared.lost, &mut group.examples_lost)
            };
            *count += balance.unsigned_abs();
            *of_all += balance.unsigned_abs();
            // The earliest are kept, in whatever order they come.
            let at = examples.partition_point(|other| *other < example);
            examples.insert(at, example);
            examples.truncate(EXAMPLES);
        }
        compared.groups = groups.into_values().collect();
        compared
    }
}

/// How what both made differs.
pub(super) struct Made {
    pub(super) findings: Compared,
    pub(super) decisions: Compared,
    /// See [`Behaviour`](super::Behaviour), also for those below.
    pub(super) acts_gained: u64,
    pub(super) acts: Vec<Example>,
    pub(super) failing: Vec<Failing>,
}

/// The comparison, while both judge.
#[derive(Default)]
pub(super) struct Comparison {
    /// Whether what comes counts: not while they warm up.
    pub(super) counts: bool,
    findings: Tally,
    decisions: Tally,
    /// Of the decisions, those that act on somebody without a person.
    acts: Tally,
    /// How often each rule failed on a row or was held back, in the one that serves and in the candidate.
    failures: BTreeMap<RuleId, (u64, u64)>,
}

impl Comparison {
    /// Whether so much differs that not all of it is held.
    pub(super) fn is_full(&self) -> bool {
        [&self.findings, &self.decisions, &self.acts].iter().any(|tally| tally.is_full)
    }

    pub(super) fn finish(self) -> Made {
        let Compared { gained: acts_gained, groups, .. } = self.acts.finish();
        let mut acts: Vec<Example> = groups.into_iter().flat_map(|group| group.examples_gained).collect();
        acts.sort();
        acts.truncate(EXAMPLES);
        let failing = self.failures.into_iter().filter(|(_, (serving, candidate))| candidate > serving);
        let failing = failing.map(|(rule, (serving, candidate))| Failing { rule, serving, candidate }).collect();
        let (findings, decisions) = (self.findings.finish(), self.decisions.finish());
        Made { findings, decisions, acts_gained, acts, failing }
    }
}

/// Hears the lines of one of them.
pub(super) struct Heard<'c> {
    side: Side,
    comparison: &'c RefCell<Comparison>,
    /// The last finding, until the first decision about it says of what type its subject is.
    finding: Option<FindingLine>,
}

impl<'c> Heard<'c> {
    pub(super) fn new(side: Side, comparison: &'c RefCell<Comparison>) -> Heard<'c> {
        Heard { side, comparison, finding: None }
    }

    /// Adds the finding that was held, which `decision` is about if there is one.
    fn add_finding(&mut self, decision: Option<&DecisionLine>) {
        let Some(finding) = self.finding.take() else { return };
        let about = decision.filter(|line| line.rule == finding.rule && line.event_id == finding.event_id);
        let identity_type = about.map_or(IdentityType::Unknown, |line| line.identity_type);
        let account = about.and_then(|line| line.account.as_ref()).map(ToString::to_string).or(finding.identity);
        let FindingLine { event_id, event_time, rule, message, .. } = finding;
        // Its message doesn't count: another version may say the same otherwise.
        let key = format!("{rule}\n{event_time}\n{event_id}\n{account:?}");
        let what = message.chars().take(MAX_MESSAGE).collect();
        let example = Example { event_time, event_id, account, what };
        self.comparison.borrow_mut().findings.add(self.side, &key, (rule, identity_type), example);
    }
}

impl Observer for Heard<'_> {
    fn finding(&mut self, _: u64, line: &FindingLine) -> std::io::Result<()> {
        self.add_finding(None);
        if self.comparison.borrow().counts {
            self.finding = Some(line.clone());
        }
        Ok(())
    }

    fn decision(&mut self, _: u64, line: &DecisionLine) -> std::io::Result<()> {
        self.add_finding(Some(line));
        let mut comparison = self.comparison.borrow_mut();
        if comparison.counts {
            let account = line.account.as_ref().map(ToString::to_string).or_else(|| line.identity.clone());
            let action = line.action.or(line.requested_action).map_or("no action", |action| action.id());
            let what = format!("{}: {action}", line.decision);
            let DecisionLine { event_id, event_time, rule, identity_type, .. } = line;
            let key = format!("{rule}\n{event_time}\n{event_id}\n{account:?}\n{what}");
            let example = Example { event_time: *event_time, event_id: event_id.clone(), account, what };
            let place = (rule.clone(), *identity_type);
            if acts(line) {
                comparison.acts.add(self.side, &key, place.clone(), example.clone());
            }
            comparison.decisions.add(self.side, &key, place, example);
        }
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, _: &DeadLetter) -> std::io::Result<()> {
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> std::io::Result<()> {
        let mut comparison = self.comparison.borrow_mut();
        if let Notice::RowSetAside { rule, .. } | Notice::Host { rule, .. } = notice
            && comparison.counts
        {
            let (serving, candidate) = comparison.failures.entry(rule.clone()).or_default();
            *(if self.side == Side::Serving { serving } else { candidate }) += 1;
        }
        Ok(())
    }

    fn received(&mut self) -> std::io::Result<()> {
        self.add_finding(None);
        Ok(())
    }
}

/// Whether a decision takes something from somebody, or asks something of him, without a person.
fn acts(line: &DecisionLine) -> bool {
    matches!(line.decision, DecisionKind::Execute | DecisionKind::Downgrade)
        && line.action.is_some_and(|action| action.class() != ActionClass::Observe)
}

#[cfg(test)]
#[path = "../../tests/unit/compared.rs"]
mod tests;
