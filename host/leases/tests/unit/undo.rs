//! Only what we made is taken back.

use super::*;

#[test]
fn only_our_own_change_is_taken_back() {
    for (before, applied, now, expected) in [
        ("on", "off", "off", Undo::Restore),
        ("on", "off", "on", Undo::Nothing),
        // It was off before us, so it stays so.
        ("off", "off", "off", Undo::Nothing),
        ("off", "off", "on", Undo::Nothing),
        ("on", "off", "gone", Undo::Conflict),
    ] {
        assert_eq!(compare(before, applied, now), expected, "{before} {applied} {now}");
    }
}
