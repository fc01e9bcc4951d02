//! When alarms begin and end.

use countersign_model::Ailment;
use countersign_session::RuleFigures;

use super::*;

const DAY: i64 = 86_400 * 1_000_000;
const START: Timestamp = Timestamp(1_700_000_000_000_000);

fn quiet() -> Seen {
    Seen {
        now: START,
        elapsed: Duration::ZERO,
        stopped: None,
        failing: 0,
        waiting: (0, 1_000),
        figures: Arc::default(),
        judged: BTreeMap::new(),
        unwell: BTreeMap::new(),
        applied: Some(START),
        own_rules: BTreeSet::new(),
        left_out: Vec::new(),
        unsigned: None,
        not_loaded: None,
    }
}

fn at(seconds: u64) -> Seen {
    let now = START.plus_micros(i64::try_from(seconds).unwrap() * 1_000_000);
    Seen { now, elapsed: Duration::from_secs(seconds), ..quiet() }
}

fn shown(alarms: &[Alarm]) -> Vec<(&'static str, &str)> {
    alarms.iter().map(|alarm| (alarm.alarm.id(), &*alarm.subject)).collect()
}

#[test]
fn a_host_that_does_its_work_has_none() {
    assert_eq!(Alarms::default().see(&quiet()), []);
}

#[test]
fn an_alarm_keeps_its_beginning_and_ends_with_its_reason() {
    let mut alarms = Alarms::default();
    alarms.see(&Seen { stopped: Some("disk".to_owned()), ..at(10) });
    let later = alarms.see(&Seen { stopped: Some("another disk".to_owned()), failing: 2, ..at(20) });
    assert_eq!(shown(&later), [("judging-stopped", "host"), ("recording-fails", "host")]);
    assert_eq!((later[0].since, &*later[0].why), (at(10).now, "another disk"));
    assert!(later.iter().all(|alarm| !alarm.what_to_do.is_empty()));
    assert_eq!(shown(&alarms.see(&Seen { failing: 1, ..at(30) })), [("recording-fails", "host")]);
    assert_eq!(alarms.see(&at(40)), []);
}

#[test]
fn a_recorder_that_is_nearly_full_stays_so_until_there_is_room() {
    let mut alarms = Alarms::default();
    let mut full = |waiting| !alarms.see(&Seen { waiting: (waiting, 1_000), ..quiet() }).is_empty();
    assert_eq!([700, 799, 800, 750, 700, 699, 750].map(&mut full), [false, false, true, true, true, false, false]);
}

#[test]
fn a_watermark_stands_only_while_events_are_judged() {
    let mut alarms = Alarms::default();
    let mut see = |seconds, events, watermark| {
        let figures = Arc::new(Figures { events, watermark: Some(Timestamp(watermark)), ..Figures::default() });
        !alarms.see(&Seen { figures, ..at(seconds) }).is_empty()
    };
    assert!(!see(0, 10, 1));
    assert!(!see(7_200, 10, 1), "nothing came");
    assert!(see(7_201, 11, 1));
    assert!(!see(7_202, 12, 2));
    assert!(!see(7_202 + 1_799, 50, 2));
    assert!(see(7_202 + 1_800, 50, 2));
}

#[test]
fn dead_letters_rise_by_source_and_are_forgotten_after_a_while() {
    let mut alarms = Alarms::default();
    let mut see = |seconds, trail, okta| {
        let judged = BTreeMap::from([("trail".into(), trail), ("okta".into(), okta)]);
        alarms.see(&Seen { judged, ..at(seconds) }).into_iter().map(|alarm| alarm.subject).collect::<Vec<_>>()
    };
    assert!(see(0, (100_000, 5_000), (0, 0)).is_empty(), "what was before says nothing");
    assert!(see(60, (100_100, 5_019), (1_000, 99)).is_empty());
    assert_eq!(see(120, (100_100, 5_020), (1_000, 100)), ["okta", "trail"]);
    // Half of it isn't enough to end it.
    assert_eq!(see(180, (100_300, 5_020), (1_900, 100)), ["okta", "trail"]);
    assert_eq!(see(240, (100_300, 5_020), (2_001, 100)), ["trail"]);
    for minute in 5..=10 {
        see(minute * 60, (100_300, 5_020), (2_001, 100));
    }
    assert!(see(12 * 60, (100_300, 5_020), (2_001, 100)).is_empty());
}

#[test]
fn a_rule_is_dead_after_a_day_of_events_that_it_saw_none_of() {
    let rule: RuleId = "acme/own".parse().unwrap();
    let shipped: RuleId = "countersign/shipped".parse().unwrap();
    let mut alarms = Alarms::default();
    let mut see = |days, events, delivered| {
        let figures = RuleFigures { delivered, ..RuleFigures::default() };
        let rules = BTreeMap::from([(rule.clone(), figures), (shipped.clone(), RuleFigures::default())]);
        let figures = Arc::new(Figures { events, rules, ..Figures::default() });
        let own_rules = BTreeSet::from([rule.clone()]);
        let now = START.plus_micros(days * DAY + 1);
        alarms.see(&Seen { now, figures, own_rules, ..quiet() }).len()
    };
    assert_eq!([see(0, 20_000, 0), see(1, 9_999, 0), see(1, 10_000, 0), see(1, 10_000, 1)], [0, 0, 1, 0]);
}

#[test]
fn sources_rules_and_files_have_theirs() {
    let unwell = Unwell { what: Ailment::Silent, since: START, usual: None, why: "no record".to_owned() };
    let figures = RuleFigures { quarantined: 1, delivered: 9, ..RuleFigures::default() };
    let rules = BTreeMap::from([("acme/own".parse().unwrap(), figures)]);
    let seen = Seen {
        unwell: BTreeMap::from([("okta".into(), vec![unwell])]),
        figures: Arc::new(Figures { rules, ..Figures::default() }),
        left_out: vec!["acme/bad: why".to_owned()],
        unsigned: Some("the key is lost".to_owned()),
        not_loaded: Some(vec!["it widens".to_owned()]),
        ..quiet()
    };
    let alarms = Alarms::default().see(&seen);
    let expected = [
        ("source-unwell", "okta"),
        ("rule-quarantined", "acme/own"),
        ("rules-left-out", "host"),
        ("audit-unsigned", "host"),
        ("generation-not-loaded", "host"),
    ];
    assert_eq!(shown(&alarms), expected);
    assert_eq!(alarms[0].why, "silent: no record");
}
