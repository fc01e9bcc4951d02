//! `policy.toml` from text: every table of the grammar, and every fault in it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::RuleId;
use countersign_model::rule::is_id_part;
use countersign_model::vocabulary::{Action, ActionClass, IdentityType, SignalClass, Tier};

use super::{
    Answer, Cell, CellOutcome, DEFAULT_MAX_AGE, Grant, Policy, PublisherSettings, ResponseChoice, ReviewBy,
    RuleSettings, Written,
};
use crate::axis::{self, Axis};
use crate::fault::Fault;
use crate::limits::OperatorLimits;
use crate::node::{Node, NodeValue};
use crate::reader::{Faults, TableReader, tables, text, version, word};

/// Tables that a later version serves.
const RESERVED: [&str; 5] = ["windows", "budgets", "approvals", "stages", "silences"];

/// Most cells: compiling looks at each for every combination.
const MAX_CELLS: usize = 2_048;

pub(super) fn policy(text: &str) -> Result<Policy, Vec<Fault>> {
    let root = Node::parse(text).map_err(|fault| vec![fault])?;
    let faults = Faults::default();
    let mut written = Written::default();
    let mut lines = Vec::new();
    let mut choice_lines = Vec::new();
    if let Some(table) = TableReader::new(&root, &faults) {
        version(&table, &faults);
        for name in RESERVED {
            if let Some(node) = table.get(name) {
                faults.push(Fault {
                    line: Some(node.line),
                    place: node.path.clone(),
                    expected: "a table that this version serves".to_owned(),
                    got: format!("`{name}`"),
                    hint: Some("reserved: not served by this version".to_owned()),
                });
            }
        }
        let cells = tables(table.get("cell"), &faults);
        if let Some(node) = cells.get(MAX_CELLS) {
            faults.push(node.fault(format!("at most {MAX_CELLS} cells"), None));
        }
        for (place, node) in cells.iter().take(MAX_CELLS).enumerate() {
            if let Some(cell) = cell(node, place, &faults) {
                written.cells.push(cell);
                lines.push(node.line);
            }
        }
        for node in tables(table.get("response"), &faults) {
            if let Some(choice) = response(node, &faults) {
                written.responses.push(choice);
                choice_lines.push(node.line);
            }
        }
        named(table.get("rule"), &faults, |name, node| match name.parse::<RuleId>() {
            Ok(id) => {
                if let Some(settings) = rule(node, &faults) {
                    written.rules.insert(id, settings);
                }
            }
            Err(_) => {
                let hint = "write `[rule.\"publisher/name\"]`".to_owned();
                faults.push(node.fault("a rule id `publisher/name`", Some(hint)).with_got(name));
            }
        });
        named(table.get("publisher"), &faults, |name, node| {
            if !is_id_part(name) {
                let expected = "a publisher: 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter";
                faults.push(node.fault(expected, None).with_got(name));
            } else if let Some(settings) = publisher(node, &faults) {
                written.publishers.insert(name.to_owned(), settings);
            }
        });
        if let Some(limits) = table.get("limits").and_then(|node| TableReader::new(node, &faults)) {
            written.limits = OperatorLimits::read(limits, &faults);
        }
        table.finish();
    }
    // Cells that couldn't be read have no place in the table: conflicts are looked for once all could.
    let written = faults.finish(written)?;
    Policy::of(written).map_err(|mut conflicts| {
        for fault in &mut conflicts {
            fault.line = line_of(&fault.place, "cell", &lines).or(line_of(&fault.place, "response", &choice_lines));
        }
        conflicts.sort_by_key(|fault| fault.line);
        conflicts
    })
}

fn line_of(place: &str, table: &str, lines: &[usize]) -> Option<usize> {
    let index: usize = place.strip_prefix(table)?.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    lines.get(index).copied()
}

/// The entries of a table whose keys are names.
fn named<'n>(node: Option<&'n Node>, faults: &'n Faults, mut each: impl FnMut(&'n str, &'n Node)) {
    if let Some(table) = node.and_then(|node| TableReader::new(node, faults)) {
        for (name, node) in table.entries() {
            each(name, node);
        }
    }
}

fn axis_of<T: Copy + PartialEq + Ord>(
    table: &TableReader<'_>,
    key: &'static str,
    known: &[T],
    id: impl Fn(T) -> &'static str + Copy,
    what: &str,
    faults: &Faults,
) -> Option<Axis<T>> {
    axis::read(table.required(key, &format!("{what}, a list of them, or `*`"))?, known, id, what, faults)
}

fn cell(node: &Node, place: usize, faults: &Faults) -> Option<Cell> {
    let table = TableReader::new(node, faults)?;
    let class = axis_of(&table, "class", SignalClass::ALL, SignalClass::id, "a signal class", faults);
    let identity_type = axis_of(&table, "type", IdentityType::ALL, IdentityType::id, "an identity type", faults);
    let tier = axis_of(&table, "tier", Tier::ALL, Tier::id, "a tier", faults);
    let action = axis_of(&table, "action", Action::ALL, Action::id, "an action", faults);
    let answer = table
        .required("answer", "`automatic`, `approval` or `never`")
        .and_then(|node| word(node, Answer::ALL, Answer::id, "`automatic`, `approval` or `never`", faults));
    let floor = table.percent("floor").unwrap_or(0);
    // A day's width on either side of any evidence worth acting on without a person.
    let max_age = table.duration("max-age", 0, 7 * 86_400_000_000).unwrap_or(DEFAULT_MAX_AGE);
    let owner = table.text("owner");
    let evidence = table.text("evidence");
    let review_by = table.get("review-by").and_then(|node| review_by(node, faults));
    if answer == Some(Answer::Automatic) {
        let has = |key: &'static str| table.get(key).is_some();
        for (key, expected) in [
            ("owner", "who answers for an automatic cell"),
            ("evidence", "why the cell may be automatic"),
            ("review-by", "the date until which the cell may be automatic"),
        ] {
            if !has(key) {
                table.missing(key, expected);
            }
        }
    }
    if let Some(Axis::Named(actions)) = &action
        && answer != Some(Answer::Never)
        && let Some(action) = actions.iter().find(|action| action.class() == ActionClass::Remediate)
    {
        faults.push(Fault {
            line: Some(node.line),
            place: format!("{}.action", node.path),
            expected: "actions outside the remediation lane, or the answer `never`".to_owned(),
            got: format!("`{action}`"),
            hint: Some("remediation is only ever a step of a case".to_owned()),
        });
    }
    table.finish();
    let outcome =
        CellOutcome { name: format!("cell[{place}]"), answer: answer?, floor, max_age, owner, evidence, review_by };
    Some(Cell { class: class?, identity_type: identity_type?, tier: tier?, action: action?, outcome })
}

fn review_by(node: &Node, faults: &Faults) -> Option<ReviewBy> {
    let date = match &node.value {
        NodeValue::Text(text) | NodeValue::Date(text) => ReviewBy::new(text),
        _ => None,
    };
    if date.is_none() {
        faults.push(node.fault("a date `YYYY-MM-DD`", None));
    }
    date
}

fn response(node: &Node, faults: &Faults) -> Option<ResponseChoice> {
    let table = TableReader::new(node, faults)?;
    let class = axis_of(&table, "class", SignalClass::ALL, SignalClass::id, "a signal class", faults);
    let identity_type = axis_of(&table, "type", IdentityType::ALL, IdentityType::id, "an identity type", faults);
    let mut rules = Vec::new();
    match table.required("rules", "a list of response rules") {
        None => {}
        Some(Node { value: NodeValue::Array(items), .. }) => {
            for item in items {
                let Some(id) = text(item, faults) else { continue };
                match id.parse::<RuleId>() {
                    Ok(id) if rules.contains(&id) => faults.push(item.fault("a rule once", None)),
                    Ok(id) => rules.push(id),
                    Err(_) => faults.push(item.fault("a rule id `publisher/name`", None)),
                }
            }
        }
        Some(node) => faults.push(node.fault("a list of response rules", None)),
    }
    table.finish();
    Some(ResponseChoice { class: class?, identity_type: identity_type?, rules })
}

fn rule(node: &Node, faults: &Faults) -> Option<RuleSettings> {
    let table = TableReader::new(node, faults)?;
    let mut parameters = BTreeMap::new();
    named(table.get("parameters"), faults, |name, node| {
        if let Some(setting) = setting(node, faults) {
            parameters.insert(name.to_owned(), setting);
        }
    });
    let settings = RuleSettings {
        enabled: table.flag("enabled", true),
        cap: table.percent("cap").unwrap_or(100),
        parameters,
        line: Some(table.line()),
    };
    table.finish();
    Some(settings)
}

fn setting(node: &Node, faults: &Faults) -> Option<serde_json::Value> {
    let value = match &node.value {
        NodeValue::Boolean(value) => Some((*value).into()),
        // RFC 8785 numbers are doubles: a greater one would have another canonical form.
        NodeValue::Integer(value) if value.unsigned_abs() < 1 << 53 => Some((*value).into()),
        NodeValue::Float(value) => serde_json::Number::from_f64(*value).map(serde_json::Value::Number),
        NodeValue::Text(text) => Some(text.as_str().into()),
        NodeValue::Array(items) => items
            .iter()
            .map(|item| match &item.value {
                NodeValue::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect::<Option<Vec<&str>>>()
            .map(Into::into),
        _ => None,
    };
    if value.is_none() {
        faults.push(node.fault("true or false, a number, text, a duration, or a list of texts", None));
    }
    value
}

fn publisher(node: &Node, faults: &Faults) -> Option<PublisherSettings> {
    let table = TableReader::new(node, faults)?;
    let mut granted = Grant::default();
    if let Some(grant) = table.get("grant").and_then(|node| TableReader::new(node, faults)) {
        let lanes: Vec<Action> =
            Action::ALL.iter().copied().filter(|action| action.class() != ActionClass::Remediate).collect();
        let what = "an action outside the remediation lane";
        let actions = axis_of(&grant, "actions", &lanes, Action::id, what, faults);
        granted.actions = covered(actions, &lanes);
        let types = axis_of(&grant, "identity-types", IdentityType::ALL, IdentityType::id, "an identity type", faults);
        granted.identity_types = covered(types, IdentityType::ALL);
        let classes = axis_of(&grant, "signal-classes", SignalClass::ALL, SignalClass::id, "a signal class", faults);
        granted.signal_classes = covered(classes, SignalClass::ALL);
        grant.finish();
    }
    let settings = PublisherSettings {
        cap: table.percent("cap").unwrap_or(100),
        grant: granted,
        exempt_from_grouping: table.flag("exempt-from-grouping", false),
    };
    table.finish();
    Some(settings)
}

fn covered<T: Copy + Ord>(axis: Option<Axis<T>>, all: &[T]) -> BTreeSet<T> {
    axis.map(|axis| axis.expand(all)).unwrap_or_default().into_iter().collect()
}
