//! Counts of uses: the same however events are divided into commits, bounded whatever comes, and by day.

use std::net::IpAddr;

use countersign_model::{ChainMember, ChainRole, Value};
use countersign_store::{Commit, MemoryStore, Store as _};
use proptest::prelude::*;

use super::*;

/// Noon of a day that is the first of March of 2026.
const NOON: i64 = 1_772_366_400_000_000;

fn account(number: u32) -> Account {
    Account::new("aws", "1", format!("A{number}"))
}

fn event(day: i64, accounts: &[u32], agent: &str, address: [u8; 4]) -> Event {
    let mut event = countersign_testing::event(0);
    event.time = Timestamp(NOON + day * DAY);
    event.chain = accounts
        .iter()
        .map(|number| ChainMember {
            role: ChainRole::Executor,
            account: Some(account(*number)),
            name: None,
            proved_type: None,
            shared: false,
            protected: false,
        })
        .collect();
    event.fields.set(FieldId::HttpRequestUserAgent, Value::Text(agent.into()));
    event.fields.set(FieldId::SrcEndpointIp, Value::Address(IpAddr::from(address)));
    event
}

struct Counts {
    store: MemoryStore,
    accounts: Accounts,
    counting: Counting,
    now: Timestamp,
}

impl Counts {
    fn new() -> Counts {
        let (store, accounts) = (MemoryStore::new(), Accounts::default());
        Counts { store, accounts, counting: Counting::default(), now: Timestamp(NOON) }
    }

    fn add(&mut self, event: &Event) {
        self.now = self.now.max(event.time);
        self.counting.add(event, self.now);
    }

    fn commit(&mut self) {
        let mut memory = Vec::new();
        self.accounts.changes(std::mem::take(&mut self.counting), &self.store, &mut memory).unwrap();
        let expected = self.store.head().unwrap();
        self.store.commit(Commit { memory: &memory, ..Commit::empty(expected) }).unwrap();
    }

    /// The process dies: what wasn't committed is counted again later.
    fn die(&mut self) {
        self.counting = Counting::default();
        self.accounts = Accounts::read(&self.store).unwrap();
    }

    fn of(&self, number: u32) -> Vec<ActivityDay> {
        activity(&self.store, &account(number), self.now).unwrap()
    }
}

fn callers(day: &ActivityDay) -> Vec<(&str, u64)> {
    day.callers.iter().map(|caller| (&*caller.caller, caller.count)).collect()
}

#[test]
fn a_caller_is_what_would_stop() {
    let mut event = event(0, &[1], "aws-cli/2.9 Python/3", [192, 0, 2, 7]);
    assert_eq!(caller(&event), "program:aws-cli from 192.0.2.0/24");
    event.fields.set(FieldId::HttpRequestUserAgent, Value::Text("[Boto3/1 x]".into()));
    assert_eq!(caller(&event), "program:Boto3 from 192.0.2.0/24");
    event.fields.set(FieldId::HttpRequestUserAgent, Value::Text(format!("\u{1b}ä{}", "x".repeat(500)).as_str().into()));
    let long = caller(&event);
    assert!(long.starts_with("program:??xxx") && long.len() == MAX_CALLER, "{long}");
    event.fields.set(FieldId::ActorAppUid, Value::Text("0oa1".into()));
    assert_eq!(caller(&event), "application:0oa1");
    event.fields.set(FieldId::ActorAppName, Value::Text("Payroll".into()));
    assert_eq!(caller(&event), "application:Payroll");
    event.fields.set(FieldId::ActorInvokedBy, Value::Text("lambda.amazonaws.com".into()));
    assert_eq!(caller(&event), "service:lambda.amazonaws.com");
    assert_eq!(caller(&countersign_testing::event(0)), "program:? from ?");
}

#[test]
fn what_proves_no_use_isnt_counted() {
    let mut counts = Counts::new();
    let mut failed = event(0, &[1], "a", [192, 0, 2, 1]);
    failed.actor.authenticated = false;
    let mut unbound = event(0, &[1], "a", [192, 0, 2, 1]);
    unbound.binding.bound = false;
    [&failed, &unbound].into_iter().for_each(|event| counts.add(event));
    // Older than what is kept.
    counts.add(&event(-30, &[1], "a", [192, 0, 2, 1]));
    counts.add(&event(-29, &[2, 2], "a", [192, 0, 2, 1]));
    counts.commit();
    assert_eq!(counts.of(1), []);
    let days = counts.of(2);
    assert_eq!(
        (days.len(), &*days[0].day, callers(&days[0])),
        (1, "2026-01-31", vec![("program:a from 192.0.2.0/24", 1)])
    );
}

#[test]
fn days_are_dropped_and_callers_bounded() {
    let mut counts = Counts::new();
    for number in 0..40 {
        (0..2).for_each(|_| counts.add(&event(0, &[1], &format!("agent-{number}"), [192, 0, 2, 1])));
    }
    counts.commit();
    let days = counts.of(1);
    assert_eq!(days[0].callers.len(), MAX_CALLERS + 1);
    assert_eq!(callers(&days[0]).last(), Some(&(OTHER, 2 * (40 - MAX_CALLERS as u64))));
    counts.add(&event(29, &[2], "a", [192, 0, 2, 1]));
    counts.commit();
    assert_eq!(counts.of(1).len(), 1);
    counts.add(&event(30, &[2], "a", [192, 0, 2, 1]));
    counts.commit();
    assert_eq!((counts.of(1).len(), counts.of(2).len()), (0, 2));
    assert_eq!(counts.store.memory(ACTIVITY, None, 9).unwrap().len(), 2);
    assert_eq!(counts.store.memory(ACTIVITY_ACCOUNTS, None, 9).unwrap().len(), 2);
}

#[test]
fn one_source_takes_no_room_from_another() {
    let mut counts = Counts::new();
    let many = u32::try_from(MAX_ACCOUNTS).unwrap();
    for number in 0..many + 5 {
        counts.add(&event(0, &[number], "a", [192, 0, 2, 1]));
    }
    let mut other = event(0, &[many + 7], "a", [192, 0, 2, 1]);
    other.source = "other".into();
    counts.add(&other);
    counts.commit();
    assert_eq!((counts.of(many - 1).len(), counts.of(many).len(), counts.of(many + 7).len()), (1, 0, 1));
    // Accounts that were there go on.
    counts.add(&event(0, &[3], "a", [192, 0, 2, 1]));
    counts.commit();
    assert_eq!(counts.of(3)[0].callers[0].count, 2);
}

#[test]
#[ignore = "a measurement: it prints what counting an event takes"]
fn counting_takes_little() {
    let events: Vec<Event> =
        (0..1_000).map(|number| event(0, &[number % 300], "aws-cli/2.9 Python/3", [192, 0, 2, 1])).collect();
    let mut counts = Counts::new();
    let began = std::time::Instant::now();
    for _ in 0..100 {
        events.iter().for_each(|event| counts.add(event));
    }
    println!("{:?} an event", began.elapsed() / 100_000);
}

proptest! {
    #[test]
    fn commits_and_deaths_show_nowhere(
        uses in prop::collection::vec((-40_i64..40, 0_u32..4, 0_u8..30), 1..120),
        commits in prop::collection::vec(0_u8..4, 120),
    ) {
        let events: Vec<Event> =
            uses.iter().map(|(day, number, agent)| event(*day, &[*number, 9], &format!("a{agent}"), [192, 0, 2, 1])).collect();
        let mut whole = Counts::new();
        events.iter().for_each(|event| whole.add(event));
        whole.commit();
        let mut torn = Counts::new();
        let mut committed = 0;
        for (number, event) in events.iter().enumerate() {
            torn.add(event);
            match commits[number] {
                0 => {
                    torn.commit();
                    committed = number + 1;
                }
                1 => {
                    torn.die();
                    // The clock as of the commit is known again; here it is that of the events.
                    torn.now = events[..committed].iter().map(|event| event.time).fold(Timestamp(NOON), Timestamp::max);
                    events[committed..=number].iter().for_each(|event| torn.add(event));
                }
                _ => {}
            }
        }
        torn.commit();
        for number in [0, 1, 2, 3, 9] {
            prop_assert_eq!(whole.of(number), torn.of(number));
        }
    }
}
