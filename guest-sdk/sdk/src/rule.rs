//! What the macros generate for a rule: its declaration as constants, and its function as a trait.

use core::marker::PhantomData;

use countersign_vocabulary::{FieldId, Keying};

use crate::bindings::detect::{Batch, SlotChanges, SlotState};
use crate::parameters::{ParameterDefault, Reader};
use crate::{Context, Incident, ResponseContext};

/// The contents of `rule.toml` as constants. [`rule!`](crate::rule!) implements it for the marker `Rule`.
pub trait Rule: Sized + 'static {
    /// `publisher/name`.
    const ID: &'static str;
    /// Semantic version.
    const VERSION: &'static str;
    /// Its parameters, in declared order.
    const PARAMETERS: &'static [ParameterSpec];
    /// Its ATT&CK techniques, in declared order.
    const TECHNIQUES: &'static [&'static str];
    /// The values of the parameters by name.
    type Parameters<'a>;

    /// Reads the parameters in declared order.
    fn parameters<'a>(reader: &mut Reader<'a>) -> Self::Parameters<'a>;
}

/// What only the `rule.toml` of a detection declares. [`rule!`](crate::rule!) implements it.
#[diagnostic::on_unimplemented(
    message = "this rule is not declared as a detection",
    note = "`kind` in rule.toml must be \"detection\" for a function with `#[detection]`"
)]
pub trait DetectionDeclaration: Rule {
    /// The schema hash of its columns.
    const SCHEMA_HASH: u64;
    /// Its columns, in declared order.
    const FIELDS: &'static [FieldId];
    /// Its state slots, in declared order.
    const SLOTS: &'static [SlotSpec];
    /// The ids of its timers, in declared order.
    const TIMERS: &'static [&'static str];
    /// Its context tables, in declared order.
    const TABLES: &'static [TableSpec];
    /// Typed access to its context tables.
    type Tables<'a>: From<crate::tables::Tables<'a>>;
}

/// What only the `rule.toml` of a response rule declares. [`rule!`](crate::rule!) implements it.
#[diagnostic::on_unimplemented(
    message = "this rule is not declared as a response rule",
    note = "`kind` in rule.toml must be \"response\" for a function with `#[response]`"
)]
pub trait ResponseDeclaration: Rule {}

/// A detection's function, over the state slots that it takes. [`macro@crate::detection`] implements it.
pub trait Detection: DetectionDeclaration {
    /// Decodes the state of a call, judges its rows in order, and encodes what changed, in declared order of the slots.
    fn judge(batch: &Batch, state: &[SlotState], cx: &mut Context<'_, '_, Self>) -> Vec<SlotChanges>;
    /// Turns a blob of an older version of a slot into one of the declared version.
    ///
    /// # Errors
    /// A message for the operator when the rule can't migrate from that version.
    fn migrate(slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, String>;
}

/// A response rule's function. [`macro@crate::response`] implements it.
pub trait Response: ResponseDeclaration {
    /// Answers one incident.
    fn respond(incident: &Incident<'_>, cx: &mut ResponseContext<'_, '_, Self>);
}

/// A declared state slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSpec {
    /// Its name.
    pub name: &'static str,
    /// The version of its layout, from 1.
    pub version: u32,
    /// The largest blob of a key, in bytes.
    pub max_bytes: u32,
    /// The largest number of references kept with a key.
    pub kept_references: u32,
}

/// A declared parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Its name.
    pub name: &'static str,
    /// Its value if the operator sets none; the variant is the type.
    pub default: ParameterDefault,
}

/// A declared context table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name.
    pub name: &'static str,
    /// Whether its rows are by row, by key or by batch.
    pub keying: Keying,
    /// The names of its declared columns, in declared order.
    pub columns: &'static [&'static str],
}

/// A technique that the rule `R` declared; made by [`rule!`](crate::rule!) in the rule's module `technique`.
pub struct Technique<R> {
    id: &'static str,
    rule: PhantomData<fn() -> R>,
}

impl<R> Technique<R> {
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(id: &'static str) -> Self {
        Technique { id, rule: PhantomData }
    }

    /// The ATT&CK id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }
}

/// A timer that the rule `R` declared; made by [`rule!`](crate::rule!) in the rule's module `timer`.
pub struct Timer<R> {
    id: &'static str,
    rule: PhantomData<fn() -> R>,
}

impl<R> Timer<R> {
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(id: &'static str) -> Self {
        Timer { id, rule: PhantomData }
    }

    /// The declared id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }
}
