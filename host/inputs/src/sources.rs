//! `sources.toml`: which sources there are, what each is bound to, and how its inputs are read.

mod kind;

pub use kind::{PolledLog, PolledProvider, SourceKind, Transport};

use std::path::Path;

use countersign_document::{Diagnostic, Problem, quoted};
use countersign_formats::envelope::{ENVELOPES, Envelopes};
use countersign_formats::{FORMATS, Format, SourceBinding, TenantPattern};
use countersign_model::rule::is_id_part;
use countersign_model::vocabulary::ActionClass;
use countersign_model::{Patience, SourceId, TimeZone};
use countersign_policy::reader::{Item, read_file, version};
use glob::{MatchOptions, Pattern};

/// Maximum bytes of `sources.toml`.
pub const MAX_SOURCES_BYTES: u64 = 4 << 20;

/// Maximum number of patterns in a list.
const MAX_PATTERNS: usize = 4_096;

/// The longest `lateness` and `silence`: a day, microseconds.
const MAX_PATIENCE: i64 = 86_400 * 1_000_000;

/// The longest `expect-every`: 30 days, microseconds. The shortest is a second.
const MAX_EXPECTED: i64 = 30 * 86_400 * 1_000_000;

/// How late records of CloudTrail may come where the source doesn't say: 15 minutes, microseconds. AWS delivers most within
/// that time.
const CLOUDTRAIL_LATENESS: i64 = 15 * 60 * 1_000_000;

/// The sources of telemetry that the operator has.
#[derive(Clone, Default)]
pub struct Sources(Vec<Source>);

/// One `[[source]]`.
#[derive(Clone)]
pub struct Source {
    name: SourceId,
    format: &'static dyn Format,
    binding: SourceBinding,
    patience: Patience,
    time_zone: Option<TimeZone>,
    paths: Vec<Pattern>,
    transport: Option<Transport>,
    expect_every: Option<i64>,
}

impl Source {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &SourceId {
        &self.name
    }

    /// The format of its records.
    #[must_use]
    pub fn format(&self) -> &'static dyn Format {
        self.format
    }

    /// What it is bound to.
    #[must_use]
    pub fn binding(&self) -> &SourceBinding {
        &self.binding
    }

    /// The zone of local times in its records that name none.
    #[must_use]
    pub fn time_zone(&self) -> Option<&TimeZone> {
        self.time_zone.as_ref()
    }

    /// How long its records are waited for.
    #[must_use]
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// The patterns of paths of its inputs.
    #[must_use]
    pub fn paths(&self) -> &[Pattern] {
        &self.paths
    }

    /// How its records come to a host that runs; none if the file doesn't say.
    #[must_use]
    pub fn transport(&self) -> Option<&Transport> {
        self.transport.as_ref()
    }

    /// The longest time without records before an alarm, microseconds.
    #[must_use]
    pub fn expect_every(&self) -> Option<i64> {
        self.expect_every
    }

    /// Why a host that runs reads nothing of it, with what to write; none if the file says how its records come.
    #[must_use]
    pub fn unread(&self) -> Option<String> {
        if self.transport.is_some() {
            return None;
        }
        let files =
            if self.paths.is_empty() { "`kind = \"file\"` with `path`" } else { "`kind = \"file\"` for its `path`" };
        Some(format!(
            "the source `{}` has no `kind`, so a host reads nothing of it: write {files} if it follows files, `kind = \"http\"` \
             if records are sent to it, `kind = \"stdin\"`, or `kind = \"okta\"` with `url` and `token-file`",
            self.name
        ))
    }
}

impl Sources {
    /// Reads `sources.toml`: `version = 1` and `[[source]]` with `name`, `format`, `tenants`, and optionally `highest-class`,
    /// `envelopes`, `time-zone`, `lateness`, `silence`, `path`, `kind`, `expect-every`, of kinds `okta` and
    /// `directory` `url` and `token-file`, and of kind `okta` `since`.
    ///
    /// ```
    /// use countersign_inputs::Sources;
    ///
    /// let sources = Sources::parse(
    ///     r#"
    ///     version = 1
    ///
    ///     [[source]]
    ///     name = "trail"
    ///     format = "cloudtrail"
    ///     tenants = ["aws:111122223333"]
    ///     path = ["logs/trail/**"]
    ///     "#,
    /// )
    /// .unwrap();
    /// assert!(sources.of_path("logs/trail/2026/1.json.gz".as_ref()).is_some());
    /// assert!(sources.of_path("logs/other.json".as_ref()).is_none());
    /// ```
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str) -> Result<Sources, Vec<Diagnostic>> {
        read_file(text, |table| {
            version(table);
            let mut sources: Vec<Source> = Vec::new();
            for item in table.tables("source") {
                let Some(source) = source(item) else { continue };
                if sources.iter().any(|known| known.name == source.name) {
                    item.refuse::<()>(Problem::DuplicateValue, "each name once", quoted(&source.name), None);
                }
                let is_stdin = |source: &Source| source.transport == Some(Transport::Stdin);
                if is_stdin(&source) && sources.iter().any(is_stdin) {
                    let expected = "at most one source of kind `stdin`";
                    item.refuse::<()>(Problem::DuplicateValue, expected, quoted(&source.name), None);
                }
                sources.push(source);
            }
            Sources(sources)
        })
    }

    /// The source with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Source> {
        self.0.iter().find(|source| source.name == *name)
    }

    /// The first source with a `path` that matches.
    #[must_use]
    pub fn of_path(&self, path: &Path) -> Option<&Source> {
        // `**` crosses folders, `*` doesn't.
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let path = path.strip_prefix(".").unwrap_or(path);
        let matches = |pattern: &Pattern| pattern.matches_path_with(path, options);
        self.0.iter().find(|source| source.paths.iter().any(matches))
    }

    /// Those of which a host that runs reads nothing, each with why and what to write.
    #[must_use]
    pub fn unread(&self) -> Vec<String> {
        self.iter().filter_map(Source::unread).collect()
    }

    /// All of them, in written order.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }
}

fn source(item: Item<'_>) -> Option<Source> {
    let table = item.table()?;
    let name = table.read("name", "the source's name", |item| {
        let name = item.text()?;
        let expected = "1 to 64 characters of a-z, 0-9 and `-` beginning with a letter";
        if is_id_part(name) { Some(SourceId::from(name)) } else { item.invalid(expected) }
    });
    // `auto` recognises formats by what a record says, so anybody who may write records could choose one.
    let formats = || FORMATS.iter().copied().filter(|format| format.signs().is_some());
    let format = table.read("format", "the format of its records", |item| {
        let name = item.text()?;
        let found = formats().find(|format| format.name() == name);
        let names: Vec<&str> = formats().map(Format::name).collect();
        found.or_else(|| item.unknown(Problem::UnknownWord, "a format", name, names))
    });
    let tenants = table.read("tenants", "the tenants that it speaks for, such as `[\"aws:111122223333\"]`", |item| {
        item.list((1, MAX_PATTERNS), |item| match TenantPattern::parse(item.text()?) {
            Ok(pattern) => Some(pattern),
            Err(expected) => item.invalid(expected),
        })
    });
    let classes = [ActionClass::Observe, ActionClass::Challenge, ActionClass::Contain];
    let highest_class = table.get("highest-class").map_or(Some(ActionClass::Contain), |item| {
        item.word_among(Problem::UnknownWord, "a class of action", &classes)
    });
    let envelopes = table.get("envelopes").map_or(Some(Envelopes::NONE), |item| {
        let named = item.list((1, ENVELOPES.len()), envelope)?;
        Some(named.into_iter().fold(Envelopes::NONE, Envelopes::and))
    });
    let time_zone = table.get("time-zone").map_or(Some(None), |item| {
        item.parsed::<TimeZone>("a time zone such as `Europe/Berlin`, or an offset such as `+02:00`").map(Some)
    });
    let duration = |key| table.get(key).and_then(|item| item.duration(0, MAX_PATIENCE));
    let (lateness, silence) = (duration("lateness"), duration("silence"));
    let paths = table.get("path").map_or(Some(Vec::new()), |item| {
        item.list((1, MAX_PATTERNS), |item| {
            let pattern = Pattern::new(item.text()?).ok();
            pattern.or_else(|| item.invalid("a pattern of paths, such as `logs/trail/**/*.json.gz`"))
        })
    });
    let expect_every = table.optional("expect-every", |item| item.duration(1_000_000, MAX_EXPECTED));
    let transport = kind::transport(&table, format.map(Format::name));
    table.finish();
    let (name, format) = (name?, format?);
    let usual = if format.name() == "cloudtrail" { CLOUDTRAIL_LATENESS } else { Patience::USUAL.lateness };
    Some(Source {
        binding: SourceBinding::named(name.clone(), tenants?, highest_class?).with_envelopes(envelopes?),
        patience: Patience { lateness: lateness.unwrap_or(usual), silence: silence.unwrap_or(Patience::USUAL.silence) },
        name,
        format,
        time_zone: time_zone?,
        paths: paths?,
        transport: transport?,
        expect_every: expect_every?,
    })
}

/// An envelope whose text is believed.
fn envelope(item: Item<'_>) -> Option<Envelopes> {
    let name = item.text()?;
    let names = ENVELOPES.iter().filter(|envelope| envelope.can_be_named()).map(|envelope| envelope.name);
    Envelopes::named(name).or_else(|| item.unknown(Problem::UnknownWord, "an envelope", name, names))
}
