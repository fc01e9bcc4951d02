//! Waits grow, stay bounded, and differ.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn waits_grow_to_a_bound(seed in any::<u64>(), attempts in 0_u32..200, after in prop::option::of(any::<i64>())) {
        let key = Digest::of(&seed.to_be_bytes());
        let waited = wait(&key, attempts, after);
        let longest = FIRST_WAIT.saturating_mul(1_i64.checked_shl(attempts.max(1) - 1).filter(|many| *many > 0).unwrap_or(i64::MAX)).min(LONGEST_WAIT);
        prop_assert!(waited >= longest / 2 && waited <= LONGEST_WAIT, "{waited} after {attempts}");
        prop_assert!(waited <= longest.max(after.unwrap_or_default().clamp(0, LONGEST_WAIT)));
        prop_assert!(waited >= after.unwrap_or_default().clamp(0, LONGEST_WAIT));
        prop_assert_eq!(waited, wait(&key, attempts, after));
    }
}

#[test]
fn what_failed_together_isnt_tried_again_together() {
    let waits: std::collections::BTreeSet<i64> =
        (0_u32..100).map(|number| wait(&Digest::of(&number.to_be_bytes()), 6, None) / 1_000_000).collect();
    assert!(waits.len() > 8, "{waits:?}");
}
