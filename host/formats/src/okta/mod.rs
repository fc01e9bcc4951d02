//! Okta System Log: events as the System Log API gives them, an array of them or one a line, also as collectors respell
//! them.

pub(crate) mod accounts;
mod authenticated;
mod chain;
mod classes;
mod fields;
mod outcome;
mod record;
mod target;

use std::borrow::Cow;

use countersign_model::vocabulary::EventClass;
use countersign_model::{Actor, TimeZone, Timestamp};

use crate::documentation::Table;
use crate::intern::Interner;
use crate::json::{self, Member};
use crate::normalise::{Certainty, Draft, FieldRow, JsonFormat, event_time, receipt_time};
use crate::signs::{Signs, TopLevel};
use crate::{DeadReason, Fault, os, values};
use accounts::Principal;
use record::{
    Authentication, Client, DebugContext, DebugData, Device, Geography, Issuer, Outcome, Party, Request, Security, Top,
    Transaction, TransactionDetail, UserAgent, elements, text_of,
};

/// The format `okta`.
///
/// An event has no receipt time of its own. One that was made by the generator may carry a member
/// `countersign.ingestTime` (RFC 3339) at its top, which is then the event's ingest time.
#[derive(Clone, Copy, Debug)]
pub struct Okta;

/// An act, as its event describes it.
pub(crate) struct Act<'a> {
    time: Timestamp,
    event_type: Cow<'a, str>,
    class: EventClass,
    activity: Option<u64>,
    top: Top<'a>,
    actor: Party<'a>,
    principal: Principal,
    targets: Vec<Party<'a>>,
    outcome: Outcome<'a>,
    client: Client<'a>,
    user_agent: UserAgent<'a>,
    geography: Geography<'a>,
    security: Security<'a>,
    authentication: Authentication<'a>,
    transaction: Transaction<'a>,
    transaction_detail: TransactionDetail<'a>,
    device: Device<'a>,
    request: Request<'a>,
    debug: DebugData<'a>,
}

impl<'a> Act<'a> {
    /// The first target of a type.
    fn target(&self, kind: &str) -> Option<&Party<'a>> {
        self.targets.iter().find(|target| target.kind.text().as_deref() == Some(kind))
    }

    /// The user that the act is about.
    fn user_target(&self) -> Option<&Party<'a>> {
        self.target("User")
    }

    /// The issuer of the token that the actor's session is based on.
    fn issuer(&self) -> Option<Cow<'a, str>> {
        text_of(self.authentication.issuer.members::<Issuer<'a>>().id)
    }

    /// The id of the user for whom an OAuth client acts.
    fn behind_client(&self) -> Option<Cow<'a, str>> {
        self.user_target().and_then(|user| text_of(user.id)).or_else(|| text_of(self.debug.user))
    }
}

impl JsonFormat for Okta {
    const NAME: &'static str = "okta";
    const ABOUT: &'static str = "Okta System Log events: an array of them or one a line";
    const PROVIDER: Option<&'static str> = Some("okta");
    const SIGNS: Signs = Signs {
        text: "`eventType` or `legacyEventType` with `published`, `debugContext` or an `actor` with `alternateId`; in any spelling",
        are_in: has_signs,
    };
    const FIELDS: &'static [FieldRow<Okta>] = fields::FIELDS;
    type Read<'a> = Act<'a>;

    fn tables() -> Vec<Table> {
        vec![accounts::table(), authenticated::table(), outcome::usage_table(), classes::table(), os::table()]
    }

    fn read<'a>(raw: &'a str, _: Option<&TimeZone>) -> Result<Act<'a>, Fault> {
        let top: Top<'_> = json::object(raw)?;
        let event_type = values::first(&[top.event_type, top.legacy_event_type]).text().ok_or_else(|| {
            Fault::new(DeadReason::EventNameMissing, "expected a text in `eventType` or `legacyEventType`, got none")
        })?;
        let (class, activity) = classes::class(&event_type);
        let actor: Party<'_> = top.actor.members();
        let client: Client<'_> = top.client.members();
        let transaction: Transaction<'_> = top.transaction.members();
        let debug: DebugData<'_> = top.debug_context.members::<DebugContext<'_>>().data.members();
        Ok(Act {
            time: time(&top)?,
            event_type,
            class,
            activity,
            principal: accounts::principal(&actor, &debug),
            actor,
            targets: elements(top.target).unwrap_or_default().into_iter().map(Member::members).collect(),
            outcome: top.outcome.members(),
            user_agent: client.user_agent.members(),
            geography: client.geography.members(),
            client,
            security: top.security_context.members(),
            authentication: top.authentication_context.members(),
            transaction_detail: transaction.detail.members(),
            transaction,
            device: top.device.members(),
            request: top.request.members(),
            debug,
            top,
        })
    }

    fn draft(act: &Act<'_>, texts: &mut Interner) -> Draft {
        Draft {
            id: act.top.uuid.text().map(|id| (*id).into()),
            tenant: Some(texts.share(accounts::TENANT)),
            class: act.class,
            time: act.time,
            certainty: Certainty::Certain,
            receipt_time: receipt_time(act.top.receipt_time),
            chain: chain::chain(act, texts),
            actor: Actor {
                usage: outcome::usage(act),
                authenticated: authenticated::authenticated(act),
                session: outcome::session(act).map(|session| texts.share(&session)),
                token: outcome::api_token(act).map(|token| texts.share(&token)),
                // An API token lasts until it is revoked.
                temporary: false,
                person: None,
                grant: None,
                account: act.principal.account.clone(),
            },
            target: target::target(act, texts),
            trust: None,
        }
    }
}

fn has_signs(top: &TopLevel<'_>) -> bool {
    let has_type = top.any_spelled(&["eventType", "legacyEventType"]);
    has_type && (top.any_spelled(&["published", "debugContext"]) || top.inside("actor").any_spelled(&["alternateId"]))
}

/// `published`, or what a collector moved it to, in any of the forms of [`crate::times`]; one that names no zone is UTC. An
/// event without a time is kept as of 1970: late, and too old for any automatic action.
fn time(top: &Top<'_>) -> Result<Timestamp, Fault> {
    let members = [("published", top.published), ("p_event_time", top.collected_time), ("@timestamp", top.timestamp)];
    match event_time(&members) {
        Err(fault) if fault.reason == DeadReason::EventTimeMissing => Ok(Timestamp(0)),
        time => time,
    }
}
