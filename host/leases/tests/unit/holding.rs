//! Leases that overlap, end, can't end, are renewed, drift, and are undone, whatever comes in whatever order.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn target(action: Action) -> Target {
    Target { account: Account::new("aws", "1", "a"), action, reference: None }
}

fn begins(key: u8, seconds: u32) -> Begin {
    Begin { key: Digest([key; 32]), seconds, before: "on".to_owned(), applied: "off".to_owned() }
}

fn holding(seconds: u32) -> Holding {
    Holding::begin(target(Action::SuspendAccount), begins(1, seconds), 10_000, at(0))
}

fn only(condition: Condition) -> Conditions {
    [condition].into()
}

#[test]
fn a_lease_ends_on_time_and_is_undone_until_it_is() {
    let mut holding = holding(60);
    assert_eq!(holding.pass(at(59), &Conditions::new()), []);
    assert_eq!(holding.next_end(), Some(at(60)));
    assert_eq!(holding.pass(at(60), &Conditions::new()), [Effect::Undo]);
    assert_eq!((holding.standing(), holding.is_wanted()), (Standing::Releasing, false));
    // The provider refuses, a person is told once, and it is never closed silently.
    assert_eq!(holding.undo_is_pending(), [Effect::Notify(Notice::UndoPending)]);
    assert_eq!(holding.undo_is_pending(), []);
    assert_eq!(holding.pass(at(9_999_999), &Conditions::new()), []);
    assert_eq!(holding.standing(), Standing::Releasing);
    assert_eq!(holding.undone(), []);
    assert_eq!(holding.standing(), Standing::Released);
    assert!(!holding.add(&begins(2, 60), at(100)));
}

#[test]
fn a_target_is_contained_while_any_lease_lives() {
    let mut holding = holding(60);
    assert!(holding.add(&Begin { before: "off".to_owned(), ..begins(2, 100) }, at(10)));
    // The second doesn't lengthen the first, and what was before it is before both.
    assert_eq!(holding.leases()[0].ends, at(60));
    assert_eq!(holding.states(), ("on", "off"));
    assert_eq!(holding.pass(at(60), &Conditions::new()), []);
    assert_eq!(holding.leases().len(), 1);
    // A host that was down catches up.
    assert_eq!(holding.pass(at(50_000), &Conditions::new()), [Effect::Undo]);
}

#[test]
fn what_would_help_an_attacker_isnt_restored() {
    for condition in Condition::ALL {
        let mut holding = holding(60);
        assert_eq!(holding.pass(at(70), &only(*condition)), [Effect::Notify(Notice::Prolonged)]);
        assert_eq!(holding.next_end(), Some(at(130)));
        assert_eq!(holding.pass(at(129), &only(*condition)), []);
        let mut good = holding.clone();
        assert_eq!(good.pass(at(130), &Conditions::new()), [Effect::Undo]);
        assert_eq!(holding.pass(at(130), &only(*condition)), [Effect::Notify(Notice::OwnerDecides)]);
        assert_eq!((holding.standing(), holding.is_wanted()), (Standing::Owned, true));
        assert_eq!(holding.pass(at(99_999), &Conditions::new()), []);
        assert_eq!((holding.end(), holding.keys()), (vec![], &[Digest([1; 32])][..]));
        // Its owner decides.
        let settled = |settlement| {
            let mut holding = holding.clone();
            (holding.settle(settlement, at(200)), holding.standing(), holding.next_end())
        };
        assert_eq!(settled(Settlement::Restore), (vec![Effect::Undo], Standing::Releasing, None));
        assert_eq!(settled(Settlement::LeaveAsIs), (vec![], Standing::Released, None));
        assert_eq!(settled(Settlement::KeepUntil(at(260))), (vec![], Standing::Held, Some(at(260))));
    }
}

#[test]
fn a_greatest_time_holds_whatever_is_asked() {
    let mut holding = holding(9_000);
    assert!(holding.renew(Digest([1; 32]), at(99_999)));
    assert!(!holding.renew(Digest([9; 32]), at(99_999)));
    assert!(holding.add(&begins(2, 90_000), at(5_000)));
    assert_eq!(holding.leases().iter().map(|lease| lease.ends).collect::<Vec<_>>(), [at(10_000); 2]);
    let held = only(Condition::CaseOpen);
    // One of them was wanted longer: its owner decides, whatever holds.
    for conditions in [held.clone(), Conditions::new()] {
        let mut holding = holding.clone();
        assert_eq!(holding.pass(at(10_000), &conditions), [Effect::Notify(Notice::GreatestTime)]);
        assert_eq!(holding.standing(), Standing::Owned);
    }
    // Prolonged at most to it too.
    let mut short = super::Holding::begin(target(Action::BlockSignIn), begins(1, 60), 90, at(0));
    short.pass(at(60), &held);
    assert_eq!(short.next_end(), Some(at(90)));
    assert_eq!(short.pass(at(90), &held), [Effect::Notify(Notice::GreatestTime)]);
}

#[test]
fn a_renewal_never_shortens() {
    let mut holding = holding(600);
    assert!(holding.renew(Digest([1; 32]), at(10)));
    assert_eq!(holding.next_end(), Some(at(600)));
}

#[test]
fn entitlements_come_back_by_approval_only() {
    let mut holding = Holding::begin(target(Action::SuspendPrivilege), begins(1, 60), 10_000, at(0));
    assert_eq!(holding.pass(at(60), &Conditions::new()), [Effect::AskToRestore]);
    assert_eq!(holding.standing(), Standing::AwaitsApproval);
    assert!(holding.is_wanted());
    // A person says so.
    assert_eq!(holding.settle(Settlement::Restore, at(90)), [Effect::Undo]);
}

#[test]
fn what_others_undo_is_done_once_more() {
    let mut holding = holding(60);
    assert_eq!(holding.observe("off"), []);
    // Something else than what was before us is somebody's decision.
    assert_eq!(holding.observe("gone"), [Effect::Notify(Notice::Drifted)]);
    assert_eq!(holding.observe("on"), [Effect::Reapply, Effect::Notify(Notice::Reapplied)]);
    assert_eq!(holding.observe("on"), [Effect::Notify(Notice::Drifted)]);
    holding.end();
    assert_eq!(holding.observe("on"), []);
}

#[test]
fn a_conflict_is_a_persons() {
    let mut holding = holding(60);
    assert_eq!(holding.conflicts(), []);
    holding.pass(at(60), &Conditions::new());
    assert_eq!(holding.conflicts(), [Effect::Notify(Notice::UndoConflict)]);
    assert_eq!(holding.standing(), Standing::Conflict);
    assert_eq!(holding.undone(), []);
    assert_eq!(holding.standing(), Standing::Conflict);
    // A new attack is contained anew: what comes back then is what somebody made of it.
    let mut again = holding.clone();
    let other = Begin { before: "other".to_owned(), ..begins(2, 60) };
    assert!(again.add(&other, at(5_000)));
    assert_eq!((again.states(), again.next_end()), (("other", "off"), Some(at(5_060))));
    assert_eq!(holding.settle(Settlement::LeaveAsIs, at(70)), []);
    assert_eq!(holding.standing(), Standing::Released);
}

#[test]
fn what_comes_while_it_is_released_keeps_it() {
    let mut holding = holding(60);
    holding.pass(at(60), &Conditions::new());
    assert!(holding.add(&begins(2, 60), at(61)));
    assert_eq!((holding.standing(), holding.is_wanted(), holding.next_end()), (Standing::Held, true, Some(at(121))));
    // Its undoing had begun, and lands now: it is done once more, which isn't anybody's drift.
    assert_eq!(holding.undone(), [Effect::Reapply]);
    assert_eq!(holding.observe("on"), [Effect::Reapply, Effect::Notify(Notice::Reapplied)]);
}

#[test]
fn one_lease_ends_without_the_others() {
    let mut holding = holding(60);
    holding.add(&begins(2, 600), at(1));
    assert_eq!(holding.end_lease(&Digest([2; 32])), []);
    assert_eq!(holding.end_lease(&Digest([2; 32])), []);
    assert_eq!(holding.end_lease(&Digest([1; 32])), [Effect::Undo]);
    assert_eq!(holding.keys(), [Digest([1; 32]), Digest([2; 32])]);
}

/// What may happen to a holding.
#[derive(Clone, Debug)]
enum Step {
    Time(i64, bool),
    Add(u32),
    Renew(u8, i64),
    End,
    EndLease(u8),
    Settle(u8, i64),
    Observe(bool),
    Undone,
    Conflicts,
    Refused,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_i64..300, prop::bool::weighted(0.3)).prop_map(|(seconds, bad)| Step::Time(seconds, bad)),
        2 => (0_u32..400).prop_map(Step::Add),
        1 => (1_u8..6, 0_i64..4_000).prop_map(|(key, until)| Step::Renew(key, until)),
        1 => Just(Step::End),
        1 => (1_u8..6).prop_map(Step::EndLease),
        1 => (0_u8..3, 0_i64..500).prop_map(|(what, seconds)| Step::Settle(what, seconds)),
        1 => any::<bool>().prop_map(Step::Observe),
        2 => Just(Step::Undone),
        1 => Just(Step::Conflicts),
        1 => Just(Step::Refused),
        2 => Just(Step::Restart),
    ]
}

proptest! {
    #[test]
    fn nothing_is_released_without_a_word_nor_kept_for_ever(steps in prop::collection::vec(step(), 1..60)) {
        let mut holding = Holding::begin(target(Action::SuspendAccount), begins(1, 100), 2_000, at(0));
        let (mut now, mut undo_asked, mut said, mut keys, mut settled) = (0_i64, 0, 0, 1_u8, false);
        for step in steps {
            let before = holding.clone();
            let effects = match &step {
                Step::Time(seconds, bad) => {
                    now += seconds;
                    let conditions = if *bad { only(Condition::NewFindings) } else { Conditions::new() };
                    let effects = holding.pass(at(now), &conditions);
                    // What should be contained stays so, and what lives is in the future.
                    prop_assert!(holding.leases().iter().all(|lease| lease.ends > at(now)) || holding.standing() != Standing::Held);
                    if *bad {
                        prop_assert!(!effects.contains(&Effect::Undo));
                    }
                    effects
                }
                Step::Add(seconds) => {
                    keys = keys.saturating_add(1);
                    let was = before.leases().to_vec();
                    let held = holding.add(&begins(keys, *seconds), at(now));
                    prop_assert_eq!(held, before.standing() != Standing::Released);
                    prop_assert!(was.iter().all(|lease| holding.leases().contains(lease)), "another lease changed");
                    Vec::new()
                }
                Step::Renew(key, until) => {
                    holding.renew(Digest([*key; 32]), at(*until));
                    Vec::new()
                }
                Step::End => holding.end(),
                Step::EndLease(key) => holding.end_lease(&Digest([*key; 32])),
                Step::Settle(what, seconds) => {
                    let until = at(now + seconds);
                    let settlement = [Settlement::Restore, Settlement::LeaveAsIs, Settlement::KeepUntil(until)][usize::from(*what)];
                    settled |= matches!(before.standing(), Standing::Owned | Standing::Conflict);
                    holding.settle(settlement, at(now))
                }
                Step::Observe(ours) => holding.observe(if *ours { "off" } else { "on" }),
                Step::Undone => holding.undone(),
                Step::Conflicts => holding.conflicts(),
                Step::Refused => holding.undo_is_pending(),
                Step::Restart => {
                    let read: Holding = serde_json::from_slice(&serde_json::to_vec(&holding).unwrap()).unwrap();
                    prop_assert_eq!(&read, &holding);
                    Vec::new()
                }
            };
            undo_asked += effects.iter().filter(|effect| **effect == Effect::Undo).count();
            said += effects.iter().filter(|effect| matches!(effect, Effect::Notify(_))).count();
            let begins_anew = before.standing() != Standing::Held && holding.standing() == Standing::Held;
            if !begins_anew {
                let latest = before.leases().iter().chain(holding.leases()).map(|lease| lease.began).max();
                let within = |lease: &Lease| lease.ends <= latest.unwrap_or_default().plus_micros(2_000_000_000);
                prop_assert!(holding.leases().iter().all(within), "beyond the greatest time");
            }
            // It leaves containment only by an undo that was asked for, and becomes a person's only with a word.
            if before.standing() != Standing::Releasing && holding.standing() == Standing::Releasing {
                prop_assert!(effects.contains(&Effect::Undo));
            }
            if holding.standing() == Standing::Released {
                prop_assert!(undo_asked > 0 || settled);
            }
            if matches!(holding.standing(), Standing::Owned | Standing::Conflict) {
                prop_assert!(said > 0);
            }
        }
        // However it stands, time makes it end, be undone, or be somebody's.
        holding.pass(at(1_000_000), &Conditions::new());
        prop_assert_ne!(holding.standing(), Standing::Held);
    }
}
