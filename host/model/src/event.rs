//! One normalised telemetry record.

use std::sync::Arc;

use countersign_vocabulary::{EventClass, IdentityType, Usage, text_ids};
use serde::{Deserialize, Serialize};

use crate::{Account, Digest, Fields, Timestamp};

mod binding;
mod content;
mod size;
mod source;
mod spelling;
mod stored;

pub use binding::Binding;
pub use source::{Patience, SourceId};

/// One normalised telemetry record.
#[derive(Clone, Debug)]
pub struct Event {
    /// The source that delivered it.
    pub source: SourceId,
    /// How far the source is believed about the actor. A format believes itself; the host that takes the record in
    /// knows what the source is bound to.
    pub binding: Binding,
    /// The tenant whose telemetry this is; ids are unique within (source, tenant).
    pub tenant: Arc<str>,
    /// The provider's id of the record, or one made of its bytes.
    pub id: Arc<str>,
    /// Its one OCSF class.
    pub class: EventClass,
    /// When it happened, by the record.
    pub time: Timestamp,
    /// When it was received: the record's own receipt time if it has one, else the greatest event time sequenced so far.
    pub ingest_time: Timestamp,
    /// Who acted.
    pub actor: Actor,
    /// All who took part in the act, from initiator to executor; at least the actor where it is known.
    pub chain: Vec<ChainMember>,
    /// What it acted on, where the record proves the account.
    pub target: Option<Target>,
    /// The trust that it made or changed, such as a role's trust policy or an identity provider: what others come
    /// through.
    pub trust: Option<Arc<str>>,
    /// The event's fields.
    pub fields: Fields,
    /// Where the raw record is.
    pub raw: RawAddress,
}

/// Who acted in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// None when the record doesn't identify it: `unresolved`.
    pub account: Option<Account>,
    /// How the account was used.
    pub usage: Usage,
    /// Whether the record proves that it authenticated: a denied call signed with its key does, a failed or half-done
    /// sign-in doesn't.
    pub authenticated: bool,
    /// The session in evidence.
    pub session: Option<Arc<str>>,
    /// The id of the token or access key in evidence.
    pub token: Option<Arc<str>>,
    /// Whether what it authenticated with is a temporary credential, which can't be disabled alone.
    pub temporary: bool,
    /// Who is behind a shared account, as an identity provider named the session; never a name that the caller chose.
    pub person: Option<Arc<str>>,
    /// The grant in evidence: an assumed role, a consent.
    pub grant: Option<Arc<str>>,
}

impl Event {
    /// Whether the actor's account is one that several may use (role, client, group).
    #[must_use]
    pub fn actor_is_shared(&self) -> bool {
        self.actor.account.is_some()
            && self.chain.iter().any(|member| member.shared && member.account == self.actor.account)
    }
}

text_ids! {
    /// A part in an act.
    pub enum ChainRole {
        /// Began it.
        Initiator = "initiator",
        /// Passed it on.
        Delegate = "delegate",
        /// Carried it out.
        Executor = "executor",
    }
}

/// One member of an actor chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainMember {
    /// Its part.
    pub role: ChainRole,
    /// Its account; none when the record has a name but no account id.
    pub account: Option<Account>,
    /// What the record calls it, for people.
    pub name: Option<Arc<str>>,
    /// The type that the record proves.
    pub proved_type: Option<IdentityType>,
    /// A principal that several may use (role, client, group).
    pub shared: bool,
    /// Proved by the record to need protection: the root of an account.
    pub protected: bool,
}

/// The account that an event acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The account.
    pub account: Account,
    /// The type that the record proves.
    pub proved_type: Option<IdentityType>,
    /// A principal that several may use (role, client, group).
    pub shared: bool,
    /// The credential made or changed, if the event is about one.
    pub token: Option<Arc<str>>,
}

/// Where a raw record is: an input by its ordinal among the inputs, and the bytes within it after decompression. A record
/// that stands in a text within the input is where that text is, which may hold several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawAddress {
    /// Which input, from 0.
    pub input: u32,
    /// The record's place among the input's records, from 0.
    pub ordinal: u64,
    /// Byte offset after decompression.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// SHA-256 of the record's bytes: of one that stands in a text, without the text's escapes.
    pub digest: Digest,
}
