//! What response rules are shown.

mod common;

use common::{Case, CaseFile};
use countersign_gate::{GateInputs, answering_rules, available_actions, incident_view};
use countersign_model::RuleId;
use countersign_model::vocabulary::IdentityType;
use countersign_policy::{Capabilities, Policy};

/// The inputs of one case under the shipped policy.
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of tests")]
fn inputs(case: &str) -> GateInputs {
    let text = format!("[[case]]\nname = \"x\"\nexpect = []\nask = [\"notify\"]\n{case}");
    let file: CaseFile = toml::from_str(&text).unwrap();
    let case: &Case = &file.cases[0];
    case.inputs(&Policy::shipped().unwrap(), &Capabilities::shipped().unwrap())
}

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn respond() -> RuleId {
    "countersign/respond".parse().unwrap()
}

fn check(case: &str, expected: &str) {
    let available = available_actions(&inputs(case), &respond());
    let shown: Vec<String> = available
        .iter()
        .map(|found| format!("{} {} {} {}", found.subject, found.rung, found.action, found.reversibility))
        .collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(shown == expected, "{case}\nshows\n{}", shown.join("\n"));
}

#[test]
fn available_are_declared_rungs_that_a_connector_can_do() {
    check(
        "",
        "0 0 enrich-alert reversible
         0 1 raise-risk-score reversible
         0 2 notify reversible
         0 3 require-mfa reversible
         0 4 require-reauthentication self-healing
         0 6 revoke-sessions self-healing
         0 7 suspend-privilege reversible
         0 8 restrict-access reversible
         0 9 disable-credential reversible
         0 10 block-sign-in irreversible
         0 11 suspend-account reversible",
    );
    check(
        "rule = { \"countersign/respond\" = { actions = [\"notify\", \"revoke-sessions\", \"quarantine-workload\"] } }",
        "0 2 notify reversible
         0 6 revoke-sessions self-healing",
    );
    check(
        "subject = [{ type = \"workload\" }, { unresolved = true, session = false }]\n\
         rule = { \"countersign/respond\" = { actions = [\"notify\", \"require-mfa\", \"quarantine-workload\"] } }",
        "0 2 notify reversible
         0 6 quarantine-workload reversible
         1 2 notify reversible",
    );
    check(
        "subject = [{ role = \"source\" }]\n\
         rule = { \"countersign/respond\" = { actions = [\"notify\", \"require-mfa\", \"suspend-account\"] } }",
        "0 2 notify reversible
         0 3 require-mfa reversible",
    );
    check("rule = { \"countersign/respond\" = { unknown = true } }", "");
}

#[test]
fn the_incident_is_shown_with_effective_confidence_and_each_identity_once() {
    let mut inputs = inputs(
        "subject = [{ tier = \"high\", chain = [{ type = \"workload\" }, { type = \"workload\" }] }, { unresolved = true }]\n\
         finding = [{ confidence = 70 }, { confidence = 60, class = \"sign-in\", event = \"e2\" }, { subject = 1 }]",
    );
    for rule in &mut inputs.rules {
        rule.cap = 65;
    }
    let view = incident_view(&inputs, &respond());
    assert_eq!(view.now, inputs.clock.micros());
    assert_eq!(view.findings.iter().map(|found| found.confidence).collect::<Vec<_>>(), [65, 60, 65]);
    assert_eq!(view.combined_confidence, 86);
    let accounts: Vec<String> = view.identities.iter().map(|who| who.account.to_string()).collect();
    assert_eq!(accounts, ["aws:111122223333:AIDA0", "unresolved:-:-", "unresolved:-:-"]);
    assert_eq!(view.identities[2].identity_type, IdentityType::Workload);
    assert_eq!((view.subjects[0].identity, view.subjects[1].identity), (0, 1));
    assert!(view.subjects[0].has_session && !view.subjects[0].has_token);
    assert!(view.actions.iter().all(|found| found.subject == 0 || found.rung <= 2));
}

#[test]
fn rules_answer_the_classes_and_types_that_they_declare_unless_policy_names_others() {
    let declared = |text: &str| inputs(&format!("rule = {{ \"countersign/respond\" = {{ {text} }} }}"));
    assert_eq!(answering_rules(&declared("")).collect::<Vec<_>>(), [&respond()]);
    assert_eq!(answering_rules(&declared("classes = [\"sign-in\"]")).count(), 0);
    assert_eq!(answering_rules(&declared("types = [\"workload\"]")).count(), 0);
    let policy = "version = 1\n[[response]]\nclass = \"token\"\ntype = \"human\"\nrules = [\"acme/other\"]\n";
    let mut named = declared("");
    let classes = [named.incident.findings[0].finding.signal_class].into();
    let identity = &named.incident.subjects[0].identity;
    let identities = [(identity.identity_type, identity.tier)].into();
    named.policy = Policy::parse(policy).unwrap().view(&classes, &identities);
    assert_eq!(answering_rules(&named).count(), 0);
}
