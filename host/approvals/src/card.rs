//! What a person is asked: everything that an answer is bound to.

use countersign_model::format::Format;
use countersign_model::vocabulary::{Action, EvidenceRole, text_ids};
use countersign_model::{Account, Digest, RuleId, Timestamp};
use countersign_signing::PublicKey;
use serde::{Deserialize, Serialize};

text_ids! {
    /// How an action is undone.
    pub enum Undoing {
        /// What was there before is put back when the lease ends.
        Restored = "restored",
        /// It heals by itself.
        Heals = "heals",
        /// It can't be undone.
        Impossible = "impossible",
    }
}

/// One finding that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Evidence {
    /// The rule that found it.
    pub rule: RuleId,
    /// The event that it found it in.
    pub event: String,
    /// Its effective confidence, 0–100.
    pub confidence: u8,
    /// Whether the account was authenticated in it, or merely named.
    pub role: EvidenceRole,
}

impl Evidence {
    /// Whether it is about the same finding.
    fn is_of(&self, other: &Evidence) -> bool {
        (&self.rule, &self.event) == (&other.rule, &other.event)
    }

    /// Whether it proves less than this one.
    fn is_weaker_than(&self, other: &Evidence) -> bool {
        self.confidence < other.confidence
            || (self.role, other.role) == (EvidenceRole::MerelyNames, EvidenceRole::AuthenticatedAs)
    }
}

/// What became of the evidence since a card was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is the same, or there is more, or it is stronger: an answer to the card still stands. What attackers do next would
    /// void it otherwise.
    Holds,
    /// These were withdrawn or prove less: nobody was asked about that.
    Weakened(Vec<Evidence>),
}

/// What a person is asked. Its digest binds an answer to all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Card {
    /// The version of this form.
    pub version: Format<1>,
    /// The key of the host that asks: another host's answers don't count.
    pub host: PublicKey,
    /// The number of the record of the decision that asks. No other card of the host has it.
    pub approval: u64,
    /// What would be done.
    pub action: Action,
    /// To whom.
    pub account: Account,
    /// The session, token, grant or trust; none at the level of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// For how long, seconds; none where an action has no lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<u32>,
    /// Accounts, sessions and callers that it would hit, by the connector's estimate; none where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<[u32; 3]>,
    /// How it is undone.
    pub undo: Undoing,
    /// What it rests on, in the order of the incident.
    pub evidence: Vec<Evidence>,
    /// Until when it can be answered, by the gate's clock; that moment isn't included.
    pub expires: Timestamp,
}

impl Card {
    /// SHA-256 of its canonical JSON (RFC 8785).
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Serialising plain data doesn't fail; an empty form would be no card's.
        Digest::of(&serde_json_canonicalizer::to_vec(self).unwrap_or_default())
    }

    /// What `now` is to what it was made of.
    #[must_use]
    pub fn compare(&self, now: &[Evidence]) -> Change {
        let weakened = self.evidence.iter().filter(|before| {
            let present = now.iter().filter(|other| other.is_of(before));
            // Of several about one finding the strongest counts.
            present.clone().all(|other| other.is_weaker_than(before))
        });
        let weakened: Vec<Evidence> = weakened.cloned().collect();
        if weakened.is_empty() { Change::Holds } else { Change::Weakened(weakened) }
    }

    /// Whether it asks for the same action on the same account.
    #[must_use]
    pub fn is_about_the_same(&self, other: &Card) -> bool {
        (self.action, &self.account) == (other.action, &other.account)
    }

    /// Whether an answer to it answers `other` too, which would be asked later.
    ///
    /// How many sessions and callers would be hit doesn't count: an attacker makes as many as it likes, and could void each
    /// card with one more. The gate compares them with those of the moment in which something is done.
    #[must_use]
    pub fn covers(&self, other: &Card) -> bool {
        let reaches = match (self.estimate, other.estimate) {
            (None, _) => true,
            (Some([known, ..]), Some([later, ..])) => later <= known,
            (Some(_), None) => false,
        };
        self.is_about_the_same(other)
            && (&self.reference, self.lease, self.undo) == (&other.reference, other.lease, other.undo)
            && reaches
    }
}
