//! Chooses the rung to propose: the strongest available one that the step allows, given what was tried before.

use countersign_sdk::prelude::*;
use countersign_sdk::vocabulary::TargetLevel;

use crate::Incident;
use crate::strength::{Assessment, Step};

/// What to propose.
pub(crate) struct Choice<'a> {
    /// The rung for the step.
    pub(crate) rung: Option<Available<'a>>,
    /// A challenge, while a stronger action waits for a person's approval.
    pub(crate) meanwhile: Option<Available<'a>>,
    /// A step that failed or was refused, so that the next rung is proposed.
    pub(crate) broken: Option<(Action, StepResult)>,
}

/// The state of an earlier action on a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// It may be proposed.
    Free,
    /// It is in force, waits, or is done: there is no newer evidence for proposing it again.
    Standing,
    /// It failed or was refused, and the next rung may be proposed.
    Broken(StepResult),
}

pub(crate) fn choose<'a>(incident: &Incident<'a>, subject: Subject<'_>, assessment: &Assessment) -> Choice<'a> {
    let nothing = Choice { rung: None, meanwhile: None, broken: None };
    let rungs: Vec<Available<'a>> =
        incident.actions_for(subject).filter(|one| is_eligible(one, subject, assessment)).collect();
    let past = |one: &Available<'_>| past(incident, subject, one.action(), assessment.newest);
    let ceiling = ceiling(subject.identity().identity_type(), assessment.step);
    let within = rungs.iter().rposition(|one| one.rung() <= ceiling);
    let Some(start) = within.or_else(|| key_in_evidence(&rungs, subject, assessment.step)) else { return nothing };
    if rungs.iter().skip(start + 1).any(|one| past(one) == Past::Standing) {
        return nothing;
    }
    let mut broken = None;
    let mut climbing = rungs.iter().skip(start).skip_while(|one| match past(one) {
        Past::Broken(result) => {
            broken = Some((one.action(), result));
            true
        }
        Past::Free | Past::Standing => false,
    });
    // If everything above failed, a rung below is better than none.
    let rung = climbing.next().or_else(|| rungs.iter().take(start).rev().find(|one| past(one) == Past::Free));
    let rung = rung.filter(|one| past(one) == Past::Free).copied();
    let meanwhile = rung.filter(|_| assessment.step > Step::Narrow).and_then(|_| {
        let challenge = rungs.iter().rev().find(|one| one.class() == ActionClass::Challenge);
        challenge.filter(|one| past(one) == Past::Free).copied()
    });
    Choice { rung, meanwhile: meanwhile.filter(|one| rung.is_some_and(|rung| rung.rung() != one.rung())), broken }
}

/// The rung on the key in evidence: nobody can be challenged by it and no session ends with it, so without this one nothing
/// would be asked for until the whole account is.
fn key_in_evidence(rungs: &[Available<'_>], subject: Subject<'_>, step: Step) -> Option<usize> {
    let by_key = subject.has_token() && subject.usage() != Usage::Interactive;
    let key = || rungs.iter().position(|one| one.action() == Action::DisableCredential);
    (by_key && step >= Step::Narrow).then(key)?
}

/// Whether an available action may be proposed again: it isn't in force, doesn't wait, and wasn't done or refused since
/// the newest evidence.
pub(crate) fn is_news(incident: &Incident<'_>, subject: Subject<'_>, action: Action, newest: Timestamp) -> bool {
    past(incident, subject, action, newest) != Past::Standing
}

/// Whether this rung is possible for this subject, at any strength.
fn is_eligible(one: &Available<'_>, subject: Subject<'_>, assessment: &Assessment) -> bool {
    let within = match one.class() {
        ActionClass::Challenge => assessment.cap >= Step::Challenge,
        ActionClass::Contain => assessment.cap > Step::Challenge,
        ActionClass::Observe | ActionClass::Remediate => false,
    };
    let undone = one.reversibility() != Reversibility::Irreversible || assessment.step == Step::Whole;
    within && undone && acts_on_the_evidence(one.action(), subject, assessment)
}

/// Whether the level that the action acts on first is in evidence and relevant to the finding. Revoking a token doesn't
/// end an interactive session, so it isn't proposed for one unless the finding is about credentials; a long-lived key
/// outlives every session; and grants only matter if the account used one or took one.
fn acts_on_the_evidence(action: Action, subject: Subject<'_>, assessment: &Assessment) -> bool {
    match action.levels().first() {
        Some(TargetLevel::Token) => {
            subject.has_token() && (subject.usage() != Usage::Interactive || assessment.about_credential)
        }
        Some(TargetLevel::Session) => subject.has_session() || subject.usage() == Usage::Interactive,
        Some(TargetLevel::Grant) => subject.has_grant() || assessment.about_privilege,
        _ => true,
    }
}

/// The highest rung of a step. The order of a type's rungs determines how many of them contain; a step opens a
/// third of them, rounded.
fn ceiling(identity_type: IdentityType, step: Step) -> u32 {
    let order = identity_type.rungs();
    let below = order.iter().filter(|action| action.class() < ActionClass::Contain).count();
    let contain = order.len() - below;
    let opened = match step {
        Step::Observe => return 0,
        Step::Challenge => 0,
        Step::Narrow => (2 * contain + 3) / 6,
        Step::Part => (4 * contain + 3) / 6,
        Step::Whole => return u32::MAX,
    };
    u32::try_from((below + opened).saturating_sub(1)).unwrap_or(u32::MAX)
}

/// The state of an earlier action on the subject's account, in any role.
fn past(incident: &Incident<'_>, subject: Subject<'_>, action: Action, newest: Timestamp) -> Past {
    let account = subject.identity().account();
    let same = || incident.subjects().filter(|one| one.identity().account() == account);
    let mut leases = same().flat_map(|one| incident.leases_for(one));
    if leases.any(|lease| lease.action() == Some(action) && lease.until() > incident.now()) {
        return Past::Standing;
    }
    let outcomes = same().flat_map(|one| incident.outcomes_for(one));
    let last = outcomes.filter(|outcome| outcome.action() == Some(action)).max_by_key(countersign_sdk::Outcome::time);
    let Some(last) = last else { return Past::Free };
    let is_newer = newest > last.time();
    match last.result() {
        StepResult::Waiting => Past::Standing,
        StepResult::Done | StepResult::Refused if !is_newer => Past::Standing,
        StepResult::Done | StepResult::Undone => Past::Free,
        StepResult::Failed | StepResult::Refused => Past::Broken(last.result()),
    }
}
