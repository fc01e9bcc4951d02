//! Files that are newest first, which are read from their end.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_formats::{CloudTrail, Record};
use countersign_inputs::{InputError, Inputs, Reading, Received, Sources};
use tempfile::TempDir;

use crate::merge::{lines, name, processed};
use crate::{gzip, record};

const CLOUDTRAIL: Reading<'static> = Reading::Format(&CloudTrail);

/// Files in a folder of their own, by name.
fn folder(files: &[(&str, &[u8])]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, content)| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

/// The inputs, and which of them are read from their end.
fn turned(paths: &[PathBuf], reading: Reading<'_>) -> (Inputs, Vec<bool>) {
    let mut inputs = Inputs::open(paths, reading).unwrap();
    assert_eq!(inputs.turn().len(), 0);
    let turned: Vec<&Path> = inputs.turned().collect();
    let each = paths.iter().map(|path| turned.contains(&path.as_path())).collect();
    (inputs, each)
}

fn order(inputs: Inputs) -> String {
    inputs.merge(|bytes| bytes).unwrap().map(name).collect::<Vec<_>>().join(" ")
}

/// What becomes of one file.
fn of(content: impl AsRef<[u8]>) -> (String, bool) {
    let (_folder, paths) = folder(&[("events", content.as_ref())]);
    let (inputs, turned) = turned(&paths, CLOUDTRAIL);
    (order(inputs), turned[0])
}

#[test]
fn a_file_that_is_newest_first_is_read_from_its_end() {
    // Equal times too come in the order in which they were written.
    let newest_first = lines("e9 d5 c5 b5 a1");
    let expected = ("a1 b5 c5 d5 e9".to_owned(), true);
    assert_eq!(of(&newest_first), expected);
    assert_eq!(of(gzip(newest_first.as_bytes())), expected);
    let document = format!(r#"{{"Records":[{}]}}"#, newest_first.trim().replace('\n', ","));
    assert_eq!(of(&document), expected);
    assert_eq!(of(newest_first.replace('\n', "\r\n")), expected);
    assert_eq!(of(lines("b2 a1")), ("a1 b2".to_owned(), true));
    // A forged time in it delays nothing.
    let forged = lines(&format!("{} F2099 a3 a2 a1", (4..40).rev().map(|at| format!("a{at} ")).collect::<String>()));
    assert!(of(forged).0.starts_with("a1 a2 a3 F2099 a4 a5 "));
}

#[test]
fn any_other_file_is_read_as_it_is() {
    for records in ["", "a1", "a1 b1 c1", "a1 b2 c3", "b2 a1 c3", "c3 b2 a1 d4", "F2099 a1 a2", "! ! !", "a1 ! b2"] {
        let as_is = lines(records);
        let (_folder, paths) = folder(&[("events", as_is.as_bytes())]);
        let delivered = order(Inputs::open(&paths, CLOUDTRAIL).unwrap());
        assert_eq!(of(&as_is), (delivered, false), "{records}");
    }
}

/// A file of so many neighbours, of which some rise.
fn zigzag(neighbours: u32, rises: impl Fn(u32) -> bool) -> String {
    let mut second = 1_800_000_000_u32;
    let mut records = String::new();
    for neighbour in 0..=neighbours {
        let time = countersign_model::Timestamp(i64::from(second) * 1_000_000);
        records.push_str(&format!("{{\"eventID\":\"{neighbour}\",\"eventTime\":\"{time}\",\"eventName\":\"X\"}}\n"));
        second = if rises(neighbour) { second + 1 } else { second - 1 };
    }
    records
}

#[test]
fn nine_in_ten_of_the_first_neighbours_decide() {
    assert!(of(zigzag(100, |neighbour| neighbour % 10 == 3)).1);
    assert!(!of(zigzag(100, |neighbour| neighbour % 10 == 3 || neighbour == 7)).1);
    // What comes after the first 4,096 isn't asked, and of the first it doesn't matter which.
    assert!(of(zigzag(9_000, |neighbour| !(400..4_096).contains(&neighbour))).1);
    assert!(!of(zigzag(9_000, |neighbour| neighbour < 420)).1);
}

const SOURCES: &str = r#"
version = 1

[[source]]
name = "trail"
format = "cloudtrail"
tenants = ["aws:111122223333"]
path = ["**"]
"#;

#[test]
fn what_a_source_is_not_believed_about_turns_nothing() {
    let record = |second: i64, tenant: &str| {
        let time = countersign_model::Timestamp((1_800_000_000 + second) * 1_000_000);
        format!(
            "{{\"eventID\":\"{second}\",\"eventTime\":\"{time}\",\"eventName\":\"X\",\"recipientAccountId\":\"{tenant}\"}}\n"
        )
    };
    // After each genuine record twenty forged ones, newest first.
    let genuine = (0..50).map(|at| at * 100);
    let flooded: String = genuine
        .flat_map(|at| {
            let forged = (1..=20).rev().map(move |before| record(at - before * 1_000, "999900001111"));
            std::iter::once(record(at, "111122223333")).chain(forged)
        })
        .collect();
    let sources = Sources::parse(SOURCES).unwrap();
    let (_folder, paths) = folder(&[("events", flooded.as_bytes())]);
    assert_eq!(turned(&paths, Reading::Sources(&sources)).1, [false]);
    // Where its source is believed about nothing, all records count.
    let all: String = (0..50).rev().map(|at| record(at, "999900001111")).collect();
    let (_folder, paths) = folder(&[("events", all.as_bytes())]);
    assert_eq!(turned(&paths, Reading::Sources(&sources)).1, [true]);
}

#[test]
fn records_keep_their_places_in_the_file() {
    let content = format!("{}\nbroken\n{}", record("b").replace(":00Z", ":09Z"), record("a"));
    let (_folder, paths) = folder(&[("events", content.as_bytes())]);
    let (inputs, _) = turned(&paths, CLOUDTRAIL);
    let places: Vec<(u64, u64)> = inputs
        .merge(|bytes| bytes)
        .unwrap()
        .map(|received| match received.record {
            Record::Event { event, .. } => (event.raw.ordinal, event.raw.offset),
            Record::DeadLetter(letter) => (letter.ordinal, letter.offset),
        })
        .collect();
    let (first, length) = (record("b").len() as u64, "broken".len() as u64);
    assert_eq!(places, [(2, first + 1 + length + 1), (1, first + 1), (0, 0)]);
}

#[test]
fn one_file_is_turned_and_another_is_not_and_many_are_not_held_at_once() {
    let (_folder, paths) = folder(&[("a", lines("a9 a5 a1").as_bytes()), ("b", lines("b2 b6 b8").as_bytes())]);
    let (inputs, each) = turned(&paths, CLOUDTRAIL);
    assert_eq!((order(inputs).as_str(), each), ("a1 b2 a5 b6 b8 a9", vec![true, false]));

    let contents: Vec<(String, String)> = (0..100)
        .map(|file| {
            let second = file % 50;
            let newest_first = format!("a{} a{} a{second}", second + 9, second + 1);
            (format!("{file:03}"), lines(&newest_first))
        })
        .collect();
    let files: Vec<(&str, &[u8])> =
        contents.iter().map(|(name, content)| (name.as_str(), content.as_bytes())).collect();
    let (_folder, paths) = folder(&files);
    let (inputs, each) = turned(&paths, CLOUDTRAIL);
    assert!(each.iter().all(|turned| *turned));
    let merged = order(inputs);
    let seconds: Vec<u32> = merged.split(' ').map(|name| name[1..].parse().unwrap()).collect();
    assert!(seconds.len() == 300 && seconds.is_sorted(), "{merged}");
}

#[test]
fn after_any_record_the_rest_comes_in_the_same_order() {
    let (_folder, paths) = folder(&[
        ("a", &gzip(lines("a9 a8 ! a7 a6 a5 F2099 a5 a4 a3 a2 a1").as_bytes())),
        ("b", lines("b2 b6 b8 !").as_bytes()),
    ]);
    let all: Vec<Received> = turned(&paths, CLOUDTRAIL).0.merge(|bytes| bytes).unwrap().collect();
    assert_eq!(all.len(), 16);
    for at in 0..=all.len() {
        let (inputs, _) = turned(&paths, CLOUDTRAIL);
        let resumed: Vec<Received> = inputs.resume(|bytes| bytes, processed(&all[..at], 2)).ok().unwrap().collect();
        let rest = |all: &[Received]| all.iter().map(|one| (name(one.clone()), one.turn)).collect::<Vec<_>>();
        assert_eq!(rest(&resumed), rest(&all[at..]), "after record {at}");
    }
}

#[test]
fn a_file_is_read_from_the_same_end_as_before_and_refused_once_it_is_another() {
    let (_folder, paths) = folder(&[("a", lines("a2 a1").as_bytes())]);
    let path = &paths[0];
    let all: Vec<Received> = turned(&paths, CLOUDTRAIL).0.merge(|bytes| bytes).unwrap().collect();
    let resume = |at: usize| turned(&paths, CLOUDTRAIL).0.resume(|bytes| bytes, processed(&all[..at], 1));
    assert_eq!(resume(2).ok().unwrap().count(), 0);
    // Newer records before those that were processed: they come after them.
    fs::write(path, lines("a7 a2 a1")).unwrap();
    assert_eq!(resume(2).ok().unwrap().map(name).collect::<Vec<_>>(), ["a7"]);
    // By now it isn't newest first any more, but it was read so.
    fs::write(path, lines("a7 a8 a9 a2 a1")).unwrap();
    assert_eq!(resume(2).ok().unwrap().map(name).collect::<Vec<_>>(), ["a9", "a8", "a7"]);
    // Older records behind them would come first.
    fs::write(path, lines("a2 a1 a0")).unwrap();
    assert!(matches!(resume(2).err().unwrap().as_slice(), [InputError::Changed(_)]));

    // The other way round: what was read as it is goes on so.
    fs::write(path, lines("a1")).unwrap();
    let all: Vec<Received> = turned(&paths, CLOUDTRAIL).0.merge(|bytes| bytes).unwrap().collect();
    fs::write(path, lines("a1 a0")).unwrap();
    let (inputs, each) = turned(&paths, CLOUDTRAIL);
    assert_eq!(each, [true]);
    let rest = inputs.resume(|bytes| bytes, processed(&all, 1)).ok().unwrap();
    assert_eq!(rest.map(name).collect::<Vec<_>>(), ["a0"]);
}

#[test]
fn a_file_of_too_many_records_is_left_out_by_itself() {
    let mut content = zigzag(4_097, |_| false);
    let beginning = content.lines().count();
    content.push_str(&"{}\n".repeat(1_000_000 - beginning));
    let (folder, mut paths) = folder(&[("large", content.as_bytes()), ("b", lines("b1 b2").as_bytes())]);
    let (_, each) = turned(&paths, CLOUDTRAIL);
    assert_eq!(each, [true, false]);

    content.push_str("{}\n");
    fs::write(&paths[0], gzip(content.as_bytes())).unwrap();
    let mut inputs = Inputs::open(&paths, CLOUDTRAIL).unwrap();
    let errors = inputs.turn();
    let [error @ InputError::NewestFirst { .. }] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(error.to_string().contains("at most 1000000 records") && error.to_string().contains("tac"), "{error}");
    assert_eq!((inputs.len(), order(inputs).as_str()), (2, "b1 b2"));

    // Oldest first it may be as large as it likes.
    let oldest_first = zigzag(4_097, |_| true) + &"{}\n".repeat(1_000_000);
    fs::write(&paths[0], oldest_first).unwrap();
    paths.pop();
    assert_eq!(turned(&paths, CLOUDTRAIL).1, [false]);
    drop(folder);
}
