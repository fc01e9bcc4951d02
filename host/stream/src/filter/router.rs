//! Brings the events of a stretch to the rules that want them.

use countersign_declaration::Declaration;

use super::index::{FilterIndex, Scratch, Tally};
use crate::Sequenced;

/// Brings the events of one stretch after the other to the rules that want them. A rule is named by its place among
/// those that the router was made for. What a stretch costs grows with its events and with the rules that they reach.
#[derive(Debug)]
pub struct Router {
    index: FilterIndex,
    scratch: Scratch,
    /// For each rule, the places of its events in the stretch.
    rows: Vec<Vec<usize>>,
    /// The rules that have any, in order.
    reached: Vec<usize>,
    silenced: Vec<bool>,
}

impl Router {
    /// For rules in their order.
    #[must_use]
    pub fn new<'d>(declarations: impl IntoIterator<Item = &'d Declaration>) -> Router {
        let mut rules = 0;
        let index = FilterIndex::new(declarations.into_iter().inspect(|_| rules += 1));
        Router {
            index,
            scratch: Scratch::default(),
            rows: vec![Vec::new(); rules],
            reached: Vec::new(),
            silenced: vec![false; rules],
        }
    }

    /// Takes the next stretch in place of the one before.
    pub fn route(&mut self, events: &[Sequenced]) {
        let Router { index, scratch, rows, reached, silenced } = self;
        for rule in reached.drain(..) {
            if let Some(rows) = rows.get_mut(rule) {
                rows.clear();
            }
        }
        for (place, row) in events.iter().enumerate() {
            let heard = |rule: usize| silenced.get(rule) == Some(&false);
            index.wanting(&row.event, scratch, heard, |rule| {
                if let Some(rows) = rows.get_mut(rule) {
                    if rows.is_empty() {
                        reached.push(rule);
                    }
                    rows.push(place);
                }
            });
        }
        reached.sort_unstable();
    }

    /// The rules that events of the stretch reach, in order.
    #[must_use]
    pub fn reached(&self) -> &[usize] {
        &self.reached
    }

    /// The places in the stretch of the events that reach a rule, in order.
    #[must_use]
    pub fn rows(&self, rule: usize) -> &[usize] {
        self.rows.get(rule).map_or(&[], Vec::as_slice)
    }

    /// No event reaches this rule any more, from the next stretch on.
    pub fn silence(&mut self, rule: usize) {
        if let Some(silenced) = self.silenced.get_mut(rule) {
            *silenced = true;
        }
    }

    /// How much work it was so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.scratch.tally
    }
}
