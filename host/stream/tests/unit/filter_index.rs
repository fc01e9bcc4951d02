//! The index against evaluating each filter, over arbitrary filters and events.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use countersign_declaration::{Bound, Literal, Network, Range, Span, Test, fold_case};
use countersign_model::Value;
use countersign_model::vocabulary::FieldType;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::filter::matches;
use crate::testing::{declaration, event, text, with_field};

/// A field of each type; none of the table is signed.
const FIELDS: [FieldId; 8] = [
    FieldId::ApiOperation,
    FieldId::ResourcesUid,
    FieldId::StatusId,
    FieldId::SrcEndpointIp,
    FieldId::IsMfa,
    FieldId::SrcEndpointLocationLat,
    FieldId::ActorSessionCreatedTime,
    FieldId::Unmapped,
];

const CLASSES: [EventClass; 3] = [EventClass::ApiActivity, EventClass::Authentication, EventClass::UserAccess];

/// Few letters, so that texts are often parts of others; some fold to one another, some to longer ones.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[aAbBéÉsſK\u{212a}Ⱥ1.:]{0,4}", 1 => "[aA]{60,70}"]
}

fn address() -> impl Strategy<Value = String> {
    select(vec!["10.0.0.1", "10.0.0.2", "10.1.0.0", "::ffff:10.0.0.1", "::1", "2001:db8::1", "2001:db8:1::", "1.1.1.1"])
        .prop_map(str::to_owned)
}

fn network() -> impl Strategy<Value = Network> {
    let networks = [
        "10.0.0.0/8",
        "10.0.0.0/16",
        "10.0.0.1/32",
        "0.0.0.0/0",
        "::/0",
        "2001:db8::/32",
        "::1/128",
        "::/96",
        "10.0.0.0/31",
    ];
    select(networks.map(|text| Network::parse(text).unwrap()).to_vec())
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0i64..6, 1 => select(vec![-1, -5, (1 << 53) - 1])]
}

fn float() -> impl Strategy<Value = f64> {
    select(vec![0.0, -0.0, 0.5, -0.5, 1.0, 90.0, -90.0, f64::MAX])
}

fn literal(ty: FieldType, folded: bool) -> BoxedStrategy<Literal> {
    match ty {
        FieldType::Text | FieldType::TextList => {
            word().prop_map(move |text| Literal::Text(if folded { fold_case(&text) } else { text })).boxed()
        }
        FieldType::Address => address()
            .prop_map(|text| {
                let address: std::net::IpAddr = text.parse().unwrap();
                Literal::Text(address.to_canonical().to_string())
            })
            .boxed(),
        FieldType::Unsigned => (0i64..6).prop_map(Literal::Integer).boxed(),
        FieldType::Signed | FieldType::Timestamp => number().prop_map(Literal::Integer).boxed(),
        FieldType::Float => float().prop_map(|number| Literal::Float(number + 0.0)).boxed(),
        FieldType::Boolean | FieldType::Json => any::<bool>().prop_map(Literal::Boolean).boxed(),
    }
}

fn range(ty: FieldType) -> impl Strategy<Value = Test> {
    let bound = (literal(ty, false), any::<bool>()).prop_map(|(value, included)| Bound { value, included });
    let bounds = (proptest::option::of(bound.clone()), proptest::option::of(bound));
    bounds.prop_filter_map("a range that isn't empty", |(lower, upper)| {
        let range = Range { lower, upper };
        let (Span::Integers(min, max) | Span::Floats(min, max)) = range.span();
        ((range.lower.is_some() || range.upper.is_some()) && min <= max).then_some(Test::Range(range))
    })
}

fn test() -> impl Strategy<Value = Filter> {
    (select(FIELDS.to_vec()), any::<bool>()).prop_flat_map(|(field, wanted)| {
        let ty = field.field().ty;
        let ignore_case = wanted && matches!(ty, FieldType::Text | FieldType::TextList);
        let cased = move |text: String| if ignore_case { fold_case(&text) } else { text };
        let exists = any::<bool>().prop_map(Test::Exists).boxed();
        let literal = literal(ty, ignore_case);
        let equal = prop_oneof![
            literal.clone().prop_map(Test::Eq),
            proptest::collection::vec(literal, 1..5).prop_map(Test::In),
        ]
        .boxed();
        let part = prop_oneof![
            word().prop_map(cased).prop_map(Test::Prefix),
            word().prop_map(cased).prop_map(Test::Suffix),
            word().prop_map(cased).prop_map(Test::Contains),
        ]
        .boxed();
        let cidr = proptest::collection::vec(network(), 1..4).prop_map(Test::Cidr).boxed();
        let tests = match ty {
            FieldType::Json => vec![exists],
            FieldType::Boolean => vec![exists, equal],
            FieldType::Text | FieldType::TextList => vec![equal, part],
            FieldType::Address => vec![exists, equal, part, cidr],
            FieldType::Unsigned | FieldType::Signed | FieldType::Float | FieldType::Timestamp => {
                vec![exists, equal, range(ty).boxed()]
            }
        };
        proptest::strategy::Union::new(tests).prop_map(move |test| {
            let ignore_case = ignore_case && !matches!(test, Test::Exists(_));
            Filter::Test { field, test, ignore_case }
        })
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let joined = test().prop_recursive(4, 16, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            3 => several.clone().prop_map(Filter::And),
            3 => several.prop_map(Filter::Or),
            1 => inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    });
    prop_oneof![1 => Just(Filter::Always), 12 => joined]
}

fn rule() -> impl Strategy<Value = Declaration> {
    (filter(), proptest::sample::subsequence(CLASSES.to_vec(), 1..=3)).prop_map(|(filter, classes)| {
        let mut declared = declaration("", "");
        declared.filter = filter;
        declared.event_classes = classes;
        declared
    })
}

/// A value of a type.
fn value(ty: FieldType) -> BoxedStrategy<Value> {
    match ty {
        FieldType::Text => word().prop_map(|word| text(&word)).boxed(),
        FieldType::TextList => proptest::collection::vec(word(), 0..4)
            .prop_map(|words| Value::TextList(words.into_iter().map(Arc::from).collect()))
            .boxed(),
        FieldType::Unsigned => prop_oneof![9 => 0u64..6, 1 => Just(u64::MAX)].prop_map(Value::Unsigned).boxed(),
        FieldType::Signed => number().prop_map(Value::Signed).boxed(),
        FieldType::Timestamp => number().prop_map(Value::Timestamp).boxed(),
        FieldType::Float => {
            prop_oneof![9 => float(), 1 => select(vec![f64::NAN, f64::INFINITY])].prop_map(Value::Float).boxed()
        }
        FieldType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        FieldType::Address => address().prop_map(|text| Value::Address(text.parse().unwrap())).boxed(),
        FieldType::Json => word().prop_map(|word| Value::Json(Arc::from(word))).boxed(),
    }
}

/// An event with values of its fields' types or, as from a faulty source, of other types.
fn any_event() -> impl Strategy<Value = Event> {
    let types = [
        FieldType::Text,
        FieldType::TextList,
        FieldType::Unsigned,
        FieldType::Signed,
        FieldType::Timestamp,
        FieldType::Float,
        FieldType::Boolean,
        FieldType::Address,
        FieldType::Json,
    ];
    let any_type = select(types.to_vec()).prop_flat_map(value);
    let values = FIELDS.map(move |field| {
        prop_oneof![
            2 => Just(None),
            1 => Just(Some(Value::WrongType)),
            1 => any_type.clone().prop_map(Some),
            8 => value(field.field().ty).prop_map(Some),
        ]
    });
    (values, select(CLASSES.to_vec())).prop_map(|(values, class)| {
        let mut event = event(0);
        event.class = class;
        for (field, value) in FIELDS.into_iter().zip(values) {
            if let Some(value) = value {
                event.fields.set(field, value);
            }
        }
        event
    })
}

fn wanting(index: &FilterIndex, event: &Event, scratch: &mut Scratch) -> Vec<usize> {
    let mut wanting = Vec::new();
    index.for_each_wanting(event, scratch, |rule| wanting.push(rule));
    wanting.sort_unstable();
    wanting
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_the_rules_whose_filters_pass(
        rules in proptest::collection::vec(rule(), 0..12),
        events in proptest::collection::vec(any_event(), 1..8),
    ) {
        let index = FilterIndex::new(&rules);
        let mut scratch = Scratch::default();
        for event in &events {
            let one_by_one: Vec<usize> =
                (0..rules.len()).filter(|rule| matches(&rules[*rule], event)).collect();
            prop_assert_eq!(wanting(&index, event, &mut scratch), one_by_one, "{:?}", event.fields);
        }
        prop_assert_eq!(scratch.tally.events, events.len() as u64);
        prop_assert!(scratch.tally.asked <= scratch.tally.candidates);
    }
}

/// How many of rules with these filters are candidates for an event with one value, and how many are evaluated.
fn candidates(filters: &[&str], path: &str, value: Value) -> (u64, u64) {
    let rules: Vec<Declaration> = filters.iter().map(|filter| declaration(&format!("where = {filter}"), "")).collect();
    let mut scratch = Scratch::default();
    let mut event = with_field(path, value);
    event.fields.set(FieldId::CloudProvider, text("aws"));
    let index = FilterIndex::new(&rules);
    let wanting = wanting(&index, &event, &mut scratch);
    let one_by_one: Vec<usize> = (0..rules.len()).filter(|rule| matches(&rules[*rule], &event)).collect();
    assert_eq!(wanting, one_by_one);
    (scratch.tally.candidates, scratch.tally.asked)
}

#[test]
fn a_key_that_many_rules_share_is_not_chosen() {
    let one = |operation: &str| {
        let cloud = "{ field = \"cloud.provider\", eq = \"aws\" }";
        format!("{{ and = [{cloud}, {{ field = \"api.operation\", eq = \"{operation}\" }}] }}")
    };
    let filters: Vec<String> = (0..50).map(|number| one(&format!("Operation{number}"))).collect();
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    assert_eq!(candidates(&filters, "api.operation", text("Operation7")), (1, 1));
}

#[test]
fn what_the_lookup_decides_is_not_evaluated() {
    let filters = [
        "{ field = \"src_endpoint.ip\", cidr = [\"10.0.0.0/8\", \"2001:db8::/32\"] }",
        "{ or = [{ field = \"src_endpoint.ip\", eq = \"10.0.0.1\" }, { field = \"status_id\", eq = 2 }] }",
        "{ field = \"src_endpoint.ip\", cidr = \"192.0.2.0/24\" }",
        "{ not = { field = \"src_endpoint.ip\", exists = false } }",
        "{ not = { or = [{ field = \"src_endpoint.ip\", exists = false }, { field = \"status_id\", eq = 1 }] } }",
        "{ not = { field = \"src_endpoint.ip\", eq = \"10.0.0.2\" } }",
    ];
    let address = Value::Address("10.0.0.1".parse().unwrap());
    // Evaluated are the last two: one that the lookup narrows down, and one that it can't.
    assert_eq!(candidates(&filters, "src_endpoint.ip", address), (5, 2));
}
