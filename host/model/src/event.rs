//! One normalised telemetry record.

use std::sync::Arc;

use countersign_vocabulary::{EventClass, IdentityType, Usage};
use serde::{Deserialize, Serialize};

use crate::{Account, Digest, Fields, Timestamp};

mod content;
mod source;

pub use source::SourceId;

/// One normalised telemetry record.
#[derive(Clone, Debug)]
pub struct Event {
    /// The source that delivered it.
    pub source: SourceId,
    /// The tenant whose telemetry this is; ids are unique within (source, tenant).
    pub tenant: Arc<str>,
    /// The provider's id of the record, or one made of its bytes.
    pub id: Arc<str>,
    /// Its one OCSF class.
    pub class: EventClass,
    /// When it happened, as the record says.
    pub time: Timestamp,
    /// When it was received: by the record's word if it has one, else the greatest event time sequenced so far.
    pub ingest_time: Timestamp,
    /// Who acted.
    pub actor: Actor,
    /// Everyone who took part in the act, from initiator to executor; at least the actor where it is known.
    pub chain: Vec<ChainMember>,
    /// Whom it acted on, where the record proves the account.
    pub target: Option<Target>,
    /// The event's fields.
    pub fields: Fields,
    /// Where the raw record is.
    pub raw: RawAddress,
}

/// Who acted in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// None when the record doesn't say who it was: `unresolved`.
    pub account: Option<Account>,
    /// How the account was used.
    pub usage: Usage,
    /// Whether its authentication succeeded: a denied call signed with its key counts, a failed sign-in doesn't.
    pub authenticated: bool,
    /// Session, token and grant in evidence.
    pub session: Option<Arc<str>>,
    /// The id of the token or access key in evidence.
    pub token: Option<Arc<str>>,
    /// The grant in evidence: an assumed role, a consent.
    pub grant: Option<Arc<str>>,
}

/// A part in an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainRole {
    /// Who began it.
    Initiator,
    /// Who passed it on.
    Delegate,
    /// Who carried it out.
    Executor,
}

/// One member of an actor chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainMember {
    /// Its part.
    pub role: ChainRole,
    /// Its account; none when the record names somebody without saying which account that is.
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

/// Whom an event acted on.
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

/// Where a raw record is: an input by its ordinal among the inputs, and the bytes within it after decompression.
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
    /// SHA-256 of the bytes.
    pub digest: Digest,
}
