//! The envelope of a statement: DSSE (Dead Simple Signing Envelope, protocol version 1), in one canonical form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SecretKey};
use crate::statement::{Signed, StatementError, other_json};

/// The type of what is signed.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The most signatures of an envelope: publishers have a key or two, and one that they change to.
pub const MAX_SIGNATURES: usize = 8;

/// The most bytes of an envelope: more than any statement with that many signatures.
pub const MAX_ENVELOPE_BYTES: usize = 16 << 10;

/// A signed statement. Each of its signatures is that of the key which it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<S> {
    statement: S,
    signatures: Vec<(PublicKey, [u8; 64])>,
}

/// Why bytes aren't a signed statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// They are more than any envelope has.
    #[error("expected an envelope of at most {MAX_ENVELOPE_BYTES} bytes, got {0}")]
    TooLarge(usize),
    /// They are JSON of another form, or none.
    #[error("expected a DSSE envelope: {0}")]
    Form(String),
    /// The same envelope is written otherwise.
    #[error("expected the envelope in canonical form (RFC 8785)")]
    NotCanonical,
    /// What is signed is something else.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// No signature, too many, or several of one key.
    #[error("expected 1 to {MAX_SIGNATURES} signatures, each of another key, got {0}")]
    Signatures(String),
    /// A signature isn't that of the key which it names.
    #[error("the signature isn't that of `{0}`: it was changed, or made for something else")]
    Mismatch(PublicKey),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    keyid: PublicKey,
    sig: String,
}

impl<S: Signed> Envelope<S> {
    /// Signs a statement.
    #[must_use]
    pub fn sign(statement: S, key: &SecretKey) -> Envelope<S> {
        let signature = key.sign(&encoded(&statement.to_bytes()));
        Envelope { statement, signatures: vec![(key.public(), signature)] }
    }

    /// The same with another key's signature beside those that are there. A key that has signed already changes nothing.
    ///
    /// # Errors
    /// When there are [`MAX_SIGNATURES`] already.
    pub fn also_signed_by(mut self, key: &SecretKey) -> Result<Envelope<S>, EnvelopeError> {
        if self.signers().any(|signer| *signer == key.public()) {
            return Ok(self);
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(EnvelopeError::Signatures("one more".to_owned()));
        }
        self.signatures.push((key.public(), key.sign(&encoded(&self.statement.to_bytes()))));
        Ok(self)
    }

    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> &S {
        &self.statement
    }

    /// The keys that signed it, in the order of the signatures. Whose they are is up to the operator.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.signatures.iter().map(|(key, _)| key)
    }

    /// The bytes of the envelope: canonical JSON (RFC 8785).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let signatures = self.signatures.iter();
        let written = Written {
            payload: STANDARD.encode(self.statement.to_bytes()),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: signatures
                .map(|(key, signature)| WrittenSignature { keyid: *key, sig: STANDARD.encode(signature) })
                .collect(),
        };
        // An envelope has no map with keys other than text and no number, so this can't fail.
        serde_json_canonicalizer::to_vec(&written).unwrap_or_default()
    }

    /// Reads an envelope and verifies every signature in it. An envelope says nothing until its statement is compared with
    /// what it is about.
    ///
    /// # Errors
    /// When the bytes are any others than those that an envelope is written as, or a signature isn't that of its key.
    pub fn verify(bytes: &[u8]) -> Result<Envelope<S>, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let form = |error: &dyn ToString| EnvelopeError::Form(error.to_string());
        let Written { payload, payload_type, signatures } =
            serde_json::from_slice(bytes).map_err(|error| EnvelopeError::Form(other_json(&error)))?;
        if payload_type != PAYLOAD_TYPE {
            return Err(form(&format_args!("expected the payload type `{PAYLOAD_TYPE}`, got another")));
        }
        if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::Signatures(signatures.len().to_string()));
        }
        let payload = STANDARD.decode(payload).map_err(|error| form(&format_args!("payload: {error}")))?;
        let message = encoded(&payload);
        let mut verified: Vec<(PublicKey, [u8; 64])> = Vec::with_capacity(signatures.len());
        for WrittenSignature { keyid, sig } in signatures {
            let signature = STANDARD.decode(sig).ok().and_then(|sig| <[u8; 64]>::try_from(sig).ok());
            let signature = signature.ok_or_else(|| form(&"expected signatures of 64 bytes in Base64"))?;
            if verified.iter().any(|(key, _)| *key == keyid) {
                return Err(EnvelopeError::Signatures(format!("two of `{keyid}`")));
            }
            // INVARIANT: an envelope has no signature that wasn't verified, trusted or not.
            if !keyid.verifies(&message, &signature) {
                return Err(EnvelopeError::Mismatch(keyid));
            }
            verified.push((keyid, signature));
        }
        let envelope = Envelope { statement: S::read(&payload)?, signatures: verified };
        if envelope.to_bytes() == bytes { Ok(envelope) } else { Err(EnvelopeError::NotCanonical) }
    }
}

/// The bytes that a signature is of: DSSE's pre-authentication encoding, `DSSEv1 SP LEN(type) SP type SP LEN(body) SP
/// body`, so that a statement can't be taken for signed bytes of another type.
fn encoded(payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

#[cfg(test)]
#[path = "../tests/unit/envelope.rs"]
mod tests;
