//! A host with two sources and no rules, served on a socket, and over TLS where a test asks for it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_configuration::{Configuration, Overrides, Written};
use countersign_daemon::{Host, HostOptions, Material, MaterialFile, Reload, Role, UnwellBounds};
use countersign_engine::{Engine, EngineConfig};
use countersign_model::Timestamp;
use countersign_session::SessionOptions;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::{Certificate, Door, Files, Limits, NeedsRestart, Network, Scope, Server, Service, Socket, Tokens};

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

/// The time, as all clocks have it.
pub(crate) fn now() -> Timestamp {
    Timestamp(1_800_000_000_000_000)
}

/// What serves.
pub(crate) fn material() -> Material {
    let file = |role: Role, text: &str| MaterialFile { role, name: role.name().to_owned(), bytes: text.into() };
    Material { shipped_rules: false, files: vec![file(Role::Sources, SOURCES)] }
}

/// A host that serves its first generation.
pub(crate) fn host(folder: &TempDir) -> Host {
    host_with(folder, &material())
}

/// How a host runs.
pub(crate) fn options(folder: &TempDir) -> HostOptions {
    HostOptions {
        state: folder.path().to_owned(),
        folder: folder.path().to_owned(),
        engine: Engine::new(&EngineConfig::default()).unwrap(),
        session: SessionOptions { workers: 1, ..SessionOptions::default() },
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        keep_audit: None,
        reload: Reload::default(),
        unwell: UnwellBounds::default(),
        clock: now,
    }
}

/// A host that serves this.
pub(crate) fn host_with(folder: &TempDir, first: &Material) -> Host {
    let host = Host::start(options(folder), || Ok(first.clone())).unwrap_or_else(|error| panic!("{error}"));
    assert!(host.wait_serving(LONG));
    host
}

/// The files on disk are those that serve.
pub(crate) fn files() -> Files {
    Arc::new(|| Ok(material()))
}

/// What is served of a host, whose user is this one.
pub(crate) fn service(folder: &TempDir, host: &Host, files: Files, uid: u32) -> Service {
    let tokens = Arc::new(Tokens::open(folder.path(), now).unwrap());
    let restart = Arc::new(NeedsRestart::default);
    Service { host: host.clone(), files, restart, tokens, uid, listening: None, requests: Arc::default() }
}

/// A host that is served.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) host: Host,
    pub(crate) service: Service,
    servers: Vec<Server>,
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
        let service = service(&folder, &host, files, socket.uid());
        let server = Server::start(service.clone(), Door::Socket(socket), limits).unwrap();
        Served { folder, host, service, servers: vec![server] }
    }

    /// Has it served over TLS too.
    pub(crate) fn open_network(&mut self, limits: Limits) -> Client {
        let roots = write_certificate(&self.folder);
        let certificate = Arc::new(certificate(&self.folder));
        let network = Network::bind("127.0.0.1:0".parse().unwrap(), Arc::clone(&certificate)).unwrap();
        let address = network.address();
        let service = Service { listening: Some(network.listening()), ..self.service.clone() };
        self.servers.push(Server::start(service, Door::Network(network), limits).unwrap());
        Client { address, config: config(roots), certificate }
    }

    /// The header of a new token.
    pub(crate) fn token(&self, scope: Scope) -> String {
        let made = self.service.tokens.create(scope, crate::DEFAULT, "test").unwrap();
        format!("Authorization: Bearer {}\r\n", *made.text)
    }

    /// Serves no longer. The host goes on.
    pub(crate) fn stop_serving(&mut self) {
        self.servers.clear();
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
        let answer = self.raw(&request(line, headers, body));
        (status(&answer), answer)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.servers.clear();
        self.host.stop();
    }
}

/// A request with a body that is too large, of which the head doesn't say so.
pub(crate) fn too_large_in_chunks(head: &str) -> Vec<u8> {
    let mut request = head.as_bytes().to_vec();
    for _ in 0..17 {
        request.extend_from_slice(b"100000\r\n");
        request.extend(std::iter::repeat_n(b'x', 1 << 20));
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// The source of senders.
pub(crate) fn trail() -> Scope {
    Scope::Source("trail".into())
}

/// Writes a new certificate and its key into a folder, and returns what trusts it.
pub(crate) fn write_certificate(folder: &TempDir) -> RootCertStore {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("certificate.pem"), cert.pem()).unwrap();
    let key = folder.path().join("certificate.key");
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    roots
}

/// The certificate of a folder, as a configuration names it.
pub(crate) fn certificate(folder: &TempDir) -> Certificate {
    read_certificate(folder).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn read_certificate(folder: &TempDir) -> Result<Certificate, crate::CertificateError> {
    let text =
        "version = 1\n[api]\nlisten = \"127.0.0.1:0\"\ncertificate = \"certificate.pem\"\nkey = \"certificate.key\"\n";
    let written = Written { name: "countersign.toml", folder: folder.path(), text };
    let api = Configuration::read(Some(written), &Overrides::default(), &|_| None).unwrap().api;
    Certificate::read(&api.certificate.value.unwrap(), &api.key.value.unwrap())
}

/// A client that trusts this.
pub(crate) fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A client over TLS.
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) certificate: Arc<Certificate>,
}

impl Client {
    /// A connection without TLS.
    pub(crate) fn plain(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream
    }

    pub(crate) fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        Client::over(&self.config, self.plain())
    }

    /// TLS over a connection.
    pub(crate) fn over(config: &Arc<ClientConfig>, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), stream)
    }

    /// Sends bytes over a connection of their own, and returns what comes until it ends.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // One that refuses may close before it has read all.
        let _ = stream.write_all(bytes);
        let _ = stream.flush();
        answer(&mut stream)
    }

    /// Asks with a body, and returns the status and all that comes.
    pub(crate) fn ask(&self, line: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let answer = self.raw(&request(line, headers, body));
        (status(&answer), answer)
    }
}

fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: countersign\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A connection on which nothing waits for ever.
pub(crate) fn connect(socket: &std::path::Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

/// What comes until the other end closes.
pub(crate) fn answer(stream: &mut impl Read) -> String {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            // What wasn't read before it closed.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => break,
            // TLS that ended without saying so.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => panic!("expected an answer that ends, got {error} after {}", String::from_utf8_lossy(&all)),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The status of an answer; 0 of none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}
