//! Counts calls of an account: the newer version of a rule, which turns the state of the older one into its own.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// State of an account.
#[derive(State)]
#[state(slot = "count", version = 2, migrate = from_older)]
struct Count {
    calls: u64,
    /// How often it was found.
    found: u32,
}

/// State of four bytes is a number of calls. An unlucky number can't be read any more.
fn from_older(version: u32, bytes: &[u8]) -> Option<Count> {
    let calls = u32::from_le_bytes(bytes.try_into().ok()?);
    (version == 1 && calls != 13).then(|| Count { calls: calls.into(), found: calls / 3 })
}

#[detection]
fn detect(event: &Event, count: &mut Slot<Count>, cx: &mut Context) {
    count.calls = count.calls.saturating_add(1);
    count.keep(event.reference());
    if count.calls.is_multiple_of(3) {
        count.found = count.found.saturating_add(1);
        let message = format!("{} calls", count.calls);
        cx.report(Finding::new(class::Privilege, 60).evidence_all(count.kept()).message(message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_the_older_version_is_read_unless_it_is_unlucky() {
        let migrate = countersign_sdk::migrate::<Rule>;
        assert_eq!(migrate(0, 1, &7u32.to_le_bytes()), Ok([&7u64.to_le_bytes()[..], &2u32.to_le_bytes()].concat()));
        assert!(migrate(0, 1, &13u32.to_le_bytes()).is_err());
        assert!(migrate(0, 1, &[1]).is_err());
    }
}
