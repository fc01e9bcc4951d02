//! An origin that holds no more than its share loses nothing, whatever others hold.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;

fn candidate(source: &str, tenant: &str, network: u8, weight: u64) -> Candidate {
    let network = (network > 0).then(|| IpAddr::V4(Ipv4Addr::new(198, 51, network, 0)));
    Candidate { origin: Origin { source: source.into(), tenant: tenant.into(), network }, weight }
}

#[test]
fn the_first_go_where_all_are_of_one_origin() {
    let all: Vec<Candidate> = (0..5).map(|_| candidate("a", "t", 1, 1)).collect();
    assert_eq!(choose(&all, 0), Vec::<usize>::new());
    assert_eq!(choose(&all, 3), [0, 1, 2]);
    assert_eq!(choose(&all, 99), [0, 1, 2, 3, 4]);
}

#[test]
fn the_first_go_where_all_hold_equally_much() {
    let all: Vec<Candidate> = [3, 1, 2, 4].map(|network| candidate("a", "t", network, 1)).into();
    assert_eq!(choose(&all, 2), [0, 1]);
}

#[test]
fn a_network_a_tenant_and_a_source_lose_to_their_own_kind() {
    // A source with one tenant in two networks and another in one, and a small source. All of the small one are older.
    let mut all = vec![candidate("small", "t", 9, 1), candidate("small", "t", 9, 1)];
    all.extend((0..6).map(|_| candidate("big", "loud", 1, 1)));
    all.extend((0..2).map(|_| candidate("big", "loud", 2, 1)));
    all.extend((0..3).map(|_| candidate("big", "calm", 1, 1)));
    let chosen = choose(&all, 5);
    assert_eq!(chosen, [2, 3, 4, 5, 6], "of the loud tenant's loud network until it has no more than others");
    // Then all networks of the tenant alike, and later both tenants.
    let left: Vec<usize> = (0..all.len()).filter(|place| !choose(&all, 9).contains(place)).collect();
    assert_eq!(left.len(), 4);
    assert!(left.contains(&0) && left.contains(&1), "{left:?}");
}

#[test]
fn what_takes_much_goes_before_what_is_old() {
    let all = [candidate("a", "t", 1, 10), candidate("a", "t", 2, 100), candidate("a", "t", 3, 10)];
    assert_eq!(choose(&all, 1), [1]);
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0usize..3, 0usize..3, 0u8..4, 1u64..20);
    let of = |(source, tenant, network, weight): (usize, usize, u8, u64)| {
        candidate(["a", "b", "c"][source], ["t", "u", "v"][tenant], network, weight)
    };
    proptest::collection::vec(one.prop_map(of), 0..60)
}

/// What each part of an origin holds of these candidates.
fn held<'c, K: Ord>(all: impl Iterator<Item = &'c Candidate>, part: impl Fn(&Origin) -> K) -> BTreeMap<K, u64> {
    let mut held = BTreeMap::new();
    all.for_each(|one| *held.entry(part(&one.origin)).or_default() += one.weight);
    held
}

/// Checks the shares of the members of every group: who loses has at least what any other member of its group keeps, up to
/// the one candidate that went last.
fn check_shares<K: Ord + Clone, G: Ord>(
    all: &[Candidate],
    gone: &[usize],
    part: impl Fn(&Origin) -> K,
    group: impl Fn(&Origin) -> G,
) {
    let before = held(all.iter(), &part);
    let after = held(all.iter().enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, one)| one), &part);
    let largest = all.iter().map(|one| one.weight).max().unwrap_or_default();
    let groups: BTreeMap<K, G> = all.iter().map(|one| (part(&one.origin), group(&one.origin))).collect();
    for (name, had) in &before {
        let has = after.get(name).copied().unwrap_or_default();
        if has == *had {
            continue;
        }
        for (other, kept) in after.iter().filter(|(other, _)| groups[*other] == groups[name]) {
            assert!(has + largest >= *kept || other == name, "who lost is left with less than another keeps");
        }
    }
}

proptest! {
    #[test]
    fn enough_goes_and_no_more(all in candidates(), over in 0u64..400) {
        let chosen = choose(&all, over);
        let gone: u64 = chosen.iter().map(|place| all[*place].weight).sum();
        let total: u64 = all.iter().map(|one| one.weight).sum();
        prop_assert!(gone >= over.min(total));
        if let Some(last) = chosen.last() {
            prop_assert!(gone - all[*last].weight < over);
        }
        let mut once = chosen.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), chosen.len());
    }

    /// For any holdings, a source that holds at most its share of what may stay loses nothing.
    #[test]
    fn a_source_at_or_below_its_share_loses_nothing(all in candidates(), limit in 0u64..400) {
        let total: u64 = all.iter().map(|one| one.weight).sum();
        let chosen = choose(&all, total.saturating_sub(limit));
        let before = held(all.iter(), |origin| origin.source.clone());
        let share = limit / (before.len() as u64).max(1);
        for (source, had) in before {
            let lost = chosen.iter().filter(|place| all[**place].origin.source == source).count();
            prop_assert!(had > share || lost == 0, "{source} had {had} of {share} and lost {lost}");
        }
    }

    #[test]
    fn shares_are_levelled_at_every_height(all in candidates(), over in 0u64..400) {
        let gone = choose(&all, over);
        check_shares(&all, &gone, |it| it.source.clone(), |_| ());
        check_shares(&all, &gone, |it| (it.source.clone(), it.tenant.clone()), |it| it.source.clone());
        check_shares(&all, &gone, Origin::clone, |it| (it.source.clone(), it.tenant.clone()));
    }

    /// Within an origin the first go first.
    #[test]
    fn the_first_of_an_origin_go_first(all in candidates(), over in 0u64..400) {
        let gone = choose(&all, over);
        for place in &gone {
            let earlier = (0..*place).filter(|other| all[*other].origin == all[*place].origin);
            prop_assert!(earlier.clone().all(|other| gone.contains(&other)));
        }
    }
}
