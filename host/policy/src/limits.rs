//! `[limits]`: what the operator lets any rule use, and how long containment may hold.

use serde::{Deserialize, Serialize};

use crate::reader::TableReader;

/// The operator's limits. A rule that declares more is refused at admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OperatorLimits {
    /// Most bytes of a component, its sections included.
    pub component_bytes: u64,
    /// Most bytes of linear memory and tables that a call may use.
    pub memory: u64,
    /// Most fuel that one row alone may use, base included.
    pub fuel: u64,
    /// Most bytes of an answer in canonical form.
    pub output: u32,
    /// The lease where a response rule gave none, seconds.
    pub default_lease: u32,
    /// The longest lease, seconds; a longer one is cut to it.
    pub longest_lease: u32,
}

impl OperatorLimits {
    /// What serves where the policy says nothing: components of 16 MiB, 64 MiB of memory, 50 million of fuel, answers
    /// of 4 MiB, leases of four hours and at most a day.
    pub const DEFAULT: OperatorLimits = OperatorLimits {
        component_bytes: 16 << 20,
        memory: 64 << 20,
        fuel: 50_000_000,
        output: 4 << 20,
        default_lease: 4 * 3_600,
        longest_lease: 24 * 3_600,
    };

    pub(crate) fn read(table: TableReader<'_>) -> OperatorLimits {
        const SECOND: i64 = 1_000_000;
        const YEAR: i64 = 365 * 86_400 * SECOND;
        let base = OperatorLimits::DEFAULT;
        let number = |key, most, default| {
            table.integer(key, 1, most).and_then(|value| u64::try_from(value).ok()).unwrap_or(default)
        };
        let seconds = |key, default| {
            let micros = table.duration(key, SECOND, YEAR);
            micros.and_then(|micros| u32::try_from(micros / SECOND).ok()).unwrap_or(default)
        };
        let output = number("output", i64::from(u32::MAX), u64::from(base.output));
        let limits = OperatorLimits {
            component_bytes: number("component-bytes", 1 << 30, base.component_bytes),
            memory: number("memory", 4 << 30, base.memory),
            fuel: number("fuel", (1 << 53) - 1, base.fuel),
            output: u32::try_from(output).unwrap_or(base.output),
            default_lease: seconds("default-lease", base.default_lease),
            longest_lease: seconds("longest-lease", base.longest_lease),
        };
        table.finish();
        limits
    }
}

impl Default for OperatorLimits {
    fn default() -> Self {
        OperatorLimits::DEFAULT
    }
}
