//! What can be recomputed of a log of which a part isn't there: an exported segment, and a store whose first segments were
//! dropped. What was decided there depends on what stood where it begins: the generation, and sources that weren't well.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use countersign_audit::{Record, read, standing_digest};
use countersign_formats::format_by_name;
use countersign_formats::reader::Position;
use countersign_inputs::{Bookmark, Received};
use countersign_model::{Ailment, DigestKey, HostNote, SourceStanding, Timestamp, TokenChange, TokenNote, Unwell};
use countersign_recompute::{RecomputeError, RecomputeOptions, Recomputed, recompute};
use countersign_session::{Arrival, Input, Session, SessionOptions};
use countersign_signing::{Checkpoint, Envelope, SecretKey};
use countersign_store::{
    AuditLog, Existing, ExportOptions, LogKeeper, SqliteStore, Stored as _, StoredCheckpoint, export,
};

use crate::determinism::{Collector, generation, telemetry};
use crate::support::engine;

/// How many segments end.
const SEGMENTS: u64 = 3;

/// A store whose log was cut into segments while it was judged.
struct Cut {
    path: PathBuf,
    key: SecretKey,
    last: Option<Checkpoint>,
    epoch: i64,
}

impl Cut {
    fn keeper(&self) -> LogKeeper {
        LogKeeper::open(&self.path, self.epoch).unwrap()
    }

    /// The checkpoint of the log as it is.
    fn sign(&self, keeper: &LogKeeper, ends: bool, kept: u64) -> (StoredCheckpoint, Checkpoint) {
        let reader = keeper.reader();
        let head = reader.head().unwrap();
        let before = reader.checkpoints().unwrap().into_iter().rfind(|one| one.standing.is_some());
        let standing = ends.then(|| reader.standing_at(before.as_ref(), head.records(), &mut || {}).unwrap());
        let lines = standing.as_ref().map(|numbers| reader.standing_lines(numbers).unwrap());
        let checkpoint = Checkpoint {
            segment: before.as_ref().map_or(1, |before| before.segment + 1),
            first: before.as_ref().map_or(0, |before| before.records),
            records: head.records(),
            link: head.link(),
            standing: lines.map(|lines| standing_digest(lines.iter().map(Vec::as_slice))),
            kept,
            previous: self.last.as_ref().map(Checkpoint::digest),
            begun: Timestamp(0),
            at: Timestamp(head.records() as i64),
            replaces: None,
        };
        let (segment, records) = (checkpoint.segment, checkpoint.records);
        let envelope = Envelope::sign(checkpoint.clone(), &self.key).to_bytes();
        (StoredCheckpoint { segment, records, standing, envelope }, checkpoint)
    }
}

/// Judges telemetry in parts, of which each is a segment; the source isn't well from within the first to within the third.
fn cut(folder: &Path) -> Cut {
    let path = folder.join("store.db");
    let (telemetry, identities) = telemetry();
    let generation = generation(&identities);
    let mut store = SqliteStore::open(&path).unwrap();
    let key = SecretKey::generate().unwrap();
    let mut cut = Cut { path, key, last: None, epoch: store.epoch() };
    let all: Vec<_> = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(telemetry)), 0).collect();
    let part = all.len() / (SEGMENTS as usize + 1) + 1;
    for (number, records) in all.chunks(part).enumerate() {
        let mut collector = Collector::default();
        let options = SessionOptions { key: DigestKey::public(), workers: 1, ..SessionOptions::default() };
        let mut session = Session::resume(&mut store, generation.clone(), options, &mut collector).unwrap();
        for (place, record) in records.iter().enumerate() {
            if place == part / 2 {
                let silent =
                    Unwell { what: Ailment::Silent, since: Timestamp(0), usual: None, why: "a test".to_owned() };
                let unwell = match number {
                    0 => vec![silent],
                    2 => Vec::new(),
                    _ => continue,
                };
                session.push(Input::Source(SourceStanding { source: "cloudtrail".into(), unwell })).unwrap();
            }
            if place == part / 3 && number == 1 {
                let (id, change, scope) = ("0123456789ab".to_owned(), TokenChange::Made, "viewer".to_owned());
                let token = TokenNote { id, change, scope, expires: Timestamp(0), by: "anna".to_owned() };
                session.push(Input::Note(HostNote::Token(token))).unwrap();
                session.push(Input::Note(HostNote::NotAsSigned { why: "a test".to_owned() })).unwrap();
            }
            let received = Received::alone(record.clone(), Bookmark::from(Position::START));
            session.push(Input::Record(Arrival::new(received, None))).unwrap();
        }
        session.pause().unwrap();
        drop(session);
        if (number as u64) < SEGMENTS {
            let keeper = cut.keeper();
            let (stored, checkpoint) = cut.sign(&keeper, true, 0);
            keeper.put(&stored).unwrap();
            cut.last = Some(checkpoint);
        }
    }
    cut
}

fn recomputed(path: &Path) -> Result<Recomputed, RecomputeError> {
    let log = AuditLog::open(path).unwrap();
    recompute(&log, &DigestKey::public(), engine(), &RecomputeOptions::default(), &mut |_, _| ())
}

fn segment(cut: &Cut, number: u64, out: &Path) {
    let store = SqliteStore::read(&cut.path).unwrap();
    let part = store.segment(number).unwrap();
    assert!(part.is_some());
    let options = ExportOptions { existing: Existing::Refuse, seal: false, part };
    export(&store, out, &options, &mut |_, _| ()).unwrap();
}

/// How many decisions of a log needed approval because a source wasn't well.
fn unwell(path: &Path) -> usize {
    let log = AuditLog::open(path).unwrap();
    let from = log.first().unwrap();
    let entries = read(log.lines().unwrap()).map(Result::unwrap).filter(|entry| entry.line > from);
    entries
        .filter(|entry| matches!(&entry.record, Record::Decision(it) if format!("{it:?}").contains("SourceUnwell")))
        .count()
}

#[test]
fn what_is_there_of_a_log_is_recomputed_whatever_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let cut = cut(folder.path());
    let whole = recomputed(&cut.path).unwrap();
    assert_eq!(whole.differences, []);

    // Each segment alone, with all that it needs beside it.
    let (mut findings, mut decisions) = (0, 0);
    for number in 1..=SEGMENTS {
        let out = folder.path().join(format!("segment-{number}"));
        segment(&cut, number, &out);
        let result = recomputed(&out).unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(result.differences, [], "segment {number}");
        assert!(result.findings > 0, "segment {number}");
        (findings, decisions) = (findings + result.findings, decisions + result.decisions);
        assert_eq!(AuditLog::open(&out).unwrap().first().unwrap() > 0, number > 1);
    }
    assert!(findings < whole.findings && decisions < whole.decisions, "the last part isn't a segment");
    assert!(unwell(&folder.path().join("segment-2")) > 0, "nothing rests on a source that isn't well");

    // What the host has noted stands in the log.
    let lines = SqliteStore::read(&cut.path).unwrap().lines(0, usize::MAX >> 1).unwrap();
    let of = |text: &str| lines.iter().filter(|line| String::from_utf8_lossy(line).contains(text)).count();
    assert_eq!((of("\"type\":\"token\""), of("\"kind\":\"log-not-as-signed\"")), (1, 1));

    // A changed decision is found in a segment as in a whole log.
    let out = folder.path().join("segment-2");
    let blobs = folder.path().join("segment-2.bundles");
    let named = std::fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let missed = named.iter().filter(|path| {
        let whole = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        let result = recomputed(&out);
        std::fs::write(path, whole).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match result {
            Ok(result) => !result.differences.iter().any(|one| format!("{one:?}").contains(&name)),
            Err(error) => !error.to_string().contains(&name),
        }
    });
    // Files that only name what other records than findings and decisions rest on aren't read.
    assert!(missed.count() < named.len() / 2);

    // A store whose first segments were dropped.
    let mut keeper = cut.keeper();
    while keeper.list_blobs().unwrap() {}
    let ended = keeper.reader().checkpoint(2).unwrap().unwrap();
    let (word, _) = cut.sign(&keeper, false, ended.records);
    keeper.drop_up_to(&ended, &word).unwrap();
    while keeper.erase().unwrap() {}
    let log = AuditLog::open(&cut.path).unwrap();
    assert_eq!(log.first().unwrap(), ended.records);
    let rest = recomputed(&cut.path).unwrap();
    assert_eq!(rest.differences, []);
    assert!(rest.findings > 0 && rest.findings < whole.findings, "{rest:?}");
    assert!(unwell(&cut.path) > 0, "nothing rests on a source that isn't well");
    // What isn't there can't be exported to be recomputed.
    assert!(SqliteStore::read(&cut.path).unwrap().segment(1).unwrap().is_none());
}
