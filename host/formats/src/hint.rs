//! Recognises what bytes are that can't be decoded as what they should be.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::FORMATS;
use crate::json::{self, Entries};
use crate::signs::TopLevel;

/// What undecodable bytes look like. Serializes as its text, such as `looks like zstd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// A kind of file that isn't read as it is, such as `zstd`.
    File(&'static str),
    /// Another format of telemetry, by its name in [`FORMATS`].
    Format(&'static str),
}

impl Hint {
    /// What the bytes look like.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Hint::File(name) | Hint::Format(name) => name,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "looks like {}", self.name())
    }
}

impl Serialize for Hint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hint, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = text.strip_prefix("looks like ").unwrap_or_default();
        let file = MAGIC.iter().find(|(_, known)| *known == name).map(|(_, known)| Hint::File(known));
        let format = || FORMATS.iter().find(|format| format.name() == name).map(|format| Hint::Format(format.name()));
        file.or_else(format).ok_or_else(|| serde::de::Error::custom(format!("expected a hint, got `{text}`")))
    }
}

/// How files begin that hold something else than JSON in UTF-8. Each has a byte that no JSON text has, or is too long to
/// be one by chance.
const MAGIC: &[(&[u8], &str)] = &[
    // Further within each other than is undone.
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh91AY&SY", "bzip2"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"\xff\x06\x00\x00sNaPpY", "Snappy"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    // The magic, then the first field of a page's header.
    (b"PAR1\x15", "Parquet"),
    (b"Obj\x01", "Avro"),
    (b"ElfFile\x00", "EVTX"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"ARROW1\x00\x00", "Arrow"),
    (b"\xd4\xc3\xb2\xa1", "pcap"),
    (b"\xa1\xb2\xc3\xd4", "pcap"),
    (b"\x4d\x3c\xb2\xa1", "pcap"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"),
    (b"\x30\x00\x00\x00LfLe", "EVT"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\x7fELF", "ELF"),
    (b"%PDF-", "PDF"),
    (b"\xff\xfe\x00\x00", UTF_32),
    (b"\x00\x00\xfe\xff", UTF_32),
    // With a byte order mark it is read.
    (b"{\x00", UTF_16),
    (b"[\x00", UTF_16),
    (b"\x00{", UTF_16),
    (b"\x00[", UTF_16),
];

const UTF_16: &str = "UTF-16";
const UTF_32: &str = "UTF-32";

/// What to do with a kind of file, to have its records read.
const ADVICE: &[(&str, &str)] = &[
    ("Parquet", "read it with a tool such as `duckdb -c \"COPY (FROM 'FILE') TO 'FILE.json'\"`"),
    ("EVTX", "export it as JSON, with a tool such as `evtx_dump -o jsonl`"),
    ("EVT", "export it as JSON on Windows"),
    ("Avro", "convert it with a tool such as `avro-tools tojson`"),
    ("zip", "unzip it"),
    ("7-Zip", "unpack it"),
    ("bzip2", "decompress it with `bzip2 -d`, or compress with gzip or zstd"),
    ("xz", "decompress it with `xz -d`, or compress with gzip or zstd"),
    ("LZ4", "decompress it with `lz4 -d`, or compress with gzip or zstd"),
    ("Snappy", "decompress it, or compress with gzip or zstd"),
    ("pcap", "it holds packets and no events"),
    (UTF_16, "convert it to UTF-8, or begin it with a byte order mark"),
    (UTF_32, "convert it to UTF-8"),
];

/// What to do with a file of this kind.
pub(crate) fn advice(hint: Hint) -> &'static str {
    ADVICE.iter().find(|(kind, _)| *kind == hint.name()).map_or("convert it to JSON first", |(_, advice)| advice)
}

/// Text that isn't JSON, by how a record begins. It is recognised record by record only: JSON may follow it.
const TEXTS: &[(&[u8], &str)] = &[(b"<?xml", "XML"), (b"<Event ", "XML"), (b"<Event>", "XML"), (b"<Events>", "XML")];

/// What the beginning of an input looks like, if that is a file which isn't JSON in UTF-8 at all.
pub(crate) fn file(beginning: &[u8]) -> Option<Hint> {
    MAGIC.iter().find(|(magic, _)| beginning.starts_with(magic)).map(|(_, name)| Hint::File(name))
}

/// Whether more bytes may make [`file`] recognise a beginning that it doesn't recognise yet.
pub(crate) fn may_be_file(beginning: &[u8]) -> bool {
    MAGIC.iter().any(|(magic, _)| beginning.len() < magic.len() && magic.starts_with(beginning))
}

/// What a record looks like that can't be decoded: a kind of file, or the one format whose signs it has.
#[must_use]
pub fn hint(record: &[u8]) -> Option<Hint> {
    let text = || TEXTS.iter().find(|(magic, _)| record.starts_with(magic)).map(|(_, name)| Hint::File(name));
    file(record).or_else(text).or_else(|| format(record))
}

fn format(record: &[u8]) -> Option<Hint> {
    let text = std::str::from_utf8(record).ok()?;
    let top = TopLevel::new(json::object::<Entries<'_>>(text).ok()?);
    let mut matching = FORMATS.iter().filter(|format| format.signs().is_some_and(|signs| (signs.are_in)(&top)));
    match (matching.next(), matching.next()) {
        (Some(format), None) => Some(Hint::Format(format.name())),
        _ => None,
    }
}
