//! The operator's limits on what a rule may be and declare.

use serde::{Deserialize, Serialize};

use crate::declaration::{Declaration, Limits};
use crate::parse::Peek;
use crate::reasons::{Refusal, RefusalCode};

/// The operator's limits. A rule above one of them is refused before it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceilings {
    /// Maximum of `limits.memory`, bytes.
    pub memory: u64,
    /// Maximum of `limits.fuel`.
    pub fuel: u64,
    /// Maximum of `limits.output`, bytes.
    pub output: u32,
    /// Maximum state of all slots, bytes: largest blob with its references, times keys.
    pub state: u64,
    /// Maximum bytes of the component without its declaration and data.
    pub component_bytes: usize,
    /// Maximum bytes of the declaration section.
    pub declaration_bytes: usize,
    /// Maximum bytes of the data section.
    pub data_bytes: usize,
    /// Maximum bytes of all other custom sections together (names, producers).
    pub custom_bytes: usize,
    /// Maximum nesting of modules and components; the component itself is 1.
    pub nesting: usize,
    /// Maximum number of core modules, nested ones included.
    pub modules: usize,
    /// Maximum number of components, nested ones and the component itself included.
    pub components: usize,
    /// Maximum number of instances that the component makes of modules and components.
    pub instances: usize,
    /// Maximum number of functions, of core modules and of components.
    pub functions: usize,
    /// Maximum bytes of the body of one function.
    pub function_bytes: usize,
    /// Maximum number of types, of core modules and of components.
    pub types: usize,
    /// Maximum number of globals, data segments and element segments together.
    pub items: usize,
}

impl Default for Ceilings {
    fn default() -> Self {
        Ceilings {
            memory: 64 << 20,
            fuel: 100_000_000,
            output: 4 << 20,
            state: 16 << 30,
            component_bytes: 16 << 20,
            declaration_bytes: 64 << 10,
            data_bytes: 16 << 20,
            custom_bytes: 4 << 20,
            nesting: 4,
            modules: 16,
            components: 16,
            instances: 64,
            functions: 50_000,
            function_bytes: 512 << 10,
            types: 20_000,
            items: 50_000,
        }
    }
}

/// What the host keeps of a rule at most, counted in what it really takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of keyed state and timers at a tick, bytes; twice as much between two ticks.
    pub state: u64,
    /// Of new evidence that one row gives, bytes.
    pub evidence: u64,
}

impl Default for Kept {
    /// 64 MiB of state, 1 MiB of evidence a row.
    fn default() -> Self {
        Kept { state: 64 << 20, evidence: 1 << 20 }
    }
}

impl Ceilings {
    /// Whether what is within the other ceilings is within these too.
    #[must_use]
    pub fn cover(&self, other: &Ceilings) -> bool {
        let numbers = |ceilings: &Ceilings| {
            let Ceilings { memory, fuel, output, state, component_bytes, declaration_bytes, .. } = *ceilings;
            let Ceilings { data_bytes, custom_bytes, nesting, modules, components, instances, .. } = *ceilings;
            let Ceilings { functions, function_bytes, types, items, .. } = *ceilings;
            let counts = [component_bytes, declaration_bytes, data_bytes, custom_bytes, nesting, modules, components]
                .map(|count| count as u64);
            let more = [instances, functions, function_bytes, types, items].map(|count| count as u64);
            [&[memory, fuel, u64::from(output), state][..], &counts, &more].concat()
        };
        numbers(self).iter().zip(numbers(other)).all(|(own, other)| *own >= other)
    }
}

/// Every limit of a declaration that is above the operator's.
#[must_use]
pub fn check_ceilings(declaration: &Declaration, ceilings: &Ceilings) -> Vec<Refusal> {
    check_peek_ceilings(&Peek::of(declaration), ceilings)
}

/// Every readable limit of a declaration that is above the operator's.
#[must_use]
pub fn check_peek_ceilings(peek: &Peek, ceilings: &Ceilings) -> Vec<Refusal> {
    // Limits that couldn't be read are reported elsewhere, and count as zero.
    let limits = peek.limits.unwrap_or(Limits { memory: 0, fuel: 0, output: 0 });
    let state = peek
        .slots
        .iter()
        .map(|slot| u64::from(slot.max_keys) * (u64::from(slot.max_bytes) + 8 * u64::from(slot.kept_references)))
        .fold(0, u64::saturating_add);
    [
        ("limits.memory", limits.memory, ceilings.memory),
        ("limits.fuel", limits.fuel, ceilings.fuel),
        ("limits.output", limits.output.into(), ceilings.output.into()),
        ("slot", state, ceilings.state),
    ]
    .into_iter()
    .filter(|(_, declared, max)| declared > max)
    .map(|(place, declared, max)| {
        let what = if place == "slot" { " bytes of state in all" } else { "" };
        Refusal::new(
            RefusalCode::LimitAboveOperator,
            place,
            format!("at most {max}{what}, the operator's limit"),
            declared.to_string(),
        )
    })
    .collect()
}
