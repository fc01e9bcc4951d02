//! When what a trial showed lets a candidate be applied by itself, and what it says if not.

use super::*;

fn enough() -> Behaviour {
    Behaviour { enough: true, recorded: "1d".to_owned(), records: 9, ..Behaviour::asked(86_400_000_000) }
}

#[test]
fn only_what_acts_fails_or_is_unknown_needs_a_person() {
    let harmless = Behaviour { findings: Compared { gained: 7, lost: 3, ..Compared::default() }, ..enough() };
    assert_eq!(harmless.doubts("trial"), [""; 0]);
    let summary = harmless.summary("trial");
    assert_eq!(summary, "trial of 1d, 9 records: findings 7 gained and 3 lost, decisions 0 gained and 0 lost");
    let short = Behaviour { enough: false, recorded: "2h".to_owned(), ..enough() };
    assert_eq!(short.doubts("trial"), ["not enough history: the trial judged 2h of 1d, as no more is on record"]);
    let nothing = Behaviour { records: 0, ..enough() };
    assert_eq!(nothing.doubts("shadow"), ["the shadow judged nothing, as nothing came in"]);
    let example = Example {
        event_time: Timestamp(0),
        event_id: "e1".to_owned(),
        account: Some("aws:1:user/ana".to_owned()),
        what: "execute: revoke-sessions".to_owned(),
    };
    let failing = vec![Failing { rule: "a/b".parse().unwrap(), serving: 0, candidate: 2 }];
    let bad = Behaviour {
        cut_short: Some("it took longer than 300 s".to_owned()),
        acts_gained: 2,
        acts: vec![example],
        failing,
        ..enough()
    };
    assert_eq!(
        bad.doubts("shadow"),
        [
            "the shadow ended early: it took longer than 300 s",
            "the shadow decided 2 more automatic actions, such as execute: revoke-sessions on aws:1:user/ana for event e1",
            "in the shadow a/b failed or was held back 2 times, and 0 before",
        ]
    );
}
