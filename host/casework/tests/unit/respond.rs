//! Answers of response rules: the message of each refusal, and answers just within the bounds.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use countersign_declaration::parse_toml;
use countersign_model::call::Level;
use countersign_model::response::ResponseDiagnostic;

use super::*;

/// A response rule that declares all actions but one.
fn declaration() -> Declaration {
    let actions: Vec<String> = Action::ALL
        .iter()
        .filter(|action| action.class() != ActionClass::Remediate && **action != Action::SuspendAccount)
        .map(|action| format!("{:?}", action.id()))
        .collect();
    let text = format!(
        "id = \"example/responds\"\nversion = \"1.0.0\"\nkind = \"response\"\ndescription = \"For a test.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nsignal-classes = [\"token\"]\nactions = [{}]\n",
        actions.join(", ")
    );
    parse_toml(&text).unwrap()
}

fn proposal(action: &str, subject: u32) -> AnswerProposal {
    AnswerProposal {
        action: action.to_owned(),
        parameters: Vec::new(),
        subject,
        lease: None,
        reason: "because".to_owned(),
    }
}

fn with(action: &str, parameters: &[(&str, ActionValue)]) -> AnswerProposal {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    AnswerProposal { parameters, ..proposal(action, 0) }
}

fn text(text: &str) -> ActionValue {
    ActionValue::Text(text.to_owned())
}

fn diagnostic(message: String) -> ResponseDiagnostic {
    ResponseDiagnostic { level: Level::Warning, message }
}

/// Checks an answer on an incident of two subjects.
fn check(answer: ResponseAnswer) -> Result<Vec<Proposal>, CallFailure> {
    check_answer(&declaration(), 2, &answer)
}

fn check_proposals(proposals: Vec<AnswerProposal>) -> Result<Vec<Proposal>, CallFailure> {
    check(ResponseAnswer { proposals, diagnostics: Vec::new() })
}

#[track_caller]
fn refused(result: Result<Vec<Proposal>, CallFailure>, message: &str) {
    let failure = CallFailure { kind: FailureKind::InvalidAnswer, message: message.to_owned() };
    assert_eq!(result, Err(failure));
}

#[test]
fn valid_proposals_are_accepted_in_their_order() {
    let asked = vec![
        AnswerProposal { lease: Some(3_600), ..proposal("revoke-sessions", 1) },
        proposal("enrich-alert", 0),
        AnswerProposal { lease: Some(0), ..proposal("revoke-sessions", 0) },
        with("raise-risk-score", &[("points", ActionValue::Integer(100))]),
    ];
    let taken = check_proposals(asked).unwrap();
    let seen: Vec<_> = taken.iter().map(|one| (one.action, one.subject, one.lease)).collect();
    assert_eq!(
        seen,
        [
            (Action::RevokeSessions, 1, Some(3_600)),
            (Action::EnrichAlert, 0, None),
            (Action::RevokeSessions, 0, Some(0)),
            (Action::RaiseRiskScore, 0, None),
        ]
    );
    assert_eq!(taken[3].parameters, [("points".to_owned(), ActionValue::Integer(100))]);
    assert_eq!((taken[0].rule.as_str(), taken[0].reason.as_str()), ("example/responds", "because"));
    assert_eq!(check(ResponseAnswer::default()), Ok(Vec::new()));
}

#[test]
fn an_action_must_be_declared() {
    refused(check_proposals(vec![proposal("suspend-account", 0)]), "action `suspend-account` isn't declared");
    refused(check_proposals(vec![proposal("delete-everything", 0)]), "action `delete-everything` isn't declared");
    refused(check_proposals(vec![proposal("Notify", 0)]), "action `Notify` isn't declared");
    // Only ever a step of a case, so no rule can declare it.
    refused(check_proposals(vec![proposal("disable-account", 0)]), "action `disable-account` isn't declared");
}

#[test]
fn a_subject_must_be_of_the_incident() {
    refused(check_proposals(vec![proposal("notify", 2)]), "subject 2, there are 2");
    refused(check_proposals(vec![proposal("notify", u32::MAX)]), "subject 4294967295, there are 2");
}

#[test]
fn one_fault_refuses_the_whole_answer() {
    let good = || proposal("notify", 0);
    refused(
        check_proposals(vec![good(), proposal("notify", 2), proposal("enrich-alert", 0)]),
        "subject 2, there are 2",
    );
}

#[test]
fn nothing_is_proposed_twice_for_one_subject() {
    let twice = vec![proposal("notify", 0), proposal("notify", 1), with("notify", &[("audience", text("owners"))])];
    refused(check_proposals(twice), "`notify` is proposed twice for one subject");
}

#[test]
fn the_size_of_an_answer_is_bounded() {
    let many: Vec<AnswerProposal> = (0..17).map(|_| proposal("notify", 0)).collect();
    refused(check_proposals(many), "17 proposals, at most 16 are allowed");
    let long = AnswerProposal { reason: "x".repeat(1_025), ..proposal("notify", 0) };
    refused(check_proposals(vec![long]), "a reason of 1025 bytes, at most 1024 are allowed");
    let max = AnswerProposal { reason: "é".repeat(512), ..proposal("notify", 0) };
    assert!(check_proposals(vec![max]).is_ok());

    let diagnostics =
        |diagnostics: Vec<ResponseDiagnostic>| check(ResponseAnswer { proposals: Vec::new(), diagnostics });
    refused(diagnostics(vec![diagnostic(String::new()); 17]), "17 diagnostics, at most 16 are allowed");
    refused(diagnostics(vec![diagnostic("x".repeat(1_025))]), "a diagnostic of 1025 bytes, at most 1024 are allowed");
    assert!(diagnostics(vec![diagnostic("x".repeat(1_024)); 16]).is_ok());
}

#[test]
fn an_observing_action_has_no_lease() {
    for action in Action::ALL.iter().filter(|action| action.class() == ActionClass::Observe) {
        let leased = AnswerProposal { lease: Some(60), ..proposal(action.id(), 0) };
        refused(check_proposals(vec![leased]), &format!("`{action}` only observes and has no lease"));
    }
    assert!(check_proposals(vec![AnswerProposal { lease: Some(60), ..proposal("require-mfa", 0) }]).is_ok());
}

#[test]
fn parameters_follow_the_catalogue() {
    let integer = ActionValue::Integer;
    let refusals = [
        (with("require-mfa", &[("mode", text("x"))]), "`require-mfa` has no parameter `mode`"),
        (with("raise-risk-score", &[("Points", integer(1))]), "`raise-risk-score` has no parameter `Points`"),
        (
            with("raise-risk-score", &[("points", text("1"))]),
            "parameter `points` of `raise-risk-score` isn't of its type or range",
        ),
        (
            with("raise-risk-score", &[("points", integer(0))]),
            "parameter `points` of `raise-risk-score` isn't of its type or range",
        ),
        (
            with("raise-risk-score", &[("points", integer(101))]),
            "parameter `points` of `raise-risk-score` isn't of its type or range",
        ),
        (with("notify", &[("audience", integer(1))]), "parameter `audience` of `notify` isn't of its type or range"),
        (
            with("notify", &[("audience", text(&"x".repeat(65)))]),
            "parameter `audience` of `notify` isn't of its type or range",
        ),
        (
            with("notify", &[("audience", text("owners")), ("audience", text("all"))]),
            "parameter `audience` of `notify` is given twice",
        ),
    ];
    for (proposal, message) in refusals {
        refused(check_proposals(vec![proposal]), message);
    }
    for taken in [
        with("raise-risk-score", &[("points", integer(1))]),
        with("notify", &[("audience", text(&"x".repeat(64)))]),
        with("suspend-privilege", &[("reference", text(&"x".repeat(512)))]),
        with("restrict-access", &[("mode", text(""))]),
    ] {
        assert!(check_proposals(vec![taken]).is_ok());
    }
}

#[test]
fn a_rules_text_is_quoted_and_cut_in_messages() {
    let hostile = "\u{1b}[2J\n".repeat(100_000);
    for proposal in [proposal(&hostile, 0), with("notify", &[(hostile.as_str(), text("x"))])] {
        let message = check_proposals(vec![proposal]).unwrap_err().message;
        assert!(message.len() < 2_048 && !message.contains(char::is_control), "{message}");
    }
}
