//! A finding in words: which event led to it by which rule, what the rule saw, and whom it is about.

use std::io;

use countersign_audit::record::FindingRecord;
use countersign_casework::bundle::FindingBundle;
use countersign_declaration::{Declaration, quoted};
use countersign_model::call::RowKind;
use countersign_model::incident::{ChainIdentity, Subject};
use countersign_model::vocabulary::{ActionClass, EvidenceRole};
use countersign_model::{ContextState, Identity, Line};

use crate::audit::words;
use crate::calls;
use crate::out::Out;
use crate::text;
use crate::values::shorten;

use super::section;
use super::story::{FindingEvidence, Rows, Story};

/// So many events that show a finding are listed.
const MAX_EVIDENCE: usize = 20;

/// Prints a finding.
pub(super) fn print(out: &mut Out, story: &Story<'_>, record: &FindingRecord) -> io::Result<()> {
    let Some(evidence) = &story.evidence else { return Ok(()) };
    section(out, "what happened", &happened(record, evidence))?;
    section(out, "what the rule saw", &saw(evidence))?;
    let who = match &evidence.bundle {
        Ok(bundle) => subject(&bundle.subject, story.generation.is_some_and(|one| one.record.identities.is_some())),
        Err(_) => recorded_subject(record),
    };
    section(out, "whom it is about", &who)
}

/// Which event led to the finding, by which rule, and what the finding says.
pub(super) fn happened(record: &FindingRecord, evidence: &FindingEvidence) -> Rows {
    let bundle = evidence.bundle.as_ref().ok();
    let declaration = evidence.declaration.as_ref().ok();
    let position = text::number(record.position);
    let mut rows: Rows = vec![(
        "event",
        format!("{} at {}, position {position} in the stream", quoted(&record.event_id), record.event_time),
    )];
    rows.extend(bundle.and_then(|bundle| bundle.source.as_ref()).map(|source| ("source", quoted(source))));
    let description =
        declaration.map_or_else(String::new, |rule| format!(": {}", text::first_sentence(&rule.description)));
    match bundle.map(|bundle| &bundle.rule) {
        Some(identity) => {
            rows.push(("rule", format!("{} {}{description}", identity.id, identity.version)));
            rows.push(("its code", identity.code.to_string()));
        }
        None => rows.push(("rule", format!("{}{description}", record.rule))),
    }
    rows.push(("because of", words::occasion(&record.occasion)));
    rows.push((
        "found",
        format!("{}, severity {}, confidence {}", record.signal_class, record.severity, record.confidence),
    ));
    rows.extend(bundle.map(|bundle| ("says", words::message(&bundle.finding.message))));
    if !record.techniques.is_empty() {
        rows.push(("techniques", record.techniques.join(", ")));
    }
    for (place, event) in record.evidence.iter().take(MAX_EVIDENCE).enumerate() {
        let name = if place == 0 { "shown by" } else { "" };
        rows.push((name, format!("{} at {}", quoted(&event.event_id), event.event_time)));
    }
    let more = record.evidence.len().saturating_sub(MAX_EVIDENCE);
    if more > 0 {
        rows.push(("", format!("and {}: `--json` has all", text::count(more as u64, "more event"))));
    }
    if record.context == ContextState::Missing {
        let missing = "some that the rule declares was missing or too old, so the decision is a challenge at most";
        rows.push(("context", missing.to_owned()));
    }
    rows.extend(bundle.iter().flat_map(|bundle| line(&bundle.finding.line)).map(|weak| ("made of", weak)));
    if bundle.is_some_and(|bundle| bundle.rule_suspect) {
        let suspect = "the rule, or one that feeds it, was in quarantine, stopped or not deterministic";
        rows.push(("but", suspect.to_owned()));
    }
    rows
}

/// What weakens a finding's line.
fn line(line: &Line) -> Vec<String> {
    let Line { evidence_role, unproved, context, binding, fed_by } = line;
    let mut weak: Vec<String> =
        fed_by.iter().map(|(rule, least)| format!("findings of {rule}, of confidence {least} or more")).collect();
    let mut add = |is_weak: bool, what: &str| weak.extend(is_weak.then(|| what.to_owned()));
    add(*evidence_role == EvidenceRole::MerelyNames, "a finding that merely names its subject");
    add(*unproved, "acts that authenticated nobody");
    add(*context == ContextState::Missing, "a finding whose context was missing");
    add(!binding.bound, "records of a source that isn't bound to the account's tenant");
    if binding.bound && binding.highest_class < ActionClass::Contain {
        weak.push(format!("records of a source that may lead to class {} at most", binding.highest_class));
    }
    weak
}

/// What the rule was called with.
pub(super) fn saw(evidence: &FindingEvidence) -> Rows {
    match (&evidence.bundle, &evidence.declaration) {
        (Ok(bundle), Ok(rule)) => call(rule, bundle),
        (Err(why), _) => vec![("unknown", why.clone())],
        (Ok(bundle), Err(why)) => {
            let fields = text::count(bundle.call.batch.columns.len() as u64, "field");
            vec![("unknown", format!("it was shown {fields}, whose names can't be read: {why}"))]
        }
    }
}

fn call(rule: &Declaration, bundle: &FindingBundle) -> Rows {
    let call = &bundle.call;
    let mut rows: Rows = Vec::new();
    if let Some(RowKind::Late) = call.batch.rows.kinds.as_ref().and_then(|kinds| kinds.first()) {
        rows.push(("the event", "came late: it is older than the watermark of its source".to_owned()));
    }
    rows.extend(calls::columns(rule, call).map(|(path, value)| (path, calls::value(value.as_ref()))));
    rows.extend(calls::state(rule, call).map(|state| ("state before", state)));
    let parameters = rule.parameters.iter().zip(&call.parameters);
    rows.extend(
        parameters.map(|(declared, value)| {
            ("parameter", format!("`{}`: {}", declared.name, shorten(&calls::parameter(value))))
        }),
    );
    rows.extend(calls::context(rule, call).map(|table| ("context", table)));
    rows
}

/// A subject with what the directory says about it.
pub(super) fn subject(subject: &Subject, directory: bool) -> Rows {
    let tie = match subject.evidence_role {
        EvidenceRole::AuthenticatedAs => "which authenticated it",
        EvidenceRole::MerelyNames => "which the evidence merely names: a challenge at most",
    };
    let mut rows: Rows = vec![
        ("account", words::account(subject.account.as_ref())),
        ("part", format!("the {} of the event, {tie}", subject.role)),
        ("directory", identity(&subject.identity, directory)),
        ("used", subject.usage.map_or_else(|| "not in this event".to_owned(), |usage| usage.to_string())),
    ];
    let parts = [
        ("session", &subject.session),
        ("token", &subject.token),
        ("grant", &subject.grant),
        ("trust", &subject.trust),
    ];
    rows.extend(parts.into_iter().filter_map(|(name, part)| Some((name, quoted(part.as_ref()?)))));
    if subject.temporary {
        rows.push(("temporary", "the token goes with its session: it can't be disabled alone".to_owned()));
    }
    if subject.shared {
        rows.push(("shared", "several may use this principal: containing it hits them all".to_owned()));
    }
    for ChainIdentity { role, account, identity: member } in &subject.chain {
        let account = words::account(account.as_ref());
        rows.push(("chain", format!("{role}: {account}: {}", identity(member, directory))));
    }
    rows
}

/// What is known about an identity.
fn identity(identity: &Identity, directory: bool) -> String {
    let Identity { directory_id, identity_type, tier, environment, owner, protected, break_glass } = identity;
    let facts = match directory_id {
        Some(id) => format!("{}: {identity_type}, tier {tier}", quoted(id)),
        None if directory => {
            format!("doesn't know it: type {identity_type} is all that the record proves, and tier {tier}")
        }
        None => format!("none was given: type {identity_type} is all that the record proves, and tier {tier}"),
    };
    let more = [
        environment.as_ref().map(|environment| format!("environment {}", quoted(environment))),
        owner.as_ref().map(|owner| format!("owner {}", quoted(owner))),
        protected.then(|| "protected".to_owned()),
        break_glass.then(|| "break-glass".to_owned()),
    ];
    std::iter::once(facts).chain(more.into_iter().flatten()).collect::<Vec<_>>().join(", ")
}

/// A subject as far as a finding's record tells.
pub(super) fn recorded_subject(record: &FindingRecord) -> Rows {
    vec![
        ("account", words::account(record.account.as_ref())),
        ("part", format!("the {} of the event, {}", record.role, record.evidence_role)),
    ]
}
