//! `countersign.toml`: read, or refused with every fault, a line each; every key has a value to be shown, and no secret is.

use std::path::Path;

use countersign_configuration::{Configuration, Overrides, Written, keys};

/// Checks a configuration. True if it was taken.
pub fn check(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let written = Written { name: "countersign.toml", folder: Path::new("/nowhere"), text };
    let read = || Configuration::read_all(Some(written), &Overrides::default(), &|_| None);
    let (configuration, faults) = read();
    assert!(faults.iter().all(|fault| !fault.to_string().contains('\n')), "{faults:?}");
    let shown = configuration.shown();
    // Whatever is wrong, there is a value for each key.
    assert!(shown.iter().map(|shown| shown.key).eq(keys()), "a key has no value");
    for one in &shown {
        let is_secret = matches!(one.key.place().as_str(), "judge.audit-key" | "api.key");
        let said = one.value.as_str().unwrap_or_default();
        assert!(!is_secret || one.value.is_null() || said.starts_with("(not shown"), "{}: {said}", one.key.place());
    }
    let again = read();
    assert_eq!(again.0.shown(), shown, "read otherwise the second time");
    assert_eq!(again.1.len(), faults.len());
    faults.is_empty()
}
