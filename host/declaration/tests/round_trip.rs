//! Every declaration survives the section, byte for byte.

use countersign_declaration::{parse_section, parse_toml, to_section};
use countersign_model::vocabulary::{
    Action, ActionClass, ContextTable, EventClass, FIELDS, FieldType, IdentityType, Keying, PartitionKey, SignalClass,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Text as TOML and JSON both write it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn words(all: Vec<&'static str>, min: usize) -> impl Strategy<Value = String> {
    let max = all.len();
    subsequence(all, min..=max).prop_shuffle().prop_map(|words| list(words.into_iter().map(quoted)))
}

fn duration() -> impl Strategy<Value = String> {
    (1u32..30_000, select(vec!["s", "m"])).prop_map(|(count, unit)| format!("\"{count}{unit}\""))
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z\"\\\\ \u{c9}\u{e9}\u{1f512}\t]{1,20}x".prop_map(|text| quoted(&text))
}

fn literal(ty: FieldType) -> BoxedStrategy<String> {
    match ty {
        FieldType::Text | FieldType::TextList => text().boxed(),
        FieldType::Address => prop_oneof![
            any::<std::net::Ipv4Addr>().prop_map(|ip| format!("\"{ip}\"")),
            any::<std::net::Ipv6Addr>().prop_map(|ip| format!("\"{ip}\""))
        ]
        .boxed(),
        FieldType::Unsigned => (0i64..1 << 53).prop_map(|number| number.to_string()).boxed(),
        FieldType::Signed | FieldType::Timestamp => (-(1i64 << 53) + 1..1 << 53).prop_map(|n| n.to_string()).boxed(),
        FieldType::Float => any::<f32>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{:?}", f64::from(number)))
            .boxed(),
        FieldType::Boolean | FieldType::Json => any::<bool>().prop_map(|value| value.to_string()).boxed(),
    }
}

/// A range with one end or two, which are in order.
fn range(ty: FieldType) -> impl Strategy<Value = String> {
    (literal(ty), literal(ty), 0..4usize, 0..4usize).prop_map(|(one, other, lower, upper)| {
        let number = |text: &str| text.parse::<f64>().unwrap_or_default();
        let (low, high) = if number(&one) <= number(&other) { (one, other) } else { (other, one) };
        // Between two ends that are left out may be nothing.
        let upper = if lower == 1 && upper < 2 || upper == 1 && low == high { 0 } else { upper };
        let lower = if upper == 0 && low == high { 0 } else { lower };
        let low = ["at-least", "above"].get(lower).map(|key| format!("{key} = {low}"));
        let high = ["at-most", "below"].get(upper).map(|key| format!("{key} = {high}"));
        let ends: Vec<String> = low.into_iter().chain(high).collect();
        if ends.is_empty() { "{ at-least = 0 }".to_owned() } else { format!("{{ {} }}", ends.join(", ")) }
    })
}

fn network() -> impl Strategy<Value = String> {
    prop_oneof![
        (any::<u32>(), 0u32..=32).prop_map(|(bits, prefix)| {
            let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
            format!("\"{}/{prefix}\"", std::net::Ipv4Addr::from(bits & !host))
        }),
        (any::<u128>(), 0u32..=128).prop_map(|(bits, prefix)| {
            let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
            format!("\"{}/{prefix}\"", std::net::Ipv6Addr::from(bits & !host))
        }),
        (any::<u8>(), 97u32..=104).prop_map(|(byte, prefix)| {
            let host = u8::MAX.checked_shr(prefix - 96).unwrap_or(0);
            format!("\"::ffff:{}.0.0.0/{prefix}\"", byte & !host)
        }),
    ]
}

fn test() -> impl Strategy<Value = String> {
    let fields: Vec<_> = FIELDS.iter().filter(|field| !field.path.starts_with("finding.")).collect();
    (select(fields), any::<bool>()).prop_flat_map(|(field, ignore_case)| {
        let kinds = match field.ty {
            FieldType::Json => vec!["exists"],
            FieldType::Text | FieldType::TextList => vec!["eq", "prefix", "suffix", "contains", "exists"],
            FieldType::Address => vec!["eq", "prefix", "suffix", "contains", "cidr", "exists"],
            FieldType::Boolean => vec!["eq", "exists"],
            _ => vec!["eq", "range", "exists"],
        };
        select(kinds).prop_flat_map(move |kind| {
            let value = match kind {
                "exists" => literal(FieldType::Boolean),
                "eq" => literal(field.ty),
                "range" => range(field.ty).boxed(),
                "cidr" => {
                    prop_oneof![network(), proptest::collection::btree_set(network(), 1..4).prop_map(list),].boxed()
                }
                _ => literal(FieldType::Text),
            };
            let ignorable = matches!(field.ty, FieldType::Text | FieldType::TextList) && kind != "exists";
            let case = if ignorable && ignore_case { ", ignore-case = true" } else { "" };
            value.prop_map(move |value| format!("{{ field = \"{}\", {kind} = {value}{case} }}", field.path))
        })
    })
}

fn filter() -> impl Strategy<Value = String> {
    test().prop_recursive(4, 24, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(|filters| format!("{{ and = {} }}", list(filters))),
            several.prop_map(|filters| format!("{{ or = {} }}", list(filters))),
            inner.prop_map(|filter| format!("{{ not = {filter} }}")),
        ]
    })
}

fn parameter() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<bool>().prop_map(|value| format!("type = \"boolean\"\ndefault = {value}\n")),
        (-1_000i64..0, 0i64..1_000, 0i64..1_000).prop_map(|(min, default, more)| {
            format!("type = \"integer\"\nmin = {min}\nmax = {}\ndefault = {default}\n", default + more)
        }),
        (-1e300f64..0.0, 0.0f64..1e30).prop_map(|(min, default)| {
            format!("type = \"decimal\"\nmin = {min:?}\nmax = {:?}\ndefault = {default:?}\n", default * 2.0)
        }),
        text().prop_map(|text| format!("type = \"text\"\ndefault = {text}\n")),
        proptest::collection::vec(text(), 0..5)
            .prop_map(|items| format!("type = \"text-list\"\nmax-items = 5\ndefault = {}\n", list(items))),
        (0u32..50, 50u32..90).prop_map(|(min, max)| format!(
            "type = \"duration\"\nmin = \"{min}m\"\nmax = \"{max}m\"\ndefault = \"50m\"\n"
        )),
    ]
}

fn head(kind: &'static str) -> impl Strategy<Value = String> {
    let actions = Action::ALL.iter().filter(|action| action.class() != ActionClass::Remediate);
    (
        0u8..=100,
        text(),
        words(IdentityType::ALL.iter().map(|one| one.id()).collect(), 1),
        words(actions.map(|one| one.id()).collect(), 1),
        words(SignalClass::ALL.iter().map(|one| one.id()).collect(), 1),
        proptest::option::of(1u64..1 << 53),
    )
        .prop_map(move |(floor, description, types, actions, classes, fuel)| {
            let limits =
                fuel.map_or(String::new(), |fuel| format!("limits = {{ memory = \"8MiB\", fuel = {fuel} }}\n"));
            format!(
                "id = \"example/rule\"\nversion = \"1.2.3\"\nkind = \"{kind}\"\ndescription = {description}\n\
                 confidence-floor = {floor}\nidentity-types = {types}\nactions = {actions}\n\
                 signal-classes = {classes}\n{limits}"
            )
        })
}

fn parameters() -> impl Strategy<Value = String> {
    proptest::collection::vec(parameter(), 0..4).prop_map(|parameters| {
        let table = |(index, text): (usize, String)| {
            format!("[[parameter]]\nname = \"p-{index}\"\nmeaning = \"what it does\"\n{text}")
        };
        parameters.into_iter().enumerate().map(table).collect()
    })
}

fn detection() -> impl Strategy<Value = String> {
    let fields = FIELDS.iter().map(|field| field.path).collect();
    let keys: Vec<&str> = PartitionKey::ALL.iter().map(|key| key.id()).filter(|key| *key != "none").collect();
    let slots = proptest::collection::vec((1u32..100, duration(), any::<bool>()), 0..3).prop_map(|slots| {
        let table = |(index, (number, ttl, refuse)): (usize, (u32, String, bool))| {
            let when_full = if refuse { "when-full = \"refuse\"\n" } else { "kept-references = 3\n" };
            format!(
                "[[slot]]\nname = \"s-{index}\"\nversion = {number}\nmax-bytes = {number}\nmax-keys = {number}\n\
                 ttl = {ttl}\n{when_full}"
            )
        };
        slots.into_iter().enumerate().map(table).collect::<String>()
    });
    let context = subsequence(ContextTable::ALL.to_vec(), 0..4).prop_flat_map(|tables| {
        let tables: Vec<_> = tables
            .into_iter()
            .map(|table| {
                let columns = words(table.columns.iter().map(|column| column.name).collect(), 1);
                // By key not every table goes with every partition key: another test covers which.
                let by = table.keyings.iter().find(|keying| **keying != Keying::Key).unwrap_or(&Keying::Key);
                (columns, duration()).prop_map(move |(columns, age)| {
                    let name = table.name;
                    format!("[[context]]\ntable = \"{name}\"\nby = \"{by}\"\ncolumns = {columns}\nmax-age = {age}\n")
                })
            })
            .collect();
        tables.prop_map(|tables| tables.concat())
    });
    (
        head("detection"),
        words(EventClass::ALL.iter().map(|one| one.id()).collect(), 0),
        words(fields, 0),
        proptest::option::of(filter()),
        select(keys),
        (slots, context, parameters()),
        proptest::option::of(duration()),
    )
        .prop_map(|(head, classes, fields, filter, key, (slots, context, parameters), longest)| {
            let filter = filter.map_or(String::new(), |filter| format!("where = {filter}\n"));
            let timers = longest.map_or(String::new(), |longest| {
                format!("[timers]\nids = [\"one\", \"two\"]\nmost-per-key = 2\nlongest = {longest}\n")
            });
            format!(
                "{head}event-classes = {classes}\nfields = {fields}\n{filter}partition-key = \"{key}\"\n\
                 subscribes = [{{ rule = \"example/other\", classes = [\"token\"] }}]\n{timers}{slots}{context}{parameters}"
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_declaration_survives_its_section(
        text in prop_oneof![3 => detection(), 1 => (head("response"), parameters()).prop_map(|(a, b)| a + &b)],
    ) {
        let declared = parse_toml(&text).map_err(|refusals| TestCaseError::fail(format!("{text}\n{refusals:#?}")))?;
        let section = to_section(&declared);
        let read = parse_section(&section).map_err(|refusals| TestCaseError::fail(format!("{text}\n{refusals:#?}")))?;
        prop_assert_eq!(&read, &declared);
        prop_assert_eq!(to_section(&read), section);
    }

    #[test]
    fn cut_and_altered_sections_never_panic(at in 0.0f64..1.0, byte in any::<u8>(), cut in any::<bool>()) {
        let declared = parse_toml(include_str!("detection.toml")).map_err(|_| TestCaseError::fail("the example"))?;
        let mut section = to_section(&declared);
        let at = (section.len() as f64 * at) as usize;
        if cut {
            section.truncate(at);
            prop_assert!(parse_section(&section).is_err());
        } else if let Some(place) = section.get_mut(at) {
            *place = byte;
            if let Ok(read) = parse_section(&section) {
                prop_assert_eq!(to_section(&read), section);
            }
        }
    }
}
