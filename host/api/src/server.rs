//! The server: its routes and its limits. The socket and the network have one each, so that what comes over the one takes
//! nothing from the other: neither connections, nor room for bodies, nor threads.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use countersign_daemon::{Host, Material};
use countersign_serving::given::Room;
use countersign_serving::{Limits, Listener, Served};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::caller::{admits, identify};
use crate::follow::Followers;
use crate::metrics::Requests;
use crate::network::{self, Listening, Network};
use crate::restart::{Compare, NeedsRestart};
use crate::socket::{self, Claim, Socket};
use crate::tokens::{Tokens, TokensError};
use crate::{activity, change, health, ingest, issue, metrics, openapi, plan, read, standing};
use countersign_serving::Problem;

/// The largest body, bytes: senders divide what is larger.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// How long requests may take that judge what is recorded: a plan, whose trial ends by itself before, and a rollback, which
/// catches rules up.
const LONGEST_JUDGING: Duration = Duration::from_secs(600);

/// How long threads that still work for requests may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Reads what the files on disk hold now.
pub type Files = Arc<dyn Fn() -> Result<Material, Vec<String>> + Send + Sync>;

/// An endpoint.
pub(crate) struct Route {
    /// How it is asked.
    pub(crate) method: Method,
    /// Where it is.
    pub(crate) path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<Api>,
}

/// How an endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `GET`: changes nothing.
    Get,
    /// `POST`.
    Post,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
        }
    }
}

/// Where a plan is asked for.
pub(crate) const PLAN: &str = "/v1/plan";

/// Where a rollback is.
const ROLLBACK: &str = "/v1/rollback";

/// How long a request for this path may take, if that is longer than others may. Its client waits as long.
pub(crate) fn longest(path: &str) -> Option<Duration> {
    [PLAN, ROLLBACK].contains(&path).then_some(LONGEST_JUDGING)
}

/// All endpoints. Who may ask each stands in its handler's arguments, and in the table of `tests/unit/callers.rs`;
/// what each takes and answers in `openapi.rs`.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: Method::Get, path: "/livez", handler: |method| on(method, health::live) },
    Route { method: Method::Get, path: "/readyz", handler: |method| on(method, health::ready) },
    Route { method: Method::Get, path: "/metrics", handler: |method| on(method, metrics::metrics) },
    Route { method: Method::Get, path: "/v1/status", handler: |method| on(method, read::status) },
    Route { method: Method::Get, path: "/v1/findings", handler: |method| on(method, read::findings) },
    Route { method: Method::Get, path: "/v1/decisions", handler: |method| on(method, read::decisions) },
    Route { method: Method::Get, path: "/v1/dead-letters", handler: |method| on(method, read::dead_letters) },
    Route { method: Method::Get, path: "/v1/generations", handler: |method| on(method, read::generations) },
    Route { method: Method::Get, path: "/v1/activity", handler: |method| on(method, activity::activity) },
    Route { method: Method::Get, path: "/v1/rules", handler: |method| on(method, standing::rules) },
    Route { method: Method::Get, path: "/v1/sources", handler: |method| on(method, standing::sources) },
    Route { method: Method::Post, path: "/v1/sources/{name}/events", handler: |method| on(method, ingest::events) },
    Route { method: Method::Post, path: "/v1/apply", handler: |method| on(method, change::apply) },
    Route { method: Method::Post, path: ROLLBACK, handler: |method| on(method, change::rollback) },
    Route { method: Method::Post, path: "/v1/reload", handler: |method| on(method, change::reload) },
    Route { method: Method::Get, path: "/v1/tokens", handler: |method| on(method, issue::list) },
    Route { method: Method::Post, path: "/v1/tokens", handler: |method| on(method, issue::create) },
    Route { method: Method::Post, path: "/v1/tokens/{id}/revoke", handler: |method| on(method, issue::revoke) },
    Route { method: Method::Post, path: PLAN, handler: |method| on(method, plan::plan) },
    Route { method: Method::Get, path: "/v1/openapi.json", handler: |method| on(method, openapi::serve) },
];

/// What is served, wherever it is asked.
#[derive(Clone)]
pub struct Service {
    /// The host.
    pub host: Host,
    /// Reads the files on disk.
    pub files: Files,
    /// Compares the configuration on disk with what the host runs by.
    pub restart: Compare,
    /// The tokens by which the network is served.
    pub tokens: Arc<Tokens>,
    /// The user that the host runs as.
    pub uid: u32,
    /// How the network is served, if it is.
    pub listening: Option<Listening>,
    /// What is counted of requests.
    pub requests: Arc<Requests>,
}

/// Where a server listens.
pub enum Door {
    /// On this machine.
    Socket(Socket),
    /// At an address, with TLS.
    Network(Network),
}

/// What the endpoints work on.
#[derive(Clone)]
pub(crate) struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    service: Service,
    limits: Limits,
    /// Bytes of bodies that may still be held.
    held: Arc<Semaphore>,
    followers: Followers,
}

impl Api {
    pub(crate) fn new(service: Service, limits: Limits) -> Api {
        let held = Arc::new(Semaphore::new(limits.held as usize));
        let followers = Followers::of(&service.host);
        Api { inner: Arc::new(Inner { service, limits, held, followers }) }
    }

    /// Requests that wait for more.
    pub(crate) fn followers(&self) -> &Followers {
        &self.inner.followers
    }

    pub(crate) fn host(&self) -> &Host {
        &self.inner.service.host
    }

    pub(crate) fn files(&self) -> Result<Material, Vec<String>> {
        (self.inner.service.files)()
    }

    /// What of the configuration on disk only a restart brings about.
    pub(crate) fn restart(&self) -> NeedsRestart {
        (self.inner.service.restart)()
    }

    /// What is counted of requests.
    pub(crate) fn requests(&self) -> &Requests {
        &self.inner.service.requests
    }

    /// The user that the host runs as.
    pub(crate) fn uid(&self) -> u32 {
        self.inner.service.uid
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.inner.service.tokens
    }

    /// How the network is served, if it is.
    pub(crate) fn listening(&self) -> Option<&Listening> {
        self.inner.service.listening.as_ref()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Runs what may take long, or waits for the disk, off the threads that serve.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Api) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let api = self.clone();
        tokio::task::spawn_blocking(move || work(&api)).await.map_err(Problem::internal)
    }

    pub(crate) fn routes(self) -> Router {
        let add = |router: Router<Api>, route: &Route| router.route(route.path, (route.handler)(route.method.filter()));
        let routed = ROUTES.iter().fold(Router::new(), add);
        routed
            .fallback(|| async {
                Problem::new(StatusCode::NOT_FOUND, "no-endpoint", "expected an endpoint, got another path")
            })
            .method_not_allowed_fallback(|| async {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "other-method", "expected another method of this endpoint")
            })
            .layer(from_fn_with_state(self.clone(), identify))
            .layer(from_fn_with_state(self.clone(), in_time))
            // Last, so that it counts what the others answer too.
            .layer(from_fn_with_state(self.clone(), metrics::count))
            .with_state(self)
    }
}

impl Room for Api {
    fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.inner.held).try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()
    }
}

/// Answers a request that takes too long.
async fn in_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    let longest = longest(request.uri().path()).unwrap_or(api.inner.limits.request);
    tokio::time::timeout(longest, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("expected a request that takes at most {} s, got a longer one", longest.as_secs_f64());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail).into_response()
    })
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
    /// The address can't be had.
    #[error("can't listen on {address}: {error}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// Something else is there.
    #[error("expected a socket or nothing at `{}`, got something else: move it away", countersign_text::path(.0))]
    NotASocket(PathBuf),
    /// Another process listens there.
    #[error("expected no host at `{}`, got one that lives: stop it first", countersign_text::path(.0))]
    InUse(PathBuf),
    /// What is on record of tokens can't be read, or they can't be put there.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// A thread or the runtime can't be started.
    #[error("can't start a thread: {0}")]
    Thread(io::Error),
}

/// A server that runs.
pub struct Server {
    stop: watch::Sender<bool>,
    followers: Followers,
    thread: Option<JoinHandle<()>>,
    /// The socket is removed with it, once nobody is served any more.
    _claim: Option<Claim>,
}

impl Server {
    /// Serves on a socket or at an address.
    ///
    /// # Errors
    /// When it can't be served.
    pub fn start(service: Service, door: Door, limits: Limits) -> Result<Server, ServeError> {
        let name = match door {
            Door::Socket(_) => "api",
            Door::Network(_) => "network",
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(name)
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Thread)?;
        service.tokens.register(&service.host)?;
        let api = Api::new(service, limits);
        let (listener, claim) = {
            let _within = runtime.enter();
            match door {
                Door::Socket(socket) => {
                    let (listener, claim) = socket.listen()?;
                    tokio::spawn(socket::follow(claim.path().to_owned(), api.clone()));
                    (Listener::Socket(listener), Some(claim))
                }
                Door::Network(network) => {
                    let (listener, certificate) = network.listen()?;
                    tokio::spawn(network::renew(Arc::clone(&certificate)));
                    (Listener::Network(listener, Arc::new(move || certificate.config())), None)
                }
            }
        };
        let (stop, stopped) = watch::channel(false);
        let followers = api.followers().clone();
        let run = move || {
            let router = api.clone().routes();
            let served = Served { router, limits, admits: Arc::new(move |peer| admits(peer, &api)) };
            runtime.block_on(countersign_serving::serve(listener, served, stopped));
            runtime.shutdown_timeout(GRACE);
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(ServeError::Thread)?;
        Ok(Server { stop, followers, thread: Some(thread), _claim: claim })
    }

    /// Has them take no more connections and answer those that have asked, all at the same time, and removes the socket.
    pub fn stop(servers: Vec<Server>) {
        servers.iter().for_each(Server::ask_to_stop);
        drop(servers);
    }

    fn ask_to_stop(&self) {
        // A failed send means that it has ended.
        let _ = self.stop.send(true);
        self.followers.end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            // Its panic was reported by the thread.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/callers.rs"]
mod tests;
