//! Envelopes: what shippers, queues and APIs put around records, and what of it is handed on.
//!
//! [`ENVELOPES`] is the one table, for every format alike: `docs/reference/formats.md` is tested equal to it. An object
//! with the signs of a format is a record, never an envelope.

mod any_value;
mod path;
mod table;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::FORMATS;
use crate::documentation::Table;
use crate::json::Name;
use crate::signs::TopLevel;

pub(crate) use path::{Form, Item, MAX_ITEMS, string};
pub use table::ENVELOPES;

/// How many envelopes a record may stand in, one within the other. Lists and `{"Records": […]}` documents count.
pub const MAX_ENVELOPES: u32 = 4;

/// Something that is put around records.
pub struct Envelope {
    /// Its name in `sources.toml`.
    pub name: &'static str,
    /// What it is recognised by, in words (Markdown).
    pub recognised_by: &'static str,
    /// What is believed of what it hands on.
    pub believed: Believed,
    /// Whether an object is one, by its members.
    is_recognised: fn(&TopLevel<'_>) -> bool,
    /// What it hands on: names of members, with `[]` after a list of which each element is handed on.
    paths: &'static [&'static str],
}

/// What is believed of what an envelope hands on, where no source names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Believed {
    /// All: the provider's own API writes it, also where it writes a record as text.
    All,
    /// Objects. Text is what was logged or sent, and it may say anything.
    Objects,
    /// Nothing: anybody may write anything into it.
    Nothing,
}

impl Envelope {
    /// Whether a source may have to name it, to have what it hands on believed.
    #[must_use]
    pub fn can_be_named(&self) -> bool {
        self.believed != Believed::All
    }

    /// Whether what it hands on in this form merely names accounts.
    fn merely_names(&self, form: &Form) -> bool {
        match self.believed {
            Believed::All => false,
            Believed::Objects => matches!(form, Form::Text | Form::Encoded),
            Believed::Nothing => true,
        }
    }
}

/// Envelopes, as a set: those out of whose text a record was taken, or those whose text a source is believed about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelopes(u32);

impl Envelopes {
    /// No envelope.
    pub const NONE: Envelopes = Envelopes(0);

    /// The set of one, by its name; none for a name that no envelope has that can be named.
    #[must_use]
    pub fn named(name: &str) -> Option<Envelopes> {
        let place = ENVELOPES.iter().position(|envelope| envelope.can_be_named() && envelope.name == name)?;
        Some(Envelopes(1 << place))
    }

    /// Those of either.
    #[must_use]
    pub const fn and(self, other: Envelopes) -> Envelopes {
        Envelopes(self.0 | other.0)
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = ENVELOPES.iter().enumerate().filter(move |(place, _)| self.0 & (1 << place) != 0);
        named.map(|(_, envelope)| envelope.name)
    }

    /// Whether all of these are among them.
    #[must_use]
    pub const fn contain(self, others: Envelopes) -> bool {
        others.0 & !self.0 == 0
    }
}

/// What an object is.
pub(crate) enum Opening {
    /// A record, or what no envelope is known for.
    Record,
    /// An envelope, and what it hands on.
    Envelope(Vec<Item>),
    /// An envelope within as many as may be opened.
    TooDeep,
    /// An envelope that hands on more than [`MAX_ITEMS`].
    TooMany,
}

/// Opens one envelope, which stands within so many others.
pub(crate) fn open(raw: &[u8], depth: u32) -> Opening {
    let Some(raw) = std::str::from_utf8(raw).ok().filter(|raw| raw.starts_with('{')) else { return Opening::Record };
    let Some(top) = unsigned(raw) else { return Opening::Record };
    let mut is_empty_one = false;
    for (place, envelope) in ENVELOPES.iter().enumerate().filter(|(_, envelope)| (envelope.is_recognised)(&top)) {
        for path in envelope.paths {
            let Some(mut items) = path::follow(raw, path) else { continue };
            if items.is_empty() {
                is_empty_one = true;
                continue;
            }
            if depth >= MAX_ENVELOPES {
                return Opening::TooDeep;
            }
            if items.len() > MAX_ITEMS {
                return Opening::TooMany;
            }
            for item in &mut items {
                item.out_of = if envelope.merely_names(&item.form) { Envelopes(1 << place) } else { Envelopes::NONE };
            }
            return Opening::Envelope(items);
        }
    }
    // Nothing is lost with a list of nothing.
    if is_empty_one { Opening::Envelope(Vec::new()) } else { Opening::Record }
}

/// The members of an object that hasn't the signs of a format. Stops reading one as soon as it has.
fn unsigned(raw: &str) -> Option<TopLevel<'_>> {
    struct Unsigned;
    impl<'de> Visitor<'de> for Unsigned {
        type Value = TopLevel<'de>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TopLevel<'de>, A::Error> {
            let mut top = TopLevel::default();
            while let Some(Name(name)) = map.next_key()? {
                let value: &RawValue = map.next_value()?;
                top.add(name, value.get());
                if top.len().is_multiple_of(ASKED_EVERY) && has_signs(&top) {
                    break;
                }
            }
            match has_signs(&top) {
                true => Err(A::Error::custom("a record")),
                false => Ok(top),
            }
        }
    }
    let mut json = serde_json::Deserializer::from_str(raw);
    let top = json.deserialize_map(Unsigned).ok()?;
    json.end().ok()?;
    Some(top)
}

/// After how many members it is asked again whether they are the signs of a format.
const ASKED_EVERY: usize = 5;

fn has_signs(top: &TopLevel<'_>) -> bool {
    FORMATS.iter().filter_map(|format| format.signs()).any(|signs| (signs.are_in)(top))
}

/// The table of envelopes, for the documentation.
#[must_use]
pub fn documentation() -> Table {
    let rows = ENVELOPES.iter().map(|envelope| {
        let paths: Vec<String> = envelope.paths.iter().map(|path| format!("`{path}`")).collect();
        let believed = match envelope.believed {
            Believed::All => "all",
            Believed::Objects => "objects",
            Believed::Nothing => "nothing",
        };
        vec![format!("`{}`", envelope.name), envelope.recognised_by.to_owned(), paths.join(", "), believed.to_owned()]
    });
    Table {
        name: "envelopes",
        head: &[
            "envelope",
            "recognised by",
            "hands on the first that is there",
            "believed without a source that names it",
        ],
        rows: rows.collect(),
    }
}

#[cfg(test)]
#[path = "../../tests/unit/envelope.rs"]
mod tests;
