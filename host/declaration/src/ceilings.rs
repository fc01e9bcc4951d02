//! The operator's limits on what a rule may be and declare.

use crate::declaration::{Declaration, Limits};
use crate::parse::Peek;
use crate::reasons::{Refusal, RefusalCode};

/// The operator's limits. A rule above one of them is refused before it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceilings {
    /// Most that `limits.memory` may say, bytes.
    pub memory: u64,
    /// Most that `limits.fuel` may say.
    pub fuel: u64,
    /// Most that `limits.output` may say, bytes.
    pub output: u32,
    /// Most state that all slots may come to, bytes: largest blob with its references, times keys.
    pub state: u64,
    /// Most bytes of the component without its declaration and data.
    pub component_bytes: usize,
    /// Most bytes of the declaration section.
    pub declaration_bytes: usize,
    /// Most bytes of the data section.
    pub data_bytes: usize,
    /// Most bytes of all other custom sections together (names, producers).
    pub custom_bytes: usize,
    /// How deep modules and components may be nested; the component itself is 1.
    pub nesting: usize,
    /// Most core modules, nested ones included.
    pub modules: usize,
    /// Most components, nested ones and the component itself included.
    pub components: usize,
    /// Most instances that the component makes of modules and components.
    pub instances: usize,
    /// Most functions, of core modules and of components.
    pub functions: usize,
    /// Most bytes of the body of one function.
    pub function_bytes: usize,
    /// Most types, of core modules and of components.
    pub types: usize,
    /// Most globals, data segments and element segments together.
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

/// Every limit of a declaration that is above the operator's.
#[must_use]
pub fn check_ceilings(declaration: &Declaration, ceilings: &Ceilings) -> Vec<Refusal> {
    check_peek_ceilings(&Peek::of(declaration), ceilings)
}

/// Every limit above the operator's of what could be read of a declaration.
#[must_use]
pub fn check_peek_ceilings(peek: &Peek, ceilings: &Ceilings) -> Vec<Refusal> {
    // What couldn't be read is told as such, and is above nothing.
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
    .filter(|(_, declared, most)| declared > most)
    .map(|(place, declared, most)| {
        let what = if place == "slot" { " bytes of state in all" } else { "" };
        Refusal::new(
            RefusalCode::LimitAboveOperator,
            place,
            format!("at most {most}{what}, the operator's limit"),
            declared.to_string(),
        )
    })
    .collect()
}
