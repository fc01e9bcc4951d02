//! Failed sign-ins of one account, and then a successful one.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("rule.toml");

/// State of an account. Kept references are its latest failures.
#[derive(State)]
#[state(slot = "failures")]
struct Failures {
    count: SlidingCount<10>,
    /// When a spray last tried this account.
    sprayed: Option<Timestamp>,
}

#[detection]
fn detect(event: &Event, failures: &mut Slot<Failures>, cx: &mut Context) {
    match event.kind() {
        Kind::Timer(_) => gave_up(failures, cx),
        Kind::Finding => failures.sprayed = Some(event.time()),
        Kind::Event | Kind::Late if event.status_id() == Some(2) => failed(event, failures, cx),
        Kind::Event | Kind::Late => succeeded(event, failures, cx),
    }
}

/// Counts a failure, and waits for what follows.
fn failed(event: &Event, failures: &mut Slot<Failures>, cx: &mut Context) {
    let window = cx.parameters().window;
    failures.count.add(event.time(), window);
    failures.keep(event.reference());
    if event.has_key() {
        cx.set_timer(timer::GAVE_UP, event.time() + window);
    }
}

/// Reports a success that follows enough failures, and forgets them.
fn succeeded(event: &Event, failures: &mut Slot<Failures>, cx: &mut Context) {
    let count = failures.count.total_at(event.time());
    if count as i64 >= cx.parameters().failures {
        let from = event.src_endpoint_ip().map_or_else(String::new, |ip| format!(" from {ip}"));
        let finding = Finding::new(class::SignIn, confidence(event, failures, cx))
            .severity(Severity::High)
            .about(Role::Actor)
            .evidence_all(failures.kept())
            .message(format!("a sign-in{from} succeeded after {count} failures"));
        cx.report(finding);
    }
    failures.clear();
    if event.has_key() {
        cx.cancel_timer(timer::GAVE_UP);
    }
}

/// 70; 15 more if a spray tried this account; 20 less from the organisation's own network.
fn confidence(event: &Event, failures: &Failures, cx: &Context) -> u8 {
    let is_sprayed = failures.sprayed.is_some_and(|at| event.time() - at < cx.parameters().window);
    let egress = cx.tables().egress().for_row();
    let is_own_network = egress.and_then(|egress| egress.network()).is_some();
    let more = if is_sprayed { 15 } else { 0 };
    let less = if is_own_network { 20 } else { 0 };
    70 + more - less
}

/// Notes, below the floor, that the failures ended without a success.
fn gave_up(failures: &mut Slot<Failures>, cx: &mut Context) {
    let count = failures.count.total();
    if count as i64 >= cx.parameters().failures {
        let finding = Finding::new(class::SignIn, 30)
            .severity(Severity::Low)
            .merely_names()
            .evidence_all(failures.kept())
            .message(format!("{count} sign-ins failed, and none succeeded"));
        cx.report(finding);
    }
    failures.clear();
}

#[cfg(test)]
mod tests {
    use countersign_sdk::testing::{Harness, Row, check, check_state_size, only_finding, row, time};

    use super::*;

    fn sign_in(status: u64, seconds: i64) -> Row {
        row().key("alice").at("2026-03-04T08:00:00Z").plus_secs(seconds).status_id(status)
    }

    fn failures(count: i64) -> Vec<Row> {
        (0..count).map(|number| sign_in(2, number * 10)).collect()
    }

    #[test]
    fn a_success_after_five_failures_is_found() {
        let success = sign_in(1, 60).src_endpoint_ip("198.51.100.7");
        let finding = only_finding::<Rule>(&[failures(5), vec![success]].concat());
        assert_eq!((finding.row, finding.class, finding.confidence), (5, SignalClass::SignIn, 70));
        assert_eq!(finding.evidence, [0, 1, 2, 3, 4]);
        assert_eq!(finding.message, "a sign-in from 198.51.100.7 succeeded after 5 failures");
    }

    #[test]
    fn four_failures_are_a_person_who_mistypes() {
        check::<Rule>(&[failures(4), vec![sign_in(1, 60)]].concat(), &[]);
        let rows = [failures(4), vec![sign_in(1, 60)]].concat();
        Harness::<Rule>::new().set("failures", 4).check(&rows, &[(4, 70)]);
    }

    #[test]
    fn a_spray_weighs_more_and_the_own_network_less() {
        let spray = sign_in(2, 50).finding();
        check::<Rule>(&[failures(5), vec![spray, sign_in(1, 60)]].concat(), &[(6, 85)]);
        let office = sign_in(1, 60).context("egress", &[("network", "203.0.113.0/24".into())]);
        check::<Rule>(&[failures(5), vec![office]].concat(), &[(5, 50)]);
    }

    #[test]
    fn failures_without_a_success_are_noted_when_the_window_is_over() {
        let mut harness = Harness::<Rule>::new();
        assert_eq!(harness.feed(&failures(6)), []);
        assert_eq!(harness.advance_to(time("2026-03-04T08:10:49Z")), []);
        let found = harness.advance_to(time("2026-03-04T08:10:50Z"));
        assert_eq!(found[0].message, "6 sign-ins failed, and none succeeded");
    }

    #[test]
    fn the_layout_of_state_is_that_of_its_version() {
        check_state_size::<Rule>(&failures(1), "alice", 65);
    }
}
