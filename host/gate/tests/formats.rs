//! The gate's inputs in every format.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

#[path = "common/random.rs"]
mod random;

use std::fs;
use std::path::Path;

use countersign_gate::{Circumstances, GateInputs, VERSION};
use countersign_policy::Reach;
use random::{Random, circumstances, inputs};

/// The gate's inputs in the audit file of commit 9f64855.
fn first_format() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/audit/9f64855/run.audit.bundles");
    let blobs = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    blobs.filter(|blob| blob.starts_with(br#"{"clock":"#)).collect()
}

#[test]
fn format_1_is_read_as_what_it_meant() {
    let blobs = first_format();
    assert_eq!(blobs.len(), 5);
    for blob in blobs {
        let read = GateInputs::read(&blob).unwrap();
        assert_eq!((read.gate, &read.circumstances), (1, &Circumstances::unconfigured()));
        assert!(!read.capabilities.is_empty());
        assert!(read.capabilities.iter().all(|capability| capability.reach == Reach::Unknown));
        // It is written in the newest format, with the version of the gate that decided.
        let written = read.to_bytes().unwrap();
        assert!(written.starts_with(br#"{"format":2,"gate":1,"clock":"#));
        assert_eq!(GateInputs::read(&written).unwrap(), read);
    }
}

#[test]
fn each_format_is_read_from_exactly_its_own_bytes() {
    let blob = String::from_utf8(first_format().remove(0)).unwrap();
    let error = |text: String| GateInputs::read(text.as_bytes()).unwrap_err().to_string();
    let canonical = "expected the bytes that format 1 is written as, got others of the same meaning";
    assert_eq!(error(blob.replacen(":", ": ", 1)), canonical);
    assert!(
        error(blob.replacen('{', r#"{"more":1,"#, 1)).starts_with("expected JSON of format 1: unknown field `more`")
    );
    // A capability without reach isn't one of format 2.
    let named = blob.replacen('{', r#"{"format":2,"gate":1,"#, 1);
    assert!(error(named.clone()).starts_with("expected JSON of format 2: missing field `reach`"), "{}", error(named));
    let unknown = error(blob.replacen('{', r#"{"format":3,"#, 1));
    assert_eq!(unknown, "expected format 1 to 2, got 3: read it with the version that wrote it, or a newer one");
}

#[test]
fn inputs_of_every_kind_are_read_back() {
    for seed in 0..500 {
        let inputs = inputs(seed);
        let now = circumstances(&mut Random(seed), &inputs.incident);
        let inputs = GateInputs { circumstances: now, ..inputs };
        assert_eq!(inputs.gate, VERSION);
        assert_eq!(GateInputs::read(&inputs.to_bytes().unwrap()).unwrap(), inputs);
    }
}

#[test]
fn circumstances_of_another_version_or_form_arent_read() {
    let text = serde_json::to_string(&Circumstances::unconfigured()).unwrap();
    assert!(text.starts_with(r#"{"version":1,"estimates":"unconfigured","suppression":"unconfigured","#), "{text}");
    assert_eq!(serde_json::from_str::<Circumstances>(&text).unwrap(), Circumstances::unconfigured());
    let error = |text: String| serde_json::from_str::<Circumstances>(&text).unwrap_err().to_string();
    let newer = error(text.replace(r#""version":1"#, r#""version":2"#));
    assert!(newer.starts_with("expected format 1, got 2, which another version writes"), "{newer}");
    assert!(error(text.replace(r#""version":1,"#, "")).starts_with("missing field `version`"));
    assert!(error(text.replacen('{', r#"{"weather":"fine","#, 1)).starts_with("unknown field `weather`"));
}
