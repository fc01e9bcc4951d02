//! The operator's files as types: `identities.toml` is a [`Directory`], `policy.toml` a [`Policy`], and the capability
//! tables are [`Capabilities`]; what context tables are made of is [`Egress`], [`DomainRoles`] and [`Locations`]. Text in, types out, or every [`Diagnostic`] at once; no I/O.

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
mod view;

pub use countersign_document::{Diagnostic, FileDiagnostics, SourceFile};

pub use axis::Axis;
pub use capabilities::{Capabilities, Capability};
pub use directory::{Directory, DirectoryIdentity, LinkedAccount};
pub use domain_roles::{DomainRoles, RoleHolder};
pub use egress::{Egress, EgressExit};
pub use limits::OperatorLimits;
pub use locations::{Location, Locations};
pub use network::Networks;
pub use policy::{
    Answer, Cell, CellOutcome, DEFAULT_MAX_AGE, Grant, Policy, PublisherSettings, ResponseChoice, ReviewBy,
    RuleSettings,
};
pub use view::{PolicyView, ViewCell, ViewResponses};

/// The most bytes of one of the operator's files: some hundred thousand identities.
pub const MAX_BYTES: usize = 64 << 20;

/// The policy that serves when the operator names none, as its text.
pub const DEFAULT_POLICY: &str = include_str!("../data/default-policy.toml");

/// The shipped capability tables, as their text.
pub const SHIPPED_CAPABILITIES: &str = include_str!("../data/capabilities.toml");
