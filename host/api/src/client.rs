//! A client of a host, over its socket: for commands that look at it or change it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use crate::server::{PLAN, longest};

/// How long a request may take that [`longest`] gives no longer time. Reading and compiling a generation takes longest.
const LONGEST: Duration = Duration::from_secs(120);

/// The largest answer, bytes.
const MAX_ANSWER: usize = 256 << 20;

/// A client of the host that listens on a socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why a request has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no host serves at `{}`: start it with `countersign run`", countersign_text::path(.0))]
    NoHost(PathBuf),
    /// The socket can't be used.
    #[error("can't use `{}`: {error}", countersign_text::path(path))]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The host refuses it, with all reasons.
    #[error("{detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The problem's code, such as `faults`.
        code: String,
        /// Why.
        detail: String,
    },
    /// The connection ended before the answer was there: the host ended, or was stopped.
    #[error(
        "the host at `{}` ended the connection before it had answered ({cause}): `countersign status` shows whether it \
         serves, and what it did",
        countersign_text::path(path)
    )]
    Ended {
        /// The socket.
        path: PathBuf,
        /// What was seen of it.
        cause: String,
    },
    /// It took too long.
    #[error("expected an answer within {} s, got none", .0.as_secs())]
    TimedOut(Duration),
    /// The answer isn't one of a host's.
    #[error("expected an answer of a host, got: {0}")]
    Answer(String),
}

/// The members of a problem (RFC 9457) that matter here.
#[derive(Deserialize)]
struct Problem {
    r#type: String,
    detail: String,
}

impl Client {
    /// A client of the host that listens there.
    #[must_use]
    pub fn new(socket: &Path) -> Client {
        Client { socket: socket.to_owned() }
    }

    /// Gets what is at a path.
    ///
    /// # Errors
    /// When there is no host, or it refuses.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, None, Bytes::new())
    }

    /// Posts JSON to a path.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.call(Method::POST, path, None, written(body)?)
    }

    /// Asks for a plan, which may take minutes.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub fn plan<T: DeserializeOwned>(&self, body: &impl Serialize) -> Result<T, ClientError> {
        self.post(PLAN, body)
    }

    /// Posts records to a path, under an idempotency key.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub fn send<T: DeserializeOwned>(&self, path: &str, key: Option<&str>, body: Vec<u8>) -> Result<T, ClientError> {
        self.call(Method::POST, path, key, body.into())
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let longest = longest(path).unwrap_or(LONGEST);
        let failed = |error| ClientError::Socket { path: self.socket.clone(), error };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let (status, answer) = runtime.block_on(async {
            let exchange = tokio::time::timeout(longest, self.exchange(method, path, key, body));
            exchange.await.unwrap_or(Err(ClientError::TimedOut(longest)))
        })?;
        // `/readyz` says with its status what its body says too.
        if status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE && path == "/readyz" {
            return serde_json::from_slice(&answer).map_err(|error| ClientError::Answer(error.to_string()));
        }
        match serde_json::from_slice::<Problem>(&answer) {
            Ok(Problem { r#type, detail }) => {
                let code = r#type.rsplit(':').next().unwrap_or_default().to_owned();
                Err(ClientError::Refused { status: status.as_u16(), code, detail })
            }
            Err(_) => Err(ClientError::Answer(status.to_string())),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoHost(self.socket.clone()),
            _ => ClientError::Socket { path: self.socket.clone(), error },
        })?;
        let failed = |error: hyper::Error| ClientError::Ended { path: self.socket.clone(), cause: error.to_string() };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header(HOST, "countersign");
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| ClientError::Answer(error.to_string()))?;
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => failed(*error),
            Err(error) => ClientError::Answer(error.to_string()),
        })?;
        Ok((status, body.to_bytes()))
    }
}

fn written(body: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| ClientError::Answer(error.to_string()))
}
