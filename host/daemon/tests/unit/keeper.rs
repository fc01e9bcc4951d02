//! When a log is signed, when a segment ends, and what is dropped.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign_audit::record::{Header, NotDeterministic};
use countersign_audit::{Believed, Record};
use countersign_database::rusqlite::Connection;
use countersign_model::{Digest, DigestKey, Occasion, Place};
use countersign_recorder::RecorderOptions;
use countersign_store::{AuditLog, Commit, SqliteStore, Store as _};

use super::*;

const DAY: i64 = 86_400 * 1_000_000;

static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);

fn clock() -> Timestamp {
    Timestamp(NOW.load(Ordering::Relaxed))
}

fn later(micros: i64) {
    NOW.fetch_add(micros, Ordering::Relaxed);
}

fn keeper(folder: &Path, store: &SqliteStore, keep: Option<i64>) -> Keeper {
    let options = RecorderOptions { max_bytes: 1 << 30, keep: i64::MAX / 2, clock };
    let recorder = Recorder::open(&folder.join("recorder.db"), options, Place::START).unwrap();
    let shared = Arc::new(Shared::default());
    shared.opened(store.epoch());
    let path = folder.join("store.db");
    let reader = recorder.reader().unwrap();
    let noted = notes::signed(&reader).unwrap();
    let key = HostKey::for_store(folder, &path, noted.as_ref()).unwrap();
    let noted = (noted, notes::accused(&reader).unwrap());
    Keeper::new((&shared, &recorder), path, key, noted, (keep, clock))
}

fn commit(store: &mut SqliteStore, count: u64) {
    let expected = store.head().unwrap();
    let header = (expected.records() == 0).then(|| Record::Header(Header::new("0.1.0", &DigestKey::public())));
    let record = |position: u64| {
        let rule = "a/b".parse().unwrap();
        Record::NotDeterministic(NotDeterministic { position, rule, occasion: Occasion::Event, message: String::new() })
    };
    let records: Vec<Record> = header.into_iter().chain((0..count).map(record)).collect();
    store.commit(Commit { records: &records, ..Commit::empty(expected) }).unwrap();
}

fn all(keeper: &Keeper) {
    while keeper.step(false) {}
}

/// Has time pass: a clock that is an hour ahead at once isn't followed.
fn pass(keeper: &Keeper, micros: i64) {
    const STEP: i64 = 1_800_000_000;
    for _ in 0..micros / STEP {
        later(STEP);
        let _ = keeper.recorder.now();
    }
}

/// Has it run for so long that it drops something.
fn settle(keeper: &Keeper) {
    let mut work = keeper.work.lock().unwrap();
    work.time.began.0 = work.time.began.0.checked_sub(SETTLED).unwrap();
}

/// The first record, up to where it is signed, and how many segments have ended; verified.
fn signed(folder: &Path, keeper: &Keeper) -> (u64, u64, u64) {
    let log = AuditLog::open(&folder.join("store.db")).unwrap();
    let believed = Believed { keys: keeper.key.iter().map(SecretKey::public).collect(), ..Believed::default() };
    let found = log.verify_signed(log.lines().unwrap(), None, &believed).unwrap();
    let signed = found.signed.unwrap();
    let audited = keeper.shared.audited();
    assert_eq!((audited.first, audited.signed, audited.problem), (found.first, signed.records, None));
    (found.first, signed.records, signed.segments)
}

#[test]
fn a_log_is_signed_while_it_grows_cut_by_days_and_dropped_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut store = SqliteStore::open(&folder.join("store.db")).unwrap();
    let kept = keeper(folder, &store, None);
    all(&kept);
    assert_eq!(kept.shared.audited().signed, 0, "an empty log isn't signed");
    commit(&mut store, 9);
    all(&kept);
    assert_eq!(signed(folder, &kept), (0, 10, 0));
    // Not again at once, but at the end.
    commit(&mut store, 1);
    all(&kept);
    assert_eq!(kept.shared.audited().signed, 10);
    kept.finish();
    assert_eq!(signed(folder, &kept), (0, 11, 0));
    // A day makes a segment, and so do many records.
    pass(&kept, DAY);
    all(&kept);
    assert_eq!(signed(folder, &kept), (0, 11, 1));
    pass(&kept, DAY);
    all(&kept);
    assert_eq!(signed(folder, &kept).2, 1, "a segment has records");
    commit(&mut store, 65_536);
    all(&kept);
    assert_eq!(signed(folder, &kept), (0, 65_547, 2));
    commit(&mut store, 2);
    kept.finish();

    // Nothing goes before its time, and nothing by a clock that was set ahead.
    let kept = keeper(folder, &store, Some(30 * DAY));
    settle(&kept);
    all(&kept);
    assert_eq!(signed(folder, &kept), (0, 65_549, 2));
    later(29 * DAY + 1);
    all(&kept);
    assert_eq!(signed(folder, &kept).0, 0);
    let kept = keeper(folder, &store, Some(30 * DAY));
    all(&kept);
    assert_eq!(signed(folder, &kept).0, 0, "not soon after a start");
    settle(&kept);
    all(&kept);
    assert_eq!(signed(folder, &kept).0, 11, "the first segment ended more than 30 days ago");
    later(2 * DAY);
    commit(&mut store, 1);
    let kept = keeper(folder, &store, Some(30 * DAY));
    settle(&kept);
    all(&kept);
    let (first, records, _) = signed(folder, &kept);
    assert_eq!((first, records), (65_547, 65_550));
    assert_eq!(store.lines(0, 9).unwrap().len(), 3);
    // What no more comes to stays, however old it is: the last record is always there.
    later(300 * DAY);
    let kept = keeper(folder, &store, Some(30 * DAY));
    settle(&kept);
    all(&kept);
    assert_eq!(signed(folder, &kept).0, 65_549);
    assert_eq!(store.lines(0, 9).unwrap().len(), 1);
}

/// What the store has as its checkpoints.
fn envelopes(folder: &Path) -> Vec<Vec<u8>> {
    let reader = SqliteStore::read(&folder.join("store.db")).unwrap();
    reader.checkpoints().unwrap().into_iter().map(|one| one.envelope).collect()
}

/// Changes a store behind the host's back. The host says so and signs nothing, also after its next start.
fn refused(what: &str, change: impl Fn(&Path, &SqliteStore)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut store = SqliteStore::open(&folder.join("store.db")).unwrap();
    let kept = keeper(folder, &store, None);
    commit(&mut store, 9);
    all(&kept);
    commit(&mut store, 2);
    change(folder, &store);
    let changed = envelopes(folder);
    kept.finish();
    let problem = kept.shared.audited().problem.expect(what);
    assert_eq!(envelopes(folder), changed, "{what}");
    let again = keeper(folder, &store, None);
    again.finish();
    assert!(again.shared.audited().problem.is_some(), "{what}");
    assert_eq!(envelopes(folder), changed, "{what}");
    problem
}

fn sql(text: &'static str) -> impl Fn(&Path, &SqliteStore) {
    move |folder, _| Connection::open(folder.join("store.db")).unwrap().execute_batch(text).unwrap()
}

#[test]
fn a_log_that_is_not_as_it_was_signed_is_never_signed_again() {
    const ANEW: &str = "CAST(replace(CAST(bytes AS TEXT), 'a/b', 'a/c') AS BLOB)";
    let anew: &'static str = format!("UPDATE line SET bytes = {ANEW} WHERE seq = 9").leak();
    let problem = refused("a record is another", sql(anew));
    assert!(problem.contains("after 10 records"), "{problem}");
    let problem = refused("records are cut", |folder, _| {
        let connection = Connection::open(folder.join("store.db")).unwrap();
        let line = "SELECT bytes FROM line WHERE seq = 7";
        let line: Vec<u8> = connection.query_row(line, [], |row| row.get(0)).unwrap();
        connection.execute("UPDATE head SET records = 8, link = ?1", [Digest::of(&line).0]).unwrap();
        connection.execute("DELETE FROM line WHERE seq >= 8", []).unwrap();
    });
    assert!(problem.contains("at least the 10 records"), "{problem}");
    let problem = refused("checkpoints are gone", sql("DELETE FROM checkpoint"));
    assert!(problem.contains("segment 1 with 10 records, got none"), "{problem}");
    let problem = refused("a checkpoint is moved", sql("UPDATE checkpoint SET records = 3"));
    assert!(problem.contains("segment 1 with 3 records"), "{problem}");
    let problem = refused("another key has signed", |folder, store| {
        let keeper = LogKeeper::open(&folder.join("store.db"), store.epoch()).unwrap();
        let growing = Growing::read(keeper.reader()).unwrap();
        let other = SecretKey::generate().unwrap();
        let forged = growing.sign(keeper.reader(), Says::default(), clock(), (&other, None), &mut || {}).unwrap();
        keeper.put(&forged).unwrap();
    });
    assert!(problem.contains("signed"), "{problem}");
}

#[test]
fn what_was_signed_is_remembered_beside_the_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("host.checkpoint");
    let mut store = SqliteStore::open(&folder.join("store.db")).unwrap();
    let kept = keeper(folder, &store, None);
    commit(&mut store, 9);
    all(&kept);
    assert_eq!(vec![std::fs::read(&file).unwrap()], envelopes(folder));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    // One that is older, as after a crash, or isn't there: it is made.
    let before = std::fs::read(&file).unwrap();
    commit(&mut store, 1);
    kept.finish();
    for was in [Some(before), None] {
        match was {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let again = keeper(folder, &store, None);
        all(&again);
        assert_eq!(again.shared.audited().problem, None);
        assert_eq!(vec![std::fs::read(&file).unwrap()], envelopes(folder));
    }
    // What isn't a checkpoint is no word for going on.
    std::fs::write(&file, "{}").unwrap();
    commit(&mut store, 1);
    let again = keeper(folder, &store, None);
    again.finish();
    assert!(again.shared.audited().problem.unwrap().contains("host.checkpoint"));
}

#[test]
fn a_checkpoint_is_never_older_than_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    let kept = keeper(folder.path(), &store, None);
    commit(&mut store, 1);
    all(&kept);
    let reader = SqliteStore::read(&folder.path().join("store.db")).unwrap();
    let growing = Growing::read(&reader).unwrap();
    let key = kept.key.as_ref().unwrap();
    let next = growing.sign(&reader, Says::default(), Timestamp(1), (key, None), &mut || {}).unwrap();
    assert_eq!(opened(&next).unwrap().0.at, growing.last.unwrap().0.at);
}

#[test]
fn signing_is_cheap() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    let kept = keeper(folder.path(), &store, None);
    commit(&mut store, 100);
    all(&kept);
    let reader = SqliteStore::read(&folder.path().join("store.db")).unwrap();
    let growing = Growing::read(&reader).unwrap();
    let key = kept.key.as_ref().unwrap();
    let (started, rounds) = (Instant::now(), 200);
    for _ in 0..rounds {
        growing.sign(&reader, Says::default(), clock(), (key, None), &mut || {}).unwrap();
    }
    let each = started.elapsed() / rounds;
    println!("a signature takes {each:?}, off the thread that judges");
    assert!(each < Duration::from_millis(20), "{each:?}");
}

/// Notes that the log isn't as it was signed.
fn accused(keeper: &Keeper) -> Vec<String> {
    let reader = keeper.recorder.reader().unwrap();
    let notes = reader.host_inputs_of(countersign_recorder::HostInputKind::Note).unwrap();
    let why = |note| if let HostNote::NotAsSigned { why } = note { why } else { panic!("{note:?}") };
    notes.iter().map(|input| why(notes::note(input).unwrap())).collect()
}

#[test]
fn checkpoints_that_are_taken_away_are_missed_whatever_is_taken_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut store = SqliteStore::open(&folder.join("store.db")).unwrap();
    let kept = keeper(folder, &store, None);
    commit(&mut store, 9);
    all(&kept);
    let noted = |keeper: &Keeper| notes::signed(&keeper.recorder.reader().unwrap()).unwrap().unwrap().records;
    assert_eq!(noted(&kept), 10);
    commit(&mut store, 9);
    kept.finish();
    assert_eq!((noted(&kept), accused(&kept).len()), (19, 0));
    drop(kept);
    // Somebody takes checkpoints, the file beside them, and the key.
    let database = Connection::open(folder.join("store.db")).unwrap();
    database.execute("DELETE FROM checkpoint", []).unwrap();
    for file in ["host.checkpoint", "host.key", "host.pub"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    for starts in 0..2 {
        let robbed = keeper(folder, &store, None);
        commit(&mut store, 1);
        all(&robbed);
        assert!(robbed.shared.audited().problem.is_some() && !folder.join("host.key").exists(), "{starts}");
    }
    // With a key of their own they don't come further.
    SecretKey::generate().unwrap().create(&folder.join("host.key")).unwrap();
    let robbed = keeper(folder, &store, None);
    all(&robbed);
    assert_eq!(robbed.shared.audited().signed, 0);
}

#[test]
fn that_a_log_is_not_as_it_was_signed_is_on_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut store = SqliteStore::open(&folder.join("store.db")).unwrap();
    let kept = keeper(folder, &store, None);
    commit(&mut store, 9);
    all(&kept);
    drop(kept);
    let database = Connection::open(folder.join("store.db")).unwrap();
    let copy: (i64, i64, Option<Vec<u8>>, Vec<u8>) = database
        .query_one("SELECT segment, records, standing, envelope FROM checkpoint", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    database.execute("DELETE FROM checkpoint", []).unwrap();
    std::fs::remove_file(folder.join("host.checkpoint")).unwrap();
    for _ in 0..3 {
        let robbed = keeper(folder, &store, None);
        all(&robbed);
        all(&robbed);
        let accused = accused(&robbed);
        assert_eq!(accused.len(), 1);
        let problem = robbed.shared.audited().problem.unwrap();
        assert!(accused[0] == problem && problem.contains("as the recorder remembers it"), "{problem}");
    }
    // Put back, all is well; and gone again, it is said again.
    let put_back = || {
        let row = (copy.0, copy.1, copy.2.clone(), copy.3.clone());
        database.execute("INSERT INTO checkpoint (segment, records, standing, envelope) VALUES (?1, ?2, ?3, ?4)", row)
    };
    put_back().unwrap();
    let back = keeper(folder, &store, None);
    all(&back);
    assert_eq!(back.shared.audited().problem, None);
    database.execute("DELETE FROM checkpoint", []).unwrap();
    all(&back);
    assert_eq!(accused(&back).len(), 2);
}
