//! The order in which several inputs come together.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_formats::{CloudTrail, Record, Records, Source, merge};

/// An input of records named by letter and second; `!` stands for a dead letter.
fn input(place: u32, records: &str) -> Records {
    let lines: String = records
        .split_whitespace()
        .map(|record| match record.split_at(1) {
            ("!", _) => "broken\n".to_owned(),
            (name, second) => format!(
                "{{\"eventID\":\"{name}{second}\",\"eventTime\":\"2024-05-01T00:00:{second:0>2}Z\",\"eventName\":\"X\"}}\n"
            ),
        })
        .collect();
    CloudTrail.read(Box::new(Cursor::new(lines)), place).unwrap()
}

fn check(inputs: &[&str], expected: &str) {
    let inputs = (0..).zip(inputs).map(|(place, records)| input(place, records)).collect();
    let order: Vec<String> = merge(inputs)
        .map(|record| match record {
            Record::Event { event, .. } => event.id.to_string(),
            Record::DeadLetter(letter) => format!("!{}", letter.input),
        })
        .collect();
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

#[test]
fn only_one_record_an_input_is_read_ahead() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let counted = input(0, "a1 a2 a3 a4").inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut joined = merge(vec![Box::new(counted), input(1, "b9")]);
    for taken in 0..4 {
        assert_eq!(read.load(Ordering::Relaxed), (taken + 1).min(4));
        assert!(joined.next().is_some());
    }
}
