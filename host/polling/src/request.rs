//! A request: with time-outs, without redirects, and with an answer of a bounded size.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};
use zeroize::Zeroizing;

use crate::answer::{Answer, RequestError};
/// The largest answer, bytes: a record has some kilobytes.
pub(crate) const MAX_BODY: u64 = 64 << 20;

/// The largest head of an answer, bytes.
const MAX_HEAD: usize = 64 << 10;

/// How long a connection may take, and a request as a whole.
const TIMEOUTS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));

/// The longest token, bytes.
const MAX_TOKEN: usize = 4_096;

/// A token that reads a log. It is never shown.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// What can't be a token. What it is isn't said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a token of 1 to {MAX_TOKEN} visible characters, got something else")]
pub struct TokenError;

impl Token {
    /// A token as its file or variable has it: white space around it is no part of it.
    ///
    /// # Errors
    /// When it can't be one.
    pub fn read(bytes: &[u8]) -> Result<Token, TokenError> {
        let text = std::str::from_utf8(bytes).map_err(|_| TokenError)?.trim();
        let is_token = (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(Token(Zeroizing::new(text.to_owned()))) } else { Err(TokenError) }
    }
}

/// A token as the header `Authorization` has it.
pub(crate) struct Presented(Zeroizing<String>);

impl Token {
    /// As Okta takes it.
    pub(crate) fn as_ssws(&self) -> Presented {
        Presented(Zeroizing::new(format!("SSWS {}", *self.0)))
    }

    /// As RFC 6750 has it.
    pub(crate) fn as_bearer(&self) -> Presented {
        Presented(Zeroizing::new(format!("Bearer {}", *self.0)))
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(…)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why no connection can be made at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionsError {
    /// The machine has no roots to know others by.
    #[error("expected roots of certificates on this machine, got none{}", .0.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    NoRoots(Option<String>),
}

/// How connections are made: the machine's roots, `HTTPS_PROXY` and `NO_PROXY` of the environment. A clone is the same.
#[derive(Clone, Debug)]
pub struct Connections(Agent);

impl Connections {
    /// Connections to an origin.
    ///
    /// # Errors
    /// When it is spoken to by TLS, and the machine has no roots.
    pub fn to(origin: &str) -> Result<Connections, ConnectionsError> {
        if !origin.starts_with("https://") {
            return Ok(Connections::with_roots(Vec::new(), TIMEOUTS));
        }
        let found = rustls_native_certs::load_native_certs();
        let roots: Vec<Certificate<'static>> =
            found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        if roots.is_empty() {
            return Err(ConnectionsError::NoRoots(found.errors.first().map(ToString::to_string)));
        }
        Ok(Connections::with_roots(roots, TIMEOUTS))
    }

    pub(crate) fn with_roots(roots: Vec<Certificate<'static>>, (connect, whole): (Duration, Duration)) -> Connections {
        let has_tls = !roots.is_empty();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            // On this machine, where there is no TLS, nobody comes between.
            .proxy(if has_tls { Proxy::try_from_env() } else { None })
            .http_status_as_error(false)
            // A redirect could lead the token elsewhere: it is an answer like others.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEAD)
            .timeout_connect(Some(connect))
            .timeout_global(Some(whole))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build();
        Connections(Agent::new_with_config(agent))
    }
}

/// A request for what follows.
#[derive(Debug)]
pub struct Request {
    connections: Connections,
    token: Presented,
    url: String,
}

impl Request {
    /// `path` is a path with its query, of this origin.
    pub(crate) fn new(connections: &Connections, token: Presented, origin: &str, path: &str) -> Request {
        Request { connections: connections.clone(), token, url: format!("{origin}{path}") }
    }

    /// Sends it, and waits for the whole answer: a minute at most.
    ///
    /// # Errors
    /// When there is none.
    pub fn send(self) -> Result<Answer, RequestError> {
        let sent = self.connections.0.get(&self.url).header("authorization", &*self.token.0);
        let mut response =
            sent.header("accept", "application/json, application/x-ndjson").call().map_err(RequestError::from)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (reset, date) = (header("x-rate-limit-reset"), header("date"));
        let (retry_after, cursor) = (header("retry-after"), header("x-next-cursor"));
        let links = response.headers().get_all("link").iter();
        let links = links.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec()?;
        Ok(Answer { status, links, reset, date, retry_after, cursor, body })
    }
}
