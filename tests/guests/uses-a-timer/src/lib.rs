//! Uses a timer: failed sign-ins that are followed by neither a success nor another failure for a while.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// State of an account.
#[derive(State)]
#[state(slot = "failures")]
struct Failures {
    count: u32,
}

#[detection]
fn detect(event: &Event, failures: &mut Slot<Failures>, cx: &mut Context) {
    if event.is_timer(&timer::SILENCE) {
        let finding = Finding::new(class::SignIn, 60).evidence_all(failures.kept());
        cx.report(finding.message(format!("{} failed sign-ins, then silence", failures.count)));
        failures.clear();
    } else if event.status_id() == Some(2) {
        failures.count = failures.count.saturating_add(1);
        failures.keep(event.reference());
        cx.set_timer(timer::SILENCE, event.time() + cx.parameters().silence);
    } else {
        failures.clear();
        cx.cancel_timer(timer::SILENCE);
    }
}

#[cfg(test)]
mod tests {
    use countersign_sdk::testing::{Harness, Row, row, time};

    use super::*;

    fn sign_in(second: i64, status: u64) -> Row {
        let at = time("2024-05-01T08:00:00Z") + Duration::from_secs(second);
        row().key("aws:111122223333:AIDAEXAMPLE").at_time(at).status_id(status)
    }

    #[test]
    fn a_failure_sets_the_timer_and_a_success_cancels_it() {
        let mut harness = Harness::<Rule>::new();
        assert_eq!(harness.feed(&[sign_in(0, 2), sign_in(5, 2), sign_in(9, 1)]), []);
        let due: Vec<_> = harness.timers().iter().map(|(row, id, at)| (*row, id.as_str(), at.is_some())).collect();
        assert_eq!(due, [(0, "silence", true), (1, "silence", true), (2, "silence", false)]);
    }

    #[test]
    fn silence_is_found_when_time_has_passed() {
        let mut harness = Harness::<Rule>::new();
        assert_eq!(harness.feed(&[sign_in(0, 2), sign_in(5, 2)]), []);
        let passed = |minutes: i64| time("2024-05-01T08:00:05Z") + Duration::from_secs(minutes * 60);
        assert_eq!(harness.advance_to(passed(9)), []);
        let found = harness.advance_to(passed(10));
        assert_eq!(
            found.iter().map(|found| found.message.as_str()).collect::<Vec<_>>(),
            ["2 failed sign-ins, then silence"]
        );
        // The timer's row stands for the event that set it.
        assert_eq!(found[0].evidence, [0, 1]);
        assert_eq!(harness.advance_to(passed(60)), []);
    }
}
