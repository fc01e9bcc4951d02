//! `[limits]`: what the operator lets any rule use, and how long containment may hold.

use countersign_declaration::{Ceilings, Kept};
use countersign_document::{MAX_INTEGER, Problem};
use serde::{Deserialize, Serialize};

use crate::reader::Table;

/// The least that can be set as a limit of what is kept, bytes.
const MIN_KEPT: i64 = 64 << 10;

/// The operator's limits. A rule above one of them is refused at admission, but for those on what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OperatorLimits {
    /// Maximum bytes of linear memory and tables that a call may use.
    pub memory: u64,
    /// Maximum fuel that one row alone may use, base included.
    pub fuel: u64,
    /// Maximum bytes of an answer in canonical form.
    pub output: u32,
    /// Maximum state of all slots of a rule, bytes.
    pub state: u64,
    /// Maximum bytes of a component without its declaration and data.
    pub component_bytes: u64,
    /// Maximum bytes of a declaration section.
    pub declaration_bytes: u64,
    /// Maximum bytes of a data section.
    pub data_bytes: u64,
    /// Maximum bytes of state and timers that the host keeps of a rule at a tick; left out in the canonical form where it
    /// is the default, as policies were written before there was such a limit.
    #[serde(default = "default_kept_state", skip_serializing_if = "is_default_kept_state")]
    pub kept_state: u64,
    /// Maximum bytes of new evidence that the host keeps of a rule and a row; left out likewise.
    #[serde(default = "default_kept_evidence", skip_serializing_if = "is_default_kept_evidence")]
    pub kept_evidence: u64,
    /// The lease where a response rule gave none, seconds.
    pub default_lease: u32,
    /// The longest lease, seconds; a longer one is cut to it.
    pub longest_lease: u32,
}

impl OperatorLimits {
    /// The limits as admission's ceilings; those without a key in `[limits]` keep their defaults.
    #[must_use]
    pub fn ceilings(&self) -> Ceilings {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Ceilings {
            memory: self.memory,
            fuel: self.fuel,
            output: self.output,
            state: self.state,
            component_bytes: size(self.component_bytes),
            declaration_bytes: size(self.declaration_bytes),
            data_bytes: size(self.data_bytes),
            ..Ceilings::default()
        }
    }

    /// The limits on what the host keeps.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept { state: self.kept_state, evidence: self.kept_evidence }
    }

    /// These limits where they are the lesser, else the other's. Leases, which no rule uses, stay.
    #[must_use]
    pub fn at_most(mut self, other: &OperatorLimits) -> OperatorLimits {
        self.memory = self.memory.min(other.memory);
        self.fuel = self.fuel.min(other.fuel);
        self.output = self.output.min(other.output);
        self.state = self.state.min(other.state);
        self.component_bytes = self.component_bytes.min(other.component_bytes);
        self.declaration_bytes = self.declaration_bytes.min(other.declaration_bytes);
        self.data_bytes = self.data_bytes.min(other.data_bytes);
        self.kept_state = self.kept_state.min(other.kept_state);
        self.kept_evidence = self.kept_evidence.min(other.kept_evidence);
        self
    }

    /// The limits that allow a rule more than the other's do: the key, what it is here, and what it is there.
    pub fn wider_than(&self, other: &OperatorLimits) -> impl Iterator<Item = (&'static str, u64, u64)> + use<> {
        let all = [
            ("memory", self.memory, other.memory),
            ("fuel", self.fuel, other.fuel),
            ("output", self.output.into(), other.output.into()),
            ("state", self.state, other.state),
            ("component-bytes", self.component_bytes, other.component_bytes),
            ("declaration-bytes", self.declaration_bytes, other.declaration_bytes),
            ("data-bytes", self.data_bytes, other.data_bytes),
            ("kept-state", self.kept_state, other.kept_state),
            ("kept-evidence", self.kept_evidence, other.kept_evidence),
        ];
        all.into_iter().filter(|(_, here, there)| here > there)
    }

    pub(crate) fn read(table: Table<'_>) -> OperatorLimits {
        const SECOND: i64 = 1_000_000;
        const YEAR: i64 = 365 * 86_400 * SECOND;
        let base = OperatorLimits::default();
        let number = |key, max, default| table.get(key).and_then(|item| item.integer(1, max)).unwrap_or(default);
        // Less than the smallest pages of state would evict at every row.
        let kept = |key, max, default| table.get(key).and_then(|item| item.integer(MIN_KEPT, max)).unwrap_or(default);
        let seconds = |key, default| {
            let micros = table.get(key).and_then(|item| item.duration(SECOND, YEAR));
            micros.and_then(|micros| u32::try_from(micros / SECOND).ok()).unwrap_or(default)
        };
        let output = number("output", i64::from(u32::MAX), u64::from(base.output));
        let limits = OperatorLimits {
            memory: number("memory", 4 << 30, base.memory),
            fuel: number("fuel", MAX_INTEGER, base.fuel),
            output: u32::try_from(output).unwrap_or(base.output),
            state: number("state", MAX_INTEGER, base.state),
            component_bytes: number("component-bytes", 1 << 30, base.component_bytes),
            declaration_bytes: number("declaration-bytes", 1 << 20, base.declaration_bytes),
            data_bytes: number("data-bytes", 1 << 30, base.data_bytes),
            kept_state: kept("kept-state", 1 << 40, base.kept_state),
            kept_evidence: kept("kept-evidence", 64 << 20, base.kept_evidence),
            default_lease: seconds("default-lease", base.default_lease),
            longest_lease: seconds("longest-lease", base.longest_lease),
        };
        if limits.default_lease > limits.longest_lease {
            let item = table.get("default-lease").or_else(|| table.get("longest-lease"));
            let expected = format!("a default lease of at most `longest-lease`, {} s", limits.longest_lease);
            let got = format!("{} s", limits.default_lease);
            item.unwrap_or_else(|| table.item()).refuse::<()>(Problem::Conflict, expected, got, None);
        }
        table.finish();
        limits
    }
}

impl Default for OperatorLimits {
    /// Admission's own ceilings, leases of four hours and at most a day.
    fn default() -> Self {
        let (ceilings, kept) = (Ceilings::default(), Kept::default());
        let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        OperatorLimits {
            memory: ceilings.memory,
            fuel: ceilings.fuel,
            output: ceilings.output,
            state: ceilings.state,
            component_bytes: bytes(ceilings.component_bytes),
            declaration_bytes: bytes(ceilings.declaration_bytes),
            data_bytes: bytes(ceilings.data_bytes),
            kept_state: kept.state,
            kept_evidence: kept.evidence,
            default_lease: 4 * 3_600,
            longest_lease: 24 * 3_600,
        }
    }
}

fn default_kept_state() -> u64 {
    Kept::default().state
}

fn default_kept_evidence() -> u64 {
    Kept::default().evidence
}

fn is_default_kept_state(bytes: &u64) -> bool {
    *bytes == default_kept_state()
}

fn is_default_kept_evidence(bytes: &u64) -> bool {
    *bytes == default_kept_evidence()
}
