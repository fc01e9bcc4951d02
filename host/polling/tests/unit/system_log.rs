//! A System Log, against an organisation that answers as Okta documents it, and as networks do.

use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::TokenError;
use crate::fake::{Fault, Okta, TOKEN};

/// A second of pauses here.
const SECOND: Duration = Duration::from_millis(1);

struct Reads {
    okta: Okta,
    connections: Connections,
    log: SystemLog,
    /// The numbers of the records that were taken.
    taken: Vec<u64>,
}

impl Reads {
    fn new(records: usize) -> Reads {
        let okta = Okta::start();
        let limits = (Duration::from_secs(2), Duration::from_secs(2));
        let mut reads = Reads {
            log: log(&okta, None),
            connections: Connections::with_roots(Vec::new(), limits),
            okta,
            taken: Vec::new(),
        };
        reads.publish(records);
        reads
    }

    fn publish(&mut self, records: usize) {
        (0..records)
            .for_each(|_| self.okta.publish(|time, number| format!("{{\"uuid\":{number},\"published\":\"{time}\"}}")));
    }

    fn poll_with(&mut self, token: &str) -> Result<Page, LogError> {
        let request = self.log.request(&self.connections, &Token::read(token.as_bytes()).unwrap());
        self.log.take(request.send())
    }

    /// Asks once, and records what comes.
    fn poll(&mut self) -> Result<Page, LogError> {
        let page = self.poll_with(TOKEN)?;
        if page.records > 0 {
            let records: Vec<Value> = serde_json::from_slice(&page.body).unwrap();
            self.taken.extend(records.iter().map(|record| record["uuid"].as_u64().unwrap()));
        }
        self.log.recorded(page.clone());
        Ok(page)
    }

    fn fails(&mut self, fault: Fault) -> LogError {
        self.okta.fails(fault);
        let error = self.poll().unwrap_err();
        assert!(!error.why.contains(TOKEN), "{}", error.why);
        error
    }
}

fn log(okta: &Okta, bookmark: Option<&str>) -> SystemLog {
    SystemLog::open(&okta.origin(), None, bookmark, Pauses::with_second(SECOND)).unwrap()
}

#[test]
fn pages_are_followed_and_an_empty_one_stays_where_it_is() {
    let mut reads = Reads::new(2_300);
    let first = reads.poll().unwrap();
    assert_eq!((first.records, first.pause), (1_000, Duration::ZERO));
    assert_eq!(first.published, Some("2026-03-02T00:16:39Z".parse().unwrap()));
    assert_eq!(reads.poll().unwrap().records, 1_000);
    let last = reads.poll().unwrap();
    assert_eq!((last.records, last.pause), (300, SECOND * 10));
    let empty = reads.poll().unwrap();
    assert_eq!((empty.records, empty.published, empty.body.len()), (0, None, 0));
    assert_eq!(empty.bookmark, last.bookmark);
    reads.publish(2);
    // After a restart it goes on at the bookmark.
    reads.log = log(&reads.okta, Some(&empty.bookmark));
    reads.poll().unwrap();
    assert_eq!(reads.taken, (0..2_302).collect::<Vec<_>>());
    let asked = reads.okta.asked();
    assert_eq!(asked[0], "/api/v1/logs?limit=1000&sortOrder=ASCENDING");
    assert!(asked[1..].iter().all(|asked| asked.contains("after=")), "{asked:?}");
    assert!(!reads.okta.had_another_token());
}

#[test]
fn what_isnt_recorded_is_asked_for_again() {
    let mut reads = Reads::new(3);
    assert_eq!(reads.poll_with(TOKEN).unwrap().records, 3);
    assert_eq!(reads.poll_with(TOKEN).unwrap().records, 3);
    reads.poll().unwrap();
    assert_eq!(reads.poll().unwrap().records, 0);
}

#[test]
fn it_begins_at_a_time() {
    let mut reads = Reads::new(10);
    let since = Some("2026-03-02T00:00:07Z".parse().unwrap());
    reads.log = SystemLog::open(&reads.okta.origin(), since, None, Pauses::default()).unwrap();
    reads.poll().unwrap();
    assert_eq!(reads.taken, [7, 8, 9]);
    assert!(SystemLog::open("https://x", None, Some("{\"other\":1}"), Pauses::default()).is_err());
}

#[test]
fn a_limit_of_requests_is_waited_for_by_okta_s_own_clock() {
    let mut reads = Reads::new(1);
    // A clock of another year than this machine's.
    let limited = |reset| Fault::Limited { now: "Sun, 06 Nov 1994 08:49:37 GMT", reset };
    let error = reads.fails(limited(784_111_777 + 40));
    assert!((SECOND * 40..=SECOND * 42).contains(&error.pause), "{error:?}");
    let error = reads.fails(limited(0));
    assert!((SECOND..=SECOND * 3).contains(&error.pause), "{error:?}");
    let error = reads.fails(limited(u64::MAX));
    assert!(error.pause <= SECOND * 302, "{error:?}");
    let error = reads.fails(Fault::Limited { now: "yesterday", reset: 5 });
    assert!((SECOND * 60..=SECOND * 62).contains(&error.pause), "{error:?}");
    assert_eq!(reads.poll().unwrap().records, 1);
}

#[test]
fn failures_are_tried_again_ever_more_slowly() {
    let mut reads = Reads::new(5);
    for (failure, longest) in [(1_u32, 2_u32), (2, 4), (3, 8)] {
        let error = reads.fails(Fault::Status(503, "busy"));
        assert!((SECOND * longest / 2..=SECOND * longest).contains(&error.pause), "{failure}: {error:?}");
    }
    for fault in [
        Fault::Cut(7),
        Fault::Cut(0),
        Fault::Body("{\"records\":[]}"),
        Fault::Body("[{\"uuid\":1},"),
        Fault::Body("[{\"uuid\":1}] x"),
        Fault::Body(""),
    ] {
        let said = format!("{fault:?}");
        let error = reads.fails(fault);
        assert!(error.why.contains("expected a"), "{said}: {error}");
    }
    assert!(reads.fails(Fault::Slow(Duration::from_secs(3))).why.contains("in time"));
    assert_eq!(reads.poll().unwrap().records, 5);
    assert_eq!(reads.taken, [0, 1, 2, 3, 4]);
    // After a success it is the first failure again.
    assert!(reads.fails(Fault::Status(500, "")).pause <= SECOND * 2);
    let mut log = log(&reads.okta, None);
    for _ in 0..100 {
        assert!(log.failed(String::new()).pause <= SECOND * 300);
    }
}

#[test]
fn an_answer_that_is_too_large_isnt_held() {
    let mut reads = Reads::new(1);
    let error = reads.fails(Fault::Huge(usize::try_from(crate::request::MAX_BODY).unwrap() + 2));
    assert!(error.why.contains("64 MiB"), "{error}");
    assert_eq!(reads.poll().unwrap().records, 1);
}

#[test]
fn a_page_of_more_records_than_were_asked_for_isnt_taken() {
    let mut reads = Reads::new(1);
    for many in [LIMIT + 1, 200_000] {
        let body: &'static str = format!("[{}]", vec!["{}"; many].join(",")).leak();
        let error = reads.fails(Fault::Body(body));
        let expected = ["at most 1000 records", "more records than were asked for"];
        assert!(expected.iter().all(|part| error.why.contains(part)), "{error}");
    }
    let body: &'static str = format!("[{}]", vec!["{\"uuid\":7}"; LIMIT].join(",")).leak();
    reads.okta.fails(Fault::Body(body));
    assert_eq!(reads.poll().unwrap().records, LIMIT);
}

#[test]
fn what_a_person_has_to_mend_is_said_and_tried_slowly() {
    let mut reads = Reads::new(1);
    let error = reads.poll_with("another").unwrap_err();
    assert!(error.why.contains("token isn't valid") && error.why.contains("E0000011"), "{error}");
    let slow = SECOND * 150..=SECOND * 300;
    assert!(slow.contains(&error.pause), "{error:?}");
    for (fault, part) in [
        (Fault::Status(403, "{\"errorCode\":\"E0000006\",\"errorSummary\":\"No\\u001b permission\"}"), "may not read"),
        (Fault::Status(404, "<html>"), "no System Log"),
        (Fault::Status(400, ""), "refused"),
        (Fault::Status(204, ""), "refused"),
        (Fault::Redirect("http://127.0.0.1:9/"), "redirect"),
        (Fault::Next("https://evil.example/api/v1/logs?after=1"), "elsewhere"),
    ] {
        let error = reads.fails(fault);
        assert!(error.why.contains(part) && !error.why.contains('\u{1b}') && slow.contains(&error.pause), "{error:?}");
    }
    // Nothing of a page that leads elsewhere was taken.
    assert_eq!(reads.poll().unwrap().records, 1);
    assert_eq!(reads.taken, [0]);
}

#[test]
fn a_link_that_has_expired_is_replaced_by_the_last_record_s_time() {
    let mut reads = Reads::new(4);
    reads.poll().unwrap();
    reads.publish(2);
    assert!(reads.fails(Fault::Expired).why.contains("from a time on"));
    reads.poll().unwrap();
    // The last one comes twice, which is recognised when it is judged.
    assert_eq!(reads.taken, [0, 1, 2, 3, 3, 4, 5]);
    assert!(reads.okta.asked().last().unwrap().contains("since=2026-03-02T00:00:03Z&"));
    // Without a link it goes on from there as well.
    reads.publish(1);
    reads.okta.fails(Fault::NoLink);
    reads.poll().unwrap();
    reads.publish(1);
    reads.poll().unwrap();
    assert_eq!(reads.taken[7..], [6, 6, 7]);
}

#[test]
fn without_tls_or_a_known_certificate_nothing_is_read() {
    let reads = Reads::new(1);
    // It speaks no TLS, and answers whatever comes.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        listener.incoming().flatten().try_for_each(|mut stream| stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[]"))
    });
    let mut log = SystemLog::open(&origin, None, None, Pauses::default()).unwrap();
    let request = log.request(&reads.connections, &Token::read(TOKEN.as_bytes()).unwrap());
    let error = log.take(request.send()).unwrap_err();
    assert!(error.why.contains("TLS") && !error.why.contains(TOKEN), "{error}");
}

#[test]
fn a_token_is_never_shown() {
    let token = Token::read(format!(" {TOKEN}\n").as_bytes()).unwrap();
    let log = SystemLog::open("https://acme.okta.com", None, None, Pauses::default()).unwrap();
    let limits = (Duration::from_secs(1), Duration::from_secs(1));
    let request = log.request(&Connections::with_roots(Vec::new(), limits), &token);
    assert!(!format!("{token:?}{request:?}").contains(TOKEN));
    for bad in ["", " ", "a b", "a\nb", "ä", &"x".repeat(5_000)] {
        assert_eq!(Token::read(bad.as_bytes()).err(), Some(TokenError), "{bad}");
    }
}

#[test]
fn dates_are_those_of_http() {
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    for bad in ["", "Sun", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 6 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        assert_eq!(http_date(bad), None, "{bad}");
    }
}
