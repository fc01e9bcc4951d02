//! Filters as authors write them, against one value after another.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use countersign_model::vocabulary::EventClass;
use proptest::prelude::*;

use super::*;
use crate::testing::{declaration, event, text, with_field};

/// Whether an event passes a `where`.
fn passes(filter: &str, event: &Event) -> bool {
    matches(&declaration(&format!("where = {filter}"), ""), event)
}

/// Whether the value of a field passes a test.
fn holds(path: &str, test: &str, value: Value) -> bool {
    passes(&format!("{{ field = \"{path}\", {test} }}"), &with_field(path, value))
}

fn list(items: &[&str]) -> Value {
    Value::TextList(items.iter().map(|item| Arc::from(*item)).collect())
}

fn address(text: &str) -> Value {
    Value::Address(text.parse().unwrap())
}

#[test]
fn the_class_must_be_declared() {
    let declared = declaration("event-classes = [\"authentication\", \"user-access\"]", "");
    for class in EventClass::ALL {
        let mut event = event(0);
        event.class = *class;
        let wanted = [EventClass::Authentication, EventClass::UserAccess].contains(class);
        assert_eq!(matches(&declared, &event), wanted, "{class:?}");
    }
}

#[test]
fn text_is_tested_by_its_bytes() {
    let holds = |test: &str, value: &str| holds("api.operation", test, text(value));
    assert!(holds("eq = \"GetObject\"", "GetObject"));
    assert!(!holds("eq = \"GetObject\"", "getobject") && !holds("eq = \"GetObject\"", "GetObject "));
    assert!(holds("in = [\"A\", \"B\"]", "B") && !holds("in = [\"A\", \"B\"]", "C"));
    assert!(holds("prefix = \"Get\"", "GetObject") && !holds("prefix = \"Get\"", "ForGetting"));
    assert!(holds("suffix = \"Object\"", "GetObject") && !holds("suffix = \"Object\"", "GetObjects"));
    assert!(holds("contains = \"Obj\"", "GetObject") && !holds("contains = \"Obj\"", "GetItem"));
    assert!(holds("eq = \"\"", "") && holds("exists = true", "") && !holds("exists = false", ""));
}

#[test]
fn a_test_holds_for_a_list_when_it_holds_for_an_item() {
    let holds = |test: &str, items: &[&str]| holds("resources.uid", test, list(items));
    for test in ["eq = \"b1\"", "in = [\"x\", \"b1\"]", "prefix = \"b\"", "suffix = \"1\"", "contains = \"1\""] {
        assert!(holds(test, &["a", "b1"]), "{test}");
        // No test spans two items, and an empty list has no item.
        assert!(!holds(test, &["a", "c"]) && !holds(test, &[]), "{test}");
    }
    assert!(!holds("contains = \"ab\"", &["a", "b"]));
    assert!(holds("exists = true", &[]));
}

#[test]
fn addresses_are_tested_by_their_normal_text() {
    let holds = |test: &str, value: &str| holds("src_endpoint.ip", test, address(value));
    for written in ["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"] {
        assert!(holds("eq = \"198.51.100.7\"", written), "{written}");
        assert!(holds("eq = \"::ffff:198.51.100.7\"", written), "{written}");
        assert!(holds("prefix = \"198.51.100.\"", written), "{written}");
        assert!(!holds("contains = \":\"", written), "{written}");
    }
    assert!(holds("in = [\"2001:DB8:0:0::1\"]", "2001:db8::1"));
    assert!(!holds("eq = \"2001:db8::1\"", "2001:db8::2"));
}

#[test]
fn numbers_booleans_and_times_are_tested_by_value() {
    assert!(holds("status_id", "eq = 2", Value::Unsigned(2)) && !holds("status_id", "eq = 2", Value::Unsigned(1)));
    assert!(holds("status_id", "in = [0, 9]", Value::Unsigned(9)));
    assert!(!holds("status_id", "eq = 0", Value::Unsigned(u64::MAX)));
    assert!(holds("is_mfa", "eq = false", Value::Boolean(false)));
    assert!(!holds("is_mfa", "eq = false", Value::Boolean(true)));
    assert!(holds("actor.session.created_time", "eq = -5", Value::Timestamp(-5)));
    assert!(!holds("actor.session.created_time", "eq = -5", Value::Timestamp(5)));
    // No field of the table is of these types yet.
    let test = |wanted: Literal, value: Value| equal(&value, &wanted);
    assert!(test(Literal::Integer(-1), Value::Signed(-1)) && !test(Literal::Integer(-1), Value::Unsigned(u64::MAX)));
    assert!(test(Literal::Float(0.0), Value::Float(-0.0)) && !test(Literal::Float(0.5), Value::Float(0.25)));
}

#[test]
fn ranges_include_their_ends_as_declared() {
    let holds = |range: &str, value: Value| holds("logon_type_id", &format!("range = {range}"), value);
    let within = |range: &str| (0..6).filter(|number| holds(range, Value::Unsigned(*number))).collect::<Vec<u64>>();
    assert_eq!(within("{ at-least = 2, at-most = 4 }"), [2, 3, 4]);
    assert_eq!(within("{ above = 2, below = 4 }"), [3]);
    assert_eq!(within("{ at-most = 1 }"), [0, 1]);
    assert_eq!(within("{ above = 4 }"), [5]);
    assert!(holds("{ above = 4 }", Value::Unsigned(u64::MAX)) && !holds("{ below = 4 }", Value::Unsigned(u64::MAX)));
    assert!(!holds("{ at-least = 0 }", text("2")) && !holds("{ at-least = 0 }", Value::Float(2.0)));
}

#[test]
fn ranges_of_times_and_floats_compare_their_own_type() {
    let since = |value: Value| holds("actor.session.created_time", "range = { at-least = -5, below = 7 }", value);
    let times = [-6, -5, 6, 7].map(|time| since(Value::Timestamp(time)));
    assert_eq!(times, [false, true, true, false]);
    let south = |value: Value| holds("src_endpoint.location.lat", "range = { below = 0.0 }", value);
    let floats = [-90.0, -5e-324, -0.0, 0.0, f64::NAN, f64::NEG_INFINITY].map(|number| south(Value::Float(number)));
    assert_eq!(floats, [true, true, false, false, false, true]);
    assert!(!south(Value::Signed(-1)));
}

#[test]
fn networks_hold_addresses_of_their_family() {
    let test = "cidr = [\"10.0.0.0/8\", \"2001:db8::/32\", \"::ffff:192.0.2.0/120\"]";
    let holds = |value: &str| holds("src_endpoint.ip", test, address(value));
    for within in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::9", "192.0.2.9"] {
        assert!(holds(within), "{within}");
    }
    for without in ["11.0.0.0", "::10.1.2.3", "2001:db9::", "192.0.3.0", "::ffff:11.0.0.0"] {
        assert!(!holds(without), "{without}");
    }
}

#[test]
fn without_case_letters_of_every_alphabet_are_the_same() {
    let holds = |test: &str, value: &str| holds("user.name", &format!("{test}, ignore-case = true"), text(value));
    assert!(holds("eq = \"Svc-Backup$\"", "SVC-BACKUP$") && !holds("eq = \"Svc-Backup$\"", "svc-backup"));
    assert!(holds("in = [\"x\", \"ÉVA\"]", "Éva") && !holds("in = [\"x\", \"ÉVA\"]", "Eva"));
    assert!(holds("prefix = \"ΣΙ\"", "ςιγμα") && !holds("prefix = \"ΣΙ\"", "ς"));
    assert!(
        holds("suffix = \"@EXAMPLE.org\"", "Ada@example.ORG") && !holds("suffix = \"@EXAMPLE.org\"", "example.org")
    );
    assert!(holds("contains = \"Жук\"", "<ЖУК>") && !holds("contains = \"Жук\"", "Жу"));
    // One character folds to one: no locale, no letters that become two.
    assert!(!holds("eq = \"STRASSE\"", "straße") && holds("eq = \"STRAẞE\"", "straße"));
    assert!(!holds("eq = \"i\"", "İ") && !holds("eq = \"i\"", "ı") && holds("eq = \"i\"", "I"));
    let list = |test: &str, items: &[&str]| super::tests::holds("resources.name", test, list(items));
    assert!(list("eq = \"b\", ignore-case = true", &["A", "B"]) && !list("eq = \"b\"", &["A", "B"]));
}

#[test]
fn a_value_of_another_type_equals_nothing() {
    assert!(!equal(&Value::Unsigned(1), &Literal::Boolean(true)));
    assert!(!equal(&Value::Unsigned(1), &Literal::Text("1".to_owned())));
    assert!(!equal(&Value::Boolean(true), &Literal::Integer(1)));
    assert!(!equal(&Value::Float(1.0), &Literal::Integer(1)));
}

/// Every test on a field that the record doesn't have, or has as something else.
#[test]
fn a_test_without_a_value_of_the_type_is_false_and_not_is_plain_negation() {
    let tests = [
        ("api.operation", "eq = \"\""),
        ("api.operation", "in = [\"\", \"x\"]"),
        ("api.operation", "prefix = \"\""),
        ("api.operation", "suffix = \"\""),
        ("api.operation", "contains = \"\""),
        ("api.operation", "exists = true"),
        ("resources.uid", "contains = \"\""),
        ("src_endpoint.ip", "prefix = \"\""),
        ("status_id", "eq = 0"),
        ("is_mfa", "eq = false"),
        ("actor.session.created_time", "in = [0]"),
        ("unmapped", "exists = true"),
        ("status_id", "range = { at-least = 0 }"),
        ("src_endpoint.location.lat", "range = { at-most = 90 }"),
        ("actor.session.created_time", "range = { above = -9 }"),
        ("src_endpoint.ip", "cidr = [\"0.0.0.0/0\", \"::/0\"]"),
        ("user.name", "prefix = \"\", ignore-case = true"),
        ("resources.uid", "contains = \"\", ignore-case = true"),
    ];
    for (path, test) in tests {
        let filter = format!("{{ field = \"{path}\", {test} }}");
        for event in [event(0), with_field(path, Value::WrongType)] {
            assert!(!passes(&filter, &event), "{filter}");
            assert!(passes(&format!("{{ not = {filter} }}"), &event), "not {filter}");
            assert!(passes(&format!("{{ field = \"{path}\", exists = false }}"), &event), "{path}");
        }
    }
}

/// A filter in declared form and as a function of which of three fields exist.
fn filters() -> impl Strategy<Value = (String, Filter)> {
    let paths = ["api.operation", "status_id", "is_mfa"];
    let leaf = (0usize..3, any::<bool>()).prop_map(move |(place, wanted)| {
        let path = paths.get(place).copied().unwrap();
        let test =
            Filter::Test { field: FieldId::from_path(path).unwrap(), test: Test::Exists(wanted), ignore_case: false };
        (format!("{{ field = \"{path}\", exists = {wanted} }}"), test)
    });
    leaf.prop_recursive(4, 24, 3, |inner| {
        let many = proptest::collection::vec(inner.clone(), 1..4);
        let join =
            |parts: &[(String, Filter)]| parts.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>().join(", ");
        prop_oneof![
            inner.prop_map(|(text, filter)| (format!("{{ not = {text} }}"), Filter::Not(Box::new(filter)))),
            many.clone().prop_map(move |parts| {
                (format!("{{ and = [{}] }}", join(&parts)), Filter::And(parts.into_iter().map(|part| part.1).collect()))
            }),
            many.prop_map(move |parts| {
                (format!("{{ or = [{}] }}", join(&parts)), Filter::Or(parts.into_iter().map(|part| part.1).collect()))
            }),
        ]
    })
}

/// What a filter of `exists` means, by the truth table.
fn truth(filter: &Filter, there: &dyn Fn(FieldId) -> bool) -> bool {
    match filter {
        Filter::Always => true,
        Filter::And(parts) => !parts.iter().any(|part| !truth(part, there)),
        Filter::Or(parts) => parts.iter().filter(|part| truth(part, there)).count() > 0,
        Filter::Not(part) => truth(part, there) ^ true,
        Filter::Test { field, test: Test::Exists(wanted), .. } => there(*field) == *wanted,
        Filter::Test { .. } => unreachable!("only `exists` is made"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filters_combine_by_their_truth_table((written, filter) in filters(), there in any::<[bool; 3]>()) {
        let mut event = event(0);
        let values = [text("x"), Value::Unsigned(0), Value::Boolean(false)];
        let fields = ["api.operation", "status_id", "is_mfa"].map(|path| FieldId::from_path(path).unwrap());
        for ((field, value), there) in fields.iter().zip(values).zip(there) {
            event.fields.set(*field, if there { value } else { Value::WrongType });
        }
        let is_there = |field: FieldId| fields.iter().zip(there).any(|(other, there)| *other == field && there);
        prop_assert_eq!(passes(&written, &event), truth(&filter, &is_there));
    }
}
