//! What a recorder drops to keep to its size, and what of it stays for those who judge again or roll back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use countersign_formats::reader::Position;
use countersign_inputs::{Batch, Cutter};
use countersign_model::{Digest, Place, SourceId, Timestamp};
use countersign_recorder::{
    Append, AppendError, HostInputKind, KEPT_GENERATIONS, NewContent, NewHostInput, Recorder, RecorderError,
    RecorderOptions,
};
use tempfile::TempDir;

fn open(folder: &Path, max_bytes: u64, judged: Place) -> Recorder {
    let options = RecorderOptions { max_bytes, keep: RecorderOptions::KEEP, clock: || Timestamp(1_000_000) };
    Recorder::open(&folder.join("recorder.db"), options, judged).unwrap()
}

/// Bytes that don't compress.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    (0_u64..).flat_map(|number| Digest::of(format!("{seed} {number}").as_bytes()).0).take(bytes).collect()
}

fn batches(seed: u64) -> Vec<Batch> {
    let text: String = (0..60).map(|n| format!("{{\"n\":\"{}\"}}\n", Digest::of(&noise(seed + n, 8)))).collect();
    let mut cutter = Cutter::new(Box::new(std::io::Cursor::new(text.into_bytes())), Position::START);
    std::iter::from_fn(|| cutter.next_batch()).map(|(batch, _)| batch).collect()
}

fn send(recorder: &Recorder, source: &str, seed: u64) -> Result<(), AppendError> {
    let source = SourceId::from(source);
    let append = Append { source, batches: batches(seed), bookmarks: Vec::new(), idempotency: None };
    recorder.append(append).map(|_| ())
}

fn generation(recorder: &Recorder, contents: Vec<NewContent>, before: u64) -> u64 {
    let (kind, payload, before) = (HostInputKind::Generation, b"{}".to_vec(), Some(before));
    recorder.put(NewHostInput { kind, payload, about: None, contents, before }).unwrap()
}

fn lasting(seed: u64, bytes: usize) -> NewContent {
    NewContent { bytes: noise(seed, bytes), lasts: true }
}

fn put(recorder: &Recorder, kind: HostInputKind, about: Option<&str>, before: u64) -> u64 {
    let (payload, about, before) = (b"{}".to_vec(), about.map(str::to_owned), Some(before));
    recorder.put(NewHostInput { kind, payload, about, contents: Vec::new(), before }).unwrap()
}

/// Everything is judged.
fn judge(recorder: &Recorder) -> Place {
    let figures = recorder.figures();
    let place = Place { batch: figures.last + 1, within: 0, host: figures.last_host };
    recorder.judged(place);
    place
}

/// How many contents the file has.
fn contents(recorder: &Recorder, seeds: std::ops::Range<u64>, bytes: usize) -> usize {
    let reader = recorder.reader().unwrap();
    seeds.filter(|seed| reader.content(&Digest::of(&noise(*seed, bytes))).unwrap().is_some()).count()
}

#[test]
fn what_generations_are_made_of_counts_and_leaves_with_those_that_nobody_needs() {
    let folder = TempDir::new().unwrap();
    let recorder = open(folder.path(), 400_000, Place::START);
    let before = recorder.figures().bytes;
    generation(&recorder, vec![lasting(0, 5_000)], 1);
    let counted = recorder.figures().bytes - before;
    assert!((5_000..5_200).contains(&counted), "{counted}");
    // A generation and a batch, again and again.
    let all = 60;
    for number in 1..all {
        send(&recorder, "trail", number * 100).unwrap();
        let before = recorder.figures().last + 1;
        judge(&recorder);
        generation(&recorder, vec![lasting(number, 5_000), lasting(0, 5_000)], before);
    }
    for number in 0..40 {
        judge(&recorder);
        send(&recorder, "trail", 100_000 + number * 100).unwrap();
    }
    let figures = recorder.figures();
    assert!(figures.first > 1 && figures.bytes <= 400_000, "{figures:?}");
    let reader = recorder.reader().unwrap();
    let extent = reader.extent().unwrap();
    assert_eq!(extent.bytes, figures.bytes);
    let kept = reader.host_inputs_of(HostInputKind::Generation).unwrap();
    let earlier = kept.iter().filter(|kept| kept.seq < extent.first_host).count();
    assert!(extent.first_host > 2 && (1..=KEPT_GENERATIONS + 1).contains(&earlier), "{earlier} {extent:?}");
    assert!(kept.len() < all as usize, "{}", kept.len());
    // What is left has what it is made of, also what the first one had; the rest is gone.
    assert_eq!(contents(&recorder, 1..all, 5_000), kept.len());
    assert_eq!(contents(&recorder, 0..1, 5_000), 1);
    // Where the recorded past begins a generation serves.
    let serving = reader.last_host_input(HostInputKind::Generation, extent.first_host).unwrap();
    assert!(serving.is_some());
    // Opened again it counts the same.
    let place = judge(&recorder);
    drop((reader, recorder));
    let again = open(folder.path(), 400_000, place).figures();
    assert_eq!((again.bytes, again.first, again.last_host), (figures.bytes, figures.first, figures.last_host));
}

#[test]
fn generations_to_go_back_to_are_few_where_they_are_large_and_sixteen_where_not() {
    for (bytes, expected) in [(100, KEPT_GENERATIONS + 1), (15_000, 7)] {
        let folder = TempDir::new().unwrap();
        let recorder = open(folder.path(), 400_000, Place::START);
        for number in 0..30 {
            generation(&recorder, vec![lasting(number, bytes)], 1);
        }
        for number in 0..400 {
            judge(&recorder);
            send(&recorder, "trail", number * 100).unwrap();
        }
        let reader = recorder.reader().unwrap();
        let kept = reader.host_inputs_of(HostInputKind::Generation).unwrap();
        // The last ones, with what they are made of; a quarter of the room has six of the larger ones.
        assert!(kept.len() <= expected && kept.len() + 1 >= expected.min(7), "{} of {bytes} bytes", kept.len());
        assert_eq!(kept.last().map(|kept| kept.seq), Some(30));
        assert_eq!(contents(&recorder, 0..30, bytes), kept.len());
        assert!(recorder.figures().bytes <= 400_000);
    }
}

#[test]
fn what_rules_went_on_from_leaves_once_nobody_can_judge_that_again() {
    let folder = TempDir::new().unwrap();
    let recorder = open(folder.path(), 200_000, Place::START);
    generation(&recorder, vec![lasting(0, 500)], 1);
    send(&recorder, "trail", 0).unwrap();
    let kept = NewContent { bytes: noise(1, 50_000), lasts: false };
    generation(&recorder, vec![lasting(2, 500), kept], 2);
    send(&recorder, "trail", 100).unwrap();
    judge(&recorder);
    send(&recorder, "trail", 200).unwrap();
    assert_eq!(contents(&recorder, 1..2, 50_000), 1);
    for number in 3..150 {
        judge(&recorder);
        send(&recorder, "trail", number * 100).unwrap();
    }
    assert_eq!(contents(&recorder, 1..2, 50_000), 0);
    // Its files stay: it can serve again.
    assert_eq!((contents(&recorder, 2..3, 500), contents(&recorder, 0..1, 500)), (1, 1));
}

#[test]
fn of_other_inputs_the_last_about_each_thing_stays() {
    let folder = TempDir::new().unwrap();
    let recorder = open(folder.path(), 200_000, Place::START);
    generation(&recorder, vec![lasting(0, 100)], 1);
    for about in ["okta", "trail", "okta", "trail"] {
        put(&recorder, HostInputKind::Source, Some(about), 1);
        put(&recorder, HostInputKind::Time, None, 1);
    }
    let before = recorder.figures().last_host;
    for number in 0..100 {
        send(&recorder, "trail", number * 100).unwrap();
        judge(&recorder);
    }
    let reader = recorder.reader().unwrap();
    let seqs = |kind| -> Vec<u64> { reader.host_inputs_of(kind).unwrap().iter().map(|input| input.seq).collect() };
    assert_eq!((seqs(HostInputKind::Generation), seqs(HostInputKind::Source)), (vec![1], vec![6, 8]));
    // The last one of all stays: its number isn't given again.
    assert_eq!(seqs(HostInputKind::Time), vec![before]);
    let last: Vec<u64> = reader.last_about(HostInputKind::Source).unwrap().iter().map(|input| input.seq).collect();
    assert_eq!(last, [6, 8]);
    // Nobody takes what is left for all there was.
    let missing = reader.host_inputs(1, 64);
    assert!(
        matches!(&missing, Err(error @ RecorderError::DroppedInput { input: 2 }) if error.is_dropped()),
        "{missing:?}"
    );
    assert!(reader.last_host_before(1).unwrap() + 1 >= reader.extent().unwrap().first_host);
    assert_eq!(put(&recorder, HostInputKind::Time, None, 1), before + 1);
}

#[test]
fn what_is_not_judged_stays() {
    let folder = TempDir::new().unwrap();
    let recorder = open(folder.path(), 100_000, Place::START);
    for number in 0..KEPT_GENERATIONS as u64 * 2 {
        generation(&recorder, vec![lasting(number, 20_000)], 1);
    }
    // They take all the room and more; half of it is left for records, whatever they take.
    let mut sent = 0;
    while send(&recorder, "trail", sent * 100).is_ok() {
        sent += 1;
    }
    let figures = recorder.figures();
    assert!(sent > 2 && figures.waiting_bytes <= 50_000, "{sent} {figures:?}");
    assert_eq!((figures.first, recorder.reader().unwrap().extent().unwrap().first_host), (1, 1));
    assert_eq!(contents(&recorder, 0..32, 20_000), 32);
}

#[test]
fn shares_follow_the_sources_there_are() {
    let folder = TempDir::new().unwrap();
    let recorder = open(folder.path(), 400_000, Place::START);
    let names = |count: usize| -> BTreeSet<SourceId> {
        (0..count).map(|number| SourceId::from(&*format!("source-{number}"))).collect()
    };
    // What one sends without end leaves each other its share, however many are configured.
    recorder.share_among(names(40));
    let mut sent = 0;
    while send(&recorder, "source-0", sent * 100).is_ok() {
        sent += 1;
    }
    for number in 1..40 {
        send(&recorder, &format!("source-{number}"), 1_000_000 + number * 100).unwrap();
    }
    // With two there would have been room for more.
    recorder.share_among(names(2));
    assert!(send(&recorder, "source-1", 2_000_000).is_ok());
}

#[test]
fn a_recorder_of_an_earlier_version_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("recorder.db");
    let database = countersign_database::rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch(include_str!("../src/schema/1.sql")).unwrap();
    database.pragma_update(None, "application_id", i32::from_be_bytes(*b"CSGR")).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    let (file, kept) = (noise(1, 300), noise(2, 300));
    for content in [&file, &kept] {
        let bytes = zstd::bulk::compress(content, 1).unwrap();
        let row = countersign_database::rusqlite::params![Digest::of(content).0, 300, bytes];
        database.execute("INSERT INTO content VALUES (?1, ?2, ?3)", row).unwrap();
    }
    let word = format!(
        "{{\"manifest\":{{\"files\":[{{\"digest\":\"{}\",\"name\":\"x\"}}]}},\"kept\":\"{}\"}}",
        Digest::of(&file),
        Digest::of(&kept)
    );
    let rows =
        [("generation", word.as_str()), ("source", "{\"source\":\"okta\"}"), ("time", "not JSON"), ("time", "1")];
    for (kind, payload) in rows {
        let sql = "INSERT INTO host_input (before, arrived, kind, payload) VALUES (1, 0, ?1, ?2)";
        database.execute(sql, countersign_database::rusqlite::params![kind, payload.as_bytes()]).unwrap();
    }
    drop(database);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let recorder = open(folder.path(), 200_000, Place::START);
    for number in 0..100 {
        send(&recorder, "trail", number * 100).unwrap();
        judge(&recorder);
    }
    let reader = recorder.reader().unwrap();
    assert_eq!(reader.last_about(HostInputKind::Source).unwrap().len(), 1);
    let has = |content: &[u8]| reader.content(&Digest::of(content)).unwrap().is_some();
    assert_eq!((has(&file), has(&kept)), (true, false));
}
