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
    }
}

/// The keys that go with kind `okta` alone.
const OKTA_KEYS: [&str; 3] = ["url", "token-file", "since"];

/// A kind with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Files: those that the source's paths name, of which there is one at least.
    File,
    /// Standard input, of one source at most.
    Stdin,
    /// The host's API, with tokens of its own.
    Http,
    /// The System Log of an Okta organisation.
    Okta(OktaLog),
}

/// The System Log of an Okta organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OktaLog {
    /// The organisation's address, `https://HOST` in lower case, perhaps with a port; `http://` on this machine alone.
    pub url: String,
    /// The file with the token, as written: relative to the configuration. None where a variable has it.
    pub token_file: Option<PathBuf>,
    /// From where the log is read first; none for where Okta begins.
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
            Transport::Okta(_) => SourceKind::Okta,
        }
    }
}

/// Reads `kind` and what goes with it; the outer option is none if something is at fault. `format` is that of the source, if
/// it is known.
pub(super) fn transport(table: &Table<'_>, format: Option<&str>) -> Option<Option<Transport>> {
    table.know(&OKTA_KEYS);
    let kind = table.optional("kind", |item| item.word::<SourceKind>("a kind of source"))?;
    if kind == Some(SourceKind::Okta) {
        return okta(table, format).map(|log| Some(Transport::Okta(log)));
    }
    let mut is_right = true;
    for key in OKTA_KEYS {
        if let Some(item) = table.get(key) {
            is_right = false;
            let expected = format!("`{key}` with kind `okta` only");
            item.refuse::<()>(Problem::Conflict, expected, item.node().described(), None);
        }
    }
    if kind == Some(SourceKind::File) && !table.has("path") {
        is_right = false;
        table.missing("path", "patterns of paths, which kind `file` reads");
    }
    is_right.then_some(match kind {
        Some(SourceKind::File) => Some(Transport::File),
        Some(SourceKind::Stdin) => Some(Transport::Stdin),
        Some(SourceKind::Http) => Some(Transport::Http),
        Some(SourceKind::Okta) | None => None,
    })
}

fn okta(table: &Table<'_>, format: Option<&str>) -> Option<OktaLog> {
    let is_right = format.is_none_or(|format| format == "okta");
    if let Some(item) = table.get("kind").filter(|_| !is_right) {
        item.refuse::<()>(Problem::Conflict, "the format `okta` with kind `okta`", item.node().described(), None);
    }
    let expected = "the address of kind `okta`, such as `https://acme.okta.com`";
    let url = table.read("url", expected, url);
    let token_file = table.optional("token-file", |item| item.text().map(PathBuf::from));
    let since = table.optional("since", |item| item.parsed::<Timestamp>("a time such as `2026-03-02T09:00:00Z`"));
    Some(OktaLog { url: url.filter(|_| is_right)?, token_file: token_file?, since: since? })
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
