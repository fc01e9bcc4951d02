//! What is kept of a store's log: checkpoints, segments that are dropped with what nothing else names, and parts that verify
//! alone.

use std::path::Path;

use countersign_audit::record::{ContextFile, FindingRecord, Generation};
use countersign_audit::{Believed, FaultCode, Record, Verified, VerifyError, read};
use countersign_database::rusqlite::Connection;
use countersign_model::{Digest, DigestKey, Timestamp};
use countersign_signing::{Checkpoint, Envelope, SecretKey};
use countersign_store::{
    AuditLog, Existing, ExportOptions, LogKeeper, LogPart, SqliteStore, Store, StoreError, Stored, StoredCheckpoint,
    export,
};

use crate::common::{Step, blob, finding, header, intent, record};

/// A finding that names two blobs.
fn names(position: u64, bundle: u64, call: u64) -> Record {
    let finding = finding(position);
    Record::Finding(FindingRecord {
        generation: 1,
        position,
        rule: finding.rule,
        index: 0,
        occasion: finding.occasion,
        event_id: finding.event_id,
        event_time: finding.event_time,
        signal_class: finding.signal_class,
        confidence: finding.confidence,
        severity: finding.severity,
        role: finding.role,
        account: None,
        evidence_role: finding.evidence_role,
        evidence: Vec::new(),
        techniques: Vec::new(),
        context: finding.context,
        bundle: blob(bundle).name(),
        call: Some(blob(call).name()),
    })
}

fn generation(number: u64, policy: u64) -> Record {
    Record::Generation(Generation {
        number,
        position: 0,
        rules: Vec::new(),
        trust: None,
        sources: None,
        policy: blob(policy).name(),
        identities: None,
        capabilities: blob(policy).name(),
        context: Vec::<ContextFile>::new(),
        gate: 1,
        engine: "none".to_owned(),
        interface: "none".to_owned(),
    })
}

fn commit(store: &mut SqliteStore, records: Vec<Record>, blobs: &[u64]) {
    let head = store.head().unwrap().records();
    let found = |record: &&Record| matches!(record, Record::Finding(_));
    let findings = records.iter().filter(found).map(|_| finding(head)).collect();
    let blobs = blobs.iter().map(|number| blob(*number)).collect();
    let step = Step { intents: vec![intent(head)], records, blobs, findings, ..Step::default() };
    let commit = step.after(store);
    store.commit(commit).unwrap();
}

/// A store, its keeper, and a key that signs.
struct Kept {
    store: SqliteStore,
    keeper: LogKeeper,
    key: SecretKey,
    last: Option<Checkpoint>,
}

impl Kept {
    fn open(path: &Path) -> Kept {
        let store = SqliteStore::open(path).unwrap();
        let keeper = LogKeeper::open(path, store.epoch()).unwrap();
        Kept { store, keeper, key: SecretKey::generate().unwrap(), last: None }
    }

    /// Signs the log as far as it is; `kept` is the first record that is kept.
    fn sign(&mut self, ends: bool, kept: u64) -> StoredCheckpoint {
        let head = self.store.head().unwrap();
        let reader = self.keeper.reader();
        let before = reader.checkpoints().unwrap().into_iter().rfind(|one| one.standing.is_some());
        let standing = ends.then(|| reader.standing_at(before.as_ref(), head.records(), &mut || {}).unwrap());
        let lines = standing.as_ref().map(|numbers| reader.standing_lines(numbers).unwrap());
        let checkpoint = Checkpoint {
            segment: before.as_ref().map_or(1, |before| before.segment + 1),
            first: before.as_ref().map_or(0, |before| before.records),
            records: head.records(),
            link: head.link(),
            standing: lines.map(|lines| countersign_audit::standing_digest(lines.iter().map(Vec::as_slice))),
            kept,
            previous: self.last.as_ref().map(Checkpoint::digest),
            begun: Timestamp(0),
            at: Timestamp(head.records() as i64),
            replaces: None,
        };
        let stored = StoredCheckpoint {
            segment: checkpoint.segment,
            records: checkpoint.records,
            standing,
            envelope: Envelope::sign(checkpoint.clone(), &self.key).to_bytes(),
        };
        if ends {
            self.last = Some(checkpoint);
        }
        stored
    }

    fn end_segment(&mut self) {
        let signed = self.sign(true, 0);
        self.keeper.put(&signed).unwrap();
    }

    fn believed(&self) -> Believed {
        Believed { keys: vec![self.key.public()], ..Believed::default() }
    }

    fn has(&self, number: u64) -> bool {
        self.store.blob(&blob(number).name()).unwrap().is_some()
    }

    fn erase_all(&mut self) {
        while self.keeper.list_blobs().unwrap() {}
        while self.keeper.erase().unwrap() {}
    }
}

/// Three segments, and one that grows: blob 7 is shared by the first and the second, 8 by the first and the last, and 1 is the
/// policy of a generation that serves on.
fn write(path: &Path) -> Kept {
    let mut kept = Kept::open(path);
    commit(&mut kept.store, vec![header(), generation(1, 1), names(1, 2, 7), names(2, 3, 8)], &[1, 2, 3, 7, 8]);
    kept.end_segment();
    commit(&mut kept.store, vec![record(3), names(4, 4, 7)], &[4, 7]);
    kept.end_segment();
    commit(&mut kept.store, vec![names(5, 5, 5), generation(2, 6)], &[5, 6]);
    kept.end_segment();
    commit(&mut kept.store, vec![names(6, 9, 8), record(7)], &[9, 8]);
    kept
}

fn verify(path: &Path, believed: &Believed) -> Result<(Verified, u64, Option<u64>), Vec<FaultCode>> {
    let log = AuditLog::open(path).unwrap();
    match log.verify_signed(log.lines().unwrap(), None, believed) {
        Ok(found) => Ok((found.verified, found.first, found.signed.map(|signed| signed.records))),
        Err(VerifyError::Faults(faults)) => Err(faults.iter().map(|fault| fault.code).collect()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_dropped_goes_with_all_that_nothing_kept_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut kept = write(&path);
    let tail = kept.sign(false, 0);
    kept.keeper.put(&tail).unwrap();
    assert_eq!(verify(&path, &kept.believed()).unwrap().2, Some(10));
    let bytes = kept.keeper.reader().log_bytes().unwrap();

    while kept.keeper.list_blobs().unwrap() {}
    let first = kept.keeper.reader().checkpoint(1).unwrap().unwrap();
    let word = kept.sign(false, 4);
    kept.keeper.drop_up_to(&first, &word).unwrap();
    // At once, whatever is erased later.
    let check = |kept: &Kept, begins: u64| {
        let (_, first, signed) = verify(&path, &kept.believed()).unwrap();
        assert_eq!((first, signed), (begins, Some(10)));
        assert_eq!(kept.store.lines(0, 99).unwrap().len() as u64, 10 - begins);
    };
    check(&kept, 4);
    kept.erase_all();
    check(&kept, 4);
    assert!(kept.keeper.reader().log_bytes().unwrap() < bytes);
    let there = |kept: &Kept| (1..=9).filter(|number| kept.has(*number)).collect::<Vec<_>>();
    // 2 and 3 were its own; 1 is what the generation that serves there names.
    assert_eq!(there(&kept), [1, 4, 5, 6, 7, 8, 9]);
    assert_eq!(kept.store.findings(0, 9).unwrap().len(), 3);
    assert_eq!(kept.store.intents(0, 9).unwrap().len(), 3);

    // The rest of them but the one that grows, after the store was opened again.
    let Kept { store, keeper, key, last } = kept;
    drop((store, keeper));
    let mut kept = Kept { key, last, ..Kept::open(&path) };
    let third = kept.keeper.reader().checkpoint(3).unwrap().unwrap();
    let word = kept.sign(false, 8);
    kept.keeper.drop_up_to(&third, &word).unwrap();
    kept.erase_all();
    check(&kept, 8);
    assert_eq!(there(&kept), [6, 8, 9]);
    assert_eq!(kept.store.findings(0, 9).unwrap().len(), 1);
    commit(&mut kept.store, vec![names(8, 2, 3)], &[2, 3]);
    assert_eq!(verify(&path, &kept.believed()).unwrap().2, Some(10));

    // The log is read from the lines that stand on.
    let log = AuditLog::open(&path).unwrap();
    let types: Vec<(u64, &str)> = read(log.lines().unwrap())
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.line - 1, entry.record.type_id()))
        .collect();
    assert_eq!(types, [(0, "header"), (7, "generation"), (8, "finding"), (9, "not-deterministic"), (10, "finding")]);
}

#[test]
fn each_attack_on_a_store_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut kept = write(&path);
    let tail = kept.sign(false, 0);
    kept.keeper.put(&tail).unwrap();
    let believed = kept.believed();
    drop(kept);
    let attack = |what: &[&str]| {
        let copy = folder.path().join("copy");
        std::fs::copy(&path, &copy).unwrap();
        let connection = Connection::open(&copy).unwrap();
        what.iter().for_each(|sql| connection.execute_batch(sql).unwrap());
        connection.close().unwrap();
        let found = verify(&copy, &believed);
        std::fs::remove_file(&copy).unwrap();
        found.map(|found| found.2)
    };
    assert_eq!(attack(&[]), Ok(Some(10)));
    // The tail cut, with the end of the log put right.
    let cut = |records: u64| {
        let log = AuditLog::open(&path).unwrap();
        let line = log.store().unwrap().lines(records - 1, 1).unwrap().remove(0);
        let link = Digest::of(&line);
        [
            format!("DELETE FROM line WHERE seq >= {records}"),
            format!("UPDATE head SET records = {records}, link = x'{link}'"),
        ]
        .join(";")
    };
    assert_eq!(attack(&[&cut(9)]), Err(vec![FaultCode::NotAsSigned]));
    // With its checkpoint: it looks like a copy of earlier, which only a checkpoint kept elsewhere shows.
    assert_eq!(attack(&[&cut(9), "DELETE FROM checkpoint WHERE segment = 4"]), Ok(Some(8)));
    let remove = |segment: u64| format!("DELETE FROM checkpoint WHERE segment = {segment}");
    assert_eq!(attack(&[&remove(2)]), Err(vec![FaultCode::CheckpointMissing]));
    let swap = "UPDATE checkpoint SET segment = segment + 100; \
                UPDATE checkpoint SET segment = 5 - (segment - 100)";
    assert!(attack(&[swap]).is_err());
    // Records dropped by somebody else than the host.
    let dropped = "INSERT INTO standing SELECT 0, seq, bytes FROM line WHERE seq = 0; \
                   INSERT INTO standing SELECT 1, seq, bytes FROM line WHERE seq = 1; \
                   UPDATE head SET first_record = 4, first_link = zeroblob(32); DELETE FROM checkpoint WHERE segment < 1";
    let found = attack(&[dropped]).unwrap_err();
    assert!(found.contains(&FaultCode::WrongLink) && !found.is_empty(), "{found:?}");
}

#[test]
fn a_segment_is_exported_and_verifies_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let kept = write(&path);
    let out = |number: u64| folder.path().join(format!("{number}.audit"));
    for (number, first, records) in [(1, 0, 4), (2, 4, 6), (3, 6, 8)] {
        let part = kept.keeper.reader().segment(number).unwrap().unwrap();
        assert_eq!((part.beginning.first, part.end.records()), (first, records));
        let options = ExportOptions { existing: Existing::Refuse, seal: false, part: Some(part) };
        let exported = export(&kept.store, &out(number), &options, &mut |_, _| {}).unwrap();
        assert!(exported.blobs > 0);
        let found = verify(&out(number), &kept.believed()).unwrap();
        assert_eq!((found.1, found.2), (first, Some(records)), "{number}");
        let log = AuditLog::open(&out(number)).unwrap();
        log.verify_blobs(log.lines().unwrap(), &DigestKey::public()).unwrap();
    }
    assert_eq!(kept.keeper.reader().segment(4).unwrap(), None);
    // Any line of it changed, removed or cut off.
    let lines: Vec<String> = std::fs::read_to_string(out(2)).unwrap().lines().map(str::to_owned).collect();
    let write = |lines: &[String]| {
        let copy = folder.path().join("copy");
        std::fs::write(&copy, lines.join("\n") + "\n").unwrap();
        verify(&copy, &kept.believed())
    };
    assert_eq!(lines.len(), 1 + 2 + 2);
    for place in 1..lines.len() {
        let mut less = lines.clone();
        less.remove(place);
        assert!(write(&less).is_err(), "{place}");
        let mut changed = lines.clone();
        changed[place] = changed[place].replacen("\"position\":", "\"position\":1", 1).replacen("0.1.0", "0.2.0", 1);
        assert!(write(&changed).is_err(), "{place}");
    }
    let other = SecretKey::generate().unwrap();
    let found = verify(&out(2), &Believed { keys: vec![other.public()], ..Believed::default() });
    assert_eq!(found, Err(vec![FaultCode::ForeignKey; 2]));
}

#[test]
fn a_keeper_whose_writer_was_superseded_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut kept = write(&path);
    let tail = kept.sign(false, 0);
    let _other = SqliteStore::open(&path).unwrap();
    assert!(matches!(kept.keeper.put(&tail), Err(StoreError::Superseded(_))));
    assert_eq!(kept.keeper.reader().checkpoints().unwrap().len(), 3);
}

#[test]
fn space_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut kept = Kept::open(&path);
    commit(&mut kept.store, vec![header(), generation(1, 1)], &[1]);
    let large = |number: u64| countersign_audit::Blob::new(&DigestKey::public(), number.to_be_bytes().repeat(20_000));
    for number in 0..20 {
        let blob = large(number);
        let mut named = names(number, 1, 1);
        if let Record::Finding(finding) = &mut named {
            finding.bundle = blob.name();
        }
        let step = Step { records: vec![named], blobs: vec![blob], findings: vec![finding(number)], ..Step::default() };
        let commit = step.after(&kept.store);
        kept.store.commit(commit).unwrap();
    }
    kept.end_segment();
    commit(&mut kept.store, vec![record(1)], &[]);
    let pages = |path: &Path| -> i64 {
        Connection::open(path).unwrap().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
    };
    let before = pages(&path);
    while kept.keeper.list_blobs().unwrap() {}
    let first = kept.keeper.reader().checkpoint(1).unwrap().unwrap();
    let word = kept.sign(false, 22);
    kept.keeper.drop_up_to(&first, &word).unwrap();
    kept.erase_all();
    let after = pages(&path);
    assert!(after * 2 < before, "{before} pages, then {after}");
    let LogPart { .. } = match kept.keeper.reader().segment(1).unwrap() {
        Some(part) => panic!("{part:?} is still there"),
        None => LogPart { beginning: kept.store.beginning().unwrap().unwrap(), end: kept.store.head().unwrap() },
    };
}
