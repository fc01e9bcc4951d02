//! Cells to a full table: for every combination the covering cell that names most axes, and every pair of cells that
//! disagree where neither names more than the other.

use std::collections::BTreeSet;

use countersign_document::Diagnostic;
use countersign_model::vocabulary::{Action, IdentityType, SignalClass, Tier};

use crate::policy::{Cell, CellOutcome, ResponseChoice};

/// Every combination's cell and every class and type's response choice, by their places as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Compiled {
    cells: Vec<Option<usize>>,
    responses: Vec<Option<usize>>,
    unset: CellOutcome,
}

/// One combination.
type Combination = (SignalClass, IdentityType, Tier, Action);

impl Compiled {
    /// Compiles cells and response choices.
    ///
    /// # Errors
    /// One fault for each pair that disagrees where both decide, with an example.
    pub(crate) fn of(cells: &[Cell], responses: &[ResponseChoice]) -> Result<Compiled, Vec<Diagnostic>> {
        let mut compiled = Compiled { cells: Vec::new(), responses: Vec::new(), unset: CellOutcome::unset() };
        let mut faults = Vec::new();
        let mut reported = BTreeSet::new();
        for combination in combinations() {
            let decided = decide(cells.iter().map(|cell| (cell.covers(combination), cell.specificity())));
            if let Some((first, second)) = disagreement(cells, &decided)
                && reported.insert((first, second))
            {
                faults.push(cell_fault(cells, first, second, combination));
            }
            // Those that agree may differ in their review: the earliest counts.
            let strictest = decided
                .iter()
                .copied()
                .min_by_key(|place| cells.get(*place).map(|cell| (cell.outcome.review_by.clone(), *place)));
            compiled.cells.push(strictest);
        }
        reported.clear();
        for class in SignalClass::ALL.iter().copied() {
            for identity_type in IdentityType::ALL.iter().copied() {
                let decided = decide(responses.iter().map(|choice| {
                    let covers = choice.class.covers(class) && choice.identity_type.covers(identity_type);
                    (covers, u8::from(choice.class.is_named()) + u8::from(choice.identity_type.is_named()))
                }));
                if let [first, rest @ ..] = decided.as_slice() {
                    let rules = |place: usize| responses.get(place).map(|choice| choice.rules.as_slice());
                    if let Some(second) = rest.iter().find(|place| rules(**place) != rules(*first))
                        && reported.insert((*first, *second))
                    {
                        faults.push(response_fault(*first, *second, class, identity_type));
                    }
                }
                compiled.responses.push(decided.first().copied());
            }
        }
        if faults.is_empty() { Ok(compiled) } else { Err(faults) }
    }

    /// The place of the cell that decides.
    pub(crate) fn cell(&self, class: SignalClass, ty: IdentityType, tier: Tier, action: Action) -> Option<usize> {
        let index = ((class as usize * IdentityType::ALL.len() + ty as usize) * Tier::ALL.len() + tier as usize)
            * Action::ALL.len()
            + action as usize;
        self.cells.get(index).copied().flatten()
    }

    /// The place of the response choice that decides.
    pub(crate) fn response(&self, class: SignalClass, ty: IdentityType) -> Option<usize> {
        self.responses.get(class as usize * IdentityType::ALL.len() + ty as usize).copied().flatten()
    }

    /// What answers where no cell covers.
    pub(crate) fn unset(&self) -> &CellOutcome {
        &self.unset
    }
}

impl Cell {
    fn covers(&self, (class, identity_type, tier, action): Combination) -> bool {
        self.class.covers(class)
            && self.identity_type.covers(identity_type)
            && self.tier.covers(tier)
            && self.action.covers(action)
    }

    /// How many axes it names.
    fn specificity(&self) -> u8 {
        u8::from(self.class.is_named())
            + u8::from(self.identity_type.is_named())
            + u8::from(self.tier.is_named())
            + u8::from(self.action.is_named())
    }
}

/// Every combination, in the order of the table.
fn combinations() -> impl Iterator<Item = Combination> {
    SignalClass::ALL.iter().flat_map(|class| {
        IdentityType::ALL.iter().flat_map(move |ty| {
            Tier::ALL.iter().flat_map(move |tier| Action::ALL.iter().map(move |action| (*class, *ty, *tier, *action)))
        })
    })
}

/// The places of those that cover and name most.
fn decide(candidates: impl Iterator<Item = (bool, u8)>) -> Vec<usize> {
    let mut most = 0;
    let mut decided = Vec::new();
    for (place, (covers, specificity)) in candidates.enumerate() {
        if !covers || specificity < most {
            continue;
        }
        if specificity > most {
            most = specificity;
            decided.clear();
        }
        decided.push(place);
    }
    decided
}

fn disagreement(cells: &[Cell], decided: &[usize]) -> Option<(usize, usize)> {
    let terms =
        |place: usize| cells.get(place).map(|cell| (cell.outcome.answer, cell.outcome.floor, cell.outcome.max_age));
    let (first, rest) = decided.split_first()?;
    rest.iter().find(|place| terms(**place) != terms(*first)).map(|second| (*first, *second))
}

fn cell_fault(cells: &[Cell], first: usize, second: usize, at: Combination) -> Diagnostic {
    let terms = |place: usize| {
        cells.get(place).map_or_else(String::new, |cell| {
            let age = countersign_model::time::format_duration(cell.outcome.max_age);
            format!("`cell[{place}]` ({}, floor {}, max-age {age})", cell.outcome.answer.id(), cell.outcome.floor)
        })
    };
    let (class, ty, tier, action) = at;
    Diagnostic {
        line: None,
        place: format!("cell[{second}]"),
        expected: "cells that name equally many axes to agree where both decide".to_owned(),
        got: format!(
            "{} and {}, which both decide class `{class}`, type `{ty}`, tier `{tier}`, action `{action}`",
            terms(first),
            terms(second)
        ),
        hint: Some("name one axis more in the cell that should win".to_owned()),
    }
}

fn response_fault(first: usize, second: usize, class: SignalClass, ty: IdentityType) -> Diagnostic {
    Diagnostic {
        line: None,
        place: format!("response[{second}]"),
        expected: "`[[response]]` tables that name equally many axes to agree where both decide".to_owned(),
        got: format!("`response[{first}]` and `response[{second}]`, which both decide class `{class}`, type `{ty}`"),
        hint: Some("name one axis more in the table that should win".to_owned()),
    }
}
