//! `rule.toml` as authors write it: what is read, and what every fault is told as.

use std::collections::BTreeMap;

use countersign_declaration::{
    Ceilings, Declaration, RefusalCode, check_ceilings, parameters_digest, parse_section, parse_toml,
    resolve_parameters, to_section,
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

const DETECTION: &str = include_str!("detection.toml");
const RESPONSE: &str = include_str!("response.toml");

fn declaration(text: &str) -> Declaration {
    parse_toml(text).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// The reasons of a `rule.toml`, a line each.
fn check(text: &str, expected: Expect) {
    let lines = match parse_toml(text) {
        Ok(_) => "accepted\n".to_owned(),
        Err(refusals) => refusals.iter().map(|refusal| format!("{refusal}\n")).collect(),
    };
    expected.assert_eq(&lines);
}

/// The detection with one text replaced by another.
fn altered(from: &str, to: &str) -> String {
    assert!(DETECTION.contains(from), "{from}");
    DETECTION.replacen(from, to, 1)
}

#[test]
fn the_section_says_all_that_rule_toml_says_with_defaults_written_out() {
    for text in [DETECTION, RESPONSE] {
        let declared = declaration(text);
        let section = to_section(&declared);
        assert_eq!(parse_section(&section).unwrap_or_else(|refusals| panic!("{refusals:#?}")), declared);
        assert_eq!(to_section(&declared), section);
    }
    let section = String::from_utf8(to_section(&declaration(RESPONSE))).unwrap();
    expect![[r#"{"actions":["notify","revoke-sessions"],"confidence-floor":50,"description":"Answers.","false-positives":[],"format":1,"id":"example/answer","identity-types":["human"],"kind":"response","limits":{"fuel":5000000,"memory":16777216,"output":1048576},"parameter":[],"references":[],"signal-classes":["sign-in"],"techniques":[],"version":"0.1.0"}"#]]
        .assert_eq(&section);
}

#[test]
fn all_faults_are_told_at_once() {
    check(
        r#"
        id = "Example"
        version = "one"
        kind = "detection"
        descripton = "a typing error"
        identity-types = ["humans"]
        confidence-floor = 101
        actions = ["revoke-session", "disable-account", "notify", "notify"]
        signal-classes = []
        event-classes = ["authentification"]
        fields = ["actor_user_uid", 5]
        slot = [{ name = "seen", version = 0, max-bytes = 8, max-keys = 10, ttl = "never", when-full = "evict" }]
        "#,
        expect![[]],
    );
}

#[test]
fn each_kind_of_rule_has_its_own_keys() {
    check(&format!("fields = [\"user.uid\"]\n{RESPONSE}"), expect![[]]);
    check(&DETECTION.replace("\"detection\"", "\"posture\""), expect![[]]);
    check("kind = \"detection\"", expect![[]]);
    check("kind = \"response\"", expect![[]]);
}

#[test]
fn what_can_not_go_together_is_told() {
    check(&altered("partition-key = \"actor\"", "partition-key = \"none\""), expect![[]]);
    check(&altered("rule = \"example/other\"", "rule = \"example/detect\""), expect![[]]);
    check(&altered("subscribes = [", "subscribes = [] # ["), expect![[]]);
}

#[test]
fn filters_are_checked_against_the_types_of_their_fields() {
    let filter = |text: &str| {
        let start = DETECTION.find("where = ").unwrap();
        let end = start + DETECTION[start..].find('\n').unwrap();
        format!("{}where = {text}{}", &DETECTION[..start], &DETECTION[end..])
    };
    for (text, expected) in [
        (r#"{ field = "class_uid", eq = "3002" }"#, expect![[]]),
        (r#"{ field = "class_uid", prefix = "30" }"#, expect![[]]),
        (r#"{ field = "class_uid", in = [3001, -1, 3001] }"#, expect![[]]),
        (r#"{ field = "unmapped", contains = "x" }"#, expect![[]]),
        (r#"{ field = "unmapped", exists = true }"#, expect![[]]),
        (r#"{ field = "src_endpoint.ip", in = ["::ffff:10.0.0.1", "10.0.0.256"] }"#, expect![[]]),
        (r#"{ field = "user.uid" }"#, expect![[]]),
        (r#"{ field = "user.uid", eq = "a", prefix = "b" }"#, expect![[]]),
        (r#"{ field = "user.uid", equals = "a" }"#, expect![[]]),
        (r#"{ and = [], or = [] }"#, expect![[]]),
        (r#"{ and = [] }"#, expect![[]]),
        (r#"{ not = { or = [{ field = "is_mfa", eq = 1 }, { field = "no.such", eq = 1 }] } }"#, expect![[]]),
    ] {
        check(&filter(text), expected);
    }
    let deep = format!("{}{{ field = \"user.uid\", exists = true }}{}", "{ not = ".repeat(16), " }".repeat(16));
    check(&filter(&deep), expect![[]]);
    let wide = format!("{{ or = [{}] }}", "{ field = \"user.uid\", exists = true }, ".repeat(256));
    check(&filter(&wide), expect![[]]);
}

#[test]
fn parameters_have_a_type_a_range_and_a_default_within_it() {
    let with = |text: &str| format!("{DETECTION}\n[[parameter]]\nmeaning = \"m\"\n{text}");
    for (text, expected) in [
        ("name = \"p\"\ntype = \"number\"\ndefault = 1", expect![[]]),
        ("name = \"p\"\ntype = \"integer\"\ndefault = 11\nmin = 1\nmax = 10", expect![[]]),
        ("name = \"p\"\ntype = \"integer\"\ndefault = 1\nmin = 10\nmax = 1", expect![[]]),
        ("name = \"p\"\ntype = \"integer\"\ndefault = 1.5\nmin = 1\nmax = 2\nmax-bytes = 1", expect![[]]),
        ("name = \"p\"\ntype = \"decimal\"\ndefault = nan\nmin = 0\nmax = 1", expect![[]]),
        ("name = \"p\"\ntype = \"text\"\ndefault = \"abc\"\nmax-bytes = 2", expect![[]]),
        ("name = \"p\"\ntype = \"text-list\"\ndefault = [\"a\", 1]\nmax-items = 1", expect![[]]),
        ("name = \"p\"\ntype = \"duration\"\ndefault = \"2h\"\nmin = \"1m\"\nmax = \"1h\"", expect![[]]),
        ("name = \"most\"\ntype = \"boolean\"\ndefault = true", expect![[]]),
        ("name = \"P\"\ntype = \"boolean\"", expect![[]]),
    ] {
        check(&with(text), expected);
    }
}

#[test]
fn text_that_is_not_toml_is_told_with_its_line() {
    check("id = \"a/b\"\nkind = ", expect![[]]);
    check("id = \"a/b\"\nid = \"a/b\"", expect![[]]);
    check(&"x".repeat(300_000), expect![[]]);
    check(&format!("x = {}", "[".repeat(10_000)), expect![[]]);
}

#[test]
fn a_flood_of_faults_gives_a_bounded_number_of_reasons() {
    let flood: String = (0..12_000).map(|index| format!("key-{index} = 1\n")).collect();
    assert_eq!(parse_toml(&flood).unwrap_err().len(), 500);
}

#[test]
fn the_section_is_refused_in_every_other_form() {
    let section = String::from_utf8(to_section(&declaration(DETECTION))).unwrap();
    let check = |bytes: &[u8], expected: Expect| {
        let lines: String = match parse_section(bytes) {
            Ok(_) => "accepted\n".to_owned(),
            Err(refusals) => refusals.iter().map(|refusal| format!("{refusal}\n")).collect(),
        };
        expected.assert_eq(&lines);
    };
    check(format!("{section}\n").as_bytes(), expect![[]]);
    check(format!(" {section}").as_bytes(), expect![[]]);
    check(section.replacen("\"format\":1", "\"format\":2", 1).as_bytes(), expect![[]]);
    check(section.replacen("\"format\":1", "\"format\":1,\"format\":1", 1).as_bytes(), expect![[]]);
    check(section.replacen("\"references\":[],", "", 1).as_bytes(), expect![[]]);
    check(section.replacen("\"1h\"", "\"60m\"", 1).as_bytes(), expect![[]]);
    check(section.replacen("\"10.0.0.1\"", "\"::ffff:10.0.0.1\"", 1).as_bytes(), expect![[]]);
    check(section.replacen("\"memory\":8388608", "\"memory\":\"8MiB\"", 1).as_bytes(), expect![[]]);
    check(&section.as_bytes()[..section.len() - 1], expect![[]]);
    check(b"\xff", expect![[]]);
    check(b"", expect![[]]);
    check(b"[]", expect![[]]);
    check("[".repeat(100_000).as_bytes(), expect![[]]);
}

#[test]
fn the_operator_sets_parameters_within_their_ranges() {
    let declared = declaration(DETECTION);
    let resolved = |overrides: &[(&str, Value)]| {
        let overrides: BTreeMap<_, _> =
            overrides.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        resolve_parameters(&declared, &overrides)
    };
    let names = || declared.parameters.iter().map(|one| one.name.as_str());
    let defaults = resolved(&[]).unwrap();
    let set = resolved(&[("window", json!("20m")), ("most", json!(7))]).unwrap();
    assert_eq!(defaults.len(), declared.parameters.len());
    expect![[]].assert_eq(&format!("{set:?}"));
    assert_ne!(parameters_digest(names().zip(&defaults)), parameters_digest(names().zip(&set)));
    assert_eq!(parameters_digest(names().zip(&defaults)), parameters_digest(names().zip(&resolved(&[]).unwrap())));
    let refusals = resolved(&[("windw", json!("20m")), ("most", json!(0)), ("exempt", json!("a"))]).unwrap_err();
    expect![[]].assert_eq(&refusals.iter().map(|refusal| format!("{refusal}\n")).collect::<String>());
}

#[test]
fn limits_above_the_operators_are_told_one_by_one() {
    let declared = declaration(DETECTION);
    assert_eq!(check_ceilings(&declared, &Ceilings::default()), []);
    let low = Ceilings { memory: 1, fuel: 1, output: 1, state: 1, ..Ceilings::default() };
    let refusals = check_ceilings(&declared, &low);
    assert!(refusals.iter().all(|refusal| refusal.code == RefusalCode::LimitAboveOperator));
    expect![[]].assert_eq(&refusals.iter().map(|refusal| format!("{refusal}\n")).collect::<String>());
}
