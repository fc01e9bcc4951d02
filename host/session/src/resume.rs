//! Going on with what a store has: what is remembered at each commit, and how a later session reads it back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use countersign_audit::record::Input as InputRecord;
use countersign_generation::Generation;
use countersign_inputs::{Bookmark, Processed};
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{DecisionKind, Place, RuleId, Timestamp};
use countersign_store::{MemoryChange, Store, Stored};
use countersign_stream::{Carried, Holds};

use crate::activity::Accounts;
use crate::chunk::{Absent, Changes, Remembered};
use crate::error::SessionError;
use crate::horizon::{Fingerprint, HORIZON as HORIZON_EVENTS, Horizon};
use crate::input::Taken;
use crate::kept::{KeptEntry, for_each_kept};
use crate::ledger::Page;
use crate::memory::{
    self, COUNT, FORMAT, HORIZON, INPUT, InputMemory, LINE, OCCURRENCE, OccurrenceMemory, RULE, RuleMemory, SESSION,
    SessionMemory, for_each, parse, set, wrong,
};
use crate::report::{Line, Observer, Summary};
use crate::sequence::Sequencer;
use crate::session::{Pending, Reached, Session, SessionOptions};

/// No run counts so far; what is larger would overflow.
const MAX_COUNT: u64 = 1 << 62;

/// The entries of the horizon in the store: the number of the first fingerprint of each, and how many it has.
#[derive(Default)]
pub(crate) struct Fingerprints {
    entries: VecDeque<(u64, u64)>,
    total: u64,
}

impl Pending {
    /// Keeps what is remembered of a record whose turn has come.
    pub(crate) fn remember(&mut self, taken: &Taken) {
        for fingerprint in [taken.fingerprint, taken.act].into_iter().flatten() {
            self.fingerprints.extend_from_slice(&fingerprint.to_bytes());
        }
        let (Some(occurrence), Some(source)) = (&taken.occurrence, &taken.source) else { return };
        if let Some(forgotten) = &occurrence.forgotten {
            self.memory.push(memory::remove(OCCURRENCE, memory::occurrence_key(taken.input, forgotten)));
        }
        let value = OccurrenceMemory { source: source.to_string(), number: occurrence.number, first: occurrence.first };
        let key = memory::occurrence_key(taken.input, &occurrence.digest);
        self.memory.extend(set(OCCURRENCE, key, &value).ok());
    }
}

impl<'s> Session<'s> {
    /// Goes on where the store's last session was interrupted or has ended, or begins in an empty store. If the generation
    /// is another than the one that served last, it is swapped in before the next input. Lines that the observer of an
    /// earlier session hasn't received are passed first.
    ///
    /// # Errors
    /// When the store can't be read, was written under another key, or the observer fails.
    pub fn resume(
        store: &'s mut dyn Store,
        generation: Arc<Generation>,
        options: SessionOptions,
        observer: &'s mut dyn Observer,
    ) -> Result<Session<'s>, SessionError> {
        Session::resume_numbered(store, (generation, None), options, observer)
    }

    /// The same, with a generation that has a number already. If that or anything else differs from what served last, such as
    /// the engine's version, the generation is put on record again under its number.
    ///
    /// # Errors
    /// As for [`Session::resume`].
    pub fn resume_numbered(
        store: &'s mut dyn Store,
        (generation, number): (Arc<Generation>, Option<u64>),
        options: SessionOptions,
        observer: &'s mut dyn Observer,
    ) -> Result<Session<'s>, SessionError> {
        let Some(stored) = read_session(store)? else {
            let number = number.unwrap_or(1);
            let mut session = Session::from_parts(store, observer, options, Arc::clone(&generation), number)?;
            session.judges.hand_over(BTreeMap::new(), &generation.codes(), Timestamp::default(), 0);
            session.ledger.record_header();
            session.begin_generation(generation, number)?;
            return Ok(session);
        };
        if stored.key != options.key.fingerprint() {
            return Err(SessionError::OtherKey);
        }
        let mut session = Session::from_parts(store, observer, options, Arc::clone(&generation), stored.generation)?;
        session.restore(&generation, number, stored)?;
        session.pass_stored_lines()?;
        Ok(session)
    }

    fn restore(
        &mut self,
        generation: &Arc<Generation>,
        number: Option<u64>,
        stored: SessionMemory,
    ) -> Result<(), SessionError> {
        let max_gap = self.options.max_gap;
        let horizon = self.read_horizon(stored.fingerprints)?;
        let mut clock = stored.clock.clone();
        clock.set_patience(Arc::clone(&self.options.patience));
        self.sequencer = Sequencer::resume(max_gap, clock, stored.position, horizon);
        self.finished = stored.finished;
        self.taken = stored.taken;
        (self.place, self.committed_place) = (stored.place, stored.place);
        self.read_inputs()?;
        self.accounts = Accounts::read(&*self.store)?;
        let rules = read_rules(self.store)?;
        self.restore_ledger(&rules, &stored);
        let remembered = self.read_remembered(rules)?;
        let now = self.sequencer.clock().gate_clock().unwrap_or_default();
        let migrated = self.judges.hand_over(remembered, &generation.codes(), now, stored.position);
        self.ledger.set_holds(&self.judges);
        self.ledger.set_sources(&self.judges);
        self.configuration = self.ledger.configuration(&self.options)?;
        if self.configuration != stored.configuration || number.is_some_and(|number| number != stored.generation) {
            self.finished = false;
            self.begin_generation(Arc::clone(generation), number.unwrap_or(stored.generation + 1))?;
            self.record_migrations(migrated);
        }
        Ok(())
    }

    fn restore_ledger(&mut self, rules: &BTreeMap<RuleId, RuleMemory>, stored: &SessionMemory) {
        let ledger = &mut self.ledger;
        ledger.suspect.clone_from(&stored.suspect);
        ledger.held_responses.clone_from(&stored.held_responses);
        ledger.unwell.clone_from(&stored.unwell);
        ledger.recorded = rules.iter().filter(|(_, rule)| rule.on_record).map(|(id, _)| id.clone()).collect();
        let summary = &mut ledger.summary;
        (summary.events, summary.set_aside) = (stored.events, stored.set_aside);
        (summary.duplicates, summary.id_reused) = (stored.duplicates, stored.id_reused);
        (summary.findings, summary.observing) = (stored.findings, stored.observing);
        for kind in DecisionKind::ALL {
            summary.decisions.insert(kind.id(), stored.decisions.get(kind.id()).copied().unwrap_or_default());
        }
        let counts = |of: fn(&RuleMemory) -> u64| -> BTreeMap<RuleId, u64> {
            rules.iter().map(|(id, rule)| (id.clone(), of(rule))).filter(|(_, count)| *count > 0).collect()
        };
        ledger.last_findings = rules.iter().filter_map(|(id, rule)| Some((id.clone(), rule.last_finding?))).collect();
        summary.findings_by_rule = counts(|rule| rule.findings);
        summary.rows_set_aside = counts(|rule| rule.rows_set_aside);
        summary.migrated_keys = counts(|rule| rule.migrated_keys);
        summary.lost_keys = counts(|rule| rule.lost_keys);
        summary.holds = counts(|rule| rule.holds_begun);
    }

    fn read_horizon(&mut self, taken: u64) -> Result<Horizon, SessionError> {
        let mut horizon = Horizon::new(HORIZON_EVENTS);
        let mut entries = Fingerprints::default();
        for_each(self.store, HORIZON, |key, value| {
            let first = key.try_into().map(u64::from_be_bytes).map_err(|_| wrong(HORIZON, "a key isn't a number"))?;
            let (fingerprints, rest) = value.as_chunks::<{ Fingerprint::BYTES }>();
            if !rest.is_empty() {
                return Err(wrong(HORIZON, "a fingerprint is cut"));
            }
            fingerprints.iter().for_each(|bytes| {
                horizon.arrive(Fingerprint::from_bytes(*bytes));
            });
            let count = fingerprints.len() as u64;
            first.checked_add(count).ok_or_else(|| wrong(HORIZON, "a key is too large"))?;
            entries.add(first, count);
            Ok(())
        })?;
        if entries.end() != taken {
            return Err(wrong(HORIZON, format!("{} fingerprints, expected {taken}", entries.end())));
        }
        self.fingerprints = entries;
        Ok(horizon)
    }

    fn read_inputs(&mut self) -> Result<(), SessionError> {
        let (mut inputs, mut places) = (BTreeMap::new(), BTreeMap::new());
        for_each(self.store, INPUT, |key, value| {
            let input = key.try_into().map(u32::from_be_bytes).map_err(|_| wrong(INPUT, "a key isn't an ordinal"))?;
            let InputMemory { records, duplicates, bytes, events, content, bookmark, time, turned } =
                parse(INPUT, &value)?;
            let bookmark: Bookmark = bookmark.parse().map_err(|error| wrong(INPUT, error))?;
            inputs.insert(input, InputRecord { input, records, duplicates, bytes, turned, content: events });
            let time = time.unwrap_or(Timestamp::MIN);
            places.insert(input, Processed { records, bookmark, time, turned, content, counted: BTreeMap::new() });
            Ok(())
        })?;
        for_each(self.store, OCCURRENCE, |key, value| {
            let memory: OccurrenceMemory = parse(OCCURRENCE, &value)?;
            let read = memory::read_occurrence(&key, &memory);
            let (input, occurrence) = read.ok_or_else(|| wrong(OCCURRENCE, "a key isn't an input and a digest"))?;
            let place: &mut Processed = places.entry(input).or_default();
            place.counted.entry(memory.source).or_default().push(occurrence);
            Ok(())
        })?;
        self.ledger.inputs = inputs;
        let last = places.keys().next_back().map_or(0, |last| last + 1);
        // Only a caller that reads on needs the occurrences.
        let resumed = |input: u32| match places.get_mut(&input) {
            Some(place) => Processed { counted: std::mem::take(&mut place.counted), ..place.clone() },
            None => Processed::default(),
        };
        self.resumed = (0..last).map(resumed).collect();
        self.places = places;
        Ok(())
    }

    /// What detections have kept, those included that are gone.
    fn read_remembered(
        &self,
        rules: BTreeMap<RuleId, RuleMemory>,
    ) -> Result<BTreeMap<RuleId, (Remembered, Option<Timestamp>)>, SessionError> {
        let threshold = self.options.quarantine;
        let mut all = BTreeMap::new();
        for (id, rule) in rules {
            // Response rules keep nothing.
            let Some(partition_key) = rule.partition_key else { continue };
            let mut holds = Holds::new(threshold);
            rule.holds.into_iter().for_each(|hold| holds.add_hold(hold));
            let remembered = Remembered {
                code: rule.code,
                holds,
                held: rule.held,
                carried: Carried::new(partition_key, rule.stamp, rule.spending),
                delivered: rule.delivered,
                judged: rule.judged,
                sources: rule.sources,
                dropped_timers: rule.dropped_timers,
                withheld: rule.withheld,
                forgotten: rule.forgotten,
                undeclared_since: rule.undeclared_since,
            };
            all.insert(id, (remembered, rule.absent_since));
        }
        read_kept(self.store, &mut all, |(remembered, _)| &mut remembered.carried)?;
        for_each(self.store, COUNT, |key, value| {
            let read = memory::read_count_key(&key);
            let (rule, counted) = read.ok_or_else(|| wrong(COUNT, "a key isn't a rule and what is counted"))?;
            if let Some((remembered, _)) = all.get_mut(&rule) {
                remembered.holds.add_count(counted, parse(COUNT, &value)?);
            }
            Ok(())
        })?;
        Ok(all)
    }

    fn pass_stored_lines(&mut self) -> Result<(), SessionError> {
        let mut lines: Vec<(u64, Line)> = Vec::new();
        for_each(self.store, LINE, |key, value| {
            let seq = key.try_into().map(u64::from_be_bytes).map_err(|_| wrong(LINE, "a key isn't a number"))?;
            lines.push((seq, parse(LINE, &value)?));
            Ok(())
        })?;
        self.pass_lines(lines.iter().map(|(seq, line)| (*seq, line)))
    }

    /// What is remembered with a commit.
    pub(crate) fn memory_changes(
        &mut self,
        page: &Page,
        changes: &Changes,
        reached: Reached,
    ) -> Result<Vec<MemoryChange>, SessionError> {
        let mut memory = std::mem::take(&mut self.pending.memory);
        let fingerprints = std::mem::take(&mut self.pending.fingerprints);
        self.fingerprints.store(fingerprints, &mut memory);
        let activity = std::mem::take(&mut self.pending.activity);
        self.accounts.changes(activity, &*self.store, &mut memory)?;
        for input in std::mem::take(&mut self.pending.inputs) {
            memory.extend(self.input_memory(input)?);
        }
        for (rule, counted, count) in &changes.counts {
            let key = memory::count_key(rule, counted)?;
            memory.push(match count {
                Some(count) => set(COUNT, key, count)?,
                None => memory::remove(COUNT, key),
            });
        }
        self.rule_memory(changes, &mut memory)?;
        for seq in std::mem::take(&mut self.pending.received) {
            memory.push(memory::remove(LINE, seq.to_be_bytes().to_vec()));
        }
        for (place, line) in &page.lines {
            let seq = self.head.records() + *place as u64;
            memory.push(set(LINE, seq.to_be_bytes().to_vec(), line)?);
        }
        memory.push(set(SESSION, Vec::new(), &self.session_memory(reached))?);
        Ok(memory)
    }

    fn session_memory(&self, reached: Reached) -> SessionMemory {
        let Summary { events, set_aside, duplicates, id_reused, findings, decisions, observing, .. } =
            &self.ledger.summary;
        SessionMemory {
            format: FORMAT,
            key: self.options.key.fingerprint(),
            clock: reached.clock,
            position: reached.position,
            taken: reached.taken,
            place: reached.place,
            generation: self.ledger.number(),
            configuration: self.configuration,
            fingerprints: self.fingerprints.end(),
            events: *events,
            set_aside: *set_aside,
            duplicates: *duplicates,
            id_reused: *id_reused,
            findings: *findings,
            observing: *observing,
            decisions: decisions.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            suspect: self.ledger.suspect.clone(),
            held_responses: self.ledger.held_responses.clone(),
            unwell: self.ledger.unwell.clone(),
            finished: self.finished,
        }
    }

    fn input_memory(&self, input: u32) -> Result<Option<MemoryChange>, SessionError> {
        let (Some(place), Some(counted)) = (self.places.get(&input), self.ledger.inputs.get(&input)) else {
            return Ok(None);
        };
        let value = InputMemory {
            records: counted.records,
            duplicates: counted.duplicates,
            bytes: counted.bytes,
            events: counted.content,
            content: place.content,
            bookmark: place.bookmark.to_string(),
            time: Some(place.time).filter(|time| *time > Timestamp::MIN),
            turned: place.turned,
        };
        set(INPUT, input.to_be_bytes().to_vec(), &value).map(Some)
    }

    /// What is remembered of the rules that something happened to.
    fn rule_memory(&mut self, changes: &Changes, memory: &mut Vec<MemoryChange>) -> Result<(), SessionError> {
        let mut ids: BTreeSet<RuleId> = std::mem::take(&mut self.ledger.counted);
        let generation = Arc::clone(self.ledger.generation());
        let id = |place: &usize| generation.detections.get(*place).map(|rule| rule.identity.id.clone());
        ids.extend(changes.visited.iter().filter_map(id));
        if self.pending.all_rules {
            ids.extend(generation.detections.iter().chain(&generation.responses).map(|rule| rule.identity.id.clone()));
            ids.extend(self.judges.absent().keys().cloned());
        }
        ids.extend(changes.ticked_rules.iter().chain(&changes.forgotten_rules).cloned());
        for id in ids {
            let value = self.memory_of_rule(&generation, &id);
            let key = id.as_str().as_bytes().to_vec();
            let nothing = generation.rule(&id).is_none() && value == RuleMemory::default();
            memory.push(if nothing { memory::remove(RULE, key) } else { set(RULE, key, &value)? });
        }
        Ok(())
    }

    fn memory_of_rule(&self, generation: &Generation, id: &RuleId) -> RuleMemory {
        let summary = &self.ledger.summary;
        let of = |counts: &BTreeMap<RuleId, u64>| counts.get(id).copied().unwrap_or_default();
        let mut value = RuleMemory {
            on_record: self.ledger.recorded.contains(id),
            findings: of(&summary.findings_by_rule),
            last_finding: self.ledger.last_findings.get(id).copied(),
            rows_set_aside: of(&summary.rows_set_aside),
            migrated_keys: of(&summary.migrated_keys),
            lost_keys: of(&summary.lost_keys),
            holds_begun: of(&summary.holds),
            ..RuleMemory::default()
        };
        let place = generation.detections.iter().position(|rule| rule.identity.id == *id);
        if let Some(view) = place.and_then(|place| self.judges.view(place)) {
            value.partition_key = Some(view.partition_key);
            (value.code, value.stamp) = (view.code, view.stamp);
            (value.delivered, value.judged) = (view.delivered, view.judged);
            (value.held, value.holds) = (view.held, view.holds);
            value.dropped_timers = view.dropped_timers;
            (value.spending, value.sources) = (view.spending, view.sources);
            (value.withheld, value.forgotten) = (view.withheld, view.forgotten);
            value.undeclared_since = self.judges.absent().get(id).map(|absent| absent.since);
        } else if let Some(Absent { remembered, since }) = self.judges.absent().get(id) {
            value.partition_key = Some(remembered.carried.partition_key().unwrap_or(PartitionKey::None));
            value.code = remembered.code;
            (value.delivered, value.judged) = (remembered.delivered, remembered.judged);
            (value.held, value.holds) = (remembered.held, remembered.holds.holds().cloned().collect());
            value.dropped_timers = remembered.dropped_timers;
            (value.withheld, value.forgotten) = (remembered.withheld, remembered.forgotten.clone());
            value.stamp = remembered.carried.stamp();
            (value.spending, value.sources) = (remembered.carried.spending().clone(), remembered.sources.clone());
            value.absent_since = Some(*since);
        }
        value
    }

    /// The figures so far.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.ledger.summary.clone();
        let rules = self.ledger.generation().detections.iter().map(|rule| rule.identity.id.clone());
        summary.turned = self.ledger.inputs.values().filter(|read| read.turned).map(|read| read.input).collect();
        let nonzero = |counts: Vec<u64>| rules.clone().zip(counts).filter(|(_, count)| *count > 0).collect();
        summary.pending_timers = nonzero(self.judges.pending_timers().collect());
        summary.dropped_timers = nonzero(self.judges.dropped_timers().collect());
        summary.withheld_findings = nonzero(self.judges.withheld_findings().collect());
        summary.held_rows = nonzero(self.judges.held_rows().collect());
        let held = self.judges.holds().chain(self.ledger.response_holds());
        let held: BTreeSet<&RuleId> = held.filter(|(_, hold)| hold.is_of_source()).map(|(id, _)| id).collect();
        summary.silenced = held.into_iter().cloned().collect();
        summary.delivered = rules.clone().zip(self.judges.delivered()).collect();
        summary.forgotten = rules.clone().zip(self.judges.forgotten()).filter(|(_, slots)| !slots.is_empty()).collect();
        summary
    }
}

impl Fingerprints {
    /// How many fingerprints were taken so far.
    pub(crate) fn end(&self) -> u64 {
        self.entries.back().map_or(0, |(first, count)| first + count)
    }

    fn add(&mut self, first: u64, count: u64) {
        self.entries.push_back((first, count));
        self.total += count;
    }

    /// Stores fingerprints as one entry, and removes entries that lie beyond the horizon as a whole.
    fn store(&mut self, fingerprints: Vec<u8>, memory: &mut Vec<MemoryChange>) {
        if fingerprints.is_empty() {
            return;
        }
        let first = self.end();
        self.add(first, (fingerprints.len() / Fingerprint::BYTES) as u64);
        memory.push(MemoryChange { space: HORIZON, key: first.to_be_bytes().to_vec(), value: Some(fingerprints) });
        while let Some((oldest, count)) = self.entries.front().copied() {
            if self.total - count < HORIZON_EVENTS as u64 {
                break;
            }
            self.entries.pop_front();
            self.total -= count;
            memory.push(memory::remove(HORIZON, oldest.to_be_bytes().to_vec()));
        }
    }
}

/// Reads what these rules have kept of a store, each into its own.
pub(crate) fn read_kept<T>(
    store: &dyn Stored,
    rules: &mut BTreeMap<RuleId, T>,
    carried: impl Fn(&mut T) -> &mut Carried,
) -> Result<(), SessionError> {
    for_each_kept(store, |kept| {
        if let Some(rule) = rules.get_mut(kept.rule()) {
            match kept {
                KeptEntry::State(change) => carried(rule).add_state(change),
                KeptEntry::Baseline(change) => carried(rule).add_baseline(change),
                KeptEntry::Timer(change) => carried(rule).add_timer(change),
            }
        }
        Ok(())
    })
}

/// How far the sessions of a store have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many inputs of any kind have had their turn.
    pub taken: u64,
    /// Where a recorder goes on after the last of them that came of one.
    pub place: Option<Place>,
    /// The number of the generation that serves.
    pub generation: u64,
    /// Whether the ends of the inputs are on record, and nothing came since.
    pub finished: bool,
    /// The greatest believed time of an event; none before the first.
    pub clock: Option<Timestamp>,
}

impl Standing {
    /// Reads it; none of a store without a session.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn read(store: &dyn Stored) -> Result<Option<Standing>, SessionError> {
        let stored = read_session(store)?;
        let standing = |SessionMemory { taken, place, generation, finished, clock, .. }| {
            let clock = clock.now();
            Standing { taken, place, generation, finished, clock }
        };
        Ok(stored.map(standing))
    }
}

/// What is remembered of the sessions of a store; none of one in which none has committed.
pub(crate) fn read_session(store: &dyn Stored) -> Result<Option<SessionMemory>, SessionError> {
    if store.head()?.records() == 0 {
        return Ok(None);
    }
    let entry = store.memory(SESSION, None, 1)?.into_iter().next();
    let Some((_, value)) = entry else {
        return Err(wrong(SESSION, "there is none, though the log has records"));
    };
    let stored: SessionMemory = parse(SESSION, &value)?;
    if stored.position.max(stored.taken).max(stored.generation) > MAX_COUNT {
        return Err(wrong(SESSION, "a number is too large"));
    }
    if stored.format != FORMAT {
        return Err(wrong(SESSION, format!("format {}, expected {FORMAT}", stored.format)));
    }
    Ok(Some(stored))
}

/// What is remembered of the rules of a store.
pub(crate) fn read_rules(store: &dyn Stored) -> Result<BTreeMap<RuleId, RuleMemory>, SessionError> {
    let mut rules = BTreeMap::new();
    for_each(store, RULE, |key, value| {
        let id = std::str::from_utf8(&key).ok().and_then(|id| id.parse().ok());
        rules.insert(id.ok_or_else(|| wrong(RULE, "a key isn't a rule's id"))?, parse(RULE, &value)?);
        Ok(())
    })?;
    Ok(rules)
}
