//! Windows Security: events of the channel `Security`, those of AD FS among them, as collectors write them in JSON.

pub(crate) mod accounts;
mod authenticated;
mod chain;
mod fields;
mod kinds;
mod opened;
mod outcome;
mod positions;
mod record;
mod time;

use std::borrow::Cow;

use countersign_model::vocabulary::Usage;
use countersign_model::{Actor, Target, TimeZone};

use crate::intern::Interner;
use crate::normalise::{Draft, FieldRow, JsonFormat};
use crate::signs::{Signs, TopLevel};
use crate::{DeadReason, Fault, documentation};
use accounts::Party;
use kinds::{Kind, Writer};
use outcome::Outcome;
use record::{Record, trimmed};
use time::When;

/// The format `windows-security`.
///
/// A record may carry the generator's member `countersign.ingestTime` (RFC 3339), which is then the event's ingest time.
#[derive(Clone, Copy, Debug)]
pub struct WindowsSecurity;

/// An audited act, as its record describes it.
pub(crate) struct Audit<'a> {
    record: Record<'a>,
    id: u64,
    kind: &'static Kind,
    when: When,
    host: Option<Cow<'a, str>>,
    actor: Party<'a>,
    target: Party<'a>,
    outcome: Outcome,
    authenticated: bool,
    usage: Usage,
    /// The number, for the field; see [`event_code`].
    code: String,
}

impl JsonFormat for WindowsSecurity {
    const NAME: &'static str = "windows-security";
    const ABOUT: &'static str =
        "events of the Windows channel Security as JSON, as nxlog, Winlogbeat and others write them";
    const PROVIDER: Option<&'static str> = Some("windows");
    const SIGNS: Signs = Signs {
        text: "`EventID`, `EventCode` or `Id` with a channel, a provider or `TimeCreated`; `winlog`; `System` or `Event` with what an event has in it; `win`; in any spelling",
        are_in: has_signs,
    };
    const FIELDS: &'static [FieldRow<WindowsSecurity>] = fields::FIELDS;
    type Read<'a> = Audit<'a>;

    fn tables() -> Vec<documentation::Table> {
        tables()
    }

    fn opened(raw: &str) -> Option<String> {
        opened::opened(raw)
    }

    fn read<'a>(raw: &'a str, zone: Option<&TimeZone>) -> Result<Audit<'a>, Fault> {
        let record = Record::of(raw)?;
        let when = time::when(&record, zone)?;
        let id = record.number().ok_or_else(|| {
            Fault::new(DeadReason::EventNameMissing, "expected a number in `EventID` or what stands for it, got none")
        })?;
        let writer = kinds::writer(&record);
        let record = if writer == Writer::Foreign { Record::foreign(raw)? } else { record };
        let kind = kinds::kind_of(writer, id);
        if writer == Writer::Auditing && !record.has_own && (record.has_unread || kind.has_accounts()) {
            let detail =
                format!("expected the data of event {id} by name, or by position as its template has them, got none");
            return Err(Fault::new(DeadReason::EventDataUnread, detail));
        }
        let actor = Party::new(&record, kind.actor);
        let mut target = Party::new(&record, kind.target);
        if id == LOCKED_OUT {
            (target.domain, target.domain_member) = Default::default();
        }
        let outcome = outcome::outcome(&record, id, kind);
        let authenticated = authenticated::authenticated(&record, id, &actor, outcome.success);
        let usage = outcome::usage(&record, id);
        let code = event_code(&record, writer, id);
        Ok(Audit {
            host: record.host_name(),
            id,
            kind,
            when,
            actor,
            target,
            outcome,
            authenticated,
            usage,
            code,
            record,
        })
    }

    fn draft(audit: &Audit<'_>, texts: &mut Interner) -> Draft {
        let Audit { actor, target, .. } = audit;
        let host = audit.host.as_deref();
        Draft {
            id: id(audit).map(Into::into),
            tenant: host.map(|host| texts.share(&domain(host).unwrap_or(host).to_ascii_lowercase())),
            class: audit.kind.class,
            time: audit.when.time,
            certainty: audit.when.certainty,
            receipt_time: audit.when.received,
            chain: chain::chain(audit, texts),
            actor: Actor {
                account: actor.account.clone(),
                usage: audit.usage,
                authenticated: audit.authenticated,
                session: actor.session(host).map(|session| texts.share(&session)),
                token: None,
                temporary: false,
                person: None,
                grant: None,
            },
            target: target.account.clone().map(|account| Target {
                account,
                proved_type: target.proved_type,
                shared: target.shared,
                token: None,
            }),
            trust: None,
        }
    }
}

fn has_signs(top: &TopLevel<'_>) -> bool {
    const ORIGINS: &[&str] =
        &["Channel", "LogName", "ProviderGuid", "ProviderName", "SourceName", "EventSourceName", "TimeCreated"];
    let flat = top.any_spelled(&["EventID", "EventCode"]) && (top.any_spelled(ORIGINS) || top.is_object("provider"));
    let powershell = top.all(&["Id", "ProviderName", "LogName", "TimeCreated"]);
    let winlogbeat = top.is_object("winlog") || top.any(&["winlog.event_id", "win.system.eventID"]);
    let in_system = |name: &str| top.inside(name).any_spelled(&["EventID"]) || top.inside(name).is_object("EventID");
    let rendered = top.is_object("System") || in_system("system") || top.inside("win").any(&["system"]);
    let in_event = top.inside("Event").any_spelled(&["System"]) || top.any(&["Event.System.EventID"]);
    let as_text = top.any_spelled(&["EventXml"]) || top.begins("System", "<Event");
    flat || powershell || winlogbeat || rendered || in_event || as_text
}

/// The event in which the name of the machine that the wrong passwords came from stands where a domain does elsewhere.
const LOCKED_OUT: u64 = 4740;

/// The number alone for events of the tables; with its provider before it for any other, whose number means something
/// else, so that no rule that looks for a number of the tables finds it.
fn event_code(record: &Record<'_>, writer: Writer, id: u64) -> String {
    match writer {
        Writer::Auditing | Writer::Federation => id.to_string(),
        Writer::Foreign => format!("{}/{id}", trimmed(record.provider).unwrap_or_default()),
    }
}

/// The place of the record in the machine's log, and its time, since a log that is cleared may count anew. None where
/// the record doesn't say all of it.
fn id(audit: &Audit<'_>) -> Option<String> {
    let (record, host) = (&audit.record, audit.host.as_deref()?);
    let (channel, number) = (trimmed(record.channel)?, trimmed(record.record_number)?);
    let time = audit.when.time;
    Some(format!("{}/{}/{number}@{time}", host.to_ascii_lowercase(), channel.to_ascii_lowercase()))
}

/// What follows the first name of a full host name.
fn domain(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
}

fn tables() -> Vec<documentation::Table> {
    let kinds = |table: &[Kind]| {
        let rows = table.iter().map(|kind| {
            let ids: Vec<String> = kind.ids.iter().map(u64::to_string).collect();
            let class = documentation::class_words(kind.class);
            let (actor, target) = (kind.actor.words().to_owned(), kind.target.words().to_owned());
            vec![ids.join(", "), kind.meaning.to_owned(), class, kind.activity.to_string(), actor, target]
        });
        rows.collect()
    };
    let head = &["event", "meaning", "class", "`activity_id`", "actor", "target"];
    vec![
        documentation::Table::new("accounts", &["SID", "tenant", "subject", "proved"], accounts::ACCOUNTS),
        documentation::Table::new("times", &["the first that there is", "read as"], time::TIMES),
        positions(),
        documentation::Table { name: "events", head, rows: kinds(kinds::SECURITY) },
        documentation::Table { name: "AD FS events", head, rows: kinds(kinds::FEDERATION) },
        documentation::Table {
            name: "authenticated",
            head: &["event", "authenticated if"],
            rows: authenticated::rows(),
        },
        documentation::Table {
            name: "encryption",
            head: &["`TicketEncryptionType`", "IANA name"],
            rows: fields::encryption_rows(),
        },
    ]
}

/// The events whose data are read without names too.
fn positions() -> documentation::Table {
    let rows = vec![vec![positions::known()]];
    documentation::Table { name: "events by position", head: &["event"], rows }
}
