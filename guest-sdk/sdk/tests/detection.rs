//! A detection that uses everything a detection can declare.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use countersign_sdk::bindings::detect::{
    Availability, Column, ContextTable, Keying, Parameter, SlotState, TableAvailability, TextArena, Validity, Values,
};
use countersign_sdk::testing::{Harness, Row, Value, row, time};

mod everything {
    use countersign_sdk::prelude::*;
    use countersign_sdk::vocabulary::FieldId;

    countersign_sdk::rule!("rules/everything.toml");

    #[derive(State)]
    #[state(slot = "first")]
    struct First {
        count: u32,
        last: Option<Timestamp>,
        recent: Recent,
    }

    #[derive(State)]
    struct Recent(DistinctCount<2>, [u8; 3]);

    #[derive(State)]
    #[state(slot = "second", version = 3, migrate = from_older)]
    struct Second {
        total: u64,
    }

    fn from_older(version: u32, bytes: &[u8]) -> Option<Second> {
        use countersign_sdk::state::Stored as _;
        (version == 2).then(|| u32::from_bytes(bytes)).flatten().map(|total| Second { total: total.into() })
    }

    // The slots are in another order than in rule.toml.
    #[detection]
    fn detect(event: &Event, second: &mut Slot<Second>, first: &mut Slot<First>, cx: &mut Context) {
        match event.kind() {
            Kind::Timer(_) if event.is_timer(&timer::QUIET_OVER) => return cx.report(timed(first)),
            Kind::Finding => {
                let confidence = event.finding_confidence().unwrap_or_default();
                return cx.report(Finding::new(class::Agent, confidence as u8).merely_names());
            }
            _ => {}
        }
        let user = event.actor_user_uid().unwrap_or("nobody");
        if user == "panic" {
            panic!("asked to");
        }
        if user == "forget" {
            first.clear();
            return second.clear();
        }
        first.count += 1;
        first.last = Some(event.time());
        first.recent.0.add(user);
        first.keep(event.reference());
        second.total += event.class_uid().unwrap_or_default();
        cx.set_timer(timer::QUIET_OVER, event.time() + cx.parameters().window);
        if event.has_wrong_type(FieldId::IsMfa) {
            cx.warn(format!("odd: {:?}", event.is_mfa()));
        }
        if event.is_mfa() == Some(true) {
            let resources: Vec<&str> = event.resources_uid().into_iter().flatten().collect();
            let geo = cx.tables().geo();
            let country = geo.for_row().and_then(|row| row.country()).unwrap_or("nowhere");
            let facts = cx.tables().identity_facts();
            let tier = facts.for_key().and_then(|row| row.tier()).unwrap_or("no tier");
            let names: Vec<&str> = cx.tables().egress().rows().filter_map(|row| row.name()).collect();
            cx.inform(describe(cx.parameters()));
            let finding = Finding::new(class::SignIn, 250)
                .severity(Severity::Low)
                .about(Role::Target)
                .technique(technique::T1078_004)
                .evidence_all(first.kept())
                .message(format!(
                    "{user} {} {} {resources:?} {:?} {:?} {:?} {country} {tier} {names:?} {} {:?}",
                    first.count,
                    second.total,
                    event.src_endpoint_ip().map(|address| address.to_string()),
                    event.actor_session_created_time().map(Timestamp::micros),
                    event.unmapped(),
                    geo.is_fresh(),
                    cx.data(),
                ));
            cx.report(finding);
        }
    }

    fn timed(first: &Slot<First>) -> Finding {
        Finding::new(class::Agent, 1).message(format!("quiet after {}", first.count))
    }

    /// Reads a parameter of each type.
    pub(crate) fn describe(parameters: &Parameters<'_>) -> String {
        let (enabled, max, ratio): (bool, i64, f64) = (parameters.enabled, parameters.max_calls, parameters.ratio);
        let (kind, names, window): (&str, &[String], Duration) =
            (parameters.r#type, parameters.names, parameters.window);
        format!("{enabled} {max} {ratio} {kind} {names:?} {window}")
    }
}

/// A rule that keeps what it counts in a static, which no state carries from one call to the next.
mod impure {
    use core::sync::atomic::{AtomicU32, Ordering};

    use countersign_sdk::prelude::*;

    countersign_sdk::rule!("rules/everything.toml");

    static ROWS: AtomicU32 = AtomicU32::new(0);

    #[detection]
    fn detect(_event: &Event, cx: &mut Context) {
        let row = ROWS.fetch_add(1, Ordering::Relaxed);
        cx.report(Finding::new(class::SignIn, 50).message(format!("row {row}")));
    }
}

use everything::Rule;

fn at(seconds: i64) -> Row {
    row().at("2024-01-01T00:00:00Z").plus_secs(seconds).key("k")
}

/// Expects findings of these rows with these messages.
#[track_caller]
fn check(rows: &[Row], expected: &[(usize, &str)]) -> Harness<Rule> {
    let mut harness = Harness::<Rule>::new().data(b"d");
    let found = harness.feed(rows);
    let short: Vec<(usize, &str)> = found.iter().map(|finding| (finding.row, finding.message.as_str())).collect();
    assert_eq!(short, expected);
    harness
}

#[test]
fn every_type_of_field_is_read() {
    let full = at(0)
        .actor_user_uid("alice")
        .class_uid(3002)
        .is_mfa(true)
        .resources_uid(&["r1", "r2"])
        .src_endpoint_ip("10.0.0.1")
        .actor_session_created_time("1970-01-01T00:00:01Z")
        .unmapped("{}");
    check(
        &[full, at(1).is_mfa(true)],
        &[
            (
                0,
                r#"alice 1 3002 ["r1", "r2"] Some("10.0.0.1") Some(1000000) Some("{}") nowhere no tier [] false [100]"#,
            ),
            (1, r"nobody 2 3002 [] None None None nowhere no tier [] false [100]"),
        ],
    );
}

#[test]
fn a_finding_carries_what_the_rule_set() {
    let mut harness = Harness::<Rule>::new();
    let found = harness.feed(&[at(0), at(1), at(2), at(3).is_mfa(true)]);
    let finding = &found[0];
    assert_eq!((finding.confidence, finding.severity.id(), finding.about.id()), (100, "low", "target"));
    assert_eq!(finding.techniques, ["T1078.004"]);
    assert_eq!(finding.evidence, [2, 3], "two references are kept");
    assert_eq!(finding.evidence_role, None);
}

#[test]
fn timers_and_findings_of_other_rules_are_rows() {
    let timer = at(9).timer("quiet-over");
    let other = at(9).finding().finding_confidence(33);
    let harness = check(&[at(0), timer, other, at(10).late()], &[(1, "quiet after 1"), (2, "")]);
    let due = |seconds: i64| Some(time("2024-01-01T00:01:30Z") + countersign_sdk::Duration::from_secs(seconds));
    assert_eq!(harness.timers(), [(0, "quiet-over".to_owned(), due(0)), (3, "quiet-over".to_owned(), due(10))]);
    let found = Harness::<Rule>::new().feed(&[at(0).finding().finding_confidence(33)]);
    assert_eq!(found[0].evidence_role.map(|role| role.id()), Some("merely-names"));
    assert_eq!(found[0].techniques, ["T1078", "T1078.004"], "all declared ones, where none is named");
}

/// A timer that was moved fires once, at the last time it was set for.
#[test]
fn timers_fire_when_time_passes() {
    let later = |seconds: i64| time("2024-01-01T00:01:30Z") + countersign_sdk::Duration::from_secs(seconds);
    let mut harness = Harness::<Rule>::new();
    assert_eq!(harness.feed(&[at(0), at(10).key("l"), at(20)]), []);
    assert_eq!(harness.advance_to(later(9)), []);
    let rows = |found: Vec<countersign_sdk::testing::Reported>| -> Vec<(usize, Vec<usize>, String)> {
        found.into_iter().map(|found| (found.row, found.evidence, found.message)).collect()
    };
    let quiet = "quiet after";
    assert_eq!(rows(harness.advance_to(later(10))), [(3, vec![], format!("{quiet} 1"))]);
    assert_eq!(rows(harness.advance_to(later(20))), [(4, vec![], format!("{quiet} 2"))]);
    assert_eq!(harness.advance_to(later(1_000)), []);
}

#[test]
#[should_panic(expected = "depends on how rows are split into batches: in batches of 1")]
fn the_harness_notices_what_depends_on_batches() {
    Harness::<impure::Rule>::new().feed(&[row(), row()]);
}

#[test]
fn parameters_are_typed_and_in_declared_order() {
    let mut harness = Harness::<Rule>::new();
    harness.feed(&[at(0).is_mfa(true)]);
    assert_eq!(harness.diagnostics(), [(0, r#"true 5 0.5 plain ["a", "b"] 1m 30s"#.to_owned())]);
    let mut harness = Harness::<Rule>::new()
        .set("enabled", false)
        .set("max-calls", 9)
        .set("type", "odd")
        .set("names", [])
        .set("window", countersign_sdk::Duration::from_secs(1));
    harness.feed(&[at(0).is_mfa(true)]);
    assert_eq!(harness.diagnostics(), [(0, "false 9 0.5 odd [] 1s".to_owned())]);
}

#[test]
fn a_row_without_a_key_leaves_no_state() {
    let blank = row().is_mfa(true).class_uid(1);
    let harness = check(
        &[blank.clone(), blank],
        &[
            (0, "nobody 1 1 [] None None None nowhere no tier [] false [100]"),
            (1, "nobody 1 1 [] None None None nowhere no tier [] false [100]"),
        ],
    );
    assert_eq!(harness.timers(), []);
    let [(0, text), (0, _), (1, _), (1, _)] = harness.diagnostics() else { panic!("{:?}", harness.diagnostics()) };
    assert_eq!(text, "the timer `quiet-over` has no key to belong to: the row has none");
}

#[test]
fn a_value_of_another_type_reads_as_none() {
    let harness = check(&[at(0).set("is_mfa", Value::WrongType), at(1)], &[]);
    assert_eq!(harness.diagnostics(), [(0, "odd: None".to_owned())]);
}

#[test]
fn state_in_its_initial_value_is_removed() {
    let harness = check(&[at(0).class_uid(1), at(1).actor_user_uid("forget")], &[]);
    assert_eq!((harness.state_bytes(0, "k"), harness.state_bytes(1, "k")), (None, None));
    let harness = check(&[at(0).class_uid(1)], &[]);
    assert_eq!(harness.state_bytes(1, "k"), Some(&1_u64.to_le_bytes()[..]));
    // The second slot keeps its initial value, so nothing is stored for it.
    let harness = check(&[at(0)], &[]);
    assert_eq!(harness.state_bytes(1, "k"), None);
    assert_eq!(harness.state_bytes(0, "k").map(<[u8]>::len), Some(4 + 9 + (8 * 2 + 1) + 3));
}

#[test]
fn only_what_changed_is_written_back() {
    let blob = 5_u64.to_le_bytes();
    let state = [
        SlotState { blobs: vec![], blob_offsets: vec![0, 0, 0], kept: vec![], kept_offsets: vec![0, 0, 0] },
        SlotState {
            blobs: [blob, blob].concat(),
            blob_offsets: vec![0, 8, 16],
            kept: vec![],
            kept_offsets: vec![0, 0, 0],
        },
    ];
    let mut batch = two_rows();
    batch.columns[2] = all(Values::Unsigned(vec![0, 7]));
    let answer = everything::evaluate(&batch, &state, &parameters(), &[], &[]);
    let [first, second] = answer.states.as_slice() else { panic!("{:?}", answer.states) };
    assert_eq!((first.slot, first.keys.as_slice()), (0, &[0, 1][..]));
    assert_eq!((second.slot, second.keys.as_slice()), (1, &[1][..]), "key 0 was touched, but has not changed");
    assert_eq!(second.blobs, 12_u64.to_le_bytes());
    assert_eq!(second.blob_offsets, [0, 8]);
    assert_eq!(first.kept, [100, 101]);
}

#[test]
fn context_tables_are_read_by_row_by_key_and_by_batch() {
    let geo = ContextTable {
        keying: Keying::ByRow,
        rows: 2,
        availability: TableAvailability::Each(vec![Availability::Fresh(9), Availability::Missing]),
        columns: vec![all(texts(&["NO", "SE"])), all(Values::Unsigned(vec![1, 2]))],
    };
    let facts = ContextTable {
        keying: Keying::ByKey,
        rows: 2,
        availability: TableAvailability::Whole(Availability::Fresh(4)),
        columns: vec![all(Values::Bits(vec![0])), all(texts(&["high", "standard"]))],
    };
    let egress = ContextTable {
        keying: Keying::ByBatch,
        rows: 2,
        availability: TableAvailability::Whole(Availability::Stale(3)),
        columns: vec![all(texts(&["office", "vpn"]))],
    };
    let mut batch = two_rows();
    batch.columns[1] = all(Values::Bits(vec![0b11]));
    // Both rows are of the second key.
    batch.rows.keys = vec![1, 1];
    let answer = everything::evaluate(&batch, &no_state(), &parameters(), &[], &[geo, facts, egress]);
    let messages: Vec<&str> = answer.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(messages[0].contains(r#"NO standard ["office", "vpn"] true"#), "{messages:?}");
    assert!(messages[1].contains(r#"SE standard ["office", "vpn"] false"#), "{messages:?}");
}

#[test]
fn a_test_sets_context_tables() {
    let mut harness = Harness::<Rule>::new()
        .context("egress", &[("name", Value::Text("office".into()))])
        .context("egress", &[("name", Value::Text("vpn".into()))])
        .context_for_key("identity-facts", "alice", &[("tier", Value::Text("high".into()))]);
    let row = |key: &str| row().key(key).actor_user_uid(key).is_mfa(true);
    let place = [("country", Value::Text("NO".into())), ("asn", Value::Unsigned(64_496))];
    let found = harness.feed(&[row("alice").context("geo", &place), row("bob"), row("alice")]);
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert!(messages[0].contains(r#"NO high ["office", "vpn"] true"#), "{messages:?}");
    assert!(messages[1].contains(r#"nowhere no tier ["office", "vpn"] false"#), "{messages:?}");
    assert!(messages[2].contains(r#"nowhere high ["office", "vpn"] false"#), "{messages:?}");
}

#[test]
#[should_panic(expected = "the context table `geo` by batch is not declared by this rule")]
fn a_test_can_not_set_a_table_that_is_not_declared() {
    let _ = Harness::<Rule>::new().context("geo", &[]);
}

#[test]
#[should_panic(expected = "`city` is not a declared column of the context table `geo`")]
fn a_test_can_not_set_a_column_that_is_not_declared() {
    Harness::<Rule>::new().feed(&[row().context("geo", &[("city", Value::Text("Oslo".into()))])]);
}

#[test]
fn blobs_of_older_versions_are_migrated_where_a_migration_exists() {
    let migrate = countersign_sdk::migrate::<Rule>;
    assert_eq!(migrate(1, 2, &7_u32.to_le_bytes()), Ok(7_u64.to_le_bytes().to_vec()));
    assert_eq!(migrate(1, 1, &[]).unwrap_err(), "slot `second` has no way from version 1 to version 3");
    assert_eq!(migrate(0, 7, &[]).unwrap_err(), "slot `first` has no way from version 7 to version 1");
    assert_eq!(migrate(2, 1, &[]).unwrap_err(), "the rule has no state in slot 2");
    assert!(migrate(1, 3, &[0; 7]).unwrap_err().contains("takes 8 bytes, got 7"));
}

#[test]
#[should_panic(expected = "build the rule again from its rule.toml")]
fn a_batch_of_other_columns_is_refused() {
    let mut batch = two_rows();
    batch.schema_hash += 1;
    let _ = everything::evaluate(&batch, &no_state(), &parameters(), &[], &[]);
}

#[test]
#[should_panic(expected = "state of slot `second` version 3 takes 8 bytes, got 3")]
fn a_blob_of_another_layout_is_refused() {
    let mut state = no_state();
    state[1] = SlotState { blobs: vec![1; 3], blob_offsets: vec![0, 3, 3], kept: vec![], kept_offsets: vec![0; 3] };
    let _ = everything::evaluate(&two_rows(), &state, &parameters(), &[], &[]);
}

#[test]
#[should_panic(expected = "parameter `enabled` breaks the contract: expected boolean, got integer")]
fn a_parameter_of_another_type_is_refused() {
    let _ = everything::evaluate(&two_rows(), &no_state(), &[Parameter::Integer(1)], &[], &[]);
}

fn all(values: Values) -> Column {
    Column { values, validity: Validity::AllPresent }
}

fn texts(texts: &[&str]) -> Values {
    let mut arena = TextArena { bytes: String::new(), offsets: vec![0] };
    for text in texts {
        arena.bytes.push_str(text);
        arena.offsets.push(arena.bytes.len() as u32);
    }
    Values::Text(arena)
}

fn parameters() -> Vec<Parameter> {
    vec![
        Parameter::Boolean(true),
        Parameter::Integer(5),
        Parameter::Decimal(0.5),
        Parameter::Text("plain".to_owned()),
        Parameter::TextList(vec!["a".to_owned()]),
        Parameter::Duration(90_000_000),
    ]
}

fn no_state() -> Vec<SlotState> {
    vec![SlotState { blobs: vec![], blob_offsets: vec![0; 3], kept: vec![], kept_offsets: vec![0; 3] }; 2]
}

/// Two rows of two keys, with nothing in any column that leads to a finding.
fn two_rows() -> countersign_sdk::bindings::detect::Batch {
    use countersign_sdk::bindings::detect::{Batch, Kinds, Masks, RawArena, RawKind, Rows, TextLists};
    use countersign_sdk::rule::DetectionDeclaration as _;
    let absent =
        |values| Column { values, validity: Validity::Partial(Masks { present: vec![0], wrong_type: vec![0] }) };
    Batch {
        schema_hash: Rule::SCHEMA_HASH,
        rows: Rows {
            references: vec![100, 101],
            event_times: vec![1, 2],
            ingest_times: vec![1, 2],
            watermarks: vec![0, 0],
            keys: vec![0, 1],
            kinds: Kinds::AllEvents,
        },
        columns: vec![
            all(texts(&["alice", "bob"])),
            absent(Values::Bits(vec![0])),
            absent(Values::Unsigned(vec![0, 0])),
            absent(Values::TextLists(TextLists {
                items: TextArena { bytes: String::new(), offsets: vec![0] },
                rows: vec![0, 0, 0],
            })),
            absent(Values::Addresses(vec![0; 4])),
            absent(Values::Timestamps(vec![0, 0])),
            absent(Values::Raw(RawArena { kind: RawKind::Json, bytes: vec![], offsets: vec![0, 0, 0] })),
            absent(Values::Unsigned(vec![0, 0])),
        ],
    }
}
