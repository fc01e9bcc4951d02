//! What detections have kept, apart from a session: copied out of a store while it goes on, and given back to the rules of a
//! generation that serves again.

use std::collections::{BTreeMap, BTreeSet};

use countersign_audit::Record;
use countersign_audit::record::Header;
use countersign_model::{DigestKey, RuleId, SourceId, StateChange, TimerChange, Timestamp};
use countersign_store::{Commit, MemoryChange, StateKey, Store, Stored, TimerKey, for_each_entry};
use countersign_stream::{Carried, KeptChanges};

use crate::chunk::{Changes, Remembered};
use crate::error::SessionError;
use crate::memory::{COUNT, HORIZON, INPUT, OCCURRENCE, RULE, SESSION, for_each};
use crate::resume::{read_kept, read_rules};

/// Entries that are copied with a commit.
const PAGE: usize = 4_096;

/// What rules have kept.
#[derive(Default)]
pub struct KeptRules(BTreeMap<RuleId, Kept>);

/// What a rule has kept, and the sources of rows that it may be made of, as [`Remembered`] has them.
struct Kept {
    carried: Carried,
    sources: BTreeMap<SourceId, u64>,
}

impl KeptRules {
    /// What a store has.
    ///
    /// # Errors
    /// When it can't be read, or its memory isn't a session's.
    pub fn read(store: &dyn Stored) -> Result<KeptRules, SessionError> {
        let mut all = BTreeMap::new();
        for (id, rule) in read_rules(store)? {
            // Response rules keep nothing.
            let Some(partition_key) = rule.partition_key else { continue };
            let carried = Carried::new(partition_key, rule.stamp, rule.spending);
            all.insert(id, Kept { carried, sources: rule.sources });
        }
        read_kept(store, &mut all, |kept| &mut kept.carried)?;
        Ok(KeptRules(all))
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts it in the place of what the same rules have kept. What that changes in a store whose baselines are removed.
    pub(crate) fn put(self, remembered: &mut BTreeMap<RuleId, (Remembered, Option<Timestamp>)>) -> Changes {
        let mut changes = Changes::default();
        for (rule, Kept { carried, sources }) in self.0 {
            let (one, absent_since) = remembered.entry(rule.clone()).or_default();
            changes.extend_kept(KeptChanges { baselines: Vec::new(), ..one.carried.removals(&rule) });
            changes.extend_kept(KeptChanges { baselines: Vec::new(), ..carried.additions(&rule) });
            (one.carried, one.undeclared_since, *absent_since) = (carried, None, None);
            // It rests on what either was given: nothing becomes easier by going back.
            for (source, first) in sources {
                let known = one.sources.entry(source).or_insert(first);
                *known = first.min(*known);
            }
        }
        // Those of all rules, since the store knows no other way than to forget them together.
        for (rule, (one, _)) in &*remembered {
            changes.baselines.extend(one.carried.additions(rule).baselines);
        }
        changes
    }
}

/// Copies all that a later session needs into an empty store.
///
/// # Errors
/// When one of them can't be read, or written.
pub fn copy_session(from: &dyn Stored, into: &mut dyn Store, key: &DigestKey) -> Result<(), SessionError> {
    copy(from, into, key, &[SESSION, INPUT, RULE, HORIZON, COUNT, OCCURRENCE], |_| true)
}

/// Copies what these rules have kept into an empty store, for [`KeptRules::read`].
///
/// # Errors
/// When one of them can't be read, or written.
pub fn copy_rules(
    from: &dyn Stored,
    into: &mut dyn Store,
    key: &DigestKey,
    rules: &BTreeSet<RuleId>,
) -> Result<(), SessionError> {
    copy(from, into, key, &[RULE], |rule| rules.contains(rule))
}

fn copy(
    from: &dyn Stored,
    into: &mut dyn Store,
    key: &DigestKey,
    spaces: &[&'static str],
    is_meant: impl Fn(&RuleId) -> bool,
) -> Result<(), SessionError> {
    let expected = into.head()?;
    let header = [Record::Header(Header::new(env!("CARGO_PKG_VERSION"), key))];
    into.commit(Commit { records: &header, ..Commit::empty(expected) })?;
    for space in spaces.iter().copied() {
        let mut page = Vec::new();
        for_each(from, space, |key, value| {
            let rule = || std::str::from_utf8(&key).ok().and_then(|id| id.parse().ok());
            if space != RULE || rule().is_some_and(|rule| is_meant(&rule)) {
                page.push(MemoryChange { space, key, value: Some(value) });
            }
            if page.len() >= PAGE {
                put(into, &Copied { memory: std::mem::take(&mut page), ..Copied::default() })?;
            }
            Ok(())
        })?;
        put(into, &Copied { memory: page, ..Copied::default() })?;
    }
    let mut copied = Copied::default();
    for_each_kept(from, |kept| {
        if is_meant(kept.rule()) {
            match kept {
                KeptEntry::State(change) => copied.state.push(change),
                KeptEntry::Baseline(change) => copied.baselines.push(change),
                KeptEntry::Timer(change) => copied.timers.push(change),
            }
            copied.put_if_full(into)?;
        }
        Ok(())
    })?;
    put(into, &copied)
}

/// Something that a rule keeps.
#[expect(clippy::large_enum_variant, reason = "each lives for one call")]
pub(crate) enum KeptEntry {
    State(StateChange),
    /// Of state, as of the last tick.
    Baseline(StateChange),
    Timer(TimerChange),
}

impl KeptEntry {
    pub(crate) fn rule(&self) -> &RuleId {
        match self {
            KeptEntry::State(change) | KeptEntry::Baseline(change) => &change.rule,
            KeptEntry::Timer(change) => &change.rule,
        }
    }
}

/// Calls `each` with all that rules have kept in a store.
pub(crate) fn for_each_kept(
    store: &dyn Stored,
    mut each: impl FnMut(KeptEntry) -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    let key = |change: &StateChange| StateKey::from(change);
    for_each_entry(
        None,
        |after, limit| store.state(after, limit),
        key,
        |change| each(KeptEntry::State(change)).map(|()| true),
    )?;
    for_each_entry(
        None,
        |after, limit| store.baselines(after, limit),
        key,
        |change| each(KeptEntry::Baseline(change)).map(|()| true),
    )?;
    for_each_entry(
        None,
        |after, limit| store.timers(after, limit),
        |change: &TimerChange| TimerKey::from(change),
        |change| each(KeptEntry::Timer(change)).map(|()| true),
    )
}

/// Entries that are copied together.
#[derive(Default)]
struct Copied {
    memory: Vec<MemoryChange>,
    state: Vec<StateChange>,
    baselines: Vec<StateChange>,
    timers: Vec<TimerChange>,
}

impl Copied {
    fn put_if_full(&mut self, into: &mut dyn Store) -> Result<(), SessionError> {
        let full = self.state.len() + self.baselines.len() + self.timers.len() >= PAGE;
        if full { put(into, &std::mem::take(self)) } else { Ok(()) }
    }
}

fn put(into: &mut dyn Store, copied: &Copied) -> Result<(), SessionError> {
    let Copied { memory, state, baselines, timers } = copied;
    let expected = into.head()?;
    into.commit(Commit { memory, state, baselines, timers, ..Commit::empty(expected) })?;
    Ok(())
}
