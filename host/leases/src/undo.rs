//! Three-way undo: what was there before, what we made of it, and what is there now.

use countersign_model::vocabulary::text_ids;

text_ids! {
    /// What undoing takes.
    pub enum Undo {
        /// Nothing: what was there before is there, or we changed nothing.
        Nothing = "nothing",
        /// What was there before is put back.
        Restore = "restore",
        /// Somebody else changed it since: a person decides, and we touch nothing.
        Conflict = "conflict",
    }
}

/// What undoing takes. States are a connector's own texts; equal texts are equal states.
///
/// INVARIANT: only what we made is ever taken back. Where we found what we wanted, somebody else had made it.
#[must_use]
pub fn compare(before: &str, applied: &str, now: &str) -> Undo {
    if before == applied || now == before {
        Undo::Nothing
    } else if now == applied {
        Undo::Restore
    } else {
        Undo::Conflict
    }
}

#[cfg(test)]
#[path = "../tests/unit/undo.rs"]
mod tests;
