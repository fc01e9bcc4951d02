//! The schemas of the operator's files.

use countersign_model::vocabulary::{
    Action, ActionClass, DomainRole, EgressKind, EventClass, FIELDS, IdentityType, Reversibility, RuleKind, Severity,
    SignalClass, TargetLevel, Tier,
};
use countersign_policy::{Accept, Answer, PersonRole, Reach};
use serde_json::{Value, json};

use crate::schema::{described, document, table, tables, text, words};

/// `version = 1`.
fn version() -> Value {
    json!({ "const": 1, "description": "The version of the file's grammar" })
}

/// `as-of`.
fn as_of() -> Value {
    described(text(), "The date (its beginning, UTC) or the time that the file's facts are as of")
}

/// A word, a list of them, or `*`.
fn axis(words: Value) -> Value {
    json!({ "anyOf": [
        { "const": "*" },
        words.clone(),
        { "type": "array", "items": words, "minItems": 1, "uniqueItems": true },
    ] })
}

fn signal_classes() -> Value {
    words(SignalClass::IDS.iter().copied())
}

fn identity_types() -> Value {
    words(IdentityType::IDS.iter().copied())
}

fn tiers() -> Value {
    words(Tier::IDS.iter().copied())
}

fn actions(allowed: impl Fn(ActionClass) -> bool) -> Value {
    words(Action::ALL.iter().filter(|action| allowed(action.class())).map(|action| action.id()))
}

fn percent() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": 100 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn integer(max: u64) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": max })
}

/// What is kept at most, bytes.
fn kept(max: u64) -> Value {
    json!({ "type": "integer", "minimum": 65_536, "maximum": max })
}

fn networks() -> Value {
    let network = json!({ "type": "string", "examples": ["203.0.113.0/24", "2001:db8::/32"] });
    json!({ "type": "array", "items": network, "minItems": 1, "uniqueItems": true })
}

pub(crate) fn policy() -> Value {
    const EXACT: u64 = (1 << 53) - 1;
    let duration = || json!({ "type": "string", "examples": ["15m", "4h", "7d"] });
    let mut cell = table(
        &["class", "type", "tier", "action", "answer"],
        json!({
            "class": axis(signal_classes()),
            "type": axis(identity_types()),
            "tier": axis(tiers()),
            "action": axis(actions(|_| true)),
            "answer": words(Answer::IDS.iter().copied()),
            "floor": described(percent(), "The confidence that must be reached; 0 if left out"),
            "max-age": described(duration(), "How old the evidence may be for automatic containment; `15m` if left out"),
            "owner": described(text(), "Who answers for the cell"),
            "evidence": described(text(), "Why the cell may be automatic"),
            "review-by": described(text(), "The last day (UTC) on which the cell may be automatic, `YYYY-MM-DD`"),
        }),
    );
    cell["allOf"] = json!([
        {
            "if": { "properties": { "answer": { "const": "automatic" } } },
            "then": { "required": ["owner", "evidence", "review-by"] },
        },
        {
            "if": { "properties": { "answer": { "not": { "const": "never" } } } },
            "then": { "properties": { "action": axis(actions(|class| class != ActionClass::Remediate)) } },
        },
    ]);
    let response = table(
        &["class", "type", "rules"],
        json!({
            "class": axis(signal_classes()),
            "type": axis(identity_types()),
            "rules": { "type": "array", "items": rule_id(), "uniqueItems": true },
        }),
    );
    let rule = table(
        &[],
        json!({
            "enabled": described(flag(), "Whether the rule serves; `true` if left out"),
            "cap": described(percent(), "The greatest confidence that its findings may have; 100 if left out"),
            "parameters": {
                "type": "object",
                "description": "Values of its parameters, within the rule's own ranges",
                "additionalProperties": {
                    "anyOf": [
                        { "type": ["boolean", "number", "string"] },
                        { "type": "array", "items": { "type": "string" } },
                    ],
                },
            },
        }),
    );
    let publisher = table(
        &[],
        json!({
            "cap": described(percent(), "The greatest confidence that findings of its rules may have; 100 if left out"),
            "exempt-from-grouping": described(flag(), "Whether each of its findings counts in combined confidence"),
        }),
    );
    let limits = table(
        &[],
        json!({
            "memory": integer(4 << 30),
            "fuel": integer(EXACT),
            "output": integer(u32::MAX.into()),
            "state": integer(EXACT),
            "component-bytes": integer(1 << 30),
            "declaration-bytes": integer(1 << 20),
            "data-bytes": integer(1 << 30),
            "kept-state": described(
                kept(1 << 40),
                "Bytes of state and timers that the host keeps of a rule; 64 MiB if left out"
            ),
            "kept-evidence": described(
                kept(64 << 20),
                "Bytes of new evidence that one row may give a rule; 1 MiB if left out"
            ),
            "default-lease": described(duration(), "The lease where a response rule gave none; `4h` if left out"),
            "longest-lease": described(duration(), "The longest lease; `24h` if left out"),
        }),
    );
    let mut cells = tables(cell);
    cells["maxItems"] = 2_048.into();
    document(
        "policy",
        "Countersign's policy.toml",
        table(
            &["version"],
            json!({
                "version": version(),
                "cell": described(cells, "May this be done to them because of that?"),
                "response": described(tables(response), "Which response rules answer"),
                "rule": named(rule, json!({ "pattern": RULE_ID }), "Settings of a rule, by its id"),
                "publisher": named(publisher, json!({ "pattern": ID_PART }), "Settings of a publisher, by its name"),
                "limits": described(limits, "What any rule may use, and how long containment holds"),
            }),
        ),
    )
}

const RULE_ID: &str = "^[a-z][a-z0-9-]{0,63}/[a-z][a-z0-9-]{0,63}$";
const ID_PART: &str = "^[a-z][a-z0-9-]{0,63}$";

fn rule_id() -> Value {
    json!({ "type": "string", "pattern": RULE_ID, "examples": ["publisher/name"] })
}

fn named(entry: Value, names: Value, description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "propertyNames": names,
        "additionalProperties": entry,
    })
}

pub(crate) fn trust() -> Value {
    let fields = || words(FIELDS.iter().map(|field| field.path));
    let grantable = || actions(|class| class != ActionClass::Remediate);
    let grant = table(
        &[],
        json!({
            "kinds": described(axis(words(RuleKind::IDS.iter().copied())), "What its rules may be; anything if left out"),
            "identity-types": described(axis(identity_types()), "Whom they may lead to anything for; nobody if left out"),
            "actions": described(axis(grantable()), "What they may lead to; nothing if left out"),
            "signal-classes": described(axis(signal_classes()), "Because of what; of nothing if left out"),
            "fields": described(axis(fields()), "What they may see or test; anything if left out"),
            "confidence": described(percent(), "The greatest confidence that their findings may have; 100 if left out"),
            "severity": described(
                words(Severity::IDS.iter().copied()),
                "The greatest severity that their findings may have; `fatal` if left out",
            ),
        }),
    );
    let key = json!({
        "type": "string",
        "pattern": "^ed25519:[A-Za-z0-9+/]{43}=$",
        "examples": ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    });
    let keys = json!({ "type": "array", "items": key, "minItems": 1, "maxItems": 16, "uniqueItems": true });
    let grant = described(grant, "What may come of its rules; nothing if left out");
    let unsigned = described(flag(), "Whether rules without a signature serve too: for a developer's machine");
    let accept = described(
        words(Accept::IDS.iter().copied()),
        "`listed`: only under a declaration that `[[accepted]]` names; `all` if left out",
    );
    let keys = described(keys, "The public keys that prove a rule to be this publisher's");
    let publisher = table(&[], json!({ "keys": keys, "unsigned": unsigned, "accept": accept, "grant": grant }));
    let list = |items: Value| json!({ "type": "array", "items": items, "uniqueItems": true });
    let permits = table(
        &[],
        json!({
            "actions": axis(actions(|_| true)),
            "identity-types": axis(identity_types()),
            "signal-classes": axis(signal_classes()),
            "event-classes": axis(words(EventClass::IDS.iter().copied())),
            "fields": axis(fields()),
            "context": list(text()),
            "subscribes": list(rule_id()),
            "confidence-floor": percent(),
        }),
    );
    let accepted = table(
        &["rule", "declaration"],
        json!({
            "rule": rule_id(),
            "declaration": {
                "type": "string",
                "pattern": "^[0-9a-f]{64}$",
                "description": "SHA-256 of its declaration, as `rule inspect` prints it",
            },
            "permits": described(permits, "What the declaration permits, to compare a later one with"),
        }),
    );
    document(
        "trust",
        "Countersign's trust.toml",
        table(
            &[],
            json!({
                "version": version(),
                "publisher": named(publisher, json!({ "pattern": ID_PART }), "Publishers, by their names"),
                "accepted": described(tables(accepted), "Declarations of publishers whose rules have to be listed"),
            }),
        ),
    )
}

pub(crate) fn identities() -> Value {
    let account = table(
        &["provider", "tenant", "subject"],
        json!({
            "provider": described(text(), "Such as `aws`"),
            "tenant": described(text(), "The provider's tenant"),
            "subject": described(text(), "The immutable subject id within the tenant"),
            "provenance": described(text(), "Where the link comes from, for people"),
        }),
    );
    let identity = table(
        &["id"],
        json!({
            "id": described(text(), "The operator's stable id, unique in the file"),
            "type": described(identity_types(), "If left out, what the record proves"),
            "tier": described(tiers(), "`critical` if left out"),
            "environment": described(text(), "Such as `production`"),
            "owner": described(text(), "The id of another identity of the file"),
            "protected": described(flag(), "Never automatically contained"),
            "break-glass": described(flag(), "Emergency access"),
            "account": described(tables(account), "The accounts linked to it"),
        }),
    );
    let person = table(
        &["identity", "uid", "roles"],
        json!({
            "identity": described(text(), "The id of an identity of the file, of type human"),
            "uid": { "type": "integer", "minimum": 1, "maximum": u32::MAX - 1, "description": "The user on the host's machine" },
            "roles": {
                "type": "array", "minItems": 1, "maxItems": PersonRole::IDS.len(), "uniqueItems": true,
                "items": words(PersonRole::IDS.iter().copied()), "description": "What the person may do",
            },
            "keys": { "type": "array", "maxItems": 16, "items": text(), "description": "Public keys as OpenSSH writes them" },
        }),
    );
    let root = json!({ "identity": tables(identity), "person": tables(person) });
    document("identities", "Countersign's identities.toml", table(&[], root))
}

pub(crate) fn capabilities() -> Value {
    let capability = table(
        &["provider", "connector", "action", "type", "levels"],
        json!({
            "provider": described(text(), "The provider of the accounts, such as `aws`"),
            "connector": described(text(), "The connector's name"),
            "action": axis(actions(|class| matches!(class, ActionClass::Challenge | ActionClass::Contain))),
            "type": axis(identity_types()),
            "levels": axis(words(TargetLevel::IDS.iter().copied())),
            "reversibility": described(
                words(Reversibility::IDS.iter().copied()),
                "What undoing takes; `irreversible` if left out",
            ),
            "one-session": described(
                flag(),
                "Whether at the level of a session it acts on that session only; false if left out",
            ),
            "reach": described(
                words(Reach::IDS.iter().copied()),
                "How many principals or callers the action reaches at one account; `unknown` if left out",
            ),
        }),
    );
    document(
        "capabilities",
        "Countersign's capability tables",
        table(&["version"], json!({ "version": version(), "capability": tables(capability) })),
    )
}

pub(crate) fn egress() -> Value {
    let egress = table(
        &["name", "kind", "networks"],
        json!({
            "name": described(text(), "What it is called"),
            "kind": words(EgressKind::IDS.iter().copied()),
            "networks": networks(),
            "provider": described(text(), "Who provides the network"),
            "asn": described(integer(u32::MAX.into()), "Autonomous system number"),
        }),
    );
    document(
        "egress",
        "Countersign's egress.toml",
        table(&["version", "as-of"], json!({ "version": version(), "as-of": as_of(), "egress": tables(egress) })),
    )
}

pub(crate) fn geo() -> Value {
    let number = |min: i64, max: i64| json!({ "type": "number", "minimum": min, "maximum": max });
    let mut location = table(
        &["networks"],
        json!({
            "networks": networks(),
            "country": { "type": "string", "minLength": 2, "maxLength": 2, "description": "ISO 3166-1 alpha-2" },
            "city": text(),
            "latitude": described(number(-90, 90), "Degrees, north positive"),
            "longitude": described(number(-180, 180), "Degrees, east positive"),
            "radius": described(number(0, 20_038), "Accuracy of the coordinates, kilometres"),
            "asn": described(integer(u32::MAX.into()), "Autonomous system number"),
            "organisation": text(),
        }),
    );
    location["dependentRequired"] = json!({ "latitude": ["longitude"], "longitude": ["latitude"] });
    document(
        "geo",
        "Countersign's geo.toml",
        table(&["version", "as-of"], json!({ "version": version(), "as-of": as_of(), "location": tables(location) })),
    )
}

pub(crate) fn domain_roles() -> Value {
    let role = words(DomainRole::IDS.iter().copied());
    let roles = json!({ "type": "array", "items": role, "minItems": 1, "uniqueItems": true });
    let account = table(
        &["account", "roles"],
        json!({
            "account": described(text(), "`provider:tenant:subject`; of Windows by security id"),
            "roles": roles.clone(),
            "name": described(text(), "For people; nothing is looked up by it"),
        }),
    );
    let host = table(
        &["host", "roles"],
        json!({ "host": described(text(), "The host's name as records have it"), "roles": roles }),
    );
    document(
        "domain-roles",
        "Countersign's domain-roles.toml",
        table(
            &["version", "as-of"],
            json!({ "version": version(), "as-of": as_of(), "account": tables(account), "host": tables(host) }),
        ),
    )
}
