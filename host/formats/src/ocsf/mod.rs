//! OCSF 1.x: events that are in the schema already, an array of them or one a line.

pub(crate) mod accounts;
mod authenticated;
mod fields;
mod time;
mod tree;

use countersign_model::vocabulary::{EventClass, Usage};
use countersign_model::{Actor, ChainMember, Target, TimeZone, Timestamp};

use crate::cloudtrail::accounts as aws;
use crate::documentation::{Table, class_words};
use crate::intern::Interner;
use crate::normalise::{Draft, FieldRow, JsonFormat, chain_member, in_order};
use crate::signs::Signs;
use crate::{DeadReason, Fault, json, os};
use accounts::{Principal, RECORD_TENANTS, principal};
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
        vec![accounts::table(), accounts::types(), authenticated::table(), classes_table(), os::table()]
    }

    fn read<'a>(raw: &'a str, _: Option<&TimeZone>) -> Result<OcsfRecord<'a>, Fault> {
        let tree = Tree::new(json::object::<json::Entries<'_>>(raw)?);
        let class = class(&tree)?;
        let time = event_time(&tree)?;
        // What some products repeat of the actor in `user` says less of it.
        let is_actor = tree.member("user.uid").text() == tree.member("actor.user.uid").text();
        let user_acts = fields::user_acts(class) && tree.member("user.uid").text().is_some() && !is_actor;
        let actor = if user_acts { "user" } else { "actor.user" };
        let principal = principal(&tree, actor);
        let own = |path| tree.member(path).text().map(std::borrow::Cow::into_owned);
        let session = own("actor.session.uid")
            .or_else(|| own("session.uid").filter(|_| fields::user_acts(class)))
            .or_else(|| principal.session.clone());
        let envelope = tree.top("countersign.ingestTime").time();
        let receipt_time = envelope.or_else(|| time::at(&tree, "metadata.logged_time")?.ok());
        Ok(OcsfRecord { status: status(&tree), tree, time, class, actor, principal, session, receipt_time })
    }

    fn draft(record: &OcsfRecord<'_>, texts: &mut Interner) -> Draft {
        let OcsfRecord { tree, class, principal: actor, .. } = record;
        let tenant = RECORD_TENANTS.iter().find_map(|path| tree.member(path).text());
        let mut shared = |path: &str| tree.member(path).text().map(|text| texts.share(&text));
        let token = shared(&format!("{}.credential_uid", record.actor));
        let grant = shared("actor.session.issuer");
        let acted_on = if fields::user_acts(*class) { Principal::default() } else { principal(tree, "user") };
        let target = acted_on.account.map(|account| Target {
            account,
            proved_type: acted_on.proved_type,
            shared: acted_on.shared,
            token: shared("user.credential_uid"),
        });
        Draft {
            id: tree.member("metadata.uid").text().map(|id| (*id).into()),
            tenant: tenant.map(|tenant| texts.share(&tenant)),
            class: *class,
            time: record.time,
            receipt_time: record.receipt_time,
            actor: Actor {
                account: actor.account.clone(),
                usage: usage(record),
                authenticated: authenticated::authenticated(record),
                session: record.session.as_deref().map(|session| texts.share(session)),
                temporary: actor.temporary || token.as_deref().is_some_and(|token| is_temporary(actor, token)),
                person: person(record).map(|person| texts.share(person)),
                token,
                grant,
            },
            chain: chain(record, texts),
            target,
            trust: None,
        }
    }
}

/// The class of a record: by `class_uid`, else by `type_uid`.
fn class(tree: &Tree<'_>) -> Result<EventClass, Fault> {
    let uid = tree.member("class_uid").unsigned().or_else(|| Some(tree.member("type_uid").unsigned()? / 100));
    EventClass::ALL.iter().copied().find(|class| Some(u64::from(class.uid())) == uid).ok_or_else(|| {
        let known: Vec<String> = EventClass::ALL.iter().map(|class| format!("{} ({class})", class.uid())).collect();
        let got = match (uid, tree.member("class_uid").json()) {
            (Some(uid), _) => format!("{uid}"),
            (None, Some(json)) => json.chars().take(64).collect(),
            (None, None) => "none".to_owned(),
        };
        let detail = format!("expected one of the classes {} in `class_uid`, got `{got}`", known.join(", "));
        Fault::new(DeadReason::ClassUnsupported, detail)
    })
}

fn classes_table() -> Table {
    let rows = EventClass::ALL.iter().map(|class| vec![class.uid().to_string(), class_words(*class)]);
    let rest = vec!["any other, or none".to_owned(), "a dead letter, `class-unsupported`".to_owned()];
    Table {
        name: "classes",
        head: &["`class_uid`, else `type_uid` / 100", "class"],
        rows: rows.chain([rest]).collect(),
    }
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
        (None, Some("Success")) => Some(1),
        (None, Some("Failure")) => Some(2),
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
    actor.account.as_ref().is_some_and(|account| account.provider == aws::PROVIDER) && aws::is_temporary_key(token)
}

/// The session's name, where the role's ARN proves that Identity Center gave it.
fn person<'r>(record: &'r OcsfRecord<'_>) -> Option<&'r str> {
    let issuer = record.tree.member("actor.session.issuer").text()?;
    aws::person(record.principal.session.as_deref()?, &issuer)
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
        let asked = principal(tree, "actor.user");
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
