//! The host as one process: records what comes in, judges it in one order, and changes its generation while it runs.
//!
//! ```text
//!   sources ─▶ feeds ─▶ recorder.db ─▶ judge ─▶ store.db
//!                           ▲            │
//!      time, generations ───┘            └─▶ how far inputs are judged
//! ```
//!
//! What is recorded is acknowledged; judging follows, and goes on after a crash from what the store has committed. What has
//! an effect on decisions (records, time, generations) is on record in one order before it has it, so that a recorder judged
//! again gives the same.

mod activity;
mod again;
mod alarms;
mod aside;
mod backup;
mod candidate;
mod checkpoints;
mod decoders;
mod error;
mod feeds;
mod generations;
mod host;
mod host_key;
mod intake;
mod judge;
mod keeper;
mod material;
mod metrics;
mod notes;
mod observer;
mod page;
mod past;
mod plan;
mod polled;
mod reload;
mod remembered;
mod rollback;
mod rules;
mod sentinel;
mod shared;
mod sources;
mod vigil;
mod walk;
mod watch;

pub use activity::{AccountActivity, CallerTotal, activity_of};
pub use again::{Again, AgainError, RecordedInputs, RecordedStep, Since};
pub use alarms::{Alarm, AlarmKind};
pub use backup::{BackupError, BackupManifest, Copied, Part, back_up, check, restore};
pub use candidate::{Aspect, Behaviour, ChangeKind, Compared, Difference, Example, Failing, Group, Item, Omitted};
pub use checkpoints::KeepError;
pub use error::{ApplyError, HostError, IngestError};
pub use generations::{GenerationWord, RecordedGeneration, generations_of_recorder};
pub use host::{Host, HostOptions, Ingested, Status, has_host, recorder_of, store_of};
pub use host_key::{HostKeyError, key_of, public_key_of, rekey};
pub use keeper::Audited;
pub use material::{Built, Manifest, ManifestFile, Material, MaterialFile, Role, components};
pub use metrics::histogram::{Counted, Histogram, SECONDS};
pub use metrics::text::{CONTENT_TYPE as METRICS_TYPE, Label, Metrics};
pub use notes::signed_of;
pub use page::{MAX_PAGE, Page, PageError, Paging, page};
pub use plan::{Plan, PlanError};
pub use polled::without_token;
pub use reload::Reload;
pub use rollback::RolledBack;
pub use rules::{RuleStatus, RulesError, ServingRule, UsedByRule, rules_of_store};
pub use shared::{Fed, Judged, Listener};
pub use sources::{DeclaredSource, SourceStatus, sources_of_recorder};
pub use vigil::UnwellBounds;
pub use watch::{Files, OnDisk, Stage};
