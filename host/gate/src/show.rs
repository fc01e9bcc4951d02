//! What response rules are shown: the incident, and which actions are available.

use countersign_model::incident::{ChainIdentity, Subject};
use countersign_model::response::{
    AvailableAction, FindingView, IdentityView, IncidentView, LeaseView, OutcomeView, SubjectView,
};
use countersign_model::vocabulary::{Action, ActionClass, IdentityType, Reversibility, RuleKind, SubjectRole, Usage};
use countersign_model::{Account, Identity, RuleId};

use crate::circumstances::Leases;
use crate::confidence::{Counted, combined_confidence, effective_confidence};
use crate::inputs::GateInputs;
use crate::judge::{answers_challenges, capability, level, reversibility};

/// The response rules among the inputs that may answer the incident, in order of their ids: their declared classes and
/// types match a finding, and where policy names rules for that class and type, they are named.
pub fn answering_rules(inputs: &GateInputs) -> impl Iterator<Item = &RuleId> {
    inputs.rules.iter().filter(|authority| authority.kind == RuleKind::Response).filter_map(|authority| {
        let answers = inputs.incident.findings.iter().any(|found| {
            let Some(who) = inputs.incident.subjects.get(found.subject) else { return false };
            let (class, ty) = (found.finding.signal_class, who.identity.identity_type);
            authority.signal_classes.contains(&class)
                && authority.identity_types.contains(&ty)
                && inputs.policy.responses(class, ty).is_none_or(|named| named.contains(&authority.rule))
        });
        answers.then_some(&authority.rule)
    })
}

/// The available actions that a response rule declared, by subject, weak to strong: rungs of the subject's type that a
/// connector can do to what is in evidence. An unresolved subject has the observe actions, a source address nothing that
/// contains. Whether policy allows them is for [`crate::decide`] to check.
#[must_use]
pub fn available_actions(inputs: &GateInputs, response: &RuleId) -> Vec<AvailableAction> {
    let Some(authority) = inputs.authority(response) else { return Vec::new() };
    let mut available = Vec::new();
    for (who, subject) in inputs.incident.subjects.iter().zip(0u32..) {
        let rungs = who.identity.identity_type.rungs();
        // A trust has a ladder of its own.
        let on_trust = IdentityType::trust_rungs().iter().copied().zip(0u32..);
        let on_trust = on_trust.filter(|(action, _)| who.trust.is_some() && !rungs.contains(action));
        for (action, rung) in rungs.iter().copied().zip(0u32..).chain(on_trust) {
            if authority.actions.contains(&action)
                && let Some(reversibility) = available_for(inputs, who, action)
            {
                available.push(AvailableAction { action, subject, rung, class: action.class(), reversibility });
            }
        }
    }
    available
}

/// What undoing takes, if the action is available.
fn available_for(inputs: &GateInputs, who: &Subject, action: Action) -> Option<Reversibility> {
    match action.class() {
        ActionClass::Observe => Some(Reversibility::Reversible),
        ActionClass::Contain if who.role == SubjectRole::Source => None,
        ActionClass::Challenge if action == Action::RequireMfa && !answers_challenges(who) => None,
        ActionClass::Challenge | ActionClass::Contain => {
            let capability = capability(inputs, who, action);
            level(who, action, capability).map(|_| reversibility(capability))
        }
        ActionClass::Remediate => None,
    }
}

/// The incident as a response rule sees it. An unknown account is written `unresolved:-:-`.
#[must_use]
pub fn incident_view(inputs: &GateInputs, response: &RuleId) -> IncidentView {
    let mut identities = Vec::new();
    let mut subjects = Vec::with_capacity(inputs.incident.subjects.len());
    for subject in &inputs.incident.subjects {
        let identity = index(identity_view(subject.account.as_ref(), &subject.identity), &mut identities);
        subjects.push(SubjectView {
            identity,
            role: subject.role,
            evidence_role: subject.evidence_role,
            // The interface knows no other word for what wasn't used in the event.
            usage: subject.usage.unwrap_or(Usage::Programmatic),
            has_session: subject.session.is_some(),
            has_token: subject.token.is_some(),
            has_grant: subject.grant.is_some(),
        });
    }
    let members: Vec<&ChainIdentity> = inputs.incident.subjects.iter().flat_map(|subject| &subject.chain).collect();
    for member in members {
        index(identity_view(member.account.as_ref(), &member.identity), &mut identities);
    }
    let counted: Vec<Counted<'_>> =
        inputs.incident.findings.iter().map(|found| Counted::of(inputs, &found.finding)).collect();
    let (leases, outcomes) = known(&inputs.circumstances.leases);
    IncidentView {
        now: inputs.clock.micros(),
        findings: inputs
            .incident
            .findings
            .iter()
            .map(|found| FindingView {
                rule: found.finding.rule.clone(),
                signal_class: found.finding.signal_class,
                confidence: effective_confidence(inputs, &found.finding),
                severity: found.finding.severity,
                subject: u32::try_from(found.subject).unwrap_or(u32::MAX),
                techniques: found.finding.techniques.clone(),
                event_time: found.finding.event_time.micros(),
                message: found.finding.message.clone(),
            })
            .collect(),
        combined_confidence: combined_confidence(&counted),
        identities,
        subjects,
        actions: available_actions(inputs, response),
        leases,
        outcomes,
    }
}

fn known(leases: &Leases) -> (Vec<LeaseView>, Vec<OutcomeView>) {
    match leases {
        Leases::Unconfigured => (Vec::new(), Vec::new()),
        Leases::Known { live, outcomes } => (live.clone(), outcomes.clone()),
    }
}

/// The index of an identity among those shown, each once.
fn index(identity: IdentityView, identities: &mut Vec<IdentityView>) -> u32 {
    let place = identities.iter().position(|known| *known == identity).unwrap_or_else(|| {
        identities.push(identity);
        identities.len() - 1
    });
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn identity_view(account: Option<&Account>, identity: &Identity) -> IdentityView {
    IdentityView {
        account: account.cloned().unwrap_or_else(|| Account::new("unresolved", "-", "-")),
        directory_id: identity.directory_id.clone(),
        identity_type: identity.identity_type,
        tier: identity.tier,
        environment: identity.environment.clone(),
        owner: identity.owner.clone(),
        protected: identity.protected,
        break_glass: identity.break_glass,
    }
}
