//! The tables within a declaration: slots, timers, subscriptions, context, limits.

use countersign_model::RuleId;
use countersign_model::vocabulary::{ContextTable, Keying};
use serde_json::Value;

use crate::content::signal_classes;
use crate::declaration::{ContextWanted, Limits, Slot, Subscription, Timers, WhenFull};
use crate::reader::{GREATEST_INTEGER, LONGEST_DURATION, Need, Reader, Table};
use crate::reasons::{RefusalCode, quoted};

/// Most state slots.
pub(crate) const MAX_SLOTS: usize = 16;
/// Most context tables.
pub(crate) const MAX_CONTEXT: usize = 16;
/// Most timer ids.
const MAX_TIMERS: usize = 64;
/// Most subscriptions.
const MAX_SUBSCRIPTIONS: usize = 64;
/// One second, microseconds: the shortest time for which anything is kept.
const SECOND: i64 = 1_000_000;
/// Bytes of a WebAssembly page: no guest has less memory.
const PAGE: i64 = 65_536;

const WHEN_FULL: &[(&str, WhenFull)] = &[("evict-oldest", WhenFull::EvictOldest), ("refuse", WhenFull::Refuse)];

impl WhenFull {
    /// The word in `rule.toml`.
    #[must_use]
    pub fn id(self) -> &'static str {
        WHEN_FULL.iter().find(|(_, one)| *one == self).map_or("", |(id, _)| id)
    }
}

/// One `[[slot]]`.
pub(crate) fn slot(reader: &mut Reader, table: &Table<'_>) -> Option<Slot> {
    reader.only(table, &["name", "version", "max-bytes", "max-keys", "kept-references", "ttl", "when-full"]);
    let name = reader.key(table, "name", Need::Required, Reader::name);
    let version =
        reader.key(table, "version", Need::Required, |r, place, value| r.integer(place, value, 1, u32::MAX.into()));
    let max_bytes =
        reader.key(table, "max-bytes", Need::Required, |r, place, value| r.integer(place, value, 1, 65_536));
    let max_keys =
        reader.key(table, "max-keys", Need::Required, |r, place, value| r.integer(place, value, 1, 10_000_000));
    let kept_references =
        reader.key(table, "kept-references", Need::Default(0), |r, place, value| r.integer(place, value, 0, 1_024));
    let ttl = reader.key(table, "ttl", Need::Required, kept_for);
    let when_full = reader.key(table, "when-full", Need::Default(WhenFull::EvictOldest), |r, place, value| {
        r.word(place, value, RefusalCode::UnknownWord, "a word for what happens when full", WHEN_FULL)
    });
    Some(Slot {
        name: name?,
        version: version?,
        max_bytes: max_bytes?,
        max_keys: max_keys?,
        kept_references: kept_references?,
        ttl: ttl?,
        when_full: when_full?,
    })
}

fn kept_for(reader: &mut Reader, place: &str, value: &Value) -> Option<i64> {
    reader.duration(place, value, SECOND, LONGEST_DURATION)
}

/// `[timers]`.
pub(crate) fn timers(reader: &mut Reader, place: &str, value: &Value) -> Option<Timers> {
    let table = reader.table(place, value)?;
    reader.only(&table, &["ids", "most-per-key", "longest"]);
    let ids =
        reader.key(&table, "ids", Need::Required, |r, place, value| r.set(place, value, (1, MAX_TIMERS), Reader::name));
    let most_per_key =
        reader.key(&table, "most-per-key", Need::Required, |r, place, value| r.integer(place, value, 1, 1_024));
    let longest = reader.key(&table, "longest", Need::Required, kept_for);
    Some(Timers { ids: ids?, most_per_key: most_per_key?, longest: longest? })
}

/// `subscribes`.
pub(crate) fn subscriptions(
    reader: &mut Reader,
    place: &str,
    value: &Value,
    own: Option<&RuleId>,
) -> Option<Vec<Subscription>> {
    reader.named(place, value, MAX_SUBSCRIPTIONS, "rule", |reader, table| {
        reader.only(&table, &["rule", "classes"]);
        let rule: Option<RuleId> = reader.key(&table, "rule", Need::Required, |r, place, value| {
            r.parsed(place, value, "another rule's id, `publisher/name`")
        });
        let classes = reader.key(&table, "classes", Need::Required, signal_classes);
        if rule.is_some() && rule.as_ref() == own {
            reader.refuse(RefusalCode::Inconsistent, table.place("rule"), "another rule's id", "the rule's own");
            return None;
        }
        Some(Subscription { rule: rule?, classes: classes? })
    })
}

/// One `[[context]]`.
pub(crate) fn context(reader: &mut Reader, table: &Table<'_>) -> Option<ContextWanted> {
    reader.only(table, &["table", "by", "columns", "max-age"]);
    let wanted = reader.key(table, "table", Need::Required, |r, place, value| {
        let text = r.any_text(place, value, 4_096)?;
        let found = ContextTable::from_name(text);
        if found.is_none() {
            let known = ContextTable::ALL.iter().map(|one| one.name);
            r.unknown(RefusalCode::UnknownContext, place, "a context table", text, known);
        }
        found
    });
    let keying = reader.key(table, "by", Need::Required, |r, place, value| {
        let all: Vec<_> = Keying::ALL.iter().map(|one| (one.id(), *one)).collect();
        let keying = r.word(place, value, RefusalCode::UnknownWord, "a word for what a row belongs to", &all)?;
        // Which there are follows from the table, so an unknown table masks it.
        if let Some(wanted) = wanted.filter(|wanted| !wanted.keyings.contains(&keying)) {
            let known: Vec<String> = wanted.keyings.iter().map(|one| format!("`{one}`")).collect();
            let expected = format!("what rows of `{}` can belong to: {}", wanted.name, known.join(", "));
            r.refuse(RefusalCode::Inconsistent, place, expected, format!("`{keying}`"));
            return None;
        }
        Some(keying)
    });
    let max_age = reader.key(table, "max-age", Need::Required, kept_for);
    // Which columns there are follows from the table, so an unknown table masks what is wrong with them.
    let columns = match wanted {
        Some(wanted) => reader.key(table, "columns", Need::Required, |r, place, value| {
            r.set(place, value, (1, wanted.columns.len()), |r, place, value| column(r, place, value, wanted))
        }),
        None => None,
    };
    Some(ContextWanted { table: wanted?, keying: keying?, columns: columns?, max_age: max_age? })
}

fn column(reader: &mut Reader, place: &str, value: &Value, table: &ContextTable) -> Option<usize> {
    let text = reader.any_text(place, value, 4_096)?;
    let found = table.columns.iter().position(|one| one.name == text);
    if found.is_none() {
        let what = format!("a column of the context table `{}`", table.name);
        reader.unknown(RefusalCode::UnknownContext, place, &what, text, table.columns.iter().map(|one| one.name));
    }
    found
}

/// `[limits]`.
pub(crate) fn limits(reader: &mut Reader, place: &str, value: &Value) -> Option<Limits> {
    let table = reader.table(place, value)?;
    reader.only(&table, &["memory", "fuel", "output"]);
    let memory = reader.key(&table, "memory", Need::Default(Limits::DEFAULT.memory), |r, place, value| {
        let bytes = size(r, place, value)?;
        r.within(RefusalCode::OutOfRange, place, bytes, PAGE, 4 << 30).and_then(|bytes| bytes.try_into().ok())
    });
    let fuel = reader.key(&table, "fuel", Need::Default(Limits::DEFAULT.fuel), |r, place, value| {
        r.integer(place, value, 1, GREATEST_INTEGER)
    });
    let output = reader.key(&table, "output", Need::Default(Limits::DEFAULT.output), |r, place, value| {
        let bytes = size(r, place, value)?;
        r.within(RefusalCode::OutOfRange, place, bytes, 1, 1 << 30).and_then(|bytes| bytes.try_into().ok())
    });
    Some(Limits { memory: memory?, fuel: fuel?, output: output? })
}

/// A size in bytes: a whole number, or in `rule.toml` also text such as `16MiB`.
fn size(reader: &mut Reader, place: &str, value: &Value) -> Option<i64> {
    match value.as_str() {
        Some(text) if !reader.is_section() => {
            let bytes = parse_size(text);
            if bytes.is_none() {
                let expected = "bytes, or a size such as `512KiB`, `16MiB` or `1GiB`";
                reader.refuse(RefusalCode::InvalidValue, place, expected, quoted(text));
            }
            bytes
        }
        _ => reader.whole(place, value),
    }
}

fn parse_size(text: &str) -> Option<i64> {
    const UNITS: [(&str, u32); 3] = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (digits, shift) =
        UNITS.iter().find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits.trim_end(), shift)))?;
    // Six digits of the greatest unit stay far below 2^63.
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
    digits.parse::<i64>().ok().filter(|_| plain).map(|count| count << shift)
}
