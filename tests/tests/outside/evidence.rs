//! What the evidence of findings takes: the findings of one call keep it once, and what is missing or changed of it is found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use countersign_audit::record::FindingRecord;
use countersign_audit::{FaultCode, Record, VerifyError, read};
use countersign_casework::bundle::FindingBundle;
use countersign_formats::format_by_name;
use countersign_generation::Generation;
use countersign_model::{Digest, DigestKey};
use countersign_recompute::{RecomputeOptions, Recomputed, recompute};
use countersign_session::{Replay, SessionOptions, run};
use countersign_store::{AuditLog, Durability, Existing, FileStore, MemoryStore, Store, Stored as _};

use crate::determinism::Collector;
use crate::fed::{load, record};
use crate::handmade::{DECLARATION, HONEST, Parts, component, module};
use crate::sessions::{Backend, Files, Step, options, play};
use crate::support::{engine, shipped};

/// So many findings of a row are the most.
const FINDINGS: usize = 16;

/// A rule that finds so many things on the first row of a call, each of other words, and says much about itself.
fn generation(policy: &str) -> Arc<Generation> {
    let words = |words: &[u32]| -> String {
        words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
    };
    let diagnostic = "x".repeat(1_000);
    // The answer at 128 has the findings at 1024, 44 bytes each, their messages at 3072, and a diagnostic at 512.
    let count = u32::try_from(FINDINGS).unwrap();
    let mut data = format!("(data (i32.const 128) \"{}\")", words(&[1_024, count, 0, 0, 0, 0, 512, 1]));
    data += &format!("(data (i32.const 512) \"{}\")", words(&[0, 1, 2_000, 1_000]));
    data += &format!("(data (i32.const 768) \"privilege\") (data (i32.const 2000) \"{diagnostic}\")");
    for place in 0..count {
        let (at, message) = (1_024 + 44 * place, 3_072 + 8 * place);
        let finding = words(&[0, 768, 9, 0x0132, 0, 0, 0, 0, message, 2, 0]);
        data += &format!("(data (i32.const {at}) \"{finding}\") (data (i32.const {message}) \"{place:02}\")");
    }
    let guest = component(module(Parts { evaluate: "i32.const 128", more: &data, ..HONEST }), DECLARATION);
    let (generation, faults) = load(&[("many", &guest), ("contains", shipped("graduated-containment"))], policy);
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// A row a call, so that no batch says something else.
fn row_by_row() -> SessionOptions {
    SessionOptions { batch: 1, ..options() }
}

fn telemetry(rows: i64) -> String {
    (0..rows).map(|second| record(second, 1, "clock") + "\n").collect()
}

fn judge(store: &mut dyn Store, rows: i64) {
    judge_under("", store, rows);
}

fn judge_under(policy: &str, store: &mut dyn Store, rows: i64) {
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(telemetry(rows))), 0);
    run(records, &generation(policy), store, &row_by_row(), Replay::default(), &mut Collector::default()).unwrap();
}

fn findings(lines: &[u8]) -> Vec<FindingRecord> {
    let records = read(lines).map(|entry| entry.unwrap().record);
    records
        .filter_map(|record| match record {
            Record::Finding(finding) => Some(finding),
            _ => None,
        })
        .collect()
}

#[test]
fn the_findings_of_a_call_keep_it_once() {
    for (name, mut backend) in Backend::all() {
        backend.with(|store| {
            judge(store, 5);
            let found = findings(&store.lines(0, usize::MAX).unwrap().concat());
            assert_eq!(found.len(), 5 * FINDINGS, "{name}");
            let mut calls: BTreeMap<Digest, BTreeSet<u64>> = BTreeMap::new();
            let (mut own, mut whole) = (0, 0);
            let length = |name: &Digest| store.blob(name).unwrap().unwrap().len();
            for finding in &found {
                calls.entry(finding.call.unwrap()).or_default().insert(finding.position);
                own += length(&finding.bundle);
                let bundle =
                    FindingBundle::read(finding, |name| store.blob(name).unwrap().ok_or("no such blob")).unwrap();
                // As it was when each bundle had its call.
                whole += serde_json::to_vec(&bundle).unwrap().len();
                assert_eq!(bundle.answer.findings.len(), FINDINGS);
                assert_eq!(bundle.finding.message, format!("{:02}", bundle.place));
            }
            // One a row.
            assert_eq!(calls.len(), 5, "{name}");
            assert!(calls.values().all(|positions| positions.len() == 1), "{name}");
            let kept = own + calls.keys().map(length).sum::<usize>();
            assert!(kept * 3 < whole, "{name}: {kept} bytes of {whole}");
        });
    }
}

/// Sixteen times the call and its answer are more than this bound, once is less.
#[test]
fn a_call_counts_once_for_what_a_row_may_keep() {
    const BOUND: usize = 64 << 10;
    let mut store = MemoryStore::new();
    judge_under(&format!("\n[limits]\nkept-evidence = {BOUND}\n"), &mut store, 2);
    let found = findings(store.audit());
    assert_eq!(found.len(), 2 * FINDINGS);
    let length = |name: &Digest| store.blob(name).unwrap().unwrap().len();
    let row = &found[..FINDINGS];
    let (call, own) = (length(&row[0].call.unwrap()), row.iter().map(|one| length(&one.bundle)).sum::<usize>());
    assert!(call + own < BOUND && FINDINGS * call > BOUND, "{call} {own}");
}

#[test]
fn stopping_anywhere_changes_nothing_of_it() {
    let files = Files::new("cloudtrail", &[telemetry(6).as_bytes()]);
    let steps: Vec<Step> = vec![Step::Record(None); files.count()];
    let generation = generation("");
    let whole = play(&mut Backend::memory(), &files, &steps, &generation, &row_by_row());
    for (name, mut backend) in Backend::all() {
        let killed: Vec<Step> = steps.iter().cloned().flat_map(|step| [step, Step::Kill]).collect();
        let outcome = play(&mut backend, &files, &killed, &generation, &row_by_row());
        whole.assert_same(&outcome, name);
        backend.with(|store| {
            for line in store.lines(0, usize::MAX).unwrap() {
                for name in countersign_audit::parse(&line).unwrap().record.blobs() {
                    assert!(store.blob(&name).unwrap().is_some(), "{name}");
                }
            }
        });
    }
}

fn recomputed(log: &Path) -> Recomputed {
    let log = AuditLog::open(log).unwrap();
    recompute(&log, &DigestKey::public(), engine(), &RecomputeOptions::default(), &mut |_, _| ()).unwrap()
}

/// The faults of blobs: line, code and what was expected.
fn blob_faults(log: &Path) -> Vec<(u64, FaultCode, String)> {
    let log = AuditLog::open(log).unwrap();
    match log.verify_blobs(log.lines().unwrap(), &DigestKey::public()) {
        Ok(_) => Vec::new(),
        Err(VerifyError::Faults(faults)) => {
            faults.into_iter().map(|fault| (fault.line, fault.code, fault.expected)).collect()
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_shared_call_that_is_gone_or_changed_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let mut store = FileStore::create(&audit, Existing::Refuse, Durability::Seal).unwrap();
    judge(&mut store, 2);
    store.seal().unwrap();
    assert_eq!(recomputed(&audit).differences, []);
    assert_eq!(blob_faults(&audit), []);
    let lines = fs::read(&audit).unwrap();
    let call = findings(&lines)[0].call.unwrap();
    let line =
        read(lines.as_slice()).map(Result::unwrap).find(|entry| entry.record.blobs().contains(&call)).unwrap().line;
    let path = folder.path().join("audit.bundles").join(call.to_string());
    let whole = fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (bytes, code) in [(None, FaultCode::BlobMissing), (Some(changed), FaultCode::BlobChanged)] {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        // Named once, at the first line that names it.
        assert_eq!(blob_faults(&audit), [(line, code, format!("a blob of digest {call}"))]);
        let result = recomputed(&audit);
        let named: Vec<&str> = result.differences.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(named, ["finding call"; FINDINGS]);
        for difference in &result.differences {
            assert_eq!(difference.expected, format!("a finding call named {call}"));
            assert!(difference.got.contains(&call.to_string()), "{}", difference.got);
        }
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(recomputed(&audit).differences, []);
}
