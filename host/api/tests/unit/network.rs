//! Callers over TLS that send what no client sends, and a certificate that changes: each caller is answered or cut off, the
//! socket doesn't notice, and no broken certificate takes the place of a good one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::MAX_BODY;
use crate::support::{
    LONG, Served, answer, config, material, read_certificate, status, too_large_in_chunks, trail, write_certificate,
};
use crate::{Limits, Network, Scope};

/// An endpoint that takes a large body.
const EVENTS: &str = "POST /v1/sources/trail/events";

#[test]
fn a_sender_sends_and_a_viewer_looks() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits::default());
    let (sender, viewer) = (served.token(trail()), served.token(Scope::Viewer));
    let (status, sent) = client.ask(EVENTS, &sender, b"{}\n");
    assert_eq!(status, 202, "{sent}");
    let (status, answer) = client.ask("GET /v1/status", &viewer, b"");
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(&format!("\"address\":\"{}\"", client.address)), "{answer}");
    assert_eq!(served.host.status().recorder.last, 1);
    // A bare status, and a problem with how to authenticate.
    let (status, ready) = client.ask("GET /readyz", "", b"");
    assert_eq!((status, ready.split("\r\n\r\n").nth(1)), (200, Some("")));
    let (status, refused) = client.ask("GET /v1/status", "", b"");
    assert_eq!(status, 401, "{refused}");
    let refused = refused.to_ascii_lowercase();
    assert!(refused.contains("www-authenticate: bearer") && refused.contains("problem+json"), "{refused}");
    // What the socket does isn't there for whoever has a token.
    for token in [&sender, &viewer] {
        let (status, _) = client.ask("POST /v1/apply", &format!("{token}Content-Type: application/json\r\n"), b"{}");
        assert_eq!(status, 403);
    }
}

#[test]
fn tries_take_time() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits { refusal: Duration::from_millis(300), ..Limits::default() });
    let started = Instant::now();
    assert_eq!(client.ask("GET /v1/status", "Authorization: Bearer x\r\n", b"").0, 401);
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[test]
fn bodies_over_tls_have_the_same_limits() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits::default());
    let token = served.token(trail());
    let head = |more: &str| format!("{EVENTS} HTTP/1.1\r\nHost: c\r\nConnection: close\r\n{token}{more}\r\n\r\n");
    // Too large, said before and not.
    let refused = client.raw(head(&format!("Content-Length: {}", MAX_BODY + 1)).as_bytes());
    assert_eq!(status(&refused), 413, "{refused}");
    let chunked = too_large_in_chunks(&head("Transfer-Encoding: chunked"));
    let refused = client.raw(&chunked);
    assert_eq!(status(&refused), 413, "{refused}");
    // Compressed, and expanding too far.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..80 {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let (status_of, refused) = client.ask(EVENTS, &token, &packed.finish().unwrap());
    assert_eq!(status_of, 413, "{refused}");
    // Malformed, and of an unknown encoding.
    assert_eq!(client.ask(EVENTS, &format!("{token}Content-Encoding: br\r\n"), b"{}").0, 415);
    assert_eq!(status(&client.raw(b"BAD\x01 /\r\n\r\n")), 400);
    assert_eq!(status(&client.raw(head("Content-Length: -1").as_bytes())), 400);
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
}

#[test]
fn who_is_slow_over_tls_is_cut_off() {
    const LONGEST: Duration = Duration::from_secs(20);
    let mut served = Served::start(Limits::default());
    let (head, request) = (Duration::from_millis(500), Duration::from_millis(800));
    let client = served.open_network(Limits { head, request, ..Limits::default() });
    let token = served.token(trail());
    let started = Instant::now();
    let mut slow = client.connect();
    write!(slow, "{EVENTS} HTTP/1.1\r\nHost: c\r\n{token}Content-Length: 1000\r\n\r\n").unwrap();
    while started.elapsed() < LONGEST && slow.write_all(b"x").and_then(|()| slow.flush()).is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Nothing at all after the handshake.
    let mut silent = client.connect();
    silent.flush().unwrap();
    answer(&mut silent);
    assert!(started.elapsed() < LONGEST, "{:?}", started.elapsed());
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
}

#[test]
fn what_isnt_tls_gets_nothing() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits::default());
    for bytes in [
        b"GET /livez HTTP/1.1\r\nHost: c\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0",
        &[0xff; 40_000],
    ] {
        let mut stream = client.plain();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let said = answer(&mut stream);
        assert!(!said.contains("HTTP"), "{said}");
    }
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
}

#[test]
fn handshakes_that_never_end_are_cut_off() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits { handshake: Duration::from_millis(300), ..Limits::default() });
    let started = Instant::now();
    let mut silent = client.plain();
    let mut slow = client.plain();
    slow.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").unwrap();
    while started.elapsed() < Duration::from_secs(6) && slow.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(answer(&mut silent), "");
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
}

#[test]
fn a_thousand_connections_dont_starve_the_socket() {
    let mut served = Served::start(Limits::default());
    let limits = Limits { connections: 16, address: 1_000, handshake: Duration::from_millis(200), ..Limits::default() };
    let client = served.open_network(limits);
    let all: Vec<TcpStream> = (0..1_000).map(|_| client.plain()).collect();
    // Meanwhile the socket answers at once.
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(served.ask("GET /v1/status", "", b"").0, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(all);
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
}

/// A connection from another address of this machine, which is closed in time whatever comes.
fn from_elsewhere(client: &crate::support::Client) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(client.address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

#[test]
fn an_address_has_so_many_connections_and_another_one_its_own() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits { address: 4, handshake: LONG, head: LONG, ..Limits::default() });
    let mut silent: Vec<TcpStream> = (0..4).map(|_| client.plain()).collect();
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(answer(&mut client.plain()), "", "more are closed at once");
    }
    let elsewhere = from_elsewhere(&client);
    let mut elsewhere = crate::support::Client::over(&client.config, elsewhere);
    write!(elsewhere, "GET /livez HTTP/1.1\r\nHost: c\r\n\r\n").unwrap();
    assert_eq!(status(&answer(&mut elsewhere)), 200);
    assert!(started.elapsed() < LONG / 2, "{:?}", started.elapsed());
    // One that ends makes room.
    silent.pop();
    while client.ask("GET /livez", "", b"").0 != 200 {
        assert!(started.elapsed() < LONG);
    }
    drop(silent);
}

#[test]
fn who_has_no_token_keeps_no_connection() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits { head: LONG, ..Limits::default() });
    let started = Instant::now();
    for (path, expected) in [("/livez", 200), ("/readyz", 200), ("/v1/status", 401), ("/v1/nothing", 401)] {
        let answer = client.raw(format!("GET {path} HTTP/1.1\r\nHost: c\r\n\r\n").as_bytes());
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    assert!(started.elapsed() < LONG / 2, "{:?}", started.elapsed());
    // Who has one asks on.
    let token = served.token(Scope::Viewer);
    let first = format!("GET /v1/tokens HTTP/1.1\r\nHost: c\r\n{token}\r\n");
    let second = format!("GET /v1/sources HTTP/1.1\r\nHost: c\r\nConnection: close\r\n{token}\r\n");
    let answers = client.raw(format!("{first}{second}").as_bytes());
    assert!(answers.contains("HTTP/1.1 403") && answers.contains("HTTP/1.1 200"), "{answers}");
}

#[test]
fn whether_it_is_ready_is_said_over_the_network_without_a_look_at_files() {
    let reads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&reads);
    let files = Arc::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(material())
    });
    let mut served = Served::with(&material(), files, Limits::default());
    let client = served.open_network(Limits::default());
    for _ in 0..3 {
        assert_eq!(client.ask("GET /readyz", "", b"").0, 200);
    }
    assert_eq!(reads.load(Ordering::Relaxed), 0);
    assert_eq!(served.ask("GET /readyz", "", b"").0, 200);
    assert_eq!(reads.load(Ordering::Relaxed), 1, "the socket says what is on disk");
}

#[test]
fn a_certificate_that_changes_serves_and_a_broken_one_doesnt() {
    let mut served = Served::start(Limits::default());
    let mut client = served.open_network(Limits::default());
    let file = |name: &str| served.folder.path().join(name);
    let problem = || {
        let answer = served.ask("GET /v1/status", "", b"").1;
        serde_json::from_str::<serde_json::Value>(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()["network"].clone()
    };
    // The socket's server doesn't know the network of this test; the certificate says it itself.
    assert!(problem().is_null());
    let first = std::fs::read_to_string(file("certificate.pem")).unwrap();
    let key = std::fs::read_to_string(file("certificate.key")).unwrap();
    // A certificate whose key isn't there yet: the one before stays.
    let roots = write_certificate(&served.folder);
    let second = std::fs::read_to_string(file("certificate.key")).unwrap();
    std::fs::write(file("certificate.key"), &key).unwrap();
    client.certificate.reread_if_changed();
    assert!(client.certificate.problem().unwrap().contains("fits its key"));
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
    // With its key it serves, to new connections.
    std::fs::write(file("certificate.key"), second).unwrap();
    client.certificate.reread_if_changed();
    assert_eq!(client.certificate.problem(), None);
    let before = std::mem::replace(&mut client.config, config(roots));
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
    client.config = before;
    assert!(client.connect().read(&mut [0]).is_err(), "the first one is gone");
    // What is broken is said, without anything of the key.
    for (name, text, said) in [
        ("certificate.key", "no key", "expected a private key as PEM"),
        ("certificate.key", &key[..key.len() / 2], "expected a private key as PEM"),
        ("certificate.pem", "no certificate", "expected a certificate"),
        ("certificate.pem", "", "expected a certificate"),
    ] {
        std::fs::write(file(name), text).unwrap();
        client.certificate.reread();
        let problem = client.certificate.problem().unwrap();
        assert!(problem.contains(said) && !problem.contains("no key"), "{problem}");
        std::fs::write(file("certificate.pem"), &first).unwrap();
        std::fs::write(file("certificate.key"), &key).unwrap();
    }
    client.certificate.reread();
    assert_eq!(client.ask("GET /livez", "", b"").0, 200);
    // Everybody may read it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file("certificate.key"), open).unwrap();
    let error = read_certificate(&served.folder).unwrap_err().to_string();
    assert!(error.contains("not everybody can read"), "{error}");
}

#[test]
fn an_address_that_is_taken_is_said() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits::default());
    // Bound twice without anybody listening is no fault of the system's; listening twice is.
    let again = Network::bind(client.address, client.certificate.clone());
    let refused = match again {
        Err(error) => error,
        Ok(network) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            let _within = runtime.enter();
            network.listen().map(drop).unwrap_err()
        }
    };
    assert!(refused.to_string().starts_with(&format!("can't listen on {}", client.address)), "{refused}");
}
