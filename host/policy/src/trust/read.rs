//! `trust.toml` from text: every table of the grammar, and every fault in it.

use std::collections::BTreeSet;

use countersign_declaration::Permissions;
use countersign_document::{Diagnostic, NodeValue, Problem, quoted};
use countersign_model::rule::is_id_part;
use countersign_model::vocabulary::{
    Action, EventClass, FIELDS, FieldId, IdentityType, RuleKind, Severity, SignalClass, TextId,
};
use countersign_model::{Digest, RuleId};
use countersign_signing::{KeyError, PublicKey};

use super::{
    Accept, Accepted, Grant, LOCAL_PUBLISHER, Publisher, SHIPPED_PUBLISHER, Scope, Written, grantable_actions,
};
use crate::axis;
use crate::reader::{Item, Table, flag, optional_version, read_file};

/// The most keys of a publisher: it has one or two, and those that it changes to.
const MAX_KEYS: usize = 16;

pub(super) fn trust(text: &str) -> Result<Written, Vec<Diagnostic>> {
    read_file(text, |table| {
        let mut written = Written::default();
        optional_version(table);
        if let Some(publishers) = table.get("publisher").and_then(|item| item.table()) {
            let mut keys = Vec::new();
            for (name, item) in publishers.entries() {
                if !is_id_part(name) {
                    let expected = "a publisher: 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter";
                    item.refuse::<()>(Problem::InvalidValue, expected, quoted(name), None);
                } else if let Some(publisher) = publisher(name, item, &mut keys) {
                    written.publishers.insert(name.to_owned(), publisher);
                }
            }
        }
        for item in table.tables("accepted") {
            let Some(accepted) = accepted(item) else { continue };
            let same = |one: &Accepted| one.rule == accepted.rule && one.declaration == accepted.declaration;
            if written.accepted.iter().any(same) {
                let got = format!("another one for `{}`", accepted.rule);
                item.refuse::<()>(Problem::DuplicateValue, "a declaration once", got, None);
            } else {
                written.accepted.push(accepted);
            }
        }
        written
    })
}

/// A key of a publisher that was read.
type OwnedKey<'n> = (PublicKey, &'n str);

fn publisher<'n>(name: &'n str, item: Item<'n>, keys: &mut Vec<OwnedKey<'n>>) -> Option<Publisher> {
    let table = item.table()?;
    let mut publisher = Publisher::nobody();
    if let Some(item) = table.get("keys") {
        if [SHIPPED_PUBLISHER, LOCAL_PUBLISHER].contains(&name) {
            item.refuse::<()>(Problem::Conflict, format!("no keys of publisher `{name}`"), "some", no_keys(name));
        } else {
            publisher.keys = item.list((1, MAX_KEYS), |item| key(item, name, keys)).unwrap_or_default();
        }
    }
    publisher.unsigned = flag(&table, "unsigned");
    if name == LOCAL_PUBLISHER && publisher.unsigned {
        let item = table.get("unsigned").unwrap_or(table.item());
        let expected = format!("no `unsigned` of publisher `{name}`");
        item.refuse::<()>(Problem::Conflict, expected, "true", no_keys(name));
    }
    if ![SHIPPED_PUBLISHER, LOCAL_PUBLISHER].contains(&name) && !table.has("keys") && !publisher.unsigned {
        let expected = "the publisher's public keys, `ed25519:…`, or `unsigned = true` on a developer's machine";
        table.missing("keys", expected);
    }
    publisher.accept =
        table.get("accept").and_then(|item| item.word("which of its rules serve")).unwrap_or(Accept::All);
    match table.get("grant") {
        Some(item) => {
            if let Some(table) = item.table() {
                (publisher.grant, publisher.scope) = grant(table);
            }
        }
        None if name == SHIPPED_PUBLISHER => publisher.grant = Grant::everything(),
        None => {}
    }
    table.finish();
    Some(publisher)
}

/// Why a publisher has no keys.
fn no_keys(name: &str) -> Option<String> {
    Some(if name == SHIPPED_PUBLISHER {
        "its rules ship, and are known by their digests".to_owned()
    } else {
        "its rules are nobody's, and always unsigned".to_owned()
    })
}

fn key<'n>(item: Item<'n>, name: &'n str, keys: &mut Vec<OwnedKey<'n>>) -> Option<PublicKey> {
    const EXPECTED: &str = "a public key `ed25519:` and 32 bytes in Base64, as `rule keygen` prints it";
    let key = match item.any_text(4_096)?.parse::<PublicKey>() {
        Ok(key) => key,
        // Not shown: a reader of the message could sign.
        Err(KeyError::Secret) => {
            let hint = Some("make a new key: this one is in a file that others read".to_owned());
            return item.refuse(Problem::InvalidValue, EXPECTED, "a secret key", hint);
        }
        Err(KeyError::Weak) => {
            return item.refuse(Problem::InvalidValue, EXPECTED, "32 bytes that are no key, or a weak one", None);
        }
        Err(KeyError::Form { .. }) => return item.invalid(EXPECTED),
    };
    // One key that proves two names would make either as good as the other.
    if let Some((_, owner)) = keys.iter().find(|(known, _)| *known == key) {
        let hint = Some(format!("it is a key of publisher `{owner}` already"));
        return item.refuse(Problem::DuplicateValue, "a key once", item.node().shown(), hint);
    }
    keys.push((key, name));
    Some(key)
}

fn grant(table: Table<'_>) -> (Grant, Scope) {
    let lanes: Vec<Action> = grantable_actions().collect();
    let base = Scope::default();
    let grant = Grant {
        actions: some(&table, "actions", &lanes, "an action outside the remediation lane").unwrap_or_default(),
        identity_types: some(&table, "identity-types", IdentityType::ALL, "an identity type").unwrap_or_default(),
        signal_classes: some(&table, "signal-classes", SignalClass::ALL, "a signal class").unwrap_or_default(),
    };
    let scope = Scope {
        kinds: some(&table, "kinds", RuleKind::ALL, "a kind of rule").unwrap_or(base.kinds),
        fields: table.get("fields").and_then(fields).unwrap_or(base.fields),
        confidence: table.get("confidence").and_then(|item| item.percent()).unwrap_or(base.confidence),
        severity: table.get("severity").and_then(|item| item.word::<Severity>("a severity")).unwrap_or(base.severity),
    };
    table.finish();
    (grant, scope)
}

/// A word, a list of them or `*`; none where the key is missing.
fn some<T: TextId + Copy + Ord>(table: &Table<'_>, key: &'static str, known: &[T], what: &str) -> Option<BTreeSet<T>> {
    let item = table.get(key)?;
    Some(axis::read(item, known, what).map(|axis| axis.expand(known)).unwrap_or_default().into_iter().collect())
}

fn fields(item: Item<'_>) -> Option<BTreeSet<FieldId>> {
    match &item.node().value {
        NodeValue::Text(text) if text == "*" => Some(FieldId::all().collect()),
        NodeValue::Text(_) => field(item).map(|field| BTreeSet::from([field])),
        NodeValue::List(_) => item.set((1, usize::MAX), field).map(|fields| fields.into_iter().collect()),
        _ => item.wrong_type("a field, a list of them, or `*`"),
    }
}

fn field(item: Item<'_>) -> Option<FieldId> {
    let text = item.text()?;
    let found = FieldId::from_path(text);
    if found.is_none() {
        return item.unknown(Problem::UnknownWord, "a field", text, FIELDS.iter().map(|field| field.path));
    }
    found
}

fn accepted(item: Item<'_>) -> Option<Accepted> {
    let table = item.table()?;
    let rule =
        table.read("rule", "a rule id `publisher/name`", |item| item.parsed::<RuleId>("a rule id `publisher/name`"));
    let expected = "the SHA-256 of the declaration, as `rule inspect` prints it";
    let declaration = table.read("declaration", expected, |item| item.parsed::<Digest>(expected));
    let permits = table.get("permits").and_then(|item| item.table()).map(permissions);
    table.finish();
    Some(Accepted { rule: rule?, declaration: declaration?, permits })
}

/// What an accepted declaration permits, as a refusal prints it.
fn permissions(table: Table<'_>) -> Permissions {
    let texts = |key| {
        let texts = table.get(key).and_then(|item| item.set((0, usize::MAX), |item| item.text()));
        texts.unwrap_or_default().into_iter().map(str::to_owned).collect()
    };
    let subscribes = table
        .get("subscribes")
        .and_then(|item| item.set((0, usize::MAX), |item| item.parsed::<RuleId>("a rule id `publisher/name`")));
    let permissions = Permissions {
        actions: some(&table, "actions", Action::ALL, "an action").unwrap_or_default(),
        identity_types: some(&table, "identity-types", IdentityType::ALL, "an identity type").unwrap_or_default(),
        signal_classes: some(&table, "signal-classes", SignalClass::ALL, "a signal class").unwrap_or_default(),
        event_classes: some(&table, "event-classes", EventClass::ALL, "an event class").unwrap_or_default(),
        fields: table.get("fields").and_then(fields).unwrap_or_default(),
        context: texts("context"),
        subscribes: subscribes.unwrap_or_default().into_iter().collect(),
        confidence_floor: table.get("confidence-floor").and_then(|item| item.percent()).unwrap_or(0),
    };
    table.finish();
    permissions
}
