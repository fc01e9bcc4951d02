//! An event's content, without when it was received and where it is: two deliveries of one record agree on it.

use countersign_vocabulary::FieldId;

use super::{Actor, ChainMember, Event, Target, spelling};
use crate::{Account, Binding, Value};

impl Event {
    /// The event's content as bytes: its source, tenant and id, class, time, actor, chain, target and every field. The
    /// envelope isn't part of it: neither when it was received nor where its record is, what its source is bound to, nor the
    /// record as a whole, which may hold the time of receipt. How the record is spelled isn't either: JSON in fields is
    /// written in one spelling. Each part is preceded by its length or by a byte for its kind, so no two events that differ
    /// give the same bytes.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(4_096));
        [&*self.source, &*self.tenant, &*self.id].into_iter().for_each(|text| out.text(text));
        out.act(self, &[FieldId::RawData]);
        out.0
    }

    /// What it says of the act itself: its content without its source, tenant, id and these fields, but with how far its
    /// source is believed. Copies of one act that several tenants received agree on it.
    #[must_use]
    pub fn act(&self, without: &[FieldId]) -> Vec<u8> {
        let Binding { bound, target_bound, highest_class } = self.binding;
        let mut out = Writer(Vec::with_capacity(4_096));
        out.flag(bound);
        out.flag(target_bound);
        out.text(highest_class.id());
        out.act(self, without);
        out.0
    }
}

struct Writer(Vec<u8>);

impl Writer {
    /// An event but for its source, tenant and id, and without these fields.
    fn act(&mut self, event: &Event, without: &[FieldId]) {
        // A new member has to be listed here, as content or not.
        let Event { class, time, actor, chain, target, fields, .. } = event;
        // The trust is read off fields, which are content.
        let Event { source: _, tenant: _, id: _, binding: _, ingest_time: _, trust: _, raw: _, .. } = event;
        let out = self;
        out.text(class.id());
        out.number(time.micros());
        out.actor(actor);
        out.count(chain.len());
        chain.iter().for_each(|member| out.member(member));
        out.optional(target.as_ref(), Writer::target);
        for (field, value) in fields.iter_by_id().filter(|(field, _)| !without.contains(field)) {
            out.text(field.field().path);
            out.value(value);
        }
        // No field has these paths.
        if actor.temporary {
            out.text("actor.temporary");
        }
        if let Some(person) = &actor.person {
            out.text("actor.person");
            out.text(person);
        }
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn optional<T: ?Sized>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    fn account(&mut self, account: &Account) {
        let Account { provider, tenant, subject } = account;
        [provider, tenant, subject].into_iter().for_each(|part| self.text(part));
    }

    fn actor(&mut self, actor: &Actor) {
        // `temporary` and `person` are at the end of the content, and only where they are set: an event without them has the
        // content that it had before there were such members.
        let Actor { account, usage, authenticated, session, token, temporary: _, person: _, grant } = actor;
        self.optional(account.as_ref(), Writer::account);
        self.text(usage.id());
        self.flag(*authenticated);
        [session, token, grant].into_iter().for_each(|part| self.optional(part.as_deref(), Writer::text));
    }

    fn member(&mut self, member: &ChainMember) {
        let ChainMember { role, account, name, proved_type, shared, protected } = member;
        self.0.push(*role as u8);
        self.optional(account.as_ref(), Writer::account);
        self.optional(name.as_deref(), Writer::text);
        self.optional(proved_type.map(|proved| proved.id()), Writer::text);
        self.flag(*shared);
        self.flag(*protected);
    }

    fn target(&mut self, target: &Target) {
        let Target { account, proved_type, shared, token } = target;
        self.account(account);
        self.optional(proved_type.map(|proved| proved.id()), Writer::text);
        self.flag(*shared);
        self.optional(token.as_deref(), Writer::text);
    }

    fn value(&mut self, value: &Value) {
        let mut tagged = |tag: u8, bytes: &[u8]| {
            self.0.push(tag);
            self.count(bytes.len());
            self.0.extend_from_slice(bytes);
        };
        match value {
            Value::Unsigned(number) => tagged(0, &number.to_be_bytes()),
            Value::Signed(number) => tagged(1, &number.to_be_bytes()),
            Value::Float(number) => tagged(2, &number.to_bits().to_be_bytes()),
            Value::Boolean(flag) => tagged(3, &[u8::from(*flag)]),
            Value::Text(text) => tagged(4, text.as_bytes()),
            Value::TextList(texts) => {
                tagged(5, &[]);
                self.count(texts.len());
                texts.iter().for_each(|text| self.text(text));
            }
            Value::Timestamp(micros) => tagged(6, &micros.to_be_bytes()),
            Value::Address(address) => tagged(7, address.to_canonical().to_string().as_bytes()),
            Value::Json(text) => {
                tagged(8, &[]);
                spelling::write(&mut self.0, text);
            }
            Value::WrongType => tagged(9, &[]),
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/event_content.rs"]
mod tests;
