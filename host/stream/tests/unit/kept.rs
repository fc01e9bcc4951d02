//! What the host keeps of a rule is bounded, shared out fairly, and depends neither on batches nor on restarts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use countersign_model::call::{AnswerTimer, CallFailure, Diagnostic, FailureKind, Level, RowKind};
use countersign_model::vocabulary::{FieldId, PartitionKey};
use countersign_model::{Digest, Event, StateChange, StateEntry, TimerChange, Value};
use proptest::prelude::*;

use super::*;
use crate::testing::{Fake, FakeAnswer, FakeCall, call, declaration, failed, found, judge, second, sequence};
use crate::{Carried, Outcome};

const SLOTS: &str = r#"
[[slot]]
name = "first"
version = 1
max-bytes = 65536
max-keys = 1000000
kept-references = 4
ttl = "30d"

[[slot]]
name = "second"
version = 1
max-bytes = 65536
max-keys = 1000000
kept-references = 0
ttl = "30d"
when-full = "refuse"

[timers]
ids = ["a", "b"]
most-per-key = 2
longest = "30d"
"#;

/// The least that can be set.
const SMALL: Kept = Kept { state: 64 << 10, evidence: 4 << 10 };

/// Does what a row's operation commands: `SLOT=KIB` sets a key's state and keeps a reference, `SLOT=0` forgets it, `@ID`
/// sets a timer a day ahead, `find` finds and cites what is kept, `say` has a long diagnostic.
fn hoard(sheet: &FakeCall<'_>) -> Result<FakeAnswer, CallFailure> {
    let mut answer = FakeAnswer::default();
    for (row, operation) in sheet.rows() {
        let Some(key) = sheet.key(row) else { continue };
        let state = |answer: &FakeAnswer, slot: u32| match answer.states.get(&(slot, key)) {
            Some(state) => state.clone(),
            None => (sheet.blob(slot as usize, key).to_vec(), sheet.kept(slot as usize, key).to_vec()),
        };
        let rows = &sheet.call.batch.rows;
        let is_timer = rows.kinds.as_ref().is_some_and(|kinds| matches!(kinds[row as usize], RowKind::Timer(_)));
        for command in operation.split(' ').filter(|_| !is_timer) {
            if command == "find" {
                let (blob, kept) = state(&answer, 0);
                answer.find(row, &format!("{} bytes", blob.len())).evidence = kept;
            } else if command == "say" {
                let message = "x".repeat(1_000);
                answer.plain.diagnostics.push(Diagnostic { row, level: Level::Warning, message });
            } else if let Some(id) = command.strip_prefix('@') {
                let at = Some(rows.event_times[row as usize] + 86_400_000_000);
                answer.plain.timers.push(AnswerTimer { row, id: id.to_owned(), at });
            } else if let Some((slot, kib)) = command.split_once('=') {
                let (slot, kib): (u32, usize) = (slot.parse().unwrap(), kib.parse().unwrap());
                let mut kept = if slot == 0 { state(&answer, 0).1 } else { Vec::new() };
                if slot == 0 {
                    kept.push(sheet.reference(row));
                    kept.drain(..kept.len().saturating_sub(4));
                }
                answer.set_state(slot, key, &vec![7; kib * 1024], if kib == 0 { &[] } else { &kept });
            }
        }
    }
    Ok(answer)
}

fn stream(kept: Kept) -> RuleStream {
    Fake::stream(declaration("", SLOTS), hoard).0.with_kept(kept)
}

/// An event from a network of a source, in a tenant's telemetry.
fn from(source: &str, tenant: &str, network: u8, event: Event) -> Event {
    let mut event = Event { source: source.into(), tenant: tenant.into(), ..event };
    let address = IpAddr::V4(Ipv4Addr::new(198, 51, network, 7));
    event.fields.set(FieldId::SrcEndpointIp, Value::Address(address));
    event
}

/// What is kept: slot and key, with the bytes of the blob.
fn keys(stream: &RuleStream, slot: usize) -> Vec<String> {
    let mut keys: Vec<String> =
        stream.state.table_keys(slot).map(|key| key.rsplit(':').next().unwrap().to_owned()).collect();
    keys.sort_unstable();
    keys
}

fn tick(stream: &mut RuleStream, at: i64) {
    stream.tick(Tick { at: second(at) });
    assert!(stream.due(Tick { at: second(at) }, 9, second(at)).is_empty());
}

#[test]
fn a_rule_that_hoards_keeps_no_more_than_it_may() {
    let kept = Kept { state: 1 << 20, ..Kept::default() };
    for batch in [1, 50] {
        let mut stream = stream(kept);
        // Of those changed at once the first in order go.
        let events = (0..400).map(|number| call(number, "0=30 1=5 @a", &format!("K{number:03}"))).collect();
        let rows = sequence(events);
        let mut most = 0;
        for rows in rows.chunks(batch) {
            assert_eq!(failed(&judge(&mut stream, rows)), []);
            most = most.max(stream.held());
        }
        assert!(most <= 2 << 20, "{most}");
        assert!(most > 3 << 19, "it is let have what it may: {most}");
        tick(&mut stream, 500);
        assert!(stream.held() <= 1 << 20 && stream.held() > 7 << 17, "{}", stream.held());
        let left = keys(&stream, 0);
        assert!(left.contains(&"K399".to_owned()) && !left.contains(&"K000".to_owned()), "the oldest go: {left:?}");
        let oversize: Vec<u64> = stream.forgotten().map(|(_, forgotten)| forgotten.oversize).collect();
        assert_eq!(oversize, [400 - left.len() as u64; 2], "whole keys go");
        assert_eq!(stream.take_dropped_timers(), 400 - stream.pending_timers());
        assert!(stream.pending_timers() > 60, "timers take a fourth: {}", stream.pending_timers());
    }
}

/// All that is kept with keys that aren't there any more goes too, and nothing is left of a rule that goes.
#[test]
fn nothing_is_counted_that_is_gone() {
    let mut stream = stream(SMALL);
    for round in 0..20 {
        let events = (0..50).map(|number| call(number, "0=3 1=2 @a @b", &format!("?K{}", round * 31 + number)));
        judge(&mut stream, &sequence(events.collect()));
        if round % 4 == 3 {
            tick(&mut stream, 0);
        }
    }
    assert_eq!(stream.state.held(), stream.state.recount());
    let events = (0..700).map(|number| call(number, "0=0 1=0", &format!("K{number}"))).collect();
    judge(&mut stream, &sequence(events));
    drop(stream.take_carried());
    assert_eq!(stream.held(), 0);
}

#[test]
fn forged_keys_of_one_network_push_out_their_own_kind_only() {
    for (attacker, victims) in
        [(("s", "t", 1), ("s", "t", 2)), (("s", "forged", 2), ("s", "t", 2)), (("forged", "t", 2), ("s", "t", 2))]
    {
        let mut stream = stream(Kept { state: 1 << 20, ..Kept::default() });
        let of = |(source, tenant, network): (&str, &str, u8), event| from(source, tenant, network, event);
        let honest = (0..20).map(|number| of(victims, call(number, "0=4", &format!("HONEST{number}"))));
        judge(&mut stream, &sequence(honest.collect()));
        tick(&mut stream, 30);
        for round in 0..4 {
            let forged = (0..500).map(|number| of(attacker, call(number, "0=4", &format!("FORGED{round}-{number}"))));
            judge(&mut stream, &sequence(forged.collect()));
            tick(&mut stream, 60 * round);
        }
        let left = keys(&stream, 0);
        assert_eq!(left.iter().filter(|key| key.starts_with("HONEST")).count(), 20, "{attacker:?} {left:?}");
    }
}

#[test]
fn timers_of_one_network_drop_their_own_kind_only() {
    let mut stream = stream(Kept { state: 1 << 20, ..Kept::default() });
    let honest = (0..20).map(|number| from("s", "t", 2, call(9_000 + number, "@a", &format!("HONEST{number}"))));
    judge(&mut stream, &sequence(honest.collect()));
    let forged = (0..2_000).map(|number| from("s", "t", 1, call(number, "@a @b", &format!("FORGED{number}"))));
    judge(&mut stream, &sequence(forged.collect()));
    tick(&mut stream, 60);
    let honest = (0..20).filter(|number| stream.timers.has_key(&format!("aws:111122223333:HONEST{number}")));
    assert_eq!(honest.count(), 20, "though they are due last");
    assert!(stream.take_dropped_timers() > 3_000 && stream.timers.held() <= 1 << 18);
}

/// At a slot's `max-keys`, too, and where new keys are refused: a network that was there first doesn't keep others out.
#[test]
fn a_full_slot_has_room_for_everybody() {
    for when_full in ["evict-oldest", "refuse"] {
        let slots = SLOTS.replace("max-keys = 1000000", "max-keys = 100").replace(
            "kept-references = 4\nttl = \"30d\"",
            &format!("kept-references = 4\nttl = \"30d\"\nwhen-full = \"{when_full}\""),
        );
        let mut stream = Fake::stream(declaration("", &slots), hoard).0;
        let flood = |stream: &mut RuleStream, round: u64| {
            let forged = (0..300).map(|number| from("s", "t", 1, call(number, "0=1", &format!("F{round}-{number}"))));
            judge(stream, &sequence(forged.collect()));
        };
        flood(&mut stream, 0);
        tick(&mut stream, 60);
        flood(&mut stream, 1);
        let honest = (0..40).map(|number| from("s", "t", 2, call(number, "0=1", &format!("HONEST{number}"))));
        judge(&mut stream, &sequence(honest.collect()));
        tick(&mut stream, 120);
        flood(&mut stream, 2);
        tick(&mut stream, 180);
        let left = keys(&stream, 0);
        assert_eq!(left.len(), 100, "{when_full}");
        assert_eq!(left.iter().filter(|key| key.starts_with("HONEST")).count(), 40, "{when_full} {left:?}");
        // Of its own keys the flood has the latest, or those that were there first.
        let first = if when_full == "refuse" { "F0-" } else { "F2-" };
        assert_eq!(left.iter().filter(|key| key.starts_with(first)).count(), 60, "{when_full} {left:?}");
    }
}

#[test]
fn evidence_and_diagnostics_beyond_their_bound_fail_their_row_alone() {
    let mut stream = stream(SMALL);
    // Its state is part of the evidence.
    let first =
        sequence(vec![call(0, "0=1 find", "A"), call(1, "0=4", "B"), call(2, "find", "B"), call(3, "find", "A")]);
    let outcome = judge(&mut stream, &first);
    assert_eq!(failed(&outcome), [(2, FailureKind::TooLarge)]);
    assert_eq!(found(&outcome), [(0, "1024 bytes"), (3, "1024 bytes")]);
    // A source that never stops is cut off until the next tick, and another isn't.
    let of = |source: &str, number, operation: &str| from(source, "t", 1, call(number, operation, "A"));
    let loud = |operation: &'static str| (0..200).map(move |number| of("loud", number, operation)).collect();
    for (operation, most) in [("find", 40), ("say", 30)] {
        let outcome = judge(&mut stream, &sequence(loud(operation)));
        let (done, refused) = (outcome.findings.len() + outcome.diagnostics.len(), outcome.failures.len());
        assert!(done > 20 && done < most && done + refused == 200, "{operation}: {done} and {refused}");
        assert!(outcome.failures.iter().all(|one| one.failure.kind == FailureKind::TooLarge));
        assert_eq!(failed(&judge(&mut stream, &sequence(vec![of("calm", 201, operation)]))), []);
        assert_eq!(failed(&judge(&mut stream, &sequence(vec![of("loud", 202, operation)]))).len(), 1);
    }
    tick(&mut stream, 60);
    let outcome = judge(&mut stream, &sequence(vec![of("loud", 203, "find"), of("loud", 204, "say")]));
    assert_eq!((failed(&outcome), outcome.findings.len(), outcome.diagnostics.len()), (vec![], 1, 1));
}

/// What the process takes, bytes; none where the system doesn't say.
#[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
fn resident() -> Option<u64> {
    let status = std::fs::File::open("/proc/self/status").ok()?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(status, 64 << 10), &mut text).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

/// Only the first is a measure of what is taken: the others use again what it has freed, and check the bound. `cargo test -p countersign-stream --release -- --ignored --nocapture kept_in_memory`.
#[test]
#[ignore = "measures the whole process, so it runs alone"]
fn what_is_counted_is_what_is_kept_in_memory() {
    for (what, operation, count) in [
        ("64 KiB a key", "0=64", 4_000u64),
        ("1 KiB and a reference a key", "0=1", 60_000),
        ("a timer a key", "@a", 60_000),
    ] {
        let mut stream = stream(Kept::default());
        let before = resident().unwrap_or_default();
        let mut most = 0;
        for first in (0..count).step_by(100) {
            let events = (first..first + 100).map(|number| call(number, operation, &format!("KEY{number:08}")));
            judge(&mut stream, &sequence(events.collect()));
            most = most.max(resident().unwrap_or_default());
        }
        let (held, taken) = (stream.held(), resident().unwrap_or_default().saturating_sub(before));
        tick(&mut stream, 60);
        println!("{what}: {held} counted, {taken} taken, at most {} more; {} after", most - before, stream.held());
        // An allocator has some space between what it gave.
        assert!(held <= 128 << 20 && taken <= held + held / 4 + (16 << 20), "{what}");
    }
}

/// A store as far as rules' state goes.
#[derive(Default)]
struct Stored {
    state: BTreeMap<(String, String), StateEntry>,
    baselines: BTreeMap<(String, String), Option<StateEntry>>,
    timers: BTreeMap<(String, String), TimerChange>,
    spending: String,
    stamp: Option<Timestamp>,
}

impl Stored {
    fn commit(&mut self, stream: &mut RuleStream, outcome: &Outcome) {
        let (state, timers) = stream.changes();
        for StateChange { slot, key, entry, .. } in outcome.state.iter().chain(&state).cloned() {
            match entry {
                Some(entry) => drop(self.state.insert((slot, key), entry)),
                None => drop(self.state.remove(&(slot, key))),
            }
        }
        for timer in outcome.timers.iter().chain(&timers).cloned() {
            match timer.entry {
                Some(_) => drop(self.timers.insert((timer.key.clone(), timer.id.clone()), timer)),
                None => drop(self.timers.remove(&(timer.key, timer.id))),
            }
        }
        for StateChange { slot, key, entry, .. } in stream.take_baselines() {
            self.baselines.entry((slot, key)).or_insert(entry);
        }
        self.spending = serde_json::to_string(stream.spending()).unwrap();
        self.stamp = stream.stamp();
    }

    /// A rule that goes on with what is stored, as JSON.
    fn restored(&self, kept: Kept) -> RuleStream {
        let rule: countersign_model::RuleId = "example/rule".parse().unwrap();
        let spending = serde_json::from_str(&self.spending).unwrap();
        let mut carried = Carried::new(PartitionKey::Actor, self.stamp, spending);
        let change = |(slot, key): &(String, String), entry: Option<StateEntry>| {
            let change = StateChange { rule: rule.clone(), slot: slot.clone(), key: key.clone(), entry };
            serde_json::from_slice(&serde_json::to_vec(&change).unwrap()).unwrap()
        };
        self.state.iter().for_each(|(place, entry)| carried.add_state(change(place, Some(entry.clone()))));
        self.baselines.iter().for_each(|(place, entry)| carried.add_baseline(change(place, entry.clone())));
        for timer in self.timers.values() {
            carried.add_timer(serde_json::from_slice(&serde_json::to_vec(timer).unwrap()).unwrap());
        }
        let mut stream = stream(kept);
        stream.adopt(carried);
        stream
    }

    fn digest(&self) -> Digest {
        let timers: Vec<_> = self.timers.keys().collect();
        let state: Vec<_> = self.state.iter().collect();
        Digest::of(&serde_json::to_vec(&(state, timers, &self.spending, self.stamp)).unwrap())
    }
}

/// How a rule is run: so many rows in a batch, and gone on with from the store after so many batches.
#[derive(Clone, Copy, Debug)]
struct Way {
    batch: usize,
    restart: usize,
}

/// Everything that comes of the rows, and what is stored in the end.
fn run(parts: &[Vec<Event>], kept: Kept, way: Way) -> (Vec<String>, Digest, u64, u64) {
    let (mut stream, mut stored) = (stream(kept), Stored::default());
    let (mut seen, mut batches, mut dropped) = (Vec::new(), 0, 0);
    let all = sequence(parts.iter().flatten().cloned().collect());
    let mut rest = all.as_slice();
    for (number, part) in parts.iter().enumerate() {
        let (rows, later) = rest.split_at(part.len());
        rest = later;
        for rows in rows.chunks(way.batch) {
            let outcome = judge(&mut stream, rows);
            assert!(outcome.disagreements.is_empty());
            assert!(stream.held() <= 2 * kept.state, "{}", stream.held());
            for found in &outcome.findings {
                seen.push(format!("{} {} {:?}", found.row.position, found.finding.message, found.finding.evidence));
            }
            seen.extend(outcome.failures.iter().map(|one| format!("{} {:?}", one.row.position, one.failure)));
            seen.extend(outcome.diagnostics.iter().map(|one| format!("{} {}", one.row.position, one.message.len())));
            stored.commit(&mut stream, &outcome);
            dropped += stream.take_dropped_timers();
            batches += 1;
            if way.restart > 0 && batches % way.restart == 0 {
                stream = stored.restored(kept);
            }
        }
        tick(&mut stream, i64::try_from(number).unwrap() * 60);
        dropped += stream.take_dropped_timers();
        stored.baselines.clear();
        stored.commit(&mut stream, &Outcome::default());
        assert_eq!(stream.state.held(), stream.state.recount());
        assert!(stream.held() <= kept.state, "{}", stream.held());
    }
    seen.sort();
    (seen, stored.digest(), stream.held(), dropped)
}

fn events() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let operation = prop_oneof![
        3 => (0u8..12).prop_map(|kib| format!("0={kib}")),
        2 => (0u8..12).prop_map(|kib| format!("1={kib}")),
        1 => Just("0=9 1=9 @a @b".to_owned()),
        1 => Just("@a".to_owned()),
        1 => Just("find".to_owned()),
        1 => Just("say 0=1".to_owned()),
        1 => Just("seen".to_owned()),
    ];
    let one = (operation, 0u8..14, prop_oneof![3 => Just(""), 1 => Just("?")], 0usize..2, 1u8..4);
    let part = proptest::collection::vec(one, 0..40);
    proptest::collection::vec(part, 1..4).prop_map(|parts| {
        let mut number = 0;
        let mut event = |(operation, key, mark, source, network): (String, u8, &str, usize, u8)| {
            number += 1;
            from(["s", "u"][source], "t", network, call(number, &operation, &format!("{mark}K{key}")))
        };
        parts.into_iter().map(|part| part.into_iter().map(&mut event).collect()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Neither the size of batches nor restarts show, also where the bounds are reached all the time.
    #[test]
    fn bounds_dont_depend_on_batches_or_restarts(parts in events(), batch in 2usize..30, restart in 1usize..5) {
        let whole = run(&parts, SMALL, Way { batch: 1, restart: 0 });
        for way in [Way { batch, restart: 0 }, Way { batch: 100, restart: 0 }, Way { batch, restart }, Way { batch: 1, restart }] {
            let other = run(&parts, SMALL, way);
            prop_assert_eq!(&whole.0, &other.0, "{:?}", way);
            prop_assert_eq!((whole.1, whole.2), (other.1, other.2), "{:?}", way);
            prop_assert_eq!(whole.3, other.3, "{:?}", way);
        }
    }
}
