//! Access tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037). Whoever has the public key verifies one without
//! asking the directory, so one is valid until it expires, also when its session has ended.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_model::{Digest, Timestamp};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Error;
use crate::words::{AccountKind, Factor};

/// The longest access token that is looked at, bytes.
const MAX_TOKEN: usize = 16 << 10;

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The directory.
    pub(crate) iss: String,
    /// The account.
    pub(crate) sub: String,
    /// The session.
    pub(crate) sid: String,
    /// The token's own id.
    pub(crate) jti: String,
    /// Seconds since 1970.
    pub(crate) iat: i64,
    /// Seconds since 1970, from which on it isn't valid.
    pub(crate) exp: i64,
    /// The account's name.
    pub(crate) preferred_username: String,
    /// Whose the account is.
    pub(crate) account_type: AccountKind,
    /// How it was proved (RFC 8176, in the directory's words).
    pub(crate) amr: Vec<Factor>,
    /// What its groups give it.
    pub(crate) privileges: Vec<String>,
}

/// The key that signs access tokens.
pub(crate) struct Signing {
    key: SigningKey,
    issuer: String,
    id: String,
}

impl Signing {
    pub(crate) fn new(seed: &[u8; 32], tenant: &str) -> Signing {
        let key = SigningKey::from_bytes(seed);
        let digest = Digest::of(key.verifying_key().as_bytes()).to_string();
        let id = digest.get(..16).unwrap_or_default().to_owned();
        Signing { key, issuer: issuer(tenant), id }
    }

    /// Signs claims.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, Error> {
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.id });
        let signed = format!("{}.{}", encoded(&header)?, encoded(claims)?);
        let signature = self.key.sign(signed.as_bytes());
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }

    /// What a token says that this directory signed and that hasn't expired; all that anybody can tell who doesn't ask it.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= MAX_TOKEN)?;
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        self.key.verifying_key().verify_strict(signed.as_bytes(), &signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (claims.iss == self.issuer && now.0 / 1_000_000 < claims.exp).then_some(claims)
    }

    /// The public key (RFC 7517).
    pub(crate) fn keys(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": x }] })
    }
}

/// How a directory is called in its tokens.
pub(crate) fn issuer(tenant: &str) -> String {
    format!("urn:countersign:directory:{tenant}")
}

fn encoded(part: &impl Serialize) -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part)?))
}
