//! How a source's records come to a host that runs.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use countersign_document::Problem;
use countersign_model::Timestamp;
use countersign_model::vocabulary::text_ids;
use countersign_policy::reader::{Item, Table};

text_ids! {
    /// How a source's records come to a host that runs. Commands that read inputs which end ignore it.
    pub enum SourceKind {
        /// Files are followed as they are written.
        File = "file",
        /// Standard input is read.
        Stdin = "stdin",
        /// Clients send them to the host's API.
        Http = "http",
        /// The System Log of an Okta organisation is asked for them.
        Okta = "okta",
        /// The event log of a directory is asked for them.
        Directory = "directory",
    }
}

/// The keys that go with kinds that are asked, each with these kinds.
const POLLED_KEYS: [(&str, &str); 3] =
    [("url", "`okta` or `directory`"), ("token-file", "`okta` or `directory`"), ("since", "`okta`")];

/// A kind with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Files: those that the source's paths name, of which there is one at least.
    File,
    /// Standard input, of one source at most.
    Stdin,
    /// The host's API, with tokens of its own.
    Http,
    /// The log of a provider, which is asked again and again.
    Polled(PolledLog),
}

/// Whose log is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolledProvider {
    /// An Okta organisation's System Log.
    Okta,
    /// A directory's event log.
    Directory,
}

impl PolledProvider {
    /// The kind of its sources, which is also the name of their format.
    #[must_use]
    pub fn kind(self) -> SourceKind {
        match self {
            PolledProvider::Okta => SourceKind::Okta,
            PolledProvider::Directory => SourceKind::Directory,
        }
    }

    fn example(self) -> &'static str {
        match self {
            PolledProvider::Okta => "https://acme.okta.com",
            PolledProvider::Directory => "http://127.0.0.1:8480",
        }
    }
}

/// The log of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolledLog {
    /// Whose it is.
    pub provider: PolledProvider,
    /// Its address, `https://HOST` in lower case, perhaps with a port; `http://` on this machine alone.
    pub url: String,
    /// The file with the token, as written: relative to the configuration. None where a variable has it.
    pub token_file: Option<PathBuf>,
    /// From where it is read first, of Okta; none for where it begins.
    pub since: Option<Timestamp>,
}

impl Transport {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Transport::File => SourceKind::File,
            Transport::Stdin => SourceKind::Stdin,
            Transport::Http => SourceKind::Http,
            Transport::Polled(log) => log.provider.kind(),
        }
    }
}

/// Reads `kind` and what goes with it; the outer option is none if something is at fault. `format` is that of the source, if
/// it is known.
pub(super) fn transport(table: &Table<'_>, format: Option<&str>) -> Option<Option<Transport>> {
    table.know(&POLLED_KEYS.map(|(key, _)| key));
    let kind = table.optional("kind", |item| item.word::<SourceKind>("a kind of source"))?;
    let provider = match kind {
        Some(SourceKind::Okta) => Some(PolledProvider::Okta),
        Some(SourceKind::Directory) => Some(PolledProvider::Directory),
        _ => None,
    };
    let mut is_right = true;
    let takes = |key: &str| provider.is_some_and(|provider| key != "since" || provider == PolledProvider::Okta);
    for (key, kinds) in POLLED_KEYS.iter().filter(|(key, _)| !takes(key)) {
        if let Some(item) = table.get(key) {
            is_right = false;
            let expected = format!("`{key}` with kind {kinds} only");
            item.refuse::<()>(Problem::Conflict, expected, item.node().described(), None);
        }
    }
    if let Some(provider) = provider {
        let log = polled(table, provider, format)?;
        return is_right.then_some(Some(Transport::Polled(log)));
    }
    if kind == Some(SourceKind::File) && !table.has("path") {
        is_right = false;
        table.missing("path", "patterns of paths, which kind `file` reads");
    }
    is_right.then_some(match kind {
        Some(SourceKind::File) => Some(Transport::File),
        Some(SourceKind::Stdin) => Some(Transport::Stdin),
        Some(SourceKind::Http) => Some(Transport::Http),
        Some(SourceKind::Okta | SourceKind::Directory) | None => None,
    })
}

fn polled(table: &Table<'_>, provider: PolledProvider, format: Option<&str>) -> Option<PolledLog> {
    let kind = provider.kind().id();
    let is_right = format.is_none_or(|format| format == kind);
    if let Some(item) = table.get("kind").filter(|_| !is_right) {
        let expected = format!("the format `{kind}` with kind `{kind}`");
        item.refuse::<()>(Problem::Conflict, expected, item.node().described(), None);
    }
    let expected = format!("the address of kind `{kind}`, such as `{}`", provider.example());
    let url = table.read("url", &expected, url);
    let token_file = table.optional("token-file", |item| item.text().map(PathBuf::from));
    let since = match provider {
        PolledProvider::Okta => {
            table.optional("since", |item| item.parsed::<Timestamp>("a time such as `2026-03-02T09:00:00Z`"))
        }
        PolledProvider::Directory => Some(None),
    };
    Some(PolledLog { provider, url: url.filter(|_| is_right)?, token_file: token_file?, since: since? })
}

/// An address, which has nothing but a scheme and a host, perhaps with a port.
fn url(item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_host = |host: &str| host.len() <= 253 && host.split('.').all(is_label);
    let is_port = |port: &str| port.len() <= 5 && port.parse::<u16>().is_ok_and(|port| port > 0);
    let url = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let is_right = |(scheme, host): (&str, &str)| {
        let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
        // Without TLS the token would be seen by whoever is between.
        let is_here = host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        (scheme == "https" || scheme == "http" && is_here) && is_host(host) && port.is_none_or(is_port)
    };
    if url.split_once("://").is_some_and(is_right) {
        return Some(url);
    }
    item.invalid("`https://HOST`, without a path")
}
