//! Parameters: their declaration, what the operator sets, and the digest of what is in force.

use std::collections::BTreeMap;

use countersign_document::{MAX_DURATION, Node, NodeValue};
use countersign_model::Digest;
use countersign_model::call::Parameter;
use countersign_model::time::format_duration;
use serde_json::{Map, Value};

use crate::declaration::{Declaration, ParameterDeclaration, ParameterRange};
use crate::reader::{A_VALUE, Item, Reader, Table, inconsistent, name, text};
use crate::reasons::{Refusal, RefusalCode};

/// Most parameters of a rule.
pub(crate) const MAX_PARAMETERS: usize = 64;
/// Most bytes that a text parameter may allow.
const MAX_TEXT: i64 = 65_536;
/// Most items that a list parameter may allow.
const MAX_ITEMS: i64 = 4_096;
/// Most bytes of one item of a list.
const MAX_ITEM: usize = 1_024;
/// Most bytes of a text parameter that declares no bound.
const DEFAULT_TEXT: u32 = 256;
/// Most items of a list parameter that declares no bound.
const DEFAULT_ITEMS: u32 = 64;

/// The types of parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Boolean,
    Integer,
    Decimal,
    Text,
    TextList,
    Duration,
}

impl Type {
    const ALL: &[Type] =
        &[Type::Boolean, Type::Integer, Type::Decimal, Type::Text, Type::TextList, Type::Duration];

    /// The word in `rule.toml`.
    const fn id(self) -> &'static str {
        match self {
            Type::Boolean => "boolean",
            Type::Integer => "integer",
            Type::Decimal => "decimal",
            Type::Text => "text",
            Type::TextList => "text-list",
            Type::Duration => "duration",
        }
    }

    /// The keys of its range.
    const fn bounds(self) -> &'static [&'static str] {
        match self {
            Type::Boolean => &[],
            Type::Integer | Type::Decimal | Type::Duration => &["min", "max"],
            Type::Text => &["max-bytes"],
            Type::TextList => &["max-items"],
        }
    }
}

/// The parameters in force, one a declared parameter in declared order: the operator's value where there is one, else
/// the default.
///
/// # Errors
/// Every name that isn't declared, with the nearest that is, and every value of another type or out of range. Places
/// are `parameters.NAME`.
pub fn resolve_parameters(
    declaration: &Declaration,
    overrides: &BTreeMap<String, Value>,
) -> Result<Vec<Parameter>, Vec<Refusal>> {
    let nodes: Vec<(&str, Node)> = overrides
        .iter()
        .map(|(name, value)| (name.as_str(), Node::from_json(value, format!("parameters.{name}"))))
        .collect();
    resolve_nodes(declaration, &nodes)
}

/// The same as [`resolve_parameters`], of nodes that know where they are.
///
/// # Errors
/// As [`resolve_parameters`]; places and lines are those of the nodes.
pub fn resolve_nodes(declaration: &Declaration, overrides: &[(&str, Node)]) -> Result<Vec<Parameter>, Vec<Refusal>> {
    let reader = Reader::new();
    let declared = &declaration.parameters;
    for (name, node) in overrides.iter().filter(|(name, _)| !declared.iter().any(|one| one.name == *name)) {
        let known = declared.iter().map(|one| one.name.as_str());
        let what = format!("a parameter of {}", declaration.id);
        reader.item(node).unknown::<()>(RefusalCode::UnknownKey, &what, name, known);
    }
    let mut values = Vec::with_capacity(declared.len());
    for one in declared {
        match overrides.iter().find(|(name, _)| *name == one.name) {
            None => values.push(one.default.clone()),
            Some((_, node)) => values.extend(read_value(reader.item(node), &one.range)),
        }
    }
    if reader.is_clean() { Ok(values) } else { Err(Refusal::all(reader)) }
}

/// SHA-256 of the parameters in force: canonical JSON (RFC 8785) of an object from name to value, durations in
/// microseconds.
#[must_use]
pub fn parameters_digest<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a Parameter)>) -> Digest {
    let object: Map<String, Value> =
        parameters.into_iter().map(|(name, value)| (name.to_owned(), digested(value))).collect();
    Digest::of(&crate::section::canonical(&Value::Object(object)))
}

fn digested(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Duration(micros) => Value::from(*micros),
        other => to_value(other),
    }
}

/// A parameter's value as a declaration writes it.
pub(crate) fn to_value(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Boolean(value) => Value::from(*value),
        Parameter::Integer(value) => Value::from(*value),
        Parameter::Decimal(value) => Value::from(*value),
        Parameter::Text(value) => Value::from(value.as_str()),
        Parameter::TextList(items) => Value::from(items.clone()),
        Parameter::Duration(micros) => Value::from(format_duration(*micros)),
    }
}

/// The type's name, and the bounds as a declaration writes them.
pub(crate) fn range_keys(range: &ParameterRange) -> (&'static str, Vec<(&'static str, Value)>) {
    match range {
        ParameterRange::Boolean => ("boolean", vec![]),
        ParameterRange::Integer { min, max } => ("integer", vec![("min", (*min).into()), ("max", (*max).into())]),
        ParameterRange::Decimal { min, max } => ("decimal", vec![("min", (*min).into()), ("max", (*max).into())]),
        ParameterRange::Text { max_bytes } => ("text", vec![("max-bytes", (*max_bytes).into())]),
        ParameterRange::TextList { max_items } => ("text-list", vec![("max-items", (*max_items).into())]),
        ParameterRange::Duration { min, max } => {
            ("duration", vec![("min", format_duration(*min).into()), ("max", format_duration(*max).into())])
        }
    }
}

/// Reads one `[[parameter]]`.
pub(crate) fn declaration(table: Table<'_>) -> Option<ParameterDeclaration> {
    table.know(&["name", "type", "default", "min", "max", "max-bytes", "max-items", "meaning"]);
    let name = table.read("name", A_VALUE, name);
    let meaning = table.read("meaning", A_VALUE, |item| text(item, 1_024));
    let ty = table.read("type", A_VALUE, |item| item.word("a type of parameter", Type::ALL, Type::id));
    let default = table.required("default", A_VALUE);
    // What the other keys may be follows from the type, so an unknown type masks what is wrong with them.
    let read = ty.and_then(|ty| {
        let bounds_fit = bounds_fit(&table, ty);
        let range = range(&table, ty)?;
        let default = read_value(default?, &range)?;
        bounds_fit.then_some((range, default))
    });
    table.finish();
    let (range, default) = read?;
    Some(ParameterDeclaration { name: name?, meaning: meaning?, default, range })
}

/// Whether there is no bound of another type.
fn bounds_fit(table: &Table<'_>, ty: Type) -> bool {
    let mut fit = true;
    for key in ["min", "max", "max-bytes", "max-items"].into_iter().filter(|key| !ty.bounds().contains(key)) {
        let Some(item) = table.get(key) else { continue };
        let expected = match ty.bounds() {
            [] => format!("no bound on a parameter of type {}", ty.id()),
            bounds => format!("{} on a parameter of type {}", bounds.join(" and "), ty.id()),
        };
        inconsistent::<()>(item, expected, format!("`{key}`"));
        fit = false;
    }
    fit
}

fn range(table: &Table<'_>, ty: Type) -> Option<ParameterRange> {
    Some(match ty {
        Type::Boolean => ParameterRange::Boolean,
        Type::Integer => {
            let (min, max) = ends(table, |item| item.whole())?;
            ParameterRange::Integer { min, max }
        }
        Type::Decimal => {
            let (min, max) = ends(table, |item| item.decimal())?;
            ParameterRange::Decimal { min, max }
        }
        Type::Duration => {
            let (min, max) = ends(table, |item| item.duration(0, MAX_DURATION))?;
            ParameterRange::Duration { min, max }
        }
        Type::Text => ParameterRange::Text {
            max_bytes: table.defaulted("max-bytes", DEFAULT_TEXT, |item| item.integer(1, MAX_TEXT))?,
        },
        Type::TextList => ParameterRange::TextList {
            max_items: table.defaulted("max-items", DEFAULT_ITEMS, |item| item.integer(1, MAX_ITEMS))?,
        },
    })
}

/// `min` and `max`, in order.
fn ends<T: PartialOrd + std::fmt::Display>(
    table: &Table<'_>,
    read: impl Fn(Item<'_>) -> Option<T>,
) -> Option<(T, T)> {
    let min_item = table.required("min", A_VALUE);
    let min = min_item.and_then(&read);
    let max = table.read("max", A_VALUE, &read);
    let (min, max) = (min?, max?);
    if min > max {
        let expected = format!("at most `max`, {max}");
        return min_item?.refuse(RefusalCode::ParameterOutOfRange, expected, min.to_string(), None);
    }
    Some((min, max))
}

/// Reads a value of a parameter: its default, or the operator's.
fn read_value(item: Item<'_>, range: &ParameterRange) -> Option<Parameter> {
    const CODE: RefusalCode = RefusalCode::ParameterOutOfRange;
    Some(match range {
        ParameterRange::Boolean => Parameter::Boolean(item.flag()?),
        ParameterRange::Integer { min, max } => match item.node().value {
            NodeValue::Integer(number) => Parameter::Integer(item.in_range(CODE, number, *min, *max)?),
            _ => Parameter::Integer(item.whole()?),
        },
        ParameterRange::Decimal { min, max } => {
            let number = item.decimal()?;
            Parameter::Decimal(item.within(CODE, number, *min, *max)?)
        }
        ParameterRange::Text { max_bytes } => {
            let text = item.any_text(usize::MAX)?;
            within_size(item, text.len(), *max_bytes, "bytes of text")?;
            Parameter::Text(text.to_owned())
        }
        ParameterRange::TextList { max_items } => {
            let length = item.node().as_list().map_or(0, <[Node]>::len);
            let fits = within_size(item, length, *max_items, "items");
            let items = item.list((0, usize::MAX), |item| item.any_text(MAX_ITEM).map(str::to_owned))?;
            fits?;
            Parameter::TextList(items)
        }
        ParameterRange::Duration { min, max } => Parameter::Duration(item.duration_within(CODE, *min, *max)?),
    })
}

fn within_size(item: Item<'_>, size: usize, max: u32, what: &str) -> Option<()> {
    if u32::try_from(size).is_ok_and(|size| size <= max) {
        return Some(());
    }
    item.refuse(RefusalCode::ParameterOutOfRange, format!("at most {max} {what}"), size.to_string(), None)
}
