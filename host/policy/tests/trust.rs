//! `trust.toml`: what it says where it says nothing, its canonical form, and policies from before it.

use std::collections::BTreeSet;

use countersign_model::vocabulary::{Action, FieldId, IdentityType, RuleKind, Severity, SignalClass};
use countersign_policy::{Accept, DEFAULT_TRUST, Grant, Policy, Scope, Trust};

const ACME: &str = r#"
[publisher.acme]
keys = ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
accept = "listed"

[publisher.acme.grant]
kinds = "detection"
identity-types = "human"
actions = ["notify", "revoke-sessions"]
signal-classes = "*"
fields = ["api.operation", "src_endpoint.ip"]
confidence = 70
severity = "high"

[[accepted]]
rule = "acme/watch"
declaration = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"#;

#[test]
fn what_ships_grants_the_shipped_rules_everything_and_nobody_else_anything() {
    let trust = Trust::shipped().unwrap();
    assert_eq!((trust.grant("countersign"), trust.scope("countersign")), (Grant::everything(), Scope::default()));
    assert_eq!((trust.grant("local"), trust.scope("local")), (Grant::default(), Scope::default()));
    assert!(trust.publisher("local").is_some_and(|local| local.keys.is_empty() && !local.unsigned));
    assert_eq!((trust.publisher("acme"), trust.grant("acme")), (None, Grant::default()));
    assert!(trust.asks_for_proof());
    assert!(Grant::everything().actions.iter().all(|action| action.id() != "remove-privilege"));
}

#[test]
fn a_file_says_what_it_names_and_leaves_the_rest() {
    let trust = Trust::parse(ACME).unwrap();
    let acme = trust.publisher("acme").unwrap();
    assert_eq!((acme.keys.len(), acme.unsigned, acme.accept), (1, false, Accept::Listed));
    assert_eq!(
        acme.grant,
        Grant {
            actions: [Action::Notify, Action::RevokeSessions].into(),
            identity_types: [IdentityType::Human].into(),
            signal_classes: SignalClass::ALL.iter().copied().collect(),
        }
    );
    let fields = ["api.operation", "src_endpoint.ip"].map(|path| FieldId::from_path(path).unwrap());
    assert_eq!(
        acme.scope,
        Scope {
            kinds: [RuleKind::Detection].into(),
            fields: BTreeSet::from(fields),
            confidence: 70,
            severity: Severity::High
        }
    );
    assert_eq!(trust.accepted(&"acme/watch".parse().unwrap()).count(), 1);
    assert_eq!(trust.accepted(&"acme/other".parse().unwrap()).count(), 0);
    assert_eq!(trust.grant("countersign"), Grant::everything(), "the shipped rules aren't named");
    let unsigned = Trust::parse("[publisher.countersign]\nunsigned = true\n").unwrap();
    assert_eq!(unsigned.grant("countersign"), Grant::everything(), "a grant isn't taken back by silence");
    let narrowed = Trust::parse("[publisher.countersign]\ngrant = { actions = \"notify\" }").unwrap();
    assert_eq!(narrowed.grant("countersign").actions, [Action::Notify].into());
    assert!(narrowed.grant("countersign").identity_types.is_empty());
    let local = Trust::parse("[publisher.local]\ngrant = { actions = \"*\" }").unwrap();
    assert_eq!(local.grant("local").actions, Grant::everything().actions, "the remediation lane is never granted");
}

#[test]
fn the_canonical_form_reads_back_and_nothing_else_does() {
    for text in [ACME, DEFAULT_TRUST, ""] {
        let trust = Trust::parse(text).unwrap();
        let bytes = trust.to_canonical();
        assert_eq!(Trust::from_canonical(&bytes), Ok(trust));
        let spaced = String::from_utf8(bytes).unwrap().replacen('{', "{ ", 1);
        assert!(Trust::from_canonical(spaced.as_bytes()).is_err());
    }
    assert_eq!(Trust::parse("").unwrap(), Trust::shipped().unwrap(), "the file that ships says what holds without it");
}

/// What a record of an earlier version has.
#[test]
fn a_policy_from_before_holds_the_grants_and_asks_for_no_proof() {
    let text = "version = 1\n[publisher.acme]\ncap = 60\n\
                grant = { actions = \"notify\", identity-types = \"*\", signal-classes = \"token\" }\n";
    let (policy, trust) = Policy::parse_before_trust(text).unwrap();
    assert_eq!(policy.publisher("acme").map(|settings| settings.cap), Some(60));
    assert_eq!(trust.grant("acme").actions, [Action::Notify].into());
    assert_eq!((trust.grant("countersign"), trust.grant("local")), (Grant::default(), Grant::default()));
    assert!(!trust.asks_for_proof());
    assert!(trust.publisher("anybody").is_some());
    // What it is a fault of now, with what to do.
    let faults = Policy::parse(text).unwrap_err();
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["line 4, publisher.acme.grant: expected no grant in a policy, got one (move it to `[publisher.acme]` of \
          `trust.toml`, and name that file by `--trust`)"]
    );
}
