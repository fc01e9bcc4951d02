//! Callers that send what no client sends, to a server on a socket: each is answered or cut off in time and memory, and the
//! server goes on.

use std::fs;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Limits;
use crate::server::{MAX_BODY, ROUTES};
use crate::support::{Served, answer, status, too_large_in_chunks};

/// An endpoint that takes a large body.
const EVENTS: &str = "POST /v1/sources/trail/events";

fn lives(served: &Served) {
    assert_eq!(served.ask("GET /livez", "", b"").0, 200);
}

fn code(answer: &str) -> &str {
    let code = answer.split("urn:countersign:problem:").nth(1).unwrap_or_else(|| panic!("no problem: {answer}"));
    code.split('"').next().unwrap()
}

#[test]
fn bodies_that_are_too_large_are_refused() {
    let served = Served::start(Limits::default());
    let head = |length: &str| format!("{EVENTS} HTTP/1.1\r\nHost: c\r\n{length}\r\n\r\n");
    // At once where it is said before, without the body.
    let started = Instant::now();
    let refused = served.raw(head(&format!("Content-Length: {}", MAX_BODY + 1)).as_bytes());
    assert_eq!(status(&refused), 413, "{refused}");
    assert!(started.elapsed() < Duration::from_secs(5));
    // As it comes where it isn't.
    let chunked = too_large_in_chunks(&head("Transfer-Encoding: chunked"));
    let refused = served.raw(&chunked);
    assert_eq!(status(&refused), 413, "{refused}");
    // What people say about a change is shorter.
    let body = format!("{{\"reason\": \"{}\"}}", "x".repeat(70_000));
    let (status, refused) = served.ask("POST /v1/apply", "Content-Type: application/json\r\n", body.as_bytes());
    assert_eq!(status, 413, "{refused}");
    lives(&served);
    assert_eq!(served.host.status().recorder.last, 0);
}

/// Writes so many bytes of a repeated text.
fn repeat(text: &[u8], bytes: usize, mut to: impl std::io::Write) {
    let block = text.repeat((1 << 20) / text.len());
    for _ in 0..bytes / block.len() {
        to.write_all(&block).unwrap();
    }
}

/// So many bytes of a repeated text, packed.
fn bomb(text: &[u8], bytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    repeat(text, bytes, &mut packed);
    packed.finish().unwrap()
}

/// The most memory that this process had, MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn bombs_are_bounded() {
    let served = Served::start(Limits::default());
    let (started, before) = (Instant::now(), peak());
    // One line without end, and records without end.
    let zeros = bomb(b"\0", 1 << 30);
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    repeat(b"\0", 3 << 30, &mut zstd);
    let zstd = zstd.finish().unwrap();
    assert!(zeros.len() < 2 << 20 && zstd.len() < 2 << 20);
    let lines = bomb(b"{\"eventVersion\": \"1.08\"}\n", 128 << 20);
    let mut nested = GzEncoder::new(Vec::new(), Compression::best());
    nested.write_all(&lines).unwrap();
    for body in [&zeros, &zstd, &lines, &nested.finish().unwrap()] {
        let (status, refused) = served.ask(EVENTS, "", body);
        assert_eq!((status, code(&refused)), (413, "unpacked"), "{refused}");
    }
    // Several at once take their turn.
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(|| served.ask(EVENTS, "", &lines).0)).collect();
        // On a busy machine some don't get theirs in time.
        assert!(asked.into_iter().all(|asked| matches!(asked.join().unwrap(), 413 | 408)));
    });
    println!("{:?}, {} MiB", started.elapsed(), peak() - before);
    // What expands, but not too far, is what it is: here one record that is too long.
    let (status, long) = served.ask(EVENTS, "", &bomb(b"a", 32 << 20));
    assert_eq!(status, 202, "{long}");
    assert!(long.ends_with("{\"recorded\":1,\"dead_letters\":1}"), "{long}");
    assert!(started.elapsed() < Duration::from_secs(180), "{:?}", started.elapsed());
    // Two at a time, each 64 MiB at most, with the vectors they grew from, and this test's own.
    assert!(peak() < before + 500, "{} MiB, and {before} before", peak());
    lives(&served);
}

#[test]
fn who_is_slow_is_cut_off() {
    let (head, request) = (Duration::from_millis(400), Duration::from_millis(800));
    let limits = Limits { head, request, ..Limits::default() };
    let served = Served::start(limits);
    // A body that trickles.
    let started = Instant::now();
    let mut stream = served.connect();
    write!(stream, "{EVENTS} HTTP/1.1\r\nHost: c\r\nContent-Length: 1000\r\n\r\n").unwrap();
    while started.elapsed() < request * 4 && stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let cut = answer(&mut stream);
    assert_eq!((status(&cut), code(&cut)), (408, "too-slow"), "{cut}");
    // A head that trickles.
    let started = Instant::now();
    let mut stream = served.connect();
    write!(stream, "GET /livez HTTP/1.1\r\nX-Slow: ").unwrap();
    while started.elapsed() < head * 20 && stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(started.elapsed() < head * 10, "{:?}", started.elapsed());
    // Nothing at all, and nothing after an answer.
    let started = Instant::now();
    let mut silent = served.connect();
    let mut kept = served.connect();
    write!(kept, "GET /livez HTTP/1.1\r\nHost: c\r\n\r\n").unwrap();
    assert_eq!(status(&answer(&mut kept)), 200);
    answer(&mut silent);
    assert!(started.elapsed() < head * 10, "{:?}", started.elapsed());
    lives(&served);
}

#[test]
fn heads_that_are_no_heads_are_refused() {
    let served = Served::start(Limits::default());
    let get = |more: &str| format!("GET /livez HTTP/1.1\r\nHost: c\r\n{more}\r\n");
    let many: String = (0..400).map(|number| format!("X-{number}: y\r\n")).collect();
    for (request, expected) in [
        (get(&format!("X-Long: {}\r\n", "y".repeat(1 << 20))), 431),
        (get(&many), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: c\r\n\r\n", "y".repeat(70_000)), 414),
        (get("Content-Length: 1\r\nContent-Length: 2\r\n"), 400),
        (get("Content-Length: -1\r\n"), 400),
        (get("Content-Length: 99999999999999999999999\r\n"), 400),
        (get("Bad Name: y\r\n"), 400),
        (get("No-Colon\r\n"), 400),
        ("GET  /livez\r\n\r\n".to_owned(), 400),
        ("GET /livez HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), 400),
        ("{\"not\": \"http\"}\n\n".to_owned(), 400),
    ] {
        let refused = served.raw(request.as_bytes());
        let shown: String = request.chars().take(60).collect();
        let status = status(&refused);
        assert!(
            status == expected || expected == 414 && status == 431,
            "expected {expected} of {shown:?}, got {refused}"
        );
    }
    // Nothing, and TLS.
    assert_eq!(served.raw(b""), "");
    served.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    // What follows requests in their connection.
    let pipelined = [get("").as_bytes(), get("").as_bytes(), b"\0garbage\r\n\r\n"].concat();
    let answers = served.raw(&pipelined);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 400").count(), 1, "{answers}");
    lives(&served);
}

#[test]
fn what_isnt_known_is_named() {
    let served = Served::start(Limits::default());
    let json = "Content-Type: application/json\r\n";
    for (line, headers, body, expected, detail) in [
        ("GET /v1/findings?aftr=3", "", "", 400, "did you mean `after`?"),
        ("GET /v1/findings?after=3&after=4", "", "", 400, "expected the key once"),
        ("GET /v1/decisions?limit=0", "", "", 400, "limit: expected 1 to 1000, got 0"),
        ("GET /v1/decisions?limit=many&after=-1", "", "", 400, "after: expected 0 to"),
        ("GET /v1/decisions?limit=%ff", "", "", 400, "limit"),
        ("POST /v1/rollback", json, "{\"genration\": 1}", 400, "did you mean `generation`?"),
        ("POST /v1/rollback", json, "{\"generation\": 1.5}", 400, "generation: expected a whole number"),
        ("POST /v1/rollback", json, "{\"generation\": 1, \"generation\": 2}", 400, "twice"),
        ("POST /v1/rollback", json, "{\"generation\": null}", 400, "no-generation"),
        ("POST /v1/rollback", json, "", 400, "no-generation"),
        ("POST /v1/apply", json, "{\"reason\": [1], \"digst\": 1}", 400, "did you mean `digest`?"),
        ("POST /v1/apply", json, "{", 400, "EOF"),
        ("POST /v1/apply", json, "[]", 400, "expected a table"),
        ("POST /v1/apply", "Content-Type: text/plain\r\n", "{}", 415, "application/json"),
        ("POST /v1/apply", "", "{}", 415, "application/json"),
        (EVENTS, "Content-Encoding: br\r\n", "{}", 415, "gzip"),
        (EVENTS, "Idempotency-Key: \r\n", "{}", 400, "Idempotency-Key"),
        ("GET /v1/apply", "", "", 405, "another method"),
        ("POST /livez", "", "", 405, "another method"),
        ("BREW /livez", "", "", 405, "another method"),
        ("GET /", "", "", 404, "no-endpoint"),
        ("GET //v1/status", "", "", 404, "no-endpoint"),
        ("GET /v1/status/", "", "", 404, "no-endpoint"),
        ("GET /v1/%73tatus/..", "", "", 404, "no-endpoint"),
        ("POST /v1/sources/%ff/events", "", "{}", 400, "UTF-8"),
        ("POST /v1/sources/%00/events", "", "{}", 404, "no-source"),
        ("POST /v1/sources/..%2Ftrail/events", "", "{}", 404, "no-source"),
        ("POST /v1/sources/../events", "", "{}", 404, "no-source"),
        ("POST /v1/sources/logs/events", "", "{}", 404, "kind `http`"),
    ] {
        let (status, answer) = served.ask(line, headers, body.as_bytes());
        assert_eq!(status, expected, "{line} {body}: {answer}");
        assert!(answer.contains(detail), "{line} {body}: {answer}");
        assert!(answer.contains("application/problem+json"), "{line}: {answer}");
    }
    let deep = format!("{{\"reason\": {}", "[".repeat(50_000));
    assert_eq!(served.ask("POST /v1/apply", json, deep.as_bytes()).0, 400);
    assert_eq!(served.ask("POST /v1/apply", json, b"{\"reason\": \"\xff\"}").0, 400);
    lives(&served);
    assert_eq!(served.host.status().recorder.last, 0);
}

#[test]
fn more_connections_than_are_served_at_once_wait() {
    let limits = Limits { connections: 4, head: Duration::from_secs(1), ..Limits::default() };
    let served = Served::start(limits);
    // All places are taken by those that ask nothing, for a while.
    let silent: Vec<_> = (0..4).map(|_| served.connect()).collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..200).map(|_| scope.spawn(|| served.ask("GET /livez", "", b"").0)).collect();
        assert!(asked.into_iter().all(|asked| asked.join().unwrap() == 200));
    });
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    drop(silent);
}

#[test]
fn bodies_are_held_up_to_a_limit() {
    let limits = Limits { held: 1 << 20, ..Limits::default() };
    let served = Served::start(limits);
    let mut first = served.connect();
    write!(first, "{EVENTS} HTTP/1.1\r\nHost: c\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    first.write_all(&[b'x'; 900_000]).unwrap();
    // Until all of that is read.
    let started = Instant::now();
    let busy = loop {
        let (status, answer) = served.ask(EVENTS, "", &[b'x'; 500_000]);
        if status != 202 || started.elapsed() > Duration::from_secs(10) {
            break answer;
        }
    };
    assert_eq!((status(&busy), code(&busy)), (503, "busy"), "{busy}");
    assert!(busy.to_ascii_lowercase().contains("retry-after: 1"), "{busy}");
    drop(first);
    let started = Instant::now();
    while served.ask(EVENTS, "", &[b'x'; 500_000]).0 != 202 {
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

/// All that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_callers_send_isnt_logged() {
    const SECRET: &str = "s3cr3t-t0ken";
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();
    tracing::info!("begun");
    let mut served = Served::start(Limits::default());
    let headers = format!(
        "Authorization: Bearer {SECRET}\r\nIdempotency-Key: {SECRET}\r\nCookie: {SECRET}\r\n\
         Content-Type: application/json\r\n"
    );
    let body = format!("{{\"password\": \"{SECRET}\", \"reason\": 7}}");
    for route in ROUTES {
        let path = route.path.replace("{name}", "trail");
        let method = route.method.name();
        for line in [format!("{method} {path}"), format!("{method} {path}?token={SECRET}")] {
            served.ask(&line, &headers, body.as_bytes());
        }
    }
    // The key of other records, records that can't be used, a source that isn't there, and no HTTP.
    served.ask(EVENTS, &headers, format!("{body}{body}").as_bytes());
    served.ask(&format!("POST /v1/sources/{SECRET}/events"), &headers, body.as_bytes());
    served.raw(format!("GET /livez HTTP/1.1\r\n{SECRET}\r\n\r\n").as_bytes());
    // Over the network: tokens that are none, headers that are none, and real tokens, used for all that there is.
    let client = served.open_network(Limits { refusal: Duration::from_millis(1), ..Limits::default() });
    let real = [served.token(crate::support::trail()), served.token(crate::Scope::Viewer)];
    let malformed = [
        headers.clone(),
        format!("Authorization: {SECRET}\r\n"),
        format!("Authorization: Basic {SECRET}\r\n"),
        format!("Authorization: Bearer  {SECRET} {SECRET}\r\n"),
        format!("Authorization: Bearer countersign_{SECRET}_{SECRET}\r\n"),
        format!("Authorization: Bearer {SECRET}\r\nAuthorization: Bearer {SECRET}\r\n"),
        format!("Authorization: Bearer {SECRET}\u{1}\r\n"),
        format!("Authorization: Bearer {SECRET}\u{e9}\r\n"),
        format!("Authorization : Bearer {SECRET}\r\n"),
        format!("Authorization: Bearer {SECRET}{}\r\n", "x".repeat(70_000)),
    ];
    for headers in malformed.iter().chain(&real) {
        for route in ROUTES {
            let path = route.path.replace("{name}", "trail").replace("{id}", SECRET);
            client.ask(&format!("{} {path}", route.method.name()), headers, body.as_bytes());
        }
    }
    client.plain().write_all(format!("GET / HTTP/1.1\r\n{}\r\n", real[0]).as_bytes()).unwrap();
    // Of a token its id is, and who made and who revoked it.
    let json = "Content-Type: application/json\r\n";
    let (status, made) = served.ask("POST /v1/tokens", json, b"{\"viewer\": true}");
    assert_eq!(status, 201, "{made}");
    let made = made.split("countersign_").nth(1).and_then(|text| text.split('"').next()).unwrap().to_owned();
    let (id, hidden) = made.split_once('_').unwrap();
    assert_eq!(served.ask(&format!("POST /v1/tokens/{id}/revoke"), "", b"").0, 200);
    let by = if served.service.uid == 0 { "root".to_owned() } else { format!("uid {}", served.service.uid) };
    assert!(served.host.wait_judged(crate::support::LONG));
    drop(served);
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("begun"));
    for said in [format!("token {id} was made by {by}: viewer"), format!("token {id} was revoked by {by}")] {
        assert!(logged.contains(&said), "{said}");
    }
    let secret = |header: &String| header.trim_end().rsplit('_').next().unwrap().to_owned();
    for secret in real.iter().map(secret).chain([SECRET.to_owned(), hidden.to_owned()]) {
        assert!(!logged.contains(&secret), "{}", logged.lines().find(|line| line.contains(&secret)).unwrap());
    }
}
