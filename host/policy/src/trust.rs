//! `trust.toml`: whose rules are believed, by which keys, and what may come of them.

use std::collections::{BTreeMap, BTreeSet};

use countersign_declaration::Permissions;
use countersign_document::Diagnostic;
use countersign_model::vocabulary::{
    Action, ActionClass, FieldId, IdentityType, RuleKind, Severity, SignalClass, text_ids,
};
use countersign_model::{Digest, RuleId};
use countersign_signing::PublicKey;
use serde::{Deserialize, Serialize};

mod canonical;
mod read;

/// The publisher of the rules that the binary carries. Their digests prove them, and nothing else does.
pub const SHIPPED_PUBLISHER: &str = "countersign";

/// The publisher of rules that are nobody's: they need no proof, and are granted nothing unless the operator says so.
pub const LOCAL_PUBLISHER: &str = "local";

text_ids! {
    /// Which of a publisher's rules serve, once they are proved.
    pub enum Accept {
        /// All of them.
        All = "all",
        /// Those whose declaration is listed.
        Listed = "listed",
    }
}

/// One `[publisher.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Publisher {
    /// The keys that prove a rule to be this publisher's, in written order.
    pub keys: Vec<PublicKey>,
    /// Whether rules without a signature serve too: for a developer's machine.
    pub unsigned: bool,
    /// Which of its rules serve.
    pub accept: Accept,
    /// What its rules may lead to.
    pub grant: Grant,
    /// What its rules may be and see, and how much they may claim.
    pub scope: Scope,
}

/// What a publisher's rules may lead to. One that isn't granted anything leads to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grant {
    /// Actions; none of class remediate.
    pub actions: BTreeSet<Action>,
    /// Identity types.
    pub identity_types: BTreeSet<IdentityType>,
    /// Signal classes.
    pub signal_classes: BTreeSet<SignalClass>,
}

impl Grant {
    /// Everything outside the remediation lane.
    #[must_use]
    pub fn everything() -> Grant {
        Grant {
            actions: grantable_actions().collect(),
            identity_types: IdentityType::ALL.iter().copied().collect(),
            signal_classes: SignalClass::ALL.iter().copied().collect(),
        }
    }
}

/// The actions that can be granted: the remediation lane never is.
pub(crate) fn grantable_actions() -> impl Iterator<Item = Action> {
    Action::ALL.iter().copied().filter(|action| action.class() != ActionClass::Remediate)
}

/// What a publisher's rules may be and see, and how much they may claim. A rule of another kind, or that sees more,
/// doesn't serve; what is claimed beyond it is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scope {
    /// Kinds.
    pub kinds: BTreeSet<RuleKind>,
    /// Fields that they see or test.
    pub fields: BTreeSet<FieldId>,
    /// The greatest confidence that their findings may have, 0–100.
    pub confidence: u8,
    /// The greatest severity that their findings may have.
    pub severity: Severity,
}

impl Default for Scope {
    /// Nothing is restricted.
    fn default() -> Scope {
        Scope {
            kinds: RuleKind::ALL.iter().copied().collect(),
            fields: FieldId::all().collect(),
            confidence: 100,
            severity: Severity::Fatal,
        }
    }
}

/// One `[[accepted]]`: a declaration under which a rule may serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accepted {
    /// The rule.
    pub rule: RuleId,
    /// SHA-256 of its declaration section.
    pub declaration: Digest,
    /// What that declaration permits, for people and for the difference from a later one; nothing is decided by it.
    pub permits: Option<Permissions>,
}

/// Whose rules are believed, and what may come of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    written: Written,
    /// What holds for publishers that aren't named; none where rules of others than the named ones can't be proved.
    others: Option<Publisher>,
}

/// The file as it is written: what the canonical form holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Written {
    pub(crate) publishers: BTreeMap<String, Publisher>,
    pub(crate) accepted: Vec<Accepted>,
}

impl Trust {
    /// Reads `trust.toml`. Where it has no grant of publisher `countersign`, what ships is granted everything; any other
    /// publisher without one, `local` too, is granted nothing.
    ///
    /// ```
    /// use countersign_model::vocabulary::Action;
    /// use countersign_policy::Trust;
    ///
    /// let trust = Trust::parse(
    ///     r#"
    ///     [publisher.acme]
    ///     keys = ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
    ///     grant = { actions = ["notify", "revoke-sessions"], identity-types = "human", signal-classes = "*" }
    ///     "#,
    /// )
    /// .unwrap();
    /// assert!(trust.grant("acme").actions.contains(&Action::RevokeSessions));
    /// assert!(trust.grant("local").actions.is_empty());
    /// ```
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str) -> Result<Trust, Vec<Diagnostic>> {
        read::trust(text).map(Trust::strict)
    }

    /// The trust that ships: the shipped rules alone.
    ///
    /// # Errors
    /// Never: a test reads it. The type is that of [`Trust::parse`].
    pub fn shipped() -> Result<Trust, Vec<Diagnostic>> {
        Trust::parse(crate::DEFAULT_TRUST)
    }

    /// Asks for no proof, and grants everybody everything: for an author's tools, which act on nothing.
    #[must_use]
    pub fn of_authors() -> Trust {
        let everybody = Publisher { grant: Grant::everything(), ..Publisher::unproved() };
        Trust { written: Written::default(), others: Some(everybody) }
    }

    /// Asks for no proof, and grants publishers what policies granted them before there was `trust.toml`.
    pub(crate) fn before_proof(grants: BTreeMap<String, Grant>) -> Trust {
        let granted = |grant| Publisher { grant, ..Publisher::unproved() };
        let publishers = grants.into_iter().map(|(name, grant)| (name, granted(grant))).collect();
        let written = Written { publishers, accepted: Vec::new() };
        Trust { written, others: Some(Publisher::unproved()) }
    }

    fn strict(mut written: Written) -> Trust {
        let publishers = &mut written.publishers;
        let shipped = || Publisher { grant: Grant::everything(), ..Publisher::nobody() };
        publishers.entry(SHIPPED_PUBLISHER.to_owned()).or_insert_with(shipped);
        publishers.entry(LOCAL_PUBLISHER.to_owned()).or_insert_with(Publisher::nobody);
        Trust { written, others: None }
    }

    /// Whether a rule has to be proved. If not, every rule is taken for what its id says.
    #[must_use]
    pub fn asks_for_proof(&self) -> bool {
        self.others.is_none()
    }

    /// What is said of a publisher; none where nobody can prove to be it.
    #[must_use]
    pub fn publisher(&self, name: &str) -> Option<&Publisher> {
        self.written.publishers.get(name).or(self.others.as_ref())
    }

    /// All publishers that are named, and those that always are, by their names.
    pub fn publishers(&self) -> impl Iterator<Item = (&str, &Publisher)> {
        self.written.publishers.iter().map(|(name, publisher)| (name.as_str(), publisher))
    }

    /// All declarations that are listed, in written order.
    #[must_use]
    pub fn listed(&self) -> &[Accepted] {
        &self.written.accepted
    }

    /// What a publisher's rules may lead to; nothing for one that isn't known.
    #[must_use]
    pub fn grant(&self, publisher: &str) -> Grant {
        self.publisher(publisher).map(|known| known.grant.clone()).unwrap_or_default()
    }

    /// What a publisher's rules may be, see and claim.
    #[must_use]
    pub fn scope(&self, publisher: &str) -> Scope {
        self.publisher(publisher).map(|known| known.scope.clone()).unwrap_or_default()
    }

    /// The declarations under which a rule may serve, where its publisher's have to be listed, in written order.
    pub fn accepted(&self, rule: &RuleId) -> impl Iterator<Item = &Accepted> {
        self.written.accepted.iter().filter(move |accepted| accepted.rule == *rule)
    }

    /// What is said in its one canonical form: RFC 8785 JSON with every default written out.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        canonical::write(&self.written)
    }

    /// Reads the canonical form back.
    ///
    /// # Errors
    /// When the bytes aren't that of a `trust.toml`.
    pub fn from_canonical(bytes: &[u8]) -> Result<Trust, Vec<Diagnostic>> {
        canonical::read(bytes).map(Trust::strict)
    }
}

impl Publisher {
    /// Without keys, and granted nothing.
    pub(crate) fn nobody() -> Publisher {
        Publisher {
            keys: Vec::new(),
            unsigned: false,
            accept: Accept::All,
            grant: Grant::default(),
            scope: Scope::default(),
        }
    }

    /// Whose rules serve unsigned, and are granted nothing.
    fn unproved() -> Publisher {
        Publisher { unsigned: true, ..Publisher::nobody() }
    }
}
