//! Which decisions have an intent, and under which key what they do is done once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;

use countersign_gate::{Reauthorised, RecordedInputs, decide, reauthorise};
use countersign_model::DecisionKind;
use countersign_policy::Reach;

use super::*;

/// Gate inputs of the audit file of commit 9f64855, with an account's reach known: so that one of their decisions acts.
fn inputs() -> GateInputs {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/audit/9f64855/run.audit.bundles");
    let blobs = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let mut all = blobs.filter_map(|blob| GateInputs::read(&blob).ok()).map(|mut inputs| {
        inputs.gate = countersign_gate::VERSION;
        inputs.capabilities.iter_mut().for_each(|row| row.reach = Reach::One);
        inputs
    });
    all.find(|inputs| decide(inputs).iter().any(disables)).unwrap()
}

fn disables(decision: &Decision) -> bool {
    decision.kind == DecisionKind::Execute && decision.action == Some(Action::DisableCredential)
}

fn drafts(inputs: &GateInputs, key: &DigestKey) -> Vec<(Decision, Option<IntentDraft>)> {
    let name = key.digest(&inputs.to_bytes().unwrap());
    (0..)
        .zip(decide(inputs))
        .map(|(index, decision)| {
            let draft = IntentDraft::new(inputs, name, index, &decision, key);
            (decision, draft)
        })
        .collect()
}

#[test]
fn exactly_the_decisions_that_may_act_have_one() {
    let inputs = inputs();
    let drafts = drafts(&inputs, &DigestKey::public());
    let with: Vec<Action> = drafts.iter().filter_map(|(decision, draft)| draft.as_ref().and(decision.action)).collect();
    assert_eq!(with, [Action::DisableCredential]);
    for (decision, draft) in &drafts {
        assert_eq!(draft.is_some(), may_act(decision), "{decision:?}");
    }
    assert!(drafts.iter().any(|(decision, draft)| decision.kind == DecisionKind::Execute && draft.is_none()));
}

#[test]
fn it_leads_back_to_its_decision() {
    let inputs = inputs();
    let key = DigestKey::public();
    let recorded = RecordedInputs::read(&inputs.to_bytes().unwrap(), &key).unwrap();
    for (number, (decision, draft)) in (100..).zip(drafts(&inputs, &key)) {
        let Some(draft) = draft else { continue };
        let intent = draft.into_intent(number);
        assert_eq!(intent.record, number);
        let answer = reauthorise(&recorded, &intent, inputs.clock, inputs.circumstances.clone()).unwrap();
        let Reauthorised::Unchanged(authorised) = answer else { panic!("{answer:?}") };
        assert_eq!((authorised.decision(), authorised.record()), (&decision, number));
        assert_eq!(authorised.idempotency_key(), intent.idempotency_key);
    }
}

#[test]
fn the_key_is_of_everything_that_makes_it_another_thing_to_do() {
    let inputs = inputs();
    let public = DigestKey::public();
    let decision = decide(&inputs).into_iter().find(disables).unwrap();
    let acts_on = target(&inputs, &decision).unwrap();
    let action = Action::DisableCredential;
    let of = |inputs: &GateInputs, action, acts_on: &ActionTarget, lease, key: &DigestKey| {
        idempotency_key(inputs, action, acts_on, lease, key).unwrap()
    };
    let same = of(&inputs, action, &acts_on, 0, &public);
    assert_eq!(same, of(&inputs.clone(), action, &acts_on, 0, &public));

    let finding = |change: fn(&mut countersign_model::Finding)| {
        let mut other = inputs.clone();
        change(&mut other.incident.findings[0].finding);
        of(&other, action, &acts_on, 0, &public)
    };
    let on = |change: fn(&mut ActionTarget)| {
        let mut other = acts_on.clone();
        change(&mut other);
        of(&inputs, action, &other, 0, &public)
    };
    let mut two = inputs.clone();
    two.incident.findings.push(two.incident.findings[0].clone());
    let mut keys = vec![
        same,
        of(&inputs, Action::SuspendAccount, &acts_on, 0, &public),
        of(&inputs, action, &acts_on, 1, &public),
        of(&inputs, action, &acts_on, 0, &DigestKey::private(&[7; 32]).unwrap()),
        of(&two, action, &acts_on, 0, &public),
        finding(|finding| finding.position += 1),
        finding(|finding| finding.index += 1),
        finding(|finding| finding.rule = "another/rule".parse().unwrap()),
        finding(|finding| finding.event_id.push('x')),
        finding(|finding| finding.event_time = finding.event_time.plus_micros(1)),
        on(|acts_on| acts_on.account.subject.push('x')),
        on(|acts_on| acts_on.account.tenant.push('x')),
        on(|acts_on| acts_on.level = TargetLevel::Session),
        on(|acts_on| acts_on.reference = Some("other".to_owned())),
        on(|acts_on| acts_on.reference = None),
    ];
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all);

    // What isn't part of the incident, the action or its target makes no difference: it is the same thing to do.
    let mut later = inputs.clone();
    later.clock = later.clock.plus_micros(60_000_000);
    later.incident.findings[0].finding.confidence = 1;
    assert_eq!(of(&later, action, &acts_on, 0, &public), same);
}
