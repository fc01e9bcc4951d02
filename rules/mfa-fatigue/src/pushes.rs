//! State of an account: the pushes that were sent, denied and accepted lately.

use countersign_sdk::prelude::*;
use countersign_sdk::state::Stored;

/// The number of denials that are remembered; the maximum of the parameter `denials`.
pub(crate) const MAX_DENIALS: usize = 16;

/// The number of pushes that are remembered; one more than the maximum of the parameter `ignored`, as the last is accepted.
pub(crate) const MAX_SENT: usize = 25;

/// The number of approvals that are remembered: fewer than pushes, and those accepted long ago would count as ignored.
const MAX_ACCEPTED: usize = MAX_SENT;

/// Approvals closer to each other are one: a sign-in is logged as the factor's and as the session's.
const ONE_APPROVAL: Duration = Duration::from_secs(10);

/// State of an account. Kept references are the latest pushes, denials and approvals.
#[derive(State)]
#[state(slot = "pushes", version = 2, migrate = from_older)]
pub(crate) struct Pushes {
    /// Denials reported by the owner's device.
    pub(crate) denied: RecentTimes<MAX_DENIALS>,
    /// Denials reported by the sign-in: most are the same ones again, so the two are never added up.
    pub(crate) refused: RecentTimes<MAX_DENIALS>,
    /// The newest approval, and how it was given.
    pub(crate) approved: Option<Timestamp>,
    pub(crate) how: u8,
    /// The approval that was last reported.
    pub(crate) reported: Option<Timestamp>,
    /// Pushes sent.
    sent: RecentTimes<MAX_SENT>,
    /// Approvals that may have been of a push.
    accepted: RecentTimes<MAX_ACCEPTED>,
}

/// The layout of version 1, which didn't count what was sent.
#[derive(State)]
struct Denials {
    denied: RecentTimes<MAX_DENIALS>,
    refused: RecentTimes<MAX_DENIALS>,
    approved: Option<Timestamp>,
    how: u8,
    reported: Option<Timestamp>,
}

fn from_older(version: u32, bytes: &[u8]) -> Option<Pushes> {
    let Denials { denied, refused, approved, how, reported } =
        (version == 1).then(|| Denials::from_bytes(bytes)).flatten()?;
    Some(Pushes { denied, refused, approved, how, reported, ..Pushes::initial() })
}

impl Pushes {
    /// Counts a push that was sent.
    pub(crate) fn send(&mut self, at: Timestamp) {
        self.sent.add(at);
    }

    /// Counts an approval that may have been of a push.
    pub(crate) fn accept(&mut self, at: Timestamp) {
        let is_known = |known: Timestamp| known - at < ONE_APPROVAL && at - known < ONE_APPROVAL;
        if !self.accepted.iter().any(is_known) {
            self.accepted.add(at);
        }
    }

    /// The number of denials before an approval, within the window.
    pub(crate) fn denials(&self, approved: Timestamp, window: Duration) -> usize {
        within(&self.denied, approved, window).max(within(&self.refused, approved, window))
    }

    /// The number of pushes sent before an approval, within the window, that weren't accepted.
    pub(crate) fn ignored(&self, approved: Timestamp, window: Duration) -> usize {
        // The approval itself is one of them.
        let accepted = within(&self.accepted, approved, window).max(1);
        within(&self.sent, approved, window).saturating_sub(accepted)
    }
}

fn within<const N: usize>(times: &RecentTimes<N>, until: Timestamp, window: Duration) -> usize {
    times.iter().filter(|time| *time > until - window && *time <= until).count()
}

#[cfg(test)]
mod tests {
    use countersign_sdk::state::State as _;

    use super::*;

    #[test]
    fn state_of_version_1_is_carried_over() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let mut older = Denials { approved: Some(at(9)), how: 2, reported: Some(at(8)), ..Denials::initial() };
        older.denied.add(at(5));
        let pushes = Pushes::migrate(1, &older.to_bytes()).unwrap();
        assert_eq!((pushes.approved, pushes.how, pushes.reported), (Some(at(9)), 2, Some(at(8))));
        assert_eq!(pushes.denials(at(9), Duration::from_secs(60)), 1);
        assert_eq!(pushes.ignored(at(9), Duration::from_secs(60)), 0);
        assert!(Pushes::migrate(1, &[0; 3]).is_none() && Pushes::migrate(0, &older.to_bytes()).is_none());
    }

    #[test]
    fn an_approval_logged_twice_is_one() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let mut pushes = Pushes::initial();
        (0..4).for_each(|second| pushes.send(at(second)));
        [20, 22, 12].into_iter().for_each(|second| pushes.accept(at(second)));
        assert_eq!(pushes.ignored(at(20), Duration::from_secs(60)), 3);
        pushes.accept(at(40));
        assert_eq!(pushes.ignored(at(40), Duration::from_secs(60)), 2);
    }
}
