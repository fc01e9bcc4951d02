//! Counters of a fixed size for state. All use event time, and none depends on the order of rows within its resolution:
//! a late event counts at its own time, if that is still in the window.

use crate::collections::hash64;
use crate::state::Stored;
use crate::time::{Duration, Timestamp};

/// Counts events in a sliding window of `BUCKETS` buckets. It covers the newest `BUCKETS` buckets, so between
/// `(BUCKETS - 1) / BUCKETS` of the window and all of it. Takes 16 + 4 × `BUCKETS` bytes.
///
/// ```
/// use countersign_sdk::state::Stored as _;
/// use countersign_sdk::{Duration, SlidingCount, Timestamp};
///
/// let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
/// let mut count = SlidingCount::<6>::initial();
/// let minute = Duration::from_secs(60);
/// assert_eq!([0, 15, 59, 75].map(|seconds| count.add(at(seconds), minute)), [1, 2, 3, 2]);
/// assert_eq!(count.total_at(at(120)), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingCount<const BUCKETS: usize> {
    // Microseconds of a bucket; 0 before the first event.
    width: i64,
    // Number of the newest bucket since 1970.
    newest: i64,
    // A ring: bucket `b` is at `b mod BUCKETS`.
    counts: [u32; BUCKETS],
}

impl<const BUCKETS: usize> SlidingCount<BUCKETS> {
    /// Counts an event, and returns the number of events in the window that ends at the newest one. An event older than
    /// the window isn't counted. Another window length than before resets the counter.
    pub fn add(&mut self, at: Timestamp, window: Duration) -> u64 {
        let width = bucket_width(window, BUCKETS);
        let bucket = at.micros().div_euclid(width);
        if self.width != width {
            *self = SlidingCount { width, newest: bucket, counts: [0; BUCKETS] };
        }
        let ahead = bucket.saturating_sub(self.newest);
        if ahead >= BUCKETS as i64 {
            self.counts = [0; BUCKETS];
        } else {
            for skipped in self.newest.saturating_add(1)..=bucket {
                self.set(skipped, 0);
            }
        }
        self.newest = self.newest.max(bucket);
        if ahead > -(BUCKETS as i64) {
            self.set(bucket, self.get(bucket).saturating_add(1));
        }
        self.total()
    }

    /// The number of events in the window that ends at the newest one.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// The number of events in the window that ends at `at`.
    #[must_use]
    pub fn total_at(&self, at: Timestamp) -> u64 {
        if self.width == 0 {
            return 0;
        }
        let end = at.micros().div_euclid(self.width);
        let oldest = self.newest.saturating_sub(BUCKETS as i64 - 1);
        let first = end.saturating_sub(BUCKETS as i64 - 1).max(oldest);
        (first..=end.min(self.newest)).map(|bucket| u64::from(self.get(bucket))).sum()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::initial();
    }

    fn get(&self, bucket: i64) -> u32 {
        self.counts.get(place(bucket, BUCKETS)).copied().unwrap_or_default()
    }

    fn set(&mut self, bucket: i64, count: u32) {
        if let Some(slot) = self.counts.get_mut(place(bucket, BUCKETS)) {
            *slot = count;
        }
    }
}

impl<const BUCKETS: usize> Stored for SlidingCount<BUCKETS> {
    const SIZE: usize = 16 + 4 * BUCKETS;

    fn initial() -> Self {
        SlidingCount { width: 0, newest: 0, counts: [0; BUCKETS] }
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        self.width.write(out);
        self.newest.write(out);
        self.counts.write(out);
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        SlidingCount { width: i64::read(bytes).max(0), newest: i64::read(bytes), counts: Stored::read(bytes) }
    }
}

/// Counts distinct texts in a sliding window, exactly up to `N`; beyond that the text seen longest ago is forgotten, so
/// the count stays at `N`. Takes 16 × `N` bytes.
///
/// ```
/// use countersign_sdk::state::Stored as _;
/// use countersign_sdk::{Duration, SlidingDistinct, Timestamp};
///
/// let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
/// let mut names = SlidingDistinct::<8>::initial();
/// for (name, seconds) in [("alice", 0), ("bob", 10), ("alice", 20)] {
///     names.add(name, at(seconds), Duration::from_secs(60));
/// }
/// assert_eq!((names.total(), names.count_since(at(10))), (2, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingDistinct<const N: usize> {
    // Hash (0 for none) and when last seen.
    seen: [(u64, i64); N],
}

impl<const N: usize> SlidingDistinct<N> {
    /// Counts a text, and returns the number of distinct ones in the window that ends at the newest event.
    pub fn add(&mut self, text: &str, at: Timestamp, window: Duration) -> usize {
        let hash = hash64(text.as_bytes()).max(1);
        let newest = self.seen.iter().filter(|(hash, _)| *hash != 0).map(|(_, last)| *last).max();
        let end = newest.map_or(at.micros(), |newest| newest.max(at.micros()));
        let oldest = end.saturating_sub(window.micros());
        for entry in &mut self.seen {
            if entry.0 != 0 && entry.1 <= oldest {
                *entry = (0, 0);
            }
        }
        if at.micros() > oldest {
            if let Some(entry) = self.seen.iter_mut().find(|(known, _)| *known == hash) {
                entry.1 = entry.1.max(at.micros());
            } else if let Some(entry) = self.seen.iter_mut().find(|(known, _)| *known == 0) {
                *entry = (hash, at.micros());
            } else if let Some(entry) = self.seen.iter_mut().min_by_key(|(hash, last)| (*last, *hash))
                && entry.1 < at.micros()
            {
                *entry = (hash, at.micros());
            }
        }
        self.total()
    }

    /// The number of distinct texts in the window that ends at the newest event.
    #[must_use]
    pub fn total(&self) -> usize {
        self.seen.iter().filter(|(hash, _)| *hash != 0).count()
    }

    /// The number of them last seen after `since` (exclusive): a shorter window over the same texts.
    #[must_use]
    pub fn count_since(&self, since: Timestamp) -> usize {
        self.seen.iter().filter(|(hash, last)| *hash != 0 && *last > since.micros()).count()
    }

    /// When the text was last seen; none if it isn't in the window.
    #[must_use]
    pub fn last_seen(&self, text: &str) -> Option<Timestamp> {
        let wanted = hash64(text.as_bytes()).max(1);
        let entry = self.seen.iter().find(|(hash, _)| *hash == wanted);
        entry.map(|(_, last)| Timestamp::from_micros(*last))
    }

    /// The earliest time at which one of them was last seen.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let seen = self.seen.iter().filter(|(hash, _)| *hash != 0);
        seen.map(|(_, last)| Timestamp::from_micros(*last)).min()
    }

    /// The latest time at which one of them was last seen.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        let seen = self.seen.iter().filter(|(hash, _)| *hash != 0);
        seen.map(|(_, last)| Timestamp::from_micros(*last)).max()
    }

    /// Forgets a text, so that it no longer counts; true if it was in the window.
    pub fn forget(&mut self, text: &str) -> bool {
        let wanted = hash64(text.as_bytes()).max(1);
        let entry = self.seen.iter_mut().find(|(hash, _)| *hash == wanted);
        entry.map(|entry| *entry = (0, 0)).is_some()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::initial();
    }
}

impl<const N: usize> Stored for SlidingDistinct<N> {
    const SIZE: usize = 16 * N;

    fn initial() -> Self {
        SlidingDistinct { seen: [(0, 0); N] }
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        for (hash, last) in &self.seen {
            hash.write(out);
            last.write(out);
        }
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        SlidingDistinct { seen: core::array::from_fn(|_| (u64::read(bytes), i64::read(bytes))) }
    }
}

/// Counts distinct texts, exactly up to `N`; beyond that it only records that there are more. Takes 8 × `N` + 1 bytes.
///
/// ```
/// use countersign_sdk::DistinctCount;
/// use countersign_sdk::state::Stored as _;
///
/// let mut names = DistinctCount::<2>::initial();
/// assert_eq!(["a", "a", "b", "c"].map(|name| names.add(name)), [true, false, true, true]);
/// assert!(names.total() == 2 && names.has_overflowed());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinctCount<const N: usize> {
    // Hashes in the order of arrival, then zeros.
    seen: [u64; N],
    overflowed: bool,
}

impl<const N: usize> DistinctCount<N> {
    /// Counts a text; true if it is new. Beyond `N` every text that isn't among the first `N` is new.
    pub fn add(&mut self, text: &str) -> bool {
        let hash = hash64(text.as_bytes()).max(1);
        for known in &mut self.seen {
            if *known == hash {
                return false;
            }
            if *known == 0 {
                *known = hash;
                return true;
            }
        }
        self.overflowed = true;
        true
    }

    /// The number of distinct texts, at most `N`.
    #[must_use]
    pub fn total(&self) -> usize {
        self.seen.iter().filter(|hash| **hash != 0).count()
    }

    /// Whether there were more than `N`.
    #[must_use]
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::initial();
    }
}

impl<const N: usize> Stored for DistinctCount<N> {
    const SIZE: usize = 8 * N + 1;

    fn initial() -> Self {
        DistinctCount { seen: [0; N], overflowed: false }
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        self.seen.write(out);
        self.overflowed.write(out);
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        DistinctCount { seen: Stored::read(bytes), overflowed: bool::read(bytes) }
    }
}

/// The `N` latest event times. Takes 9 × `N` bytes.
///
/// ```
/// use countersign_sdk::state::Stored as _;
/// use countersign_sdk::{RecentTimes, Timestamp};
///
/// let mut times = RecentTimes::<2>::initial();
/// for micros in [5, 3, 9] {
///     times.add(Timestamp::from_micros(micros));
/// }
/// assert_eq!(times.iter().map(Timestamp::micros).collect::<Vec<_>>(), [5, 9]);
/// assert_eq!(times.count_since(Timestamp::from_micros(5)), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentTimes<const N: usize> {
    // Ascending, then none.
    times: [Option<Timestamp>; N],
}

impl<const N: usize> RecentTimes<N> {
    /// Adds a time in order; the oldest is dropped when there are more than `N`.
    pub fn add(&mut self, at: Timestamp) {
        let mut next = Some(at);
        if self.times.iter().all(Option::is_some) {
            match self.times.first_mut() {
                Some(oldest) if *oldest < next => *oldest = None,
                _ => return,
            }
            self.times.rotate_left(1);
        }
        for slot in &mut self.times {
            if slot.is_none() || *slot > next {
                core::mem::swap(slot, &mut next);
            }
            if next.is_none() {
                break;
            }
        }
    }

    /// The times, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Timestamp> + '_ {
        self.times.iter().flatten().copied()
    }

    /// The number of them after `since` (exclusive).
    #[must_use]
    pub fn count_since(&self, since: Timestamp) -> usize {
        self.iter().filter(|time| *time > since).count()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::initial();
    }
}

impl<const N: usize> Stored for RecentTimes<N> {
    const SIZE: usize = 9 * N;

    fn initial() -> Self {
        RecentTimes { times: [None; N] }
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        self.times.write(out);
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        RecentTimes { times: Stored::read(bytes) }
    }
}

/// Microseconds of a bucket, rounded up so that the buckets cover the window; at least 1.
fn bucket_width(window: Duration, buckets: usize) -> i64 {
    let buckets = i64::try_from(buckets).unwrap_or(i64::MAX).max(1);
    let window = window.micros().max(1);
    window / buckets + i64::from(window % buckets != 0)
}

fn place(bucket: i64, buckets: usize) -> usize {
    // Not negative, and less than `buckets`.
    bucket.rem_euclid((buckets as i64).max(1)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_sliding_count_forgets_events_that_left_the_window() {
        let mut count = SlidingCount::<6>::initial();
        let totals: Vec<u64> = [0, 1, 15, 59, 60, 70, 200].map(|second| count.add(at(second), MINUTE)).to_vec();
        // At 60 the bucket 0–9 (two events) leaves, at 70 the bucket 10–19.
        assert_eq!(totals, [1, 2, 3, 4, 3, 3, 1]);
        assert_eq!(count.total_at(at(259)), 1);
        assert_eq!(count.total_at(at(260)), 0);
        assert_eq!(count.total_at(at(100)), 0);
    }

    #[test]
    fn a_late_event_counts_if_its_time_is_in_the_window() {
        let mut count = SlidingCount::<6>::initial();
        count.add(at(100), MINUTE);
        assert_eq!(count.add(at(50), MINUTE), 2);
        assert_eq!(count.add(at(49), MINUTE), 2, "older than the window");
        assert_eq!(count.add(at(110), MINUTE), 2, "the late one left");
    }

    #[test]
    fn another_window_length_resets() {
        let mut count = SlidingCount::<6>::initial();
        count.add(at(1), MINUTE);
        assert_eq!(count.add(at(2), Duration::from_secs(120)), 1);
    }

    #[test]
    fn distinct_texts_are_counted_while_they_are_in_the_window() {
        let mut distinct = SlidingDistinct::<3>::initial();
        let steps = [("a", 0, 1), ("b", 1, 2), ("a", 2, 2), ("c", 3, 3), ("d", 4, 3), ("a", 62, 3), ("e", 70, 2)];
        for (text, second, expected) in steps {
            assert_eq!(distinct.add(text, at(second), MINUTE), expected, "{text} at {second}");
        }
        assert_eq!(distinct.add("z", at(5), MINUTE), 2, "older than the window");
    }

    #[test]
    fn single_texts_are_looked_up_and_forgotten() {
        let mut distinct = SlidingDistinct::<3>::initial();
        assert_eq!(
            (distinct.oldest(), distinct.newest(), distinct.last_seen("a"), distinct.forget("a")),
            (None, None, None, false)
        );
        for (text, second) in [("a", 10), ("b", 20), ("a", 30), ("c", 40)] {
            distinct.add(text, at(second), MINUTE);
        }
        assert_eq!([19, 20, 30, 40].map(|second| distinct.count_since(at(second))), [3, 2, 1, 0]);
        assert_eq!(
            (distinct.oldest(), distinct.newest(), distinct.last_seen("a")),
            (Some(at(20)), Some(at(40)), Some(at(30)))
        );
        assert!(distinct.forget("b"));
        assert_eq!((distinct.oldest(), distinct.last_seen("b"), distinct.total()), (Some(at(30)), None, 2));
        // A forgotten text makes room.
        assert_eq!(distinct.add("d", at(41), MINUTE), 3);
        assert_eq!(distinct.last_seen("a"), Some(at(30)));
    }

    #[test]
    fn distinct_counts_are_exact_up_to_their_size() {
        let mut distinct = DistinctCount::<2>::initial();
        assert_eq!(["a", "a", "b", "b"].map(|text| distinct.add(text)), [true, false, true, false]);
        assert!(!distinct.has_overflowed());
        assert!(distinct.add("c") && distinct.has_overflowed());
        assert_eq!(distinct.total(), 2);
    }

    #[test]
    fn recent_times_keep_the_latest_in_order() {
        let mut recent = RecentTimes::<3>::initial();
        for second in [5, 3, 9, 1, 7] {
            recent.add(at(second));
        }
        assert_eq!(recent.iter().collect::<Vec<_>>(), [at(5), at(7), at(9)]);
        assert_eq!(recent.count_since(at(5)), 2);
    }

    proptest! {
        #[test]
        fn a_sliding_count_agrees_with_a_list(times in proptest::collection::vec(-500_i64..500, 1..80)) {
            let mut count = SlidingCount::<5>::initial();
            let mut list: Vec<i64> = Vec::new();
            for second in times {
                // Buckets of 12 seconds.
                let bucket = second.div_euclid(12);
                if list.iter().all(|known| bucket > known - 5) {
                    list.push(bucket);
                }
                let newest = list.iter().copied().max().unwrap();
                list.retain(|known| *known > newest - 5);
                prop_assert_eq!(count.add(at(second), MINUTE), list.len() as u64);
                prop_assert_eq!(SlidingCount::from_bytes(&count.to_bytes()), Some(count.clone()));
            }
        }

        #[test]
        fn nothing_panics_at_the_ends_of_time(micros in any::<i64>(), window in any::<i64>(), bytes in any::<[u8; 48]>()) {
            let time = Timestamp::from_micros(micros);
            let window = Duration::from_micros(window);
            let mut count = SlidingCount::<8>::from_bytes(&bytes).unwrap();
            let _ = count.total_at(time);
            count.add(time, window);
            let mut distinct = SlidingDistinct::<3>::from_bytes(&bytes).unwrap();
            distinct.add("x", time, window);
            distinct.add("y", Timestamp::from_micros(-micros.saturating_add(1)), window);
        }
    }
}
