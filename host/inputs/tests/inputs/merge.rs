//! The order in which several inputs come together.

use std::fs;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_formats::{CloudTrail, Ocsf, Record};
use countersign_inputs::{
    Bookmark, ByteInput, Input, InputId, InputRecord, Inputs, NotDelivered, ReadAs, Reading, Received, WithFormat,
    merge,
};

/// Records named by letter and second; `!` stands for a dead letter.
fn lines(records: &str) -> String {
    records
        .split_whitespace()
        .map(|record| match record.split_at(1) {
            ("!", _) => "broken\n".to_owned(),
            (name, second) => format!(
                "{{\"eventID\":\"{name}{second}\",\"eventTime\":\"2024-05-01T00:00:{second:0>2}Z\",\"eventName\":\"X\"}}\n"
            ),
        })
        .collect()
}

fn input(records: &str) -> ByteInput {
    ByteInput::once(InputId::from("memory"), Box::new(Cursor::new(lines(records)))).unwrap()
}

fn with_format(input: impl Input + 'static) -> WithFormat {
    (Box::new(input), ReadAs::format(&CloudTrail))
}

fn name(received: Received) -> String {
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
fn only_one_record_an_input_is_read_ahead() {
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Counted(input("a1 a2 a3 a4"), Arc::clone(&read));
    let mut joined = merge(vec![with_format(counted), with_format(input("b9"))]);
    for taken in 0..4 {
        assert_eq!(read.load(Ordering::Relaxed), (taken + 1).min(4));
        assert!(joined.next().is_some());
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
