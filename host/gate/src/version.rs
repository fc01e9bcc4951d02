//! The gate's version, and what each one changed.

/// The gate's version. It rises with every change after which the same inputs may lead to another decision or to other
/// reasons, so that a recomputation can tell such a change from tampering.
pub const VERSION: u32 = 4;

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
    (
        3,
        "what can fail a call that would have succeeded is decided as containment: a challenge of a programmatic or \
         delegated use, and `require-mfa` isn't available there",
    ),
    (3, "a challenge asks for evidence age and role too: by approval only where either is wanting"),
    (
        3,
        "a finding counts no more than the weakest that it was made of: findings that fed it (evidence role, context, own \
         floor), acts that authenticated nobody (`evidence-unproved`), sources that aren't bound (`source-not-bound`, \
         `source-limited`)",
    ),
    (
        3,
        "a principal that several use is shared at every level of target, but for capabilities of `one-session` where an \
         identity provider named the session; a challenge of it is decided as containment",
    ),
    (3, "a temporary credential can't be disabled alone"),
    (3, "a response rule that policy names and that failed or is missing leaves approval only (`response-failed`)"),
    (3, "findings about another account of the same person don't count"),
    (3, "`restrict-federation` acts on the trust in evidence, by approval (`trust-shared`)"),
    (3, "usage is that of who acted; a target or an owner has none"),
    (
        4,
        "a source that may lead to observing only leads to no challenge where it isn't bound either (`source-limited`)",
    ),
    (4, "what rests on a source that is silent, lags or has fallen needs approval (`source-unwell`)"),
];

/// What changed between two versions, oldest first, for people.
pub fn changes_between(older: u32, newer: u32) -> impl Iterator<Item = &'static str> {
    CHANGES.iter().filter(move |(version, _)| *version > older && *version <= newer).map(|(_, change)| *change)
}
