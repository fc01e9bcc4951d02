//! A thousand rules on one event class: what is delivered and called is counted, not timed.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_stream::matches;

use super::*;

/// Counts its calls and their rows.
#[derive(Default)]
struct Counter {
    calls: AtomicU64,
    rows: AtomicU64,
}

impl Detector for Counter {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(call.batch.len() as u64, Ordering::Relaxed);
        Ok(DetectionAnswer::default())
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "no older version".to_owned() })
    }
}

/// A rule's `where`; a kind's rules are numbered from 0.
fn filter(kind: &str, number: usize) -> String {
    match kind {
        "eq" => format!("{{ field = \"api.operation\", eq = \"Operation{number}\" }}"),
        "in" => format!("{{ field = \"api.operation\", in = [\"First{number}\", \"Second{number}\"] }}"),
        "prefix" => format!("{{ field = \"api.operation\", prefix = \"Family{number}-\" }}"),
        "contains" => format!("{{ field = \"api.operation\", contains = \"<{number}>\" }}"),
        "ignore-case" => format!("{{ field = \"actor.user.name\", eq = \"ÉVA-{number}\", ignore-case = true }}"),
        "cidr" => format!("{{ field = \"src_endpoint.ip\", cidr = \"10.{number}.0.0/16\" }}"),
        "range" => {
            let (least, end) = (number * 10, number * 10 + 10);
            format!("{{ field = \"src_endpoint.port\", range = {{ at-least = {least}, below = {end} }} }}")
        }
        // A key that all of them share doesn't distinguish them.
        "and" => format!(
            "{{ and = [{{ field = \"cloud.provider\", eq = \"aws\" }}, \
             {{ field = \"api.operation\", suffix = \"-Both{number}\" }}] }}"
        ),
        _ => panic!("{kind}"),
    }
}

/// A field and value that a rule's events have.
fn value(kind: &str, number: usize) -> (FieldId, Value) {
    let operation = |operation: String| (FieldId::ApiOperation, Value::Text(Arc::from(operation)));
    match kind {
        "eq" => operation(format!("Operation{number}")),
        "in" => operation(format!("Second{number}")),
        "prefix" => operation(format!("Family{number}-Get")),
        "contains" => operation(format!("Get<{number}>Item")),
        "ignore-case" => (FieldId::ActorUserName, Value::Text(Arc::from(format!("éva-{number}")))),
        "cidr" => (FieldId::SrcEndpointIp, Value::Address(format!("10.{number}.3.4").parse().unwrap())),
        "range" => (FieldId::SrcEndpointPort, Value::Unsigned(number as u64 * 10 + 9)),
        "and" => operation(format!("Get-Both{number}")),
        _ => panic!("{kind}"),
    }
}

const KINDS: [(&str, usize); 8] = [
    ("eq", 300),
    ("in", 100),
    ("prefix", 100),
    ("contains", 100),
    ("ignore-case", 100),
    ("cidr", 100),
    ("range", 100),
    ("and", 100),
];

struct Thousand {
    judges: Judges,
    declarations: Vec<Declaration>,
    counters: Vec<Arc<Counter>>,
}

fn thousand() -> Thousand {
    let rules = KINDS.iter().flat_map(|(kind, count)| (0..*count).map(move |number| (kind, number)));
    let declarations: Vec<Declaration> = rules
        .map(|(kind, number)| {
            let text = format!(
                "id = \"example/{kind}-{number}\"\nversion = \"1.0.0\"\nkind = \"detection\"\n\
                 description = \"For a test.\"\nidentity-types = [\"human\"]\nconfidence-floor = 50\n\
                 actions = [\"notify\"]\nsignal-classes = [\"token\"]\nevent-classes = [\"api-activity\"]\n\
                 fields = [\"api.operation\"]\npartition-key = \"actor\"\nwhere = {}\n",
                filter(kind, number)
            );
            parse_toml(&text).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
        })
        .collect();
    assert_eq!(declarations.len(), 1_000);
    let counters: Vec<Arc<Counter>> = declarations.iter().map(|_| Arc::default()).collect();
    let judges = declarations.iter().zip(&counters).map(|(declaration, counter)| {
        let stream = RuleStream::new(declaration.clone(), counter.clone(), Vec::new(), Vec::new());
        Judge::new(stream.with_holds(Holds::new(QuarantineThreshold::default())), 0)
    });
    Thousand { judges: Judges::from_judges(judges.collect(), 256), declarations, counters }
}

/// Events with a value each, and one value that many rules test in all of them.
fn chunk(first: u64, values: Vec<(FieldId, Value)>) -> Vec<Sequenced> {
    let mut rows = events(first, &vec![("Other", "ALICE"); values.len()]);
    for (row, (field, value)) in rows.iter_mut().zip(values) {
        let event = Arc::make_mut(&mut row.event);
        event.fields.set(FieldId::CloudProvider, Value::Text(Arc::from("aws")));
        event.fields.set(field, value);
    }
    rows
}

impl Thousand {
    fn counted(&self) -> (u64, u64) {
        let sum = |count: fn(&Counter) -> &AtomicU64| {
            self.counters.iter().map(|counter| count(counter).load(Ordering::Relaxed)).sum::<u64>()
        };
        (sum(|counter| &counter.calls), sum(|counter| &counter.rows))
    }
}

#[test]
fn an_event_reaches_only_the_rule_that_wants_it() {
    for workers in [1, 2] {
        let mut all = thousand();
        // One event for each rule, and as many that no rule wants.
        let mut values: Vec<_> =
            KINDS.iter().flat_map(|(kind, count)| (0..*count).map(|number| value(kind, number))).collect();
        values.extend((0..1_000).map(|number| value("eq", 300 + number)));
        let rows = chunk(0, values);
        let (placed, changes) = all.judges.judge(&rows, Vec::new(), workers);
        assert!(placed.is_empty() && changes.state.is_empty() && changes.timers.is_empty());

        assert_eq!(all.counted(), (1_000, 1_000), "a call with one row for each rule");
        assert!(all.judges.delivered().all(|delivered| delivered == 1));
        let tally = all.judges.tally();
        assert_eq!((tally.events, tally.deliveries), (2_000, 1_000));
        // No rule was a candidate in vain; only the joined filters were evaluated, for their other half.
        assert_eq!((tally.candidates, tally.asked), (1_000, 100));
        let one_by_one = rows
            .iter()
            .flat_map(|row| all.declarations.iter().map(|declaration| u64::from(matches(declaration, &row.event))));
        assert_eq!(one_by_one.sum::<u64>(), tally.deliveries);
    }
}

#[test]
fn of_a_thousand_rules_only_the_ten_that_want_events_are_called() {
    let mut all = thousand();
    let chunks = 5_u64;
    for number in 0..chunks {
        let values = (0..400).map(|row| value("eq", row % 10)).collect();
        all.judges.judge(&chunk(number * 400, values), Vec::new(), 1);
        assert_eq!(all.judges.holding.len(), 10, "ticks and chunks visit no other rule");
        all.judges.tick(Tick { at: Timestamp(i64::MIN) }, (number + 1) * 400, Timestamp(i64::MIN));
    }
    assert_eq!(all.counted(), (10 * chunks, 400 * chunks));
    let tally = all.judges.tally();
    assert_eq!((tally.candidates, tally.asked), (400 * chunks, 0));
    // Events that no rule wants cause no call.
    all.judges.judge(&chunk(9_000, vec![value("eq", 999); 10]), Vec::new(), 1);
    assert_eq!(all.counted(), (10 * chunks, 400 * chunks));
    assert_eq!(all.judges.holding.len(), 0);
}
