//! AWS CloudTrail: records as trails deliver them, in `{"Records": […]}` files or one a line.

pub(crate) mod accounts;
pub(crate) mod authenticated;
pub(crate) mod caller;
mod chain;
pub(crate) mod classes;
mod copies;
mod fields;
mod outcome;
pub(crate) mod record;
pub(crate) mod target;
pub(crate) mod trust;

use countersign_model::vocabulary::EventClass;
use countersign_model::{Actor, Target, TimeZone, Timestamp};

use crate::documentation::Table;
use crate::intern::Interner;
use crate::normalise::{Certainty, Draft, FieldRow, JsonFormat, event_time, receipt_time};
use crate::opened::{self, Way};
use crate::signs::Signs;
use crate::{DeadReason, Fault, SharedAct, json};
use accounts::{Principal, account_id};
use caller::Caller;
use outcome::Outcome;
use record::Top;
use target::{Acted, Bodies};

/// The format `cloudtrail`.
///
/// A record has no receipt time of its own. One that was made by the generator may carry a member
/// `countersign.ingestTime` (RFC 3339) at its top, which is then the event's ingest time; it is no part of `unmapped`.
#[derive(Clone, Copy, Debug)]
pub struct CloudTrail;

/// A call, as its record describes it.
pub(crate) struct Call<'a> {
    time: Timestamp,
    class: EventClass,
    top: Top<'a>,
    caller: Caller<'a>,
    principal: Principal<'a>,
    outcome: Outcome<'a>,
    bodies: Bodies<'a>,
    acted: Acted<'a>,
}

impl JsonFormat for CloudTrail {
    const NAME: &'static str = "cloudtrail";
    const ABOUT: &'static str = "AWS CloudTrail records: {\"Records\": […]} files or one record a line";
    const PROVIDER: Option<&'static str> = Some("aws");
    const SIGNS: Signs = Signs {
        text: "`eventSource` and `eventName`, in any spelling, with `eventTime` or, in any spelling, `userIdentity`",
        are_in: |top| {
            let has = |name| top.any_spelled(&[name]);
            // What `LookupEvents` puts around a record has `EventSource`, `EventName` and `EventTime`.
            has("eventSource") && has("eventName") && (top.all(&["eventTime"]) || has("userIdentity"))
        },
    };
    const FIELDS: &'static [FieldRow<CloudTrail>] = fields::FIELDS;
    type Read<'a> = Call<'a>;

    fn tables() -> Vec<Table> {
        vec![accounts::table(), authenticated::table(), classes::table(), copies::table()]
    }

    fn opened(raw: &str) -> Option<String> {
        opened::opened(raw, bodies, opened::json)
    }

    fn read<'a>(raw: &'a str, _: Option<&TimeZone>) -> Result<Call<'a>, Fault> {
        let top: Top<'_> = json::object(raw)?;
        let time = event_time(&[("eventTime", top.event_time), ("@timestamp", top.timestamp)])?;
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
        Ok(Call { time, class, top, caller, principal, outcome, bodies, acted })
    }

    fn shared_act(call: &Call<'_>) -> Option<SharedAct> {
        copies::shared_act(call)
    }

    fn draft(call: &Call<'_>, texts: &mut Interner) -> Draft {
        let Call { top, caller, principal, acted, .. } = call;
        let tenant = account_id(top.recipient_account).or_else(|| account_id(caller.identity.account));
        let role_grant = caller.issuer.arn.text().filter(|_| caller.is_role());
        Draft {
            id: top.event_id.text().map(|id| (*id).into()),
            tenant: tenant.map(|tenant| texts.share(&tenant)),
            class: call.class,
            time: call.time,
            certainty: Certainty::Certain,
            receipt_time: receipt_time(top.receipt_time),
            chain: chain::chain(caller, principal, texts),
            actor: Actor {
                usage: outcome::usage(top, caller),
                authenticated: call.outcome.authenticated,
                session: principal.session.as_deref().map(|session| texts.share(session)),
                token: caller.identity.access_key.text().map(|key| texts.share(&key)),
                temporary: principal.temporary,
                person: principal.person.as_deref().map(|person| texts.share(person)),
                grant: role_grant.map(|arn| texts.share(&arn)),
                account: principal.account.clone(),
            },
            target: acted.account.clone().map(|account| Target {
                account,
                proved_type: acted.proved_type,
                shared: acted.shared,
                token: acted.credential.as_deref().map(|token| texts.share(token)),
            }),
            trust: trust::trust(top, &call.bodies, call.outcome.success).map(|trust| texts.share(&trust)),
        }
    }
}

/// Which bodies are opened: tables and forwarders without a type for objects have them as text.
fn bodies(path: &str) -> Way {
    match path {
        "useridentity"
        | "useridentity.sessioncontext"
        | "useridentity.onbehalfof"
        | "useridentity.sessioncontext.sessionissuer"
        | "useridentity.sessioncontext.attributes"
        | "useridentity.sessioncontext.webidfederationdata"
        | "requestparameters"
        | "responseelements"
        | "resources"
        | "additionaleventdata"
        | "serviceeventdetails" => Way::Open,
        _ => Way::Leave,
    }
}
