//! The SDK's copy of the WIT equals the project's, byte for byte.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect()
}

#[test]
fn the_copy_is_equal() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (copy, original) = (files(&sdk.join("wit")), files(&sdk.join("../../wit")));
    assert_eq!(copy.keys().collect::<Vec<_>>(), original.keys().collect::<Vec<_>>());
    for (name, bytes) in &original {
        assert!(copy.get(name) == Some(bytes), "guest-sdk/sdk/wit/{name} differs from wit/{name}: copy it again");
    }
}
