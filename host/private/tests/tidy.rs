//! No other code of the host makes files or folders, but for those that are listed here with what they hold.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::fs;
use std::path::{Path, PathBuf};

/// What makes a file or a folder.
const MAKES: &[&str] = &[
    "File::create",
    "File::options",
    "OpenOptions",
    "DirBuilder",
    "fs::write",
    "fs::copy",
    "fs::create_dir",
    "create_dir_all",
];

/// Where something else is made than evidence, and what.
const OTHERS: &[(&str, &str)] = &[
    ("artefacts/src/directory.rs", "the cache's directory, with checks of its own"),
    ("build/src/script.rs", "a build script's table of rules"),
    ("countersign/src/files.rs", "components and generated telemetry"),
    ("countersign/src/rule/new.rs", "a new rule"),
    ("inputs/src/tail/file.rs", "a followed file, opened for reading alone and without waiting"),
    ("private/src/folder.rs", "this crate"),
    ("private/src/open.rs", "this crate"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn evidence_is_written_through_this_crate_alone() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for entry in fs::read_dir(host).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            sources(&source, &mut files);
        }
    }
    let mut making = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        // Tests come last in a file.
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        let name = file.strip_prefix(host).unwrap().to_str().unwrap().to_owned();
        if MAKES.iter().any(|makes| code.contains(makes)) {
            making.push(name);
        }
    }
    making.sort();
    let listed: Vec<&str> = OTHERS.iter().map(|(name, _)| *name).collect();
    assert!(files.len() > 100, "the sources weren't found");
    assert_eq!(making, listed, "write evidence through `countersign-private`; list anything else here");
}
