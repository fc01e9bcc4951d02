//! Records in words: one line each, and what they have in common.

use countersign_audit::Record;
use countersign_audit::record::{DecisionRecord, FindingRecord};
use countersign_declaration::quoted;
use countersign_model::{Account, Occasion, SourceId};
use countersign_session::report::describe_held;

use crate::decisions;
use crate::text;
use crate::values::shorten;

/// So many characters of a message are shown.
const MAX_MESSAGE: usize = 2_000;

/// The position in the stream that a record is about.
pub(super) fn position(record: &Record) -> Option<u64> {
    match record {
        Record::Generation(record) => Some(record.position),
        Record::Component(record) => Some(record.position),
        Record::Finding(record) => Some(record.position),
        Record::Decision(record) => record.incident.get(record.decision.anchor).map(|anchor| anchor.position),
        Record::SetAside(record) => Some(record.position),
        Record::Quarantine(record) => Some(record.position),
        Record::Parked(record) => Some(record.position),
        Record::Readmitted(record) => Some(record.position),
        Record::NotDeterministic(record) => Some(record.position),
        Record::RuleStopped(record) => Some(record.position),
        Record::Diagnostic(record) => Some(record.position),
        Record::HostFinding(record) => Some(record.position),
        Record::Time(record) => Some(record.position),
        Record::Source(record) => Some(record.position),
        Record::Token(record) => Some(record.position),
        Record::Migration(record) => Some(record.position),
        Record::Header(_) | Record::DeadLetter(_) | Record::Input(_) | Record::Seal(_) => None,
    }
}

/// A record in one line.
pub(super) fn summary(record: &Record) -> String {
    match record {
        Record::Header(header) => format!("{} {} began to write", header.product, header.version),
        Record::Generation(generation) => {
            let rules = text::count(generation.rules.len() as u64, "rule");
            format!("generation {} takes effect: {rules}", generation.number)
        }
        Record::Component(_) => "the bytes of its component are on record".to_owned(),
        Record::Finding(finding) => finding_summary(finding),
        Record::Decision(decision) => decision_summary(decision, &account(decision.decision.account.as_ref())),
        Record::SetAside(row) => {
            format!("{} on event {}: {}", row.failure, quoted(&row.event_id), brief(&row.message))
        }
        Record::Quarantine(found) => format!(
            "in quarantine for {}: it failed on rows of {} of {} accounts",
            source(found.source.as_ref()),
            text::number(found.failing_accounts),
            text::number(found.accounts)
        ),
        Record::Parked(parked) => format!(
            "parked for {}: rows on which it failed cost {} times its fuel",
            describe_held(&parked.source, parked.rows, parked.party.as_deref()),
            text::number(parked.calls)
        ),
        Record::Readmitted(back) => {
            let rows = describe_held(&back.source, back.rows, back.party.as_deref());
            format!("{rows} reach it again: {}", back.end.about())
        }
        Record::NotDeterministic(found) => brief(&found.message),
        Record::RuleStopped(stopped) => format!(
            "stopped for {} on event {}: {}",
            source(stopped.source.as_ref()),
            quoted(&stopped.event_id),
            brief(&stopped.message)
        ),
        Record::Diagnostic(said) => format!("{}: {}", said.level, brief(&said.message)),
        Record::DeadLetter(letter) => {
            format!("record {} of input {}: {}: {}", letter.ordinal, letter.input, letter.code, brief(&letter.reason))
        }
        Record::HostFinding(finding) => brief(&finding.message),
        Record::Time(passed) => format!("the host's clock shows {}", passed.at),
        Record::Source(stood) if stood.unwell.is_empty() => format!("{} is well", quoted(&stood.source)),
        Record::Source(stood) => {
            let unwell: Vec<String> = stood.unwell.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
            format!("{} is {}", quoted(&stood.source), brief(&unwell.join("; ")))
        }
        Record::Token(changed) => {
            let token = &changed.token;
            format!(
                "token {} for {} was {} by {}",
                brief(&token.id),
                brief(&token.scope),
                token.change,
                brief(&token.by)
            )
        }
        Record::Migration(migration) => format!(
            "state of `{}`: {} taken over, {} lost",
            migration.slot,
            text::count(migration.migrated, "key"),
            text::number(migration.failed)
        ),
        Record::Input(input) => format!("input {} ended after {}", input.input, text::count(input.records, "record")),
        Record::Seal(seal) => format!("the file is finished after {}", text::count(seal.records, "record")),
    }
}

/// The source that a record is about; files of format 3 and earlier name none.
fn source(source: Option<&SourceId>) -> String {
    source.map_or_else(|| "all sources".to_owned(), |source| quoted(source))
}

fn finding_summary(finding: &FindingRecord) -> String {
    let FindingRecord { signal_class, severity, confidence, event_id, .. } = finding;
    let account = account(finding.account.as_ref());
    format!(
        "{signal_class}, severity {severity}, confidence {confidence}, about {account} on event {}",
        quoted(event_id)
    )
}

/// A decision about somebody.
pub(super) fn decision_summary(record: &DecisionRecord, who: &str) -> String {
    let decision = &record.decision;
    let decided = decisions::decided(decision.kind, decision.requested_action, decision.action);
    match decision.requested_action {
        Some(requested) => format!("{requested} for {who}: {decided}"),
        None => format!("{decided} for {who}"),
    }
}

/// A message on one line, cut where it is long.
pub(super) fn brief(message: &str) -> String {
    shorten(&message.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A message, cut where it is very long.
pub(super) fn message(message: &str) -> String {
    text::cut(message, MAX_MESSAGE)
}

/// An account's text.
pub(super) fn account(account: Option<&Account>) -> String {
    account.map_or_else(|| "an unresolved account".to_owned(), ToString::to_string)
}

/// Why a row came to a rule.
pub(super) fn occasion(occasion: &Occasion) -> String {
    match occasion {
        Occasion::Event => "the event itself".to_owned(),
        Occasion::Timer { id, at } => format!("the timer {} was due at {at}; an earlier row had set it", quoted(id)),
        Occasion::Finding { rule, index } => {
            format!("finding {index} of `{rule}` on the event, which it subscribes to")
        }
    }
}
