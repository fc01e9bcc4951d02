//! A host with one source and no rules, served on a socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_daemon::{Host, HostOptions, Material, MaterialFile, Reload, Role};
use countersign_engine::{Engine, EngineConfig};
use countersign_model::Timestamp;
use countersign_session::SessionOptions;
use tempfile::TempDir;

use crate::{Files, Limits, Server, Socket};

/// Longer than anything takes here.
pub(crate) const LONG: Duration = Duration::from_secs(60);

const SOURCES: &str = r#"
version = 1

[[source]]
name = "trail"
kind = "http"
format = "cloudtrail"
tenants = ["aws:*"]

[[source]]
name = "logs"
kind = "file"
format = "cloudtrail"
tenants = ["aws:*"]
path = ["none/*.ndjson"]
"#;

/// What serves.
pub(crate) fn material() -> Material {
    let file = |role: Role, text: &str| MaterialFile { role, name: role.name().to_owned(), bytes: text.into() };
    Material { shipped_rules: false, files: vec![file(Role::Sources, SOURCES)] }
}

/// A host that serves its first generation.
pub(crate) fn host(folder: &TempDir) -> Host {
    host_with(folder, &material())
}

/// A host that serves this.
fn host_with(folder: &TempDir, first: &Material) -> Host {
    let options = HostOptions {
        state: folder.path().to_owned(),
        folder: folder.path().to_owned(),
        engine: Engine::new(&EngineConfig::default()).unwrap(),
        session: SessionOptions { workers: 1, ..SessionOptions::default() },
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        reload: Reload::default(),
        clock: || Timestamp(1_800_000_000_000_000),
    };
    let host = Host::start(options, || Ok(first.clone())).unwrap_or_else(|error| panic!("{error}"));
    assert!(host.wait_serving(LONG));
    host
}

/// The files on disk are those that serve.
pub(crate) fn files() -> Files {
    Arc::new(|| Ok(material()))
}

/// A host that is served.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) host: Host,
    server: Option<Server>,
}

impl Served {
    pub(crate) fn start(limits: Limits) -> Served {
        Served::with(&material(), files(), limits)
    }

    /// One that serves this, with these files on disk.
    pub(crate) fn with(first: &Material, files: Files, limits: Limits) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let host = host_with(&folder, first);
        let socket = Socket::claim(&folder.path().join("api.sock")).unwrap();
        let server = Server::start(host.clone(), files, socket, limits).unwrap();
        Served { folder, host, server: Some(server) }
    }

    /// Serves no longer. The host goes on.
    pub(crate) fn stop_serving(&mut self) {
        drop(self.server.take());
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    pub(crate) fn connect(&self) -> UnixStream {
        connect(&self.socket())
    }

    /// Sends bytes over a connection of their own, and returns what comes until it ends.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // One that refuses may close before it has read all.
        let _ = stream.write_all(bytes);
        // Nothing more comes.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        answer(&mut stream)
    }

    /// Asks with a body, and returns the status and all that comes.
    pub(crate) fn ask(&self, line: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: countersign\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        let answer = self.raw(&[head.as_bytes(), body].concat());
        (status(&answer), answer)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.server.take());
        self.host.stop();
    }
}

/// A connection on which nothing waits for ever.
pub(crate) fn connect(socket: &std::path::Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

/// What comes until the other end closes.
pub(crate) fn answer(stream: &mut UnixStream) -> String {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            // What wasn't read before it closed.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("expected an answer that ends, got {error} after {}", String::from_utf8_lossy(&all)),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The status of an answer; 0 of none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}
