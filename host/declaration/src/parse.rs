//! From bytes to a declaration: `rule.toml`, or the section that it became.

use countersign_document::{Diagnostic, Document, Node, quoted};
use countersign_model::Digest;
use countersign_model::vocabulary::RuleKind;
use serde_json::Value;

use crate::content;
use crate::declaration::{Declaration, Limits, Slot};
use crate::parts;
use crate::reader::Reader;
use crate::reasons::{Refusal, RefusalCode};
use crate::section::{FORMAT, canonical, to_section};

/// The most bytes of a `rule.toml` or of its section.
pub const MAX_BYTES: usize = 256 << 10;

/// Reads `rule.toml`; `docs/reference/rule.md` describes its keys.
///
/// # Errors
/// Every fault, with its place and line. Text that isn't TOML gives that one only.
pub fn parse_toml(text: &str) -> Result<Declaration, Vec<Refusal>> {
    too_long(text.len())?;
    let document = Document::parse(text, MAX_BYTES)
        .map_err(|diagnostic| vec![Refusal { code: RefusalCode::DeclarationSyntax, diagnostic }])?;
    read(Reader::new(), document.root())
}

/// Reads the bytes of the section `countersign-declaration`.
///
/// # Errors
/// Every fault, with its place. Bytes that aren't JSON give that one only; another format masks the content's faults.
pub fn parse_section(bytes: &[u8]) -> Result<Declaration, Vec<Refusal>> {
    too_long(bytes.len())?;
    let (value, end) = first_value(bytes).map_err(|got| {
        let expected = "a JSON object (RFC 8259), UTF-8";
        vec![Refusal::new(RefusalCode::DeclarationSyntax, "declaration", expected, got)]
    })?;
    let reader = Reader::canonical();
    let rest = bytes.get(end..).unwrap_or_default();
    if !rest.is_empty() {
        let got = format!("{} bytes more", rest.len());
        let place = format!("byte {end}");
        reader.push(RefusalCode::DeclarationTrailing, Diagnostic::new(place, "the section's end", got));
    }
    let object = bytes.get(..end).unwrap_or_default();
    let differs = not_canonical(&reader, object, &canonical(&value));
    let Value::Object(mut map) = value else {
        let got = Node::from_json(&value, "").described();
        reader.push(RefusalCode::WrongType, Diagnostic::new("declaration", "an object", got));
        return Err(Refusal::all(reader));
    };
    let format = map.remove("format");
    if format.as_ref().and_then(Value::as_u64) != Some(FORMAT) {
        let got = format.map_or_else(|| "none".to_owned(), |format| Node::from_json(&format, "").described());
        reader.push(RefusalCode::DeclarationFormat, Diagnostic::new("format", FORMAT.to_string(), got));
        // What the keys of another format mean isn't known here.
        return Err(Refusal::all(reader));
    }
    let declaration = read(reader, &Node::from_json(&Value::Object(map), ""))?;
    if !differs {
        // What was read must be what would be written; the reader refuses every other form of a value by itself.
        let reader = Reader::canonical();
        if not_canonical(&reader, object, &to_section(&declaration)) {
            return Err(Refusal::all(reader));
        }
    }
    Ok(declaration)
}

/// What can be read of a section whose declaration has faults, so that what depends on it can be checked too.
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
    // `parse_section` reports the faults.
    let reader = Reader::canonical();
    let root = Node::from_json(&value, "");
    let slots = root.get("slot").and_then(Node::as_list).unwrap_or_default().iter();
    Peek {
        slots: slots.filter_map(|slot| parts::slot(reader.item(slot).table()?)).collect(),
        kind: root.get("kind").and_then(Node::as_text).and_then(RuleKind::from_id),
        limits: root.get("limits").and_then(|limits| parts::limits(reader.item(limits))),
        data: match root.get("data") {
            None => Some(None),
            Some(digest) => digest.as_text().and_then(|text| text.parse().ok()).map(Some),
        },
    }
}

fn read(reader: Reader, root: &Node) -> Result<Declaration, Vec<Refusal>> {
    match content::declaration(reader.item(root)) {
        Some(declaration) if reader.is_clean() => Ok(declaration),
        // INVARIANT: without a declaration there is a reason.
        _ if reader.is_clean() => {
            let got = "one that can't be read";
            Err(vec![Refusal::new(RefusalCode::InvalidValue, "declaration", "a declaration", got)])
        }
        _ => Err(Refusal::all(reader)),
    }
}

fn too_long(length: usize) -> Result<(), Vec<Refusal>> {
    if length <= MAX_BYTES {
        return Ok(());
    }
    let expected = format!("at most {MAX_BYTES} bytes");
    Err(vec![Refusal::new(RefusalCode::OutOfRange, "declaration", expected, format!("{length} bytes"))])
}

/// The first JSON value and where it ends; else what was found.
fn first_value(bytes: &[u8]) -> Result<(Value, usize), String> {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    match stream.next() {
        Some(Ok(value)) => Ok((value, stream.byte_offset())),
        Some(Err(error)) => Err(one_line(&error.to_string())),
        None => Err("nothing".to_owned()),
    }
}

/// Reports where bytes begin to differ from their canonical form.
fn not_canonical(reader: &Reader, bytes: &[u8], canonical: &[u8]) -> bool {
    if bytes == canonical {
        return false;
    }
    let same = bytes.iter().zip(canonical).take_while(|(one, other)| one == other).count();
    let shown = |bytes: &[u8]| {
        let part: Vec<u8> = bytes.iter().skip(same).take(24).copied().collect();
        quoted(&String::from_utf8_lossy(&part))
    };
    let expected = format!("canonical JSON (RFC 8785), here {}", shown(canonical));
    let diagnostic = Diagnostic::new(format!("byte {same}"), expected, shown(bytes));
    reader.push(RefusalCode::DeclarationNotCanonical, diagnostic);
    true
}

fn one_line(message: &str) -> String {
    message.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
