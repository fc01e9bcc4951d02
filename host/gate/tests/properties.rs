//! Properties of every decision, over random inputs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

use std::collections::{BTreeMap, BTreeSet};

#[path = "common/random.rs"]
mod random;

use countersign_gate::{
    Circumstances, Counted, GateInputs, Sources, combined_confidence, decide, effective_confidence,
};
use countersign_model::incident::Subject;
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, SignalClass, SubjectRole, Usage,
};
use countersign_model::{
    Ailment, Binding, ContextState, Decision, DecisionKind, Effect, Reason, ReasonCode, RuleId, SourceId,
};
use countersign_policy::{Answer, CellOutcome, Reach};
use proptest::prelude::*;
use random::{Random, SOURCES, identities_of, inputs, members};

fn touches(decision: &Decision) -> Option<Action> {
    decision.action.filter(|action| action.class() != ActionClass::Observe)
}

fn automatic(decision: &Decision) -> bool {
    matches!(decision.kind, DecisionKind::Execute | DecisionKind::Downgrade)
}

fn rung(who: &Subject, action: Action) -> usize {
    // A trust has a ladder of its own, with one rung past observe.
    let rungs = who.identity.identity_type.rungs();
    rungs.iter().position(|rung| *rung == action).unwrap_or(rungs.len())
}

fn reversibility(inputs: &GateInputs, who: &Subject, action: Action) -> Reversibility {
    let entry = inputs
        .capabilities
        .iter()
        .find(|entry| entry.action == action && entry.identity_type == who.identity.identity_type)
        .filter(|_| who.account.is_some());
    let found = entry.map_or(Reversibility::Irreversible, |entry| entry.reversibility);
    let interactive = who.identity.identity_type == IdentityType::Human && who.usage == Some(Usage::Interactive);
    if found == Reversibility::SelfHealing && interactive { Reversibility::Reversible } else { found }
}

fn cells<'i>(inputs: &'i GateInputs, decision: &Decision, action: Action) -> Vec<Option<&'i CellOutcome>> {
    let class = inputs.incident.findings[decision.anchor].finding.signal_class;
    let who = &inputs.incident.subjects[decision.subject];
    members(who).map(|member| inputs.policy.cell(class, member.identity_type, member.tier, action)).collect()
}

/// How much a decision does: the rung it grants, then whether it is automatic.
fn strength(inputs: &GateInputs, decision: &Decision) -> Option<(usize, bool)> {
    let action = touches(decision)?;
    Some((rung(&inputs.incident.subjects[decision.subject], action), automatic(decision)))
}

/// Takes some authority away.
fn shrink(inputs: &mut GateInputs, random: &mut Random) {
    let action = random.pick(Action::ALL);
    let place = random.below(inputs.rules.len());
    let identity_type = random.pick(IdentityType::ALL);
    match random.below(10) {
        0 => drop(inputs.rules[place].actions.remove(&action)),
        1 => drop(inputs.rules[place].grant.actions.remove(&action)),
        2 => drop(inputs.rules[place].identity_types.remove(&identity_type)),
        3 => inputs.rules[place].cap /= 2,
        4 => inputs.rules[place].floor = inputs.rules[place].floor.saturating_add(20).min(100),
        5 => drop(inputs.rules.remove(place)),
        6 => {
            let outcome = random.pick(&[0, 1, 2, 3, 4, 5, 6, 7]);
            inputs.policy.outcomes[outcome].answer = match inputs.policy.outcomes[outcome].answer {
                Answer::Automatic => Answer::Approval,
                _ => Answer::Never,
            };
        }
        7 => inputs.policy.cells.retain(|cell| cell.action != action),
        8 => {
            let outcome = random.below(8);
            inputs.policy.outcomes[outcome].floor = inputs.policy.outcomes[outcome].floor.saturating_add(25).min(100);
        }
        _ => {
            let outcome = random.below(8);
            inputs.policy.outcomes[outcome].max_age /= 2;
        }
    }
}

/// What the gate says about the action that was asked for, whatever else it grants: refused, by approval, automatic.
fn answer(decision: &Decision) -> u8 {
    match decision.kind {
        DecisionKind::Execute if decision.action == decision.requested_action => 2,
        DecisionKind::AwaitApproval if decision.action == decision.requested_action => 1,
        _ => 0,
    }
}

/// Makes something be believed less, in one way.
fn weaken(inputs: &mut GateInputs, random: &mut Random) {
    let found = random.below(inputs.incident.findings.len());
    let subject = random.below(inputs.incident.subjects.len());
    let rule = random.below(inputs.rules.len());
    let named = inputs.rules[rule].rule.clone();
    let (finding, who) = (&mut inputs.incident.findings[found], &mut inputs.incident.subjects[subject]);
    let line = &mut finding.finding.line;
    match random.below(20) {
        0 => finding.finding.evidence_role = EvidenceRole::MerelyNames,
        1 => who.evidence_role = EvidenceRole::MerelyNames,
        2 => line.evidence_role = EvidenceRole::MerelyNames,
        3 => line.unproved = true,
        4 => line.context = ContextState::Missing,
        5 => finding.finding.context = ContextState::Missing,
        6 => line.binding = line.binding.weakest(Binding::NOT_BOUND),
        7 => {
            let highest_class = random.pick(&[ActionClass::Observe, ActionClass::Challenge]);
            line.binding = line.binding.weakest(Binding { highest_class, ..Binding::BOUND });
        }
        8 => {
            let least = line.fed_by.entry(named).or_insert(100);
            *least /= 2;
        }
        9 => finding.rule_suspect = true,
        10 => finding.finding.confidence /= 2,
        // Its signature proves nothing any more, so it isn't loaded.
        11 => drop(inputs.rules.remove(rule)),
        12 => inputs.rules[rule].cap /= 2,
        // One that had nothing to say fails instead.
        13 => {
            let silent = |rule: &RuleId| !inputs.proposals.iter().any(|proposal| proposal.rule == *rule);
            inputs.failed_responses.extend(Some(named).filter(silent));
        }
        14 => who.usage = Some(random.pick(&[Usage::Programmatic, Usage::Delegated])),
        15 => (who.shared, who.named_by_provider) = (true, false),
        16 => who.temporary = true,
        17 => who.identity.protected = true,
        18 => {
            for capability in &mut inputs.capabilities {
                (capability.reach, capability.one_session) = (Reach::Unknown, false);
            }
        }
        _ => {
            for capability in &mut inputs.capabilities {
                capability.reversibility = Reversibility::Irreversible;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever is believed less, no single action becomes easier. What a response rule would have said that failed
    /// can't be known: that leaves approval, whatever it had asked for.
    #[test]
    fn believing_less_never_allows_more(seed: u64, taken: u64) {
        let before = inputs(seed);
        let mut after = before.clone();
        let random = &mut Random(taken);
        (0..=random.below(3)).for_each(|_| weaken(&mut after, random));
        let (much, little) = (decide(&before), decide(&after));
        for place in 0..before.proposals.len() {
            let (much, little) = (&much[place], &little[place]);
            prop_assert!(answer(little) <= answer(much), "{much:#?}\nbecame\n{little:#?}");
        }
    }

    /// Where another source isn't well no decision becomes easier, and what rests on it is never automatic.
    #[test]
    fn an_unwell_source_never_allows_more(seed: u64, unwell: u64) {
        let well = inputs(seed);
        let (source, ailment) = {
            let random = &mut Random(unwell);
            (SourceId::from(random.pick(&SOURCES)), random.pick(Ailment::ALL))
        };
        let sources = Sources::Unwell(BTreeMap::from([(source.clone(), BTreeSet::from([ailment]))]));
        let circumstances = Circumstances { sources, ..well.circumstances.clone() };
        let ill = GateInputs { circumstances, ..well.clone() };
        for (much, little) in decide(&well).iter().zip(&decide(&ill)) {
            prop_assert!(answer(little) <= answer(much), "{much:#?}\nbecame\n{little:#?}");
            prop_assert!(strength(&ill, little) <= strength(&well, much), "{much:#?}\nbecame\n{little:#?}");
            let rests_on = &ill.incident.findings[little.anchor].sources;
            let rests_on_it = rests_on.is_empty() || rests_on.contains(&source);
            prop_assert!(!rests_on_it || touches(little).is_none() || !automatic(little), "{little:#?}");
        }
    }

    /// Nothing past approval follows from what a source says that isn't bound, from acts that authenticated nobody, or while
    /// a response rule that policy names is silent for want of an answer.
    #[test]
    fn what_isnt_proved_is_never_automatic(seed: u64) {
        let inputs = inputs(seed);
        for decision in decide(&inputs).iter().filter(|decision| touches(decision).is_some() && automatic(decision)) {
            let finding = &inputs.incident.findings[decision.anchor].finding;
            let who = &inputs.incident.subjects[decision.subject];
            let line = &finding.line;
            prop_assert!(!line.unproved && line.binding.bound, "{decision:#?}");
            let roles = [finding.evidence_role, who.evidence_role, line.evidence_role];
            prop_assert!(!roles.contains(&EvidenceRole::MerelyNames), "{decision:#?}");
            let named = inputs.policy.responses(finding.signal_class, who.identity.identity_type);
            let failed = |rule: &RuleId| inputs.failed_responses.contains(rule) || inputs.authority(rule).is_none();
            prop_assert!(!named.unwrap_or_default().iter().any(failed), "{decision:#?}");
        }
    }

    #[test]
    fn authority_only_shrinks(seed: u64, taken: u64) {
        let before = inputs(seed);
        let mut after = before.clone();
        shrink(&mut after, &mut Random(taken));
        let (much, little) = (decide(&before), decide(&after));
        for place in 0..before.proposals.len() {
            let (much, little) = (&much[place], &little[place]);
            prop_assert!(strength(&before, little) <= strength(&before, much), "{much:#?}\nbecame\n{little:#?}");
        }
    }

    #[test]
    fn floors_are_never_passed_below(seed: u64) {
        let inputs = inputs(seed);
        for decision in &decide(&inputs) {
            let Some(action) = touches(decision) else { continue };
            let finding = &inputs.incident.findings[decision.anchor].finding;
            let alone = effective_confidence(&inputs, finding);
            let detection = inputs.authority(&finding.rule).unwrap().floor;
            let response = inputs.authority(decision.response_rule.as_ref().unwrap()).unwrap().floor;
            let policy = cells(&inputs, decision, action).iter().flatten().map(|cell| cell.floor).max().unwrap();
            prop_assert!(alone >= detection, "{decision:#?}");
            prop_assert!(decision.confidence >= response.max(policy), "{decision:#?}");
            prop_assert_eq!(decision.floor, detection.max(response).max(policy));
            if automatic(decision) {
                prop_assert!(alone >= decision.floor, "{decision:#?}");
            }
        }
    }

    #[test]
    fn nothing_passes_a_declaration_or_grant(seed: u64) {
        let inputs = inputs(seed);
        for decision in decide(&inputs).iter().filter(|decision| decision.response_rule.is_some()) {
            let Some(action) = decision.action else { continue };
            let finding = &inputs.incident.findings[decision.anchor].finding;
            let ty = inputs.incident.subjects[decision.subject].identity.identity_type;
            let detection = inputs.authority(&finding.rule).unwrap();
            let response = inputs.authority(decision.response_rule.as_ref().unwrap()).unwrap();
            let fed = detection.lineage.iter().map(|rule| inputs.authority(rule).unwrap());
            for rule in [detection, response].into_iter().chain(fed) {
                prop_assert!(rule.actions.contains(&action) && rule.grant.actions.contains(&action));
                prop_assert!(rule.identity_types.contains(&ty) && rule.grant.identity_types.contains(&ty));
                prop_assert!(rule.grant.signal_classes.contains(&finding.signal_class));
            }
            prop_assert!(response.signal_classes.contains(&finding.signal_class));
            let on_trust = action == Action::RestrictFederation
                && inputs.incident.subjects[decision.subject].trust.is_some();
            prop_assert!(action.class() != ActionClass::Remediate && (ty.rungs().contains(&action) || on_trust));
        }
    }

    #[test]
    fn what_must_never_be_automatic_never_is(seed: u64) {
        let inputs = inputs(seed);
        for decision in &decide(&inputs) {
            let Some(action) = touches(decision) else { continue };
            let contains = action.class() == ActionClass::Contain;
            let who = &inputs.incident.subjects[decision.subject];
            let found = &inputs.incident.findings[decision.anchor];
            // Refused even with approval.
            prop_assert!(who.account.is_some());
            let merely = who.evidence_role.min(found.finding.evidence_role) == EvidenceRole::MerelyNames;
            prop_assert!(!(contains && merely));
            prop_assert!(!(contains && who.role == SubjectRole::Source));
            prop_assert!(!(contains && found.finding.context == ContextState::Missing));
            let cells = cells(&inputs, decision, action);
            prop_assert!(cells.iter().all(|cell| cell.is_some_and(|cell| cell.answer != Answer::Never)));
            if !automatic(decision) {
                continue;
            }
            prop_assert!(!members(who).any(|member| member.protected || member.break_glass));
            prop_assert!(!(contains && members(who).any(|member| member.identity_type == IdentityType::Unknown)));
            prop_assert_eq!(reversibility(&inputs, who, action), Reversibility::Reversible);
            prop_assert!(!found.rule_suspect);
            // No connector was asked.
            let ty = who.identity.identity_type;
            let row = inputs.capabilities.iter().find(|row| row.action == action && row.identity_type == ty);
            prop_assert!(!contains || row.is_some_and(|row| row.reach == Reach::One));
            let age = inputs.clock.micros_since(found.finding.event_time);
            for cell in cells.into_iter().flatten() {
                prop_assert_eq!(cell.answer, Answer::Automatic);
                prop_assert!(!cell.review_by.as_ref().unwrap().is_over(inputs.clock));
                prop_assert!(!contains || age.abs() <= cell.max_age);
            }
        }
    }

    #[test]
    fn a_downgrade_is_lower_and_no_harder_to_undo(seed: u64) {
        let inputs = inputs(seed);
        for decision in &decide(&inputs) {
            let (Some(asked), Some(granted)) = (decision.requested_action, decision.action) else { continue };
            if asked == granted {
                continue;
            }
            let who = &inputs.incident.subjects[decision.subject];
            prop_assert!(matches!(decision.kind, DecisionKind::Downgrade | DecisionKind::AwaitApproval));
            prop_assert!(granted.class() != ActionClass::Observe);
            prop_assert!(rung(who, granted) < rung(who, asked));
            prop_assert!(reversibility(&inputs, who, granted) <= reversibility(&inputs, who, asked));
            prop_assert_eq!(&decision.account, &who.account);
        }
    }

    #[test]
    fn decisions_are_whole(seed: u64) {
        let inputs = inputs(seed);
        let decisions = decide(&inputs);
        prop_assert!(decisions.len() >= inputs.proposals.len() && decisions.len() <= inputs.proposals.len() + 1);
        for (decision, proposal) in decisions.iter().zip(&inputs.proposals) {
            prop_assert_eq!(decision.requested_action, Some(proposal.action));
            prop_assert_eq!(decision.response_rule.as_ref(), Some(&proposal.rule));
        }
        for decision in &decisions {
            prop_assert!(!decision.reasons.is_empty());
            let about = |action: Option<Action>| {
                decision.reasons.iter().filter(|reason| Some(reason.action) == action).map(|reason| reason.effect).max()
            };
            let expected = match decision.kind {
                DecisionKind::Execute | DecisionKind::Downgrade => Some(Effect::Allow),
                DecisionKind::AwaitApproval => Some(Effect::Approval),
                DecisionKind::Suppress | DecisionKind::Deny => None,
            };
            prop_assert_eq!(about(decision.action), expected, "{:#?}", decision);
            if decision.action != decision.requested_action && decision.requested_action.is_some() {
                prop_assert_eq!(about(decision.requested_action), Some(Effect::Refuse));
            }
            prop_assert_eq!(decision.lease.is_some(), touches(decision).is_some());
            prop_assert!(decision.lease.is_none_or(|lease| lease <= inputs.policy.longest_lease));
        }
    }

    #[test]
    fn what_no_connector_can_do_is_among_the_reasons(seed: u64) {
        let with = inputs(seed);
        let without = GateInputs { capabilities: Vec::new(), ..with.clone() };
        for decision in &decide(&without) {
            let who = &without.incident.subjects[decision.subject];
            let finding = &without.incident.findings[decision.anchor];
            let Some(authority) = without.authority(&finding.finding.rule) else { continue };
            if who.account.is_none() || finding.subject != decision.subject {
                continue;
            }
            let unavailable: Vec<Action> = decision
                .reasons
                .iter()
                .filter(|reason| reason.code == ReasonCode::ActionUnavailable && reason.effect == Effect::Refuse)
                .map(|reason| reason.action)
                .collect();
            let past_observe = |action: &Action| matches!(action.class(), ActionClass::Challenge | ActionClass::Contain);
            let rungs = who.identity.identity_type.rungs();
            let mut declared = authority.actions.iter().filter(|action| past_observe(action) && rungs.contains(action));
            let proposed = decision.requested_action.filter(|action| unavailable.contains(action));
            prop_assert!(
                proposed.is_some() || declared.all(|action| unavailable.contains(action)),
                "{:#?}",
                decision
            );
        }
        // Reasons are only added, and never to a decision that leads past observe.
        for decision in &decide(&with) {
            let allowed = |reason: &Reason| Some(reason.action) != decision.action;
            let mut unavailable =
                decision.reasons.iter().filter(|reason| reason.code == ReasonCode::ActionUnavailable);
            prop_assert!(unavailable.all(allowed), "{:#?}", decision);
        }
    }

    #[test]
    fn stored_inputs_decide_the_same(seed: u64) {
        let inputs = inputs(seed);
        let text = serde_json::to_string(&inputs).unwrap();
        let back: GateInputs = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &inputs);
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), text.clone());
        prop_assert_eq!(decide(&inputs), decide(&back));
        let extended = text.replacen('{', "{\"more\":1,", 1);
        prop_assert!(serde_json::from_str::<GateInputs>(&extended).is_err());
    }

    #[test]
    fn combined_confidence_is_monotone(
        findings in prop::collection::vec((0u8..=100, 0usize..4, 0usize..3, 0usize..3, any::<bool>()), 0..8),
        more in (0u8..=100, 0usize..4, 0usize..3, 0usize..3, any::<bool>()),
        raise in (0usize..8, 0u8..=100),
    ) {
        const EVENTS: [&str; 4] = ["a", "b", "c", "d"];
        const PUBLISHERS: [(&str, bool); 3] = [("p", false), ("q", true), ("r", false)];
        let counted = |(confidence, event, class, publisher, _): &(u8, usize, usize, usize, bool)| Counted {
            confidence: *confidence,
            event_id: EVENTS[*event],
            class: [SignalClass::Token, SignalClass::SignIn, SignalClass::Evasion][*class],
            publisher: PUBLISHERS[*publisher].0,
            exempt_from_grouping: PUBLISHERS[*publisher].1,
        };
        let mut some: Vec<Counted<'_>> = findings.iter().map(counted).collect();
        let before = combined_confidence(&some);
        prop_assert!(before <= 95);
        prop_assert!(some.iter().all(|found| before >= found.confidence.min(95)));
        some.push(counted(&more));
        prop_assert!(combined_confidence(&some) >= before);
        some.pop();
        let least = combined_confidence(&some.iter().map(|found| Counted { confidence: found.confidence / 2, ..*found }).collect::<Vec<_>>());
        prop_assert!(least <= before);
        if let Some(found) = some.get_mut(raise.0) {
            found.confidence = found.confidence.max(raise.1);
        }
        prop_assert!(combined_confidence(&some) >= before);
    }
}

#[test]
fn combined_confidence_is_as_defined() {
    let found = |confidence, event_id, class, publisher, exempt_from_grouping| Counted {
        confidence,
        event_id,
        class,
        publisher,
        exempt_from_grouping,
    };
    use SignalClass::{SignIn, Token};
    for (findings, expected) in [
        (vec![], 0),
        (vec![found(60, "a", Token, "p", false)], 60),
        (vec![found(98, "a", Token, "p", false)], 95),
        (vec![found(60, "a", Token, "p", false), found(70, "b", SignIn, "q", false)], 88),
        (vec![found(60, "a", Token, "p", false), found(70, "a", SignIn, "q", false)], 70),
        (vec![found(60, "a", Token, "p", false), found(70, "b", Token, "q", false)], 70),
        (vec![found(60, "a", Token, "p", false), found(70, "b", SignIn, "p", false)], 70),
        (vec![found(60, "a", Token, "p", true), found(70, "b", SignIn, "p", true)], 88),
        (vec![found(90, "a", Token, "p", true), found(90, "b", SignIn, "p", true)], 95),
    ] {
        assert_eq!(combined_confidence(&findings), expected, "{findings:?}");
    }
}

/// The properties mean something only if the inputs reach every kind of decision.
#[test]
fn random_inputs_reach_every_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    let mut chains = 0;
    for seed in 0..3_000 {
        let inputs = inputs(seed);
        chains += usize::from(identities_of(&inputs.incident).count() > inputs.incident.subjects.len());
        for decision in decide(&inputs).iter().filter(|decision| touches(decision).is_some()) {
            *kinds.entry(decision.kind).or_insert(0) += 1;
        }
    }
    assert!(chains > 100);
    for kind in [DecisionKind::Execute, DecisionKind::AwaitApproval, DecisionKind::Downgrade] {
        assert!(kinds.get(&kind).is_some_and(|count| *count > 50), "{kinds:?}");
    }
}
