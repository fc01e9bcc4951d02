//! The operator's files as types: `identities.toml` is a [`Directory`], `policy.toml` a [`Policy`], `trust.toml` a
//! [`Trust`], and the capability tables are [`Capabilities`]; context tables are filled from [`Egress`], [`DomainRoles`] and [`Locations`]. Text in,
//! types or every [`Diagnostic`] out; no I/O.

mod axis;
mod capabilities;
mod compile;
mod directory;
mod domain_roles;
mod egress;
mod limits;
mod locations;
mod network;
mod parameters;
mod policy;
pub mod reader;
mod trust;
mod view;

pub use countersign_document::{Diagnostic, FileDiagnostics, SourceFile};

pub use axis::Axis;
pub use capabilities::{Capabilities, Capability, Reach};
pub use directory::{Directory, DirectoryIdentity, LinkedAccount, Person, PersonKey, PersonRole};
pub use domain_roles::{DomainRoles, RoleHolder};
pub use egress::{Egress, EgressExit};
pub use limits::OperatorLimits;
pub use locations::{Location, Locations};
pub use network::Networks;
pub use policy::{
    Answer, Cell, CellOutcome, DEFAULT_MAX_AGE, Policy, PublisherSettings, ResponseChoice, ReviewBy, RuleSettings,
};
pub use trust::{Accept, Accepted, Grant, LOCAL_PUBLISHER, Publisher, SHIPPED_PUBLISHER, Scope, Trust};
pub use view::{PolicyView, ViewCell, ViewResponses};

/// Maximum bytes of one of the operator's files: enough for some hundred thousand identities.
pub const MAX_BYTES: usize = 64 << 20;

/// The text of the policy that applies when the operator names none.
pub const DEFAULT_POLICY: &str = include_str!("../data/default-policy.toml");

/// The text of the trust that applies when the operator names none.
pub const DEFAULT_TRUST: &str = include_str!("../data/default-trust.toml");

/// The text of the shipped capability tables.
pub const SHIPPED_CAPABILITIES: &str = include_str!("../data/capabilities.toml");
