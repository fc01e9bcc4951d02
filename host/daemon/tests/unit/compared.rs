//! What both make goes, whatever its words; what one makes alone stays, with the earliest as examples.

use super::*;

fn finding(rule: &str, event: usize, account: &str, message: &str) -> FindingLine {
    let line = serde_json::json!({
        "type": "finding", "event_id": format!("e{event}"), "event_time": Timestamp(event as i64 * 1_000_000),
        "rule": rule, "identity": account, "signal_class": "token", "confidence": 50, "severity": "low",
        "techniques": [], "evidence": [], "message": message,
    });
    serde_json::from_value(line).unwrap()
}

fn hear(heard: &mut Heard<'_>, lines: &[FindingLine]) {
    lines.iter().for_each(|line| heard.finding(0, line).unwrap());
    heard.received().unwrap();
}

fn compared(serving: &[FindingLine], candidate: &[FindingLine]) -> Compared {
    let comparison = RefCell::new(Comparison { counts: true, ..Comparison::default() });
    hear(&mut Heard::new(Side::Candidate, &comparison), candidate);
    hear(&mut Heard::new(Side::Serving, &comparison), serving);
    comparison.into_inner().finish().findings
}

#[test]
fn the_same_finding_is_of_one_rule_event_and_subject() {
    let one = finding("a/b", 1, "x", "said so");
    let same = compared(std::slice::from_ref(&one), &[finding("a/b", 1, "x", "said otherwise")]);
    assert_eq!((same.serving, same.candidate, same.gained, same.lost), (1, 1, 0, 0));
    assert_eq!(same.groups, []);
    for other in [finding("a/c", 1, "x", "m"), finding("a/b", 2, "x", "m"), finding("a/b", 1, "y", "m")] {
        let found = compared(std::slice::from_ref(&one), std::slice::from_ref(&other));
        assert_eq!((found.gained, found.lost), (1, 1), "{other:?}");
    }
    // Twice is once more.
    let twice = compared(std::slice::from_ref(&one), &[one.clone(), one.clone()]);
    assert_eq!((twice.gained, twice.lost), (1, 0));
}

#[test]
fn examples_are_the_earliest() {
    let many: Vec<FindingLine> = (0..40).rev().map(|event| finding("a/b", event, "x", "m")).collect();
    let found = compared(&[], &many);
    let [group] = &found.groups[..] else { panic!("{found:?}") };
    assert_eq!((group.gained, group.lost, group.candidate), (40, 0, 40));
    let events: Vec<&str> = group.examples_gained.iter().map(|example| example.event_id.as_str()).collect();
    assert_eq!(events, ["e0", "e1", "e2", "e3", "e4"]);
    assert_eq!(group.examples_lost, []);
}

#[test]
fn nothing_counts_during_the_warm_up_and_no_more_is_held_than_there_is_room_for() {
    let comparison = RefCell::new(Comparison::default());
    hear(&mut Heard::new(Side::Candidate, &comparison), &[finding("a/b", 1, "x", "m")]);
    assert_eq!(comparison.borrow().findings.counts.len(), 0);
    comparison.borrow_mut().counts = true;
    let mut heard = Heard::new(Side::Candidate, &comparison);
    for event in 0..=MAX_HELD {
        assert!(!comparison.borrow().is_full());
        heard.finding(0, &finding("a/b", event, "x", "m")).unwrap();
        heard.received().unwrap();
    }
    assert!(comparison.borrow().is_full());
    assert_eq!(comparison.into_inner().finish().findings.candidate, MAX_HELD as u64 + 1);
}
