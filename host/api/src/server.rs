//! The server: its socket, its routes and its limits.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use countersign_daemon::{Host, Material};
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use tower_http::timeout::TimeoutLayer;

use crate::problem::Problem;
use crate::{change, health, ingest, plan, read};

/// The largest body, bytes: senders divide what is larger.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// How long a request may take, its body included.
const LONGEST: Duration = Duration::from_secs(60);

/// The same of a plan, whose trial ends by itself before.
pub(crate) const LONGEST_PLAN: Duration = Duration::from_secs(600);

/// How long requests that are answered when the server stops may still take.
const GRACE: Duration = Duration::from_secs(10);

/// Reads what the files on disk hold now.
pub type Files = Arc<dyn Fn() -> Result<Material, Vec<String>> + Send + Sync>;

/// What the endpoints work on.
#[derive(Clone)]
pub(crate) struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    host: Host,
    files: Files,
    uid: u32,
}

impl Api {
    pub(crate) fn host(&self) -> &Host {
        &self.inner.host
    }

    pub(crate) fn files(&self) -> Result<Material, Vec<String>> {
        (self.inner.files)()
    }

    /// The user that the host runs as.
    pub(crate) fn uid(&self) -> u32 {
        self.inner.uid
    }

    /// Runs what may take long, or waits for the disk, off the threads that serve.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Api) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let api = self.clone();
        tokio::task::spawn_blocking(move || work(&api)).await.map_err(Problem::internal)
    }

    fn routes(self) -> Router {
        let timeout = |longest| TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, longest);
        let slow = Router::new().route("/v1/plan", post(plan::plan)).layer(timeout(LONGEST_PLAN));
        let quick = Router::new()
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready))
            .route("/v1/status", get(read::status))
            .route("/v1/findings", get(read::findings))
            .route("/v1/decisions", get(read::decisions))
            .route("/v1/dead-letters", get(read::dead_letters))
            .route("/v1/generations", get(read::generations))
            .route("/v1/sources/{name}/events", post(ingest::events))
            .route("/v1/apply", post(change::apply))
            .route("/v1/rollback", post(change::rollback))
            .route("/v1/reload", post(change::reload))
            .layer(timeout(LONGEST));
        quick
            .merge(slow)
            .fallback(|| async {
                Problem::new(StatusCode::NOT_FOUND, "no-endpoint", "expected an endpoint, got another path")
            })
            .method_not_allowed_fallback(|| async {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "other-method", "expected another method of this endpoint")
            })
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self)
    }
}

/// Why the interface can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket can't be made.
    #[error("can't listen on `{}`: {error}", countersign_text::path(path))]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Another process listens there.
    #[error("expected no host at `{}`, got one that answers: stop it first", countersign_text::path(.0))]
    InUse(PathBuf),
    /// A thread or the runtime can't be started.
    #[error("can't start a thread: {0}")]
    Thread(io::Error),
}

/// A server that runs.
pub struct Server {
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a socket, which only its owner can connect to. A socket that a host left behind is replaced.
    ///
    /// # Errors
    /// When it can't be served.
    pub fn start(host: Host, files: Files, socket: &Path) -> Result<Server, ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("api")
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Thread)?;
        let listener = {
            let _within = runtime.enter();
            listen(socket)?
        };
        // What this process made belongs to the user that it runs as.
        let metadata = std::fs::metadata(socket);
        let uid = metadata.map_err(|error| ServeError::Socket { path: socket.to_owned(), error })?.uid();
        let api = Api { inner: Arc::new(Inner { host, files, uid }) };
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            runtime.block_on(async move {
                let service = api.routes().into_make_service_with_connect_info::<crate::caller::Peer>();
                let served = axum::serve(listener, service).with_graceful_shutdown(async move {
                    // An error means that the server was dropped.
                    drop(stopped.await);
                });
                if let Err(error) = served.await {
                    tracing::error!("the interface isn't served any more: {error}");
                }
            });
            runtime.shutdown_timeout(GRACE);
        };
        let thread = std::thread::Builder::new().name("api".to_owned()).spawn(run).map_err(ServeError::Thread)?;
        Ok(Server { socket: socket.to_owned(), stop: Some(stop), thread: Some(thread) })
    }

    /// Takes no more connections, answers those that have asked, and removes the socket.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A failed send means that it has ended.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // Its panic was reported by the thread.
            drop(thread.join());
            drop(std::fs::remove_file(&self.socket));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Listens on a socket.
fn listen(socket: &Path) -> Result<UnixListener, ServeError> {
    let failed = |error| ServeError::Socket { path: socket.to_owned(), error };
    match UnixListener::bind(socket) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            // Nobody answers at a socket that was left behind.
            if std::os::unix::net::UnixStream::connect(socket).is_ok() {
                return Err(ServeError::InUse(socket.to_owned()));
            }
            std::fs::remove_file(socket).map_err(failed)?;
            UnixListener::bind(socket)
        }
        bound => bound,
    }
    .map_err(failed)
}
