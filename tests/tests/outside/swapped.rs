//! Another generation may serve from any input on, without a tick: state, timers, quarantine and what is known since the
//! last tick go on.

use std::sync::{Arc, LazyLock};

use countersign_admission::sections;
use countersign_generation::Generation;
use countersign_model::vocabulary::PartitionKey;
use countersign_session::SessionOptions;
use countersign_stream::QuarantineThreshold;
use proptest::prelude::*;

use crate::determinism::{generation, telemetry};
use crate::fed;
use crate::sessions::{Backend, Files, Outcome, Step, options, play};
use crate::support::{NEVER, admitted, bytes};

/// A generation of rules under the shipped policy.
fn load(rules: &[(&str, &[u8])]) -> Arc<Generation> {
    let (generation, faults) = fed::load(rules, "");
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// A version of the rule that counts, under one id.
fn counts(version: u32) -> Vec<u8> {
    counts_as("example/counts", version)
}

/// The same under another id.
pub(crate) fn counts_as(id: &str, version: u32) -> Vec<u8> {
    let name = if version == 1 { "counts-v1" } else { "counts-v2" };
    let admitted = admitted(bytes(name));
    let mut declaration = admitted.declaration().clone();
    declaration.id = id.parse().unwrap();
    sections::attach(admitted.component(), &declaration, admitted.data()).unwrap()
}

/// What was found by a rule.
fn found(outcome: &Outcome, rule: &str) -> Vec<String> {
    let rule = format!(r#""rule":"{rule}""#);
    let lines = outcome.lines.iter().map(|(_, line)| line);
    lines.filter(|line| line.contains(r#""type":"finding""#) && line.contains(&rule)).cloned().collect()
}

/// The lines of a log that an identical generation must not change: neither generations nor components, and without
/// sequence numbers, links and the generation's number.
pub(crate) fn without_generations(outcome: &Outcome) -> Vec<String> {
    let stripped = outcome.log.iter().filter_map(|line| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        let object = value.as_object_mut().unwrap();
        object.remove("seq");
        object.remove("link");
        object.remove("generation");
        let kind = object["type"].as_str().unwrap();
        (!matches!(kind, "generation" | "component")).then(|| value.to_string())
    });
    stripped.collect()
}

fn records(telemetry: &[u8], count: usize) -> Vec<u8> {
    telemetry.split_inclusive(|byte| *byte == b'\n').take(count).flatten().copied().collect()
}

/// With rules that trap and go into quarantine, timers and subscriptions: an identical generation changes no finding and no
/// state, wherever it comes.
#[test]
fn an_identical_generation_changes_nothing() {
    let (telemetry, _) = telemetry();
    let files = Files::new("cloudtrail", &[&records(&telemetry, 700)]);
    let first = everything();
    let quarantine = QuarantineThreshold { min_accounts: 3, percent: 10 };
    let options = SessionOptions { batch: 7, workers: 1, quarantine, ..options() };
    let plain = vec![Step::Record(None); files.count()];
    let expected = play(&mut Backend::memory(), &files, &plain, &first, &options);
    // Fifty places, in an order that no pattern of the telemetry follows.
    let mut steps = plain;
    let mut places: Vec<usize> = (0..50).map(|number| number * 389 % steps.len()).collect();
    places.sort_unstable();
    places.iter().rev().for_each(|at| steps.insert(*at, Step::Swap(Arc::clone(&first))));
    let got = play(&mut Backend::memory(), &files, &steps, &first, &options);
    assert_eq!(without_generations(&got), without_generations(&expected));
    assert_eq!(
        (&got.snapshot.state, &got.snapshot.baselines),
        (&expected.snapshot.state, &expected.snapshot.baselines)
    );
    assert!(got.snapshot.timers == expected.snapshot.timers && got.snapshot.findings == expected.snapshot.findings);
    assert_eq!(got.summary, expected.summary);
    let generations = got.log.iter().filter(|line| line.contains(r#""type":"generation""#)).count();
    assert_eq!(generations, 51);
}

#[test]
fn timers_and_subscriptions_go_on_under_an_identical_generation() {
    let fed = fed::generation("");
    let files = Files::new("cloudtrail", &[&fed::telemetry()]);
    let plain = vec![Step::Record(None); files.count()];
    let expected = play(&mut Backend::memory(), &files, &plain, &fed, &options());
    for at in (0..plain.len()).step_by(13) {
        let mut steps = plain.clone();
        steps.insert(at, Step::Swap(Arc::clone(&fed)));
        let got = play(&mut Backend::memory(), &files, &steps, &fed, &options());
        assert_eq!(without_generations(&got), without_generations(&expected), "swapped before record {at}");
        assert!(
            got.snapshot.timers == expected.snapshot.timers && got.snapshot.state == expected.snapshot.state,
            "{at}"
        );
    }
}

/// Calls of four users, a second apart; one has made 13 when the swap comes.
fn calls() -> Vec<u8> {
    let users = (0..60).map(|number| if number < 26 { 1 + number % 2 } else { 3 + number % 2 });
    let users: Vec<u32> = users.chain((0..30).map(|number| 1 + number % 4)).collect();
    let lines: Vec<String> = (0..).zip(users).map(|(at, user)| fed::record(at, user, "clock")).collect();
    (lines.join("\n") + "\n").into_bytes()
}

/// A raised slot version gives what migrating by hand gives: the newer rule has the counts of the older one, but for the key
/// that it can't read, which begins anew and is counted.
#[test]
fn state_of_an_older_version_is_migrated() {
    let (old, new) = (load(&[("old", &counts(1))]), load(&[("new", &counts(2))]));
    let files = Files::new("cloudtrail", &[&calls()]);
    let plain = vec![Step::Record(None); files.count()];
    let always = play(&mut Backend::memory(), &files, &plain, &new, &options());
    for at in [1usize, 7, 25, 26, 40, 59, 60, 77] {
        let mut steps = plain.clone();
        steps.insert(at, Step::Swap(Arc::clone(&new)));
        for (name, mut backend) in Backend::all() {
            let got = play(&mut backend, &files, &steps, &old, &options());
            let which = format!("{name}, swapped before record {at}");
            // Users 1 and 2 have made 13 calls each from the 26th record on, until the last thirty.
            let unlucky: u64 = match at {
                25 => 1,
                26..=60 => 2,
                _ => 0,
            };
            let lost = format!(r#""lost_keys":{{"example/counts":{unlucky}}}"#);
            let counted = if unlucky == 0 { !got.summary.contains("lost_keys") } else { got.summary.contains(&lost) };
            assert!(counted, "{which}: {}", got.summary);
            assert!(got.log.iter().any(|line| line.contains(r#""type":"migration""#)), "{which}");
            if unlucky == 0 {
                assert_eq!(found(&got, "example/counts"), found(&always, "example/counts"), "{which}");
                assert_eq!(got.snapshot.state, always.snapshot.state, "{which}");
            } else {
                assert_ne!(got.snapshot.state, always.snapshot.state, "{which}");
            }
        }
    }
}

/// Without one rule the others' bytes stay; when it comes back within a day it goes on from its state.
#[test]
fn a_rule_that_is_gone_keeps_its_state_for_a_day() {
    let both = load(&[("counts", &counts(1)), ("timer", bytes("uses-a-timer"))]);
    let one = load(&[("timer", bytes("uses-a-timer"))]);
    let mut lines: Vec<String> = (0..10).map(|second| fed::record(second, 1, "Failure")).collect();
    lines.extend((0..10).map(|second| fed::record(100 + second * 60, 1, "Failure")));
    let files = Files::new("cloudtrail", &[&(lines.join("\n") + "\n").into_bytes()]);
    let plain = vec![Step::Record(None); 20];
    let always = play(&mut Backend::memory(), &files, &plain, &both, &options());
    let mut steps = plain.clone();
    steps.insert(14, Step::Swap(Arc::clone(&both)));
    steps.insert(8, Step::Swap(Arc::clone(&one)));
    let state = |outcome: &Outcome, rule: &str| {
        let mut state = outcome.snapshot.state.clone();
        state.retain(|change| change.rule.as_str() == rule);
        state
    };
    for kill in [None, Some(9), Some(12), Some(15), Some(16), Some(18)] {
        let mut steps = steps.clone();
        kill.into_iter().for_each(|at| steps.insert(at, Step::Kill));
        let got = play(&mut Backend::memory(), &files, &steps, &both, &options());
        assert_eq!(state(&got, "example/uses-a-timer"), state(&always, "example/uses-a-timer"));
        let messages: Vec<&str> = got
            .lines
            .iter()
            .filter_map(|(_, line)| line.split(r#""message":""#).nth(1)?.split(" calls").next())
            .collect();
        // Six records passed without it: 20 − 6.
        assert!(messages.contains(&"12") && !messages.contains(&"15"), "killed at {kill:?}: {messages:?}");
    }
    // Longer than a day: it begins anew, and nothing of it is left in the store meanwhile.
    let mut lines: Vec<String> = (0..10).map(|second| fed::record(second, 1, "clock")).collect();
    lines.extend((0..60).map(|hour| fed::record(3_600 * hour + 100, 2, "clock")));
    let files = Files::new("cloudtrail", &[&(lines.join("\n") + "\n").into_bytes()]);
    let mut steps = vec![Step::Record(None); 70];
    steps.insert(10, Step::Swap(one));
    let got = play(&mut Backend::memory(), &files, &steps, &both, &options());
    assert_eq!(state(&got, "example/counts"), []);
    assert!(!got.memory.iter().any(|(space, key, _)| space == "count" && key.starts_with(b"example/counts")));
}

/// State of another partition key means nothing: it is gone from the store at the swap, and neither a restart nor another
/// swap brings it back.
#[test]
fn another_partition_key_begins_anew_for_good() {
    let counted = admitted(&counts(1));
    let mut declaration = counted.declaration().clone();
    declaration.partition_key = PartitionKey::SourceIp;
    let rekeyed = sections::attach(counted.component(), &declaration, counted.data()).unwrap();
    let (by_actor, by_address) = (load(&[("old", &counts(1))]), load(&[("new", &rekeyed)]));
    let both = load(&[("new", &rekeyed), ("timer", bytes("uses-a-timer"))]);
    let files = Files::new("cloudtrail", &[&calls()]);
    let mut steps = vec![Step::Record(None); files.count()];
    steps.insert(40, Step::Swap(both));
    steps.insert(20, Step::Swap(Arc::clone(&by_address)));
    let whole = play(&mut Backend::memory(), &files, &steps, &by_actor, &options());
    let keys: Vec<&str> = whole.snapshot.state.iter().map(|change| change.key.as_str()).collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| key.parse::<std::net::IpAddr>().is_ok()), "{keys:?}");
    assert!(whole.summary.contains(r#""lost_keys":{"example/counts":2}"#), "{}", whole.summary);
    for kill in [21, 22, 30, 41, 42, 60] {
        let mut steps = steps.clone();
        steps.insert(kill, Step::Kill);
        for (name, mut backend) in Backend::all() {
            let got = play(&mut backend, &files, &steps, &by_actor, &options());
            whole.assert_same(&got, &format!("{name}, killed at {kill}"));
        }
    }
}

/// A rule that was silenced judges again once its code is another; the same code stays silenced.
#[test]
fn other_code_of_a_silenced_rule_judges_again() {
    let broken = admitted(bytes("panics"));
    let mut declaration = broken.declaration().clone();
    declaration.id = "example/counts".parse().unwrap();
    let broken = sections::attach(broken.component(), &declaration, broken.data()).unwrap();
    let (first, second) = (load(&[("broken", &broken)]), load(&[("mended", &counts(1))]));
    let lines: Vec<String> = (0..30)
        .map(|at| fed::record(at, 1 + u32::try_from(at).unwrap() % 6, "clock").replace("ListBuckets", "PanicHere"))
        .collect();
    let files = Files::new("cloudtrail", &[&(lines.join("\n") + "\n").into_bytes()]);
    let quarantine = QuarantineThreshold { min_accounts: 3, percent: 10 };
    let options = SessionOptions { quarantine, ..options() };
    let mut steps = vec![Step::Record(None); 30];
    steps.insert(12, Step::Swap(Arc::clone(&second)));
    steps.insert(6, Step::Swap(Arc::clone(&first)));
    for kill in [None, Some(7), Some(13), Some(14)] {
        let mut steps = steps.clone();
        kill.into_iter().for_each(|at| steps.insert(at, Step::Kill));
        let got = play(&mut Backend::memory(), &files, &steps, &first, &options);
        let quarantined: Vec<usize> =
            (0..).zip(&got.log).filter(|(_, line)| line.contains(r#""type":"quarantine""#)).map(|(at, _)| at).collect();
        assert_eq!(quarantined.len(), 1, "killed at {kill:?}: {:?}", got.log);
        assert!(got.summary.contains(r#""silenced":[]"#), "{}", got.summary);
        assert!(got.lines.iter().any(|(_, line)| line.contains("3 calls")), "it judges again");
    }
}

/// The shipped rules and two that fail; loaded once.
pub(crate) fn everything() -> Arc<Generation> {
    static EVERYTHING: LazyLock<Arc<Generation>> = LazyLock::new(|| generation(&telemetry().1));
    Arc::clone(&EVERYTHING)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Swaps and kills together: the kills change nothing.
    #[test]
    fn swaps_and_kills_together(
        swaps in prop::collection::vec((0usize..400, 0usize..3), 1..6),
        kills in prop::collection::vec(0usize..400, 1..6),
    ) {
        let (telemetry, _) = telemetry();
        let files = Files::new("cloudtrail", &[&records(&telemetry, 400)]);
        let all = everything();
        let generations = [Arc::clone(&all), load(&[("counts", &counts(1))]), load(&[("counts", &counts(2)), ("panics", bytes("panics"))])];
        let options = SessionOptions { batch: 5, workers: 1, quarantine: NEVER, ..options() };
        let mut steps = vec![Step::Record(None); files.count()];
        let mut swaps = swaps;
        swaps.sort_unstable();
        for (at, which) in swaps.iter().rev() {
            steps.insert(*at, Step::Swap(Arc::clone(&generations[*which])));
        }
        let expected = play(&mut Backend::memory(), &files, &steps, &all, &options);
        let mut kills = kills;
        kills.sort_unstable();
        kills.iter().rev().for_each(|at| steps.insert(*at, Step::Kill));
        let got = play(&mut Backend::memory(), &files, &steps, &all, &options);
        expected.assert_same(&got, &format!("{swaps:?}, killed at {kills:?}"));
    }
}
