//! Rules of both kinds that miss the deadline because of one of two sources: they are stopped for that source alone, until
//! four hours have passed. Neither batches nor restarts nor swaps show, and recomputing takes it from the record.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign_admission::sections;
use countersign_engine::{Engine, EngineConfig};
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_model::DigestKey;
use countersign_policy::{DEFAULT_POLICY, Policy, SourceFile};
use countersign_recompute::{RecomputeOptions, recompute};
use countersign_session::{SessionOptions, stored_rules};
use countersign_store::AuditLog;
use serde_json::Value;

use crate::fed;
use crate::quarantine::{HOSTILE, HOUR, MINUTE, calls, files, found, plain, records, seconds};
use crate::sessions::{Backend, Files, Outcome, Step, options, play};
use crate::support::{admitted, bytes, settings, shipped};
use crate::swapped::without_generations;

const DETECTION: &str = "hostile/loops";
const RESPONSE: &str = "hostile/proposes-garbage";

/// The users of the two sources who make a call every five minutes.
const HOSTILE_USER: u32 = 10;
const TRUE_USER: u32 = 21;

/// Fuel for years.
const FUEL: u64 = 1 << 52;

fn policy() -> SourceFile<Policy> {
    let text = format!(
        "{DEFAULT_POLICY}\n[limits]\nfuel = {FUEL}\n\n[[response]]\nclass = \"privilege\"\ntype = \"*\"\n\
         rules = [\"{RESPONSE}\", \"countersign/graduated-containment\"]\n"
    );
    SourceFile::parse("policy", text, Policy::parse).unwrap()
}

/// A guest with more fuel than it can burn within the deadline.
fn endless(name: &str) -> Vec<u8> {
    let admitted = admitted(bytes(name));
    let mut declaration = admitted.declaration().clone();
    declaration.limits.fuel = FUEL;
    sections::attach(admitted.component(), &declaration, admitted.data()).unwrap()
}

/// The shortest deadline that there is: seconds.
static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(&EngineConfig { deadline: Duration::ZERO, ..EngineConfig::default() }).unwrap());

fn load(rules: &[(&str, &[u8])]) -> Arc<Generation> {
    let rules = rules.iter().map(|(name, bytes)| RuleFile { name: (*name).to_owned(), bytes: bytes.to_vec() });
    let (generation, faults) = Generation::load(&ENGINE, rules.collect(), Settings { policy: policy(), ..settings() });
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// The detection and the response rule that loop, and one that answers beside the latter.
fn generation() -> Arc<Generation> {
    static GENERATION: LazyLock<Arc<Generation>> = LazyLock::new(|| {
        let (loops, proposes) = (endless("loops"), endless("proposes-garbage"));
        load(&[("loops", &loops), ("proposes", &proposes), ("graduated", shipped("graduated-containment"))])
    });
    Arc::clone(&GENERATION)
}

/// An hour after the beginning the hostile source has a call about whose finding the response rule never returns, and an
/// hour later one from which the detection never does.
fn both_loop() -> Files {
    let mut hostile = calls(HOSTILE_USER, 7);
    for (second, operation) in [(HOUR + 30, "LoopLater"), (2 * HOUR + 40, "LoopHere"), (2 * HOUR + 30, "LoopHere")] {
        let call = format!(r#""eventID":"{}-{HOSTILE_USER}""#, second / 300 * 300 + i64::from(HOSTILE_USER));
        let before = hostile.iter().position(|line| line.contains(&call)).unwrap();
        hostile.insert(before + 1, fed::record(second, 1, "clock").replace("ListBuckets", operation));
    }
    files(&hostile, &calls(TRUE_USER, 7))
}

/// How an uninterrupted run ends; it takes seconds.
fn expected() -> &'static Outcome {
    static EXPECTED: LazyLock<Outcome> = LazyLock::new(|| {
        let files = both_loop();
        play(&mut Backend::memory(), &files, &plain(&files), &generation(), &options())
    });
    &EXPECTED
}

/// The seconds of the events of a user about which the response rule proposed something: it does whenever it is called.
fn answered(outcome: &Outcome, user: u32) -> Vec<i64> {
    let suffix = format!("-{user}");
    let decisions = records(outcome, "decision").into_iter().filter(|one| one["decision"]["response_rule"] == RESPONSE);
    let mut seconds: Vec<i64> =
        decisions.filter_map(|one| one["event_id"].as_str()?.strip_suffix(&suffix)?.parse().ok()).collect();
    seconds.dedup();
    seconds
}

/// Asserts that calls every five minutes are one after another, from about a second on, for four hours.
fn assert_four_hours(missing: &[i64], from: i64) {
    let (first, last) = (*missing.first().unwrap(), *missing.last().unwrap());
    assert_eq!(missing, (first..=last).step_by(300).collect::<Vec<_>>());
    assert!((from..from + 6 * MINUTE).contains(&first), "{first}");
    assert!((4 * HOUR - 10 * MINUTE..=4 * HOUR + 10 * MINUTE).contains(&(last - first)), "{first} to {last}");
}

#[test]
fn a_source_stops_rules_of_both_kinds_for_itself_and_four_hours() {
    let outcome = expected();
    let stopped = records(outcome, "rule-stopped");
    let about: Vec<_> = stopped.iter().map(|one| (&one["rule"], &one["source"], &one["event_id"])).collect();
    let (response, detection) = (Value::from(RESPONSE), Value::from(DETECTION));
    let events = [format!("{}-1", HOUR + 30), format!("{}-1", 2 * HOUR + 30)].map(Value::from);
    let hostile = Value::from(HOSTILE);
    assert_eq!(about, [(&response, &hostile, &events[0]), (&detection, &hostile, &events[1])]);
    let back = records(outcome, "readmitted");
    let about: Vec<_> = back.iter().map(|one| (&one["rule"], &one["source"], &one["rows"], &one["end"])).collect();
    let (all, time) = (Value::from("all"), Value::from("time"));
    assert_eq!(about, [(&response, &hostile, &all, &time), (&detection, &hostile, &all, &time)]);

    // The other source isn't concerned.
    assert_eq!(found(outcome, DETECTION, TRUE_USER), seconds(TRUE_USER, 0..7));
    assert_eq!(answered(outcome, TRUE_USER), seconds(TRUE_USER, 0..7));
    // The hostile one's calls aren't judged for four hours; and what is found in them isn't answered for four others.
    let all = || seconds(HOSTILE_USER, 0..7).into_iter();
    let own = found(outcome, DETECTION, HOSTILE_USER);
    let missing: Vec<i64> = all().filter(|second| !own.contains(second)).collect();
    assert_four_hours(&missing, 2 * HOUR + 30);
    let answered = answered(outcome, HOSTILE_USER);
    let held = |second: &i64| (HOUR + 30..5 * HOUR + 5 * MINUTE).contains(second);
    assert_eq!(answered, own.iter().copied().filter(|second| !held(second)).collect::<Vec<_>>());

    assert!(outcome.summary.contains(&format!(r#""holds":{{"{DETECTION}":1,"{RESPONSE}":1}}"#)), "{}", outcome.summary);
    // What came at once after the row with which it was stopped is held too.
    let held = format!(r#""held_rows":{{"{DETECTION}":{}}}"#, missing.len() + 1);
    assert!(outcome.summary.contains(&held), "{held}: {}", outcome.summary);
    assert!(outcome.summary.contains(r#""silenced":[]"#), "both have ended: {}", outcome.summary);
    assert!(outcome.summary.contains(r#""rows_set_aside":{}"#), "{}", outcome.summary);
    for rule in [DETECTION, RESPONSE] {
        let told = |part: String| outcome.lines.iter().filter(|(_, line)| line.contains(&part)).count();
        let texts = [format!("`{rule}` is stopped for `hostile`"), format!("rows of `hostile` reach `{rule}` again")];
        assert_eq!(texts.map(told), [1, 1], "{rule}");
    }
    let found = records(outcome, "host-finding").into_iter().filter(|one| one["kind"] == "rule-stopped");
    assert!(found.map(|one| one["severity"].clone()).eq(["high", "high"]));
}

#[test]
fn batches_do_not_show() {
    let files = both_loop();
    let options = SessionOptions { batch: 256, workers: 2, ..options() };
    let got = play(&mut Backend::memory(), &files, &plain(&files), &generation(), &options);
    expected().assert_same(&got, "batches of 256");
}

/// Where each is committed, while both are stopped, and about the two ends.
#[test]
fn restarts_do_not_show() {
    let files = both_loop();
    let mut steps = plain(&files);
    for at in [169, 150, 149, 148, 147, 146, 145, 144, 126, 125, 124, 123, 122, 121, 90, 60, 54, 53, 40, 30, 10] {
        steps.insert(at, Step::Kill);
    }
    let mut backend = Backend::all().into_iter().find(|(name, _)| *name == "sqlite").unwrap().1;
    expected().assert_same(&play(&mut backend, &files, &steps, &generation(), &options()), "killed");
}

/// The same rules stay stopped in another generation, and are so if one is killed there; without the rules time passes too.
#[test]
fn swaps_do_not_show() {
    let files = both_loop();
    let mut steps = plain(&files);
    for at in [150, 124, 90, 60, 40, 10] {
        steps.insert(at, Step::Swap(generation()));
        steps.insert(at + 1, Step::Kill);
    }
    let got = play(&mut Backend::memory(), &files, &steps, &generation(), &options());
    assert_eq!(without_generations(&got), without_generations(expected()));
    assert_eq!(got.summary, expected().summary);
}

/// In a file, with a limit on fuel as wide as the record's.
#[test]
fn recomputing_takes_it_from_the_record() {
    let files = both_loop();
    let mut backend = Backend::all().into_iter().find(|(name, _)| *name == "files").unwrap().1;
    let mut steps = plain(&files);
    // At the end both are stopped no more; in the midst both are.
    steps.insert(100, Step::Kill);
    let got = play(&mut backend, &files, &steps, &generation(), &options());
    assert_eq!(got.log, expected().log);
    let path = backend.finish().unwrap();
    let options = RecomputeOptions { limits: *policy().content.limits(), ..RecomputeOptions::default() };
    let log = AuditLog::open(&path).unwrap();
    let result = recompute(&log, &DigestKey::public(), &ENGINE, &options, &mut |_, _| ()).unwrap();
    assert_eq!(result.differences, []);
    assert!(result.findings > 100 && result.decisions > result.findings, "{result:?}");
}

/// Other code is called again at once, which is on record, wherever the process is killed; a rule that is gone for a while
/// isn't. Meanwhile the store says of which source nothing reaches the rule.
#[test]
fn other_code_ends_it() {
    let other = |name: &str, id: &str| {
        let rule = admitted(bytes(name));
        let mut declaration = rule.declaration().clone();
        declaration.id = id.parse().unwrap();
        declaration.signal_classes = admitted(bytes("proposes-garbage")).declaration().signal_classes.clone();
        sections::attach(rule.component(), &declaration, rule.data()).unwrap()
    };
    let graduated = {
        let rule = admitted(shipped("graduated-containment"));
        let mut declaration = rule.declaration().clone();
        declaration.id = RESPONSE.parse().unwrap();
        sections::attach(rule.component(), &declaration, rule.data()).unwrap()
    };
    let panics = other("panics", DETECTION);
    let graduated_itself = shipped("graduated-containment");
    let mended = load(&[("loops", &panics), ("proposes", &graduated), ("graduated", graduated_itself)]);
    let none = load(&[("graduated", graduated_itself)]);
    let files = both_loop();
    let mut steps = plain(&files);
    for at in [57, 61, 66, 70] {
        steps.insert(at, Step::Kill);
    }
    steps.insert(70, Step::Swap(Arc::clone(&mended)));
    steps.insert(65, Step::Swap(generation()));
    steps.insert(60, Step::Swap(none));
    steps.truncate(90);
    let mut backend = Backend::memory();
    let got = play(&mut backend, &files, &steps, &generation(), &options());
    let back = records(&got, "readmitted");
    let about: Vec<_> = back.iter().map(|one| (one["rule"].as_str().unwrap(), one["end"].as_str().unwrap())).collect();
    assert_eq!(about, [(RESPONSE, "other-code"), (DETECTION, "other-code")]);
    assert_eq!(records(&got, "rule-stopped").len(), 2, "no later session calls what is stopped");
    assert!(got.summary.contains(r#""silenced":[]"#), "{}", got.summary);

    let mut backend = Backend::memory();
    let got = play(&mut backend, &files, &plain(&files)[..58], &generation(), &options());
    assert!(got.summary.contains(&format!(r#""silenced":["{DETECTION}","{RESPONSE}"]"#)), "{}", got.summary);
    // What is found in its rows meanwhile is decided as if the response rule had failed.
    for decision in records(&got, "decision") {
        let (second, user) = decision["event_id"].as_str().unwrap().split_once('-').unwrap();
        let name = decision["inputs"].as_str().unwrap().parse().unwrap();
        let inputs: Value = serde_json::from_slice(&backend.with(|store| store.blob(&name).unwrap().unwrap())).unwrap();
        let held = user != "21" && second.parse::<i64>().unwrap() >= HOUR + 30;
        assert_eq!(inputs["failed-responses"] == serde_json::json!([RESPONSE]), held, "{second}-{user}");
    }
    let rules = backend.with(|store| stored_rules(store).unwrap());
    for rule in [DETECTION, RESPONSE] {
        let held: Vec<&str> = rules[&rule.parse().unwrap()].holds.iter().map(|hold| &*hold.source).collect();
        assert_eq!(held, [HOSTILE], "{rule}");
    }
}
