//! Whether a rule is its publisher's: asked where it would serve, before its id counts for anything.

use std::collections::BTreeSet;

use countersign_admission::Admitted;
use countersign_model::Digest;
use countersign_policy::{LOCAL_PUBLISHER, SHIPPED_PUBLISHER, Trust};
use countersign_shipped::DIGESTS;
use countersign_signing::{Envelope, EnvelopeError, Proof, PublicKey, Statement};

// One bound, in the two crates that mustn't know each other.
const _: () = assert!(countersign_admission::sections::MAX_SIGNATURE_BYTES == countersign_signing::MAX_ENVELOPE_BYTES);

/// Why a rule isn't proved to be its publisher's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// It isn't one of those that the binary carries.
    #[error("it isn't one of the rules that ship, byte for byte")]
    NotShipped,
    /// The operator says nothing of the publisher.
    #[error("no `trust.toml` was given that names that publisher")]
    UnknownPublisher,
    /// It isn't signed.
    #[error("it has no signature; `rule sign` makes one")]
    Unsigned,
    /// Its signature isn't one.
    #[error("its signature can't be used: {0}")]
    Signature(#[from] EnvelopeError),
    /// What was signed is another rule, or another version of it.
    #[error("what was signed has another {0}")]
    Other(&'static str),
    /// It was signed by others.
    #[error("it was signed by {}, which `trust.toml` doesn't name for that publisher", keys(.0))]
    OtherKeys(Vec<PublicKey>),
}

fn keys(keys: &[PublicKey]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// The parts of the rules that the binary carries.
#[must_use]
pub fn shipped_rules() -> BTreeSet<Statement> {
    let rules = DIGESTS.iter().filter_map(|rule| {
        Some(Statement {
            rule: rule.id.parse().ok()?,
            version: rule.version.to_owned(),
            code: Digest(rule.code),
            declaration: Digest(rule.declaration),
            data: rule.data.map(Digest),
        })
    });
    rules.collect()
}

/// What a signature would have to say about a rule. Parameters are the operator's.
#[must_use]
pub fn statement(admitted: &Admitted) -> Statement {
    Statement::of(&admitted.identity(Digest([0; 32])))
}

/// What proves a rule to be its publisher's. `shipped` has the rules that the binary carries, or those that the one did
/// which wrote the record.
///
/// # Errors
/// When nothing does.
pub fn prove(admitted: &Admitted, trust: &Trust, shipped: &BTreeSet<Statement>) -> Result<Proof, Unproved> {
    let statement = statement(admitted);
    if statement.rule.publisher() == SHIPPED_PUBLISHER && shipped.contains(&statement) {
        return Ok(Proof::Shipped);
    }
    if !trust.asks_for_proof() || statement.rule.publisher() == LOCAL_PUBLISHER {
        return Ok(Proof::Unsigned);
    }
    let publisher = trust.publisher(statement.rule.publisher()).ok_or(Unproved::UnknownPublisher)?;
    match admitted.signature() {
        None if publisher.unsigned => Ok(Proof::Unsigned),
        _ if statement.rule.publisher() == SHIPPED_PUBLISHER => Err(Unproved::NotShipped),
        None => Err(Unproved::Unsigned),
        Some(signature) => {
            let signers = signers(signature, &statement)?;
            // INVARIANT: a rule is a publisher's only by a key of that publisher.
            let key = publisher.keys.iter().find(|key| signers.contains(key));
            key.copied().map(Proof::Key).ok_or(Unproved::OtherKeys(signers))
        }
    }
}

/// The keys that signed exactly this rule, trusted or not.
///
/// # Errors
/// When the signature isn't one, or is of another rule.
pub fn signers(signature: &[u8], rule: &Statement) -> Result<Vec<PublicKey>, Unproved> {
    let envelope = Envelope::<Statement>::verify(signature)?;
    let signed = envelope.statement();
    let parts = [
        (signed.rule == rule.rule, "id"),
        (signed.version == rule.version, "version"),
        (signed.code == rule.code, "code"),
        (signed.declaration == rule.declaration, "declaration"),
        (signed.data == rule.data, "data"),
    ];
    match parts.iter().find(|(same, _)| !same) {
        Some((_, part)) => Err(Unproved::Other(part)),
        None => Ok(envelope.signers().copied().collect()),
    }
}
