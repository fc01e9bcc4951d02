//! Who calls: the process at the other end of the socket, as the kernel says.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use tokio::net::UnixStream;

use crate::problem::Problem;
use crate::server::Api;

/// The other end of a connection. It stands among the extensions of each of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its user; none where the kernel doesn't say.
    pub(crate) uid: Option<u32>,
}

impl Peer {
    /// The other end of this connection.
    pub(crate) fn of(stream: &UnixStream) -> Peer {
        Peer { uid: stream.peer_cred().ok().map(|peer| peer.uid()) }
    }
}

/// A caller that may do what it asks for: the user that the host runs as, or root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    uid: u32,
}

impl Operator {
    /// What goes on record of it.
    pub(crate) fn name(self) -> String {
        format!("uid {}", self.uid)
    }
}

impl FromRequestParts<Api> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Operator, Problem> {
        let peer = parts.extensions.get::<Peer>().and_then(|peer| peer.uid);
        match peer {
            Some(uid) if uid == api.uid() || uid == 0 => Ok(Operator { uid }),
            got => {
                let got = got.map_or_else(|| "an unknown one".to_owned(), |uid| format!("uid {uid}"));
                let detail = format!("expected the user that the host runs as (uid {}) or root, got {got}", api.uid());
                Err(Problem::new(StatusCode::FORBIDDEN, "not-permitted", detail))
            }
        }
    }
}
