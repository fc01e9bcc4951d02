//! The address at which the network is served, with TLS only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket};

use crate::certificate::Certificate;
use crate::server::ServeError;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// How often it is looked whether the certificate's files have changed.
const LOOK: Duration = Duration::from_secs(2);

/// An address that this process has. Nobody can connect before it is served.
pub struct Network {
    bound: TcpSocket,
    address: SocketAddr,
    certificate: Arc<Certificate>,
}

/// How the network is served.
#[derive(Clone, Debug)]
pub struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Arc<Certificate>,
}

/// How it is told in `GET /v1/status`.
#[derive(Serialize)]
pub(crate) struct NetworkStatus {
    /// The address, with the port that it really has.
    address: String,
    /// Why the certificate on disk isn't the one that is served by, if it can't be used.
    problem: Option<String>,
}

impl Listening {
    pub(crate) fn status(&self) -> NetworkStatus {
        NetworkStatus { address: self.address.to_string(), problem: self.certificate.problem() }
    }
}

impl Network {
    /// Takes an address. With port 0 it is a free one.
    ///
    /// # Errors
    /// When it can't be had.
    pub fn bind(address: SocketAddr, certificate: Arc<Certificate>) -> Result<Network, ServeError> {
        let failed = |error| ServeError::Address { address, error };
        let bound = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
        // Connections of the host before, which linger, don't keep this one from starting.
        bound.set_reuseaddr(true).map_err(failed)?;
        bound.bind(address).map_err(failed)?;
        let address = bound.local_addr().map_err(failed)?;
        Ok(Network { bound, address, certificate })
    }

    /// The address, with the port that it really has.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is served.
    #[must_use]
    pub fn listening(&self) -> Listening {
        Listening { address: self.address, certificate: Arc::clone(&self.certificate) }
    }

    /// Has others connect. Within a runtime.
    pub(crate) fn listen(self) -> Result<(TcpListener, Arc<Certificate>), ServeError> {
        let address = self.address;
        let listener = self.bound.listen(BACKLOG).map_err(|error| ServeError::Address { address, error })?;
        Ok((listener, self.certificate))
    }
}

/// Reads the certificate again whenever its files change, for ever.
pub(crate) async fn renew(certificate: Arc<Certificate>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let certificate = Arc::clone(&certificate);
        // Its panic was reported by its thread.
        drop(tokio::task::spawn_blocking(move || certificate.reread_if_changed()).await);
    }
}
