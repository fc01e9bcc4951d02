//! Permissions: what counts, and how a difference reads.

use super::*;
use crate::parse_toml;

const RULE: &str = r#"
    id = "acme/watch"
    version = "0.1.0"
    kind = "detection"
    description = "Watches."
    identity-types = ["human"]
    confidence-floor = 60
    actions = ["notify", "revoke-sessions"]
    signal-classes = ["token"]
    event-classes = ["api-activity"]
    fields = ["api.operation"]
    partition-key = "actor"
    techniques = ["T1078"]
    where = { and = [
        { field = "api.service.name", eq = "iam.amazonaws.com" },
        { not = { field = "api.operation", eq = "GetUser" } },
    ] }
"#;

fn permissions(text: &str) -> Permissions {
    Permissions::of(&parse_toml(text).unwrap_or_else(|refusals| panic!("{refusals:#?}")))
}

#[test]
fn what_a_filter_tests_is_seen_too() {
    assert_eq!(
        permissions(RULE).to_string(),
        "{ actions = [\"notify\", \"revoke-sessions\"], identity-types = [\"human\"], signal-classes = [\"token\"], \
         event-classes = [\"api-activity\"], fields = [\"api.operation\", \"api.service.name\"], \
         confidence-floor = 60 }"
    );
}

#[test]
fn a_difference_says_what_is_more_and_what_is_less() {
    let earlier = permissions(RULE);
    assert_eq!(earlier.difference(&earlier), [""; 0]);
    let text = RULE
        .replace("\"revoke-sessions\"", "\"suspend-account\", \"revoke-token\"")
        .replace("[\"human\"]", "[\"human\", \"workload\"]")
        .replace("= 60", "= 50");
    assert_eq!(
        permissions(&text).difference(&earlier),
        [
            "+ actions: revoke-token, suspend-account",
            "- actions: revoke-sessions",
            "+ identity-types: workload",
            "+ confidence-floor: 50, was 60"
        ]
    );
    assert_eq!(earlier.difference(&permissions(&text)).last().unwrap(), "- confidence-floor: 60, was 50");
    let described = permissions(&RULE.replace("Watches.", "Watches well."));
    assert_eq!(described, earlier);
}
