//! From an incident's inputs to decisions: one for each proposal, and the host's own enrich-alert where there is nothing
//! else.

use countersign_model::incident::Subject;
use countersign_model::vocabulary::{Action, ActionClass, Reversibility, SignalClass};
use countersign_model::{Decision, DecisionKind, Effect, Proposal, Reason, ReasonCode};

use crate::approved::{Approved, approved};
use crate::circumstances::Suppression;
use crate::confidence::effective_confidence;
use crate::inputs::GateInputs;
use crate::judge::{Judgement, about, capability, is_interactive_human, judge, reversibility, unavailable};

/// Decides an incident: one decision for each proposal, in their order, then at most one enrich-alert of the host's own.
/// Pure: the same inputs give the same decisions, on every machine. Never empty.
///
/// A decision says what may be done and lets nobody do it: for that [`crate::reauthorise`] asks again, once the decision
/// is on record.
///
/// ```
/// use countersign_gate::{Circumstances, GateInputs, decide};
/// # use countersign_model::incident::{IncidentFinding, Subject};
/// # use countersign_model::vocabulary::{EvidenceRole, IdentityType, Severity, SignalClass, SubjectRole, Usage};
/// # use countersign_model::{Account, ContextState, Finding, Identity, Incident, Line, Occasion};
/// use countersign_model::{DecisionKind, ReasonCode};
/// use countersign_policy::{Capabilities, Policy};
///
/// # let clock = "2026-06-01T12:00:00Z".parse().unwrap();
/// # let finding = Finding {
/// #     rule: "countersign/impossible-travel".parse().unwrap(),
/// #     position: 0,
/// #     index: 0,
/// #     occasion: Occasion::Event,
/// #     event_id: "e-1".to_owned(),
/// #     event_time: clock,
/// #     signal_class: SignalClass::SignIn,
/// #     confidence: 80,
/// #     severity: Severity::High,
/// #     role: SubjectRole::Actor,
/// #     evidence_role: EvidenceRole::AuthenticatedAs,
/// #     evidence: Vec::new(),
/// #     techniques: Vec::new(),
/// #     message: "signed in from two continents within an hour".to_owned(),
/// #     context: ContextState::Complete,
/// #     line: Line::STRONGEST,
/// # };
/// # let subject = Subject {
/// #     role: SubjectRole::Actor,
/// #     evidence_role: EvidenceRole::AuthenticatedAs,
/// #     account: Some(Account::new("aws", "111122223333", "AIDAEXAMPLE1")),
/// #     identity: Identity::without_fact(Some(IdentityType::Human), false),
/// #     usage: Some(Usage::Interactive),
/// #     session: None,
/// #     named_by_provider: false,
/// #     token: None,
/// #     temporary: false,
/// #     grant: None,
/// #     trust: None,
/// #     shared: false,
/// #     chain: Vec::new(),
/// # };
/// // One finding about one subject, without a response rule that proposes anything.
/// let findings = vec![IncidentFinding { finding, subject: 0, rule_suspect: false, sources: Default::default() }];
/// let incident = Incident { findings, subjects: vec![subject] };
/// let (policy, capabilities) = (Policy::shipped().unwrap(), Capabilities::shipped().unwrap());
/// let circumstances = Circumstances::unconfigured();
/// let decisions = decide(&GateInputs::new(clock, circumstances, incident, Vec::new(), &policy, &capabilities));
///
/// // The host enriches the alert, and says why it does no more.
/// let [decision] = decisions.as_slice() else { panic!("expected one decision") };
/// assert_eq!(decision.kind, DecisionKind::Execute);
/// assert_eq!(decision.reasons[0].code, ReasonCode::NoProposal);
/// ```
#[must_use]
pub fn decide(inputs: &GateInputs) -> Vec<Decision> {
    let exempt = exempt_from_suppression(inputs);
    let mut note = None;
    if let Suppression::Suppress(why) = &inputs.circumstances.suppression {
        if exempt.is_none() {
            return vec![suppressed(inputs, why)];
        }
        note = exempt.map(|exempt| format!("suppression said `{why}`, but {exempt} can't be suppressed"));
    }
    let mut decisions: Vec<Decision> = inputs.proposals.iter().map(|proposal| decide_one(inputs, proposal)).collect();
    let denied = decisions.iter().any(|decision| decision.kind == DecisionKind::Deny);
    let enriched =
        decisions.iter().any(|decision| is_automatic(decision.kind) && decision.action == Some(Action::EnrichAlert));
    if decisions.is_empty() {
        decisions.push(enrich(inputs, ReasonCode::NoProposal, "nobody proposed anything: the alert is enriched"));
    } else if denied && !enriched {
        decisions.push(enrich(inputs, ReasonCode::NoRungAllowed, "a proposal was denied: the alert is enriched"));
    }
    for decision in &mut decisions {
        let unavailable = nothing_available(inputs, decision);
        let note = note.as_deref().map(|detail| not_suppressed(decision, detail));
        decision.reasons.extend(unavailable.into_iter().chain(note));
    }
    decisions
}

/// Whether a decision acts when it is taken up: it executes or downgrades to an action past observe. What only observes
/// the host does itself.
#[must_use]
pub fn may_act(decision: &Decision) -> bool {
    is_automatic(decision.kind) && decision.action.is_some_and(is_past_observe)
}

/// Whether a decision of this kind needs no person.
fn is_automatic(kind: DecisionKind) -> bool {
    matches!(kind, DecisionKind::Execute | DecisionKind::Downgrade)
}

/// Why an incident can't be suppressed, if it can't.
fn exempt_from_suppression(inputs: &GateInputs) -> Option<String> {
    let class = inputs
        .incident
        .findings
        .iter()
        .map(|found| found.finding.signal_class)
        .find(|class| matches!(class, SignalClass::Federation | SignalClass::Credential | SignalClass::Evasion));
    let break_glass =
        inputs.incident.subjects.iter().any(|subject| {
            subject.identity.break_glass || subject.chain.iter().any(|member| member.identity.break_glass)
        });
    match class {
        Some(class) => Some(format!("class `{class}`")),
        None => break_glass.then(|| "break-glass in the chain".to_owned()),
    }
}

fn not_suppressed(decision: &Decision, detail: &str) -> Reason {
    let action = decision.action.or(decision.requested_action).unwrap_or(Action::EnrichAlert);
    Reason { code: ReasonCode::Suppressed, action, effect: Effect::Allow, detail: detail.to_owned() }
}

/// Why nothing past observe can follow a finding for want of a connector: a reason for each such action that the
/// finding's rule declares. None where a connector can do any of them, or the decision says so about the proposed one.
fn nothing_available(inputs: &GateInputs, decision: &Decision) -> Vec<Reason> {
    let anchor = about(inputs, decision.subject).find(|(place, _)| *place == decision.anchor);
    let authority = anchor.and_then(|(_, found)| inputs.authority(&found.finding.rule));
    let who = inputs.incident.subjects.get(decision.subject);
    let Some((authority, who)) = authority.zip(who) else { return Vec::new() };
    let Some(account) = &who.account else { return Vec::new() };
    let code = ReasonCode::ActionUnavailable;
    if decision.reasons.iter().any(|reason| reason.code == code) {
        return Vec::new();
    }
    let declared: Vec<Action> = authority.actions.iter().copied().filter(|action| is_past_observe(*action)).collect();
    // Actions that aren't rungs of the type count only where the rule declares no other.
    let rungs = who.identity.identity_type.rungs();
    let any_rung = declared.iter().any(|action| rungs.contains(action));
    let reasons: Option<Vec<Reason>> = declared
        .into_iter()
        .filter(|action| !any_rung || rungs.contains(action))
        .map(|action| {
            let detail = unavailable(inputs, who, account, action)?;
            Some(Reason { code, action, effect: Effect::Refuse, detail })
        })
        .collect();
    reasons.unwrap_or_default()
}

/// Whether an action challenges or contains.
fn is_past_observe(action: Action) -> bool {
    matches!(action.class(), ActionClass::Challenge | ActionClass::Contain)
}

/// The finding that the host's own decisions are about: the strongest, the earliest of equals.
fn strongest(inputs: &GateInputs) -> (usize, usize, u8) {
    let findings = inputs.incident.findings.iter().enumerate();
    findings
        .map(|(place, found)| (place, found.subject, effective_confidence(inputs, &found.finding)))
        .max_by_key(|(place, _, confidence)| (*confidence, std::cmp::Reverse(*place)))
        .unwrap_or_default()
}

fn suppressed(inputs: &GateInputs, why: &str) -> Decision {
    let (anchor, subject, confidence) = strongest(inputs);
    Decision {
        kind: DecisionKind::Suppress,
        response_rule: None,
        requested_action: None,
        action: None,
        subject,
        account: inputs.incident.subjects.get(subject).and_then(|who| who.account.clone()),
        lease: None,
        confidence,
        floor: 0,
        anchor,
        reasons: vec![Reason {
            code: ReasonCode::Suppressed,
            action: Action::EnrichAlert,
            effect: Effect::Refuse,
            detail: why.to_owned(),
        }],
    }
}

/// The host's own enrich-alert. It needs no rule's authority: it adds to an alert and touches no account.
fn enrich(inputs: &GateInputs, code: ReasonCode, why: &str) -> Decision {
    let (anchor, subject, confidence) = strongest(inputs);
    let who = inputs.incident.subjects.get(subject);
    let reason = |code, detail: String| Reason { code, action: Action::EnrichAlert, effect: Effect::Allow, detail };
    Decision {
        kind: DecisionKind::Execute,
        response_rule: None,
        requested_action: None,
        action: Some(Action::EnrichAlert),
        subject,
        account: who.and_then(|who| who.account.clone()),
        lease: None,
        confidence,
        floor: 0,
        anchor,
        reasons: vec![
            reason(code, why.to_owned()),
            reason(ReasonCode::ObserveExempt, "no cell is needed to observe".to_owned()),
            reason(ReasonCode::FloorMet, format!("confidence {confidence} reaches the floor 0")),
        ],
    }
}

fn decide_one(inputs: &GateInputs, proposal: &Proposal) -> Decision {
    let asked = judge(inputs, proposal.subject, proposal.action, &proposal.rule);
    let (kind, action, granted, reasons) = match asked.effect() {
        Effect::Allow => (DecisionKind::Execute, Some(proposal.action), None, Vec::new()),
        Effect::Approval => {
            let (kind, reason) = asks(inputs, proposal.subject, proposal.action, DecisionKind::Execute);
            (kind, Some(proposal.action), None, reason.into_iter().collect())
        }
        Effect::Refuse => match lower_rung(inputs, proposal) {
            Lower::Found(action, granted) => {
                let effect = granted.effect();
                let (kind, approved) = match effect {
                    Effect::Allow => (DecisionKind::Downgrade, None),
                    _ => asks(inputs, proposal.subject, action, DecisionKind::Downgrade),
                };
                let detail = format!(
                    "`{}` is refused: `{action}` is the highest lower rung that isn't refused",
                    proposal.action
                );
                let reason = Reason { code: ReasonCode::Downgraded, action, effect, detail };
                (kind, Some(action), Some(granted), approved.into_iter().chain([reason]).collect())
            }
            Lower::None(detail) => {
                let (code, action) = (ReasonCode::NoRungAllowed, proposal.action);
                (DecisionKind::Deny, None, None, vec![Reason { code, action, effect: Effect::Refuse, detail }])
            }
        },
    };
    let figures = granted.as_ref().unwrap_or(&asked);
    let (confidence, floor, anchor) = (figures.confidence, figures.floor, figures.anchor);
    let mut all = asked.reasons;
    all.extend(reasons);
    all.extend(granted.into_iter().flat_map(|granted| granted.reasons));
    let who = inputs.incident.subjects.get(proposal.subject);
    Decision {
        kind,
        response_rule: Some(proposal.rule.clone()),
        requested_action: Some(proposal.action),
        action,
        subject: proposal.subject,
        account: who.and_then(|who| who.account.clone()),
        lease: action.and_then(|action| lease(inputs, proposal, action)),
        confidence,
        floor,
        anchor,
        reasons: all,
    }
}

/// What becomes of an action that asks for approval: `then` where people gave it.
fn asks(inputs: &GateInputs, subject: usize, action: Action, then: DecisionKind) -> (DecisionKind, Option<Reason>) {
    match approved(inputs, subject, action) {
        Approved::No => (DecisionKind::AwaitApproval, None),
        Approved::Yes(reason) => (then, Some(reason)),
        Approved::Exceeded(reason) => (DecisionKind::AwaitApproval, Some(reason)),
    }
}

/// The search for a lower rung.
enum Lower {
    Found(Action, Judgement),
    /// None is allowed, for the reason given.
    None(String),
}

/// The highest allowed rung below the proposed one and above observe, on the same subject, never a less reversible one.
/// It is judged in full like any other.
fn lower_rung(inputs: &GateInputs, proposal: &Proposal) -> Lower {
    let Some(who) = inputs.incident.subjects.get(proposal.subject) else {
        return Lower::None("the incident has no such subject".to_owned());
    };
    let rungs = who.identity.identity_type.rungs();
    let Some(asked) = rungs.iter().position(|rung| *rung == proposal.action) else {
        return Lower::None(format!("`{}` is no rung, so none is below it", proposal.action));
    };
    let hardest = undoing(inputs, who, proposal.action);
    let mut refused = Vec::new();
    for rung in rungs.iter().take(asked).rev().copied().filter(|rung| rung.class() != ActionClass::Observe) {
        if undoing(inputs, who, rung) > hardest {
            refused.push(format!("`{rung}` (less reversible)"));
            continue;
        }
        let judged = judge(inputs, proposal.subject, rung, &proposal.rule);
        if judged.effect() != Effect::Refuse {
            return Lower::Found(rung, judged);
        }
        let code = judged.reasons.iter().find(|reason| reason.effect == Effect::Refuse);
        refused.push(format!("`{rung}` ({})", code.map_or("refused", |reason| reason.code.id())));
    }
    if refused.is_empty() {
        return Lower::None(format!("no rung lies between observe and `{}`", proposal.action));
    }
    Lower::None(format!("refused below it: {}", refused.join(", ")))
}

/// How hard an action is to undo, for the order that a downgrade must keep: for an interactive human, self-healing ranks
/// with reversible.
fn undoing(inputs: &GateInputs, who: &Subject, action: Action) -> Reversibility {
    match reversibility(capability(inputs, who, action)) {
        Reversibility::SelfHealing if is_interactive_human(who) => Reversibility::Reversible,
        other => other,
    }
}

/// None for observe actions; else the rule's lease or the operator's default, at most the operator's longest.
fn lease(inputs: &GateInputs, proposal: &Proposal, action: Action) -> Option<u32> {
    if action.class() == ActionClass::Observe {
        return None;
    }
    let wanted = proposal.lease.filter(|seconds| *seconds > 0).unwrap_or(inputs.policy.default_lease);
    Some(wanted.min(inputs.policy.longest_lease).max(1))
}
