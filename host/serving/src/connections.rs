//! Connections: so many at once, of the network so many an address, each for so long, whatever comes over them. The socket and
//! the network are served alike.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::Extensions;
use countersign_logging::LogRate;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::addresses::{self, Addresses};

/// What a server allows its callers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are served at once; more wait.
    pub connections: u32,
    /// Connections of one address at the network at once: an IPv4 address, or the /64 of an IPv6 one. More are closed.
    pub address: u32,
    /// How long the handshake of TLS may take.
    pub handshake: Duration,
    /// How long a request's head may take to come, and how long a connection may ask for nothing.
    pub head: Duration,
    /// How long a request may take, its body included.
    pub request: Duration,
    /// How long a connection may ask for more. What it has asked for then is still answered.
    pub connection: Duration,
    /// Bytes of bodies that are held at once.
    pub held: u32,
    /// How long whoever has no valid token waits for that answer. A token can't be guessed; this bounds what trying costs, to
    /// so many tries in that time as there are connections.
    pub refusal: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 128,
            address: 16,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            request: Duration::from_secs(60),
            connection: Duration::from_secs(600),
            held: 128 << 20,
            refusal: Duration::from_millis(250),
        }
    }
}

/// The largest head of a request, bytes.
const MAX_HEAD: usize = 64 << 10;

/// How long an answer may take to be taken, and requests that are in work when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// How long is waited after a connection couldn't be accepted, such as for want of file descriptors.
const RETRY: Duration = Duration::from_millis(100);

/// The other end of a connection. It stands among the extensions of each of its requests.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// A process of this machine, with its user; none where the kernel doesn't say.
    User(Option<u32>),
    /// Somebody at the network.
    Network,
}

/// The address of somebody at the network. It stands among the extensions of each of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// Among the extensions of a response: it isn't sent, and the connection is closed.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

/// How TLS is spoken, by now: its certificate may be another one each time.
pub type Configured = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// Where connections come from.
pub enum Listener {
    /// This machine.
    Socket(UnixListener),
    /// The network, over TLS.
    Network(TcpListener, Configured),
    /// The network, in the clear: of this machine alone.
    Loopback(TcpListener),
}

/// What is served.
pub struct Served {
    /// The endpoints.
    pub router: Router,
    /// What callers are allowed.
    pub limits: Limits,
    /// Whether a user of this machine may ask anything at all; else the JSON that is all there is for others.
    pub admits: Arc<dyn Fn(Peer) -> Result<(), &'static str> + Send + Sync>,
}

/// A connection that came.
enum Arrived {
    Socket(UnixStream, Peer),
    Network(TcpStream, SocketAddr, Option<TlsAcceptor>),
}

impl Listener {
    async fn accept(&self) -> io::Result<Arrived> {
        match self {
            Listener::Socket(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = Peer::User(stream.peer_cred().ok().map(|peer| peer.uid()));
                Ok(Arrived::Socket(stream, peer))
            }
            Listener::Network(listener, configured) => {
                let (stream, from) = tcp(listener).await?;
                Ok(Arrived::Network(stream, from, Some(TlsAcceptor::from(configured()))))
            }
            Listener::Loopback(listener) => {
                let (stream, from) = tcp(listener).await?;
                Ok(Arrived::Network(stream, from, None))
            }
        }
    }
}

async fn tcp(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, from) = listener.accept().await?;
    // Answers are small, and written at once. One that has gone already is nobody's fault.
    drop(stream.set_nodelay(true));
    Ok((stream, from))
}

/// Serves connections until it is to stop, then answers what was asked.
pub async fn serve(listener: Listener, served: Served, stop: watch::Receiver<bool>) {
    let Served { router, limits, admits } = served;
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let addresses = Addresses::default();
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_header_size(MAX_HEAD);
    // A caller that says that nothing more comes waits for its answer.
    http.half_close(true);
    let mut stopped = stop.clone();
    loop {
        let next = async {
            let arrived = match listener.accept().await {
                Ok(Arrived::Socket(stream, peer)) => match admits(peer) {
                    Ok(()) => Ok(Arrived::Socket(stream, peer)),
                    Err(told) => {
                        refuse(stream, told);
                        return None;
                    }
                },
                arrived => arrived,
            };
            let counted = match &arrived {
                // Before there is a handshake, which costs more than closing.
                Ok(Arrived::Network(_, from, _)) => match addresses.count(from.ip(), limits.address) {
                    Some(counted) => Some(counted),
                    None => {
                        too_many(from.ip(), limits.address);
                        return None;
                    }
                },
                _ => None,
            };
            // Strangers, and an address that has its share, wait for no place, and take none.
            Some((Arc::clone(&slots).acquire_owned().await, counted, arrived))
        };
        // A sender that is gone means that the server was dropped.
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = next => accepted,
        };
        match accepted {
            None => {}
            Some((Ok(slot), counted, Ok(arrived))) => {
                let (router, http, stop) = (router.clone(), http.clone(), stop.clone());
                let conversation = Conversation { router, http, limits, stop, _slot: slot, _counted: counted };
                tokio::spawn(connection(arrived, conversation));
            }
            Some((Err(_), ..)) => break,
            Some((_, _, Err(error))) => {
                tracing::error!("a connection can't be accepted: {error}");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    drop(listener);
    // All are free again once every connection has ended.
    drop(tokio::time::timeout(GRACE, slots.acquire_many(limits.connections)).await);
}

/// How a connection is served.
struct Conversation {
    router: Router,
    http: Builder,
    limits: Limits,
    stop: watch::Receiver<bool>,
    _slot: OwnedSemaphorePermit,
    /// Of the network.
    _counted: Option<addresses::Counted>,
}

/// Says that a connection of an address is closed.
fn too_many(address: IpAddr, most: u32) {
    static CLOSED: LogRate = LogRate::new();
    if CLOSED.allows() {
        tracing::warn!("a connection of {address} is closed: it has {most} already");
    }
}

/// INVARIANT: nothing is read from whom nobody knows.
fn refuse(stream: UnixStream, told: &str) {
    // There is room for it in a new connection, else it gets none.
    if let Ok(mut stream) = stream.into_std() {
        let head = "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-type: application/problem+json\r\n";
        let answer = format!("{head}content-length: {}\r\n\r\n{told}", told.len());
        drop(stream.write(answer.as_bytes()));
    }
}

async fn connection(arrived: Arrived, conversation: Conversation) {
    match arrived {
        Arrived::Socket(stream, peer) => converse(stream, (peer, None), conversation).await,
        Arrived::Network(stream, from, None) => {
            converse(stream, (Peer::Network, Some(Remote(from))), conversation).await;
        }
        Arrived::Network(stream, from, Some(acceptor)) => {
            match tokio::time::timeout(conversation.limits.handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, (Peer::Network, Some(Remote(from))), conversation).await,
                Ok(Err(error)) => tracing::debug!("a handshake failed: {error}"),
                Err(_) => tracing::debug!("a handshake took too long"),
            }
        }
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    (peer, remote): (Peer, Option<Remote>),
    conversation: Conversation,
) {
    let _open = Open::new();
    let Conversation { router, http, limits, mut stop, _slot, _counted } = conversation;
    let routed = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let extensions: &mut Extensions = request.extensions_mut();
        extensions.insert(peer);
        if let Some(remote) = remote {
            extensions.insert(remote);
        }
        let answered = routed.call(request);
        async move {
            let Ok(response) = answered.await;
            // An error of the service closes the connection, and sends nothing.
            if response.extensions().get::<Cut>().is_some() { Err(io::Error::other("cut")) } else { Ok(response) }
        }
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return report(ended),
        () = tokio::time::sleep(limits.connection) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(limits.request + GRACE, connection).await {
        report(ended);
    }
}

/// Connections that are open, of the process.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// How many connections are open.
#[must_use]
pub fn open() -> u64 {
    OPEN.load(Ordering::Relaxed)
}

/// A connection that is open, until this is dropped.
struct Open;

impl Open {
    fn new() -> Open {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Open
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection ended with is its caller's affair.
fn report(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!("a connection failed: {error}");
    }
}
