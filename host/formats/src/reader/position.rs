//! A place between two pieces of an input, from which reading can go on.

use std::fmt;
use std::str::FromStr;

/// The greatest ordinal and offset, which no input has.
const MAX: u64 = i64::MAX.unsigned_abs();

/// A place between two pieces of an input: [`super::Splitter::resume`] goes on from it.
///
/// Its text form, such as `17.4096.line` or `17.4096.line.3`, is opaque: it names the ordinal of the next piece, the byte
/// offset after decompression, where in the grammar of an input this is, and how many pieces of the envelope that begins
/// there lie before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) ordinal: u64,
    pub(super) offset: u64,
    pub(super) place: Place,
    /// How many pieces of the envelope at the offset lie before; 0 where none is open.
    pub(super) within: u64,
}

impl Position {
    /// The beginning of an input.
    pub const START: Position = Position { ordinal: 0, offset: 0, place: Place::Beginning, within: 0 };

    /// Before the piece with this number, in an input whose pieces come in an order of their own.
    #[must_use]
    pub const fn nth(ordinal: u64) -> Position {
        Position { ordinal, offset: 0, place: Place::BetweenDocuments, within: 0 }
    }

    /// The ordinal of the next piece: how many pieces lie before.
    #[must_use]
    pub const fn ordinal(self) -> u64 {
        self.ordinal
    }

    /// How many bytes lie before, after decompression; within an envelope, before it.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.offset
    }

    /// Whether nothing that follows can be read.
    #[must_use]
    pub fn is_end(self) -> bool {
        self.place == Place::Ended
    }

    /// The same place in the grammar under another ordinal and offset: for bytes that are moved into another stream. What is
    /// read from there is the same but for its ordinals and offsets.
    #[must_use]
    pub const fn moved_to(self, ordinal: u64, offset: u64) -> Position {
        Position { ordinal, offset, ..self }
    }

    /// Before the document or envelope that this is in.
    pub(super) const fn of_document(self) -> Position {
        Position { ordinal: self.ordinal.saturating_sub(self.within), within: 0, ..self }
    }
}

/// Where in the grammar of an input the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the beginning of an input, which may be no JSON at all.
    Beginning,
    /// Before a document or a line.
    BetweenDocuments,
    /// Among the records of an object.
    InObject,
    /// Among the records of a list.
    InList,
    /// After the records of an object, before its end.
    AfterRecords,
    /// Nothing follows, or nothing that can be read.
    Ended,
    /// Before a dead letter that is written down: its bytes aren't there, or don't tell why it is one.
    Written,
}

impl Place {
    const ALL: [(Place, &'static str); 7] = [
        (Place::Beginning, "start"),
        (Place::BetweenDocuments, "line"),
        (Place::InObject, "object"),
        (Place::InList, "list"),
        (Place::AfterRecords, "after"),
        (Place::Ended, "end"),
        (Place::Written, "dead"),
    ];
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place::ALL.iter().find(|(place, _)| *place == self.place).map_or("", |(_, name)| name);
        write!(f, "{}.{}.{place}", self.ordinal, self.offset)?;
        if self.within > 0 { write!(f, ".{}", self.within) } else { Ok(()) }
    }
}

/// A text that isn't a [`Position`]'s.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the position of a record, as this program prints it, got `{0}`")]
pub struct PositionError(pub String);

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        let parse = || {
            let mut parts = text.split('.');
            let (ordinal, offset, place) = (parts.next()?, parts.next()?, parts.next()?);
            let place = Place::ALL.iter().find(|(_, name)| *name == place)?.0;
            let within = parts.next().map_or(Some(0), |within| within.parse().ok())?;
            let position = Position { ordinal: ordinal.parse().ok()?, offset: offset.parse().ok()?, place, within };
            // INVARIANT: no input comes so far, so that counting on from a position never overflows.
            let bounded = position.ordinal <= MAX && position.offset <= MAX && position.within <= position.ordinal;
            // One text a position, so that texts can be compared.
            (bounded && parts.next().is_none() && position.to_string() == text).then_some(position)
        };
        parse().ok_or_else(|| PositionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_and_others_refused() {
        for (place, _) in Place::ALL {
            for within in [0, 3] {
                let position = Position { ordinal: 17, offset: MAX, place, within };
                assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
        for text in [
            "",
            "1.2",
            "1.2.line.",
            "1.2.other",
            "-1.2.line",
            "+1.2.line",
            "01.2.line",
            "1.2.LINE",
            "1.2.line.0",
            "1.2.line.1.1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(PositionError(text.to_owned())));
        }
    }
}
