//! With which rows a rule isn't called for a while, because it failed on too many of their kind or missed the deadline on
//! one: by source, and within a source by part and party. Decided row by row in the stream's order, from event time.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::call::FailureKind;
use countersign_model::{Event, HeldRows, Hold, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Sequenced;
use crate::parked::{Charges, MAX_OF_A_PARTY, MAX_OF_ALL, WHOLE_CALL, charge, part, party};
use crate::quarantine::{Accounts, Counted, QuarantineThreshold, Sighting};
use crate::reference::key_seed;
use crate::window::{HOUR, Step};

/// How long a rule is in quarantine for a source or stopped for it, or parked for a part of its rows, microseconds of
/// event time: four hours.
pub const HELD_FOR: i64 = 4 * 3_600 * 1_000_000;

/// How long it is parked for one party, microseconds of event time: an hour, after which none of its failures count.
pub const PARTY_HELD_FOR: i64 = HOUR;

/// What a rule has failed on, and with which rows it isn't called therefore.
#[derive(Debug, Default)]
pub struct Holds {
    /// None: nothing is counted, as for a rule that is called on its own, and only missed deadlines hold rows.
    threshold: Option<QuarantineThreshold>,
    /// There are as many as the host has sources, a handful.
    sources: BTreeMap<SourceId, OfSource>,
    /// What was counted or forgotten since the changes were taken last.
    changed: BTreeSet<CountKey>,
}

/// The same of one source.
#[derive(Debug, Default)]
struct OfSource {
    accounts: Accounts,
    /// By part and party; without a party the sum over the part. Each charge is at least one and a part's sum is bounded,
    /// so there are never more parties than [`MAX_OF_ALL`].
    charges: BTreeMap<(HeldRows, Option<String>), Charges>,
    holds: Vec<Hold>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum CountKey {
    /// When an account of a source, as an opaque number, was seen and failed last.
    Account(SourceId, u64),
    /// What a part of a source's rows is charged.
    Part(SourceId, HeldRows),
    /// What a party among them is.
    Party(SourceId, HeldRows, String),
}

/// A count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Count {
    /// Of an account.
    Sighting(Sighting),
    /// Of a part or a party.
    Charges(Charges),
}

/// A hold with what it began by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunHold {
    /// The hold.
    pub hold: Hold,
    /// Why.
    pub cause: HoldCause,
}

/// Why a hold began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldCause {
    /// On rows of so many accounts of those seen within an hour the rule failed: it is in quarantine.
    Accounts {
        /// Distinct accounts that failed.
        failed: u64,
        /// Distinct accounts that were seen.
        seen: u64,
    },
    /// Failing rows have cost so many times the rule's fuel within an hour: it is parked.
    Charges {
        /// How many times.
        calls: u32,
    },
    /// It missed the deadline of a call twice: it is stopped for the source.
    Deadline {
        /// What happened.
        message: String,
    },
}

impl BegunHold {
    /// A rule missed the deadline twice, at this clock, with a row of a source.
    #[must_use]
    pub fn by_deadline(source: SourceId, clock: Timestamp, message: String) -> BegunHold {
        let until = clock.plus_micros(HELD_FOR);
        let hold = Hold { source, rows: HeldRows::All, party: None, since: clock, until };
        BegunHold { hold, cause: HoldCause::Deadline { message } }
    }
}

/// Takes out the holds whose time is over at a clock, in order.
pub fn take_ended(holds: &mut Vec<Hold>, clock: Timestamp) -> impl Iterator<Item = Hold> {
    holds.extract_if(.., move |hold| hold.until <= clock)
}

/// Whether any of some holds is about the rows of an event.
#[must_use]
pub fn is_held(holds: &[Hold], event: &Event) -> bool {
    let part = part(event);
    let of_part = |hold: &&Hold| hold.source == event.source && (hold.rows == HeldRows::All || hold.rows == part);
    let mut of_parties = holds.iter().filter(of_part).map(|hold| &hold.party).peekable();
    // The party is a text that has to be made: once, and only where it matters.
    of_parties.peek().is_some() && {
        let party = party(event);
        of_parties.any(|held| held.is_none() || *held == party)
    }
}

impl Holds {
    /// Without failures yet.
    #[must_use]
    pub fn new(threshold: QuarantineThreshold) -> Holds {
        Holds { threshold: Some(threshold), ..Holds::default() }
    }

    /// Whether the rule is called with a row.
    #[must_use]
    pub fn admits(&self, row: &Sequenced) -> bool {
        match self.sources.get(&row.event.source) {
            Some(of) => !is_held(&of.holds, &row.event),
            None => true,
        }
    }

    /// Whether any row may be held.
    #[must_use]
    pub fn hold_any(&self) -> bool {
        self.sources.values().any(|of| !of.holds.is_empty())
    }

    /// Takes in a row on which the rule didn't fail.
    pub fn pass(&mut self, row: &Sequenced) {
        self.count_account(row, false);
    }

    /// Takes in a row on which the rule failed. Returns the hold that begins after it, if one does.
    pub fn fail(&mut self, row: &Sequenced, kind: FailureKind) -> Option<BegunHold> {
        let threshold = self.threshold?;
        let step = Step::of(row.clock);
        let newly = self.count_account(row, true) == Counted::Failed;
        let of = self.sources.entry(row.event.source.clone()).or_default();
        let (failed, seen) = of.accounts.within_hour(step);
        let begun = if newly && threshold.is_reached(failed, seen) {
            Some((HeldRows::All, None, HoldCause::Accounts { failed, seen }))
        } else {
            self.charge(row, charge(kind))
        };
        let (rows, party, cause) = begun?;
        let lasts = if party.is_some() { PARTY_HELD_FOR } else { HELD_FOR };
        let hold = Hold {
            source: row.event.source.clone(),
            rows,
            party,
            since: row.clock,
            until: row.clock.plus_micros(lasts),
        };
        self.add_hold(hold.clone());
        Some(BegunHold { hold, cause })
    }

    /// Takes in a row with which the rule missed the deadline twice. Returns the hold that begins after it.
    pub fn miss_deadline(&mut self, row: &Sequenced, message: String) -> BegunHold {
        self.count_account(row, true);
        let begun = BegunHold::by_deadline(row.event.source.clone(), row.clock, message);
        self.add_hold(begun.hold.clone());
        begun
    }

    fn count_account(&mut self, row: &Sequenced, failed: bool) -> Counted {
        let event = &row.event;
        let (Some(_), Some(account)) = (self.threshold, &event.actor.account) else { return Counted::Nothing };
        if part(event) != HeldRows::Authenticated {
            return Counted::Nothing;
        }
        let account = key_seed(&account.to_string());
        let of = self.sources.entry(event.source.clone()).or_default();
        let counted = of.accounts.count(account, Step::of(row.clock), failed);
        if counted != Counted::Nothing {
            self.changed.insert(CountKey::Account(event.source.clone(), account));
        }
        counted
    }

    /// Charges a failing row to its party and its part. The party is set aside first: others go on.
    fn charge(&mut self, row: &Sequenced, charge: u32) -> Option<(HeldRows, Option<String>, HoldCause)> {
        let (source, step) = (&row.event.source, Step::of(row.clock));
        let (part, party) = (part(&row.event), party(&row.event));
        let of = self.sources.get_mut(source)?;
        let of_all = of.charges.entry((part, None)).or_default().add(step, charge);
        self.changed.insert(CountKey::Part(source.clone(), part));
        let cause = |sum: u32| HoldCause::Charges { calls: sum / WHOLE_CALL };
        if of_all >= MAX_OF_ALL {
            let gone: Vec<_> = of.charges.extract_if(.., |(other, _), _| *other == part).collect();
            self.changed.extend(gone.into_iter().map(|((part, party), _)| count_key(source, part, party)));
            return Some((part, None, cause(of_all)));
        }
        let party = party?;
        let of_party = of.charges.entry((part, Some(party.clone()))).or_default().add(step, charge);
        self.changed.insert(CountKey::Party(source.clone(), part, party.clone()));
        if of_party < MAX_OF_A_PARTY {
            return None;
        }
        of.charges.remove(&(part, Some(party.clone())));
        Some((part, Some(party), cause(of_party)))
    }

    /// Adds a hold, or puts one in that was stored.
    pub fn add_hold(&mut self, hold: Hold) {
        let holds = &mut self.sources.entry(hold.source.clone()).or_default().holds;
        holds.push(hold);
        holds.sort_unstable();
    }

    /// Puts in a count that was stored.
    pub fn add_count(&mut self, key: CountKey, count: Count) {
        match (key, count) {
            (CountKey::Account(source, account), Count::Sighting(sighting)) => {
                self.sources.entry(source).or_default().accounts.restore(account, sighting);
            }
            (CountKey::Part(source, part), Count::Charges(charges)) => {
                self.sources.entry(source).or_default().charges.insert((part, None), charges);
            }
            (CountKey::Party(source, part, party), Count::Charges(charges)) => {
                self.sources.entry(source).or_default().charges.insert((part, Some(party)), charges);
            }
            // Of a kind that no key of its kind has: as if it weren't there.
            (_, Count::Sighting(_) | Count::Charges(_)) => {}
        }
    }

    /// Applies a tick at which the clock is this: holds end, and what isn't within the last hour is forgotten. Returns the
    /// holds that ended, in order.
    pub fn tick(&mut self, clock: Timestamp) -> Vec<Hold> {
        let step = Step::of(clock);
        let mut ended = Vec::new();
        for (source, of) in &mut self.sources {
            ended.extend(take_ended(&mut of.holds, clock));
            let gone = of.accounts.forget_before(step).into_iter();
            self.changed.extend(gone.map(|account| CountKey::Account(source.clone(), account)));
            for ((part, party), charges) in &mut of.charges {
                if charges.forget_before(step) {
                    self.changed.insert(count_key(source, *part, party.clone()));
                }
            }
            of.charges.retain(|_, charges| !charges.is_empty());
        }
        self.sources.retain(|_, of| !(of.holds.is_empty() && of.charges.is_empty() && of.accounts.is_empty()));
        ended
    }

    /// Ends all holds before their time, and forgets what failing rows have cost. That accounts failed still counts.
    /// Returns the holds, in order.
    pub fn end_all(&mut self) -> Vec<Hold> {
        let mut ended = Vec::new();
        for (source, of) in &mut self.sources {
            ended.append(&mut of.holds);
            let charges = std::mem::take(&mut of.charges).into_keys();
            self.changed.extend(charges.map(|(part, party)| count_key(source, part, party)));
        }
        ended
    }

    /// The holds, in order.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.sources.values().flat_map(|of| &of.holds)
    }

    /// Whether nothing is counted and nothing held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether there are changes to take.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The counts that changed since this was called last, each once and in order; none of what isn't counted any more.
    pub fn take_changes(&mut self) -> Vec<(CountKey, Option<Count>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|key| (key.clone(), self.count(&key))).collect()
    }

    fn count(&self, key: &CountKey) -> Option<Count> {
        match key {
            CountKey::Account(source, account) => self.sources.get(source)?.accounts.get(*account).map(Count::Sighting),
            CountKey::Part(source, part) => self.charges(source, *part, None),
            CountKey::Party(source, part, party) => self.charges(source, *part, Some(party.clone())),
        }
    }

    fn charges(&self, source: &SourceId, part: HeldRows, party: Option<String>) -> Option<Count> {
        self.sources.get(source)?.charges.get(&(part, party)).cloned().map(Count::Charges)
    }

    /// What is counted, in order.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<CountKey> {
        let of_source = |(source, of): (&SourceId, &OfSource)| {
            let accounts = of.accounts.all().map(|account| CountKey::Account(source.clone(), account));
            let charges = of.charges.keys().map(|(part, party)| count_key(source, *part, party.clone()));
            accounts.chain(charges).collect::<Vec<_>>()
        };
        self.sources.iter().flat_map(of_source).collect()
    }
}

fn count_key(source: &SourceId, part: HeldRows, party: Option<String>) -> CountKey {
    match party {
        Some(party) => CountKey::Party(source.clone(), part, party),
        None => CountKey::Part(source.clone(), part),
    }
}

#[cfg(test)]
#[path = "../tests/unit/holds.rs"]
mod tests;
