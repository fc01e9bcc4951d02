//! Who uses which account, and how often: counts by account, day and caller, kept for 30 days. They are for estimates of what
//! an action on an account would stop, and have no effect on any decision.
//!
//! Counts are committed with what came of the same events, so none counts twice, whatever stops. What is counted depends on
//! the order of events alone, never on commits: of a day the first callers of an account are told apart, and the first
//! accounts of a source.

use std::collections::{BTreeMap, HashMap};

use countersign_model::vocabulary::FieldId;
use countersign_model::{Account, Event, SourceId, Timestamp};
use countersign_store::{MemoryChange, Stored};
use countersign_stream::network;

use crate::error::SessionError;
use crate::memory::{self, ACTIVITY, ACTIVITY_ACCOUNTS, for_each, parse, set, wrong};

mod recent;

use recent::Recent;

/// Microseconds of a day.
const DAY: i64 = 86_400 * 1_000_000;

/// How many days are kept, the newest one included.
const DAYS_KEPT: i64 = 30;

/// Callers of an account and day that are told apart.
const MAX_CALLERS: usize = 16;

/// The caller that stands for all others.
const OTHER: &str = "other";

/// Accounts of a day that are first seen in one source.
const MAX_ACCOUNTS: u64 = 10_000;

/// The longest text of a caller, bytes.
const MAX_CALLER: usize = 120;

/// Entries that are dropped with one commit at most.
const MAX_DROPPED: usize = 1_024;

/// A day of event time, from 1970-01-01, UTC.
pub(crate) type Day = u32;

/// What was counted of a day and an account: callers in the order in which they came, with how often each did.
type Callers = Vec<(String, u64)>;

/// The day of a time; none before 1970.
fn day(time: Timestamp) -> Option<Day> {
    u32::try_from(time.0.div_euclid(DAY)).ok()
}

/// The first day that is kept beside this one.
fn oldest(newest: Day) -> Day {
    newest.saturating_sub(u32::try_from(DAYS_KEPT).unwrap_or(u32::MAX) - 1)
}

/// What is counted and not committed.
#[derive(Default)]
pub(crate) struct Counting {
    /// In the order in which days and accounts came first, with the source in which they did.
    order: Vec<(Day, Account, SourceId, Callers)>,
    places: HashMap<Day, HashMap<Account, usize>>,
    /// The newest day of any event, as far as its time is believed.
    newest: Day,
}

impl Counting {
    /// Counts an event whose turn has come; `now` is the greatest believed time so far. What its source isn't bound to, or nobody authenticated, is no use of an account.
    pub(crate) fn add(&mut self, event: &Event, now: Timestamp) {
        let (Some(of_event), Some(now)) = (day(event.time), day(now)) else { return };
        self.newest = self.newest.max(now);
        if !event.binding.bound
            || !event.actor.authenticated
            || of_event < oldest(now)
            || of_event > now.saturating_add(1)
        {
            return;
        }
        let caller = caller(event);
        let mut counted: Vec<&Account> = Vec::new();
        for account in event.chain.iter().filter_map(|member| member.account.as_ref()) {
            if counted.contains(&account) {
                continue;
            }
            counted.push(account);
            let of_day = self.places.entry(of_event).or_default();
            let place = match of_day.get(account) {
                Some(place) => *place,
                None => {
                    let place = self.order.len();
                    self.order.push((of_event, account.clone(), event.source.clone(), Vec::new()));
                    of_day.insert(account.clone(), place);
                    place
                }
            };
            if let Some((.., callers)) = self.order.get_mut(place) {
                count(callers, &caller, 1, usize::MAX);
            }
        }
    }
}

/// Counts a caller; beyond so many of them as another one.
fn count(callers: &mut Callers, caller: &str, times: u64, most: usize) {
    let known = callers.iter().position(|(known, _)| known == caller);
    let place = known.or_else(|| {
        let told_apart = callers.iter().filter(|(known, _)| known != OTHER).count();
        let caller = if told_apart < most || caller == OTHER { caller } else { OTHER };
        let known = callers.iter().position(|(known, _)| known == caller);
        known.or_else(|| {
            callers.push((caller.to_owned(), 0));
            Some(callers.len() - 1)
        })
    });
    if let Some((_, count)) = place.and_then(|place| callers.get_mut(place)) {
        *count = count.saturating_add(times);
    }
}

/// Through what an account was used: what stops working without it. The service that called on its behalf; else the client
/// application; else the program, as it names itself, with the network that it came from.
pub(crate) fn caller(event: &Event) -> String {
    let text = |field| event.fields.text(field).filter(|text| !text.is_empty());
    if let Some(service) = text(FieldId::ActorInvokedBy) {
        return bounded("service:", service);
    }
    if let Some(application) = text(FieldId::ActorAppName).or_else(|| text(FieldId::ActorAppUid)) {
        return bounded("application:", application);
    }
    let agent = text(FieldId::HttpRequestUserAgent).or_else(|| text(FieldId::ActorProcessName)).unwrap_or_default();
    let product = agent.trim_start_matches('[').split(['/', ' ', ']']).next().filter(|product| !product.is_empty());
    let network = network(event);
    bounded("program:", &format!("{} from {}", product.unwrap_or("?"), network.as_deref().unwrap_or("?")))
}

/// A caller's text, whatever others wrote.
fn bounded(kind: &str, text: &str) -> String {
    let mut caller = kind.to_owned();
    for c in text.chars() {
        let shown = if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        if caller.len() >= MAX_CALLER {
            break;
        }
        caller.push(shown);
    }
    caller
}

/// The key of a day and an account. No text of an account has a byte as small as its end.
fn key(day: Day, account: &str, end: u8) -> Vec<u8> {
    let mut key = day.to_be_bytes().to_vec();
    key.extend_from_slice(account.as_bytes());
    key.push(end);
    key
}

/// What a store has of a day and an account.
fn read(store: &dyn Stored, day: Day, account: &str) -> Result<Option<Callers>, SessionError> {
    let wanted = key(day, account, 1);
    let found = store.memory(ACTIVITY, Some(&key(day, account, 0)), 1)?;
    match found.into_iter().next() {
        Some((key, value)) if key == wanted => parse(ACTIVITY, &value).map(Some),
        _ => Ok(None),
    }
}

/// How many accounts of each source and day there are.
#[derive(Default)]
pub(crate) struct Accounts {
    counts: BTreeMap<(Day, SourceId), u64>,
    /// Before this day everything is dropped.
    dropped_before: Day,
    recent: Recent,
}

impl Accounts {
    /// What a store has.
    pub(crate) fn read(store: &dyn Stored) -> Result<Accounts, SessionError> {
        let mut counts = BTreeMap::new();
        for_each(store, ACTIVITY_ACCOUNTS, |key, value| {
            let key = key.split_at_checked(4).and_then(|(day, source)| {
                Some((Day::from_be_bytes(day.try_into().ok()?), SourceId::from(std::str::from_utf8(source).ok()?)))
            });
            let key = key.ok_or_else(|| wrong(ACTIVITY_ACCOUNTS, "a key isn't a day and a source"))?;
            counts.insert(key, parse(ACTIVITY_ACCOUNTS, &value)?);
            Ok(())
        })?;
        Ok(Accounts { counts, ..Accounts::default() })
    }

    /// Adds what was counted to what a store has, and drops what is too old.
    pub(crate) fn changes(
        &mut self,
        counting: Counting,
        store: &dyn Stored,
        changes: &mut Vec<MemoryChange>,
    ) -> Result<(), SessionError> {
        let oldest = oldest(counting.newest);
        for (day, account, source, callers) in counting.order {
            let (text, entry) = (account.to_string(), (day, account));
            let known = match self.recent.take(&entry) {
                Some(known) => known,
                None => read(store, day, &text)?,
            };
            let mut all = match known {
                Some(callers) => callers,
                None => {
                    let accounts = self.counts.entry((day, source.clone())).or_default();
                    if *accounts >= MAX_ACCOUNTS {
                        self.recent.put(entry, None);
                        continue;
                    }
                    *accounts += 1;
                    let mut key = day.to_be_bytes().to_vec();
                    key.extend_from_slice(source.as_str().as_bytes());
                    changes.push(set(ACTIVITY_ACCOUNTS, key, accounts)?);
                    Vec::new()
                }
            };
            callers.iter().for_each(|(caller, times)| count(&mut all, caller, *times, MAX_CALLERS));
            changes.push(set(ACTIVITY, key(day, &text, 1), &all)?);
            self.recent.put(entry, Some(all));
        }
        if self.dropped_before < oldest {
            let before = oldest.to_be_bytes();
            let old = store.memory(ACTIVITY, None, MAX_DROPPED)?.into_iter().filter(|(key, _)| **key < before[..]);
            let old: Vec<_> = old.map(|(key, _)| memory::remove(ACTIVITY, key)).collect();
            if old.len() < MAX_DROPPED {
                self.dropped_before = oldest;
            }
            changes.extend(old);
            while let Some(entry) = self.counts.first_entry().filter(|entry| entry.key().0 < oldest) {
                let ((day, source), _) = entry.remove_entry();
                let mut key = day.to_be_bytes().to_vec();
                key.extend_from_slice(source.as_str().as_bytes());
                changes.push(memory::remove(ACTIVITY_ACCOUNTS, key));
            }
        }
        Ok(())
    }
}

/// A caller of an account.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CallerCount {
    /// Through what the account was used: `service:NAME`, `application:NAME`, `program:NAME from NETWORK`, or `other`.
    pub caller: String,
    /// How often.
    pub count: u64,
}

/// Who used an account on a day.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ActivityDay {
    /// The day in event time, UTC: `2026-03-02`.
    pub day: String,
    /// The callers, in the order in which they came first.
    pub callers: Vec<CallerCount>,
}

/// Who used an account on the last 30 days up to `now`, the greatest believed time of an event; the oldest day first.
///
/// # Errors
/// When the store can't be read.
pub fn activity(store: &dyn Stored, account: &Account, now: Timestamp) -> Result<Vec<ActivityDay>, SessionError> {
    let Some(newest) = day(now) else { return Ok(Vec::new()) };
    let mut days = Vec::new();
    for day in oldest(newest)..=newest.saturating_add(1) {
        let Some(callers) = read(store, day, &account.to_string())? else { continue };
        let callers = callers.into_iter().map(|(caller, count)| CallerCount { caller, count });
        let date = Timestamp(i64::from(day).saturating_mul(DAY)).to_string();
        let date = date.split('T').next().unwrap_or_default().to_owned();
        days.push(ActivityDay { day: date, callers: callers.collect() });
    }
    Ok(days)
}

#[cfg(test)]
#[path = "../tests/unit/activity.rs"]
mod tests;
