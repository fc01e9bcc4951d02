//! When a rule is called no more with rows of a source, and when again: composed in sessions with two sources, one of which
//! is hostile. Neither batches nor restarts nor swaps show.

use std::sync::Arc;

use countersign_admission::sections;
use countersign_declaration::Subscription;
use countersign_generation::Generation;
use countersign_model::vocabulary::SignalClass;
use countersign_model::{HeldRows, Timestamp};
use countersign_session::SessionOptions;
use countersign_stream::{HoldCause, Holds, QuarantineThreshold};
use serde_json::Value;

use crate::fed;
use crate::sessions::{Backend, Files, Outcome, Step, options, play};
use crate::support::{Judge, Row, admitted, bytes, guest};
use crate::swapped::without_generations;

/// Positions at which the rule that panics goes into quarantine, and the accounts counted there.
fn quarantined(threshold: QuarantineThreshold, rows: &[Row<'_>]) -> Option<(u64, (u64, u64))> {
    let outcomes = [1, 3, 100].map(|batch| {
        let mut judge = Judge::new(guest("panics"));
        judge.stream = judge.stream.with_holds(Holds::new(threshold));
        let rows = judge.rows(rows);
        let mut begun = Vec::new();
        for rows in rows.chunks(batch) {
            begun.extend(judge.stream.judge(&rows.iter().collect::<Vec<_>>()).begun);
        }
        assert!(begun.len() <= 1, "once it is in quarantine for the source, no row reaches it: {begun:?}");
        begun.pop().map(|one| match one.begun.cause {
            HoldCause::Accounts { failed, seen } => (one.row.position, (failed, seen)),
            cause => panic!("{cause:?}"),
        })
    });
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    outcomes[0]
}

const THREE_OF_A_QUARTER: QuarantineThreshold = QuarantineThreshold { min_accounts: 3, percent: 25 };

#[test]
fn distinct_accounts_count_rather_than_rows() {
    let rows = [
        ("PanicHere", "A"),
        ("PanicHere", "A"),
        ("PanicHere", "A"),
        ("PanicHere", "B"),
        ("ListUsers", "C"),
        ("PanicHere", "C"),
        ("PanicHere", "D"),
    ];
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &rows), Some((5, (3, 3))));
}

#[test]
fn unauthenticated_accounts_never_count() {
    let rows: Vec<Row<'_>> =
        ["?A", "?B", "?C", "", "?D", "", "E"].into_iter().map(|account| ("PanicHere", account)).collect();
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &rows), None);
    let more = [rows, vec![("PanicHere", "F"), ("PanicHere", "G")]].concat();
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &more), Some((8, (3, 3))));
}

#[test]
fn a_small_share_of_many_accounts_is_tolerated() {
    let names: Vec<String> = (0..40).map(|index| format!("ACCOUNT{index}")).collect();
    let passing = names.iter().map(|name| ("ListUsers", name.as_str()));
    let failing = names.iter().take(12).map(|name| ("PanicHere", name.as_str()));
    // The tenth of forty reaches a quarter.
    let rows: Vec<Row<'_>> = passing.chain(failing).collect();
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &rows), Some((49, (10, 40))));
}

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// The source whose rows make a rule fail, and the other.
pub(crate) const HOSTILE: &str = "hostile";
const TRUE: &str = "true";

/// Records of the two sources, by second: the hostile one's users are numbered from 1, the other's from 21.
pub(crate) fn files(hostile: &[String], honest: &[String]) -> Files {
    let lines = |records: &[String]| (records.join("\n") + "\n").into_bytes();
    Files::of_sources("cloudtrail", &[(HOSTILE, &lines(hostile)), (TRUE, &lines(honest))])
}

fn fails(second: i64, user: u32) -> String {
    fed::record(second, user, "clock").replace("ListBuckets", "PanicHere")
}

/// Every five minutes for so long, a call of each source: user 10 of the hostile one, user 21 of the other.
pub(crate) fn calls(user: u32, hours: i64) -> Vec<String> {
    (0..hours * 12).map(|number| fed::record(number * 5 * MINUTE + i64::from(user), user, "clock")).collect()
}

/// Five users of the hostile source fail within a minute of each other, an hour and a half after the beginning.
fn five_fail() -> Files {
    let mut hostile = calls(10, 7);
    let forged = (1..=5).map(|user| fails(90 * MINUTE + i64::from(user) * 11, user));
    let after = hostile.iter().position(|line| line.contains(r#""eventID":"5410-10""#)).unwrap() + 1;
    hostile.splice(after..after, forged);
    files(&hostile, &calls(21, 7))
}

fn panics() -> Arc<Generation> {
    let (generation, faults) = fed::load(&[("panics", bytes("panics"))], "");
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

pub(crate) fn records(outcome: &Outcome, kind: &str) -> Vec<Value> {
    let all = outcome.log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["type"] == kind).collect()
}

/// The seconds of the events of a user on which a rule found something.
pub(crate) fn found(outcome: &Outcome, rule: &str, user: u32) -> Vec<i64> {
    let suffix = format!("-{user}");
    let findings = records(outcome, "finding").into_iter().filter(|finding| finding["rule"] == rule);
    findings.filter_map(|one| one["event_id"].as_str()?.strip_suffix(&suffix)?.parse().ok()).collect()
}

pub(crate) fn seconds(user: u32, hours: std::ops::Range<i64>) -> Vec<i64> {
    (hours.start * 12..hours.end * 12).map(|number| number * 5 * MINUTE + i64::from(user)).collect()
}

pub(crate) fn plain(files: &Files) -> Vec<Step> {
    vec![Step::Record(None); files.count()]
}

#[test]
fn five_failing_accounts_silence_a_rule_for_their_source_and_four_hours() {
    let files = five_fail();
    let outcome = play(&mut Backend::memory(), &files, &plain(&files), &panics(), &options());
    let [quarantine] = &records(&outcome, "quarantine")[..] else { panic!("{:?}", outcome.log) };
    assert_eq!(
        (&quarantine["source"], &quarantine["failing_accounts"], &quarantine["accounts"]),
        (&Value::from(HOSTILE), &Value::from(5), &Value::from(6))
    );
    let [back] = &records(&outcome, "readmitted")[..] else { panic!("{:?}", outcome.log) };
    assert_eq!((&back["source"], &back["rows"], &back["end"]), (&HOSTILE.into(), &"all".into(), &"time".into()));
    assert!(back["position"].as_u64() > quarantine["position"].as_u64());
    // The other source isn't concerned.
    assert_eq!(found(&outcome, "hostile/panics", 21), seconds(21, 0..7));
    // The hostile one's own calls are missing for four hours, to the tick.
    let own = found(&outcome, "hostile/panics", 10);
    let missing: Vec<i64> = seconds(10, 0..7).into_iter().filter(|second| !own.contains(second)).collect();
    let (first, last) = (*missing.first().unwrap(), *missing.last().unwrap());
    assert_eq!(missing, (first..=last).step_by(300).collect::<Vec<_>>());
    assert!(first > 90 * MINUTE && first < 95 * MINUTE + 60, "{first}");
    assert!((4 * HOUR - 10 * MINUTE..=4 * HOUR + 10 * MINUTE).contains(&(last - first)), "{first} to {last}");
    assert!(outcome.summary.contains(r#""holds":{"hostile/panics":1}"#), "{}", outcome.summary);
    assert!(outcome.summary.contains(&format!(r#""held_rows":{{"hostile/panics":{}}}"#, missing.len())));
    assert!(outcome.summary.contains(r#""silenced":[]"#), "it has ended: {}", outcome.summary);
    // Both are told, each once.
    let told = |part: &str| outcome.lines.iter().filter(|(_, line)| line.contains(part)).count();
    assert_eq!(
        (told("is in quarantine for `hostile`"), told("rows of `hostile` reach `hostile/panics` again")),
        (1, 1)
    );
}

#[test]
fn four_an_hour_are_no_quarantine_however_long() {
    let mut hostile: Vec<String> = (0..24)
        .flat_map(|hour| (1..=4).map(move |user| (hour, user)))
        .map(|(hour, user)| fails(hour * HOUR + i64::from(user) * MINUTE, u32::try_from(hour).unwrap() * 4 + user))
        .collect();
    hostile.push(fed::record(24 * HOUR, 1, "clock"));
    let files = files(&hostile, &calls(200, 24));
    let outcome = play(&mut Backend::memory(), &files, &plain(&files), &panics(), &options());
    assert_eq!((records(&outcome, "quarantine").len(), records(&outcome, "set-aside").len()), (0, 96));
}

#[test]
fn batches_do_not_show() {
    let files = five_fail();
    let run = |batch: usize, workers: usize| {
        let options = SessionOptions { batch, workers, ..options() };
        play(&mut Backend::memory(), &files, &plain(&files), &panics(), &options)
    };
    let expected = run(1, 1);
    for (batch, workers) in [(7, 1), (256, 2)] {
        expected.assert_same(&run(batch, workers), &format!("batches of {batch}"));
    }
}

#[test]
fn restarts_do_not_show() {
    let files = five_fail();
    let generation = panics();
    let expected = play(&mut Backend::memory(), &files, &plain(&files), &generation, &options());
    let count = files.count();
    for (name, mut backend) in Backend::all() {
        let mut steps = plain(&files);
        // Before the failures, in their midst, while it holds, and about its end.
        for at in [count - 2, 139, 138, 137, 136, 100, 60, 44, 42, 41, 39, 37, 20] {
            steps.insert(at, Step::Kill);
        }
        expected.assert_same(&play(&mut backend, &files, &steps, &generation, &options()), name);
    }
}

#[test]
fn swaps_do_not_show() {
    let files = five_fail();
    let generation = panics();
    let expected = play(&mut Backend::memory(), &files, &plain(&files), &generation, &options());
    for at in [0, 37, 40, 43, 80, 135, 138, 170] {
        for kill in [None, Some(at), Some(at + 1)] {
            let mut steps = plain(&files);
            steps.insert(at, Step::Swap(Arc::clone(&generation)));
            kill.into_iter().for_each(|at| steps.insert(at, Step::Kill));
            let got = play(&mut Backend::memory(), &files, &steps, &generation, &options());
            let which = format!("swapped before record {at}, killed at {kill:?}");
            assert_eq!(without_generations(&got), without_generations(&expected), "{which}");
            assert_eq!(got.summary, expected.summary, "{which}");
        }
    }
}

/// A rule that is gone meanwhile comes back with what it is held for.
#[test]
fn a_rule_that_was_gone_is_still_held() {
    let files = five_fail();
    let (generation, empty) = (panics(), fed::load(&[], "").0);
    for kill in [None, Some(61), Some(90)] {
        let mut steps = plain(&files);
        steps.insert(80, Step::Swap(Arc::clone(&generation)));
        steps.insert(60, Step::Swap(Arc::clone(&empty)));
        kill.into_iter().for_each(|at| steps.insert(at, Step::Kill));
        let got = play(&mut Backend::memory(), &files, &steps, &generation, &options());
        assert_eq!((records(&got, "quarantine").len(), records(&got, "readmitted").len()), (1, 1), "{kill:?}");
        let own = found(&got, "hostile/panics", 10);
        assert!(own.iter().all(|second| *second < 95 * MINUTE || *second > 5 * HOUR), "{kill:?}: {own:?}");
    }
}

/// Other code is called again at once, which is on record.
#[test]
fn other_code_ends_it() {
    let renamed = |name: &str| {
        let rule = admitted(bytes(name));
        let mut declaration = rule.declaration().clone();
        declaration.id = "example/one".parse().unwrap();
        sections::attach(rule.component(), &declaration, rule.data()).unwrap()
    };
    let load = |bytes: &[u8]| fed::load(&[("one", bytes)], "").0;
    let (broken, mended) = (load(&renamed("panics")), load(&renamed("counts-v1")));
    let files = five_fail();
    for kill in [None, Some(59), Some(60), Some(61)] {
        let mut steps = plain(&files);
        steps.insert(60, Step::Swap(Arc::clone(&mended)));
        kill.into_iter().for_each(|at| steps.insert(at, Step::Kill));
        let got = play(&mut Backend::memory(), &files, &steps, &broken, &options());
        let [back] = &records(&got, "readmitted")[..] else { panic!("{kill:?}: {:?}", got.log) };
        assert_eq!(back["end"], "other-code");
        assert!(found(&got, "example/one", 10).iter().any(|second| (3 * HOUR..4 * HOUR).contains(second)));
    }
}

/// What a rule finds that is fed by one in quarantine needs approval for that source's events alone, and only meanwhile.
#[test]
fn what_depends_on_it_is_suspect_for_that_source_alone() {
    let fed = admitted(bytes("counts-v1"));
    let mut declaration = fed.declaration().clone();
    declaration.id = "example/fed".parse().unwrap();
    declaration.subscribes =
        vec![Subscription { rule: "hostile/panics".parse().unwrap(), classes: vec![SignalClass::Privilege] }];
    let fed = sections::attach(fed.component(), &declaration, fed.data()).unwrap();
    let (generation, faults) = fed::load(&[("panics", bytes("panics")), ("fed", &fed)], "");
    assert!(faults.is_empty(), "{faults:?}");
    let files = five_fail();
    let mut backend = Backend::memory();
    let outcome = play(&mut backend, &files, &plain(&files), &generation, &options());
    let findings = records(&outcome, "finding").into_iter().filter(|finding| finding["rule"] == "example/fed");
    let mut is_suspect = |finding: &Value| {
        let name = finding["bundle"].as_str().unwrap().parse().unwrap();
        let bundle = backend.with(|store| store.blob(&name).unwrap().unwrap());
        serde_json::from_slice::<Value>(&bundle).unwrap()["rule_suspect"] == true
    };
    let suspect: Vec<(i64, u32)> = findings
        .filter(|finding| is_suspect(finding))
        .map(|finding| {
            let (second, user) = finding["event_id"].as_str().unwrap().split_once('-').unwrap();
            (second.parse().unwrap(), user.parse().unwrap())
        })
        .collect();
    let during = 90 * MINUTE..6 * HOUR;
    assert!(!suspect.is_empty(), "{:?}", outcome.log);
    assert!(suspect.iter().all(|(second, user)| *user < 21 && during.contains(second)), "{suspect:?}");
    // Its findings before, after, and on the other source are as good as ever.
    let own = found(&outcome, "example/fed", 10);
    assert!(own.iter().any(|second| *second < during.start) && own.iter().any(|second| *second > during.end));
    assert!(found(&outcome, "example/fed", 21).len() > 20);
}

/// Outsiders' failed sign-ins use up the rule's fuel, eight an hour at most: then their network is set aside, and who
/// authenticated, from there or not, is judged as before.
#[test]
fn crafted_rows_of_outsiders_park_themselves_alone() {
    let policy = "\n[rule.\"hostile/burns-fuel\"]\nparameters = { on = [\"ConsoleLogin\"], every = 1, work = 10 }\n";
    let (generation, faults) = fed::load(&[("burns", bytes("burns-fuel"))], policy);
    assert!(faults.is_empty(), "{faults:?}");
    let mut hostile: Vec<(i64, String)> =
        (0..300).map(|number| (HOUR + number * 20, fed::record(HOUR + number * 20, 3, "Failure"))).collect();
    hostile.extend(seconds(10, 0..4).into_iter().map(|second| (second, fed::record(second, 10, "clock"))));
    hostile.sort();
    let hostile: Vec<String> = hostile.into_iter().map(|(_, line)| line).collect();
    let files = files(&hostile, &calls(21, 4));
    let run = |batch: usize, kills: &[usize]| {
        let mut steps = plain(&files);
        kills.iter().rev().for_each(|at| steps.insert(*at, Step::Kill));
        let options = SessionOptions { batch, ..options() };
        play(&mut Backend::memory(), &files, &steps, &generation, &options)
    };
    let expected = run(1, &[]);
    let parked = records(&expected, "parked");
    let hours = 2;
    assert_eq!((parked.len(), records(&expected, "set-aside").len()), (hours, hours * 8), "{:?}", expected.log);
    assert!(parked.iter().all(|one| {
        one["rows"] == HeldRows::Outsiders.id() && one["party"] == "203.0.113.0/24" && one["source"] == HOSTILE
    }));
    assert_eq!(records(&expected, "readmitted").len(), hours);
    assert_eq!(records(&expected, "quarantine").len(), 0);
    for user in [10, 21] {
        assert_eq!(found(&expected, "hostile/burns-fuel", user), seconds(user, 0..4), "{user}");
    }
    for (batch, kills) in [(7, vec![]), (256, vec![]), (2, vec![14, 20, 25, 30, 100, 190])] {
        expected.assert_same(&run(batch, &kills), &format!("batches of {batch}, killed at {kills:?}"));
    }
}

/// By the host's clock, without any event: a hold ends while everything is quiet.
#[test]
fn it_ends_while_nothing_comes() {
    let files = five_fail();
    let begin = 1_714_550_400 * 1_000_000;
    let at = |second: i64| Timestamp(begin + second * 1_000_000);
    // The first 45 records, in which the five failed; then the clock alone.
    let run = |kill: Option<usize>| {
        let mut steps: Vec<Step> = (0..45).map(|_| Step::Record(Some(at(2 * HOUR)))).collect();
        steps.extend((0..12).map(|half| Step::Time(at(2 * HOUR + half * HOUR / 2))));
        kill.into_iter().for_each(|at| steps.insert(at, Step::Kill));
        play(&mut Backend::memory(), &files, &steps, &panics(), &options())
    };
    let expected = run(None);
    assert_eq!((records(&expected, "quarantine").len(), records(&expected, "readmitted").len()), (1, 1));
    assert!(expected.memory.iter().all(|(space, ..)| space != "count"), "nothing is counted any more");
    for kill in [44, 46, 50, 53, 54, 55] {
        expected.assert_same(&run(Some(kill)), &format!("killed at {kill}"));
    }
}
