//! Connections: so many at once, each for so long, whatever comes over them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::caller::Peer;

/// What a server allows its callers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are served at once; more wait.
    pub connections: u32,
    /// How long a request's head may take to come, and how long a connection may ask for nothing.
    pub head: Duration,
    /// How long a request may take, its body included.
    pub request: Duration,
    /// How long a connection may ask for more. What it has asked for then is still answered.
    pub connection: Duration,
    /// Bytes of bodies that are held at once.
    pub held: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 128,
            head: Duration::from_secs(30),
            request: Duration::from_secs(60),
            connection: Duration::from_secs(600),
            held: 128 << 20,
        }
    }
}

/// The largest head of a request, bytes.
const MAX_HEAD: usize = 64 << 10;

/// How long an answer may take to be taken, and requests that are in work when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// How long is waited after a connection couldn't be accepted, such as for want of file descriptors.
const RETRY: Duration = Duration::from_millis(100);

/// Serves connections until it is to stop, then answers what was asked.
pub(crate) async fn serve(listener: UnixListener, router: Router, limits: Limits, stop: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_header_size(MAX_HEAD);
    // A caller that says that nothing more comes waits for its answer.
    http.half_close(true);
    let mut stopped = stop.clone();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        // A sender that is gone means that the server was dropped.
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = next => accepted,
        };
        match accepted {
            (Ok(slot), Ok((stream, _))) => {
                tokio::spawn(connection(stream, router.clone(), http.clone(), limits, stop.clone(), slot));
            }
            (Err(_), _) => break,
            (_, Err(error)) => {
                tracing::error!("a connection can't be accepted: {error}");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    drop(listener);
    // All are free again once every connection has ended.
    drop(tokio::time::timeout(GRACE, slots.acquire_many(limits.connections)).await);
}

async fn connection(
    stream: UnixStream,
    router: Router,
    http: Builder,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    _slot: OwnedSemaphorePermit,
) {
    let _counted = Counted::new();
    let peer = Peer::of(&stream);
    let routed = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        routed.call(request)
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
pub(crate) fn open() -> u64 {
    OPEN.load(Ordering::Relaxed)
}

/// A connection that is open, until this is dropped.
struct Counted;

impl Counted {
    fn new() -> Counted {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
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
