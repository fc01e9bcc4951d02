//! OCSF 1.x: events that are in the schema already, an array of them or one a line.

pub(crate) mod accounts;
mod authenticated;
mod aws;
mod classes;
mod fields;
mod time;
mod tree;

use countersign_model::vocabulary::{EventClass, Usage};
use countersign_model::{Actor, ChainMember, Target, TimeZone, Timestamp};

use crate::cloudtrail::accounts::{PROVIDER as AWS, is_temporary_key};
use crate::documentation::Table;
use crate::intern::Interner;
use crate::normalise::{Certainty, Draft, FieldRow, JsonFormat, chain_member, in_order, receipt_time};
use crate::opened::{self, Way};
use crate::signs::Signs;
use crate::{DeadReason, Fault, json, os};
use accounts::{Part, Principal, RECORD_TENANTS, are_same, has_id, principal};
use tree::Tree;

/// The format `ocsf`.
///
/// The ingest time is `metadata.logged_time`, if the event has one; one that was made by the generator may carry a
/// member `countersign.ingestTime` (RFC 3339) at its top, which takes precedence.
#[derive(Clone, Copy, Debug)]
pub struct Ocsf;

/// An event, as far as it has been read.
pub(crate) struct OcsfRecord<'a> {
    tree: Tree<'a>,
    time: Timestamp,
    class: EventClass,
    /// The path of the user object that acted.
    actor: &'static str,
    principal: Principal,
    session: Option<String>,
    /// 1 success, 2 failure.
    status: Option<u64>,
    receipt_time: Option<Timestamp>,
}

impl JsonFormat for Ocsf {
    const NAME: &'static str = "ocsf";
    const ABOUT: &'static str =
        "OCSF 1.x events of the identity classes and API activity: an array of them or one a line";
    const PROVIDER: Option<&'static str> = None;
    const SIGNS: Signs = Signs {
        text: "`class_uid` or `type_uid` with `time`, `time_dt` or `metadata`",
        are_in: |top| top.any(&["class_uid", "type_uid"]) && top.any(&["time", "time_dt", "metadata"]),
    };
    const FIELDS: &'static [FieldRow<Ocsf>] = fields::FIELDS;
    type Read<'a> = OcsfRecord<'a>;

    fn tables() -> Vec<Table> {
        vec![accounts::table(), accounts::types(), authenticated::table(), classes::table(), os::table()]
    }

    fn opened(raw: &str) -> Option<String> {
        opened::opened(raw, bodies, opened::json)
    }

    fn read<'a>(raw: &'a str, _: Option<&TimeZone>) -> Result<OcsfRecord<'a>, Fault> {
        let tree = Tree::new(json::object::<json::Entries<'_>>(raw)?);
        let class = classes::class(&tree)?;
        let time = event_time(&tree)?;
        let (actor, principal) = actor(&tree, class);
        let own = |path| tree.member(path).text().map(std::borrow::Cow::into_owned);
        let session = (principal.session.clone().filter(|_| aws::is_cloudtrail(&tree)))
            .or_else(|| own("actor.session.uid"))
            .or_else(|| own("session.uid").filter(|_| fields::user_acts(class)))
            .or_else(|| principal.session.clone());
        let envelope = receipt_time(tree.top("countersign.ingestTime"));
        let receipt_time = envelope.or_else(|| time::at(&tree, "metadata.logged_time")?.ok());
        Ok(OcsfRecord { status: status(&tree), tree, time, class, actor, principal, session, receipt_time })
    }

    fn draft(record: &OcsfRecord<'_>, texts: &mut Interner) -> Draft {
        let OcsfRecord { tree, class, principal: actor, .. } = record;
        let text = |path: &str| tree.member(path).text();
        let recipient = || aws::recipient(tree).text().filter(|_| aws::is_cloudtrail(tree));
        let tenant = RECORD_TENANTS.iter().find_map(|path| text(path)).or_else(recipient);
        let token = text(&format!("{}.credential_uid", record.actor)).map(|token| texts.share(&token));
        let grant = text("actor.session.issuer").map(|issuer| texts.share(&issuer));
        let (target, trust) = effect(record, texts);
        Draft {
            id: tree.member("metadata.uid").text().map(|id| (*id).into()),
            tenant: tenant.map(|tenant| texts.share(&tenant)),
            class: *class,
            time: record.time,
            certainty: Certainty::Certain,
            receipt_time: record.receipt_time,
            actor: Actor {
                account: actor.account.clone(),
                usage: usage(record),
                authenticated: authenticated::authenticated(record),
                session: record.session.as_deref().map(|session| texts.share(session)),
                temporary: actor.temporary || token.as_deref().is_some_and(|token| is_temporary(actor, token)),
                person: actor.person.as_deref().map(|person| texts.share(person)),
                token,
                grant,
            },
            chain: chain(record, texts),
            target,
            trust: trust.map(|trust| texts.share(&trust)),
        }
    }
}

/// Which bodies are opened: OCSF has what a call took and gave as text too.
fn bodies(path: &str) -> Way {
    match path {
        "api" | "api.request" | "api.response" => Way::Enter,
        "api.request.data" | "api.response.data" | "unmapped" => Way::Open,
        _ => Way::Leave,
    }
}

/// The user object that acted, and its principal. In authentication `user` authenticates, and `actor` only requested it;
/// what some products repeat of the actor in `user` is the same principal, of which one says more than the other.
fn actor(tree: &Tree<'_>, class: EventClass) -> (&'static str, Principal) {
    let of_actor = principal(tree, "actor.user", Part::Actor);
    let Some(user) = tree.at("user").filter(|user| fields::user_acts(class) && has_id(user)) else {
        return ("actor.user", of_actor);
    };
    let same = tree.at("actor.user").is_some_and(|actor| are_same(user, actor));
    if same && of_actor.account.is_some() {
        return ("actor.user", of_actor);
    }
    let of_user = principal(tree, "user", Part::Actor);
    if same && of_user.account.is_none() { ("actor.user", of_actor) } else { ("user", of_user) }
}

/// The account acted on, and the trust made or changed. What CloudTrail says is read as CloudTrail's: its `user` repeats
/// the caller's id with the other's name.
fn effect(record: &OcsfRecord<'_>, texts: &mut Interner) -> (Option<Target>, Option<String>) {
    let tree = &record.tree;
    if fields::user_acts(record.class) && !aws::is_cloudtrail(tree) {
        return (None, None);
    }
    let mut trust = None;
    if aws::is_cloudtrail(tree) {
        let success = record.status.map(|status| status == 1);
        let (acted, made) = aws::effect(tree, success);
        trust = made;
        let token = acted.credential.as_deref().map(|token| texts.share(token));
        if let Some(account) = acted.account {
            let (proved_type, shared) = (acted.proved_type, acted.shared);
            return (Some(Target { account, proved_type, shared, token }), trust);
        }
        if fields::user_acts(record.class) {
            return (None, trust);
        }
    }
    let on = principal(tree, "user", Part::Target);
    let is_callers = aws::is_cloudtrail(tree) && on.account == record.principal.account;
    let token = tree.member("user.credential_uid").text().map(|token| texts.share(&token));
    let target = on.account.filter(|_| !is_callers).map(|account| Target {
        account,
        proved_type: on.proved_type,
        shared: on.shared,
        token,
    });
    (target, trust)
}

fn event_time(tree: &Tree<'_>) -> Result<Timestamp, Fault> {
    const EXPECTED: &str = "expected milliseconds since 1970 in `time`, or an RFC 3339 time in `time_dt`";
    match time::at(tree, "time") {
        Some(Ok(time)) => Ok(time),
        None => Err(Fault::new(DeadReason::EventTimeMissing, format!("{EXPECTED}, got neither"))),
        Some(Err(())) => {
            let json = tree.member("time").json().or_else(|| tree.member("time_dt").json()).unwrap_or_default();
            let got: String = json.chars().take(64).collect();
            Err(Fault::new(DeadReason::EventTimeInvalid, format!("{EXPECTED}, got `{got}`")))
        }
    }
}

/// 1 success, 2 failure; none for anything else.
fn status(tree: &Tree<'_>) -> Option<u64> {
    match (tree.member("status_id").unsigned(), tree.member("status").text().as_deref()) {
        (Some(id @ (1 | 2)), _) => Some(id),
        (None, Some(status)) if status.eq_ignore_ascii_case("success") => Some(1),
        (None, Some(status)) if status.eq_ignore_ascii_case("failure") => Some(2),
        _ => None,
    }
}

/// How the account was used; the first that holds: a service called for it, a person was at a screen (an interactive
/// logon type, or a second factor given), else software.
fn usage(record: &OcsfRecord<'_>) -> Usage {
    let at_screen = || matches!(record.tree.member("logon_type_id").unsigned(), Some(2 | 7 | 10 | 11 | 12 | 13));
    let with_factor = || record.tree.member("is_mfa").truth() == Some(true);
    if record.tree.member("actor.invoked_by").text().is_some() {
        Usage::Delegated
    } else if record.class == EventClass::Authentication && (at_screen() || with_factor()) {
        Usage::Interactive
    } else {
        Usage::Programmatic
    }
}

/// Whether a token is an access key that lapses by itself, of an AWS account.
fn is_temporary(actor: &Principal, token: &str) -> bool {
    actor.account.as_ref().is_some_and(|account| account.provider == AWS) && is_temporary_key(token)
}

/// The account that requested an authentication, if it is another; then the actor; then the service that called on the
/// actor's behalf, which has no account.
fn chain(record: &OcsfRecord<'_>, texts: &mut Interner) -> Vec<ChainMember> {
    let OcsfRecord { tree, principal: actor, .. } = record;
    let mut member = |principal: &Principal, path: &str| {
        let name = tree.at(path).and_then(|user| user.member("name").text());
        ChainMember {
            proved_type: principal.proved_type,
            shared: principal.shared,
            protected: principal.protected,
            ..chain_member(principal.account.clone(), name.map(|name| texts.share(&name)))
        }
    };
    let mut chain = Vec::with_capacity(1);
    if record.actor == "user" {
        let asked = principal(tree, "actor.user", Part::Actor);
        if asked.account.is_some() && asked.account != actor.account {
            chain.push(member(&asked, "actor.user"));
        }
    }
    chain.push(member(actor, record.actor));
    if let Some(service) = tree.member("actor.invoked_by").text() {
        chain.push(chain_member(None, Some(texts.share(&service))));
    }
    in_order(chain)
}
