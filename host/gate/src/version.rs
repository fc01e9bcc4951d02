//! The gate's version, and what each one changed.

/// The gate's version. It rises with every change after which the same inputs may lead to another decision or to other
/// reasons, so that a recomputation can tell such a change from tampering.
pub const VERSION: u32 = 2;

/// What each version changed, for people. Version 1 is that of every record that names none.
const CHANGES: &[(u32, &str)] = &[
    (
        2,
        "where no connector was asked, containment whose `reach` in the capability table isn't `one` waits for approval \
         (`estimate-high`)",
    ),
    (
        2,
        "a decision gives the reason `action-unavailable` for every challenge and containment that the finding's rule \
         declares where no connector can do any of them",
    ),
];

/// What changed between two versions, oldest first, for people.
pub fn changes_between(older: u32, newer: u32) -> impl Iterator<Item = &'static str> {
    CHANGES.iter().filter(move |(version, _)| *version > older && *version <= newer).map(|(_, change)| *change)
}
