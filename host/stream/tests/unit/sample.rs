//! Rules that hide in batches: they answer otherwise on their own, and only where they find nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use countersign_model::DigestKey;

use super::*;
use crate::rule::RuleStream;
use crate::testing::{Fake, FakeAnswer, FakeCall, call, declaration, judge, rows, sequence, slot};

fn key() -> DigestKey {
    DigestKey::private(&[7; 32]).unwrap()
}

/// Finds on a row alone what it never finds in a batch.
fn shy() -> (RuleStream, Arc<Fake>) {
    let (stream, fake) = Fake::stream(declaration("", &slot("count")), |call: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        if call.operations.len() == 1 {
            answer.find(0, "alone");
        }
        Ok(answer)
    });
    (stream.with_sample(&key()), fake)
}

#[test]
fn the_first_rows_of_a_rules_code_are_all_judged_on_their_own_too() {
    let (mut stream, fake) = shy();
    let outcome = judge(&mut stream, &rows(&[("seen", "A"), ("seen", "B"), ("seen", "A"), ("seen", "")]));
    assert_eq!(fake.calls(), [4, 1, 1, 1, 1]);
    assert_eq!(outcome.findings.len(), 4, "what it answers on its own counts");
    let marked: Vec<_> = outcome.disagreements.iter().map(|one| (one.row.position, one.what)).collect();
    assert_eq!(marked, [(1, "findings"), (2, "findings"), (3, "findings")], "each key once, at its last row");
}

#[test]
fn later_ones_are_sampled_whatever_the_batches() {
    let events: Vec<_> = (0..20_000).map(|number| call(number, "seen", &format!("S{number}"))).collect();
    let rows = sequence(events);
    let run = |batch: usize| {
        let (mut stream, _) = shy();
        stream.set_judged(FIRST_ROWS);
        let outcomes: Vec<_> = rows.chunks(batch).map(|rows| stream.judge(&rows.iter().collect::<Vec<_>>())).collect();
        assert_eq!(stream.judged(), FIRST_ROWS + rows.len() as u64);
        outcomes.iter().flat_map(|one| &one.disagreements).map(|one| one.row.position).collect::<Vec<u64>>()
    };
    let marked = run(256);
    // 78 are expected of 20,000; twenty more or less is beyond two in a hundred.
    assert!((58..=98).contains(&marked.len()), "{}", marked.len());
    assert_eq!(run(1_000), marked);
}

#[test]
fn a_sample_depends_on_key_rule_partition_key_and_event() {
    let rows = rows(&[("seen", "A"), ("seen", "B")]);
    let sample = |key: u8, rule: &str| Sample::new(&DigestKey::private(&[key; 32]).unwrap(), &rule.parse().unwrap());
    let chosen = |sample: &Sample, row: usize| -> Vec<usize> {
        (0..4_096).filter(|key| sample.has(FIRST_ROWS, &rows[row], Some(&format!("k{key}")))).collect()
    };
    let one = chosen(&sample(1, "acme/one"), 0);
    assert!((4..=40).contains(&one.len()), "{one:?}");
    assert_eq!(chosen(&sample(1, "acme/one"), 0), one);
    for (sample, row) in [(sample(2, "acme/one"), 0), (sample(1, "acme/two"), 0), (sample(1, "acme/one"), 1)] {
        assert_ne!(chosen(&sample, row), one);
    }
}
