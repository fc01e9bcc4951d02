//! Which of many texts are equal to a text, begin it, end it or lie within it, without asking each.

use std::collections::HashMap;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, StartKind};

/// Most bytes of a pattern that go into an automaton, so that thousands of long patterns stay small. What has the
/// beginning of a longer one is asked in full.
pub(super) const MAX_PATTERN: usize = 64;

/// How a text is held against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum How {
    /// It is the whole.
    Whole,
    /// It begins the other.
    Prefix,
    /// It ends the other.
    Suffix,
    /// It lies within the other.
    Within,
}

/// Many texts with the number of a list each.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Only looked up in.
    whole: HashMap<Box<str>, u32>,
    prefixes: Option<Automaton>,
    /// Both these and what is searched are read backwards.
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
            // Its size grows with the patterns alone, a table of transitions with the alphabet too.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .start_kind(start)
            .build(patterns.iter().map(|(pattern, _)| pattern))?;
        Ok(Some(Automaton { automaton, lists: patterns.iter().map(|(_, list)| *list).collect() }))
    }

    fn found(&self, text: &[u8], anchored: Anchored, tell: &mut impl FnMut(u32)) {
        let input = Input::new(text).anchored(anchored);
        let mut state = OverlappingState::start();
        // It is made for this kind of start and for overlapping matches, so that it never refuses.
        while self.automaton.try_find_overlapping(input.clone(), &mut state).is_ok() {
            let Some(found) = state.get_match() else { return };
            // A state of an anchored search knows its shorter ends too, which begin later.
            if anchored == Anchored::No || found.start() == 0 {
                self.lists.get(found.pattern().as_usize()).into_iter().for_each(|list| tell(*list));
            }
        }
    }
}

impl Patterns {
    /// Of texts that aren't empty where they are parts.
    ///
    /// # Errors
    /// When there are more than an automaton can have: some 2³¹ bytes.
    pub(super) fn new<'t>(
        texts: impl IntoIterator<Item = (How, &'t str, u32)>,
    ) -> Result<Patterns, aho_corasick::BuildError> {
        let mut whole = HashMap::new();
        let (mut prefixes, mut suffixes, mut within) = (Vec::new(), Vec::new(), Vec::new());
        for (how, text, list) in texts {
            let bytes = text.bytes().take(MAX_PATTERN).collect();
            match how {
                How::Whole => drop(whole.insert(text.into(), list)),
                How::Prefix => prefixes.push((bytes, list)),
                How::Suffix => suffixes.push((text.bytes().rev().take(MAX_PATTERN).collect(), list)),
                How::Within => within.push((bytes, list)),
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

    /// Tells the lists of texts that hold of this one, some maybe several times; of those that are longer than
    /// [`MAX_PATTERN`] also some that may not.
    pub(super) fn holding(&self, text: &str, backwards: &mut Vec<u8>, tell: &mut impl FnMut(u32)) {
        if let Some(list) = self.whole.get(text) {
            tell(*list);
        }
        if let Some(prefixes) = &self.prefixes {
            prefixes.found(text.as_bytes(), Anchored::Yes, tell);
        }
        if let Some(suffixes) = &self.suffixes {
            backwards.clear();
            backwards.extend(text.bytes().rev().take(MAX_PATTERN));
            suffixes.found(backwards, Anchored::Yes, tell);
        }
        if let Some(within) = &self.within {
            within.found(text.as_bytes(), Anchored::No, tell);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn holding(texts: &[(How, &str)], text: &str) -> Vec<u32> {
        let numbered = texts.iter().zip(0..).map(|((how, text), list)| (*how, *text, list));
        let mut told = Vec::new();
        Patterns::new(numbered).unwrap().holding(text, &mut Vec::new(), &mut |list| told.push(list));
        told.sort_unstable();
        told.dedup();
        told
    }

    #[test]
    fn all_that_hold_are_told_however_they_overlap() {
        let texts = [
            (How::Whole, "abc"),
            (How::Whole, ""),
            (How::Prefix, "a"),
            (How::Prefix, "abc"),
            (How::Prefix, "b"),
            (How::Suffix, "c"),
            (How::Suffix, "abc"),
            (How::Suffix, "ab"),
            (How::Within, "b"),
            (How::Within, "abc"),
            (How::Within, "cb"),
        ];
        assert_eq!(holding(&texts, "abc"), [0, 2, 3, 5, 6, 8, 9]);
        assert_eq!(holding(&texts, ""), [1]);
        assert_eq!(holding(&texts, "cab"), [7, 8]);
    }

    #[test]
    fn a_long_one_is_told_by_its_end_of_64_bytes() {
        let long = "é".repeat(100);
        let texts = [(How::Prefix, long.as_str()), (How::Suffix, long.as_str()), (How::Within, long.as_str())];
        assert_eq!(holding(&texts, &long), [0, 1, 2]);
        // Maybe: the rest is asked by who wants to know.
        assert_eq!(holding(&texts, &"é".repeat(32)), [0, 1, 2]);
        assert!(holding(&texts, &"é".repeat(31)).is_empty());
    }
}
