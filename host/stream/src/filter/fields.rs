//! The index of one field: from its value to the rules that may want the event.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;

use countersign_declaration::{float_key, fold_char};
use countersign_model::Value;

use super::condition::Key;
use super::intervals::Intervals;
use super::patterns::Patterns;

/// The keys of one field, each with the number of a list.
#[derive(Debug, Default)]
pub(super) struct FieldIndex {
    exists: Option<u32>,
    no: Option<u32>,
    yes: Option<u32>,
    /// Only looked up in, like `floats`.
    integers: HashMap<i64, u32>,
    floats: HashMap<i64, u32>,
    integer_ranges: Intervals<i128>,
    float_ranges: Intervals<i128>,
    networks_v4: Intervals<u32>,
    networks_v6: Intervals<u128>,
    exact: Patterns,
    folded: Patterns,
}

/// Buffers for text to look up, reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Texts {
    folded: String,
    reversed: Vec<u8>,
    address: String,
}

impl FieldIndex {
    /// The index of keys with their lists.
    ///
    /// # Errors
    /// When there is more text than an automaton can have.
    pub(super) fn new(keys: &[(Key<'_>, u32)]) -> Result<FieldIndex, aho_corasick::BuildError> {
        let mut index = FieldIndex::default();
        let (mut integers, mut floats, mut v4, mut v6) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (key, list) in keys {
            match key {
                Key::Exists => index.exists = Some(*list),
                Key::Boolean(false) => index.no = Some(*list),
                Key::Boolean(true) => index.yes = Some(*list),
                Key::Integer(number) => drop(index.integers.insert(*number, *list)),
                Key::Float(number) => drop(index.floats.insert(*number, *list)),
                Key::Integers(min, max) => integers.push((*min, *max, *list)),
                Key::Floats(min, max) => floats.push((*min, *max, *list)),
                Key::Network(network) => match network.ends() {
                    (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.into(), last.into(), *list)),
                    (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.into(), last.into(), *list)),
                    // Both ends are of the network's family.
                    _ => {}
                },
                // Below.
                Key::Text { .. } => {}
            }
        }
        let texts = |wanted: bool| {
            keys.iter().filter_map(move |(key, list)| match key {
                Key::Text { how, folded, text } if *folded == wanted => Some((*how, *text, *list)),
                _ => None,
            })
        };
        index.exact = Patterns::new(texts(false))?;
        index.folded = Patterns::new(texts(true))?;
        index.integer_ranges = Intervals::new(integers);
        index.float_ranges = Intervals::new(floats);
        index.networks_v4 = Intervals::new(v4);
        index.networks_v6 = Intervals::new(v6);
        Ok(index)
    }

    /// Emits the lists of the keys that apply to a value, some maybe several times.
    pub(super) fn look_up(&self, value: &Value, texts: &mut Texts, emit: &mut impl FnMut(u32)) {
        if matches!(value, Value::WrongType) {
            return;
        }
        self.exists.into_iter().for_each(&mut *emit);
        match value {
            Value::Boolean(value) => if *value { self.yes } else { self.no }.into_iter().for_each(emit),
            Value::Unsigned(number) => self.integer(i128::from(*number), emit),
            Value::Signed(number) | Value::Timestamp(number) => self.integer(i128::from(*number), emit),
            Value::Float(number) => {
                if let Some(key) = float_key(*number) {
                    self.floats.get(&key).into_iter().for_each(|list| emit(*list));
                    self.float_ranges.for_each_containing(key.into(), emit);
                }
            }
            Value::Text(text) | Value::Json(text) => self.text(text, texts, emit),
            Value::TextList(items) => items.iter().for_each(|item| self.text(item, texts, emit)),
            Value::Address(address) => {
                let address = address.to_canonical();
                match address {
                    IpAddr::V4(address) => self.networks_v4.for_each_containing(address.into(), emit),
                    IpAddr::V6(address) => self.networks_v6.for_each_containing(address.into(), emit),
                }
                if !(self.exact.is_empty() && self.folded.is_empty()) {
                    let mut written = std::mem::take(&mut texts.address);
                    written.clear();
                    // Writing to memory doesn't fail.
                    let _ = write!(written, "{address}");
                    self.text(&written, texts, emit);
                    texts.address = written;
                }
            }
            Value::WrongType => {}
        }
    }

    fn integer(&self, number: i128, emit: &mut impl FnMut(u32)) {
        let list = i64::try_from(number).ok().and_then(|number| self.integers.get(&number));
        list.into_iter().for_each(|list| emit(*list));
        self.integer_ranges.for_each_containing(number, emit);
    }

    fn text(&self, text: &str, texts: &mut Texts, emit: &mut impl FnMut(u32)) {
        if !self.exact.is_empty() {
            self.exact.for_each_match(text, &mut texts.reversed, emit);
        }
        if !self.folded.is_empty() {
            texts.folded.clear();
            texts.folded.extend(text.chars().map(fold_char));
            self.folded.for_each_match(&texts.folded, &mut texts.reversed, emit);
        }
    }
}
