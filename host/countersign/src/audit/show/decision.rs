//! A decision in words: the finding that it is about, what response rules asked for, and why the gate decided as it did.

use std::io;

use countersign_audit::record::DecisionRecord;
use countersign_declaration::quoted;
use countersign_gate::{GateInputs, answering_rules, may_act, target};
use countersign_model::response::ActionValue;
use countersign_model::time::format_duration;
use countersign_model::vocabulary::ActionClass;
use countersign_model::{Decision, DecisionKind, Effect, Proposal, RuleId};
use countersign_store::AuditLog;

use crate::decisions;
use crate::out::Out;
use crate::values::shorten;

use super::finding::{happened, recorded_subject, saw, subject};
use super::section;
use super::story::{DecisionEvidence, Rows, Story};

/// Prints a decision.
pub(super) fn print(out: &mut Out, log: &AuditLog, story: &Story<'_>, record: &DecisionRecord) -> io::Result<()> {
    let Some(based_on) = &story.based_on else { return Ok(()) };
    if let (Some(finding), Some(evidence)) = (story.finding, &story.evidence) {
        section(out, "what happened", &happened(&finding.record, evidence))?;
        section(out, "what the rule saw", &saw(evidence))?;
    }
    section(out, "whom it is about", &whom(story, based_on, record))?;
    section(out, "what was asked for", &asked(based_on))?;
    section(out, "why", &why(&record.decision))?;
    let title = format!("what was decided: {}", decisions::tone(record.decision.kind).paint(record.decision.kind));
    section(out, &title, &decided(log, based_on, record))
}

fn whom(story: &Story<'_>, based_on: &DecisionEvidence<'_>, record: &DecisionRecord) -> Rows {
    let directory = story.generation.is_some_and(|generation| generation.record.identities.is_some());
    let who = based_on.inputs.as_ref().ok().and_then(|inputs| inputs.incident.subjects.get(record.decision.subject));
    match (who, story.finding) {
        (Some(who), _) => subject(who, directory),
        (None, Some(finding)) => recorded_subject(&finding.record),
        (None, None) => vec![("account", crate::audit::words::account(record.decision.account.as_ref()))],
    }
}

/// Which response rules were asked, and what they proposed.
fn asked(based_on: &DecisionEvidence<'_>) -> Rows {
    let inputs = match &based_on.inputs {
        Ok(inputs) => inputs,
        Err(why) => return vec![("unknown", why.clone())],
    };
    let mut rules: Vec<&RuleId> = answering_rules(inputs).collect();
    rules.extend(based_on.responses.iter().map(|(response, _)| &response.rule.id));
    rules.sort();
    rules.dedup();
    let mut rows: Rows = Vec::new();
    for rule in rules {
        rows.extend(answer(based_on, inputs, rule));
    }
    if rows.is_empty() {
        rows.push(("nobody", "no response rule answers findings of this class about this type".to_owned()));
    }
    rows
}

fn answer(based_on: &DecisionEvidence<'_>, inputs: &GateInputs, rule: &RuleId) -> Rows {
    let response = based_on.responses.iter().find(|(response, _)| response.rule.id == *rule);
    let name = match response {
        Some((response, _)) => format!("{rule} {}", response.rule.version),
        None => rule.to_string(),
    };
    let mut rows: Rows = vec![("rule", name)];
    rows.extend(response.map(|(response, _)| ("its code", response.rule.code.to_string())));
    let proposals = inputs.proposals.iter().filter(|proposal| proposal.rule == *rule);
    let before = rows.len();
    rows.extend(proposals.map(|proposal| ("proposed", proposed(proposal))));
    let nothing = rows.len() == before;
    match response {
        Some((_, Ok(bundle))) => match &bundle.answer {
            Err(failure) => rows.push(("failed", format!("{}: {}", failure.kind, shorten(failure.message.clone())))),
            Ok(_) if nothing => rows.push(("proposed", "nothing".to_owned())),
            Ok(answer) => rows
                .extend(answer.diagnostics.iter().map(|said| ("logged", format!("{}: {}", said.level, said.message)))),
        },
        Some((_, Err(why))) => rows.push(("unknown", why.clone())),
        None if nothing => rows.push(("proposed", "nothing".to_owned())),
        None => {}
    }
    rows
}

fn proposed(proposal: &Proposal) -> String {
    let Proposal { action, parameters, lease, reason, .. } = proposal;
    let parameters = parameters.iter().map(|(name, value)| match value {
        ActionValue::Integer(number) => format!(", {name} {number}"),
        ActionValue::Text(text) => format!(", {name} {}", quoted(text)),
    });
    let parameters = parameters.collect::<String>();
    format!("`{action}`{}{parameters}: {}", lasting(*lease), shorten(reason.clone()))
}

/// How long something lasts, if it does.
fn lasting(lease: Option<u32>) -> String {
    lease.map_or_else(String::new, |seconds| format!(" for {}", format_duration(i64::from(seconds) * 1_000_000)))
}

/// Every reason, by what it did to the answer, the strictest first.
fn why(decision: &Decision) -> Rows {
    let mut rows: Rows = Vec::new();
    for (effect, name) in [(Effect::Refuse, "refused"), (Effect::Approval, "by approval"), (Effect::Allow, "allowed")] {
        let reasons = decision.reasons.iter().filter(|reason| reason.effect == effect);
        rows.extend(reasons.map(|reason| (name, format!("`{}`: {} [{}]", reason.action, reason.detail, reason.code))));
    }
    rows
}

/// What was decided, on what, and whether it may be done.
fn decided(log: &AuditLog, based_on: &DecisionEvidence<'_>, record: &DecisionRecord) -> Rows {
    let decision = &record.decision;
    let mut rows: Rows = vec![("so", in_words(decision))];
    let acts_on = based_on.inputs.as_ref().ok().and_then(|inputs| target(inputs, decision));
    if let Some(target) =
        acts_on.filter(|_| decision.action.is_some_and(|action| action.class() != ActionClass::Observe))
    {
        let reference = target.reference.map_or_else(String::new, |reference| format!(" {}", quoted(&reference)));
        rows.push(("acts on", format!("the {}{reference} of {}", target.level, target.account)));
    }
    rows.push(("confidence", format!("{}, held against the floor {}", decision.confidence, decision.floor)));
    rows.extend(based_on.inputs.as_ref().ok().map(|inputs| ("gate's clock", inputs.clock.to_string())));
    rows.push(("intent", intent(log, based_on, decision)));
    rows
}

fn in_words(decision: &Decision) -> String {
    let Decision { kind, requested_action, action, lease, .. } = decision;
    let requested = decisions::requested(*requested_action);
    let granted = action.map_or("nothing", |action| action.id());
    let lasting = lasting(*lease);
    match kind {
        DecisionKind::Execute if action.is_some_and(|action| action.class() == ActionClass::Observe) => {
            format!("`{granted}` is done: it informs people, and changes nothing")
        }
        DecisionKind::Execute => format!("`{granted}` is done as asked{lasting}, without a person"),
        DecisionKind::AwaitApproval if *requested_action == *action => {
            format!("a person must agree before `{granted}` is done{lasting}")
        }
        DecisionKind::AwaitApproval => {
            format!("`{requested}` is refused; a person must agree before `{granted}` is done instead{lasting}")
        }
        DecisionKind::Downgrade => format!("`{granted}` is done{lasting} instead of `{requested}`, without a person"),
        DecisionKind::Suppress => "it isn't reported again".to_owned(),
        DecisionKind::Deny => format!("`{requested}` isn't done, nor anything milder that contains or challenges"),
    }
}

fn intent(log: &AuditLog, based_on: &DecisionEvidence<'_>, decision: &Decision) -> String {
    match &based_on.intent {
        Ok(Some(intent)) => format!(
            "on record with the decision, to be done once under the key {}; this version executes nothing",
            intent.idempotency_key
        ),
        Err(why) => format!("can't be read: {why}"),
        Ok(None) if may_act(decision) && log.is_store() => "none in the store, though the decision may act".to_owned(),
        Ok(None) if may_act(decision) => "stores keep it, audit files don't; this version executes nothing".to_owned(),
        Ok(None) if decision.kind == DecisionKind::AwaitApproval => "none: it waits for a person".to_owned(),
        Ok(None) => "none: there is nothing to do past observing".to_owned(),
    }
}
