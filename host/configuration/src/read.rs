//! `countersign.toml` from text: every table, and every fault in it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_context::FILE_TABLES;
use countersign_document::{Diagnostic, Document, MAX_DURATION, Problem};
use countersign_policy::reader::{Item, Reader, Table, version};

use crate::configuration::{
    Api, Audit, Change, Configuration, Files, Judge, Log, LogFormat, LogLevel, MAX_BATCH, MAX_BYTES, MAX_WORKERS,
    Recorder, Reload, Sources,
};
use crate::origin::{Origin, Setting};
use crate::overrides::{AUDIT_KEY, Environment, LOG, Overrides, TLS_KEY};
use crate::secret::Secret;

const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Maximum number of paths in a list.
const MAX_PATHS: usize = 64;

/// Maximum bytes of a path (`PATH_MAX`).
const MAX_PATH: usize = 4_096;

/// Maximum bytes of a socket's path on Linux (`sun_path` of unix(7), with the zero at its end).
const MAX_SOCKET_PATH: usize = 107;

/// The name of the socket in the state folder.
const SOCKET: &str = "api.sock";

/// A file's text, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Written<'w> {
    /// What messages and origins call it.
    pub name: &'w str,
    /// The folder that its paths are relative to.
    pub folder: &'w Path,
    /// The text.
    pub text: &'w str,
}

pub(crate) fn read(
    written: Option<Written<'_>>,
    overrides: &Overrides,
    environment: Environment<'_>,
) -> (Configuration, Vec<Diagnostic>) {
    let reader = Reader::new();
    let document = written.and_then(|written| match Document::parse(written.text, MAX_BYTES) {
        Ok(document) => Some(document),
        Err(diagnostic) => {
            reader.push(Problem::InvalidValue, diagnostic);
            None
        }
    });
    let place = Place {
        name: written.map_or("", |written| written.name).into(),
        folder: written.map_or(Path::new(""), |written| written.folder),
        environment,
    };
    let root = Section { table: document.as_ref().and_then(|document| reader.root(document).table()), place: &place };
    if let Some(table) = &root.table {
        version(table);
    }
    let state = root.path("state").unwrap_or_else(|| Setting::default(place.folder.join("state")));
    let state = state.overridden("--state", overrides.state.clone());
    let configuration = Configuration {
        files: files(root.section("files")),
        recorder: recorder(root.section("recorder")),
        judge: judge(root.section("judge")),
        sources: sources(root.section("sources")),
        audit: audit(root.section("audit")),
        api: api(root.section("api"), &state.value, overrides),
        reload: reload(root.section("reload")),
        log: log(root.section("log"), overrides),
        state,
    };
    root.finish();
    check(&configuration, &reader);
    (configuration, reader.finish(()).err().unwrap_or_default())
}

fn files(section: Section<'_>) -> Files {
    let folder = section.place.folder;
    let list = |item: Item<'_>| item.set((0, MAX_PATHS), |item| path(item, folder));
    let context = FILE_TABLES.iter().map(|table| {
        let one = |item: Item<'_>| path(item, folder).map(|path| vec![path]);
        let paths = if table.repeatable { section.value(table.name, list) } else { section.value(table.name, one) };
        (table, paths.unwrap_or_else(|| Setting::default(Vec::new())))
    });
    let files = Files {
        context: context.collect(),
        rules: section.or("rules", Vec::new(), list),
        shipped_rules: section.or("shipped-rules", true, |item| item.flag()),
        trust: section.optional_path("trust"),
        policy: section.optional_path("policy"),
        identities: section.optional_path("identities"),
        sources: section.optional_path("sources"),
        capabilities: section.optional_path("capabilities"),
    };
    section.finish();
    files
}

fn recorder(section: Section<'_>) -> Recorder {
    let recorder = Recorder {
        max_bytes: section.or("max-bytes", 10 << 30, |item| item.size(64 << 20, 16 << 40)),
        keep: section.or("keep", 30 * DAY, |item| item.duration(HOUR, MAX_DURATION)),
    };
    section.finish();
    recorder
}

fn judge(section: Section<'_>) -> Judge {
    let judge = Judge {
        workers: section.or("workers", None, |item| item.integer(1, MAX_WORKERS.into()).map(Some)),
        batch: section.or("batch", Judge::BATCH, |item| item.integer(1, MAX_BATCH.into())),
        max_gap: section.or("max-gap", Judge::MAX_GAP, |item| item.duration(MINUTE, MAX_DURATION)),
        audit_key: section.secret("audit-key", AUDIT_KEY),
    };
    section.finish();
    judge
}

fn sources(section: Section<'_>) -> Sources {
    let sources = Sources {
        lag: section.or("lag", 10 * MINUTE, |item| item.duration(MINUTE, DAY)),
        fall: section.or("fall", 10, |item| item.integer(1, 50)),
        fall_from: section.or("fall-from", 60, |item| item.integer(1, 1_000_000)),
    };
    section.finish();
    sources
}

fn audit(section: Section<'_>) -> Audit {
    let audit = Audit { keep: section.or("keep", None, |item| item.duration(DAY, MAX_DURATION).map(Some)) };
    section.finish();
    audit
}

fn api(section: Section<'_>, state: &Path, overrides: &Overrides) -> Api {
    const ADDRESS: &str = "an IP address with a port, such as `127.0.0.1:8443` or `[::1]:8443`";
    let socket = section.path("socket").unwrap_or_else(|| Setting::default(state.join(SOCKET)));
    let listen = section.or("listen", None, |item| item.parsed::<SocketAddr>(ADDRESS).map(Some));
    let api = Api {
        socket: socket.overridden("--socket", overrides.socket.clone()),
        listen: listen.overridden("--listen", overrides.listen.map(Some)),
        certificate: section.optional_path("certificate"),
        key: section.secret("key", TLS_KEY),
    };
    section.finish();
    api
}

fn reload(section: Section<'_>) -> Reload {
    let change = |key, default| section.or(key, default, |item| item.word::<Change>("what a change needs"));
    let reload = Reload {
        watch: section.or("watch", true, |item| item.flag()),
        partial: section.or("partial", false, |item| item.flag()),
        trial: section.or("trial", DAY, |item| item.duration(0, 90 * DAY)),
        shadow: section.or("shadow", 15 * MINUTE, |item| item.duration(0, 7 * DAY)),
        rules: change("rules", Change::Approval),
        policy: change("policy", Change::Approval),
        // Facts change all the time; a fact that drops a protection waits for a person anyway.
        identities: change("identities", Change::Automatic),
        trust: change("trust", Change::Approval),
        sources: change("sources", Change::Approval),
        lookups: change("lookups", Change::Automatic),
    };
    section.finish();
    reload
}

fn log(section: Section<'_>, overrides: &Overrides) -> Log {
    let level = |level: LogLevel| level.id().to_owned();
    let mut written = section.or("level", level(LogLevel::Info), |item| item.word("a level").map(level));
    if let Some(filter) = section.variable(LOG) {
        written = Setting { value: filter.to_string_lossy().into_owned(), origin: Origin::Environment(LOG) };
    }
    let format = section.or("format", LogFormat::Text, |item| item.word("a form of the log"));
    let log = Log {
        format: format.overridden("--log-format", overrides.log_format),
        level: written.overridden("--log-level", overrides.log_level.map(level)),
    };
    section.finish();
    log
}

/// What values demand of each other, wherever they come from.
fn check(configuration: &Configuration, reader: &Reader) {
    let Configuration { files, api, .. } = configuration;
    let refuse = |place: &str, line: Option<usize>, expected: &str, got: &str| {
        reader.push(Problem::Conflict, Diagnostic::new(place, expected, got).with_line(line));
    };
    if !files.shipped_rules.value && files.rules.value.is_empty() {
        let expected = "rules to run: paths in `files.rules`, or the shipped ones";
        refuse("files.shipped-rules", files.shipped_rules.origin.line(), expected, "false, and no paths");
    }
    if api.socket.value.as_os_str().len() > MAX_SOCKET_PATH {
        let expected = format!("a path of at most {MAX_SOCKET_PATH} bytes, the most that a socket can have");
        let got = format!("{} bytes", api.socket.value.as_os_str().len());
        refuse("api.socket", api.socket.origin.line(), &expected, &got);
    }
    let (listen, certificate, key) = (&api.listen, &api.certificate, &api.key);
    let has = [
        ("api.listen", listen.value.is_some(), &listen.origin),
        ("api.certificate", certificate.value.is_some(), &certificate.origin),
        ("api.key", key.value.is_some(), &key.origin),
    ];
    // A key out of the environment alone asks for nothing: it may be there for another host.
    let asks = |(_, has, origin): &&(&str, bool, &Origin)| *has && !matches!(origin, Origin::Environment(_));
    if let Some((place, _, origin)) = has.iter().find(asks) {
        for (missing, _, _) in has.iter().filter(|(_, has, _)| !has) {
            let expected = format!("a value, because `{place}` has one: others are served with TLS only");
            refuse(missing, origin.line(), &expected, "none");
        }
    }
}

/// Where values come from.
struct Place<'p> {
    name: Arc<str>,
    folder: &'p Path,
    environment: Environment<'p>,
}

/// A table of the file, if it is there.
struct Section<'n> {
    table: Option<Table<'n>>,
    place: &'n Place<'n>,
}

impl<'n> Section<'n> {
    /// The table of a key.
    fn section(&self, key: &'static str) -> Section<'n> {
        let table = self.table.as_ref().and_then(|table| table.get(key)).and_then(|item| item.table());
        Section { table, place: self.place }
    }

    /// The value of a key; none if it isn't there or has a fault.
    fn value<T>(&self, key: &'static str, read: impl FnOnce(Item<'n>) -> Option<T>) -> Option<Setting<T>> {
        let item = self.table.as_ref()?.get(key)?;
        let line = item.node().line.unwrap_or_default();
        let origin = Origin::File { name: Arc::clone(&self.place.name), line };
        read(item).map(|value| Setting { value, origin })
    }

    /// The value of a key, or this one.
    fn or<T>(&self, key: &'static str, default: T, read: impl FnOnce(Item<'n>) -> Option<T>) -> Setting<T> {
        self.value(key, read).unwrap_or_else(|| Setting::default(default))
    }

    fn path(&self, key: &'static str) -> Option<Setting<PathBuf>> {
        self.value(key, |item| path(item, self.place.folder))
    }

    fn optional_path(&self, key: &'static str) -> Setting<Option<PathBuf>> {
        self.or(key, None, |item| path(item, self.place.folder).map(Some))
    }

    /// A secret: out of the environment, or in a file.
    fn secret(&self, key: &'static str, variable: &'static str) -> Setting<Option<Secret>> {
        let written =
            self.or(key, None, |item| secret_path(item, self.place.folder).map(|path| Some(Secret::file(path))));
        match self.variable(variable) {
            Some(value) => Setting { value: Some(Secret::environment(value)), origin: Origin::Environment(variable) },
            None => written,
        }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        (self.place.environment)(name).filter(|value| !value.is_empty())
    }

    /// Reports keys that aren't known.
    fn finish(self) {
        if let Some(table) = self.table {
            table.finish();
        }
    }
}

/// A path, relative to the file's folder.
fn path(item: Item<'_>, folder: &Path) -> Option<PathBuf> {
    let text = item.text()?;
    if text.starts_with('~') {
        let hint = Some("no shell reads it: write the folder in full".to_owned());
        return item.refuse(Problem::InvalidValue, "a path", item.node().shown(), hint);
    }
    if is_path(text) { Some(folder.join(text)) } else { item.invalid(format!("a path of at most {MAX_PATH} bytes")) }
}

/// The path of a secret's file. What stands there isn't repeated: it may be the secret itself.
fn secret_path(item: Item<'_>, folder: &Path) -> Option<PathBuf> {
    let text = item.node().as_text().filter(|text| !text.is_empty() && is_path(text));
    let Some(text) = text else {
        let hint = Some("the secret itself never stands here".to_owned());
        return item.refuse(Problem::InvalidValue, "the path of a file with the secret", "something else", hint);
    };
    Some(folder.join(text))
}

fn is_path(text: &str) -> bool {
    text.len() <= MAX_PATH && !text.contains(['\0', '\n', '\r'])
}

#[cfg(test)]
#[path = "../tests/unit/read.rs"]
mod tests;
