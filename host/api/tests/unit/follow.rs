//! Requests that wait: they are answered with the commit, or when they have waited long enough, or when the server ends.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use super::*;
use crate::Limits;
use crate::support::{LONG, Served};

/// A record that can't be used: a dead letter.
const DEAD: &[u8] = b"{}\n";

fn ask(served: &Served, what: &str) -> (u16, String) {
    served.ask(&format!("GET {what}"), "", b"")
}

#[test]
fn a_request_is_answered_with_the_commit() {
    let served = Served::start(Limits::default());
    let began = Instant::now();
    let (status, body) = ask(&served, "/v1/dead-letters?wait=200ms");
    assert!(status == 200 && body.contains("\"items\":[]"), "{body}");
    assert!(began.elapsed() >= Duration::from_millis(200));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| (ask(&served, "/v1/dead-letters?after=1&wait=30s"), Instant::now()));
        let judged = scope.spawn(|| ask(&served, "/v1/status?batch=1&host=99&wait=30s"));
        // Nothing else is committed meanwhile.
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished() && !judged.is_finished());
        let sent = Instant::now();
        assert_eq!(served.ask("POST /v1/sources/trail/events", "", DEAD).0, 202);
        let ((status, body), answered) = waiting.join().unwrap();
        assert!(status == 200 && body.contains("\"type\":\"dead-letter\""), "{body}");
        assert!(answered - sent < Duration::from_secs(10), "{:?}", answered - sent);
        let (status, body) = judged.join().unwrap();
        assert!(status == 200 && body.contains("\"batch\":2"), "{body}");
    });
    // What is there already isn't waited for.
    let began = Instant::now();
    assert!(ask(&served, "/v1/dead-letters?wait=30s").1.contains("dead-letter"));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_end_of_the_server_ends_them() {
    let mut served = Served::start(Limits::default());
    let socket = served.socket();
    let (answer, answered) = sync_channel(1);
    let mut stream = crate::support::connect(&socket);
    std::thread::spawn(move || {
        use std::io::Write as _;
        stream.write_all(b"GET /v1/findings?after=9&wait=30s HTTP/1.1\r\nHost: c\r\n\r\n").unwrap();
        answer.send(crate::support::answer(&mut stream)).unwrap();
    });
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    served.stop_serving();
    let body = answered.recv_timeout(LONG).unwrap();
    assert!(body.contains("\"items\":[]"), "{body}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn only_so_many_wait() {
    let served = Served::start(Limits::default());
    let followers = Followers { reached: watch::channel(Reached::default()).0, free: Arc::new(Semaphore::new(1)) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut first = followers.wait(Duration::from_secs(60)).unwrap();
        assert!(followers.wait(Duration::from_secs(60)).is_err());
        followers.reached.send_modify(|reached| reached.records = 5);
        assert!(first.records(4).await);
        followers.end();
        assert!(!first.records(4).await && !first.judged(9, 9).await);
        drop(first);
        assert!(followers.wait(Duration::ZERO).is_ok());
    });
    for wrong in ["wait=31s", "wait=soon", "wait=5", "waits=5s", "decision=maybe", "since=today", "limit=0"] {
        assert_eq!(ask(&served, &format!("/v1/decisions?{wrong}")).0, 400, "{wrong}");
    }
    assert_eq!(ask(&served, "/v1/decisions?decision=deny&rule=a/b&account=aws:1:x&since=2026-03-02T00:00:00Z").0, 200);
}
