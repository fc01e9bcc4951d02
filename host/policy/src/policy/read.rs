//! `policy.toml` from text: every table of the grammar, and every fault in it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_document::{Diagnostic, MAX_INTEGER, Node, NodeValue, Problem, quoted};
use countersign_model::RuleId;
use countersign_model::rule::is_id_part;
use countersign_model::vocabulary::{Action, ActionClass, IdentityType, SignalClass, Tier};

use super::{
    Answer, Cell, CellOutcome, DEFAULT_MAX_AGE, Policy, PublisherSettings, ResponseChoice, ReviewBy, RuleSettings,
    Written,
};
use crate::axis::{self, Axis};
use crate::limits::OperatorLimits;
use crate::reader::{Item, Table, flag, optional_text, read_file, version};
use crate::trust::{Grant, grantable_actions};

/// Tables that a later version serves.
const RESERVED: [&str; 5] = ["windows", "budgets", "approvals", "stages", "silences"];

/// The greatest `max-age`, microseconds: a week is enough for any evidence worth acting on without a person.
const MAX_AGE: i64 = 7 * 86_400_000_000;

/// Maximum number of cells: compiling checks each for every combination.
const MAX_CELLS: usize = 2_048;

/// Where the grants of publishers are.
pub(super) enum Grants<'g> {
    /// In `trust.toml`: here they are a fault.
    Elsewhere,
    /// In the policy, as in versions before `trust.toml`.
    Here(&'g mut BTreeMap<String, Grant>),
}

pub(super) fn policy(text: &str, mut grants: Grants<'_>) -> Result<Policy, Vec<Diagnostic>> {
    let mut cell_lines = Vec::new();
    let mut response_lines = Vec::new();
    let written = read_file(text, |table| {
        let mut written = Written::default();
        version(table);
        for (name, item) in table.entries().filter(|(name, _)| RESERVED.contains(name)) {
            let hint = "reserved: not served by this version".to_owned();
            let expected = "a table that this version serves";
            item.refuse::<()>(Problem::UnknownKey, expected, format!("`{name}`"), Some(hint));
            // Known where it is there, so that it is reported once, and never suggested.
            table.know(&RESERVED);
        }
        for (place, item) in table.tables("cell").enumerate() {
            if place == MAX_CELLS {
                item.refuse::<()>(Problem::OutOfRange, format!("at most {MAX_CELLS} cells"), "more", None);
                break;
            }
            if let Some(cell) = cell(item, place) {
                written.cells.push(cell);
                cell_lines.push(item.node().line);
            }
        }
        for item in table.tables("response") {
            if let Some(choice) = response(item) {
                written.responses.push(choice);
                response_lines.push(item.node().line);
            }
        }
        if let Some(rules) = table.get("rule").and_then(|item| item.table()) {
            for (name, item) in rules.entries() {
                match name.parse::<RuleId>() {
                    Ok(id) => written.rules.extend(rule(item).map(|settings| (id, settings))),
                    Err(_) => {
                        let hint = Some("write `[rule.\"publisher/name\"]`".to_owned());
                        item.refuse::<()>(Problem::InvalidValue, "a rule id `publisher/name`", quoted(name), hint);
                    }
                }
            }
        }
        if let Some(publishers) = table.get("publisher").and_then(|item| item.table()) {
            for (name, item) in publishers.entries() {
                if is_id_part(name) {
                    let settings = publisher(name, item, &mut grants);
                    written.publishers.extend(settings.map(|settings| (name.to_owned(), settings)));
                } else {
                    let expected = "a publisher: 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter";
                    item.refuse::<()>(Problem::InvalidValue, expected, quoted(name), None);
                }
            }
        }
        if let Some(limits) = table.get("limits").and_then(|item| item.table()) {
            written.limits = OperatorLimits::read(limits);
        }
        written
    })?;
    // Conflicts are looked for only once every cell could be read.
    Policy::compile(written).map_err(|mut conflicts| {
        for conflict in &mut conflicts {
            conflict.line = line_of(&conflict.place, "cell", &cell_lines)
                .or_else(|| line_of(&conflict.place, "response", &response_lines));
        }
        conflicts.sort_by_key(|conflict| conflict.line);
        conflicts
    })
}

fn line_of(place: &str, table: &str, lines: &[Option<usize>]) -> Option<usize> {
    let index: usize = place.strip_prefix(table)?.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    lines.get(index).copied().flatten()
}

fn cell(item: Item<'_>, place: usize) -> Option<Cell> {
    let table = item.table()?;
    let class = axis::required(&table, "class", SignalClass::ALL, "a signal class");
    let identity_type = axis::required(&table, "type", IdentityType::ALL, "an identity type");
    let tier = axis::required(&table, "tier", Tier::ALL, "a tier");
    let action = axis::required(&table, "action", Action::ALL, "an action");
    let answer = table.read("answer", "`automatic`, `approval` or `never`", |item| item.word::<Answer>("an answer"));
    let floor = table.get("floor").and_then(|item| item.percent()).unwrap_or(0);
    let max_age = table.get("max-age").and_then(|item| item.duration(0, MAX_AGE)).unwrap_or(DEFAULT_MAX_AGE);
    let owner = optional_text(&table, "owner");
    let evidence = optional_text(&table, "evidence");
    let review_by = table.get("review-by").and_then(review_by);
    if answer == Some(Answer::Automatic) {
        for (key, expected) in [
            ("owner", "who answers for an automatic cell"),
            ("evidence", "why the cell may be automatic"),
            ("review-by", "the date until which the cell may be automatic"),
        ] {
            // Reports the key if it is missing.
            let _ = table.required(key, expected);
        }
    }
    if let (Some(Axis::Named(actions)), Some(item)) = (&action, table.get("action"))
        && answer != Some(Answer::Never)
        && let Some(action) = actions.iter().find(|action| action.class() == ActionClass::Remediate)
    {
        let expected = "actions outside the remediation lane, or the answer `never`";
        let hint = Some("remediation is only ever a step of a case".to_owned());
        item.refuse::<()>(Problem::Conflict, expected, format!("`{action}`"), hint);
    }
    table.finish();
    let outcome =
        CellOutcome { name: format!("cell[{place}]"), answer: answer?, floor, max_age, owner, evidence, review_by };
    Some(Cell { class: class?, identity_type: identity_type?, tier: tier?, action: action?, outcome })
}

fn review_by(item: Item<'_>) -> Option<ReviewBy> {
    let date = match &item.node().value {
        NodeValue::Text(text) | NodeValue::Date(text) => ReviewBy::new(text),
        _ => None,
    };
    if date.is_none() { item.invalid("a date `YYYY-MM-DD`") } else { date }
}

fn response(item: Item<'_>) -> Option<ResponseChoice> {
    let table = item.table()?;
    let class = axis::required(&table, "class", SignalClass::ALL, "a signal class");
    let identity_type = axis::required(&table, "type", IdentityType::ALL, "an identity type");
    let rules = table.read("rules", "a list of response rules", |item| {
        item.set((0, usize::MAX), |item| item.parsed::<RuleId>("a rule id `publisher/name`"))
    });
    table.finish();
    Some(ResponseChoice { class: class?, identity_type: identity_type?, rules: rules? })
}

fn rule(item: Item<'_>) -> Option<RuleSettings> {
    let table = item.table()?;
    let mut settings = RuleSettings::default();
    if let Some(parameters) = table.get("parameters").and_then(|item| item.table()) {
        for (name, item) in parameters.entries() {
            if let Some(value) = setting(item) {
                settings.parameters.insert(name.to_owned(), value);
                settings.lines.extend(item.node().line.map(|line| (name.to_owned(), line)));
            }
        }
    }
    settings.enabled = table.get("enabled").and_then(|item| item.flag()).unwrap_or(true);
    settings.cap = table.get("cap").and_then(|item| item.percent()).unwrap_or(100);
    table.finish();
    Some(settings)
}

fn setting(item: Item<'_>) -> Option<serde_json::Value> {
    let value = match &item.node().value {
        NodeValue::Boolean(value) => Some((*value).into()),
        // RFC 8785 numbers are doubles: a greater one would have another canonical form.
        NodeValue::Integer(value) => {
            i64::try_from(*value).ok().filter(|value| (-MAX_INTEGER..=MAX_INTEGER).contains(value)).map(Into::into)
        }
        NodeValue::Float(value) => serde_json::Number::from_f64(*value).map(serde_json::Value::Number),
        NodeValue::Text(text) => Some(text.as_str().into()),
        NodeValue::List(items) => items.iter().map(Node::as_text).collect::<Option<Vec<&str>>>().map(Into::into),
        _ => None,
    };
    if value.is_none() {
        return item.wrong_type("true or false, a number, text, a duration, or a list of texts");
    }
    value
}

fn publisher(name: &str, item: Item<'_>, grants: &mut Grants<'_>) -> Option<PublisherSettings> {
    let table = item.table()?;
    if let Some((_, item)) = table.entries().find(|(name, _)| *name == "grant") {
        // Known where it is there, so that it is reported once, and never suggested.
        table.know(&["grant"]);
        match grants {
            Grants::Elsewhere => {
                let hint = format!("move it to `[publisher.{name}]` of `trust.toml`, and name that file by `--trust`");
                item.refuse::<()>(Problem::UnknownKey, "no grant in a policy", "one", Some(hint));
            }
            Grants::Here(grants) => grants.extend(item.table().map(|table| (name.to_owned(), grant(table)))),
        }
    }
    let settings = PublisherSettings {
        cap: table.get("cap").and_then(|item| item.percent()).unwrap_or(100),
        exempt_from_grouping: flag(&table, "exempt-from-grouping"),
    };
    table.finish();
    Some(settings)
}

/// A grant as policies had it.
fn grant(table: Table<'_>) -> Grant {
    let lanes: Vec<Action> = grantable_actions().collect();
    let actions = axis::required(&table, "actions", &lanes, "an action outside the remediation lane");
    let types = axis::required(&table, "identity-types", IdentityType::ALL, "an identity type");
    let classes = axis::required(&table, "signal-classes", SignalClass::ALL, "a signal class");
    table.finish();
    Grant {
        actions: expanded(actions, &lanes),
        identity_types: expanded(types, IdentityType::ALL),
        signal_classes: expanded(classes, SignalClass::ALL),
    }
}

fn expanded<T: Copy + Ord>(axis: Option<Axis<T>>, all: &[T]) -> BTreeSet<T> {
    axis.map(|axis| axis.expand(all)).unwrap_or_default().into_iter().collect()
}
