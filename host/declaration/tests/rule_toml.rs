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

#[expect(clippy::panic, reason = "a helper of tests")]
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
        expect![[r#"
            unknown-key  line 5, descripton: expected a known key, got `descripton` (did you mean `description`?)
            invalid-value  line 2, id: expected `publisher/name`, each part 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter, got `Example`
            invalid-value  line 3, version: expected a semantic version such as `1.0.0`, got `one`
            missing-key  line 1, description: expected a value, got none
            unknown-identity-type  line 6, identity-types[0]: expected an identity type, got `humans` (did you mean `human`?)
            floor-out-of-range  line 7, confidence-floor: expected 0 to 100, got 101
            unknown-action  line 8, actions[0]: expected an action of the catalogue, got `revoke-session` (did you mean `revoke-sessions`?)
            remediate-action  line 8, actions[1]: expected an action of class observe, challenge or contain, got `disable-account`, which is a step of a case and never a rule's
            duplicate-value  line 8, actions[3]: expected a value other than that of actions[2], got the text `notify`
            out-of-range  line 9, signal-classes: expected a list of 1 to 7, got a list of 0
            unknown-event-class  line 10, event-classes[0]: expected an event class, got `authentification` (did you mean `authentication`?)
            unknown-field  line 11, fields[0]: expected a field of the table of fields, got `actor_user_uid` (did you mean `actor.user.uid`?)
            wrong-type  line 11, fields[1]: expected text, got the number 5
            out-of-range  line 12, slot[0].version: expected 1 to 4294967295, got 0
            invalid-value  line 12, slot[0].ttl: expected a duration such as `10m`, `24h` or `7d`, at most 400d, got `never`
            unknown-word  line 12, slot[0].when-full: expected a word for what happens when full, got `evict` (did you mean `evict-oldest`?)
            inconsistent  line 12, slot: expected a partition key beside state slots, got partition key `none`
        "#]],
    );
}

#[test]
fn each_kind_of_rule_has_its_own_keys() {
    check(
        &format!("fields = [\"user.uid\"]\n{RESPONSE}"),
        expect![[r#"
            not-for-kind  line 1, fields: expected only what a response rule can have, got `fields`, which only a detection has
        "#]],
    );
    check(
        &DETECTION.replace("\"detection\"", "\"posture\""),
        expect![[r#"
            unknown-word  line 4, kind: expected a kind of rule: `detection`, `response`, got `posture`
        "#]],
    );
    check(
        "kind = \"detection\"",
        expect![[r#"
            missing-key  line 1, id: expected a value, got none
            missing-key  line 1, version: expected a value, got none
            missing-key  line 1, description: expected a value, got none
            missing-key  line 1, identity-types: expected a value, got none
            missing-key  line 1, confidence-floor: expected a value, got none
            missing-key  line 1, actions: expected a value, got none
            missing-key  line 1, signal-classes: expected a value, got none
            missing-key  line 1, event-classes: expected a value, got none
        "#]],
    );
    check(
        "kind = \"response\"",
        expect![[r#"
            missing-key  line 1, id: expected a value, got none
            missing-key  line 1, version: expected a value, got none
            missing-key  line 1, description: expected a value, got none
            missing-key  line 1, identity-types: expected a value, got none
            missing-key  line 1, confidence-floor: expected a value, got none
            missing-key  line 1, actions: expected a value, got none
            missing-key  line 1, signal-classes: expected a value, got none
        "#]],
    );
}

#[test]
fn what_can_not_go_together_is_told() {
    check(
        &altered("partition-key = \"actor\"", "partition-key = \"none\""),
        expect![[r#"
            inconsistent  line 19, slot: expected a partition key beside state slots, got partition key `none`
            inconsistent  line 28, timers: expected a partition key beside timers, got partition key `none`
            inconsistent  line 35, context[0].by: expected a partition key beside context by key, got partition key `none`
        "#]],
    );
    check(
        &altered("partition-key = \"actor\"", "partition-key = \"source-ip\""),
        expect![[r#"
            inconsistent  line 35, context[0].by: expected a partition key that `identity-facts` has rows for: `actor`, `target`, got partition key `source-ip`
        "#]],
    );
    check(
        &altered("by = \"key\"", "by = \"batch\""),
        expect![[r#"
            inconsistent  line 35, context[0].by: expected what rows of `identity-facts` can belong to: `row`, `key`, got `batch`
        "#]],
    );
    check(
        &altered("rule = \"example/other\"", "rule = \"example/detect\""),
        expect![[r#"
            inconsistent  line 17, subscribes[0].rule: expected another rule's id, got the rule's own
        "#]],
    );
    check(
        &altered("subscribes = [", "subscribes = [] # ["),
        expect![[r#"
            inconsistent  line 14, fields[3]: expected `subscribes` beside a field that only rows of findings have, got no subscription
        "#]],
    );
}

/// The detection with another `where`.
#[expect(clippy::unwrap_used, reason = "a helper of tests, which clippy takes for other code")]
fn filtered(text: &str) -> String {
    let start = DETECTION.find("where = ").unwrap();
    let end = start + DETECTION[start..].find('\n').unwrap();
    format!("{}where = {text}{}", &DETECTION[..start], &DETECTION[end..])
}

#[test]
fn ranges_networks_and_text_without_case_are_checked() {
    for (text, expected) in [
        (
            r#"{ field = "logon_type_id", range = { at-least = 2, at-most = 2 } }"#,
            expect![[r#"
                accepted
            "#]],
        ),
        (
            r#"{ field = "logon_type_id", range = [2, 10] }"#,
            expect![[r#"
                wrong-type  line 15, where.range: expected a table of ends such as `{ at-least = 2, below = 10 }`, got a list
            "#]],
        ),
        (
            r#"{ field = "logon_type_id", range = {} }"#,
            expect![[r#"
                missing-key  line 15, where.range: expected an end: `at-least` or `above`, `at-most` or `below`, got none
            "#]],
        ),
        (
            r#"{ field = "logon_type_id", range = { at-least = 2, above = 3, at-mots = 4 } }"#,
            expect![[r#"
                unknown-key  line 15, where.range.at-mots: expected a known key, got `at-mots` (did you mean `at-most`?)
                inconsistent  line 15, where.range.above: expected `at-least` or `above`, not both, got both
            "#]],
        ),
        (
            r#"{ field = "logon_type_id", range = { above = 2, below = 3 } }"#,
            expect![[r#"
                inconsistent  line 15, where.range: expected a lower end below the upper one, so that some value lies between, got ends with nothing between
            "#]],
        ),
        (
            r#"{ field = "logon_type_id", range = { at-least = 3, at-most = 2 } }"#,
            expect![[r#"
                inconsistent  line 15, where.range: expected a lower end below the upper one, so that some value lies between, got ends with nothing between
            "#]],
        ),
        (
            r#"{ field = "logon_type_id", range = { at-least = -1, below = 2.5 } }"#,
            expect![[r#"
                out-of-range  line 15, where.range.at-least: expected 0 to 9007199254740991, got -1
                wrong-type  line 15, where.range.below: expected a whole number, 0 to 9007199254740991, got the number 2.5
            "#]],
        ),
        (
            r#"{ field = "src_endpoint.location.lat", range = { above = nan, at-most = inf } }"#,
            expect![[r#"
                wrong-type  line 15, where.range.above: expected a finite number, got `nan`
                wrong-type  line 15, where.range.at-most: expected a finite number, got `inf`
            "#]],
        ),
        (
            r#"{ field = "src_endpoint.location.lat", range = { above = 1.0, below = 1.0 } }"#,
            expect![[r#"
                inconsistent  line 15, where.range: expected a lower end below the upper one, so that some value lies between, got ends with nothing between
            "#]],
        ),
        (
            r#"{ field = "actor.session.created_time", range = { at-least = 2024-01-01T00:00:00Z } }"#,
            expect![[r#"
                wrong-type  line 15, where.range.at-least: expected a whole number, got the date `2024-01-01T00:00:00Z`
            "#]],
        ),
        (
            r#"{ field = "api.operation", range = { at-least = 2 } }"#,
            expect![[r#"
                inconsistent  line 15, where.range: expected `eq`, `in`, `prefix`, `suffix`, `contains` or `exists` on a field of type text, got `range`
            "#]],
        ),
        (
            r#"{ field = "src_endpoint.ip", cidr = ["10.0.0.0/8", "10.1.2.3/16", "10.0.0.1", "::/129", "fe80::/010", "::ffff:10.0.0.0/104", 8] }"#,
            expect![[r#"
                invalid-value  line 15, where.cidr[1]: expected `10.1.0.0/16`, the network without bits past its prefix, got `10.1.2.3/16`
                invalid-value  line 15, where.cidr[2]: expected a network, such as `10.0.0.1/32` of this address alone, got `10.0.0.1`
                out-of-range  line 15, where.cidr[3]: expected a prefix of 0 to 128 bits, got `::/129`
                invalid-value  line 15, where.cidr[4]: expected a network such as `10.0.0.0/8` or `2001:db8::/32`, got `fe80::/010`
                duplicate-value  line 15, where.cidr[5]: expected a value other than that of where.cidr[0], got the text `::ffff:10.0.0.0/104`
                wrong-type  line 15, where.cidr[6]: expected text, got the number 8
            "#]],
        ),
        (
            r#"{ field = "src_endpoint.ip", cidr = [] }"#,
            expect![[r#"
                out-of-range  line 15, where.cidr: expected a list of 1 to 1024, got a list of 0
            "#]],
        ),
        (
            r#"{ field = "src_endpoint.intermediate_ips", cidr = "10.0.0.0/8" }"#,
            expect![[r#"
                inconsistent  line 15, where.cidr: expected `eq`, `in`, `prefix`, `suffix`, `contains` or `exists` on a field of type text-list, got `cidr`
            "#]],
        ),
        (
            r#"{ field = "user.name", in = ["SVC-É", "svc-é"], ignore-case = true }"#,
            expect![[r#"
                duplicate-value  line 15, where.in[1]: expected a value other than that of where.in[0], got the text `svc-é`
            "#]],
        ),
        (
            r#"{ field = "src_endpoint.ip", eq = "2001:DB8::1", ignore-case = true }"#,
            expect![[r#"
                inconsistent  line 15, where.ignore-case: expected `eq`, `in`, `prefix`, `suffix` or `contains` on a field of type text or text-list beside it, got `eq` on a field of type address
            "#]],
        ),
        (
            r#"{ field = "user.name", exists = true, ignore-case = true }"#,
            expect![[r#"
                inconsistent  line 15, where.ignore-case: expected `eq`, `in`, `prefix`, `suffix` or `contains` on a field of type text or text-list beside it, got `exists` on a field of type text
            "#]],
        ),
        (
            r#"{ field = "user.name", eq = "a", ignore-case = "yes" }"#,
            expect![[r#"
                wrong-type  line 15, where.ignore-case: expected true or false, got the text `yes`
            "#]],
        ),
        (
            r#"{ not = { field = "user.name", eq = "a" }, ignore-case = true }"#,
            expect![[r#"
                inconsistent  line 15, where: expected a field with one test, or one of `and`, `or`, `not` alone, got `ignore-case`, `not`
            "#]],
        ),
        (
            r#"{ field = "user.name", eq = "a", ignorecase = true }"#,
            expect![[r#"
                unknown-key  line 15, where.ignorecase: expected a known key, got `ignorecase` (did you mean `ignore-case`?)
            "#]],
        ),
    ] {
        check(&filtered(text), expected);
    }
}

#[test]
fn a_filter_in_the_section_is_in_its_normal_form() {
    let written = filtered(
        r#"{ and = [{ field = "user.name", suffix = "$É", ignore-case = true }, { field = "src_endpoint.ip", cidr = "::ffff:10.0.0.0/104" }, { field = "src_endpoint.location.lat", range = { above = -1, at-most = 2.5 } }, { field = "user.uid", eq = "A", ignore-case = false }] }"#,
    );
    let section = String::from_utf8(to_section(&declaration(&written))).unwrap();
    let start = section.find(r#""where":"#).unwrap();
    expect![[r#""where":{"and":[{"field":"user.name","ignore-case":true,"suffix":"$é"},{"cidr":["10.0.0.0/8"],"field":"src_endpoint.ip"},{"field":"src_endpoint.location.lat","range":{"above":-1,"at-most":2.5}},{"eq":"A","field":"user.uid"}]}}"#]].assert_eq(&section[start..]);
    let refused = |from: &str, to: &str| {
        assert!(section.contains(from), "{from}");
        let refusals = parse_section(section.replacen(from, to, 1).as_bytes()).unwrap_err();
        refusals.iter().map(|refusal| format!("{refusal}\n")).collect::<String>()
    };
    let all = [
        refused("$é", "$É"),
        refused("10.0.0.0/8", "::ffff:10.0.0.0/104"),
        refused("[\"10.0.0.0/8\"]", "\"10.0.0.0/8\""),
        refused("\"eq\":\"A\",\"field\":\"user.uid\"", "\"eq\":\"A\",\"field\":\"user.uid\",\"ignore-case\":false"),
    ];
    expect![[r#"
        invalid-value  where.and[0].suffix: expected `$é`, the text without case, got `$É`
        invalid-value  where.and[1].cidr[0]: expected `10.0.0.0/8`, the network's normal form, got `::ffff:10.0.0.0/104`
        wrong-type  where.and[1].cidr: expected a list, got the text `10.0.0.0/8`
        invalid-value  where.and[3].ignore-case: expected `true`, or no such key, got false
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn filters_are_checked_against_the_types_of_their_fields() {
    for (text, expected) in [
        (
            r#"{ field = "class_uid", eq = "3002" }"#,
            expect![[r#"
                wrong-type  line 15, where.eq: expected a whole number, 0 to 9007199254740991, got the text `3002`
            "#]],
        ),
        (
            r#"{ field = "class_uid", prefix = "30" }"#,
            expect![[r#"
                inconsistent  line 15, where.prefix: expected `eq`, `in`, `range` or `exists` on a field of type unsigned, got `prefix`
            "#]],
        ),
        (
            r#"{ field = "class_uid", in = [3001, -1, 3001] }"#,
            expect![[r#"
                out-of-range  line 15, where.in[1]: expected 0 to 9007199254740991, got -1
                duplicate-value  line 15, where.in[2]: expected a value other than that of where.in[0], got the number 3001
            "#]],
        ),
        (
            r#"{ field = "unmapped", contains = "x" }"#,
            expect![[r#"
                inconsistent  line 15, where.contains: expected `exists` on a field of type json, got `contains`
            "#]],
        ),
        (
            r#"{ field = "unmapped", exists = true }"#,
            expect![[r#"
            accepted
        "#]],
        ),
        (
            r#"{ field = "src_endpoint.ip", in = ["::ffff:10.0.0.1", "10.0.0.256"] }"#,
            expect![[r#"
                invalid-value  line 15, where.in[1]: expected an IPv4 or IPv6 address, got `10.0.0.256`
            "#]],
        ),
        (
            r#"{ field = "user.uid" }"#,
            expect![[r#"
                missing-key  line 15, where: expected one test: `eq`, `in`, `prefix`, `suffix`, `contains`, `range`, `cidr` or `exists`, got none
            "#]],
        ),
        (
            r#"{ field = "user.uid", eq = "a", prefix = "b" }"#,
            expect![[r#"
                inconsistent  line 15, where: expected one test: `eq`, `in`, `prefix`, `suffix`, `contains`, `range`, `cidr` or `exists`, got `eq`, `prefix`
            "#]],
        ),
        (
            r#"{ field = "user.uid", equals = "a" }"#,
            expect![[r#"
                unknown-key  line 15, where.equals: expected a known key: `field`, `eq`, `in`, `prefix`, `suffix`, `contains`, `range`, `cidr`, `exists`, `ignore-case`, `and`, `or`, `not`, got `equals`
                missing-key  line 15, where: expected one test: `eq`, `in`, `prefix`, `suffix`, `contains`, `range`, `cidr` or `exists`, got none
            "#]],
        ),
        (
            r#"{ and = [], or = [] }"#,
            expect![[r#"
                inconsistent  line 15, where: expected a field with one test, or one of `and`, `or`, `not` alone, got `and`, `or`
            "#]],
        ),
        (
            r#"{ and = [] }"#,
            expect![[r#"
                out-of-range  line 15, where.and: expected a list of 1 to 256, got a list of 0
            "#]],
        ),
        (
            r#"{ not = { or = [{ field = "is_mfa", eq = 1 }, { field = "no.such", eq = 1 }] } }"#,
            expect![[r#"
                wrong-type  line 15, where.not.or[0].eq: expected true or false, got the number 1
                unknown-field  line 15, where.not.or[1].field: expected a field of the table of fields, got `no.such`
            "#]],
        ),
    ] {
        check(&filtered(text), expected);
    }
    let deep = format!("{}{{ field = \"user.uid\", exists = true }}{}", "{ not = ".repeat(16), " }".repeat(16));
    check(
        &filtered(&deep),
        expect![[r#"
            out-of-range  line 15, where.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not: expected filters nested at most 16 deep, got a deeper one
        "#]],
    );
    let wide = format!("{{ or = [{}] }}", "{ field = \"user.uid\", exists = true }, ".repeat(256));
    check(
        &filtered(&wide),
        expect![[r#"
            out-of-range  line 15, where.or[255]: expected at most 256 filters, got more
        "#]],
    );
}

#[test]
fn parameters_have_a_type_a_range_and_a_default_within_it() {
    let with = |text: &str| format!("{DETECTION}\n[[parameter]]\nmeaning = \"m\"\n{text}");
    for (text, expected) in [
        (
            "name = \"p\"\ntype = \"number\"\ndefault = 1",
            expect![[r#"
                unknown-word  line 70, parameter[3].type: expected a type of parameter: `boolean`, `integer`, `decimal`, `text`, `text-list`, `duration`, got `number`
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"integer\"\ndefault = 11\nmin = 1\nmax = 10",
            expect![[r#"
                parameter-out-of-range  line 71, parameter[3].default: expected 1 to 10, got 11
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"integer\"\ndefault = 1\nmin = 10\nmax = 1",
            expect![[r#"
                parameter-out-of-range  line 72, parameter[3].min: expected at most `max`, 1, got 10
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"integer\"\ndefault = 1.5\nmin = 1\nmax = 2\nmax-bytes = 1",
            expect![[r#"
                inconsistent  line 74, parameter[3].max-bytes: expected min and max on a parameter of type integer, got `max-bytes`
                wrong-type  line 71, parameter[3].default: expected a whole number, got the number 1.5
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"decimal\"\ndefault = nan\nmin = 0\nmax = 1",
            expect![[r#"
                wrong-type  line 71, parameter[3].default: expected a finite number, got `nan`
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"text\"\ndefault = \"abc\"\nmax-bytes = 2",
            expect![[r#"
                parameter-out-of-range  line 71, parameter[3].default: expected at most 2 bytes of text, got 3
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"text-list\"\ndefault = [\"a\", 1]\nmax-items = 1",
            expect![[r#"
                parameter-out-of-range  line 71, parameter[3].default: expected at most 1 items, got 2
                wrong-type  line 71, parameter[3].default[1]: expected text, got the number 1
            "#]],
        ),
        (
            "name = \"p\"\ntype = \"duration\"\ndefault = \"2h\"\nmin = \"1m\"\nmax = \"1h\"",
            expect![[r#"
                parameter-out-of-range  line 71, parameter[3].default: expected 1m to 1h, got 2h
            "#]],
        ),
        (
            "name = \"most\"\ntype = \"boolean\"\ndefault = true",
            expect![[r#"
                duplicate-value  line 69, parameter[3].name: expected another name than that of parameter[1], got `most`
            "#]],
        ),
        (
            "name = \"P\"\ntype = \"boolean\"",
            expect![[r#"
                invalid-value  line 69, parameter[3].name: expected 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter, got `P`
                missing-key  line 67, parameter[3].default: expected a value, got none
            "#]],
        ),
    ] {
        check(&with(text), expected);
    }
}

#[test]
fn text_that_is_not_toml_is_told_with_its_line() {
    check(
        "id = \"a/b\"\nkind = ",
        expect![[r#"
        declaration-syntax  line 2: expected TOML, got string values must be quoted, expected literal string
    "#]],
    );
    check(
        "id = \"a/b\"\nid = \"a/b\"",
        expect![[r#"
        declaration-syntax  line 2: expected TOML, got duplicate key
    "#]],
    );
    check(
        &"x".repeat(300_000),
        expect![[r#"
        out-of-range  declaration: expected at most 262144 bytes, got 300000 bytes
    "#]],
    );
    check(
        &format!("x = {}", "[".repeat(10_000)),
        expect![[r#"
        declaration-syntax  line 1: expected TOML, got cannot recurse further; max recursion depth met
    "#]],
    );
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
    check(
        format!("{section}\n").as_bytes(),
        expect![[r#"
            declaration-trailing  byte 1403: expected the section's end, got 1 bytes more
        "#]],
    );
    check(
        format!(" {section}").as_bytes(),
        expect![[r#"
        declaration-not-canonical  byte 0: expected canonical JSON (RFC 8785), here `{"actions":["notify","re`, got ` {"actions":["notify","r`
    "#]],
    );
    check(
        section.replacen("\"format\":1", "\"format\":2", 1).as_bytes(),
        expect![[r#"
        declaration-format  format: expected 1, got the number 2
    "#]],
    );
    check(
        section.replacen("\"format\":1", "\"format\":1,\"format\":1", 1).as_bytes(),
        expect![[r#"
            declaration-not-canonical  byte 360: expected canonical JSON (RFC 8785), here `id":"example/detect","id`, got `format":1,"id":"example/`
        "#]],
    );
    check(
        section.replacen("\"kept-references\":8,", "", 1).as_bytes(),
        expect![[r#"
            missing-key  slot[0].kept-references: expected a value, got none
        "#]],
    );
    check(
        section.replacen("\"1h\"", "\"60m\"", 1).as_bytes(),
        expect![[r#"
        invalid-value  parameter[0].max: expected `1h`, the duration's normal form, got `60m`
    "#]],
    );
    check(
        section.replacen("\"10.0.0.1\"", "\"::ffff:10.0.0.1\"", 1).as_bytes(),
        expect![[r#"
            invalid-value  where.and[1].or[0].eq: expected `10.0.0.1`, the address's normal form, got `::ffff:10.0.0.1`
        "#]],
    );
    check(
        section.replacen("\"memory\":8388608", "\"memory\":\"8MiB\"", 1).as_bytes(),
        expect![[r#"
        wrong-type  limits.memory: expected a whole number, got the text `8MiB`
    "#]],
    );
    check(
        &section.as_bytes()[..section.len() - 1],
        expect![[r#"
            declaration-syntax  declaration: expected a JSON object (RFC 8259), UTF-8, got EOF while parsing an object at line 1 column 1402
        "#]],
    );
    check(
        b"\xff",
        expect![[r#"
        declaration-syntax  declaration: expected a JSON object (RFC 8259), UTF-8, got expected value at line 1 column 1
    "#]],
    );
    check(
        b"",
        expect![[r#"
        declaration-syntax  declaration: expected a JSON object (RFC 8259), UTF-8, got nothing
    "#]],
    );
    check(
        b"[]",
        expect![[r#"
            wrong-type  declaration: expected an object, got an empty list
        "#]],
    );
    check(
        "[".repeat(100_000).as_bytes(),
        expect![[r#"
        declaration-syntax  declaration: expected a JSON object (RFC 8259), UTF-8, got recursion limit exceeded at line 1 column 128
    "#]],
    );
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
    expect![[r#"[Duration(1200000000), Integer(7), TextList(["a", "b"])]"#]].assert_eq(&format!("{set:?}"));
    assert_ne!(parameters_digest(names().zip(&defaults)), parameters_digest(names().zip(&set)));
    assert_eq!(parameters_digest(names().zip(&defaults)), parameters_digest(names().zip(&resolved(&[]).unwrap())));
    let refusals = resolved(&[("windw", json!("20m")), ("most", json!(0)), ("exempt", json!("a"))]).unwrap_err();
    expect![[r#"
        unknown-key  parameters.windw: expected a parameter of example/detect, got `windw` (did you mean `window`?)
        parameter-out-of-range  parameters.most: expected 1 to 1000, got 0
        wrong-type  parameters.exempt: expected a list, got the text `a`
    "#]]
    .assert_eq(&refusals.iter().map(|refusal| format!("{refusal}\n")).collect::<String>());
}

#[test]
fn limits_above_the_operators_are_told_one_by_one() {
    let declared = declaration(DETECTION);
    assert_eq!(check_ceilings(&declared, &Ceilings::default()), []);
    let low = Ceilings { memory: 1, fuel: 1, output: 1, state: 1, ..Ceilings::default() };
    let refusals = check_ceilings(&declared, &low);
    assert!(refusals.iter().all(|refusal| refusal.code == RefusalCode::LimitAboveOperator));
    expect![[r#"
        limit-above-operator  limits.memory: expected at most 1, the operator's limit, got 8388608
        limit-above-operator  limits.fuel: expected at most 1, the operator's limit, got 2000000
        limit-above-operator  limits.output: expected at most 1, the operator's limit, got 65536
        limit-above-operator  slot: expected at most 1 bytes of state in all, the operator's limit, got 32000000
    "#]]
    .assert_eq(&refusals.iter().map(|refusal| format!("{refusal}\n")).collect::<String>());
}

#[test]
fn the_example_of_the_reference_is_accepted_and_every_key_is_in_its_tables() {
    let reference = include_str!("../../../docs/reference/rule.md");
    let example = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    check(example, expect![["accepted\n"]]);
    let section: Value = serde_json::from_slice(&to_section(&declaration(DETECTION))).unwrap();
    let mut keys: Vec<String> = Vec::new();
    let mut rest = vec![&section];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(map) => {
                keys.extend(map.keys().cloned());
                rest.extend(map.values());
            }
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    keys.retain(|key| !["format", "field"].contains(&key.as_str()));
    for key in keys {
        let named = [format!("`{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`"), format!(" {key} = ")];
        assert!(named.iter().any(|named| reference.contains(named)), "`{key}` is not in docs/reference/rule.md");
    }
}
