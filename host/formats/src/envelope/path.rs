//! What an envelope hands on: found by a path of members.

use std::ops::Range;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Envelopes, any_value};
use crate::json::{Entries, Member};
use crate::signs::TopLevel;

/// The most that one envelope hands on. A batch of CloudWatch Logs or a page of Elasticsearch has 10,000.
pub(crate) const MAX_ITEMS: usize = 1 << 16;

/// How base64 of a JSON object or list begins, and of gzip and zstd.
const BASE64: &[&str] = &["ey", "ew", "W3", "Ww", "H4sI", "KLUv"];

/// Something that an envelope hands on.
#[derive(Debug)]
pub(crate) struct Item {
    /// Where it is in the envelope's text: a text or one in base64 with its quotation marks.
    pub(crate) place: Range<usize>,
    pub(crate) form: Form,
    /// The envelope, if what it hands on merely names accounts.
    pub(crate) out_of: Envelopes,
}

/// In which form it is.
#[derive(Debug, PartialEq)]
pub(crate) enum Form {
    /// An object, as it is.
    Object,
    /// An object that is written in another way; this is it.
    Rewritten(String),
    /// A text with records.
    Text,
    /// Base64 of a text with records, which may be compressed.
    Encoded,
}

/// What a path leads to in an object. None if that isn't there, or nothing that can hold records. An element of a list that
/// doesn't have it is handed on itself, so that it isn't lost. If it is more than [`MAX_ITEMS`], one more of them.
pub(super) fn follow(raw: &str, path: &str) -> Option<Vec<Item>> {
    let mut found = Found { raw, items: Vec::new(), any: false };
    found.follow(raw, path).then_some(())?;
    (found.any || found.items.is_empty()).then_some(found.items)
}

struct Found<'a> {
    raw: &'a str,
    items: Vec<Item>,
    /// Whether an item is what the path leads to.
    any: bool,
}

impl<'a> Found<'a> {
    /// Whether the path leads to something.
    fn follow(&mut self, json: &'a str, path: &str) -> bool {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
        let top = TopLevel::new(Member::new(json).members::<Entries<'a>>());
        let Some(member) = top.get(name) else { return false };
        if !is_list {
            return if rest.is_empty() { self.leaf(member) } else { self.follow(member, rest) };
        }
        if !member.starts_with('[') {
            return false;
        }
        for element in elements(member) {
            if rest.is_empty() {
                self.any = true;
                self.add(element, Form::Object);
            } else if !self.follow(element, rest) {
                self.add(element, Form::Object);
            }
        }
        true
    }

    /// What the path leads to. False if it is nothing that can hold records.
    fn leaf(&mut self, json: &'a str) -> bool {
        let json = any_value::unwrapped(json);
        match json.as_bytes().first() {
            Some(b'{') => match any_value::rewritten(json) {
                Some(rewritten) => self.add(json, Form::Rewritten(rewritten)),
                None => self.add(json, Form::Object),
            },
            Some(b'[') => {
                elements(json).into_iter().for_each(|element| self.add(element, Form::Object));
            }
            Some(b'"') if holds_json(json) => self.add(json, Form::Text),
            Some(b'"') if is_encoded(json) => self.add(json, Form::Encoded),
            _ => return false,
        }
        self.any = true;
        true
    }

    fn add(&mut self, json: &'a str, form: Form) {
        if self.items.len() > MAX_ITEMS {
            return;
        }
        // Both are of one text: borrowed parts of it.
        let start = (json.as_ptr() as usize).saturating_sub(self.raw.as_ptr() as usize);
        self.items.push(Item { place: start..start + json.len(), form, out_of: Envelopes::NONE });
    }
}

/// Whether the text of a JSON string begins as an object or a list does.
fn holds_json(json: &str) -> bool {
    let mut rest = json.get(1..).unwrap_or_default();
    loop {
        let trimmed = rest.trim_start_matches(['\u{feff}', ' ']);
        let escapes = ["\\n", "\\r", "\\t", "\\ufeff"];
        match escapes.iter().find_map(|escape| trimmed.strip_prefix(escape)) {
            Some(after) => rest = after,
            None => return trimmed.starts_with(['{', '[']),
        }
    }
}

fn is_encoded(json: &str) -> bool {
    let text = json.get(1..).unwrap_or_default();
    BASE64.iter().any(|begin| text.starts_with(begin))
}

/// The elements of a list, no more than one past those that are handed on.
fn elements(json: &str) -> Vec<&str> {
    let mut elements = Vec::new();
    for_each(json, &mut |element| {
        if elements.len() <= MAX_ITEMS {
            elements.push(element);
        }
    });
    elements
}

/// Hands out each element of a list.
pub(super) fn for_each<'a>(json: &'a str, each: &mut dyn FnMut(&'a str)) {
    struct Elements<'e, 'a>(&'e mut dyn FnMut(&'a str));
    impl<'de> Visitor<'de> for Elements<'_, 'de> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
            while let Some(element) = elements.next_element::<&'de RawValue>()? {
                (self.0)(element.get());
            }
            Ok(())
        }
    }
    // It was read as part of a whole object before, so there is no error in it.
    let mut json = serde_json::Deserializer::from_str(json);
    json.deserialize_seq(Elements(each)).unwrap_or_default();
}

/// The text of a JSON string, if it is one.
pub(crate) fn string(json: &str) -> Option<String> {
    String::deserialize(&mut serde_json::Deserializer::from_str(json)).ok()
}
