//! The order in which several inputs come together.

use std::fs;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_formats::{CloudTrail, Ocsf, Record};
use countersign_inputs::{
    Bookmark, ByteInput, Input, InputId, InputRecord, Inputs, NotDelivered, Processed, ReadAs, Reading, Received,
    WithFormat, merge, resume,
};
use countersign_model::Timestamp;
use proptest::prelude::*;

/// Records named by letter and second, or year; `!` stands for a dead letter.
pub(crate) fn lines(records: &str) -> String {
    records
        .split_whitespace()
        .map(|record| {
            let time = match record.split_at(1) {
                ("!", _) => return "broken\n".to_owned(),
                (_, year) if year.len() == 4 => format!("{year}-01-01T00:00:00Z"),
                (_, second) => format!("2024-05-01T00:00:{second:0>2}Z"),
            };
            format!("{{\"eventID\":\"{record}\",\"eventTime\":\"{time}\",\"eventName\":\"X\"}}\n")
        })
        .collect()
}

fn input(records: &str) -> ByteInput {
    ByteInput::once(InputId::from("memory"), Box::new(Cursor::new(lines(records)))).unwrap()
}

fn with_format(input: impl Input + 'static) -> WithFormat {
    (Box::new(input), ReadAs::format(&CloudTrail))
}

pub(crate) fn name(received: Received) -> String {
    match received.record {
        Record::Event { event, .. } => event.id.to_string(),
        Record::DeadLetter(letter) => format!("!{}", letter.input),
    }
}

fn check(inputs: &[&str], expected: &str) {
    let inputs = inputs.iter().map(|records| with_format(input(records))).collect();
    let order: Vec<String> = merge(inputs).map(name).collect();
    assert_eq!(order.join(" "), expected);
}

#[test]
fn inputs_join_by_time_then_by_argument_then_by_ordinal() {
    check(&[], "");
    check(&["", ""], "");
    check(&["a1 a3 a5"], "a1 a3 a5");
    check(&["a1 a3 a5", "b2 b3 b4", "c0"], "c0 a1 b2 a3 b3 b4 a5");
    check(&["a1 b1", "c1 d1"], "a1 b1 c1 d1");
}

#[test]
fn within_an_input_the_order_of_delivery_stays() {
    check(&["a5 a1 a6", "b2 b7"], "b2 a5 a1 a6 b7");
}

#[test]
fn dead_letters_come_where_their_input_has_them() {
    check(&["a1 ! a4 !", "! b1 ! b3"], "!1 a1 !0 b1 !1 b3 a4 !0");
}

/// Counts the records that are read.
struct Counted(ByteInput, Arc<AtomicUsize>);

impl Input for Counted {
    fn id(&self) -> &InputId {
        self.0.id()
    }

    fn next(&mut self) -> Option<InputRecord<'_>> {
        let record = self.0.next();
        self.1.fetch_add(usize::from(record.is_some()), Ordering::Relaxed);
        record
    }

    fn acknowledge(&mut self, bookmark: &Bookmark) -> Result<(), NotDelivered> {
        self.0.acknowledge(bookmark)
    }
}

#[test]
fn as_many_records_of_an_input_are_read_ahead_as_say_whether_a_time_is_believed() {
    let read = Arc::new(AtomicUsize::new(0));
    let records: Vec<String> = (0..40).map(|second| format!("a{second}")).collect();
    let counted = Counted(input(&records.join(" ")), Arc::clone(&read));
    let mut joined = merge(vec![with_format(counted), with_format(input("b59"))]);
    for taken in 0..40 {
        assert_eq!(read.load(Ordering::Relaxed), (taken + 16).min(40));
        assert!(joined.next().is_some());
    }
    // Dead letters say nothing, and aren't held without end.
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Counted(input(&"! ".repeat(1_000)), Arc::clone(&read));
    let _joined = merge(vec![with_format(counted)]);
    assert_eq!(read.load(Ordering::Relaxed), 64);
}

#[test]
fn a_forged_time_delays_no_other_record() {
    // First, in the middle, and several in a row that agree with each other.
    check(&["F2099 a1 a3", "b2 b4"], "F2099 a1 b2 a3 b4");
    check(&["a1 F2099 a3 a5", "b2 b4 b6"], "a1 b2 F2099 a3 b4 a5 b6");
    check(
        &["a1 F2099 F2098 F2099 F2097 a2 a3 a4 a5 a6 a7", "b2 b3 b9"],
        "a1 F2099 F2098 F2099 F2097 a2 b2 a3 b3 a4 a5 a6 a7 b9",
    );
    // Every second record, in each of two inputs.
    check(&["F2099 a1 F2099 a2 F2098 a3", "b1 G2099 b2 G2097 b3"], "F2099 a1 b1 F2099 a2 G2099 b2 F2098 a3 G2097 b3");
    // All of an input: nothing else in it waits.
    check(&["F2099 F2098 F2099", "b1 b2"], "b1 b2 F2099 F2098 F2099");
    // The last one.
    check(&["a1 F2099", "b2 b3"], "a1 b2 b3 F2099");
    // A time long ago delays nothing, nor does it bring others forward.
    check(&["P1970 a3 a5", "b2 b4"], "P1970 b2 a3 b4 a5");
    check(&["a3 P1970 a5 a6 a7", "b2 b4"], "b2 a3 P1970 b4 a5 a6 a7");
    // Neither do what isn't an event and a forged time together.
    check(&["! F2099 ! a3", "b2 b4"], "!0 b2 F2099 !0 a3 b4");
}

/// Inputs in the order of time, in each of which some records are preceded by forged ones.
fn forged_inputs() -> impl Strategy<Value = Vec<Vec<(u32, bool)>>> {
    let input = prop::collection::vec((0u32..60, any::<bool>()), 0..12);
    prop::collection::vec(input, 1..4).prop_map(|mut inputs| {
        inputs.iter_mut().for_each(|input| input.sort_unstable());
        inputs
    })
}

proptest! {
    #[test]
    fn genuine_records_come_in_the_order_in_which_they_come_without_forged_ones(inputs in forged_inputs()) {
        let order = |forged: bool| {
            let text = |(place, input): (usize, &Vec<(u32, bool)>)| {
                let letter = char::from(b'a' + u8::try_from(place).unwrap());
                let records = input.iter().map(|(second, before)| {
                    let forged = if *before && forged { "F2099 " } else { "" };
                    format!("{forged}{letter}{second} ")
                });
                with_format(self::input(&records.collect::<String>()))
            };
            let merged = merge(inputs.iter().enumerate().map(text).collect());
            merged.map(name).filter(|name| !name.starts_with('F')).collect::<Vec<_>>()
        };
        prop_assert_eq!(order(true), order(false));
    }
}

#[test]
fn each_record_says_when_it_had_its_turn_and_what_another_input_has_still_to_come_to() {
    let inputs = ["a1 F2099 a3", "! b2"].map(|records| with_format(input(records)));
    let second = |time: Timestamp| time.micros() / 1_000_000 - 1_714_521_600;
    let seen: Vec<_> = merge(inputs.into())
        .map(|received| {
            let (turn, others) = (received.turn, received.others);
            (name(received), (turn > Timestamp::MIN).then(|| second(turn)), others.map(second))
        })
        .collect();
    let expected = [
        ("!1", None, Some(1)),
        ("a1", Some(1), Some(2)),
        ("b2", Some(2), Some(3)),
        ("F2099", Some(3), None),
        ("a3", Some(3), None),
    ];
    assert_eq!(seen, expected.map(|(name, turn, others)| (name.to_owned(), turn, others)));
}

/// How far each input is processed after these records.
pub(crate) fn processed(records: &[Received], inputs: usize) -> Vec<Processed> {
    let mut processed = vec![Processed::default(); inputs];
    for received in records {
        let (input, digest) = match &received.record {
            Record::Event { event, .. } => (event.raw.input, event.raw.digest),
            Record::DeadLetter(letter) => (letter.input, letter.digest),
        };
        let place = &mut processed[input as usize];
        place.records += 1;
        (place.bookmark, place.time, place.turned) = (received.bookmark, received.turn, received.turned);
        place.content = Processed::content_after(&place.content, &digest);
    }
    processed
}

#[test]
fn after_any_record_the_rest_comes_in_the_same_order() {
    let texts = ["a1 F2099 ! a3 F2098 F2099 a4 a5 a6 !", "! b2 G2099 ! ! b4 b9", "c1 c3 c5 H2099"];
    let inputs = || texts.map(|records| with_format(input(records)));
    let all: Vec<Received> = merge(inputs().into()).collect();
    for at in 0..=all.len() {
        let processed = processed(&all[..at], texts.len());
        let resumed = resume(inputs().into_iter().zip(processed.into_iter().map(Some)).collect()).unwrap();
        let rest =
            |all: &[Received]| all.iter().map(|one| (name(one.clone()), one.turn, one.others)).collect::<Vec<_>>();
        assert_eq!(rest(&resumed.collect::<Vec<_>>()), rest(&all[at..]), "after record {at}");
    }
}

#[test]
fn inputs_of_several_formats_join_and_records_without_an_id_are_counted_for_each_input() {
    let bare = "{\"eventTime\":\"2024-05-01T00:00:01Z\",\"eventName\":\"X\"}\n";
    let memory = |text: &str| -> Box<dyn Input> {
        Box::new(ByteInput::once(InputId::from("memory"), Box::new(Cursor::new(text.to_owned()))).unwrap())
    };
    let ocsf = "{\"class_uid\":3002,\"time\":1714521600000,\"metadata\":{\"uid\":\"o\"}}\n";
    let inputs: Vec<WithFormat> = vec![
        (memory(&bare.repeat(2)), ReadAs::format(&CloudTrail)),
        (memory(ocsf), ReadAs::format(&Ocsf)),
        (memory(bare), ReadAs::format(&CloudTrail)),
    ];
    let names: Vec<String> = merge(inputs).map(name).collect();
    let ends: Vec<&str> = names.iter().map(|name| name.rsplit('-').next().unwrap()).collect();
    assert_eq!(ends, ["o", "0", "1", "0"]);
}

#[test]
fn what_was_delivered_can_be_acknowledged_and_nothing_else() {
    let mut joined = merge(vec![with_format(input("a1 a2")), with_format(input("b3"))]);
    let first = joined.next().unwrap().bookmark;
    assert_eq!(joined.acknowledge(0, &first), Ok(()));
    // The other input's only record is read, but not two.
    let beyond: Bookmark = "2.134.line".parse().unwrap();
    let error = joined.acknowledge(1, &beyond).unwrap_err();
    assert_eq!((error.bookmark, error.delivered.to_string()), (beyond, "1.67.line".to_owned()));
}

#[test]
fn many_files_are_not_open_at_once_before_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..100 {
        let second = file % 60;
        fs::write(folder.path().join(format!("{file:03}")), lines(&format!("a{second} b{second}"))).unwrap();
    }
    let open = Arc::new(AtomicUsize::new(0));
    /// Counts itself as long as it is open.
    struct Opened(Box<dyn Read + Send>, Arc<AtomicUsize>);
    impl Read for Opened {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Drop for Opened {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let counter = Arc::clone(&open);
    let inputs = Inputs::open(&[folder.path().to_owned()], Reading::Format(&CloudTrail)).unwrap();
    let merged = inputs
        .merge(move |bytes| {
            counter.fetch_add(1, Ordering::Relaxed);
            Box::new(Opened(bytes, Arc::clone(&counter)))
        })
        .unwrap();
    let mut most = 0;
    let names: Vec<String> = merged
        .map(|received| {
            most = most.max(open.load(Ordering::Relaxed));
            name(received)
        })
        .collect();
    assert_eq!(names.len(), 200);
    assert_eq!(names.iter().filter(|name| name.starts_with('!')).count(), 0);
    assert!(most <= 2, "{most} were open at once");
    assert_eq!(open.load(Ordering::Relaxed), 0);
}
