//! What proves a rule to be its publisher's, in words and in JSON: for every command on rules that only looks.

use std::collections::BTreeSet;
use std::fmt;

use countersign_admission::Admitted;
use countersign_generation::{prove, shipped_rules, signers, statement};
use countersign_policy::Trust;
use countersign_signing::{Proof, PublicKey, Statement};
use serde::Serialize;

/// What rules are held against.
pub(super) struct Believed {
    trust: Trust,
    shipped: BTreeSet<Statement>,
}

/// What is known of a rule's origin. In JSON the member `proof`.
#[derive(Debug, Serialize)]
pub(super) struct Origin {
    /// The publisher that its id names.
    publisher: String,
    /// Whether it may serve as that publisher's.
    proved: bool,
    /// By what: `shipped`, `unsigned` or a key; none if it isn't proved.
    by: Option<Proof>,
    /// The keys that signed exactly this rule, trusted or not.
    signers: Vec<PublicKey>,
    /// Why it isn't proved.
    reason: Option<String>,
}

impl Believed {
    /// What the operator's file says, and what ships.
    pub(super) fn new(trust: Trust) -> Believed {
        Believed { trust, shipped: shipped_rules() }
    }

    /// The origin of a rule.
    pub(super) fn origin(&self, admitted: &Admitted) -> Origin {
        let proof = prove(admitted, &self.trust, &self.shipped);
        let signed = admitted.signature().and_then(|signature| signers(signature, &statement(admitted)).ok());
        Origin {
            publisher: admitted.declaration().id.publisher().to_owned(),
            proved: proof.is_ok(),
            by: proof.as_ref().ok().copied(),
            signers: signed.unwrap_or_default(),
            reason: proof.err().map(|why| why.to_string()),
        }
    }
}

impl Origin {
    /// Whether something shows that it is the publisher's: a key of theirs, or that it ships.
    pub(super) fn is_shown(&self) -> bool {
        matches!(self.by, Some(Proof::Shipped | Proof::Key(_)))
    }

    /// Whether somebody signed exactly this rule, or it ships.
    pub(super) fn is_signed(&self) -> bool {
        !self.signers.is_empty() || self.by == Some(Proof::Shipped)
    }
}

/// One line.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { publisher, by, signers, reason, .. } = self;
        match (by, reason) {
            (Some(Proof::Shipped), _) => return write!(f, "one of the rules that ship"),
            (Some(Proof::Key(key)), _) => return write!(f, "signed by {key}, a key of publisher `{publisher}`"),
            _ if signers.is_empty() => write!(f, "unsigned")?,
            _ => {
                let keys: Vec<String> = signers.iter().map(ToString::to_string).collect();
                write!(f, "signed by {}", keys.join(", "))?;
            }
        }
        match reason {
            Some(reason) => write!(f, "; names publisher `{publisher}`: not proved, since {reason}"),
            None => write!(f, "; taken for publisher `{publisher}`'s without proof"),
        }
    }
}
