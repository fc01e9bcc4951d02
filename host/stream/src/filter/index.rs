//! All rules' filters as one index: an event is looked up in it, and only filters that it may pass are evaluated.
//!
//! For each event class, each rule gets the condition that is necessary for its filter to pass: a set of keys of which
//! one must apply to the event. Keys are looked up by the value of their field, regardless of the number of rules that
//! have them: by hash, by automaton, by interval. A rule whose filter has no such condition (`not`, a field that must be
//! absent) is evaluated on every event of its classes. So the cost of an event grows with the fields that some rule of its
//! class tests and with the rules that may want it, not with the rules that are loaded. The size of the index grows with
//! the bytes of their declarations, which admission bounds, for each class that a rule wants.

use std::collections::BTreeMap;

use countersign_declaration::{Declaration, Filter};
use countersign_model::Event;
use countersign_model::vocabulary::{EventClass, FieldId};

use super::condition::{Condition, Key, Usage};
use super::fields::{FieldIndex, Texts};
use super::holds;

/// The filters of many rules. A rule is identified by its place among them.
#[derive(Debug)]
pub(super) struct FilterIndex {
    filters: Vec<Filter>,
    classes: Vec<(EventClass, ClassIndex)>,
}

/// The rules that want events of one class.
#[derive(Debug)]
struct ClassIndex {
    /// Those that are candidates for every event.
    always: Vec<u32>,
    fields: Vec<(FieldId, FieldIndex)>,
    lists: Lists,
    /// The rules whose filter passes whenever one of its keys applies, in order.
    exact: Vec<u32>,
}

/// Lists of rules, one after the other.
#[derive(Debug, Default)]
struct Lists {
    /// Where each list ends.
    ends: Vec<usize>,
    rules: Vec<u32>,
}

/// Buffers for looking up events, reused from event to event, and counts of the work.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    texts: Texts,
    /// For each rule the last event, counted from 1, that it was a candidate for.
    last: Vec<u64>,
    event: u64,
    candidates: Vec<u32>,
    pub(super) tally: Tally,
}

/// How much work it was to route events to rules. No decision depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events looked up.
    pub events: u64,
    /// Rules that may want an event, summed over the events.
    pub candidates: u64,
    /// Filters of candidates that were evaluated, because the lookup didn't decide.
    pub asked: u64,
    /// Events that rules want, summed over the rules.
    pub deliveries: u64,
}

impl FilterIndex {
    /// The index of rules in their order.
    pub(super) fn new<'d>(declarations: impl IntoIterator<Item = &'d Declaration>) -> FilterIndex {
        let declarations: Vec<&Declaration> = declarations.into_iter().collect();
        let index_class = |class: &EventClass| {
            let wanting = declarations.iter().zip(0u32..).filter(|(rule, _)| rule.event_classes.contains(class));
            let wanting: Vec<_> = wanting.map(|(rule, place)| (place, &rule.filter)).collect();
            (!wanting.is_empty()).then(|| (*class, ClassIndex::new(&wanting)))
        };
        FilterIndex {
            classes: EventClass::ALL.iter().filter_map(index_class).collect(),
            filters: declarations.iter().map(|rule| rule.filter.clone()).collect(),
        }
    }

    /// Emits each rule that wants the event once, in no order.
    pub(super) fn for_each_wanting(&self, event: &Event, scratch: &mut Scratch, mut emit: impl FnMut(usize)) {
        scratch.tally.events += 1;
        let Some((_, class)) = self.classes.iter().find(|(class, _)| *class == event.class) else { return };
        class.candidates(event, self.filters.len(), scratch);
        for candidate in &scratch.candidates {
            let rule = *candidate as usize;
            let Some(filter) = self.filters.get(rule) else { continue };
            scratch.tally.candidates += 1;
            let decided = class.exact.binary_search(candidate).is_ok();
            scratch.tally.asked += u64::from(!decided);
            if decided || holds(filter, &event.fields) {
                scratch.tally.deliveries += 1;
                emit(rule);
            }
        }
    }
}

impl ClassIndex {
    fn new(rules: &[(u32, &Filter)]) -> ClassIndex {
        let mut usage = Usage::default();
        rules.iter().for_each(|(_, filter)| usage.count(filter));
        let mut always = Vec::new();
        let mut exact = Vec::new();
        let mut fields: BTreeMap<FieldId, BTreeMap<Key<'_>, Vec<u32>>> = BTreeMap::new();
        for (rule, filter) in rules {
            match usage.condition(filter) {
                None => {
                    always.push(*rule);
                    if **filter == Filter::Always {
                        exact.push(*rule);
                    }
                }
                Some(Condition { keys, exact: decides, .. }) => {
                    for (field, key) in keys {
                        fields.entry(field).or_default().entry(key).or_default().push(*rule);
                    }
                    if decides {
                        exact.push(*rule);
                    }
                }
            }
        }
        let mut lists = Lists::default();
        let mut indexed = Vec::new();
        for (field, keys) in fields {
            let numbered: Vec<_> = keys.iter().map(|(key, rules)| (key.clone(), lists.push(rules))).collect();
            match FieldIndex::new(&numbered) {
                Ok(index) => indexed.push((field, index)),
                // More text than an automaton can have: its rules are candidates for every event.
                Err(_) => always.extend(keys.into_values().flatten()),
            }
        }
        always.sort_unstable();
        always.dedup();
        // A rule that is a candidate for every event isn't decided by a key.
        exact.retain(|rule| always.binary_search(rule).is_err() || is_always(rules, *rule));
        ClassIndex { always, fields: indexed, lists, exact }
    }

    /// Puts the rules that may want the event into the scratch, each once.
    fn candidates(&self, event: &Event, rules: usize, scratch: &mut Scratch) {
        let Scratch { texts, last, event: number, candidates, .. } = scratch;
        *number += 1;
        last.resize(rules, 0);
        candidates.clear();
        let mut add = |rules: &[u32]| {
            for rule in rules {
                if let Some(last) = last.get_mut(*rule as usize).filter(|last| **last != *number) {
                    *last = *number;
                    candidates.push(*rule);
                }
            }
        };
        add(&self.always);
        for (field, index) in &self.fields {
            if let Some(value) = event.fields.get(*field) {
                index.look_up(value, texts, &mut |list| add(self.lists.get(list)));
            }
        }
    }
}

fn is_always(rules: &[(u32, &Filter)], rule: u32) -> bool {
    let place = rules.binary_search_by_key(&rule, |(place, _)| *place);
    place.ok().and_then(|place| rules.get(place)).is_some_and(|(_, filter)| **filter == Filter::Always)
}

impl Lists {
    /// Adds a list and returns its number.
    fn push(&mut self, rules: &[u32]) -> u32 {
        self.rules.extend_from_slice(rules);
        self.ends.push(self.rules.len());
        // Each list has a key from a declaration: there are fewer lists than bytes of declarations.
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    fn get(&self, list: u32) -> &[u32] {
        let list = list as usize;
        let start = list.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(list).and_then(|end| self.rules.get(start..*end)).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "../../tests/unit/filter_index.rs"]
mod tests;
