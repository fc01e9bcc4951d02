//! Events as text that people can read, for the tests of several formats.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::io::Cursor;

use countersign_formats::{DeadLetter, Format, Record, Records, SourceBinding, TenantPattern};
use countersign_model::vocabulary::ActionClass;
use countersign_model::{ChainMember, Event, Value};

pub(crate) fn records_of(format: &dyn Format, text: &str) -> Vec<Record> {
    format.read(Box::new(Cursor::new(text.to_owned())), 0).collect()
}

pub(crate) fn event_of(format: &dyn Format, json: &str) -> Box<Event> {
    only_event(records_of(format, json))
}

/// The event of a source that is bound to every tenant.
pub(crate) fn bound_event_of(format: &dyn Format, json: &str) -> Box<Event> {
    let everything = TenantPattern::parse("*:*").into_iter().collect();
    let binding = SourceBinding::named(format.name().into(), everything, ActionClass::Contain);
    only_event(Records::of_source(format, binding, Box::new(Cursor::new(json.to_owned())), 0).collect())
}

fn only_event(records: Vec<Record>) -> Box<Event> {
    match <[Record; 1]>::try_from(records) {
        Ok([Record::Event { event, .. }]) => event,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn dead_letter_of(format: &dyn Format, json: &str) -> DeadLetter {
    match <[Record; 1]>::try_from(records_of(format, json)) {
        Ok([Record::DeadLetter(letter)]) => letter,
        other => panic!("{other:?}"),
    }
}

fn member(member: &ChainMember) -> String {
    let mut text = format!("{:?}", member.role).to_lowercase();
    text.push_str(&format!(" {}", member.account.as_ref().map_or("?".to_owned(), ToString::to_string)));
    if let Some(name) = &member.name {
        text.push_str(&format!(" `{name}`"));
    }
    if let Some(proved) = member.proved_type {
        text.push_str(&format!(" {proved}"));
    }
    for (flag, name) in [(member.shared, " shared"), (member.protected, " protected")] {
        text.push_str(if flag { name } else { "" });
    }
    text
}

/// Who acted, how, and who took part.
pub(crate) fn actor(event: &Event) -> String {
    let actor = &event.actor;
    let mut text = format!(
        "{} {}{}\n",
        actor.account.as_ref().map_or("unresolved".to_owned(), ToString::to_string),
        actor.usage,
        if actor.authenticated { "" } else { ", not authenticated" }
    );
    let parts =
        [("session", &actor.session), ("token", &actor.token), ("grant", &actor.grant), ("person", &actor.person)];
    for (name, value) in parts {
        if let Some(value) = value {
            text.push_str(&format!("  {name} {value}\n"));
        }
    }
    if actor.temporary {
        text.push_str("  temporary\n");
    }
    for part in &event.chain {
        text.push_str(&format!("  {}\n", member(part)));
    }
    text
}

/// The account acted on.
pub(crate) fn target(event: &Event) -> Option<String> {
    let target = event.target.as_ref()?;
    let proved = target.proved_type.map_or(String::new(), |proved| format!(" {proved}"));
    let token = target.token.as_ref().map_or(String::new(), |token| format!(" token {token}"));
    Some(format!("{}{proved}{}{token}", target.account, if target.shared { " shared" } else { "" }))
}

/// The class, who acted, how, and who took part; the account acted on.
pub(crate) fn parties(event: &Event) -> String {
    let on = target(event).map_or(String::new(), |target| format!("  on {target}\n"));
    format!("{} {}{on}", event.class, actor(event))
}

/// The fields whose paths begin with one of these.
pub(crate) fn fields(event: &Event, prefixes: &[&str]) -> String {
    let mut text = String::new();
    for (field, value) in event.fields.iter() {
        if prefixes.iter().any(|prefix| field.path.starts_with(prefix)) {
            let value = match value {
                Value::Text(text) => format!("{text:?}"),
                Value::Json(json) => json.to_string(),
                Value::TextList(texts) => format!("{texts:?}"),
                other => format!("{other:?}"),
            };
            text.push_str(&format!("{} = {value}\n", field.path));
        }
    }
    text
}
