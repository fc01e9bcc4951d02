//! What an event takes where it is kept.

use std::sync::Arc;

use super::{Actor, ChainMember, Event, Target};
use crate::{Account, Value};

/// An event without its texts, bytes.
const EVENT_BYTES: u64 = 1_536;

/// A text beside its own bytes.
const TEXT_BYTES: u64 = 32;

/// A member of a chain without its texts.
const MEMBER_BYTES: u64 = 128;

impl Event {
    /// About how many bytes of memory it takes, by its content alone: the same wherever it is asked for, also for an
    /// event that was stored and read back. Texts that events share count for each.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        let Event { source, tenant, id, actor, chain, target, trust, fields, .. } = self;
        let Actor { account, session, token, person, grant, .. } = actor;
        let texts = [session, token, person, grant, trust].into_iter().flatten();
        let target =
            target.as_ref().map(|Target { account, token, .. }| self::account(account) + optional(token.as_ref()));
        EVENT_BYTES
            + text(source)
            + text(tenant)
            + text(id)
            + account.as_ref().map_or(0, self::account)
            + texts.map(|it| text(it)).sum::<u64>()
            + chain.iter().map(member).sum::<u64>()
            + target.unwrap_or_default()
            + fields.iter_by_id().map(|(_, it)| value(it)).sum::<u64>()
    }
}

fn text(text: &str) -> u64 {
    TEXT_BYTES + text.len() as u64
}

fn optional(it: Option<&Arc<str>>) -> u64 {
    it.map_or(0, |it| text(it))
}

fn account(account: &Account) -> u64 {
    [&account.provider, &account.tenant, &account.subject].into_iter().map(|part| text(part)).sum()
}

fn member(member: &ChainMember) -> u64 {
    MEMBER_BYTES + member.account.as_ref().map_or(0, account) + optional(member.name.as_ref())
}

fn value(value: &Value) -> u64 {
    match value {
        Value::Text(it) | Value::Json(it) => text(it),
        Value::TextList(list) => list.iter().map(|it| text(it)).sum(),
        _ => 0,
    }
}
