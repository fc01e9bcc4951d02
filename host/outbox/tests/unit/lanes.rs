//! A slow connector delays no other, and undoing has its places.

use super::*;
use crate::work::Input;

fn work(number: u8, purpose: Purpose) -> Work {
    Work::new(Digest([number; 32]), purpose, Timestamp(i64::from(number)), Timestamp(1_000_000))
}

const LANES: Lanes = Lanes { limits: Limits { at_once: 4, kept_for_undo: 2 } };

fn chosen(works: &[(&str, Work)], busy: &[(&str, usize)]) -> Vec<u8> {
    let busy = busy.iter().copied().collect();
    let works = works.iter().map(|(connector, work)| (*connector, work));
    LANES.choose(works, &busy, Timestamp(500)).iter().map(|key| key.0[0]).collect()
}

#[test]
fn a_share_is_kept_for_undo() {
    let mut works: Vec<(&str, Work)> = (1..=9).map(|number| ("a", work(number, Purpose::Act))).collect();
    assert_eq!(chosen(&works, &[]), [1, 2]);
    works.extend((20..=29).map(|number| ("a", work(number, Purpose::Undo))));
    assert_eq!(chosen(&works, &[]), [20, 21, 22, 23]);
    assert_eq!(chosen(&works, &[("a", 3)]), [20]);
    assert_eq!(chosen(&works, &[("a", 4)]), [0_u8; 0]);
    assert_eq!(chosen(&works[..9], &[("a", 2)]), [0_u8; 0]);
}

#[test]
fn a_slow_connector_takes_no_place_of_another() {
    let works: Vec<(&str, Work)> =
        (1..=6).map(|number| (if number < 4 { "a" } else { "b" }, work(number, Purpose::Act))).collect();
    assert_eq!(chosen(&works, &[("a", 4)]), [4, 5]);
    assert_eq!(chosen(&works, &[]), [1, 2, 4, 5]);
}

#[test]
fn what_is_to_be_settled_goes_first() {
    let mut uncertain = work(200, Purpose::Act);
    for input in [Input::Gate(true), Input::Started, Input::Restarted] {
        uncertain.take(&input, Timestamp(300)).unwrap();
    }
    let works = [("a", work(1, Purpose::Undo)), ("a", work(2, Purpose::Act)), ("a", uncertain)];
    assert_eq!(chosen(&works, &[]), [200, 1]);
    assert_eq!(chosen(&works, &[("a", 3)]), [200]);
}

#[test]
fn one_place_is_enough_to_contain() {
    let lanes = Lanes { limits: Limits { at_once: 0, kept_for_undo: 9 } };
    let work = work(1, Purpose::Act);
    assert_eq!(lanes.choose([("a", &work)], &BTreeMap::new(), Timestamp(500)).len(), 1);
}
