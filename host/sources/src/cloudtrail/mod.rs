//! AWS CloudTrail: records as trails deliver them, in `{"Records": […]}` files or one a line.

mod accounts;
mod caller;
mod chain;
mod classes;
mod fields;
mod json;
mod occurrences;
mod outcome;
mod record;
mod target;

use std::io::{self, Read};
use std::sync::Arc;

use countersign_model::{Actor, Event, RawAddress, Target, Timestamp};

use crate::intern::Interner;
use crate::reader::{Fault, Normalise, Reader};
use crate::source::{Records, Source};
use crate::{DeadReason, Record};
use caller::Caller;
use fields::Parts;
use json::Member;
use occurrences::Occurrences;
use record::Top;
use target::Bodies;

/// The source `cloudtrail`.
///
/// A record has no receipt time of its own. One that was made by the generator may carry a member
/// `countersign.ingestTime` (RFC 3339) at its top, which is then the event's ingest time; it is no part of `unmapped`.
#[derive(Clone, Copy, Debug)]
pub struct CloudTrail;

const NAME: &str = "cloudtrail";

impl Source for CloudTrail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "AWS CloudTrail records: {\"Records\": […]} files or one record a line, plain or gzip"
    }

    fn read(&self, bytes: Box<dyn Read + Send>, input: u32) -> io::Result<Records> {
        Ok(Box::new(Reader::new(bytes, input, Normaliser::new())?))
    }
}

/// Turns the records of one input into events.
struct Normaliser {
    texts: Interner,
    occurrences: Occurrences,
}

impl Normaliser {
    fn new() -> Normaliser {
        Normaliser { texts: Interner::new(), occurrences: Occurrences::default() }
    }
}

impl Normalise for Normaliser {
    fn normalise(&mut self, raw: &str, address: RawAddress) -> Result<Record, Fault> {
        let top: Top<'_> = serde_json::from_str(raw).map_err(|error| not_an_object(raw, &error))?;
        let time = event_time(top.event_time)?;
        let operation = top
            .event_name
            .text()
            .ok_or_else(|| Fault::new(DeadReason::EventNameMissing, "expected a text in `eventName`, got none"))?;
        let class = classes::class(&top.event_source.text().unwrap_or_default(), &operation);
        let caller = Caller::of(top.user_identity);
        let principal = accounts::principal(&caller);
        let outcome = outcome::outcome(&top, &caller, principal.account.is_some());
        let bodies = Bodies::of(&top, class);
        let acted = target::acted(&top, class, &bodies, &caller, &principal);
        let id: Arc<str> = match top.event_id.text() {
            Some(id) => Arc::from(&*id),
            None => self.occurrences.id(raw, address.digest).into(),
        };
        let tenant = top.recipient_account.text().or_else(|| caller.identity.account.text());
        let texts = &mut self.texts;
        let parts = Parts {
            raw,
            id: &id,
            class,
            top: &top,
            caller: &caller,
            principal: &principal,
            outcome: &outcome,
            bodies: &bodies,
            acted: &acted,
        };
        let fields = fields::fields(&parts, texts);
        let chain = chain::chain(&caller, &principal, texts);
        let role_grant = caller.issuer.arn.text().filter(|_| caller.is_role());
        let actor = Actor {
            usage: outcome::usage(&top, &caller),
            authenticated: outcome.authenticated,
            session: principal.session.as_deref().map(|session| texts.share(session)),
            token: caller.identity.access_key.text().map(|key| texts.share(&key)),
            grant: role_grant.map(|arn| texts.share(&arn)),
            account: principal.account,
        };
        let target = acted.account.map(|account| Target {
            account,
            proved_type: acted.proved_type,
            shared: acted.shared,
            token: acted.credential.as_deref().map(|token| texts.share(token)),
        });
        let receipt_time = top.receipt_time.text().and_then(|text| text.parse::<Timestamp>().ok());
        let event = Box::new(Event {
            source: NAME,
            tenant: texts.share(tenant.as_deref().unwrap_or("unknown")),
            id,
            class,
            time,
            ingest_time: receipt_time.unwrap_or(time),
            actor,
            chain,
            target,
            fields,
            raw: address,
        });
        Ok(Record::Event { event, has_receipt_time: receipt_time.is_some() })
    }
}

fn not_an_object(raw: &str, error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        return Fault::new(DeadReason::Truncated, format!("expected the rest of a JSON object, got: {error}"));
    }
    let json = serde_json::from_str::<serde::de::IgnoredAny>(raw).is_ok();
    if json && !raw.starts_with('{') {
        Fault::new(DeadReason::NotAnObject, "expected a JSON object, got another JSON value")
    } else {
        Fault::new(DeadReason::MalformedJson, format!("expected a JSON object, got: {error}"))
    }
}

fn event_time(member: Member<'_>) -> Result<Timestamp, Fault> {
    let Some(json) = member.json() else {
        return Err(Fault::new(DeadReason::EventTimeMissing, "expected an RFC 3339 time in `eventTime`, got none"));
    };
    let text = member.text().filter(|text| text.starts_with(|first: char| first.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let got: String = json.chars().take(64).collect();
        Fault::new(DeadReason::EventTimeInvalid, format!("expected an RFC 3339 time in `eventTime`, got `{got}`"))
    })
}
