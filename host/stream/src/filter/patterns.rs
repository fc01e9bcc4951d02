//! Finds which of many texts equal, begin, end or lie within a text, without testing each.

use std::collections::HashMap;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, StartKind};

/// Maximum bytes of a pattern that go into an automaton, so that thousands of long patterns stay small. Where the start
/// of a longer one matches, its filter is evaluated in full.
pub(super) const MAX_PATTERN: usize = 64;

/// How a text matches another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TextMatch {
    /// It is the whole.
    Whole,
    /// It begins the other.
    Prefix,
    /// It ends the other.
    Suffix,
    /// It lies within the other.
    Within,
}

/// Many texts, each with the number of a list.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Only looked up in.
    whole: HashMap<Box<str>, u32>,
    prefixes: Option<Automaton>,
    /// Both these and the searched text are reversed.
    suffixes: Option<Automaton>,
    within: Option<Automaton>,
}

#[derive(Debug)]
struct Automaton {
    automaton: AhoCorasick,
    /// The list of each pattern.
    lists: Vec<u32>,
}

impl Automaton {
    /// None where there are no patterns.
    fn new(patterns: &[(Vec<u8>, u32)], start: StartKind) -> Result<Option<Automaton>, aho_corasick::BuildError> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let automaton = AhoCorasick::builder()
            // Its size grows with the patterns alone; that of a table of transitions with the alphabet too.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .start_kind(start)
            .build(patterns.iter().map(|(pattern, _)| pattern))?;
        Ok(Some(Automaton { automaton, lists: patterns.iter().map(|(_, list)| *list).collect() }))
    }

    fn for_each_match(&self, text: &[u8], anchored: Anchored, emit: &mut impl FnMut(u32)) {
        let input = Input::new(text).anchored(anchored);
        let mut state = OverlappingState::start();
        // It is built for this kind of start and for overlapping matches, so this is never an error.
        while self.automaton.try_find_overlapping(input.clone(), &mut state).is_ok() {
            let Some(found) = state.get_match() else { return };
            // A state of an anchored search also matches its suffixes, which begin later.
            if anchored == Anchored::No || found.start() == 0 {
                self.lists.get(found.pattern().as_usize()).into_iter().for_each(|list| emit(*list));
            }
        }
    }
}

impl Patterns {
    /// From texts, which aren't empty unless they match whole.
    ///
    /// # Errors
    /// When there are more than an automaton can have: some 2³¹ bytes.
    pub(super) fn new<'t>(
        texts: impl IntoIterator<Item = (TextMatch, &'t str, u32)>,
    ) -> Result<Patterns, aho_corasick::BuildError> {
        let mut whole = HashMap::new();
        let (mut prefixes, mut suffixes, mut within) = (Vec::new(), Vec::new(), Vec::new());
        for (how, text, list) in texts {
            let bytes = text.bytes().take(MAX_PATTERN).collect();
            match how {
                TextMatch::Whole => drop(whole.insert(text.into(), list)),
                TextMatch::Prefix => prefixes.push((bytes, list)),
                TextMatch::Suffix => suffixes.push((text.bytes().rev().take(MAX_PATTERN).collect(), list)),
                TextMatch::Within => within.push((bytes, list)),
            }
        }
        Ok(Patterns {
            whole,
            prefixes: Automaton::new(&prefixes, StartKind::Anchored)?,
            suffixes: Automaton::new(&suffixes, StartKind::Anchored)?,
            within: Automaton::new(&within, StartKind::Unanchored)?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.prefixes.is_none() && self.suffixes.is_none() && self.within.is_none()
    }

    /// Emits the lists of the texts that match this one, some maybe several times; of texts that are longer than
    /// [`MAX_PATTERN`] also some that don't.
    pub(super) fn for_each_match(&self, text: &str, reversed: &mut Vec<u8>, emit: &mut impl FnMut(u32)) {
        if let Some(list) = self.whole.get(text) {
            emit(*list);
        }
        if let Some(prefixes) = &self.prefixes {
            prefixes.for_each_match(text.as_bytes(), Anchored::Yes, emit);
        }
        if let Some(suffixes) = &self.suffixes {
            reversed.clear();
            reversed.extend(text.bytes().rev().take(MAX_PATTERN));
            suffixes.for_each_match(reversed, Anchored::Yes, emit);
        }
        if let Some(within) = &self.within {
            within.for_each_match(text.as_bytes(), Anchored::No, emit);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn matching(texts: &[(TextMatch, &str)], text: &str) -> Vec<u32> {
        let numbered = texts.iter().zip(0..).map(|((how, text), list)| (*how, *text, list));
        let mut lists = Vec::new();
        Patterns::new(numbered).unwrap().for_each_match(text, &mut Vec::new(), &mut |list| lists.push(list));
        lists.sort_unstable();
        lists.dedup();
        lists
    }

    #[test]
    fn all_matches_are_emitted_though_they_overlap() {
        let texts = [
            (TextMatch::Whole, "abc"),
            (TextMatch::Whole, ""),
            (TextMatch::Prefix, "a"),
            (TextMatch::Prefix, "abc"),
            (TextMatch::Prefix, "b"),
            (TextMatch::Suffix, "c"),
            (TextMatch::Suffix, "abc"),
            (TextMatch::Suffix, "ab"),
            (TextMatch::Within, "b"),
            (TextMatch::Within, "abc"),
            (TextMatch::Within, "cb"),
        ];
        assert_eq!(matching(&texts, "abc"), [0, 2, 3, 5, 6, 8, 9]);
        assert_eq!(matching(&texts, ""), [1]);
        assert_eq!(matching(&texts, "cab"), [7, 8]);
    }

    #[test]
    fn a_long_text_matches_by_64_of_its_bytes() {
        let long = "é".repeat(100);
        let texts = [
            (TextMatch::Prefix, long.as_str()),
            (TextMatch::Suffix, long.as_str()),
            (TextMatch::Within, long.as_str()),
        ];
        assert_eq!(matching(&texts, &long), [0, 1, 2]);
        // A false match: the filter is evaluated in full afterwards.
        assert_eq!(matching(&texts, &"é".repeat(32)), [0, 1, 2]);
        assert!(matching(&texts, &"é".repeat(31)).is_empty());
    }
}
