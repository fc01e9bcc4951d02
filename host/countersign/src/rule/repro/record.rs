//! An event as a native OCSF record without personal data: identities, places and free text are replaced by pseudonyms,
//! and its times are moved.

use std::collections::BTreeSet;

use countersign_declaration::{Filter, Literal, Span, Test};
use countersign_model::vocabulary::{EventClass, FieldId};
use countersign_model::{Account, Event, Timestamp, Value};
use serde_json::{Map, json};

use super::pseudonyms::Pseudonyms;
use super::words;

/// Fields with words of the provider, not of people: what has the form of such a word stays.
const KEPT: &[FieldId] = &[
    FieldId::MetadataEventCode,
    FieldId::MetadataProductName,
    FieldId::StatusCode,
    FieldId::AuthProtocol,
    FieldId::AuthFactorsFactorType,
    FieldId::RiskLevel,
    FieldId::Privileges,
    FieldId::AuthenticationTokenEncryptionDetailsAlgorithm,
    FieldId::AuthenticationTokenKerberosFlags,
    FieldId::WinPreAuthType,
    FieldId::CloudProvider,
    FieldId::CloudRegion,
    FieldId::ApiOperation,
    FieldId::ApiServiceName,
    FieldId::ApiResponseError,
    FieldId::ActorUserType,
    FieldId::ActorInvokedBy,
    FieldId::UserType,
    FieldId::ResourcesType,
    FieldId::EntityType,
    FieldId::AccessList,
    FieldId::WinObjectProperties,
    FieldId::DeviceOsName,
    FieldId::SrcEndpointLocationCountry,
];

/// Fields that a record doesn't have, or that are set separately.
const ELSEWHERE: &[FieldId] = &[
    FieldId::MetadataUid,
    FieldId::ClassUid,
    FieldId::RawData,
    FieldId::FindingRule,
    FieldId::FindingClass,
    FieldId::FindingConfidence,
    FieldId::FindingSeverity,
    FieldId::FindingRole,
];

/// Providers whose accounts need no tenant, or have it in the id.
const TENANT_IMPLIED: &[&str] = &["okta", "windows"];

/// Numbers of networks for documentation (RFC 5398).
const FIRST_NETWORK: u64 = 64_496;

/// The known parts of an event.
pub(super) struct KnownEvent {
    pub(super) class: EventClass,
    pub(super) id: String,
    pub(super) time: Timestamp,
    pub(super) fields: Vec<(FieldId, Value)>,
    pub(super) actor: Option<Account>,
    pub(super) target: Option<Account>,
}

impl KnownEvent {
    /// A whole event.
    pub(super) fn new(event: &Event) -> KnownEvent {
        let fields =
            event.fields.iter().filter_map(|(field, value)| Some((FieldId::from_path(field.path)?, value.clone())));
        KnownEvent {
            class: event.class,
            id: event.id.to_string(),
            time: event.time,
            fields: fields.collect(),
            actor: event.actor.account.clone(),
            target: event.target.as_ref().map(|target| target.account.clone()),
        }
    }

    /// Adds values that a `where` requires and that aren't known: the first that satisfy it.
    pub(super) fn satisfy(&mut self, filter: &Filter) {
        match filter {
            Filter::Always | Filter::Not(_) => {}
            Filter::And(parts) => parts.iter().for_each(|part| self.satisfy(part)),
            Filter::Or(parts) => {
                let known = |part: &&Filter| match part {
                    Filter::Test { field, .. } => self.fields.iter().any(|(known, _)| known == field),
                    _ => false,
                };
                // A known value may satisfy one of them.
                if parts.iter().find(known).is_none()
                    && let Some(first) = parts.first()
                {
                    self.satisfy(first);
                }
            }
            Filter::Test { field, test, .. } => {
                if self.fields.iter().all(|(known, _)| known != field)
                    && let Some(value) = wanted(*field, test)
                {
                    self.fields.push((*field, value));
                }
            }
        }
    }
}

/// A value that satisfies a test.
fn wanted(field: FieldId, test: &Test) -> Option<Value> {
    let of = |literal: &Literal| match literal {
        Literal::Text(text) => Value::Text(text.as_str().into()),
        Literal::Integer(number) => u64::try_from(*number).map_or(Value::Signed(*number), Value::Unsigned),
        Literal::Float(number) => Value::Float(*number),
        Literal::Boolean(value) => Value::Boolean(*value),
    };
    let value = match test {
        Test::Eq(literal) => of(literal),
        Test::In(literals) => of(literals.first()?),
        Test::Prefix(text) | Test::Suffix(text) | Test::Contains(text) => Value::Text(text.as_str().into()),
        Test::Range(range) => of(&range.lower.as_ref().or(range.upper.as_ref())?.value),
        Test::Cidr(_) | Test::Exists(_) => return None,
    };
    // An element of a list is tested like a text.
    match (field.field().ty, value) {
        (countersign_model::vocabulary::FieldType::TextList, Value::Text(text)) => Some(Value::TextList(vec![text])),
        (_, value) => Some(value),
    }
}

/// Keeps every text and whole number in a filter.
pub(super) fn literals(filter: &Filter, names: &mut Pseudonyms) {
    match filter {
        Filter::Always => {}
        Filter::Not(part) => literals(part, names),
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| literals(part, names)),
        Filter::Test { test, .. } => {
            let mut keep = |literal: &Literal| match literal {
                Literal::Text(text) => names.keep(text),
                Literal::Integer(number) => names.keep(&number.to_string()),
                Literal::Float(_) | Literal::Boolean(_) => {}
            };
            match test {
                Test::Eq(literal) => keep(literal),
                Test::In(all) => all.iter().for_each(keep),
                Test::Prefix(text) | Test::Suffix(text) | Test::Contains(text) => names.keep(text),
                Test::Range(_) | Test::Cidr(_) | Test::Exists(_) => {}
            }
        }
    }
}

/// Makes records, with one pseudonym for each text in all of them.
pub(super) struct Redactor {
    pub(super) names: Pseudonyms,
    /// Times are moved by so much, microseconds.
    pub(super) shift: i64,
    /// Tests of the rule's `where` for a part of a field's text, which stays, or for a range of numbers.
    pub(super) tests: Vec<(FieldId, Test)>,
    /// The words of all that is named in the events, in lower case.
    pub(super) identifiers: BTreeSet<String>,
}

impl Redactor {
    /// The event's id in the case.
    pub(super) fn id(&mut self, id: &str) -> String {
        self.names.text(id, "e")
    }

    pub(super) fn account(&mut self, account: &Account) -> Account {
        let Account { provider, tenant, subject } = account;
        let subject = self.names.text(subject, "id");
        // The format gives every account of Okta the same one.
        let tenant = if provider == "okta" { tenant.clone() } else { self.names.text(tenant, "tenant") };
        Account::new(self.provider(provider), tenant, subject)
    }

    fn provider(&mut self, provider: &str) -> String {
        if words::is_provider(provider) { provider.to_owned() } else { self.names.text(provider, "provider") }
    }

    /// A time, moved; to a millisecond, because more digits are as good as an id.
    pub(super) fn time(&self, time: Timestamp) -> Timestamp {
        let Timestamp(micros) = time.plus_micros(self.shift);
        Timestamp(micros - micros.rem_euclid(1_000))
    }

    /// The record.
    pub(super) fn record(&mut self, event: &KnownEvent) -> serde_json::Value {
        let mut record = Map::new();
        set(&mut record, "class_uid", json!(event.class.uid()));
        set(&mut record, "metadata.uid", json!(self.id(&event.id)));
        set(&mut record, "time_dt", json!(self.time(event.time).to_string()));
        // Accounts first, so that their pseudonyms are ids in all fields.
        let actor = event.actor.as_ref().map(|account| self.account(account));
        let target = event.target.as_ref().map(|account| self.account(account));
        let mut seen = BTreeSet::new();
        // In an OCSF authentication `user` is who signed in: somebody else, acted on, has no place there.
        let other = event.class == EventClass::Authentication && event.target.is_some() && event.target != event.actor;
        for (field, value) in &event.fields {
            let path = field.field().path;
            if ELSEWHERE.contains(field) || other && path.starts_with("user.") || !seen.insert(field.index()) {
                continue;
            }
            match value {
                Value::Timestamp(micros) => {
                    set(&mut record, &format!("{path}_dt"), json!(self.time(Timestamp(*micros)).to_string()));
                }
                value => {
                    if let Some(shown) = self.value(*field, value) {
                        set(&mut record, path, shown);
                    }
                }
            }
        }
        if let Some(account) = &actor {
            user(&mut record, "actor.user", account);
            // In an authentication `user` is the actor too, if it is there.
            if event.class == EventClass::Authentication && seen.contains(&FieldId::UserUid.index()) {
                user(&mut record, "user", account);
            }
        }
        if let Some(account) = target.filter(|_| event.class != EventClass::Authentication) {
            user(&mut record, "user", &account);
        }
        serde_json::Value::Object(record)
    }

    fn value(&mut self, field: FieldId, value: &Value) -> Option<serde_json::Value> {
        Some(match value {
            Value::WrongType | Value::Timestamp(_) => return None,
            Value::Unsigned(number) if field == FieldId::SrcEndpointAutonomousSystemNumber => {
                json!(self.network(*number))
            }
            Value::Unsigned(number) => json!(self.number(field, i128::from(*number))),
            Value::Signed(number) => json!(self.number(field, i128::from(*number))),
            // Whole degrees: a region, not a house.
            Value::Float(number) => json!(self.float(number.round())),
            Value::Boolean(value) => json!(value),
            Value::Address(address) => json!(self.names.address(*address).to_string()),
            Value::Text(text) => json!(self.text(field, text)),
            Value::TextList(items) => json!(items.iter().map(|item| self.text(field, item)).collect::<Vec<_>>()),
            Value::Json(text) => self.body(&serde_json::from_str(text).ok()?),
        })
    }

    fn network(&mut self, number: u64) -> u64 {
        let name = self.names.text(&format!("AS{number}"), "network-number");
        let number = name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(1);
        FIRST_NETWORK + (number - 1) % 16
    }

    fn text(&mut self, field: FieldId, text: &str) -> String {
        if field == FieldId::CloudProvider {
            return self.provider(text);
        }
        if KEPT.contains(&field) && self.stays(field, text) {
            return text.to_owned();
        }
        if field == FieldId::HttpRequestUserAgent {
            return self.user_agent(text);
        }
        let word = word(field.field().path);
        let part = self.tests.iter().find_map(|(tested, test)| match test {
            Test::Prefix(part) if *tested == field && text.starts_with(part.as_str()) => {
                Some((part.clone(), String::new()))
            }
            Test::Suffix(part) if *tested == field && text.ends_with(part.as_str()) => {
                Some((String::new(), part.clone()))
            }
            Test::Contains(part) if *tested == field && text.contains(part.as_str()) => {
                Some((part.clone(), String::new()))
            }
            _ => None,
        });
        match part {
            Some((before, after)) => format!("{before}{}{after}", self.names.text(text, word)),
            None => self.names.text(text, word),
        }
    }

    /// Whether a text in a field of the provider's words is one.
    fn stays(&self, field: FieldId, text: &str) -> bool {
        match field {
            FieldId::CloudRegion => words::is_region(text),
            FieldId::SrcEndpointLocationCountry => {
                text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
            }
            _ => words::is_word(text) && !words::tokens(text).any(|token| self.identifiers.contains(&token)),
        }
    }

    /// Takes in who and what events are about: a word that is part of that stays nowhere.
    pub(super) fn learn(&mut self, event: &KnownEvent) {
        let accounts = event.actor.iter().chain(&event.target);
        for account in accounts {
            self.identifiers.extend(words::tokens(&account.subject).chain(words::tokens(&account.tenant)));
        }
        let named = event.fields.iter().filter(|(field, _)| names(field.field().path) && !KEPT.contains(field));
        for (_, value) in named {
            match value {
                Value::Text(text) => self.identifiers.extend(words::tokens(text)),
                Value::TextList(items) => items.iter().for_each(|item| self.identifiers.extend(words::tokens(item))),
                _ => {}
            }
        }
    }

    /// A number of few digits or one that the rule's `where` names; else one that stands for it, within the range that the
    /// `where` asks for if it was in there.
    fn number(&mut self, field: FieldId, number: i128) -> i128 {
        let tests = self.tests.iter().filter(|(tested, _)| *tested == field);
        let ranges: Vec<(i128, i128)> = tests
            .filter_map(|(_, test)| match test {
                Test::Range(range) => Some(range.span()),
                _ => None,
            })
            .filter_map(|span| if let Span::Integers(min, max) = span { Some((min, max)) } else { None })
            .filter(|(min, max)| (min..=max).contains(&&number))
            .collect();
        if self.names.is_kept(&number.to_string()) {
            return number;
        }
        let Some(made) = self.names.number(&number.to_string()) else { return number };
        ranges.iter().fold(i128::from(made), |made, (min, max)| made.clamp(*min, *max))
    }

    fn float(&mut self, number: f64) -> f64 {
        let made = self.names.number(&format!("{number:.0}"));
        made.map_or(number, |made| f64::from(u32::try_from(made).unwrap_or_default()))
    }

    /// A well-known product at the beginning of a user agent, and a pseudonym for the rest.
    fn user_agent(&mut self, text: &str) -> String {
        let Some((product, major)) = words::agent(text) else { return self.names.text(text, "agent") };
        match text.split_once(' ') {
            Some((_, rest)) => format!("{product}/{major} {}", self.names.text(rest, "agent")),
            None => format!("{product}/{major}"),
        }
    }

    /// A body keeps its structure: known names of members, short numbers and booleans stay, texts don't.
    fn body(&mut self, body: &serde_json::Value) -> serde_json::Value {
        match body {
            serde_json::Value::String(text) => json!(self.names.text(text, "text")),
            serde_json::Value::Array(items) => items.iter().map(|item| self.body(item)).collect(),
            serde_json::Value::Object(members) => {
                let mut made = Map::new();
                for (name, member) in members {
                    let name = if words::is_member(name) || self.names.is_kept(name) {
                        name.clone()
                    } else {
                        self.names.text(name, "member")
                    };
                    made.insert(name, self.body(member));
                }
                serde_json::Value::Object(made)
            }
            serde_json::Value::Number(number) => match self.names.number(&number.to_string()) {
                Some(made) => json!(made),
                None => body.clone(),
            },
            other => other.clone(),
        }
    }
}

/// Whether a field names or identifies somebody or something.
fn names(path: &str) -> bool {
    ["uid", "uid_alt", "name", "hostname", "domain", "issuer"].iter().any(|ending| path.ends_with(ending))
}

/// The kind of a field's text, for pseudonyms where its form doesn't show it.
fn word(path: &str) -> &'static str {
    let ends = |ending: &str| path.ends_with(ending);
    if ends("hostname") {
        "host"
    } else if ends("domain") {
        "domain"
    } else if ends("name") || ends("city") || ends("isp") {
        "name"
    } else if ends("session.uid") {
        "session"
    } else if ends("uid") || ends("uid_alt") || ends("issuer") {
        "id"
    } else {
        "text"
    }
}

/// Sets a user so that the format reads the same account.
fn user(record: &mut Map<String, serde_json::Value>, path: &str, account: &Account) {
    set(record, &format!("{path}.uid"), json!(account.subject));
    if account.provider == "windows" {
        return;
    }
    if !TENANT_IMPLIED.contains(&account.provider.as_str()) {
        set(record, &format!("{path}.account.uid"), json!(account.tenant));
    }
    let cloud = record.get("cloud").and_then(|cloud| cloud.get("provider")).and_then(serde_json::Value::as_str);
    if cloud.is_none() {
        set(record, "metadata.product.vendor_name", json!(account.provider));
    } else if cloud.is_some_and(|cloud| !cloud.eq_ignore_ascii_case(&account.provider)) {
        set(record, "cloud.provider", json!(account.provider));
    }
}

/// Sets the value at a path, and replaces values that aren't objects on the way.
fn set(record: &mut Map<String, serde_json::Value>, path: &str, value: serde_json::Value) {
    match path.split_once('.') {
        None => {
            record.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let member = record.entry(first).or_insert_with(|| json!({}));
            if !member.is_object() {
                *member = json!({});
            }
            if let Some(members) = member.as_object_mut() {
                set(members, rest, value);
            }
        }
    }
}
