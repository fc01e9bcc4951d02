//! The event log of a directory of this project (`countersign directory serve`): an event a line, as `GET /v1/events` gives them.

mod accounts;
mod authenticated;
mod classes;
mod fields;
mod record;

use std::borrow::Cow;

use countersign_model::vocabulary::{EventClass, Usage};
use countersign_model::{Actor, Target, TimeZone, Timestamp};

use crate::documentation::Table;
use crate::intern::Interner;
use crate::json::{self, Member};
use crate::normalise::{Certainty, Draft, FieldRow, JsonFormat, chain_member, event_time, in_order};
use crate::signs::Signs;
use crate::{DeadReason, Fault};
use accounts::Principal;
use record::{Party, Request, Top};

/// The format `directory`.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryLog;

/// An act, as its event describes it.
pub(crate) struct Act<'a> {
    time: Timestamp,
    kind: Cow<'a, str>,
    class: EventClass,
    activity: Option<u64>,
    tenant: Cow<'a, str>,
    top: Top<'a>,
    actor: Party<'a>,
    principal: Principal,
    target: Party<'a>,
    target_principal: Principal,
    group: Party<'a>,
    request: Request<'a>,
}

impl<'a> Act<'a> {
    /// Whether it succeeded; none where the event doesn't say.
    fn success(&self) -> Option<bool> {
        match self.top.outcome.text().as_deref() {
            Some("success") => Some(true),
            Some("failure") => Some(false),
            _ => None,
        }
    }

    /// Whether it is a sign-in that succeeded.
    fn begins_a_session(&self) -> bool {
        self.kind == "session.started" && self.success() == Some(true)
    }

    /// What was presented: a refresh token, else a credential.
    fn credential(&self) -> Member<'a> {
        crate::values::first(&[self.actor.token, self.actor.credential])
    }

    /// The credential or the refresh token that was made, changed or revoked.
    fn changed_credential(&self) -> Option<Cow<'a, str>> {
        let is_one = matches!(self.target.kind.text().as_deref(), Some("credential" | "token"));
        self.target.id.text().filter(|_| is_one)
    }

    /// How the account was used: a person's own sign-ins and sessions are interactive.
    fn usage(&self) -> Usage {
        let is_person = self.actor.account_type.text().as_deref() == Some("person");
        if is_person { Usage::Interactive } else { Usage::Programmatic }
    }
}

impl JsonFormat for DirectoryLog {
    const NAME: &'static str = "directory";
    const ABOUT: &'static str = "the event log of a directory of this project: an event a line";
    const PROVIDER: Option<&'static str> = Some(accounts::PROVIDER);
    const SIGNS: Signs = Signs {
        text: "`directory` and `sequence` with `type` and an object `actor`",
        are_in: |top| top.all(&["directory", "sequence", "type"]) && top.is_object("actor"),
    };
    const FIELDS: &'static [FieldRow<DirectoryLog>] = fields::FIELDS;
    type Read<'a> = Act<'a>;

    fn tables() -> Vec<Table> {
        vec![accounts::table(), authenticated::table(), classes::table()]
    }

    fn read<'a>(raw: &'a str, _: Option<&TimeZone>) -> Result<Act<'a>, Fault> {
        let top: Top<'_> = json::object(raw)?;
        let kind = top
            .kind
            .text()
            .ok_or_else(|| Fault::new(DeadReason::EventNameMissing, "expected a text in `type`, got none"))?;
        let actor: Party<'_> = top.actor.members();
        let target: Party<'_> = top.target.members();
        let is_group = target.kind.text().as_deref() == Some("group");
        let credential = target.credential_kind.text().unwrap_or_default();
        let (class, activity) = classes::class(&kind, &credential);
        // Without a tenant nobody is known.
        let tenant = top.tenant.text();
        let principal =
            |party: &Party<'_>| tenant.as_deref().map(|tenant| accounts::principal(party, tenant)).unwrap_or_default();
        Ok(Act {
            time: event_time(&[("time", top.time)])?,
            principal: principal(&actor),
            target_principal: principal(&target),
            group: if is_group { target.clone() } else { top.group.members() },
            tenant: tenant.clone().unwrap_or(Cow::Borrowed("unknown")),
            kind,
            class,
            activity,
            request: top.request.members(),
            actor,
            target,
            top,
        })
    }

    fn draft(act: &Act<'_>, texts: &mut Interner) -> Draft {
        let name = act.actor.name.text().map(|name| texts.share(&name));
        let mut member = chain_member(act.principal.account.clone(), name);
        member.proved_type = act.principal.proved_type;
        let target = act.target_principal.account.clone().map(|account| Target {
            account,
            proved_type: act.target_principal.proved_type,
            shared: false,
            token: act.changed_credential().map(|token| texts.share(&token)),
        });
        Draft {
            id: act.top.id.text().map(|id| (*id).into()),
            tenant: Some(texts.share(&act.tenant)),
            class: act.class,
            time: act.time,
            certainty: Certainty::Certain,
            receipt_time: None,
            chain: in_order(vec![member]),
            actor: Actor {
                usage: act.usage(),
                authenticated: authenticated::authenticated(act),
                session: act.actor.session.text().map(|session| texts.share(&session)),
                token: act.credential().text().map(|token| texts.share(&token)),
                // Keys last until they are turned off, and refresh tokens can be revoked.
                temporary: false,
                person: None,
                grant: None,
                account: act.principal.account.clone(),
            },
            target,
            trust: None,
        }
    }
}
