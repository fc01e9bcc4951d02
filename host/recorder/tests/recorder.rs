//! A recorder as its senders and its readers see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countersign_formats::reader::{Content, Position};
use countersign_inputs::{Batch, Cutter};
use countersign_model::{Digest, Place, SourceId, Timestamp};
use countersign_recorder::{
    Append, AppendError, Appended, HostClock, HostInputKind, Idempotency, NewContent, NewHostInput, Recorder,
    RecorderError, RecorderOptions, RecorderReader,
};
use tempfile::TempDir;

fn options() -> RecorderOptions {
    RecorderOptions {
        max_bytes: RecorderOptions::MAX_BYTES,
        keep: RecorderOptions::KEEP,
        clock: || Timestamp(1_000_000),
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorder.db");
    (folder, path)
}

fn batches(text: &str) -> Vec<Batch> {
    let mut cutter = Cutter::new(Box::new(std::io::Cursor::new(text.as_bytes().to_vec())), Position::START);
    std::iter::from_fn(|| cutter.next_batch()).map(|(batch, _)| batch).collect()
}

fn append(source: &str, text: &str) -> Append {
    Append { source: SourceId::from(source), batches: batches(text), bookmarks: Vec::new(), idempotency: None }
}

/// The records of a source, with their ordinals and offsets.
fn records(reader: &RecorderReader, source: u32) -> Vec<(u64, u64, String)> {
    let mut records = Vec::new();
    for seq in reader.first().unwrap().. {
        let Some(recorded) = reader.batch(seq).unwrap() else { break };
        if recorded.source != source {
            continue;
        }
        let mut pieces = recorded.batch.pieces();
        while let Some((piece, _)) = pieces.next_piece() {
            let Content::Record(bytes) = &piece.content else { panic!("{piece:?}") };
            records.push((piece.ordinal, piece.offset, String::from_utf8_lossy(bytes).into_owned()));
        }
    }
    records
}

#[test]
fn records_are_numbered_within_their_source() {
    let (_folder, path) = folder();
    let recorder = Recorder::open(&path, options(), Place::START).unwrap();
    for (source, text) in [("trail", "{\"a\":1}\n{\"a\":2}\n"), ("okta", "{\"b\":1}\n"), ("trail", "{\"a\":3}\n")] {
        recorder.append(append(source, text)).unwrap();
    }
    let reader = recorder.reader().unwrap();
    let expected = [(0, 0, "{\"a\":1}"), (1, 8, "{\"a\":2}"), (2, 16, "{\"a\":3}")];
    assert_eq!(records(&reader, 0), expected.map(|(ordinal, offset, text)| (ordinal, offset, text.to_owned())));
    assert_eq!(records(&reader, 1), [(0, 0, "{\"b\":1}".to_owned())]);
    let sources: Vec<_> =
        reader.sources().unwrap().into_iter().map(|s| (s.number, s.name.to_string(), s.records)).collect();
    assert_eq!(sources, [(0, "trail".to_owned(), 3), (1, "okta".to_owned(), 1)]);
    // Opened again it goes on.
    drop(recorder);
    let recorder = Recorder::open(&path, options(), Place::START).unwrap();
    assert_eq!(recorder.append(append("trail", "{\"a\":4}\n")).unwrap(), Appended::Recorded { last: 4 });
    assert_eq!(records(&recorder.reader().unwrap(), 0).last().unwrap().0, 3);
}

#[test]
fn bookmarks_and_keys_are_durable_with_the_records() {
    let (_folder, path) = folder();
    let recorder = Recorder::open(&path, options(), Place::START).unwrap();
    let keyed = |content: &str, answer: &str| Append {
        bookmarks: vec![("a.log".to_owned(), Some(answer.to_owned()))],
        idempotency: Some(Idempotency {
            key: "k".to_owned(),
            content: Digest::of(content.as_bytes()),
            answer: answer.as_bytes().to_vec(),
        }),
        ..append("trail", content)
    };
    assert_eq!(recorder.append(keyed("{}\n", "one")).unwrap(), Appended::Recorded { last: 1 });
    let before = Appended::Before { answer: b"one".to_vec() };
    assert_eq!(recorder.append(keyed("{}\n", "two")).unwrap(), before);
    let reused = recorder.append(keyed("{\"other\":1}\n", "two"));
    assert!(matches!(reused, Err(AppendError::KeyReused(_))), "{reused:?}");
    drop(recorder);
    let recorder = Recorder::open(&path, options(), Place::START).unwrap();
    assert_eq!(recorder.append(keyed("{}\n", "two")).unwrap(), before);
    let reader = recorder.reader().unwrap();
    let bookmarks = || reader.bookmarks(&SourceId::from("trail")).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(bookmarks(), [("a.log".to_owned(), "one".to_owned())]);
    recorder.append(Append { bookmarks: vec![("a.log".to_owned(), None)], ..append("trail", "") }).unwrap();
    assert_eq!(bookmarks(), []);
    assert_eq!(reader.batch(2).unwrap(), None);
    // The same key of another source is another.
    let other = Append { source: SourceId::from("okta"), ..keyed("{}\n", "three") };
    assert_eq!(recorder.append(other).unwrap(), Appended::Recorded { last: 2 });
}

#[test]
fn the_hosts_own_inputs_get_their_place_when_their_turn_comes() {
    let (_folder, path) = folder();
    let recorder = Recorder::open(&path, options(), Place::START).unwrap();
    let content = b"[[cell]]".to_vec();
    let put = |payload: &[u8], before| {
        let kind = HostInputKind::Generation;
        recorder
            .put(NewHostInput {
                kind,
                payload: payload.to_vec(),
                about: None,
                contents: vec![NewContent { bytes: content.clone(), lasts: true }],
                before,
            })
            .unwrap()
    };
    assert_eq!((put(b"1", Some(1)), put(b"2", None), put(b"3", None)), (1, 2, 3));
    recorder.append(append("trail", "{}\n")).unwrap();
    recorder.give_turn(2, 7).unwrap();
    let reader = recorder.reader().unwrap();
    let places = |after| -> Vec<(u64, Option<u64>)> {
        reader.host_inputs(after, 10).unwrap().iter().map(|input| (input.seq, input.before)).collect()
    };
    assert_eq!(places(0), [(1, Some(1)), (2, Some(7)), (3, None)]);
    recorder.give_turn(9, 8).unwrap();
    assert_eq!(places(1), [(2, Some(7)), (3, Some(8))]);
    let last = |up_to| reader.last_host_input(HostInputKind::Generation, up_to).unwrap().unwrap().payload;
    assert_eq!((last(9), last(2)), (b"3".to_vec(), b"2".to_vec()));
    assert_eq!(reader.last_host_input(HostInputKind::Time, 9).unwrap(), None);
    // Those of a kind are counted whatever lies between them.
    let time = NewHostInput {
        kind: HostInputKind::Time,
        payload: b"1".to_vec(),
        about: None,
        contents: Vec::new(),
        before: None,
    };
    recorder.put(time).unwrap();
    assert_eq!(put(b"5", None), 5);
    let numbered =
        |number| reader.numbered_host_input(HostInputKind::Generation, number).unwrap().map(|input| input.payload);
    assert_eq!(
        [0, 1, 3, 4, 5].map(numbered),
        [None, Some(b"1".to_vec()), Some(b"3".to_vec()), Some(b"5".to_vec()), None]
    );
    assert_eq!(reader.content(&Digest::of(&content)).unwrap(), Some(content));
    assert_eq!(reader.content(&Digest::of(b"other")).unwrap(), None);
}

/// Text that doesn't compress.
fn noise(seed: u64, bytes: usize) -> String {
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        text += &format!("{{\"noise\":\"{}\"}}\n", Digest::of(format!("{seed} {number}").as_bytes()));
    }
    text
}

#[test]
fn judged_batches_make_room_and_others_are_never_dropped() {
    let (_folder, path) = folder();
    let small = RecorderOptions { max_bytes: 40_000, ..options() };
    let recorder = Recorder::open(&path, small.clone(), Place::START).unwrap();
    recorder.share_among(["trail", "okta"].map(SourceId::from).into());
    let mut last = 0;
    let full = loop {
        match recorder.append(append("trail", &noise(last, 4_000))) {
            Ok(Appended::Recorded { last: appended }) => last = appended,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::Full { .. }) && last > 3, "{full} {last}");
    assert_eq!(recorder.figures().refused, 1);
    // The other source has its share, whatever that one sends.
    recorder.append(append("okta", &noise(99, 4_000))).unwrap();
    assert_eq!(recorder.figures().first, 1);
    // What is judged gives room, and goes only when the room is needed.
    recorder.judged(Place { batch: 3, ..Place::START });
    recorder.append(append("trail", &noise(100, 4_000))).unwrap();
    let figures = recorder.figures();
    assert!(figures.bytes <= 40_000 && figures.judged == 2, "{figures:?}");
    let reader = recorder.reader().unwrap();
    for judged in last + 1..last + 40 {
        recorder.judged(Place { batch: judged, ..Place::START });
        recorder.append(append("trail", &noise(judged, 4_000))).unwrap();
        let figures = recorder.figures();
        assert!(figures.bytes <= 40_000 && figures.first <= judged, "{figures:?}");
        assert!(reader.batch(judged).unwrap().is_some());
    }
    let first = recorder.figures().first;
    assert!(first > 1);
    assert!(matches!(reader.batch(1), Err(RecorderError::Dropped { batch: 1, .. })));
    drop((reader, recorder));
    // Opened again, it knows what isn't judged.
    let recorder = Recorder::open(&path, small, Place { batch: last + 39, ..Place::START }).unwrap();
    let figures = recorder.figures();
    assert_eq!((figures.first, figures.judged), (first, last + 38));
    assert!(figures.waiting_bytes > 0 && figures.waiting_bytes < figures.bytes);
}

const HOUR: i64 = 3_600_000_000;

static NOW: AtomicI64 = AtomicI64::new(0);

#[test]
fn time_never_goes_back_and_old_batches_go() {
    let (_folder, path) = folder();
    NOW.store(HOUR, Ordering::Relaxed);
    let options = RecorderOptions { keep: HOUR / 2, clock: || Timestamp(NOW.load(Ordering::Relaxed)), ..options() };
    let recorder = Recorder::open(&path, options, Place::START).unwrap();
    let reader = recorder.reader().unwrap();
    // A time on record is never earlier than one before, and goes on by less than the test takes.
    for (now, expected) in [(HOUR, HOUR), (10, HOUR), (2 * HOUR, 2 * HOUR)] {
        NOW.store(now, Ordering::Relaxed);
        let Appended::Recorded { last } = recorder.append(append("trail", "{}\n")).unwrap() else { panic!() };
        let arrived = reader.batch(last).unwrap().unwrap().arrived.0;
        assert!((expected..expected + HOUR / 4).contains(&arrived), "{arrived}, expected {expected}");
    }
    assert_eq!(recorder.figures().first, 1, "nothing is judged");
    recorder.judged(Place { batch: 4, ..Place::START });
    recorder.append(append("trail", "{}\n")).unwrap();
    assert_eq!((recorder.figures().first, recorder.figures().last), (3, 4));
}

#[test]
fn a_clock_that_is_far_ahead_is_not_followed_at_once() {
    static SHOWN: AtomicI64 = AtomicI64::new(HOUR);
    let clock = HostClock::after(Timestamp(HOUR), || Timestamp(SHOWN.load(Ordering::Relaxed)));
    SHOWN.store(48 * HOUR, Ordering::Relaxed);
    assert!(clock.now().0 < 2 * HOUR);
    // Back again it is followed as before.
    SHOWN.store(HOUR + HOUR / 2, Ordering::Relaxed);
    assert_eq!(clock.now(), Timestamp(HOUR + HOUR / 2));
}

#[test]
fn another_writer_supersedes() {
    let (_folder, path) = folder();
    let old = Recorder::open(&path, options(), Place::START).unwrap();
    old.append(append("trail", "{}\n")).unwrap();
    let new = Recorder::open(&path, options(), Place::START).unwrap();
    for _ in 0..2 {
        let error = old.append(append("trail", "{}\n")).unwrap_err();
        assert!(matches!(error, AppendError::Superseded), "{error}");
    }
    assert!(old.figures().failing > 0);
    assert_eq!(new.append(append("trail", "{}\n")).unwrap(), Appended::Recorded { last: 2 });
}

#[test]
fn many_senders_at_once() {
    let (_folder, path) = folder();
    let recorder = Recorder::open(&path, options(), Place::START).unwrap();
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let recorder = recorder.clone();
            scope.spawn(move || {
                for number in 0..50 {
                    let text = format!("{{\"sender\":{sender},\"number\":{number}}}\n");
                    recorder.append(append(if sender % 2 == 0 { "trail" } else { "okta" }, &text)).unwrap();
                }
            });
        }
        let figures = recorder.wait(Duration::from_secs(60), |figures| figures.last == 400);
        assert_eq!(figures.last, 400);
    });
    let reader = recorder.reader().unwrap();
    let mut all: Vec<String> =
        [0, 1].iter().flat_map(|source| records(&reader, *source)).map(|record| record.2).collect();
    assert_eq!(all.len(), 400);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 400);
    let ordinals: Vec<u64> = records(&reader, 0).iter().map(|record| record.0).collect();
    assert_eq!(ordinals, (0..200).collect::<Vec<_>>());
}

#[test]
fn other_files_are_refused() {
    let (folder, path) = folder();
    std::fs::write(&path, "a diary").unwrap();
    let refused = |path: &Path| Recorder::open(path, options(), Place::START).err().unwrap().to_string();
    assert!(refused(&path).starts_with("expected a recorder at"), "{}", refused(&path));
    assert!(refused(folder.path()).contains("expected a regular file, got a folder"), "{}", refused(folder.path()));
}

#[test]
fn reading_begins_at_a_time_or_before_a_batch() {
    /// Seconds of a clock that counts on.
    static SECOND: AtomicI64 = AtomicI64::new(0);
    let (_folder, path) = folder();
    let clock = || Timestamp(SECOND.fetch_add(1, Ordering::Relaxed) * 1_000_000);
    let recorder = Recorder::open(&path, RecorderOptions { clock, ..options() }, Place::START).unwrap();
    let reader = recorder.reader().unwrap();
    assert_eq!((reader.last().unwrap(), reader.first_since(1, 1, Timestamp(0)).unwrap()), (0, 1));
    let word = |before| NewHostInput {
        kind: HostInputKind::Word,
        payload: Vec::new(),
        about: None,
        contents: Vec::new(),
        before,
    };
    for before in [Some(1), Some(2), Some(2), None] {
        recorder.put(word(before)).unwrap();
    }
    for _ in 0..4 {
        recorder.append(append("trail", "{}\n")).unwrap();
    }
    assert_eq!(reader.last().unwrap(), 4);
    let arrived = |seq| reader.arrived(seq).unwrap().unwrap();
    for seq in 1..=4 {
        assert_eq!(reader.first_since(1, 5, arrived(seq)).unwrap(), seq);
        assert_eq!(reader.first_since(1, 5, arrived(seq).plus_micros(1)).unwrap(), seq + 1);
    }
    let before: Vec<u64> = (0..4).map(|batch| reader.last_host_before(batch).unwrap()).collect();
    assert_eq!(before, [0, 1, 3, 3]);
}
