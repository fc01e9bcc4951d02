//! Evidence in every format: read as what it meant, from exactly its own bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use countersign_audit::{Record, read};
use countersign_model::DigestKey;
use countersign_model::format::FormatError;

use super::*;

/// Blobs, and the record that names them.
struct Stored {
    record: FindingRecord,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Stored {
    /// The first finding of the audit file of commit 9f64855, which has format 1.
    fn first_format() -> Stored {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/audit/9f64855/run.audit");
        let lines = fs::read(&file).unwrap();
        let mut records = read(lines.as_slice()).map(|entry| entry.unwrap().record);
        let record = records.find_map(|record| match record {
            Record::Finding(finding) => Some(finding),
            _ => None,
        });
        let record = record.unwrap();
        let bytes = fs::read(file.with_extension("audit.bundles").join(record.bundle.to_string())).unwrap();
        Stored { blobs: BTreeMap::from([(record.bundle, bytes)]), record }
    }

    /// The same in format 2.
    fn second_format() -> Stored {
        let mut stored = Stored::first_format();
        let text = stored.text(stored.record.bundle).replacen('{', r#"{"format":2,"#, 1);
        stored.record.bundle = stored.put(text.into_bytes());
        stored
    }

    /// The same in the newest format.
    fn newest() -> Stored {
        let mut stored = Stored::first_format();
        let bundle = stored.read().unwrap();
        stored.blobs.clear();
        stored.record.bundle = stored.put(serde_json::to_vec(&bundle.own_part()).unwrap());
        stored.record.call = Some(stored.put(serde_json::to_vec(&bundle.call_part()).unwrap()));
        stored
    }

    fn put(&mut self, bytes: Vec<u8>) -> Digest {
        let name = DigestKey::public().digest(&bytes);
        self.blobs.insert(name, bytes);
        name
    }

    fn text(&self, name: Digest) -> String {
        String::from_utf8(self.blobs[&name].clone()).unwrap()
    }

    fn call(&self) -> Digest {
        self.record.call.unwrap()
    }

    fn read(&self) -> Result<FindingBundle, EvidenceError<String>> {
        FindingBundle::read(&self.record, |name| self.blobs.get(name).cloned().ok_or(format!("no blob {name}")))
    }

    #[track_caller]
    fn refused(&self, part: Part) -> String {
        let error = self.read().unwrap_err();
        let name = if part == Part::Bundle { self.record.bundle } else { self.call() };
        assert_eq!(error.blob(), (part, name));
        error.to_string()
    }
}

#[test]
fn every_format_is_read_as_what_it_meant() {
    let newest = Stored::newest();
    let bundle = newest.read().unwrap();
    assert_eq!(Stored::first_format().read().unwrap(), bundle);
    assert_eq!(Stored::second_format().read().unwrap(), bundle);
    // The call is in one of the two blobs, the finding in the other.
    let (own, call) = (newest.text(newest.record.bundle), newest.text(newest.call()));
    assert!(own.starts_with(r#"{"format":3,"place":0,"finding":{"#), "{own}");
    assert!(call.starts_with(r#"{"format":3,"rule":{"#) && !call.contains(r#""finding":{"#), "{call}");
    assert!(!own.contains(r#""call""#) && !own.contains(r#""answer""#));
    assert_eq!(Record::Finding(newest.record.clone()).blobs(), [newest.record.bundle, newest.call()]);
}

#[test]
fn a_blob_that_isnt_there_is_named() {
    let mut stored = Stored::newest();
    let call = stored.call();
    stored.blobs.remove(&call);
    assert_eq!(stored.refused(Part::Call), format!("no blob {call}"));
    stored.blobs.clear();
    assert_eq!(stored.refused(Part::Bundle), format!("no blob {}", stored.record.bundle));
}

#[test]
fn parts_that_dont_belong_together_are_refused() {
    let mut stored = Stored::newest();
    let (bundle, call) = (stored.record.bundle, stored.call());
    stored.record.call = None;
    let error = stored.refused(Part::Bundle);
    assert!(error.starts_with("the finding bundle: expected a record that names the call"), "{error}");
    // Each in the other's place.
    (stored.record.bundle, stored.record.call) = (call, Some(bundle));
    let error = stored.refused(Part::Bundle);
    assert!(error.starts_with("the finding bundle: expected JSON of format 3: "), "{error}");
    (stored.record.bundle, stored.record.call) = (bundle, Some(bundle));
    let error = stored.refused(Part::Call);
    assert!(error.starts_with("the finding call: expected JSON of format 3: "), "{error}");
    // A bundle that has its call, beside another.
    for (mut old, format) in [(Stored::first_format(), 1), (Stored::second_format(), 2)] {
        old.record.call = Some(old.record.bundle);
        let error = old.refused(Part::Bundle);
        assert!(error.ends_with(&format!("got format {format}, which has the call itself")), "{error}");
    }
}

#[test]
fn each_format_has_one_form() {
    for part in [Part::Bundle, Part::Call] {
        let changed = |change: &dyn Fn(String) -> String| {
            let mut stored = Stored::newest();
            let name = if part == Part::Bundle { stored.record.bundle } else { stored.call() };
            let other = stored.put(change(stored.text(name)).into_bytes());
            match part {
                Part::Bundle => stored.record.bundle = other,
                Part::Call => stored.record.call = Some(other),
            }
            stored.refused(part)
        };
        let error = changed(&|text| text.replacen(':', ": ", 1));
        assert!(error.ends_with("expected the bytes that format 3 is written as, got others of the same meaning"));
        let error = changed(&|text| text.replacen('3', "4", 1));
        assert!(error.contains("expected format 1 to 3, got 4"), "{error}");
        let error = changed(&|text| text.replacen(r#""format":3,"#, r#""format":3,"more":1,"#, 1));
        assert!(error.contains("unknown field `more`"), "{error}");
    }
    let mut second = Stored::second_format();
    let spaced = second.text(second.record.bundle).replacen(':', ": ", 1);
    second.record.bundle = second.put(spaced.into_bytes());
    let Err(EvidenceError::Form { error: FormError::Format(FormatError::NotCanonical { format: 2 }), .. }) =
        second.read()
    else {
        panic!("it is read")
    };
}
