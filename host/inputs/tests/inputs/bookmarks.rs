//! Bookmarks: a file goes on after any of them with exactly the rest.

use std::fs;
use std::path::Path;

use countersign_formats::{CloudTrail, Record};
use countersign_inputs::{Bookmark, ByteInput, Input, ReadAs, merge};

use crate::{gzip, record, summary, utf_16, zstd};

/// The raw records of an input as text, each with its bookmark's text.
fn rest(input: &mut dyn Input) -> Vec<(String, String)> {
    let mut pieces = Vec::new();
    while let Some(delivered) = input.next() {
        pieces.push((format!("{:?}", delivered.piece), delivered.bookmark.to_string()));
    }
    pieces
}

fn events(input: ByteInput) -> Vec<Record> {
    merge(vec![(Box::new(input), ReadAs::format(&CloudTrail))]).records().collect()
}

fn check(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let whole = rest(&mut ByteInput::file(path));
    let decoded = events(ByteInput::file(path));
    assert!(whole.len() > 3, "{whole:?}");
    for (place, (_, bookmark)) in whole.iter().enumerate() {
        let bookmark: Bookmark = bookmark.parse().unwrap();
        let resumed = || ByteInput::resume(path, &bookmark).unwrap();
        assert_eq!(rest(&mut resumed()), whole[place + 1..], "after record {place}");
        assert_eq!(summary(&events(resumed())), summary(&decoded[place + 1..]), "after record {place}");
        // Suspended at any place and opened again, it goes on as well.
        let mut input = ByteInput::file(path);
        for _ in 0..=place {
            input.next().unwrap();
        }
        input.suspend();
        assert_eq!(rest(&mut input), whole[place + 1..], "suspended after record {place}");
    }
}

#[test]
fn a_file_goes_on_after_any_bookmark_with_exactly_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b, c) = (record("a"), record("b"), record("c"));
    for (place, text) in [
        format!("{a}\n\r\n{b}\nnot json\n{c}\n"),
        format!(r#"{{"Records":[{a},{b},7]}}[{c}, {a}] {b}"#),
        format!(r#"{{"Records":[{a},{b},{c},{a}"#),
        format!("{a}{b}\n{{\n  \"_source\": {c}\n}}\n{{\"log\":{:?}}}", format!("{a} {b}")),
    ]
    .iter()
    .enumerate()
    {
        check(&folder.path().join(format!("{place}.json")), text.as_bytes());
        check(&folder.path().join(format!("{place}.json.gz")), &gzip(text.as_bytes()));
        check(&folder.path().join(format!("{place}.json.zst")), &zstd(text.as_bytes()));
        check(&folder.path().join(format!("{place}.utf16")), &utf_16(text));
        check(&folder.path().join(format!("{place}.utf16.gz")), &gzip(&utf_16(text)));
        let members = [gzip(text.as_bytes()), gzip(format!("\n{c}").as_bytes())].concat();
        check(&folder.path().join(format!("{place}.members.gz")), &members[..members.len() - 5]);
    }
}

#[test]
fn a_shorter_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bookmark: Bookmark = "3.500.line".parse().unwrap();
    let text = record("a");
    for bytes in [text.clone().into_bytes(), gzip(text.as_bytes()), zstd(text.as_bytes()), utf_16(&text)] {
        fs::write(&path, bytes).unwrap();
        let error = ByteInput::resume(&path, &bookmark).err().unwrap();
        assert_eq!(error.to_string(), "expected at least the 500 bytes read before, got 66: it is another file");
    }
}

#[test]
fn a_file_that_is_gone_ends_in_a_dead_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, format!("{}\n{}\n", record("a"), record("b"))).unwrap();
    let mut input = ByteInput::file(&path);
    assert!(input.next().is_some());
    input.suspend();
    fs::remove_file(&path).unwrap();
    let rest = rest(&mut input);
    assert!(matches!(&rest[..], [(piece, _)] if piece.contains("Unreadable")), "{rest:?}");
}

#[test]
fn acknowledging_goes_forward_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, format!("{}\n{}\n", record("a"), record("b"))).unwrap();
    let mut input = ByteInput::file(&path);
    let first = input.next().unwrap().bookmark;
    let second = input.next().unwrap().bookmark;
    for (bookmark, acknowledged) in [(first, first), (second, second), (first, second), (second, second)] {
        assert_eq!(input.acknowledge(&bookmark), Ok(()));
        assert_eq!(input.acknowledged(), acknowledged);
    }
    let beyond: Bookmark = "3.900.line".parse().unwrap();
    let error = input.acknowledge(&beyond).unwrap_err();
    assert!(error.to_string().ends_with("got `3.900.line`; the last is `2.133.line`"), "{error}");
}
