//! An event log: what its answers mean. Against a real directory it is read in `tests/tests/outside/directory.rs`.

use super::*;

/// A second of pauses here.
const SECOND: Duration = Duration::from_millis(1);

fn log(bookmark: Option<&str>) -> EventLog {
    EventLog::open("http://127.0.0.1:1", bookmark, Pauses::with_second(SECOND)).unwrap()
}

fn answer(status: u16, cursor: Option<&str>, body: &str) -> Result<Answer, RequestError> {
    let cursor = cursor.map(str::to_owned);
    let body = body.as_bytes().to_vec();
    Ok(Answer { status, links: Vec::new(), reset: None, date: None, retry_after: Some("2".to_owned()), cursor, body })
}

fn lines(from: u64, to: u64) -> String {
    (from..=to).map(|number| format!("{{\"sequence\":{number},\"time\":\"2026-03-02T09:00:00Z\"}}\n")).collect()
}

#[test]
fn a_log_goes_on_after_what_is_recorded() {
    let mut log = log(None);
    let page = log.take(answer(200, Some("a1.2"), &lines(1, 2))).unwrap();
    assert_eq!((page.records, page.bookmark.as_str(), page.pause), (2, "a1.2", SECOND));
    assert!(page.published.is_some());
    // It isn't recorded: the same comes again.
    let again = log.take(answer(200, Some("a1.2"), &lines(1, 2))).unwrap();
    assert_eq!(page, again);
    log.recorded(again);
    let page = log.take(answer(200, Some("a1.1002"), &lines(3, 1_002))).unwrap();
    assert_eq!((page.records, page.pause), (1_000, Duration::ZERO));
    log.recorded(page);
    let empty = log.take(answer(200, Some("a1.1002"), "")).unwrap();
    assert_eq!((empty.records, empty.body.len()), (0, 0));
}

#[test]
fn what_has_gaps_is_taken_again() {
    for (cursor, body) in [
        (Some("a1.4"), lines(4, 4)),
        (Some("a1.5"), lines(3, 4)),
        (Some("a1.2"), lines(2, 2)),
        (Some("a1.1003"), lines(3, 1_003)),
        (None, lines(3, 3)),
        (Some("../x.3"), lines(3, 3)),
        (Some("a1.3"), "{\"sequence\":3".to_owned()),
        (Some("a1.3"), "[]".to_owned()),
    ] {
        let mut log = log(Some("a1.2"));
        let error = log.take(answer(200, cursor, &body)).unwrap_err();
        assert!(error.why.starts_with("expected") && !error.pause.is_zero(), "{error}");
        assert_eq!(log.after, Some(Cursor::read("a1.2").unwrap()));
    }
}

#[test]
fn another_log_is_read_from_its_beginning_and_limits_are_waited_for() {
    let mut log = log(Some("a1.2"));
    let limited = log.take(answer(429, None, "")).unwrap_err();
    assert!(limited.pause >= 2 * SECOND, "{:?}", limited.pause);
    for status in [401, 403, 404, 302, 400, 500, 503] {
        assert!(log.take(answer(status, None, "{\"detail\":\"no\"}")).unwrap_err().why.contains("no"), "{status}");
    }
    assert!(log.after.is_some());
    assert!(log.take(answer(410, None, "")).is_err());
    assert_eq!(log.after, None);
    log.take(answer(200, Some("b2.1"), &lines(1, 1))).unwrap();
    for bookmark in ["", "a1", "a1.", ".1", "a1.x", "a-1.1", "{}"] {
        assert!(EventLog::open("http://127.0.0.1", Some(bookmark), Pauses::default()).is_err(), "{bookmark}");
    }
}
