//! A slow connector delays no other, undoing has its places, and of a target one is done after another.

use super::*;
use crate::input::{Gate, Input};

fn work(number: u8, purpose: Purpose) -> Work {
    Work::new(Digest([number; 32]), purpose, Timestamp(i64::from(number)), Timestamp(1_000_000), 0)
}

fn uncertain(number: u8) -> Work {
    let mut work = work(number, Purpose::Act);
    for input in [Input::Gate { said: Gate::Holds }, Input::Started { before: String::new() }, Input::Restarted] {
        work.take(&input, Timestamp(300)).unwrap();
    }
    work
}

const LANES: Lanes = Lanes { limits: Limits { at_once: 4, kept_for_undo: 2 } };

/// Each on a target of its own, but for those whose target is given.
fn chosen(works: &[(&str, Work, Option<&str>)], in_flight: &[u8]) -> Vec<u8> {
    let in_flight = in_flight.iter().map(|number| Digest([*number; 32])).collect();
    let names: Vec<String> = works.iter().map(|(_, work, _)| work.key().to_string()).collect();
    let candidates = works.iter().zip(&names).map(|((connector, work, target), name)| Candidate {
        connector,
        target: target.unwrap_or(name),
        work,
    });
    LANES.choose(candidates, &in_flight, Timestamp(500)).iter().map(|key| key.0[0]).collect()
}

fn on_own(connector: &str, numbers: std::ops::RangeInclusive<u8>, purpose: Purpose) -> Vec<(&str, Work, Option<&str>)> {
    numbers.map(|number| (connector, work(number, purpose), None)).collect()
}

#[test]
fn a_share_is_kept_for_undo() {
    let mut works = on_own("a", 1..=9, Purpose::Act);
    assert_eq!(chosen(&works, &[]), [1, 2]);
    assert_eq!(chosen(&works, &[1]), [2]);
    assert_eq!(chosen(&works, &[1, 2]), [0_u8; 0]);
    works.extend(on_own("a", 20..=29, Purpose::Undo));
    assert_eq!(chosen(&works, &[]), [20, 21, 22, 23]);
    assert_eq!(chosen(&works, &[1, 2, 20]), [21]);
    assert_eq!(chosen(&works, &[1, 2, 20, 21]), [0_u8; 0]);
}

#[test]
fn what_is_to_be_settled_goes_before_what_is_new_and_after_undoing() {
    let mut works: Vec<_> = (200..=205).map(|number| ("a", uncertain(number), None)).collect();
    works.extend(on_own("a", 1..=2, Purpose::Act));
    assert_eq!(chosen(&works, &[]), [200, 201], "a provider that can't be read takes no place of undoing");
    works.extend(on_own("a", 30..=30, Purpose::Undo));
    assert_eq!(chosen(&works, &[]), [30, 200]);
}

#[test]
fn a_slow_connector_takes_no_place_of_another() {
    let mut works = on_own("a", 1..=3, Purpose::Act);
    works.extend(on_own("b", 4..=6, Purpose::Act));
    assert_eq!(chosen(&works, &[1, 2]), [4, 5]);
}

#[test]
fn of_a_target_one_is_done_after_another() {
    let works = [
        ("a", work(1, Purpose::Act), Some("ana")),
        ("a", work(2, Purpose::Undo), Some("ana")),
        ("a", work(3, Purpose::Act), Some("ben")),
        // Another provider's account of the same name.
        ("b", work(4, Purpose::Act), Some("ana")),
    ];
    assert_eq!(chosen(&works, &[]), [2, 3, 4]);
    assert_eq!(chosen(&works, &[1]), [3, 4]);
}

#[test]
fn one_place_is_enough_to_contain() {
    let lanes = Lanes { limits: Limits { at_once: 0, kept_for_undo: 9 } };
    let work = work(1, Purpose::Act);
    let candidate = Candidate { connector: "a", target: "ana", work: &work };
    assert_eq!(lanes.choose([candidate], &BTreeSet::new(), Timestamp(500)).len(), 1);
}
