//! Which failing rows lead to holds, which rows a hold is about, and when it ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::Ipv4Addr;
use std::ops::Range;

use countersign_model::Value;
use countersign_model::vocabulary::FieldId;

use super::*;
use crate::testing::{account, event, sequence};

const MINUTE: i64 = 60 * 1_000_000;

/// A row of a source at a minute, of a subject: `?` before it means not authenticated, an empty text means no account.
fn row_of(source: &str, minute: i64, subject: &str) -> Sequenced {
    let mut event = event(0);
    event.source = source.into();
    event.time = Timestamp(minute * MINUTE);
    event.actor.authenticated = !subject.starts_with('?');
    let subject = subject.trim_start_matches('?');
    event.actor.account = (!subject.is_empty()).then(|| account(subject));
    event.fields = Default::default();
    sequence(vec![event]).remove(0)
}

fn row(subject: &str) -> Sequenced {
    row_of("one", 0, subject)
}

/// A row of nobody that comes from an address.
fn outsider(minute: i64, address: [u8; 4]) -> Sequenced {
    let mut row = row_of("one", minute, "?ADMIN");
    let event = std::sync::Arc::make_mut(&mut row.event);
    event.fields.set(FieldId::SrcEndpointIp, Value::Address(Ipv4Addr::from(address).into()));
    row
}

fn holds(min_accounts: u32, percent: u32) -> Holds {
    Holds::new(QuarantineThreshold { min_accounts, percent })
}

/// Notes rows, failing ones marked by a leading `!`; returns after which the rule was in quarantine.
fn note(holds: &mut Holds, rows: &[String]) -> Option<usize> {
    let mut at = None;
    for (number, subject) in rows.iter().enumerate() {
        let begun = match subject.strip_prefix('!') {
            Some(subject) => holds.fail(&row(subject), FailureKind::Trap),
            None => {
                holds.pass(&row(subject));
                None
            }
        };
        if begun.is_some_and(|begun| begun.hold.is_of_source()) {
            at = at.or(Some(number));
        }
    }
    at
}

fn subjects(mark: &str, numbers: Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("{mark}AIDA{number}")).collect()
}

fn accounts(holds: &Holds) -> (u64, u64) {
    let of = holds.sources.get(&SourceId::from("one"));
    of.map_or((0, 0), |of| of.accounts.within_hour(Step::of(Timestamp(0))))
}

#[test]
fn a_share_of_distinct_accounts_leads_to_quarantine() {
    let mut few = holds(3, 50);
    assert_eq!(note(&mut few, &subjects("!", 0..2)), None, "all accounts seen, but too few");
    assert_eq!(note(&mut few, &subjects("!", 2..3)), Some(0));
    let mut many = holds(3, 50);
    assert_eq!(note(&mut many, &subjects("", 0..10)), None);
    assert_eq!(note(&mut many, &subjects("!", 0..4)), None, "four of ten");
    assert_eq!(note(&mut many, &subjects("!", 4..5)), Some(0), "five of ten");
    assert_eq!(accounts(&many), (5, 10));
}

#[test]
fn an_account_that_fails_often_counts_once() {
    let mut holds = holds(2, 20);
    let rows: Vec<String> = (0..1_000).map(|_| "!AIDA1".to_owned()).collect();
    assert_eq!((note(&mut holds, &rows), accounts(&holds)), (None, (1, 1)));
}

#[test]
fn unauthenticated_names_lead_to_no_quarantine_and_dilute_none() {
    let mut holds = holds(1, 50);
    let mut rows = subjects("!?", 0..1_000);
    rows.extend(subjects("?", 1_000..2_000));
    rows.extend((0..10).map(|_| "!".to_owned()));
    assert_eq!((note(&mut holds, &rows), accounts(&holds)), (None, (0, 0)));
    note(&mut holds, &subjects("", 0..1));
    assert_eq!(note(&mut holds, &subjects("!", 1..2)), Some(0));
}

#[test]
fn one_subject_of_two_tenants_is_two_accounts() {
    let mut holds = holds(2, 100);
    assert_eq!(note(&mut holds, &["!AIDA1".to_owned()]), None);
    let mut elsewhere = row("AIDA1");
    std::sync::Arc::make_mut(&mut elsewhere.event).actor.account =
        Some(countersign_model::Account::new("aws", "444455556666", "AIDA1"));
    assert!(holds.fail(&elsewhere, FailureKind::Trap).unwrap().hold.is_of_source());
}

/// Neither do five accounts of one source silence the rule for another, nor do accounts of two sources add up.
#[test]
fn a_source_answers_for_its_own_rows_alone() {
    let mut holds = holds(5, 20);
    for number in 0..4 {
        assert_eq!(holds.fail(&row_of("one", 0, &format!("A{number}")), FailureKind::Trap), None);
        assert_eq!(holds.fail(&row_of("two", 0, &format!("B{number}")), FailureKind::Trap), None);
    }
    let begun = holds.fail(&row_of("one", 0, "A4"), FailureKind::Trap).unwrap();
    assert_eq!(begun.cause, HoldCause::Accounts { failed: 5, seen: 5 });
    assert!(!holds.admits(&row_of("one", 0, "A0")) && !holds.admits(&row_of("one", 0, "?C")));
    assert!(holds.admits(&row_of("two", 0, "B0")) && holds.admits(&row_of("three", 0, "A0")));
}

#[test]
fn failures_count_for_an_hour() {
    let mut holds = holds(3, 20);
    for (minute, subject) in [(0, "A"), (30, "B"), (61, "C"), (89, "D")] {
        let begun = holds.fail(&row_of("one", minute, subject), FailureKind::Trap);
        assert_eq!(begun.is_some(), subject == "D", "{subject}: never three within an hour before");
    }
    let mut slow = Holds::new(QuarantineThreshold { min_accounts: 2, percent: 1 });
    for number in 0..50 {
        assert_eq!(slow.fail(&row_of("one", number * 61, &number.to_string()), FailureKind::Trap), None, "{number}");
    }
}

#[test]
fn a_hold_ends_by_itself_at_a_tick() {
    let mut holds = holds(1, 1);
    let begun = holds.fail(&row_of("one", 7, "A"), FailureKind::Trap).unwrap().hold;
    assert_eq!((begun.since, begun.until), (Timestamp(7 * MINUTE), Timestamp((7 + 240) * MINUTE)));
    for minute in [8, 100, 246] {
        assert_eq!(holds.tick(Timestamp(minute * MINUTE)), [], "{minute}");
        assert!(!holds.admits(&row_of("one", minute, "B")));
    }
    assert_eq!(holds.tick(Timestamp(247 * MINUTE)), [begun]);
    assert!(holds.admits(&row_of("one", 247, "B")) && holds.is_empty());
    // It began anew: what was counted before counts no more.
    holds.take_changes();
    assert!(holds.fail(&row_of("one", 248, "B"), FailureKind::Trap).unwrap().hold.is_of_source());
}

/// One network's rows are set aside after eight; those of others, and of who authenticated, go on.
#[test]
fn the_party_that_burns_fuel_is_set_aside_first() {
    let mut holds = holds(u32::MAX, 100);
    for number in 0..7 {
        assert_eq!(holds.fail(&outsider(0, [203, 0, 113, number]), FailureKind::FuelExhausted), None);
    }
    let begun = holds.fail(&outsider(1, [203, 0, 113, 99]), FailureKind::FuelExhausted).unwrap();
    assert_eq!((begun.hold.rows, begun.cause), (HeldRows::Outsiders, HoldCause::Charges { calls: 8 }));
    assert_eq!(begun.hold.party.as_deref(), Some("203.0.113.0/24"));
    assert!(!holds.admits(&outsider(1, [203, 0, 113, 200])));
    assert!(holds.admits(&outsider(1, [203, 0, 114, 1])) && holds.admits(&row("ADMIN")));
    // An hour later it may try again.
    assert_eq!(holds.tick(Timestamp(60 * MINUTE)), []);
    assert_eq!(holds.tick(Timestamp(61 * MINUTE)), [begun.hold]);
    assert!(holds.admits(&outsider(61, [203, 0, 113, 200])));
}

/// Whoever authenticated answers for itself, whatever address it comes from.
#[test]
fn an_account_that_burns_fuel_is_set_aside_alone() {
    let mut holds = holds(u32::MAX, 100);
    let begun = (0..8).find_map(|_| holds.fail(&row("MALLORY"), FailureKind::FuelExhausted)).unwrap();
    assert_eq!(begun.hold.party.as_deref(), Some("aws:111122223333:MALLORY"));
    assert!(!holds.admits(&row("MALLORY")) && holds.admits(&row("ALICE")));
    // Who merely names the account isn't it, and neither is it in another source.
    assert!(holds.admits(&row("?MALLORY")) && holds.admits(&row_of("two", 0, "MALLORY")));
}

/// However many networks an outsider has, what its rows cost is bounded, and who authenticated is still judged.
#[test]
fn outsiders_of_many_networks_are_parked_together() {
    let mut holds = holds(u32::MAX, 100);
    let mut begun = Vec::new();
    let mut burnt = 0;
    for number in 0..10_000_u32 {
        let row = outsider(0, (0x0a00_0000 + (number << 8)).to_be_bytes());
        if holds.admits(&row) {
            burnt += 1;
            begun.extend(holds.fail(&row, FailureKind::FuelExhausted));
        }
    }
    let [BegunHold { hold, cause }] = begun.as_slice() else { panic!("{begun:?}") };
    assert_eq!((burnt, cause), (256, &HoldCause::Charges { calls: 256 }));
    assert_eq!((hold.rows, &hold.party, hold.until), (HeldRows::Outsiders, &None, Timestamp(240 * MINUTE)));
    assert!(holds.admits(&row("ALICE")));
    assert_eq!(holds.keys().len(), 0, "what led to it is forgotten");
}

/// A failure that doesn't use up the fuel is charged a sixteenth.
#[test]
fn other_failures_are_charged_less() {
    let mut holds = holds(u32::MAX, 100);
    let traps = (0..).find(|_| holds.fail(&outsider(0, [203, 0, 113, 1]), FailureKind::Trap).is_some());
    assert_eq!(traps, Some(127));
}

#[test]
fn slow_burning_is_never_held() {
    let mut holds = holds(u32::MAX, 100);
    for number in 0..200 {
        let row = outsider(number * 10, [203, 0, 113, 1]);
        assert_eq!(holds.fail(&row, FailureKind::FuelExhausted), None, "six an hour");
        holds.tick(Timestamp(number * 10 * MINUTE));
        assert!(holds.keys().len() <= 2, "bounded");
    }
}

#[test]
fn parties_are_bounded_by_what_a_part_is_charged() {
    let mut holds = holds(u32::MAX, 100);
    let mut most = 0;
    for number in 0..20_000_u32 {
        holds.fail(&outsider(0, (0x0a00_0000 + (number << 8)).to_be_bytes()), FailureKind::Trap);
        most = most.max(holds.keys().len());
    }
    assert!(most <= MAX_OF_ALL as usize, "{most}");
}

#[test]
fn a_rule_on_its_own_holds_nothing_unless_it_misses_the_deadline() {
    let mut holds = Holds::default();
    for number in 0..10_000 {
        assert_eq!(holds.fail(&row(&number.to_string()), FailureKind::FuelExhausted), None);
    }
    assert!(holds.is_empty() && holds.take_changes().is_empty());
    holds.miss_deadline(&row("A"), "10 s".to_owned());
    assert!(!holds.admits(&row("B")) && holds.take_changes().is_empty());
}

/// One missed deadline is enough, of whomever the row is; it is about that source alone, and ends by itself.
#[test]
fn a_missed_deadline_stops_the_rule_for_its_source() {
    for subject in ["A", "?A", ""] {
        let mut holds = holds(5, 20);
        let begun = holds.miss_deadline(&row_of("one", 7, subject), "10 s".to_owned());
        let until = Timestamp(7 * MINUTE + HELD_FOR);
        assert_eq!((begun.hold.rows, begun.hold.party.as_deref(), begun.hold.until), (HeldRows::All, None, until));
        assert_eq!(begun.cause, HoldCause::Deadline { message: "10 s".to_owned() });
        for other in ["A", "B", "?C", ""] {
            assert!(!holds.admits(&row_of("one", 8, other)) && holds.admits(&row_of("two", 8, other)), "{other}");
        }
        assert_eq!(holds.tick(Timestamp(until.micros() - 1)), []);
        assert_eq!(holds.tick(until), [begun.hold]);
        assert!(holds.admits(&row_of("one", 300, subject)) && holds.is_empty());
    }
}

/// The account counts as one that failed, should other code be called with its rows at once.
#[test]
fn an_account_with_which_a_deadline_was_missed_has_failed() {
    let mut holds = holds(3, 1);
    for subject in ["A", "B"] {
        holds.fail(&row(subject), FailureKind::Trap);
    }
    holds.miss_deadline(&row("C"), "10 s".to_owned());
    assert_eq!((holds.end_all().len(), accounts(&holds)), (1, (3, 3)));
}

#[test]
fn other_code_is_judged_anew_but_accounts_count() {
    let mut holds = holds(3, 1);
    for subject in ["A", "B", "C"] {
        holds.fail(&row(subject), FailureKind::Trap);
    }
    (0..7).for_each(|_| {
        holds.fail(&outsider(0, [203, 0, 113, 1]), FailureKind::FuelExhausted);
    });
    let ended = holds.end_all();
    assert!(matches!(ended.as_slice(), [one] if one.is_of_source()), "{ended:?}");
    assert_eq!(accounts(&holds), (3, 3));
    assert_eq!(holds.fail(&outsider(0, [203, 0, 113, 1]), FailureKind::FuelExhausted), None, "it costs anew");
    assert!(holds.fail(&row("D"), FailureKind::Trap).unwrap().hold.is_of_source());
}

/// What is reported as changed, put into another one, decides the same from there on.
#[test]
fn what_was_stored_goes_on() {
    let act = |holds: &mut Holds, number: i64| {
        let subject = format!("A{}", number * 5 % 23);
        let rows = [row_of("one", number, &subject), outsider(number, [10, 0, u8::try_from(number % 7).unwrap(), 1])];
        let begun: Vec<_> = rows.iter().filter(|row| holds.admits(row)).cloned().collect();
        let begun = begun.iter().filter_map(|row| {
            if number % 3 == 0 {
                holds.fail(row, FailureKind::FuelExhausted)
            } else {
                holds.pass(row);
                None
            }
        });
        let begun: Vec<BegunHold> = begun.collect();
        let ended = if number % 2 == 0 { holds.tick(Timestamp(number * MINUTE)) } else { Vec::new() };
        (begun, ended)
    };
    for stop in [0, 10, 59, 61, 130, 200, 299] {
        let mut stored: std::collections::BTreeMap<CountKey, Count> = Default::default();
        let mut whole = holds(6, 30);
        for number in 0..stop {
            act(&mut whole, number);
            for (key, count) in whole.take_changes() {
                match count {
                    Some(count) => stored.insert(key, count),
                    None => stored.remove(&key),
                };
            }
        }
        assert_eq!(stored.keys().cloned().collect::<BTreeSet<_>>(), whole.keys(), "{stop}");
        let mut restored = holds(6, 30);
        for (key, count) in stored {
            let key: CountKey = serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap();
            let count: Count = serde_json::from_str(&serde_json::to_string(&count).unwrap()).unwrap();
            restored.add_count(key, count);
        }
        whole.holds().for_each(|hold| restored.add_hold(hold.clone()));
        for number in stop..600 {
            assert_eq!(act(&mut restored, number), act(&mut whole, number), "{number}, stored at {stop}");
        }
    }
}
