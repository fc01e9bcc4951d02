//! Records other than findings and decisions in words.

use std::io;

use countersign_audit::Record;
use countersign_audit::record::{
    Component, ContextFile, DeadLetter, DiagnosticRecord, Generation, Header, HostFinding, Input, Migration,
    NotDeterministic, Parked, Quarantine, Readmitted, RuleStopped, Seal, SetAside, SourceStood, TimePassed,
    TokenChanged,
};
use countersign_declaration::quoted;
use countersign_formats::DeadReason;
use countersign_model::{Digest, Occasion, RuleId};
use countersign_session::report::describe_held;
use countersign_signing::Proof;

use crate::audit::standing::Numbered;
use crate::audit::words;
use crate::out::Out;
use crate::text;

use super::section;
use super::story::Rows;

/// Prints a record.
pub(super) fn print(out: &mut Out, record: &Record) -> io::Result<()> {
    let rows = match record {
        Record::Header(header) => self::header(header),
        Record::Generation(generation) => {
            section(out, "what serves from here on", &configuration(generation))?;
            return section(out, "rules", &rules(generation));
        }
        Record::Component(component) => self::component(component),
        Record::SetAside(row) => set_aside(row),
        Record::Quarantine(found) => quarantine(found),
        Record::Parked(found) => parked(found),
        Record::Readmitted(back) => readmitted(back),
        Record::NotDeterministic(found) => not_deterministic(found),
        Record::RuleStopped(stopped) => rule_stopped(stopped),
        Record::Diagnostic(said) => diagnostic(said),
        Record::DeadLetter(letter) => dead_letter(letter),
        Record::HostFinding(finding) => host_finding(finding),
        Record::Time(passed) => time(passed),
        Record::Source(stood) => source(stood),
        Record::Token(changed) => token(changed),
        Record::Migration(migrated) => migration(migrated),
        Record::Input(input) => self::input(input),
        Record::Seal(seal) => self::seal(seal),
        Record::Finding(_) | Record::Decision(_) => return Ok(()),
    };
    section(out, "what happened", &rows)
}

/// The generation that served; for findings and decisions with what it was made of.
pub(super) fn generation(generation: &Numbered<Generation>, in_full: bool) -> Rows {
    let record = &generation.record;
    let rules = text::count(record.rules.len() as u64, "rule");
    let since = text::number(record.position);
    let mut rows: Rows = vec![(
        "generation",
        format!("{}, which serves since position {since} (record {}), with {rules}", record.number, generation.seq),
    )];
    if in_full {
        rows.extend(made_of(record));
    }
    rows
}

fn configuration(record: &Generation) -> Rows {
    let mut rows: Rows = vec![
        ("generation", record.number.to_string()),
        ("from", format!("position {} in the stream", text::number(record.position))),
    ];
    rows.extend(made_of(record));
    rows.extend(record.context.iter().map(|ContextFile { table, content, kept }| {
        let kept = if *kept { "" } else { ", kept only as far as it was looked up" };
        ("context", format!("{table}: {content}{kept}"))
    }));
    rows
}

fn made_of(record: &Generation) -> Rows {
    let or_none = |name: Option<Digest>| name.map_or_else(|| "none".to_owned(), |name| name.to_string());
    vec![
        ("trust", or_none(record.trust)),
        ("policy", record.policy.to_string()),
        ("sources", or_none(record.sources)),
        ("directory", or_none(record.identities)),
        ("capabilities", record.capabilities.to_string()),
        ("versions", format!("engine {}, interface {}, gate {}", record.engine, record.interface, record.gate)),
    ]
}

fn rules(record: &Generation) -> Rows {
    let rules = record.rules.iter();
    rules
        .map(|rule| {
            let proof = rule.proof.map_or_else(String::new, |proof| match proof {
                Proof::Key(key) => format!(", signed by {key}"),
                other => format!(", {other}"),
            });
            let identity = &rule.identity;
            (rule.kind.id(), format!("{} {}, code {}{proof}", identity.id, identity.version, identity.code))
        })
        .collect()
}

fn header(header: &Header) -> Rows {
    let key = if header.private {
        "a private key of the operator's: evidence is read with `--audit-key`"
    } else {
        "the documented key: whoever guesses content can recognise it by its digest"
    };
    vec![
        ("written by", format!("{} {}, format {}", header.product, header.version, header.format)),
        ("digests", key.to_owned()),
        ("key", format!("fingerprint {}", header.digest_key)),
    ]
}

fn token(changed: &TokenChanged) -> Rows {
    let token = &changed.token;
    vec![
        ("token", words::brief(&token.id)),
        ("became", format!("{} by {}", token.change, words::brief(&token.by))),
        ("for", words::brief(&token.scope)),
        ("until", token.expires.to_string()),
        ("at", at(changed.position)),
    ]
}

fn component(record: &Component) -> Rows {
    vec![
        ("rule", record.rule.to_string()),
        ("at", at(record.position)),
        ("bytes", format!("the blob {}", record.component)),
        ("means", "the rule's bytes are on record before the first thing that it did, to be computed again".to_owned()),
    ]
}

fn set_aside(record: &SetAside) -> Rows {
    let SetAside { position, rule, occasion, event_id, failure, message } = record;
    let mut rows = row(*position, rule, occasion, event_id);
    rows.push(("failed", format!("{failure}: {}", failure.about())));
    rows.push(("says", words::message(message)));
    rows.push(("so", "this row is set aside for this rule, as if it hadn't come; all else goes on".to_owned()));
    rows
}

fn rule_stopped(record: &RuleStopped) -> Rows {
    let RuleStopped { position, rule, occasion, event_id, message, source, until } = record;
    let mut rows = row(*position, rule, occasion, event_id);
    rows.extend(source.as_ref().map(|source| ("source", quoted(source))));
    rows.push(("says", words::message(message)));
    let so = match until {
        Some(until) => format!("nothing of the source reaches it until {until}"),
        None => "it judges nothing more".to_owned(),
    };
    rows.push(("so", format!("the rule ran past the deadline of a call twice: {so}")));
    rows
}

fn quarantine(record: &Quarantine) -> Rows {
    let Quarantine { position, rule, failing_accounts, accounts, share, least, source, until } = record;
    let mut rows: Rows = vec![("rule", rule.to_string()), ("at", at(*position))];
    rows.extend(source.as_ref().map(|source| ("source", quoted(source))));
    rows.extend([
        (
            "failed",
            format!(
                "on rows that {} of {} accounts had authenticated; {share} % and at least {least} are too many",
                text::number(*failing_accounts),
                text::number(*accounts)
            ),
        ),
        (
            "so",
            match until {
                Some(until) => {
                    format!("the rule is in quarantine for the source until {until}: it judges none of its rows")
                }
                None => "the rule is in quarantine: its later findings are dropped".to_owned(),
            },
        ),
    ]);
    rows
}

fn parked(record: &Parked) -> Rows {
    let Parked { position, rule, source, rows, party, calls, until } = record;
    vec![
        ("rule", rule.to_string()),
        ("at", at(*position)),
        ("rows", describe_held(source, *rows, party.as_deref())),
        ("failed", format!("on rows that cost {} times the rule's fuel within an hour", text::number(*calls))),
        ("so", format!("the rule is parked for these rows until {until}: it judges none of them")),
    ]
}

fn readmitted(record: &Readmitted) -> Rows {
    let Readmitted { position, rule, source, rows, party, end } = record;
    vec![
        ("rule", rule.to_string()),
        ("at", at(*position)),
        ("rows", describe_held(source, *rows, party.as_deref())),
        ("because", format!("{end}: {}", end.about())),
        ("so", "these rows reach the rule again".to_owned()),
    ]
}

fn not_deterministic(record: &NotDeterministic) -> Rows {
    let NotDeterministic { position, rule, occasion, message } = record;
    vec![
        ("rule", rule.to_string()),
        ("at", at(*position)),
        ("because of", words::occasion(occasion)),
        ("says", words::message(message)),
        ("so", "asked the same again, the rule answered otherwise: what depends on it needs approval".to_owned()),
    ]
}

fn diagnostic(record: &DiagnosticRecord) -> Rows {
    vec![
        ("rule", record.rule.to_string()),
        ("at", at(record.position)),
        ("because of", words::occasion(&record.occasion)),
        ("level", record.level.to_string()),
        ("says", words::message(&record.message)),
        ("means", "the rule says this to its author; it changes nothing".to_owned()),
    ]
}

fn dead_letter(record: &DeadLetter) -> Rows {
    let DeadLetter { input, ordinal, offset, length, code, reason } = record;
    let about = DeadReason::from_id(code).map_or_else(String::new, |reason| format!(": {}", reason.about()));
    vec![
        ("record", format!("{ordinal} of input {input}, {} at byte {offset}", text::size(*length))),
        ("code", format!("{code}{about}")),
        ("says", words::message(reason)),
        ("so", "it became no event, and no rule saw it; the file of dead letters has its beginning".to_owned()),
    ]
}

fn host_finding(record: &HostFinding) -> Rows {
    let HostFinding { position, kind, signal_class, severity, rule, source, message } = record;
    let mut rows: Rows = vec![("kind", format!("{kind}: {}", kind.about()))];
    rows.extend(rule.as_ref().map(|rule| ("rule", rule.to_string())));
    rows.extend(source.as_ref().map(|source| ("source", quoted(source))));
    rows.push(("at", at(*position)));
    rows.push(("found", format!("{signal_class}, severity {severity}")));
    rows.push(("says", words::message(message)));
    rows.push(("means", "the host found this about itself: it has no subject, and a person should look".to_owned()));
    rows
}

fn time(record: &TimePassed) -> Rows {
    vec![
        ("clock", record.at.to_string()),
        ("before", at(record.position)),
        ("means", "time passed by the host's own clock while no event said so; timers that were due fired".to_owned()),
    ]
}

fn source(record: &SourceStood) -> Rows {
    let SourceStood { position, source, unwell } = record;
    let mut rows: Rows = vec![("source", quoted(source)), ("from", at(*position))];
    for one in unwell {
        rows.push(("is", format!("{}: {}", one.what, one.what.about())));
        rows.push(("since", one.since.to_string()));
        rows.push(("says", words::message(&one.why)));
    }
    rows.push((
        "means",
        if unwell.is_empty() {
            "it is well, as far as anybody watches it".to_owned()
        } else {
            "what rests on it needs approval until it is well again".to_owned()
        },
    ));
    rows
}

fn migration(record: &Migration) -> Rows {
    let Migration { position, rule, slot, migrated, failed } = record;
    vec![
        ("rule", rule.to_string()),
        ("slot", quoted(slot)),
        ("from", at(*position)),
        ("taken over", format!("state of {}, by the rule's own `migrate`", text::count(*migrated, "key"))),
        ("lost", format!("state of {}, which start over", text::count(*failed, "key"))),
    ]
}

fn input(record: &Input) -> Rows {
    let Input { input, records, duplicates, bytes, turned, content } = record;
    let mut rows = vec![
        ("input", format!("{input}, in the order of the command line")),
        ("records", format!("{}, {}", text::number(*records), text::size(*bytes))),
        ("duplicates", text::number(*duplicates)),
        ("content", content.to_string()),
        ("means", "the input was processed to its end".to_owned()),
    ];
    if *turned {
        rows.insert(2, ("order", "from its end: it is newest first".to_owned()));
    }
    rows
}

fn seal(record: &Seal) -> Rows {
    vec![
        ("records", format!("{} before it", text::number(record.records))),
        ("seal", record.seal.to_string()),
        ("means", "the file is finished: nothing comes after it".to_owned()),
    ]
}

/// A row that a rule was called with.
fn row(position: u64, rule: &RuleId, occasion: &Occasion, event_id: &str) -> Rows {
    vec![
        ("rule", rule.to_string()),
        ("event", format!("{}, {}", quoted(event_id), at(position))),
        ("because of", words::occasion(occasion)),
    ]
}

fn at(position: u64) -> String {
    format!("position {} in the stream", text::number(position))
}
