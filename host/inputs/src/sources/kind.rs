//! How a source's records come to a host that runs.

use std::path::PathBuf;

use countersign_document::Problem;
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
    /// The organisation's host, perhaps with a port: it is spoken to by HTTPS only.
    pub host: String,
    /// The file with the token, as written: relative to the configuration.
    pub token_file: PathBuf,
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
    table.know(&["url", "token-file"]);
    let kind = table.optional("kind", |item| item.word::<SourceKind>("a kind of source"))?;
    if kind == Some(SourceKind::Okta) {
        return okta(table, format).map(|log| Some(Transport::Okta(log)));
    }
    let mut is_right = true;
    for key in ["url", "token-file"] {
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
    let host = table.read("url", expected, host);
    let token_file = table.read("token-file", "the file with the token of kind `okta`", |item| item.text());
    Some(OktaLog { host: host.filter(|_| is_right)?, token_file: token_file?.into() })
}

/// The host of an address, which has nothing else but a scheme and perhaps a port.
fn host(item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_host = |host: &str| host.len() <= 253 && host.split('.').all(is_label);
    let is_port = |port: &str| port.len() <= 5 && port.parse::<u16>().is_ok_and(|port| port > 0);
    let host = text.strip_prefix("https://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let is_right = |host: &&str| match host.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(host),
    };
    host.filter(is_right)
        .map_or_else(|| item.invalid("`https://HOST`, without a path"), |host| Some(host.to_ascii_lowercase()))
}
