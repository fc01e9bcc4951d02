//! Whether one action may be done to one subject: every check of the gate, each with its reason. Nothing here stops at
//! the first refusal, and no check can take another's refusal back.

use countersign_model::incident::{IncidentFinding, Subject};
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, SubjectRole, TargetLevel, Usage,
};
use countersign_model::{Account, ContextState, Effect, Reason, ReasonCode, RuleId};
use countersign_policy::Capability;

use crate::confidence::{Counted, combined_confidence, effective_confidence};
use crate::inputs::GateInputs;

mod authority;
mod conditions;
mod matrix;

/// The gate's judgement of one action on one subject.
pub(crate) struct Judgement {
    /// Every reason.
    pub(crate) reasons: Vec<Reason>,
    /// The confidence that was compared with the floor.
    pub(crate) confidence: u8,
    /// The floor that applied.
    pub(crate) floor: u8,
    /// The finding that allows the most.
    pub(crate) anchor: usize,
}

impl Judgement {
    /// The strictest of all reasons decides.
    pub(crate) fn effect(&self) -> Effect {
        strictest(&self.reasons)
    }
}

fn strictest(reasons: &[Reason]) -> Effect {
    // INVARIANT: reasons are only ever added, so a judgement can become stricter and never more permissive.
    reasons.iter().map(|reason| reason.effect).max().unwrap_or(Effect::Refuse)
}

/// One question: may this response rule have this action on this subject because of this finding?
pub(crate) struct Question<'i> {
    pub(crate) inputs: &'i GateInputs,
    pub(crate) subject: &'i Subject,
    pub(crate) found: &'i IncidentFinding,
    pub(crate) response: &'i RuleId,
    pub(crate) action: Action,
}

/// Judges an action on a subject: once for each finding about the subject alone; the one that allows most is the anchor.
/// So removing a finding, or some authority of its rule, can only allow less.
pub(crate) fn judge(inputs: &GateInputs, subject: usize, action: Action, response: &RuleId) -> Judgement {
    let best = inputs.incident.subjects.get(subject).and_then(|who| {
        about(inputs, subject)
            .map(|(place, found)| judge_by(place, &Question { inputs, subject: who, found, response, action }))
            .min_by_key(|judged| (judged.effect(), 100 - judged.confidence.min(100), judged.anchor))
    });
    best.unwrap_or_else(|| Judgement {
        reasons: vec![Reason {
            code: ReasonCode::NoAnchor,
            action,
            effect: Effect::Refuse,
            detail: "no finding of the incident is about this subject".to_owned(),
        }],
        confidence: 0,
        floor: 0,
        anchor: 0,
    })
}

/// The findings about a subject: the same subject, or its account. Another account of the same person isn't this one: what
/// shows that one of them is in other hands says nothing about the rest.
pub(crate) fn about(inputs: &GateInputs, subject: usize) -> impl Iterator<Item = (usize, &IncidentFinding)> {
    let subjects = &inputs.incident.subjects;
    let who = subjects.get(subject);
    inputs.incident.findings.iter().enumerate().filter(move |(_, found)| {
        let Some((who, other)) = who.zip(subjects.get(found.subject)) else { return false };
        found.subject == subject || (who.account.is_some() && who.account == other.account)
    })
}

fn judge_by(place: usize, question: &Question<'_>) -> Judgement {
    let mut reasons = Vec::new();
    question.authority(&mut reasons);
    question.target(&mut reasons);
    let terms = question.matrix(&mut reasons);
    let (confidence, floor) = question.floors(terms.floor, &mut reasons);
    question.standing(&mut reasons);
    question.conditions(terms.max_age, &mut reasons);
    Judgement { reasons, confidence, floor, anchor: place }
}

impl<'i> Question<'i> {
    pub(crate) fn class(&self) -> ActionClass {
        self.action.class()
    }

    /// Whether the action only observes.
    pub(crate) fn observes(&self) -> bool {
        self.class() == ActionClass::Observe
    }

    /// The class by which the action is decided. What can fail a call that would have succeeded is containment, whatever it
    /// is called: a challenge that nobody is there to answer, or that reaches others who use the same principal.
    pub(crate) fn effect_class(&self) -> ActionClass {
        match self.class() {
            ActionClass::Challenge if self.subject.shared || !answers_challenges(self.subject) => ActionClass::Contain,
            class => class,
        }
    }

    /// Whether the action takes something away.
    pub(crate) fn contains(&self) -> bool {
        self.effect_class() >= ActionClass::Contain
    }

    pub(crate) fn reason(&self, code: ReasonCode, effect: Effect, detail: impl Into<String>) -> Reason {
        Reason { code, action: self.action, effect, detail: detail.into() }
    }

    /// Whether the action is a rung of the subject's type, can be done here, and can be undone.
    fn target(&self, reasons: &mut Vec<Reason>) {
        let ty = self.subject.identity.identity_type;
        if self.class() == ActionClass::Remediate {
            let detail = format!("`{}` is a step of a case, and this is none", self.action);
            reasons.push(self.reason(ReasonCode::RemediationOutsideCase, Effect::Refuse, detail));
        } else if self.action == Action::RestrictFederation && self.subject.trust.is_some() {
            let detail = "a trust concerns everyone who comes through it: restricted by approval only";
            reasons.push(self.reason(ReasonCode::TrustShared, Effect::Approval, detail));
        } else if !ty.rungs().contains(&self.action) {
            let detail = format!("`{}` is not among the rungs of type `{ty}`", self.action);
            reasons.push(self.reason(ReasonCode::NotARung, Effect::Refuse, detail));
        }
        if self.observes() {
            return;
        }
        let Some(account) = &self.subject.account else {
            let detail = "no account is known: nothing past notify";
            reasons.push(self.reason(ReasonCode::SubjectUnresolved, Effect::Refuse, detail));
            return;
        };
        let capability = capability(self.inputs, self.subject, self.action);
        let level = level(self.subject, self.action, capability);
        if let Some(detail) = unavailable(self.inputs, self.subject, account, self.action) {
            reasons.push(self.reason(ReasonCode::ActionUnavailable, Effect::Refuse, detail));
        }
        match reversibility(capability) {
            Reversibility::Reversible => {}
            Reversibility::SelfHealing if is_interactive_human(self.subject) => {}
            Reversibility::SelfHealing => {
                let usage = self.subject.usage.map_or("not used in the event", Usage::id);
                let detail = format!("heals by itself for interactive humans, and this is type `{ty}`, {usage}");
                reasons.push(self.reason(ReasonCode::SelfHealingNotInteractive, Effect::Approval, detail));
            }
            Reversibility::Irreversible => {
                let detail = match capability {
                    Some(found) => format!("`{}` can't undo it", found.connector),
                    None => "undeclared means irreversible".to_owned(),
                };
                reasons.push(self.reason(ReasonCode::Irreversible, Effect::Approval, detail));
            }
        }
        // A credential, a grant or a session of a principal that several use may be in use by any of them.
        // Where the caller names a session, others may have given theirs the same name.
        let one_session = level == Some(TargetLevel::Session)
            && self.subject.named_by_provider
            && capability.is_some_and(|found| found.one_session);
        if self.contains() && self.subject.shared && !one_session {
            let detail = "several may use this principal: containing it, or what it holds, hits them all";
            reasons.push(self.reason(ReasonCode::SharedPrincipal, Effect::Approval, detail));
        }
    }

    /// Compares confidence with the floors. Returns the confidence that counted and the floor that applied.
    fn floors(&self, policy: u8, reasons: &mut Vec<Reason>) -> (u8, u8) {
        let finding = &self.found.finding;
        let alone = effective_confidence(self.inputs, finding);
        if alone < finding.confidence {
            let detail = format!("the rule said {}, capped at {alone}", finding.confidence);
            reasons.push(self.reason(ReasonCode::ConfidenceCapped, Effect::Allow, detail));
        }
        let floor_of = |rule: &RuleId| self.inputs.authority(rule).map_or(100, |authority| authority.floor);
        // Observe actions have no floor but one that a cell sets.
        let (detection, response) =
            if self.observes() { (0, 0) } else { (floor_of(&finding.rule), floor_of(self.response)) };
        let floor = detection.max(response).max(policy);
        if alone >= floor {
            let detail = format!(
                "confidence {alone} reaches the floor {floor} (detection {detection}, response {response}, policy {policy})"
            );
            reasons.push(self.reason(ReasonCode::FloorMet, Effect::Allow, detail));
            return (alone, floor);
        }
        // INVARIANT: combining never lifts a finding over its own rule's floor.
        if alone >= detection && !self.observes() {
            let (combined, count) = self.combined();
            if count > 1 && combined >= response.max(policy) {
                let detail =
                    format!("{count} findings combine to {combined} and reach the floor {floor}; none does alone");
                reasons.push(self.reason(ReasonCode::NoAnchor, Effect::Approval, detail));
                return (combined, floor);
            }
        }
        for (code, floor, whose) in [
            (ReasonCode::BelowDetectionFloor, detection, "the detection's floor"),
            (ReasonCode::BelowResponseFloor, response, "the response rule's floor"),
            (ReasonCode::BelowPolicyFloor, policy, "the policy's floor"),
        ] {
            if alone < floor {
                let detail = format!("confidence {alone} is below {whose} {floor}");
                reasons.push(self.reason(code, Effect::Refuse, detail));
            }
        }
        (alone, floor)
    }

    /// The combined confidence over the findings that count for this action, and how many do: about the same subject,
    /// at or above their own floor, with authority for the action and type, and with evidence good enough for it.
    fn combined(&self) -> (u8, usize) {
        let Some(subject) = self.inputs.incident.subjects.iter().position(|who| std::ptr::eq(who, self.subject)) else {
            return (0, 0);
        };
        let counted: Vec<Counted<'_>> = about(self.inputs, subject)
            .filter(|(_, found)| {
                let question = Question { found, ..*self };
                let floor = self.inputs.authority(&found.finding.rule).map_or(100, |authority| authority.floor);
                effective_confidence(self.inputs, &found.finding) >= floor
                    && question.detection_may()
                    && !question.is_capped_below()
            })
            .map(|(_, found)| Counted::of(self.inputs, &found.finding))
            .collect();
        (combined_confidence(&counted), counted.len())
    }

    /// The evidence role that counts: the weakest of the finding's, the subject's and those of all that fed the finding.
    pub(crate) fn evidence_role(&self) -> EvidenceRole {
        self.own_evidence_role().min(self.found.finding.line.evidence_role)
    }

    /// The weaker of the finding's evidence role and the subject's.
    pub(crate) fn own_evidence_role(&self) -> EvidenceRole {
        self.found.finding.evidence_role.min(self.subject.evidence_role)
    }

    /// The context that counts: the weaker of the finding's and of all that fed it.
    pub(crate) fn context(&self) -> ContextState {
        // `missing` is the greater of the two.
        self.found.finding.context.max(self.found.finding.line.context)
    }

    /// Whether the finding's evidence, context or source forbids this action.
    fn is_capped_below(&self) -> bool {
        let binding = self.found.finding.line.binding;
        self.effect_class() > binding.highest_class
            || (self.contains()
                && (!binding.bound
                    || self.evidence_role() == EvidenceRole::MerelyNames
                    || self.context() == ContextState::Missing))
    }

    /// Whether the subject is a source address.
    pub(crate) fn is_source(&self) -> bool {
        self.subject.role == SubjectRole::Source || self.found.finding.role == SubjectRole::Source
    }
}

/// Whether self-healing ranks with reversible for this subject.
pub(crate) fn is_interactive_human(subject: &Subject) -> bool {
    subject.identity.identity_type == IdentityType::Human && subject.usage == Some(Usage::Interactive)
}

/// Whether somebody is there to answer a challenge: the person who used the account in a console or browser, or the person of an
/// account that wasn't used in the event.
pub(crate) fn answers_challenges(subject: &Subject) -> bool {
    match subject.usage {
        Some(usage) => usage == Usage::Interactive,
        None => subject.identity.identity_type == IdentityType::Human,
    }
}

/// The capability of a connector to do an action to a subject.
pub(crate) fn capability<'i>(inputs: &'i GateInputs, subject: &Subject, action: Action) -> Option<&'i Capability> {
    let provider = &subject.account.as_ref()?.provider;
    inputs.capabilities.iter().find(|entry| {
        entry.provider == *provider && entry.action == action && entry.identity_type == subject.identity.identity_type
    })
}

/// Why no connector can do an action to a subject with this account, if none can.
pub(crate) fn unavailable(inputs: &GateInputs, subject: &Subject, account: &Account, action: Action) -> Option<String> {
    let capability = capability(inputs, subject, action);
    if action == Action::RequireMfa && !answers_challenges(subject) {
        return Some("nobody is there to show a second factor: a key can't".to_owned());
    }
    if is_temporary(subject, action) {
        return Some("a temporary credential can't be disabled alone: end its session".to_owned());
    }
    if level(subject, action, capability).is_some() {
        return None;
    }
    let (provider, ty) = (&account.provider, subject.identity.identity_type);
    Some(match capability {
        None => format!("no connector of `{provider}` can do it to type `{ty}`"),
        Some(found) => format!("`{}` can do it at no level of what is in evidence", found.connector),
    })
}

/// Undeclared means irreversible.
pub(crate) fn reversibility(capability: Option<&Capability>) -> Reversibility {
    capability.map_or(Reversibility::Irreversible, |found| found.reversibility)
}

/// The narrowest level in evidence at which a connector can do it.
pub(crate) fn level(subject: &Subject, action: Action, capability: Option<&Capability>) -> Option<TargetLevel> {
    let capability = capability?;
    if is_temporary(subject, action) {
        return None;
    }
    action.levels().iter().copied().find(|level| capability.levels.contains(level) && has(subject, *level))
}

/// Whether the credential to be disabled is temporary: it goes with its session, and the account's others aren't in
/// evidence.
fn is_temporary(subject: &Subject, action: Action) -> bool {
    action == Action::DisableCredential && subject.token.is_some() && subject.temporary
}

/// Whether the evidence shows this level of a subject.
pub(crate) fn has(subject: &Subject, level: TargetLevel) -> bool {
    match level {
        TargetLevel::Token => subject.token.is_some(),
        TargetLevel::Grant => subject.grant.is_some(),
        TargetLevel::Session => subject.session.is_some(),
        TargetLevel::Account => subject.account.is_some(),
        TargetLevel::Trust => subject.trust.is_some(),
    }
}
