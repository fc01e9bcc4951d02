//! What is signed about a rule: an in-toto statement, version 1, with the digests of its parts.

use countersign_model::{Digest, RuleId, RuleIdentity};
use serde::{Deserialize, Serialize};

/// `_type` of an in-toto statement (in-toto attestation framework, spec/v1/statement.md).
const TYPE: &str = "https://in-toto.io/Statement/v1";

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

/// Bytes that aren't a statement about a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// They are JSON of another form, or none.
    #[error("expected an in-toto statement about a rule: {0}")]
    Form(String),
    /// The same statement is written otherwise.
    #[error("expected the statement in canonical form (RFC 8785)")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
    subject: Vec<Subject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    rule: RuleId,
    version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: Sha256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sha256 {
    sha256: Digest,
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

    /// The bytes that are signed: canonical JSON (RFC 8785).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let subject = |name: &str, sha256| Subject { name: name.to_owned(), digest: Sha256 { sha256 } };
        let mut subjects = vec![subject("component", self.code), subject("declaration", self.declaration)];
        subjects.extend(self.data.map(|data| subject("data", data)));
        let written = Written {
            statement_type: TYPE.to_owned(),
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate { rule: self.rule.clone(), version: self.version.clone() },
            subject: subjects,
        };
        // A statement has no map with keys other than text and no number, so this can't fail.
        serde_json_canonicalizer::to_vec(&written).unwrap_or_default()
    }

    /// Reads what was signed.
    ///
    /// # Errors
    /// When the bytes are any others than those that a statement is written as.
    pub fn read(bytes: &[u8]) -> Result<Statement, StatementError> {
        let form = |error: &dyn ToString| StatementError::Form(error.to_string());
        let Written { statement_type, predicate_type, predicate, subject } =
            serde_json::from_slice(bytes).map_err(|error| StatementError::Form(other_json(&error)))?;
        for (got, expected) in [(statement_type, TYPE), (predicate_type, PREDICATE_TYPE)] {
            if got != expected {
                return Err(form(&format_args!("expected type `{expected}`, got another")));
            }
        }
        let named = |name: &str| subject.iter().find(|one| one.name == name).map(|one| one.digest.sha256);
        let (Some(code), Some(declaration)) = (named("component"), named("declaration")) else {
            return Err(form(&"expected the subjects `component` and `declaration`"));
        };
        let statement =
            Statement { rule: predicate.rule, version: predicate.version, code, declaration, data: named("data") };
        // Subjects that are missing, twice, in another order or of another name differ here.
        if statement.to_bytes() == bytes { Ok(statement) } else { Err(StatementError::NotCanonical) }
    }
}

/// Where bytes are other JSON than expected. Nothing of them is in the message: their author would choose what it
/// says.
pub(crate) fn other_json(error: &serde_json::Error) -> String {
    format!("other JSON, or none, at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
#[path = "../tests/unit/statement.rs"]
mod tests;
