//! The format `auto`: recognises the format of each record, and decodes it as that.

use countersign_model::vocabulary::FieldId;
use countersign_model::{RawAddress, TimeZone};

use crate::decoder::Decode;
use crate::documentation::Table;
use crate::json::{self, Entries};
use crate::occurrences::Occurrence;
use crate::signs::{Signs, TopLevel};
use crate::{DeadReason, FORMATS, Fault, Format, Record};

/// Most members that a dead letter names.
const MAX_NAMED: usize = 12;

/// The format `auto`.
///
/// Its events equal those of the format that it recognises: name, id and all. One input may hold records of several
/// formats. A record with the signs of no format, or of several, becomes a dead letter.
#[derive(Clone, Copy, Debug)]
pub struct Auto;

impl Format for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn about(&self) -> &'static str {
        "any of the others, recognised record by record"
    }

    fn provider(&self) -> Option<&'static str> {
        None
    }

    fn signs(&self) -> Option<Signs> {
        None
    }

    fn fields(&self) -> Vec<(FieldId, &'static str)> {
        Vec::new()
    }

    fn tables(&self) -> Vec<Table> {
        let rows = recognised().map(|(format, signs)| vec![format!("`{}`", format.name()), signs.text.to_owned()]);
        vec![Table {
            name: "signs",
            head: &["source", "a record is its own if it has, at the top,"],
            rows: rows.collect(),
        }]
    }

    fn decoder(&self, zone: Option<&TimeZone>) -> Box<dyn Decode> {
        let known = |(format, signs): (&'static dyn Format, Signs)| Known {
            name: format.name(),
            signs,
            decode: format.decoder(zone),
        };
        Box::new(Recognising { known: recognised().map(known).collect() })
    }
}

/// Every format that can be recognised.
fn recognised() -> impl Iterator<Item = (&'static dyn Format, Signs)> {
    FORMATS.iter().filter_map(|format| Some((*format, format.signs()?)))
}

/// A decoder of every format, one beside the other: what one counts doesn't show in another's events.
struct Recognising {
    known: Vec<Known>,
}

struct Known {
    name: &'static str,
    signs: Signs,
    decode: Box<dyn Decode>,
}

impl Decode for Recognising {
    fn decode(&mut self, raw: &str, address: RawAddress) -> Result<Record, Fault> {
        let top = TopLevel::new(json::object::<Entries<'_>>(raw)?);
        let mut matching = self.known.iter_mut().filter(|known| (known.signs.are_in)(&top));
        match (matching.next(), matching.next()) {
            (Some(known), None) => known.decode.decode(raw, address),
            (None, _) => Err(Fault::new(
                DeadReason::SourceUnknown,
                format!("expected the signs of a source or an envelope, got {}: {}", members(&top), expected_signs()),
            )),
            (Some(one), Some(other)) => Err(Fault::new(
                DeadReason::SourceAmbiguous,
                format!(
                    "expected the signs of one source, got those of `{}` and of `{}`; name the source to have the record read",
                    one.name, other.name
                ),
            )),
        }
    }

    fn restore(&mut self, input: u32, source: &str, counted: Vec<Occurrence>) {
        if let Some(known) = self.known.iter_mut().find(|known| known.name == source) {
            known.decode.restore(input, source, counted);
        }
    }

    fn counted(&self, input: u32) -> Vec<Occurrence> {
        self.known.iter().flat_map(|known| known.decode.counted(input)).collect()
    }

    fn end(&mut self, input: u32) {
        self.known.iter_mut().for_each(|known| known.decode.end(input));
    }
}

/// The members of a record, for people: by their names one sees what stands around it.
fn members(top: &TopLevel<'_>) -> String {
    let names: Vec<String> = top.names().take(MAX_NAMED).map(countersign_text::quoted).collect();
    match top.len() {
        0 => "no members".to_owned(),
        count if count > MAX_NAMED => format!("{} and {} more", names.join(", "), count - MAX_NAMED),
        _ => names.join(", "),
    }
}

fn expected_signs() -> String {
    let signs: Vec<String> = recognised().map(|(format, signs)| format!("{}: {}", format.name(), signs.text)).collect();
    signs.join("; ")
}
