//! A rule's authority: what it declared, and what the operator makes of it.

use std::collections::BTreeSet;

use countersign_declaration::parse_toml;
use countersign_gate::RuleAuthority;
use countersign_model::vocabulary::{Action, IdentityType, RuleKind, SignalClass};
use countersign_policy::{Grant, Policy, Trust};

#[test]
fn authority_is_the_declaration_under_policy_and_trust() {
    let declaration = parse_toml(
        r#"
        id = "acme/answer"
        version = "0.1.0"
        kind = "response"
        description = "Answers."
        identity-types = ["human", "workload"]
        confidence-floor = 50
        actions = ["notify", "revoke-sessions"]
        signal-classes = ["token"]
        "#,
    )
    .unwrap();
    let policy = Policy::parse(
        "version = 1\n[rule.\"acme/answer\"]\ncap = 80\n[publisher.acme]\ncap = 70\nexempt-from-grouping = true\n",
    )
    .unwrap();
    let trust = |more: &str| {
        let grant = "actions = \"notify\", identity-types = \"human\", signal-classes = \"*\"";
        Trust::parse(&format!("[publisher.acme]\nunsigned = true\ngrant = {{ {grant}{more} }}\n")).unwrap()
    };
    let lineage = BTreeSet::from(["acme/fed".parse().unwrap()]);
    let authority = RuleAuthority::new(&declaration, lineage.clone(), &policy, &trust(""));
    assert_eq!(
        authority,
        RuleAuthority {
            rule: declaration.id.clone(),
            kind: RuleKind::Response,
            floor: 50,
            actions: [Action::Notify, Action::RevokeSessions].into(),
            identity_types: [IdentityType::Human, IdentityType::Workload].into(),
            signal_classes: [SignalClass::Token].into(),
            lineage: lineage.into_iter().collect(),
            cap: 70,
            grant: Grant {
                actions: [Action::Notify].into(),
                identity_types: [IdentityType::Human].into(),
                signal_classes: SignalClass::ALL.iter().copied().collect(),
            },
            exempt_from_grouping: true,
        }
    );
    // The least cap counts, whatever sets it.
    let capped = |more| RuleAuthority::new(&declaration, BTreeSet::new(), &policy, &trust(more)).cap;
    assert_eq!([capped(", confidence = 60"), capped(", confidence = 75")], [60, 70]);
    let (policy, trust) = (Policy::parse("version = 1").unwrap(), Trust::shipped().unwrap());
    let stranger = RuleAuthority::new(&declaration, BTreeSet::new(), &policy, &trust);
    assert_eq!((stranger.cap, stranger.grant, stranger.exempt_from_grouping), (100, Grant::default(), false));
}
