//! What is signed about a rule: an in-toto statement, version 1, with the digests of its parts.

use countersign_model::{Digest, RuleId, RuleIdentity};
use serde::{Deserialize, Serialize};

/// `_type` of an in-toto statement (in-toto attestation framework, spec/v1/statement.md).
pub(crate) const TYPE: &str = "https://in-toto.io/Statement/v1";

/// What the predicate is: a rule's id and version.
const PREDICATE_TYPE: &str = "urn:countersign:rule:v1";

/// What a signature says: these are the parts of this version of this rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// The rule.
    pub rule: RuleId,
    /// Its semantic version.
    pub version: String,
    /// SHA-256 of the component without Countersign's own sections.
    pub code: Digest,
    /// SHA-256 of the declaration section.
    pub declaration: Digest,
    /// SHA-256 of the data section, if there is one.
    pub data: Option<Digest>,
}

/// What can be signed: an in-toto statement with one form in bytes.
pub trait Signed: Sized {
    /// The bytes that are signed: canonical JSON (RFC 8785).
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads what was signed.
    ///
    /// # Errors
    /// When the bytes are any others than those that a statement of this kind is written as.
    fn read(bytes: &[u8]) -> Result<Self, StatementError>;
}

/// Bytes that aren't the statement that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// They are JSON of another form, or none.
    #[error("expected an in-toto statement about a {about}: {why}")]
    Form {
        /// What it should be about.
        about: &'static str,
        /// What is there.
        why: String,
    },
    /// The same statement is written otherwise.
    #[error("expected the statement in canonical form (RFC 8785)")]
    NotCanonical,
}

/// An in-toto statement as it is written: a predicate, and the subjects that it is about.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written<P, S> {
    #[serde(rename = "_type")]
    pub(crate) statement_type: String,
    #[serde(rename = "predicateType")]
    pub(crate) predicate_type: String,
    pub(crate) predicate: P,
    pub(crate) subject: S,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    rule: RuleId,
    version: String,
}

/// Something with a digest that a statement is about.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) digest: Sha256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sha256 {
    pub(crate) sha256: Digest,
}

impl Subject {
    pub(crate) fn new(name: &str, sha256: Digest) -> Subject {
        Subject { name: name.to_owned(), digest: Sha256 { sha256 } }
    }
}

impl Statement {
    /// About a rule. Its parameters are the operator's, so they aren't part of it.
    #[must_use]
    pub fn of(identity: &RuleIdentity) -> Statement {
        Statement {
            rule: identity.id.clone(),
            version: identity.version.clone(),
            code: identity.code,
            declaration: identity.declaration,
            data: identity.data,
        }
    }
}

impl Signed for Statement {
    fn to_bytes(&self) -> Vec<u8> {
        let mut subjects = vec![Subject::new("component", self.code), Subject::new("declaration", self.declaration)];
        subjects.extend(self.data.map(|data| Subject::new("data", data)));
        let written = Written {
            statement_type: TYPE.to_owned(),
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate { rule: self.rule.clone(), version: self.version.clone() },
            subject: subjects,
        };
        // A statement has no map with keys other than text and no number, so this can't fail.
        serde_json_canonicalizer::to_vec(&written).unwrap_or_default()
    }

    fn read(bytes: &[u8]) -> Result<Statement, StatementError> {
        let form = |why: String| StatementError::Form { about: "rule", why };
        let Written { statement_type, predicate_type, predicate, subject }: Written<Predicate, Vec<Subject>> =
            serde_json::from_slice(bytes).map_err(|error| form(other_json(&error)))?;
        check_types("rule", (&statement_type, &predicate_type), PREDICATE_TYPE)?;
        let named = |name: &str| subject.iter().find(|one| one.name == name).map(|one| one.digest.sha256);
        let (Some(code), Some(declaration)) = (named("component"), named("declaration")) else {
            return Err(form("expected the subjects `component` and `declaration`".to_owned()));
        };
        let statement =
            Statement { rule: predicate.rule, version: predicate.version, code, declaration, data: named("data") };
        // Subjects that are missing, twice, in another order or of another name differ here.
        if statement.to_bytes() == bytes { Ok(statement) } else { Err(StatementError::NotCanonical) }
    }
}

/// Refuses a statement of another type than those that are expected.
pub(crate) fn check_types(
    about: &'static str,
    (statement_type, predicate_type): (&str, &str),
    predicate: &str,
) -> Result<(), StatementError> {
    for (got, expected) in [(statement_type, TYPE), (predicate_type, predicate)] {
        if got != expected {
            return Err(StatementError::Form { about, why: format!("expected type `{expected}`, got another") });
        }
    }
    Ok(())
}

/// Where bytes are other JSON than expected. Nothing of them is in the message: their author would choose what it
/// says.
pub(crate) fn other_json(error: &serde_json::Error) -> String {
    format!("other JSON, or none, at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
#[path = "../tests/unit/statement.rs"]
mod tests;
