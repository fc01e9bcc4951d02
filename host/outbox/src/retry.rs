//! How long is waited before something is tried again.

use countersign_model::Digest;

/// The first wait, microseconds: a second.
const FIRST_WAIT: i64 = 1_000_000;

/// The longest wait, microseconds: five minutes. What a provider asks for isn't waited for longer either: it may ask for
/// any time, and whoever answers in its place too.
pub const LONGEST_WAIT: i64 = 300 * 1_000_000;

/// How long is waited after so many attempts, microseconds: twice as long each time, of which up to half is left out, by the
/// key and the attempt, so that what failed together isn't tried again together. At least as long as the provider asked for.
#[must_use]
pub fn wait(key: &Digest, attempts: u32, retry_after: Option<i64>) -> i64 {
    let doubled = FIRST_WAIT.saturating_mul(1_i64.checked_shl(attempts.saturating_sub(1).min(32)).unwrap_or(i64::MAX));
    let longest = doubled.min(LONGEST_WAIT);
    let mut seed = key.0.to_vec();
    seed.extend_from_slice(&attempts.to_be_bytes());
    let half = (longest / 2).unsigned_abs();
    let left_out = Digest::of(&seed).prefix_u64() % (half + 1);
    let waited = longest.saturating_sub(i64::try_from(left_out).unwrap_or_default());
    waited.max(retry_after.unwrap_or_default().clamp(0, LONGEST_WAIT))
}

#[cfg(test)]
#[path = "../tests/unit/retry.rs"]
mod tests;
