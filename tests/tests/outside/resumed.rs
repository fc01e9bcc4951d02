//! A session may end anywhere: another one goes on, and everything is as if there had been one alone. Each test kills where
//! something has to be restored that would be missed.

use std::fs;
use std::sync::Arc;

use countersign_generation::Generation;
use countersign_model::{Ailment, DigestKey, Place, SourceStanding, Timestamp, Unwell};
use countersign_session::{Session, SessionError, SessionOptions, Standing, stored_rules};
use countersign_store::{MemoryStore, Stored};
use countersign_stream::{QuarantineThreshold, TICK_EVENTS};
use proptest::prelude::*;

use crate::determinism::{shipped_generation, telemetry};
use crate::fed;
use crate::sessions::{Backend, Files, Outcome, Step, options, play};
use crate::support::NEVER;
use crate::swapped::everything;

/// Time after the beginning of the fed telemetry.
fn second(second: i64) -> Timestamp {
    Timestamp((1_714_550_400 + second) * 1_000_000)
}

/// Plays records without a kill, and with one before each record; every way must give the same.
fn killed_before_each(
    backend: impl Fn() -> Backend,
    files: &Files,
    generation: &Arc<Generation>,
    options: &SessionOptions,
) -> Outcome {
    let records = vec![Step::Record(None); files.count()];
    let expected = play(&mut backend(), files, &records, generation, options);
    for at in 0..=records.len() {
        let mut steps = records.clone();
        steps.insert(at, Step::Kill);
        let got = play(&mut backend(), files, &steps, generation, options);
        expected.assert_same(&got, &format!("killed before record {at}"));
    }
    expected
}

/// Rules with timers, and one that their findings feed.
fn fed_generation() -> Arc<Generation> {
    fed::generation("")
}

fn lines(records: &[String]) -> Vec<u8> {
    (records.join("\n") + "\n").into_bytes()
}

/// Clock, watermarks, late rows, ticks, state with its baseline, timers, findings that feed others, on every backend.
#[test]
fn state_timers_and_time_go_on_on_every_backend() {
    let telemetry = fed::telemetry();
    let short: Vec<u8> =
        telemetry.split_inclusive(|byte| *byte == b'\n').skip(20).take(70).flatten().copied().collect();
    let generation = fed_generation();
    let files = Files::new("cloudtrail", &[&short]);
    let expected = killed_before_each(Backend::memory, &files, &generation, &options());
    assert!(expected.log.iter().filter(|line| line.contains("\"type\":\"finding\"")).count() > 3, "little was found");
    assert!(
        expected.summary.contains("pending_timers") && expected.log.iter().any(|line| line.contains(r#"{"timer":"#))
    );
    let records = vec![Step::Record(None); files.count()];
    for at in [0, 9, 31, 32, 33, 60, records.len()] {
        for (name, mut backend) in Backend::all() {
            let mut steps = records.clone();
            steps.insert(at, Step::Kill);
            let got = play(&mut backend, &files, &steps, &generation, &options());
            expected.assert_same(&got, &format!("{name}, killed before record {at}"));
        }
    }
}

/// Several inputs with late, repeated and damaged records; rules that trap, run out of fuel and go into quarantine: the
/// horizon, dead letters, input chains, quarantine counts, silenced rules, suspects.
#[test]
fn quarantine_redeliveries_and_inputs_go_on() {
    let (telemetry, _) = telemetry();
    let all: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').collect();
    // The second file begins again in the midst of the first: its records are redeliveries.
    let (first, second) = (all[..600].concat(), all[500..1_000].concat());
    let files = Files::new("cloudtrail", &[&first, &second]);
    let generation = everything();
    let quarantine = QuarantineThreshold { min_accounts: 3, percent: 10 };
    let options = SessionOptions { batch: 7, workers: 1, quarantine, ..options() };
    let records = vec![Step::Record(None); files.count()];
    let expected = play(&mut Backend::memory(), &files, &records, &generation, &options);
    assert!(expected.summary.contains(r#""holds":{"hostile/"#), "{}", expected.summary);
    assert!(!expected.summary.contains(r#""duplicates":0"#) && !expected.summary.contains(r#""set_aside":0"#));
    for (name, mut backend) in Backend::all() {
        let mut steps = records.clone();
        (0..12).rev().for_each(|kill| steps.insert(37 + kill * 83, Step::Kill));
        expected.assert_same(&play(&mut backend, &files, &steps, &generation, &options), name);
    }
}

/// How sources stand, and which of them what rules keep is made of, for findings on any source.
#[test]
fn how_sources_stand_goes_on() {
    let telemetry = fed::telemetry();
    let all: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').skip(20).take(60).collect();
    let half = |which: usize| all.iter().skip(which).step_by(2).copied().flatten().copied().collect::<Vec<u8>>();
    let files = Files::of_sources("cloudtrail", &[("even", &half(0)), ("odd", &half(1))]);
    let generation = fed_generation();
    let unwell = Unwell { what: Ailment::Silent, since: second(0), usual: None, why: "no record".to_owned() };
    let stands = |unwell: &[Unwell]| Step::Source(SourceStanding { source: "even".into(), unwell: unwell.to_vec() });
    let mut steps = vec![Step::Record(None); files.count()];
    steps.insert(50, stands(&[]));
    steps.insert(20, stands(&[unwell]));
    let expected = play(&mut Backend::memory(), &files, &steps, &generation, &options());
    let count = |what: &str| expected.log.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("\"type\":\"source\""), count("\"kind\":\"source-unwell\"")), (2, 1));
    let sources = |(space, _, value): &(String, Vec<u8>, Vec<u8>)| {
        space == "rule" && String::from_utf8_lossy(value).contains(r#""sources":{"even":"#)
    };
    assert!(expected.memory.iter().any(sources), "no rule keeps anything of both");
    for at in 0..=steps.len() {
        let mut killed = steps.clone();
        killed.insert(at, Step::Kill);
        let got = play(&mut Backend::memory(), &files, &killed, &generation, &options());
        expected.assert_same(&got, &format!("killed before step {at}"));
    }
}

/// Records without an id are numbered on.
#[test]
fn occurrences_are_counted_on() {
    let record = |second: i64, user: u32| {
        let record = fed::record(second, user, "clock");
        let id = record.find(r#","eventID""#).unwrap();
        let end = record[id + 1..].find(r#","eventType""#).unwrap() + id + 1;
        format!("{}{}", &record[..id], &record[end..])
    };
    let records: Vec<String> = (0..24).map(|number| record(number / 6 * 61, 1)).collect();
    let files = Files::new("cloudtrail", &[&lines(&records)]);
    let expected = killed_before_each(Backend::memory, &files, &fed_generation(), &options());
    let counted = expected.memory.iter().filter(|(space, ..)| space == "occurrence").count();
    assert_eq!(counted, 4, "four different records");
    assert!(expected.summary.contains(r#""events":24,"#), "{}", expected.summary);
}

/// A tick comes after so many events, however many sessions they took.
#[test]
fn events_since_the_tick_are_counted_on() {
    let records: Vec<String> = (0..TICK_EVENTS + 40)
        .map(|number| fed::record(0, 1, "clock").replace(r#""eventID":"0-1""#, &format!(r#""eventID":"{number}""#)))
        .collect();
    let files = Files::new("cloudtrail", &[&lines(&records)]);
    let options = SessionOptions { batch: 1_024, ..options() };
    let (generation, records) = (fed_generation(), vec![Step::Record(None); records.len()]);
    let expected = play(&mut Backend::memory(), &files, &records, &generation, &options);
    let mut steps = records;
    steps.insert(steps.len() - 20, Step::Kill);
    steps.insert(30_000, Step::Kill);
    expected.assert_same(&play(&mut Backend::memory(), &files, &steps, &generation, &options), "killed twice");
}

/// The last events of each interval wait for witnesses when the process dies; with arrivals, one of them in vain.
#[test]
fn records_that_wait_for_witnesses_come_again() {
    let generation = fed_generation();
    let mut records: Vec<String> =
        (0..12).map(|number| fed::record(number * 20, 1 + number as u32 % 3, "Failure")).collect();
    // Far ahead of all others, and alone with that.
    records.insert(6, fed::record(40 * 24 * 3_600, 9, "Failure"));
    let files = Files::new("cloudtrail", &[&lines(&records)]);
    let expected = killed_before_each(Backend::memory, &files, &generation, &options());
    assert!(expected.log.iter().any(|line| line.contains("time-far-ahead")), "{:?}", expected.log);

    // The host's clock says when each arrived, a second after the other, and passes on its own between some.
    let mut steps = Vec::new();
    for number in 0..records.len() {
        let at = second(50 * 24 * 3_600 + number as i64);
        steps.push(Step::Record(Some(at)));
        if number % 4 == 3 {
            steps.push(Step::Time(at.plus_micros(7_000_000 * (1 + number as i64 / 4))));
        }
    }
    let expected = play(&mut Backend::memory(), &files, &steps, &generation, &options());
    assert!(expected.log.iter().any(|line| line.contains("\"type\":\"time\"")), "{:?}", expected.log);
    for at in 0..=steps.len() {
        let mut killed = steps.clone();
        killed.insert(at, Step::Kill);
        let got = play(&mut Backend::memory(), &files, &killed, &generation, &options());
        expected.assert_same(&got, &format!("killed before step {at}"));
    }
}

/// Lines of the last commit may not have been received: they come again, under the same numbers. Those received don't.
#[test]
fn observers_hear_at_least_once_and_only_what_is_on_record() {
    use std::io;

    use countersign_formats::DeadLetter;
    use countersign_session::{Arrival, DecisionLine, Input, Notice, Observer};

    /// Fails once at its third decision.
    #[derive(Default)]
    struct Failing {
        heard: Vec<u64>,
        failed: bool,
    }

    impl Observer for Failing {
        fn decision(&mut self, seq: u64, _: &DecisionLine) -> io::Result<()> {
            if self.heard.len() == 2 && !self.failed {
                self.failed = true;
                return Err(io::Error::other("nobody is there"));
            }
            self.heard.push(seq);
            Ok(())
        }

        fn dead_letter(&mut self, _: u64, _: &DeadLetter) -> io::Result<()> {
            Ok(())
        }

        fn notice(&mut self, _: u64, _: &Notice) -> io::Result<()> {
            Ok(())
        }
    }

    let (telemetry, identities) = telemetry();
    let generation = shipped_generation(Some(&identities));
    let mut store = MemoryStore::new();
    let mut observer = Failing::default();
    let mut times = 0;
    loop {
        times += 1;
        let resumed = Session::resume(&mut store, Arc::clone(&generation), options(), &mut observer);
        let played = resumed.and_then(|mut session| {
            let records = session.processed().first().map_or(0, |one| one.records);
            let format = countersign_formats::format_by_name("cloudtrail").unwrap();
            let all = format.read(Box::new(io::Cursor::new(telemetry.clone())), 0);
            for record in all.skip(usize::try_from(records).unwrap()) {
                session.push(Input::Record(Arrival::of(record)))?;
            }
            session.finish(1)
        });
        match played {
            Ok(_) => break,
            Err(SessionError::Observer(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(times, 2);
    let log = crate::sessions::log(&store);
    let decisions: Vec<u64> =
        (0..).zip(&log).filter(|(_, line)| line.contains("\"type\":\"decision\"")).map(|(seq, _)| seq).collect();
    let mut heard = observer.heard.clone();
    heard.dedup();
    assert!(
        heard.len() >= decisions.len() && decisions.iter().all(|seq| heard.contains(seq)),
        "{heard:?} {decisions:?}"
    );
    assert_eq!(store.memory("line", None, 10).unwrap(), [], "all were received");
}

/// A finished session that is resumed and finished again adds nothing.
#[test]
fn a_finished_session_is_finished() {
    let files = Files::new("cloudtrail", &[&lines(&[fed::record(1, 1, "Failure"), fed::record(90, 2, "Success")])]);
    let generation = fed_generation();
    let mut backend = Backend::memory();
    let steps = [Step::Record(None), Step::Record(None)];
    let first = play(&mut backend, &files, &steps, &generation, &options());
    let standing = backend.with(|store| Standing::read(store).unwrap().unwrap());
    assert_eq!(
        (standing.taken, standing.place, standing.generation, standing.finished),
        (2, Some(Place { batch: 2, ..Place::START }), 1, true)
    );
    first.assert_same(&play(&mut backend, &files, &steps, &generation, &options()), "again");
    // A record more is judged, and the inputs' ends come again.
    let path = files.folder().join("0.ndjson");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(lines(&[fed::record(200, 3, "Failure")]));
    fs::write(&path, bytes).unwrap();
    let grown = play(
        &mut backend,
        &files,
        &[Step::Record(None), Step::Record(None), Step::Record(None)],
        &generation,
        &options(),
    );
    assert!(grown.log.len() > first.log.len() && grown.log.starts_with(&first.log));
    assert!(grown.summary.contains(r#""events":3,"#), "{}", grown.summary);
}

/// Before its first commit a store knows no rules, and that is no fault.
#[test]
fn an_empty_store_has_no_rules() {
    let store = MemoryStore::new();
    assert!(stored_rules(&store).unwrap().is_empty());
    assert_eq!(Standing::read(&store).unwrap(), None);
}

#[test]
fn another_key_is_refused() {
    let mut store = MemoryStore::new();
    let generation = fed_generation();
    Session::resume(&mut store, Arc::clone(&generation), options(), &mut ()).unwrap().commit().unwrap();
    let key = DigestKey::private(&[7; 32]).unwrap();
    let other = SessionOptions { key, ..options() };
    let Err(error) = Session::resume(&mut store, generation, other, &mut ()) else { panic!("it was resumed") };
    assert!(matches!(error, SessionError::OtherKey), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Any number of kills, anywhere, with any size of batches.
    #[test]
    fn kills_anywhere_change_nothing(kills in prop::collection::vec(0usize..500, 1..9), batch in 1usize..40) {
        let (telemetry, _) = telemetry();
        let part: Vec<u8> = telemetry.split_inclusive(|byte| *byte == b'\n').take(500).flatten().copied().collect();
        let files = Files::new("cloudtrail", &[&part]);
        let generation = everything();
        let options = SessionOptions { batch, quarantine: NEVER, workers: 1, ..options() };
        let records = vec![Step::Record(None); files.count()];
        let expected = play(&mut Backend::memory(), &files, &records, &generation, &options);
        let mut steps = records;
        let mut kills = kills;
        kills.sort_unstable();
        kills.iter().rev().for_each(|at| steps.insert((*at).min(steps.len()), Step::Kill));
        let got = play(&mut Backend::memory(), &files, &steps, &generation, &options);
        expected.assert_same(&got, &format!("{kills:?}, batch {batch}"));
    }
}
