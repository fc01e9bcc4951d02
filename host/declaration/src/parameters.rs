//! Parameters: their declaration, what the operator sets, and the digest of what is in force.

use std::collections::BTreeMap;

use countersign_model::Digest;
use countersign_model::call::Parameter;
use countersign_model::time::format_duration;
use serde_json::{Map, Value};

use crate::declaration::{Declaration, ParameterDeclaration, ParameterRange};
use crate::reader::{GREATEST_INTEGER, LONGEST_DURATION, Need, Reader, Table};
use crate::reasons::{Refusal, RefusalCode, quoted};

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

/// The types of parameters, as `rule.toml` names them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Boolean,
    Integer,
    Decimal,
    Text,
    TextList,
    Duration,
}

const TYPES: &[(&str, Type)] = &[
    ("boolean", Type::Boolean),
    ("integer", Type::Integer),
    ("decimal", Type::Decimal),
    ("text", Type::Text),
    ("text-list", Type::TextList),
    ("duration", Type::Duration),
];

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
    let mut reader = Reader::new(false);
    let declared = &declaration.parameters;
    for name in overrides.keys().filter(|name| !declared.iter().any(|one| one.name == **name)) {
        let known = declared.iter().map(|one| one.name.as_str());
        let place = format!("parameters.{}", quoted(name));
        reader.unknown(RefusalCode::UnknownKey, &place, &format!("a parameter of {}", declaration.id), name, known);
    }
    let mut values = Vec::with_capacity(declared.len());
    for one in declared {
        match overrides.get(&one.name) {
            None => values.push(one.default.clone()),
            Some(value) => {
                values.extend(read_value(&mut reader, &format!("parameters.{}", one.name), value, &one.range))
            }
        }
    }
    if reader.has_refusals() { Err(reader.into_refusals()) } else { Ok(values) }
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
pub(crate) fn declaration(reader: &mut Reader, table: &Table<'_>) -> Option<ParameterDeclaration> {
    reader.only(table, &["name", "type", "default", "min", "max", "max-bytes", "max-items", "meaning"]);
    let name = reader.key(table, "name", Need::Required, Reader::name);
    let meaning = reader.key(table, "meaning", Need::Required, |r, place, value| r.text(place, value, 1_024));
    let ty = reader.key(table, "type", Need::Required, |r, place, value| {
        r.word(place, value, RefusalCode::UnknownWord, "a type of parameter", TYPES)
    });
    if !table.has("default") {
        reader.refuse(RefusalCode::MissingKey, table.place("default"), "a value", "none");
    }
    // What the other keys may be follows from the type, so an unknown type masks what is wrong with them.
    let (range, bounds_fit) = range(reader, table, ty?)?;
    let default = read_value(reader, &table.place("default"), table.get("default")?, &range)?;
    bounds_fit.then_some(())?;
    Some(ParameterDeclaration { name: name?, meaning: meaning?.to_owned(), default, range })
}

/// The range, and whether no bound of another type stands beside it.
fn range(reader: &mut Reader, table: &Table<'_>, ty: Type) -> Option<(ParameterRange, bool)> {
    let bounds: &[&str] = match ty {
        Type::Boolean => &[],
        Type::Integer | Type::Decimal | Type::Duration => &["min", "max"],
        Type::Text => &["max-bytes"],
        Type::TextList => &["max-items"],
    };
    let mut whole = true;
    for key in ["min", "max", "max-bytes", "max-items"].into_iter().filter(|key| table.has(key)) {
        if !bounds.contains(&key) {
            let type_name = TYPES.iter().find(|(_, one)| *one == ty).map_or("", |(name, _)| name);
            let expected = match bounds {
                [] => format!("no bound on a parameter of type {type_name}"),
                _ => format!("{} on a parameter of type {type_name}", bounds.join(" and ")),
            };
            reader.refuse(RefusalCode::Inconsistent, table.place(key), expected, format!("`{key}`"));
            whole = false;
        }
    }
    let range = match ty {
        Type::Boolean => ParameterRange::Boolean,
        Type::Integer => {
            let (min, max) = ends(reader, table, Reader::whole)?;
            ParameterRange::Integer { min, max }
        }
        Type::Decimal => {
            let (min, max) = ends(reader, table, Reader::decimal)?;
            ParameterRange::Decimal { min, max }
        }
        Type::Duration => {
            let (min, max) = ends(reader, table, |r, place, value| r.duration(place, value, 0, LONGEST_DURATION))?;
            ParameterRange::Duration { min, max }
        }
        Type::Text => ParameterRange::Text {
            max_bytes: reader.key(table, "max-bytes", Need::Default(DEFAULT_TEXT), |r, place, value| {
                r.integer(place, value, 1, MAX_TEXT)
            })?,
        },
        Type::TextList => ParameterRange::TextList {
            max_items: reader.key(table, "max-items", Need::Default(DEFAULT_ITEMS), |r, place, value| {
                r.integer(place, value, 1, MAX_ITEMS)
            })?,
        },
    };
    Some((range, whole))
}

/// `min` and `max`, in order.
fn ends<T: PartialOrd + std::fmt::Display>(
    reader: &mut Reader,
    table: &Table<'_>,
    read: impl Fn(&mut Reader, &str, &Value) -> Option<T>,
) -> Option<(T, T)> {
    let min = reader.key(table, "min", Need::Required, &read);
    let max = reader.key(table, "max", Need::Required, &read);
    let (min, max) = (min?, max?);
    if min > max {
        let expected = format!("at most `max`, {max}");
        reader.refuse(RefusalCode::ParameterOutOfRange, table.place("min"), expected, min.to_string());
        return None;
    }
    Some((min, max))
}

/// Reads a value of a parameter: its default, or the operator's.
fn read_value(reader: &mut Reader, place: &str, value: &Value, range: &ParameterRange) -> Option<Parameter> {
    const CODE: RefusalCode = RefusalCode::ParameterOutOfRange;
    Some(match range {
        ParameterRange::Boolean => Parameter::Boolean(reader.boolean(place, value)?),
        ParameterRange::Integer { min, max } => {
            // A number beyond what JSON keeps exactly is beyond every range too.
            if !value.is_i64() && !value.is_u64() {
                reader.whole(place, value)?;
            }
            let number = value.as_i64().unwrap_or(GREATEST_INTEGER + 1);
            Parameter::Integer(reader.within(CODE, place, number, *min, *max)?)
        }
        ParameterRange::Decimal { min, max } => {
            let number = reader.decimal(place, value)?;
            Parameter::Decimal(reader.within(CODE, place, number, *min, *max)?)
        }
        ParameterRange::Text { max_bytes } => {
            let text = reader.any_text(place, value, usize::MAX)?;
            within_size(reader, place, text.len(), *max_bytes, "bytes of text")?;
            Parameter::Text(text.to_owned())
        }
        ParameterRange::TextList { max_items } => {
            let length = value.as_array().map_or(0, Vec::len);
            let fits = within_size(reader, place, length, *max_items, "items");
            let items = reader.list(place, value, (0, usize::MAX), |r, place, value| {
                r.any_text(place, value, MAX_ITEM).map(str::to_owned)
            })?;
            fits?;
            Parameter::TextList(items)
        }
        ParameterRange::Duration { min, max } => {
            let micros = reader.any_duration(place, value)?;
            if micros < *min || micros > *max {
                let expected = format!("{} to {}", format_duration(*min), format_duration(*max));
                reader.refuse(CODE, place, expected, format_duration(micros));
                return None;
            }
            Parameter::Duration(micros)
        }
    })
}

fn within_size(reader: &mut Reader, place: &str, size: usize, most: u32, what: &str) -> Option<()> {
    if u32::try_from(size).is_ok_and(|size| size <= most) {
        return Some(());
    }
    reader.refuse(RefusalCode::ParameterOutOfRange, place, format!("at most {most} {what}"), size.to_string());
    None
}
