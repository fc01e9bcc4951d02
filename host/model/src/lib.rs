//! Countersign's domain types, in the order in which an event passes through the host: event → finding → incident →
//! proposal → decision. No I/O and no decisions.

pub mod call;
pub mod decision;
pub mod digest;
pub mod event;
pub mod fields;
pub mod finding;
pub mod format;
pub mod hold;
pub mod identity;
pub mod incident;
pub mod intent;
pub mod line;
pub mod note;
pub mod occasion;
pub mod place;
pub mod response;
pub mod rule;
pub mod size;
pub mod standing;
pub mod state;
pub mod time;
pub mod timer;
pub mod zone;

pub use countersign_vocabulary as vocabulary;
pub use decision::{Decision, DecisionKind, Effect, Reason, ReasonCode};
pub use digest::{Digest, DigestKey};
pub use event::{Actor, Binding, ChainMember, ChainRole, Event, Patience, RawAddress, SourceId, Target};
pub use fields::{Fields, Value};
pub use finding::{ContextState, Evidence, Finding};
pub use hold::{HeldRows, Hold, HoldEnd};
pub use identity::{Account, AccountError, Identity, encode_part};
pub use incident::{Incident, Proposal, Subject};
pub use intent::Intent;
pub use line::Line;
pub use note::{HostNote, SignedNote, TokenChange, TokenNote};
pub use occasion::Occasion;
pub use place::Place;
pub use rule::{RuleId, RuleIdentity};
pub use standing::{Ailment, SourceStanding, Unwell};
pub use state::{HashSlot, StateChange, StateEntry};
pub use time::Timestamp;
pub use timer::{TimerChange, TimerEntry};
pub use zone::{TimeZone, TimeZoneError};
