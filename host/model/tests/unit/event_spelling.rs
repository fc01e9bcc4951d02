//! Spellings of one value, and values that differ.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn one(json: &str) -> Vec<u8> {
    let mut out = b"before".to_vec();
    write(&mut out, json);
    out.strip_prefix(b"before").unwrap().to_vec()
}

#[test]
fn spellings_of_one_value_are_equal() {
    for (a, b) in [
        (r#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ] ,\r\n\t\"a\" : 1 } "),
        (r#"{"a":{"y":1,"x":2},"":0}"#, r#"{"":0,"a":{"x":2,"y":1}}"#),
        (r#""aé/😀""#, r#""\u0061\u00E9\/\ud83d\ude00""#),
        (r#""\n\t\b\f\r\"\\""#, "\"\\u000a\\u0009\\u0008\\u000c\\u000D\\u0022\\u005c\""),
        ("[1,100,-5,0.5,0]", "[1.0,1e2,-50E-1,5.0e-1,-0.00]"),
        ("[9223372036854775807]", "[9223372036854775807.0]"),
    ] {
        assert_eq!(one(a), one(b), "{a} {b}");
    }
}

#[test]
fn values_that_differ_are_not_equal() {
    let values = [
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "10",
        "0.1",
        "11",
        "1e9",
        "1e99",
        "18446744073709551615",
        "18446744073709551614",
        "\"\"",
        "\"0\"",
        "\"null\"",
        "[[]]",
        "[{}]",
        "[0]",
        "[0,0]",
        "[\"0\",\"\"]",
        "[\"\",\"0\"]",
        r#"{"a":0}"#,
        r#"{"a":null}"#,
        r#"{"A":0}"#,
        r#"{"a":{"b":0}}"#,
        r#"{"a":{},"b":0}"#,
        r#"{"a":0,"a":1}"#,
        r#"{"a":1,"a":0}"#,
        r#""\ud800""#,
        r#""\ud801""#,
        r#""\udc00\ud800""#,
        "[1",
        "[1]]",
        "{\"a\"}",
        "01x",
        "--1",
        "1e",
        "tru",
        "1e99999999999999999999",
        "1e99999999999999999998",
    ];
    for (place, a) in values.iter().enumerate() {
        for b in &values[..place] {
            assert_ne!(one(a), one(b), "{a} {b}");
        }
    }
}

#[test]
fn deep_values_take_no_stack_and_go_by_their_bytes() {
    let deep = |middle: &str| format!("{}{middle}{}", "[".repeat(400_000), "]".repeat(400_000));
    assert_eq!(one(&deep("\"]\\\"\"")), one(&deep("\"]\\\"\"")));
    assert_ne!(one(&deep("1")), one(&deep("2")));
    let nested = |depth: usize, middle: &str| format!("{}{middle}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(one(&nested(MAX_DEPTH - 1, "1.0")), one(&nested(MAX_DEPTH - 1, "1")));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..3).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[\"\\\\a\u{e9}]{0,2}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[ab]{0,1}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Spells a value otherwise: members from the last to the first, white space, escapes, fractions.
fn otherwise(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[ {} ]", values.iter().map(otherwise).collect::<Vec<_>>().join(" ,")),
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .rev()
                .map(|(name, value)| format!("{} :{}", otherwise(&Value::String(name.clone())), otherwise(value)))
                .collect();
            format!("{{{}\n}}", members.join(",\t"))
        }
        Value::String(text) => {
            format!("\"{}\"", text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>())
        }
        Value::Number(number) => format!("{number}0.00e-1"),
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn two_values_are_equal_in_any_spelling_or_in_none(a in values(), b in values()) {
        prop_assert_eq!(one(&a.to_string()), one(&otherwise(&a)));
        prop_assert_eq!(one(&a.to_string()) == one(&otherwise(&b)), a == b);
    }

    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        one(&text);
    }
}
