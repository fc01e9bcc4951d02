//! The certificate by which the network is served, with its key. Both are read again when their files change, so that a
//! renewal needs no restart; what can't be used then is said, and the one before stays.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_configuration::{Secret, SecretError};
use countersign_document::read_capped;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The most bytes of a chain of certificates, and of a key.
const MAX_PEM: u64 = 1 << 20;

/// Why a certificate can't be used. Nothing of a key is in it.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Its file can't be read.
    #[error("`{}`: {error}", countersign_text::path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It is no certificate.
    #[error("`{}`: expected a certificate and those above it as PEM, at most 1 MiB, got something else", countersign_text::path(.0))]
    NoCertificate(PathBuf),
    /// The key can't be read.
    #[error("the certificate's key: {0}")]
    Key(#[from] SecretError),
    /// It is no key.
    #[error("the certificate's key: expected a private key as PEM, got something else")]
    NoKey,
    /// They don't fit.
    #[error("`{}`: expected a certificate that fits its key, got: {error}", countersign_text::path(path))]
    Unfit {
        /// The certificate's file.
        path: PathBuf,
        /// Why not.
        error: rustls::Error,
    },
}

/// A certificate and its key, as they are on disk.
pub struct Certificate {
    chain: PathBuf,
    key: Secret,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    seen: Seen,
    problem: Option<String>,
}

/// What both files were when they were read last.
type Seen = [Option<(u64, u64, i64, i64, u64)>; 2];

impl Certificate {
    /// Reads a chain of certificates and its key.
    ///
    /// # Errors
    /// When they can't be used, or everybody may read the key.
    pub fn read(chain: &Path, key: &Secret) -> Result<Certificate, CertificateError> {
        let seen = seen(chain, key);
        let state = Mutex::new(State { config: config(chain, key)?, seen, problem: None });
        Ok(Certificate { chain: chain.to_owned(), key: key.clone(), state })
    }

    /// By which connections are served from now on.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).config)
    }

    /// Why the files on disk aren't those that are served by, if they can't be used.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    /// Reads both again. If they can't be used, it is logged, and the ones before stay.
    pub fn reread(&self) {
        // Before they are read: what changes meanwhile is seen the next time.
        let seen = seen(&self.chain, &self.key);
        let read = config(&self.chain, &self.key);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(config) => {
                state.config = config;
                state.problem = None;
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                let problem = error.to_string();
                // A renewal writes one file after the other: said once.
                if state.problem.as_ref() != Some(&problem) {
                    tracing::error!("the certificate on disk can't be used, the one before stays: {problem}");
                }
                state.problem = Some(problem);
            }
        }
        state.seen = seen;
    }

    /// Reads both again if one of the files isn't the one that was read.
    pub(crate) fn reread_if_changed(&self) {
        let before = self.state.lock().unwrap_or_else(PoisonError::into_inner).seen;
        if seen(&self.chain, &self.key) != before {
            self.reread();
        }
    }
}

/// Where they are, without what they are.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain).field("key", &self.key).finish_non_exhaustive()
    }
}

fn seen(chain: &Path, key: &Secret) -> Seen {
    let of =
        |metadata: Metadata| (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.len());
    [Some(chain), key.path()].map(|path| path.and_then(|path| path.metadata().ok()).map(of))
}

fn config(path: &Path, key: &Secret) -> Result<Arc<ServerConfig>, CertificateError> {
    let unreadable = |error| CertificateError::Unreadable { path: path.to_owned(), error };
    let no_certificate = || CertificateError::NoCertificate(path.to_owned());
    let bytes = read_capped(path, MAX_PEM).map_err(unreadable)?.ok_or_else(no_certificate)?;
    let chain: Result<Vec<CertificateDer<'_>>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(no_certificate)?;
    // Its errors aren't shown: they may have a part of the key in them.
    let key = PrivateKeyDer::from_pem_slice(&key.read(MAX_PEM)?).map_err(|_| CertificateError::NoKey)?;
    let chain = chain.into_iter().map(CertificateDer::into_owned).collect();
    let unfit = |error| CertificateError::Unfit { path: path.to_owned(), error };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
