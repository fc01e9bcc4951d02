//! The tables within a declaration: slots, timers, subscriptions, context, limits.

use countersign_document::{MAX_DURATION, MAX_INTEGER};
use countersign_model::RuleId;
use countersign_model::vocabulary::{ContextTable, Keying};

use crate::content::signal_classes;
use crate::declaration::{ContextWanted, Limits, Slot, Subscription, Timers, WhenFull};
use crate::reader::{A_VALUE, Item, Table, inconsistent, name};
use crate::reasons::RefusalCode;

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

impl WhenFull {
    /// Every choice.
    pub const ALL: &'static [WhenFull] = &[WhenFull::EvictOldest, WhenFull::Refuse];

    /// The word in `rule.toml`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            WhenFull::EvictOldest => "evict-oldest",
            WhenFull::Refuse => "refuse",
        }
    }
}

/// One `[[slot]]`.
pub(crate) fn slot(table: Table<'_>) -> Option<Slot> {
    let name = table.read("name", A_VALUE, name);
    let version = table.read("version", A_VALUE, |item| item.integer(1, u32::MAX.into()));
    let max_bytes = table.read("max-bytes", A_VALUE, |item| item.integer(1, 65_536));
    let max_keys = table.read("max-keys", A_VALUE, |item| item.integer(1, 10_000_000));
    let kept_references = table.defaulted("kept-references", 0, |item| item.integer(0, 1_024));
    let ttl = table.read("ttl", A_VALUE, kept_for);
    let when_full = table.defaulted("when-full", WhenFull::EvictOldest, |item| {
        item.word("a word for what happens when full", WhenFull::ALL, WhenFull::id)
    });
    table.finish();
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

fn kept_for(item: Item<'_>) -> Option<i64> {
    item.duration(SECOND, MAX_DURATION)
}

/// `[timers]`.
pub(crate) fn timers(item: Item<'_>) -> Option<Timers> {
    let table = item.table()?;
    let ids = table.read("ids", A_VALUE, |item| item.set((1, MAX_TIMERS), name));
    let most_per_key = table.read("most-per-key", A_VALUE, |item| item.integer(1, 1_024));
    let longest = table.read("longest", A_VALUE, kept_for);
    table.finish();
    Some(Timers { ids: ids?, most_per_key: most_per_key?, longest: longest? })
}

/// `subscribes`.
pub(crate) fn subscriptions(item: Item<'_>, own: Option<&RuleId>) -> Option<Vec<Subscription>> {
    item.named_tables(MAX_SUBSCRIPTIONS, "rule", |table| {
        let item = table.required("rule", A_VALUE);
        let rule: Option<RuleId> = item.and_then(|item| item.parsed("another rule's id, `publisher/name`"));
        let classes = table.read("classes", A_VALUE, signal_classes);
        table.finish();
        if rule.is_some() && rule.as_ref() == own {
            return inconsistent(item?, "another rule's id", "the rule's own");
        }
        Some(Subscription { rule: rule?, classes: classes? })
    })
}

/// One `[[context]]`.
pub(crate) fn context(table: Table<'_>) -> Option<ContextWanted> {
    table.know(&["table", "by", "columns", "max-age"]);
    let wanted = table.read("table", A_VALUE, |item| {
        let text = item.any_text(4_096)?;
        let found = ContextTable::from_name(text);
        if found.is_none() {
            let known = ContextTable::ALL.iter().map(|one| one.name);
            return item.unknown(RefusalCode::UnknownContext, "a context table", text, known);
        }
        found
    });
    let keying = table.read("by", A_VALUE, |item| {
        let keying = item.word("a word for what a row belongs to", Keying::ALL, Keying::id)?;
        // Which there are follows from the table, so an unknown table masks it.
        if let Some(wanted) = wanted.filter(|wanted| !wanted.keyings.contains(&keying)) {
            let known: Vec<String> = wanted.keyings.iter().map(|one| format!("`{one}`")).collect();
            let expected = format!("what rows of `{}` can belong to: {}", wanted.name, known.join(", "));
            return inconsistent(item, expected, format!("`{keying}`"));
        }
        Some(keying)
    });
    let max_age = table.read("max-age", A_VALUE, kept_for);
    // Which columns there are follows from the table, so an unknown table masks what is wrong with them.
    let columns = wanted.and_then(|wanted| {
        table.read("columns", A_VALUE, |item| item.set((1, wanted.columns.len()), |item| column(item, wanted)))
    });
    table.finish();
    Some(ContextWanted { table: wanted?, keying: keying?, columns: columns?, max_age: max_age? })
}

fn column(item: Item<'_>, table: &ContextTable) -> Option<usize> {
    let text = item.any_text(4_096)?;
    let found = table.column(text);
    if found.is_none() {
        let what = format!("a column of the context table `{}`", table.name);
        return item.unknown(RefusalCode::UnknownContext, &what, text, table.columns.iter().map(|one| one.name));
    }
    found
}

/// `[limits]`.
pub(crate) fn limits(item: Item<'_>) -> Option<Limits> {
    let table = item.table()?;
    let memory = table.defaulted("memory", Limits::DEFAULT.memory, |item| {
        let bytes = size(item)?;
        item.within(RefusalCode::OutOfRange, bytes, PAGE, 4 << 30).and_then(|bytes| bytes.try_into().ok())
    });
    let fuel = table.defaulted("fuel", Limits::DEFAULT.fuel, |item| item.integer(1, MAX_INTEGER));
    let output = table.defaulted("output", Limits::DEFAULT.output, |item| {
        let bytes = size(item)?;
        item.within(RefusalCode::OutOfRange, bytes, 1, 1 << 30).and_then(|bytes| bytes.try_into().ok())
    });
    table.finish();
    Some(Limits { memory: memory?, fuel: fuel?, output: output? })
}

/// A size in bytes: a whole number, or in `rule.toml` also text such as `16MiB`.
fn size(item: Item<'_>) -> Option<i64> {
    match item.node().as_text() {
        Some(text) if !item.reader().is_canonical() => {
            let bytes = parse_size(text);
            if bytes.is_none() {
                return item.invalid("bytes, or a size such as `512KiB`, `16MiB` or `1GiB`");
            }
            bytes
        }
        _ => item.whole(),
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
