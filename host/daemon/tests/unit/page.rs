//! Pages: what they take, where they go on, and that each record is on one of them.

use countersign_audit::Record;
use countersign_audit::record::{Header, TimePassed};
use countersign_model::DigestKey;
use countersign_store::{Commit, MemoryStore, Store as _};
use serde_json::json;

use super::*;

fn store(times: u64) -> MemoryStore {
    let mut store = MemoryStore::new();
    let mut records = vec![Record::Header(Header::new("0", &DigestKey::public()))];
    records.extend((0..times).map(|position| Record::Time(TimePassed { position, at: Timestamp(0) })));
    let expected = store.head().unwrap();
    store.commit(Commit { records: &records, ..Commit::empty(expected) }).unwrap();
    store
}

fn numbers(page: &Page) -> Vec<u64> {
    let seq = |record: &RawValue| serde_json::from_str::<Value>(record.get()).unwrap()["seq"].as_u64().unwrap();
    page.items.iter().map(|record| seq(record)).collect()
}

#[test]
fn each_record_is_on_one_page() {
    let store = store(2_500);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let read = page(&store, "time", &Paging { after, limit: 999, ..Paging::default() }).unwrap();
        all.extend(numbers(&read));
        after = Some(read.next);
        if read.items.is_empty() {
            break;
        }
    }
    assert_eq!(all, (1..=2_500).collect::<Vec<_>>());
    assert_eq!(after, Some(2_500));
}

#[test]
fn past_the_end_is_the_end() {
    let store = store(3);
    for after in [3, 4, u64::MAX] {
        let read = page(&store, "time", &Paging { after: Some(after), limit: 9, ..Paging::default() }).unwrap();
        assert_eq!((numbers(&read), read.next), (Vec::new(), 3), "{after}");
    }
    let empty = page(&MemoryStore::new(), "time", &Paging { after: Some(7), limit: 9, ..Paging::default() }).unwrap();
    assert_eq!((empty.items.len(), empty.next), (0, 0));
    assert_eq!(numbers(&page(&store, "header", &Paging { limit: 9, ..Paging::default() }).unwrap()), [0]);
}

#[test]
fn what_is_asked_for_is_taken() {
    let finding = json!({"type": "finding", "rule": "a/b", "account": "aws:1:x", "event_time": "2026-03-02T00:00:00Z"});
    let decision = json!({
        "type": "decision", "rule": {"id": "a/b"}, "event_time": "2026-03-02T00:00:00Z",
        "decision": {"kind": "deny", "account": "aws:1:x"},
    });
    let paging = Paging::default;
    let time = |text: &str| Some(text.parse().unwrap());
    for (paging, takes) in [
        (paging(), [true, true]),
        (Paging { rule: Some("a/b".to_owned()), ..paging() }, [true, true]),
        (Paging { rule: Some("a/c".to_owned()), ..paging() }, [false, false]),
        (Paging { account: Some("aws:1:x".to_owned()), ..paging() }, [true, true]),
        (Paging { account: Some("aws:1".to_owned()), ..paging() }, [false, false]),
        (Paging { decision: Some(DecisionKind::Deny), ..paging() }, [false, true]),
        (Paging { decision: Some(DecisionKind::Execute), ..paging() }, [false, false]),
        (Paging { since: time("2026-03-02T00:00:00Z"), ..paging() }, [true, true]),
        (Paging { since: time("2026-03-02T00:00:01Z"), ..paging() }, [false, false]),
    ] {
        assert_eq!([&finding, &decision].map(|record| paging.takes(record)), takes, "{paging:?}");
    }
    assert!(!Paging { account: Some("x".to_owned()), ..paging() }.takes(&json!({"type": "finding", "account": null})));
}
