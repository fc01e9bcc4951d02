//! The conditions that are necessary for a filter to pass: the part of a filter by which events can be looked up.

use std::collections::{BTreeSet, HashMap};

use countersign_declaration::{Filter, Literal, Network, Span, Test, float_key};
use countersign_model::vocabulary::FieldId;

use super::patterns::{MAX_PATTERN, TextMatch};

/// What a field's value is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key<'f> {
    /// There is a value.
    Exists,
    /// It is this boolean.
    Boolean(bool),
    /// It is this whole number.
    Integer(i64),
    /// It is the float with this [`float_key`].
    Float(i64),
    /// It is a whole number from one to another.
    Integers(i128, i128),
    /// It is a float from one to another, by their keys.
    Floats(i128, i128),
    /// It is an address of this network.
    Network(Network),
    /// It is a text, or a list with a text, that this one matches.
    Text {
        /// How it matches.
        how: TextMatch,
        /// Whether it is compared without case.
        folded: bool,
        /// The text.
        text: &'f str,
    },
}

/// One of these keys must apply for the filter to pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Condition<'f> {
    /// Fields with what their values are looked up by.
    pub(super) keys: BTreeSet<(FieldId, Key<'f>)>,
    /// Whether the filter passes whenever one of them applies, so that it needn't be evaluated.
    pub(super) exact: bool,
    /// An estimate of how many events it lets through; only compared.
    likely: u64,
}

/// How often each key occurs in the filters of a class. Only looked up in.
#[derive(Default)]
pub(super) struct Usage<'f>(HashMap<(FieldId, Key<'f>), u32>);

impl<'f> Usage<'f> {
    /// Counts the keys of a filter.
    pub(super) fn count(&mut self, filter: &'f Filter) {
        match filter {
            Filter::Always => {}
            Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| self.count(part)),
            Filter::Not(part) => self.count(part),
            Filter::Test { field, test, ignore_case } => {
                for key in keys(test, *ignore_case).into_iter().flat_map(|(keys, _)| keys) {
                    *self.0.entry((*field, key)).or_default() += 1;
                }
            }
        }
    }

    /// The condition of a filter; none if nothing can be looked up.
    pub(super) fn condition(&self, filter: &'f Filter) -> Option<Condition<'f>> {
        self.necessary(filter, false)
    }

    /// The condition of a filter, or of its negation.
    fn necessary(&self, filter: &'f Filter, negated: bool) -> Option<Condition<'f>> {
        match (filter, negated) {
            // Nothing is looked up by the absence of a value.
            (Filter::Always, _) => None,
            (Filter::Not(part), _) => self.necessary(part, !negated),
            // The most selective part stands for all; by De Morgan, the same goes for a negated `or`.
            (Filter::And(parts), false) | (Filter::Or(parts), true) => {
                let conditions = parts.iter().filter_map(|part| self.necessary(part, negated));
                let best = conditions.min_by_key(|condition| condition.likely)?;
                Some(Condition { exact: best.exact && parts.len() == 1, ..best })
            }
            (Filter::Or(parts), false) | (Filter::And(parts), true) => {
                let mut all = Condition { keys: BTreeSet::new(), exact: true, likely: 0 };
                for part in parts {
                    let Condition { keys, exact, likely } = self.necessary(part, negated)?;
                    all.keys.extend(keys);
                    all.exact &= exact;
                    all.likely = all.likely.saturating_add(likely);
                }
                Some(all)
            }
            (Filter::Test { field, test: Test::Exists(wanted), .. }, _) => {
                (*wanted != negated).then(|| self.estimate(*field, vec![Key::Exists], true))
            }
            (Filter::Test { .. }, true) => None,
            (Filter::Test { field, test, ignore_case }, false) => {
                let (keys, exact) = keys(test, *ignore_case)?;
                Some(self.estimate(*field, keys, exact))
            }
        }
    }

    /// The condition of these keys, with an estimate of how many events it lets through.
    fn estimate(&self, field: FieldId, keys: Vec<Key<'f>>, exact: bool) -> Condition<'f> {
        let keys: BTreeSet<_> = keys.into_iter().map(|key| (field, key)).collect();
        // A key that many filters share is probably common; a list matches slightly more often than its commonest key.
        let commonest = keys.iter().map(|key| weight(&key.1) * u64::from(self.0.get(key).copied().unwrap_or(1))).max();
        let likely = commonest.unwrap_or(0) * u64::from(1 + keys.len().checked_ilog2().unwrap_or(0));
        Condition { keys, exact, likely }
    }
}

/// The keys of a test, and whether the test passes whenever a key applies; none where nothing can be looked up.
fn keys(test: &Test, ignore_case: bool) -> Option<(Vec<Key<'_>>, bool)> {
    Some(match test {
        Test::Exists(true) => (vec![Key::Exists], true),
        Test::Exists(false) => return None,
        Test::Eq(literal) => (literal_key(literal, ignore_case).into_iter().collect(), true),
        Test::In(literals) => (literals.iter().filter_map(|literal| literal_key(literal, ignore_case)).collect(), true),
        Test::Prefix(text) => part_key(TextMatch::Prefix, ignore_case, text),
        Test::Suffix(text) => part_key(TextMatch::Suffix, ignore_case, text),
        Test::Contains(text) => part_key(TextMatch::Within, ignore_case, text),
        Test::Range(range) => match range.span() {
            Span::Integers(min, max) => (vec![Key::Integers(min, max)], true),
            Span::Floats(min, max) => (vec![Key::Floats(min, max)], true),
        },
        Test::Cidr(networks) => (networks.iter().copied().map(Key::Network).collect(), true),
    })
}

fn part_key(how: TextMatch, folded: bool, text: &str) -> (Vec<Key<'_>>, bool) {
    // Every text contains the empty one, but not every value is text.
    if text.is_empty() {
        return (vec![Key::Exists], false);
    }
    (vec![Key::Text { how, folded, text }], text.len() <= MAX_PATTERN)
}

/// None for what no value equals.
fn literal_key(literal: &Literal, folded: bool) -> Option<Key<'_>> {
    Some(match literal {
        Literal::Text(text) => Key::Text { how: TextMatch::Whole, folded, text },
        Literal::Integer(number) => Key::Integer(*number),
        Literal::Float(number) => Key::Float(float_key(*number)?),
        Literal::Boolean(value) => Key::Boolean(*value),
    })
}

/// A guess from a key's kind of how many events it lets through. A wrong guess costs time and nothing else.
fn weight(key: &Key<'_>) -> u64 {
    match key {
        Key::Exists => 128,
        Key::Boolean(_) => 64,
        // Often a code of few values.
        Key::Integer(_) => 16,
        Key::Integers(min, max) | Key::Floats(min, max) => {
            if *min == i128::MIN || *max == i128::MAX {
                64
            } else {
                32
            }
        }
        Key::Float(_) | Key::Network(_) | Key::Text { how: TextMatch::Whole, .. } => 2,
        // A long part is rare.
        Key::Text { text, .. } => 128_u64 >> text.len().min(5),
    }
}
