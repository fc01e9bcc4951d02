//! How many lines a sender may cause.

use super::*;

#[test]
fn so_many_lines_are_written_within_a_while_and_then_again() {
    let rate = LogRate::new();
    let start = Instant::now();
    let allowed = |at: Instant| (0..1_000).filter(|_| rate.allows_at(at)).count();
    assert_eq!(allowed(start), MAX_LINES as usize);
    assert_eq!(allowed(start + WINDOW / 2), 0);
    assert_eq!(allowed(start + WINDOW), MAX_LINES as usize);
}
