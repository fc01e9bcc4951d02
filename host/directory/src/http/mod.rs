//! The directory over HTTP: its endpoints, on this machine alone. There is no TLS: whoever wants one puts a proxy before it,
//! which passes the address of who calls on in `X-Forwarded-For`.

mod accounts;
mod asked;
mod events;
mod faults;
mod groups;
mod rate;
mod sessions;
mod sign_in;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use countersign_serving::given::Room;
use countersign_serving::{Limits, Listener, Problem, Served};
use serde::Serialize;
use tokio::net::TcpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::change::{Answer, Change, etag};
use crate::error::Error;
use crate::event::Draft;
use crate::store::Directory;
use crate::words::{EventKind, Reason, Scope};
use asked::Asked;
use faults::Faults;
use rate::Rates;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// How long threads that still work for requests may take when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Passwords that are looked at once: each takes 19 MiB and a processor.
const HASHING: usize = 4;

/// What a refusal says of how to authenticate (RFC 6750).
const CHALLENGE: &str = "Bearer realm=\"countersign-directory\"";

/// How a directory is served.
#[derive(Clone, Copy, Debug)]
pub struct Serving {
    /// Where: an address of this machine. With port 0 it is a free one.
    pub listen: SocketAddr,
    /// Whether faults can be ordered.
    pub faults: bool,
    /// How many requests a second an administrative credential may send, on average; twice as many at once.
    pub rate: u32,
}

/// Why a directory can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is seen from elsewhere, and there is no TLS.
    #[error("expected an address of this machine such as 127.0.0.1:8480, got {0}: others would read passwords")]
    NotLoopback(SocketAddr),
    /// The address can't be had.
    #[error("can't listen on {address}: {error}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// A thread or the runtime can't be started.
    #[error("can't start a thread: {0}")]
    Thread(io::Error),
}

/// Where a directory is served, with the port that it really has.
#[derive(Clone, Copy, Debug)]
pub struct Listening(pub SocketAddr);

/// A server that runs, until it is dropped.
pub struct Server {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    listening: Listening,
}

impl Server {
    /// Serves a directory.
    ///
    /// # Errors
    /// When it can't be.
    pub fn start(directory: Directory, serving: Serving) -> Result<Server, ServeError> {
        let address = serving.listen;
        if !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("directory")
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Thread)?;
        let failed = |error| ServeError::Address { address, error };
        let listener = {
            let _within = runtime.enter();
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
            socket.set_reuseaddr(true).map_err(failed)?;
            socket.bind(address).map_err(failed)?;
            socket.listen(BACKLOG).map_err(failed)?
        };
        let listening = Listening(listener.local_addr().map_err(failed)?);
        // All callers have one address here.
        let limits = Limits { address: Limits::default().connections, ..Limits::default() };
        let router = Service::new(directory, serving, &limits).routes(limits.request);
        let (stop, stopped) = watch::channel(false);
        let run = move || {
            let served = Served { router, limits, admits: Arc::new(|_| Ok(())) };
            runtime.block_on(countersign_serving::serve(Listener::Loopback(listener), served, stopped));
            runtime.shutdown_timeout(GRACE);
        };
        let thread = std::thread::Builder::new().name("directory".to_owned()).spawn(run).map_err(ServeError::Thread)?;
        Ok(Server { stop, thread: Some(thread), listening })
    }

    /// Where it is served.
    #[must_use]
    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// Whether it still serves.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failed send means that it has ended.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // Its panic was reported by the thread.
            drop(thread.join());
        }
    }
}

/// What handlers work with. A clone is the same.
#[derive(Clone)]
pub(crate) struct Service {
    directory: Directory,
    faults: Option<Arc<Faults>>,
    rates: Arc<Rates>,
    hashing: Arc<Semaphore>,
    held: Arc<Semaphore>,
}

impl Room for Service {
    fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.held).try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()
    }
}

impl Service {
    pub(crate) fn new(directory: Directory, serving: Serving, limits: &Limits) -> Service {
        Service {
            directory,
            faults: serving.faults.then(Arc::default),
            rates: Arc::new(Rates::new(serving.rate)),
            hashing: Arc::new(Semaphore::new(HASHING)),
            held: Arc::new(Semaphore::new(limits.held as usize)),
        }
    }

    #[rustfmt::skip]
    pub(crate) fn routes(self, longest: Duration) -> Router {
        Router::new()
            .route("/livez", get(|| async { StatusCode::OK }))
            .route("/v1/sign-in", post(sign_in::sign_in))
            .route("/v1/sign-out", post(sign_in::sign_out))
            .route("/v1/tokens/refresh", post(sign_in::refresh))
            .route("/v1/me", get(sign_in::me))
            .route("/v1/keys", get(sign_in::keys))
            .route("/v1/tokens/introspect", post(sign_in::introspect))
            .route("/v1/directory", get(sign_in::about))
            .route("/v1/capabilities", get(sign_in::capabilities))
            .route("/v1/accounts", get(accounts::list).post(accounts::create))
            .route("/v1/accounts/{id}", get(accounts::show).patch(accounts::patch).delete(accounts::delete))
            .route("/v1/accounts/{id}/credentials", get(accounts::credentials).post(accounts::add_credential))
            .route("/v1/accounts/{id}/groups", get(groups::of_account))
            .route("/v1/accounts/{id}/sessions/end", post(sessions::end_of_account))
            .route("/v1/accounts/{id}/tokens/revoke", post(sessions::revoke_of_account))
            .route("/v1/credentials/{id}", get(accounts::credential).patch(accounts::patch_credential).delete(accounts::delete_credential))
            .route("/v1/groups", get(groups::list).post(groups::create))
            .route("/v1/groups/{id}", get(groups::show).patch(groups::patch).delete(groups::delete))
            .route("/v1/groups/{id}/members", get(groups::members))
            .route("/v1/groups/{id}/members/{account}", get(groups::member).put(groups::add).delete(groups::remove))
            .route("/v1/sessions", get(sessions::list))
            .route("/v1/sessions/{id}", get(sessions::show).patch(sessions::patch))
            .route("/v1/sessions/{id}/end", post(sessions::end))
            .route("/v1/tokens", get(sessions::tokens))
            .route("/v1/tokens/{id}", get(sessions::token))
            .route("/v1/tokens/{id}/revoke", post(sessions::revoke))
            .route("/v1/principals", get(accounts::principals).post(accounts::create_principal))
            .route("/v1/principals/{id}", get(accounts::principal))
            .route("/v1/principals/{id}/revoke", post(accounts::revoke_principal))
            .route("/v1/events", get(events::list))
            .route(faults::PATH, get(faults::list).post(faults::order).delete(faults::clear))
            .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "no-endpoint", "expected an endpoint, got another path") })
            .method_not_allowed_fallback(|| async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "other-method", "expected another method of this endpoint") })
            .layer(from_fn_with_state(self.clone(), faults::apply))
            .layer(from_fn_with_state(longest, in_time))
            .with_state(self)
    }

    /// Works off the threads that serve: the file waits for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || work(&directory)).await.map_err(Problem::internal)?.map_err(problem)
    }

    /// Refuses whoever lacks a scope, and puts that on record.
    async fn permit(&self, asked: &Asked, scope: Scope) -> Result<(), Problem> {
        if asked.scopes.contains(&scope) {
            return Ok(());
        }
        let by = asked.by.clone();
        self.blocking(move |directory| {
            let draft = Draft { scope: Some(scope.id()), ..Draft::new(EventKind::AccessDenied) };
            let draft = Draft { failure: Some(Reason::MissingScope), ..draft };
            directory.change(&by, |change| change.emit(&draft).map(|_| ()))
        })
        .await?;
        let detail = format!("expected a credential with the scope `{scope}`, got one without it");
        Err(Problem::new(StatusCode::FORBIDDEN, "not-permitted", detail))
    }

    /// Answers what somebody may look at, with its entity tag.
    async fn read<T: Serialize + Send + 'static>(
        &self,
        asked: &Asked,
        scope: Scope,
        look: impl FnOnce(&Change<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<Response, Problem> {
        self.permit(asked, scope).await?;
        let (value, tag) = self
            .blocking(move |directory| {
                let value = serde_json::to_value(directory.look(look)?)?;
                let tag = etag(&value)?;
                Ok((value, tag))
            })
            .await?;
        let mut response = Json(value).into_response();
        tagged(&mut response, Some(&tag));
        Ok(response)
    }

    /// Changes something, once under an idempotency key, and answers what became of it.
    async fn write(
        &self,
        asked: Asked,
        scope: Scope,
        work: impl FnOnce(&mut Change<'_>, &Asked) -> Result<Answer, Error> + Send + 'static,
    ) -> Result<Response, Problem> {
        self.permit(&asked, scope).await?;
        let answer = self
            .blocking(move |directory| directory.administer(&asked.by, &asked.digest, |change| work(change, &asked)))
            .await?;
        Ok(answered(&answer))
    }
}

fn tagged(response: &mut Response, tag: Option<&String>) {
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

fn answered(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(answer.shown())).into_response();
    tagged(&mut response, answer.etag.as_ref());
    if answer.replayed {
        response
            .headers_mut()
            .insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    }
    if status.is_server_error() {
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// What an error is answered as.
fn problem(error: Error) -> Problem {
    let status = match &error {
        Error::Missing { .. } => (StatusCode::NOT_FOUND, "not-found"),
        Error::Taken { .. } => (StatusCode::CONFLICT, "taken"),
        Error::Changed { .. } => (StatusCode::PRECONDITION_FAILED, "changed"),
        Error::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"),
        Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Error::Denied { reason, told: true } => (StatusCode::UNAUTHORIZED, reason.id()),
        // Whoever proved nothing isn't told whether there is such an account.
        Error::Denied { told: false, .. } => {
            let detail = "expected what lets somebody in, got something else";
            return Problem::new(StatusCode::UNAUTHORIZED, "invalid-credentials", detail).challenge(CHALLENGE);
        }
        Error::Open(_) | Error::Sqlite(_) | Error::Damaged(_) | Error::Random(_) => return Problem::internal(error),
    };
    let problem = Problem::new(status.0, status.1, &error);
    if status.0 == StatusCode::UNAUTHORIZED { problem.challenge(CHALLENGE) } else { problem }
}

/// Answers a request that takes too long.
async fn in_time(State(longest): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(longest, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("expected a request that takes at most {} s, got a longer one", longest.as_secs_f64());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail).into_response()
    })
}
