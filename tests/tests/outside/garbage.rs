//! Answers that break the contract: each is refused with its own reason, and only its row is set aside.

use countersign_declaration::Declaration;
use countersign_model::call::{CallFailure, Detector, FailureKind};
use countersign_model::response::{
    AvailableAction, FindingView, IdentityView, IncidentView, Responder, ResponseCall, SubjectView,
};
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, Severity, SignalClass, SubjectRole, Tier, Usage,
};
use countersign_model::{Account, Proposal};
use countersign_stream::LINE_SLOT;

use crate::support::{Judge, failed, found, guest, seen};

/// What the guest does on an operation of this name: the kind of failure and its message.
const ANSWERS: &[(&str, FailureKind, &str)] = &[
    ("UnknownReference", INVALID, "reference deadbeefdeadbeef is neither the row's own nor kept with its key"),
    ("ReferencesWithoutEnd", INVALID, "1000 references are more than it was shown"),
    ("Confidence101", INVALID, "confidence 101 is above 100"),
    ("UndeclaredClass", INVALID, "signal class `sign-in` isn't declared"),
    ("UnknownClass", INVALID, "signal class `Privilege ` isn't declared"),
    ("UndeclaredTechnique", INVALID, "technique `T1110` isn't declared"),
    ("TechniqueTwice", INVALID, "2 techniques are more than the 1 declared"),
    ("StrongerRole", INVALID, "evidence role `authenticated-as` is stronger than the host's `merely-names`"),
    ("LongMessage", INVALID, "a message of 1025 bytes, at most 1024 are allowed"),
    ("RowBeyond", INVALID, "finding on row 1, there are 1"),
    ("ManyFindings", INVALID, "more than 16 findings on one row"),
    ("LongDiagnostic", INVALID, "a message of 1025 bytes, at most 1024 are allowed"),
    ("DiagnosticBeyond", INVALID, "diagnostic on row 4294967295, there are 1"),
    ("ManyDiagnostics", INVALID, "more than 16 diagnostics on one row"),
    ("Flood", FailureKind::OutputExceeded, "the declaration allows 16384"),
    ("FloodOfState", FailureKind::OutputExceeded, "larger than the declared output"),
    ("StateTooLarge", INVALID, "slot `second`: state of 5 bytes, declared are 4"),
    ("KeyBeyond", INVALID, "slot `second`: key 8 wasn't given, there are 1"),
    ("KeyOfNoRow", INVALID, "slot `second`: key 4294967295 wasn't given, there are 1"),
    ("KeyTwice", INVALID, "the keys of slot `second` don't rise"),
    ("OffsetsPastTheEnd", INVALID, "slot `second`: the blob offsets don't divide 1 into 1"),
    ("OffsetsTooFew", INVALID, "slot `second`: the blob offsets don't divide 0 into 1"),
    ("OffsetsFromElsewhere", INVALID, "slot `second`: the blob offsets don't divide 2 into 1"),
    ("OffsetsFall", INVALID, "slot `second`: key 1 wasn't given, there are 1"),
    ("SlotBeyond", INVALID, "slot 2 isn't declared"),
    ("SlotTwice", INVALID, "slot 1 is answered twice"),
    ("KeepsUnknown", INVALID, "reference deadbeefdeadbeef is neither the row's own nor kept with its key"),
    ("KeepsTooMany", INVALID, "slot `second`: 1 references kept, declared are 0"),
    ("KeepsOfTheForgotten", INVALID, "slot `first`: references kept with a key that is forgotten"),
    ("TimerUndeclared", INVALID, "timer `loud` isn't declared"),
    ("TimerTooFar", INVALID, "timer `quiet` is set further ahead than declared"),
    ("TimerBeyond", INVALID, "timer on row 1, there are 1"),
];

const INVALID: FailureKind = FailureKind::InvalidAnswer;

#[test]
fn an_answer_that_breaks_the_contract_is_refused_with_its_reason() {
    let rule = guest("answers-garbage");
    for (way, kind, message) in ANSWERS {
        let rows = [("ListUsers", "ALICE"), (*way, "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "BOB")];
        let outcome = Judge::new(rule.clone()).judge(&rows);
        assert_eq!(failed(&outcome), [(1, *kind)], "{way}");
        let got = &outcome.failures[0].failure.message;
        assert!(got.contains(message), "{way}: `{got}`");
        let honest = [(0, "row 1 of its key"), (2, "row 2 of its key"), (3, "row 1 of its key")];
        assert_eq!(found(&outcome), honest, "{way}");
        let counts: Vec<_> = outcome
            .state
            .iter()
            .filter(|change| change.slot != LINE_SLOT)
            .map(|change| (change.slot.as_str(), &*change.entry.as_ref().unwrap().blob))
            .collect();
        assert_eq!(counts, [("first", &[2][..]), ("first", &[1])], "{way}");
        assert_eq!((outcome.disagreements.len(), outcome.timers.len(), outcome.diagnostics.len()), (0, 0, 0), "{way}");
        let alone = Judge::new(rule.clone()).judge_in(1, &rows);
        assert_eq!(seen(&alone), seen(&outcome), "{way}");
    }
}

#[test]
fn a_timer_needs_a_key() {
    let rule = guest("answers-garbage");
    let outcome = Judge::new(rule.clone()).judge(&[("Timer", ""), ("Timer", "ALICE")]);
    assert_eq!(failed(&outcome), [(0, INVALID)]);
    assert_eq!(outcome.failures[0].failure.message, "timer `quiet` is set by a row without a key");
    assert!(outcome.timers.is_empty(), "there was none to cancel");
}

#[test]
fn a_row_of_another_key_cant_be_cited() {
    let rule = guest("answers-garbage");
    let outcome = Judge::new(rule.clone()).judge(&[("ListUsers", "BOB"), ("AnotherKeysReference", "ALICE")]);
    // Alone it was shown no other key's row.
    assert_eq!(failed(&outcome), []);
    assert!(outcome.findings.iter().all(|found| found.finding.evidence.len() == 1));
}

#[test]
fn an_evidence_role_can_be_weakened() {
    let outcome = Judge::new(guest("answers-garbage")).judge(&[("WeakerRole", "ALICE"), ("ListUsers", "ALICE")]);
    let roles: Vec<_> = outcome.findings.iter().map(|found| found.finding.evidence_role).collect();
    assert_eq!(roles, [EvidenceRole::MerelyNames, EvidenceRole::AuthenticatedAs]);
}

#[test]
fn a_rule_that_answers_by_the_size_of_its_batch_is_reported() {
    let rule = guest("answers-garbage");
    for (way, what) in [("SaysBatch", "findings"), ("FindsInBatch", "findings"), ("StateOfBatch", "state")] {
        let outcome = Judge::new(rule.clone()).judge(&[("ListUsers", "BOB"), (way, "ALICE"), ("ListUsers", "BOB")]);
        let disagreed: Vec<_> = outcome.disagreements.iter().map(|one| (one.row.position, one.what)).collect();
        assert_eq!(disagreed, [(1, what)], "{way}");
        assert_eq!(failed(&outcome), [], "{way}");
        // The one-row calls are authoritative.
        let alone = Judge::new(rule.clone()).judge_in(1, &[("ListUsers", "BOB"), (way, "ALICE"), ("ListUsers", "BOB")]);
        assert_eq!((found(&outcome), &outcome.state), (found(&alone), &alone.state), "{way}");
    }
}

#[test]
fn a_migration_is_held_to_the_same_limits() {
    let rule = guest("answers-garbage");
    assert_eq!(rule.migrate(0, 1, &[1, 2]), Ok(vec![1, 2]));
    assert_eq!(rule.migrate(0, 2, &[1]).unwrap_err().kind, FailureKind::OutputExceeded);
    let refused = rule.migrate(0, 3, &[1]).unwrap_err();
    assert_eq!((refused.kind, refused.message.len()), (INVALID, 1_024));
}

#[test]
fn a_rule_is_called_as_its_declared_kind() {
    let answered = guest("answers-garbage").respond(&call("ListUsers"));
    assert_eq!(answered.unwrap_err().message, "`hostile/answers-garbage` is a detection rule");
}

/// What the response rule does where the first finding's message is this: the kind of failure and its message.
const PROPOSALS: &[(&str, FailureKind, &str)] = &[
    ("UndeclaredAction", INVALID, "action `suspend-account` isn't declared"),
    ("UnknownAction", INVALID, "action `delete-everything` isn't declared"),
    ("RemediateAction", INVALID, "action `disable-account` isn't declared"),
    ("SubjectBeyond", INVALID, "subject 7, there are 1"),
    ("ObserveWithLease", INVALID, "`notify` only observes and has no lease"),
    ("UnknownParameter", INVALID, "`notify` has no parameter `to`"),
    ("ParameterOutOfRange", INVALID, "parameter `points` of `raise-risk-score` isn't of its type or range"),
    ("ParameterOfOtherType", INVALID, "parameter `points` of `raise-risk-score` isn't of its type or range"),
    ("ParameterTooLong", INVALID, "parameter `audience` of `notify` isn't of its type or range"),
    ("ParameterTwice", INVALID, "parameter `audience` of `notify` is given twice"),
    ("ProposedTwice", INVALID, "`revoke-sessions` is proposed twice for one subject"),
    ("ManyProposals", INVALID, "17 proposals, at most 16 are allowed"),
    ("LongReason", INVALID, "a reason of 1025 bytes, at most 1024 are allowed"),
    ("LongDiagnostic", INVALID, "a diagnostic of 1025 bytes, at most 1024 are allowed"),
    ("ManyDiagnostics", INVALID, "17 diagnostics, at most 16 are allowed"),
    ("Flood", FailureKind::OutputExceeded, "the declaration allows 16384"),
    ("Panic", FailureKind::Trap, "`unreachable` instruction executed"),
    ("Loop", FailureKind::FuelExhausted, "the declared fuel was used up"),
];

#[test]
fn a_proposal_that_breaks_the_contract_is_refused_with_its_reason() {
    let declaration = guest("proposes-garbage").declaration().clone();
    for (way, kind, message) in PROPOSALS {
        let failure = propose(&declaration, way).expect_err(way);
        assert_eq!(failure.kind, *kind, "{way}: {failure:?}");
        assert!(failure.message.contains(message), "{way}: `{}`", failure.message);
    }
    let proposals = propose(&declaration, "ListUsers").unwrap();
    assert_eq!(
        proposals.iter().map(|one| (one.action, one.subject)).collect::<Vec<_>>(),
        [(Action::RevokeSessions, 0)]
    );
}

/// Calls the response rule with an incident whose finding has this message.
pub(crate) fn propose(declaration: &Declaration, way: &str) -> Result<Vec<Proposal>, CallFailure> {
    let answer = guest("proposes-garbage").respond(&call(way))?;
    countersign_casework::respond::check_answer(declaration, 1, &answer)
}

fn call(message: &str) -> ResponseCall {
    let identity = IdentityView {
        account: Account::new("aws", "111122223333", "ALICE"),
        directory_id: None,
        identity_type: IdentityType::Human,
        tier: Tier::Standard,
        environment: None,
        owner: None,
        protected: false,
        break_glass: false,
    };
    let subject = SubjectView {
        identity: 0,
        role: SubjectRole::Actor,
        evidence_role: EvidenceRole::AuthenticatedAs,
        usage: Usage::Interactive,
        has_session: true,
        has_token: false,
        has_grant: false,
    };
    let finding = FindingView {
        rule: "example/rule".parse().unwrap(),
        signal_class: SignalClass::Privilege,
        confidence: 80,
        severity: Severity::High,
        subject: 0,
        techniques: Vec::new(),
        event_time: 0,
        message: message.to_owned(),
    };
    let action = AvailableAction {
        action: Action::RevokeSessions,
        subject: 0,
        rung: 6,
        class: ActionClass::Contain,
        reversibility: Reversibility::SelfHealing,
    };
    let incident = IncidentView {
        now: 0,
        findings: vec![finding],
        combined_confidence: 80,
        identities: vec![identity],
        subjects: vec![subject],
        actions: vec![action],
        leases: Vec::new(),
        outcomes: Vec::new(),
    };
    ResponseCall { incident, parameters: Vec::new(), data: Vec::new() }
}
