//! From bytes to a declaration: `rule.toml`, or the section that it became.

use countersign_model::Digest;
use countersign_model::vocabulary::RuleKind;
use serde_json::{Map, Value};

use crate::content;
use crate::declaration::{Declaration, Limits, Slot};
use crate::parts;
use crate::reader::{Reader, Table, describe};
use crate::reasons::{Refusal, RefusalCode};
use crate::section::{FORMAT, canonical, to_section};

/// The most bytes of a `rule.toml` or of its section.
pub const MAX_BYTES: usize = 256 << 10;

/// Reads `rule.toml`; `docs/reference/rule.md` describes its keys.
///
/// # Errors
/// Every fault, with its place. Text that isn't TOML gives that one only.
pub fn parse_toml(text: &str) -> Result<Declaration, Vec<Refusal>> {
    let mut reader = Reader::new(false);
    if too_long(&mut reader, text.len()) {
        return Err(reader.into_refusals());
    }
    match text.parse::<toml::Table>() {
        Ok(table) => {
            let map = table.into_iter().map(|(key, value)| (key, json(value))).collect();
            finish(reader, &map)
        }
        Err(error) => {
            let place = error.span().map_or_else(|| "rule.toml".to_owned(), |span| line(text, span.start));
            reader.refuse(RefusalCode::DeclarationSyntax, place, "TOML", one_line(error.message()));
            Err(reader.into_refusals())
        }
    }
}

/// Reads the bytes of the section `countersign-declaration`.
///
/// # Errors
/// Every fault, with its place. Bytes that aren't JSON give that one only; another format masks the content's faults.
pub fn parse_section(bytes: &[u8]) -> Result<Declaration, Vec<Refusal>> {
    let mut reader = Reader::new(true);
    if too_long(&mut reader, bytes.len()) {
        return Err(reader.into_refusals());
    }
    let (value, end) = match first_value(bytes) {
        Ok(found) => found,
        Err((place, got)) => {
            reader.refuse(RefusalCode::DeclarationSyntax, place, "a JSON object (RFC 8259), UTF-8", got);
            return Err(reader.into_refusals());
        }
    };
    let rest = bytes.get(end..).unwrap_or_default();
    if !rest.is_empty() {
        let got = format!("{} bytes more", rest.len());
        reader.refuse(RefusalCode::DeclarationTrailing, format!("byte {end}"), "the section's end", got);
    }
    let object = bytes.get(..end).unwrap_or_default();
    let differs = not_canonical(&mut reader, object, &canonical(&value));
    let Value::Object(mut map) = value else {
        reader.refuse(RefusalCode::WrongType, "declaration", "an object", describe(&value));
        return Err(reader.into_refusals());
    };
    let format = map.get("format").cloned();
    if format.as_ref().and_then(Value::as_u64) != Some(FORMAT) {
        let got = format.as_ref().map_or_else(|| "none".to_owned(), describe);
        reader.refuse(RefusalCode::DeclarationFormat, "format", FORMAT.to_string(), got);
        // What the keys of another format mean isn't known here.
        return Err(reader.into_refusals());
    }
    map.remove("format");
    let declaration = finish(reader, &map)?;
    if !differs {
        // What was read must be what would be written; the reader refuses every other form of a value by itself.
        let mut reader = Reader::new(true);
        if not_canonical(&mut reader, object, &to_section(&declaration)) {
            return Err(reader.into_refusals());
        }
    }
    Ok(declaration)
}

/// What can be read of a section whose declaration is at fault, so that what depends on it can be told too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peek {
    /// The kind, if it is known.
    pub kind: Option<RuleKind>,
    /// The limits, if they are in order.
    pub limits: Option<Limits>,
    /// The state slots, those that are in order.
    pub slots: Vec<Slot>,
    /// The data's digest: outer none if it is at fault, inner none if there is none.
    pub data: Option<Option<Digest>>,
}

impl Peek {
    /// What a whole declaration says.
    #[must_use]
    pub fn of(declaration: &Declaration) -> Peek {
        Peek {
            kind: Some(declaration.kind),
            limits: Some(declaration.limits),
            slots: declaration.slots.clone(),
            data: Some(declaration.data),
        }
    }
}

/// Reads what can be read of a section that [`parse_section`] refuses; nothing of another format.
#[must_use]
pub fn peek(bytes: &[u8]) -> Peek {
    if bytes.len() > MAX_BYTES {
        return Peek::default();
    }
    let Ok((value, _)) = first_value(bytes) else { return Peek::default() };
    if value.get("format").and_then(Value::as_u64) != Some(FORMAT) {
        return Peek::default();
    }
    // Faults are told by `parse_section`.
    let reader = &mut Reader::new(true);
    let slots = value.get("slot").and_then(Value::as_array).into_iter().flatten();
    let slots = slots.filter_map(Value::as_object).filter_map(|slot| parts::slot(reader, &Table::new(slot, "slot")));
    Peek {
        slots: slots.collect(),
        kind: value.get("kind").and_then(Value::as_str).and_then(RuleKind::from_id),
        limits: value.get("limits").and_then(|limits| parts::limits(reader, "limits", limits)),
        data: match value.get("data") {
            None => Some(None),
            Some(digest) => digest.as_str().and_then(|text| text.parse().ok()).map(Some),
        },
    }
}

fn finish(mut reader: Reader, map: &Map<String, Value>) -> Result<Declaration, Vec<Refusal>> {
    match content::declaration(&mut reader, map) {
        Some(declaration) if !reader.has_refusals() => Ok(declaration),
        // INVARIANT: without a declaration there is a reason.
        _ if reader.has_refusals() => Err(reader.into_refusals()),
        _ => {
            reader.refuse(RefusalCode::InvalidValue, "declaration", "a declaration", "one that can't be read");
            Err(reader.into_refusals())
        }
    }
}

fn too_long(reader: &mut Reader, length: usize) -> bool {
    if length > MAX_BYTES {
        let expected = format!("at most {MAX_BYTES} bytes");
        reader.refuse(RefusalCode::OutOfRange, "declaration", expected, format!("{length} bytes"));
    }
    length > MAX_BYTES
}

/// The first JSON value and where it ends; else the place and what came.
fn first_value(bytes: &[u8]) -> Result<(Value, usize), (String, String)> {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    match stream.next() {
        Some(Ok(value)) => Ok((value, stream.byte_offset())),
        Some(Err(error)) => Err(("declaration".to_owned(), one_line(&error.to_string()))),
        None => Err(("declaration".to_owned(), "nothing".to_owned())),
    }
}

/// Notes where bytes begin to differ from their canonical form.
fn not_canonical(reader: &mut Reader, bytes: &[u8], canonical: &[u8]) -> bool {
    if bytes == canonical {
        return false;
    }
    let same = bytes.iter().zip(canonical).take_while(|(one, other)| one == other).count();
    let shown = |bytes: &[u8]| {
        let part: Vec<u8> = bytes.iter().skip(same).take(24).copied().collect();
        crate::reasons::quoted(&String::from_utf8_lossy(&part))
    };
    reader.refuse(
        RefusalCode::DeclarationNotCanonical,
        format!("byte {same}"),
        format!("canonical JSON (RFC 8785), here {}", shown(canonical)),
        shown(bytes),
    );
    true
}

/// TOML's values as JSON's. What JSON can't hold (dates, numbers that aren't finite) becomes null, which no key takes.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(_) => Value::Null,
        toml::Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect()),
    }
}

fn line(text: &str, byte: usize) -> String {
    let lines = text.bytes().take(byte).filter(|c| *c == b'\n').count();
    format!("line {}", lines + 1)
}

fn one_line(message: &str) -> String {
    let shown: String = message.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown
}
