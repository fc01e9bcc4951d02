//! The list of all keys: what `config show` and `init` go by.

use countersign_context::FILE_TABLES;

/// A key of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table that it is in; empty for the file's own.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// What holds where it has no value; empty if it always has one.
    pub unset: &'static str,
    /// A value as TOML, for a key that has none by default.
    pub example: &'static str,
}

/// The tables in the order of the file, each with what it is for.
pub const TABLES: &[(&str, &str)] = &[
    ("", ""),
    ("files", "What a generation is made of."),
    ("recorder", "The record of all input: what was acknowledged and isn't judged is never dropped."),
    ("judge", "How rules are run."),
    ("sources", "When a source isn't well: what rests on it needs approval then."),
    ("audit", "The audit log, which the host signs with host.key."),
    ("api", "Where the API listens."),
    ("reload", "What happens when files change. What widens anybody's authority always waits for a person."),
    ("log", "What the host says of itself, on standard error."),
];

impl Key {
    /// One that always has a value.
    const fn new(table: &'static str, name: &'static str, about: &'static str) -> Key {
        Key { table, name, about, unset: "", example: "" }
    }

    /// One that may have none.
    const fn optional(
        table: &'static str,
        name: &'static str,
        about: &'static str,
        unset: &'static str,
        example: &'static str,
    ) -> Key {
        Key { table, name, about, unset, example }
    }

    /// `table.name`.
    #[must_use]
    pub fn place(&self) -> String {
        if self.table.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.table, self.name) }
    }
}

/// Every key but `version`, in the order of the file.
#[must_use]
pub fn keys() -> Vec<Key> {
    let tables = FILE_TABLES.iter().map(|table| {
        // As the command line's help, in which what holds without an option stands in brackets.
        let (about, unset) = table.help.split_once(" [default: ").unwrap_or((table.help, "none"));
        Key {
            table: "files",
            name: table.name,
            about,
            unset: unset.trim_end_matches(']'),
            // A table that takes several files takes a list.
            example: if table.repeatable { "[\"FILE\"]" } else { "\"FILE\"" },
        }
    });
    FIRST.iter().copied().chain(tables).chain(REST.iter().copied()).collect()
}

/// Those before the files of context tables.
const FIRST: &[Key] = &[
    Key::new("", "state", "The folder of what the host keeps: recorder.db, store.db, api.sock, host.key."),
    Key::new("files", "rules", "Rules beside the shipped ones: components, and folders of them."),
    Key::new("files", "shipped-rules", "Whether the shipped rules run."),
    Key::optional(
        "files",
        "trust",
        "Whose rules are believed, by which keys.",
        "the shipped rules alone",
        "\"trust.toml\"",
    ),
    Key::optional(
        "files",
        "policy",
        "Which actions are allowed for which identities.",
        "a cautious shipped policy",
        "\"policy.toml\"",
    ),
    Key::optional(
        "files",
        "identities",
        "The directory of identities, as TOML or NDJSON.",
        "only what the records prove",
        "\"identities.toml\"",
    ),
    Key::optional(
        "files",
        "sources",
        "The sources of telemetry, and what each is bound to.",
        "none",
        "\"sources.toml\"",
    ),
    Key::optional(
        "files",
        "capabilities",
        "What connectors can do.",
        "the shipped capability tables",
        "\"capabilities.toml\"",
    ),
];

/// Those after them.
const REST: &[Key] = &[
    Key::new("recorder", "max-bytes", "How large it may become, `64MiB` to `16TiB`; full, sources have to wait."),
    Key::new("recorder", "keep", "How long what is judged is kept, `1h` to `400d`."),
    Key::optional("judge", "workers", "The number of threads that run rules, 1 to 64.", "the processors, up to 8", "4"),
    Key::new("judge", "batch", "The most rows per call of a rule, 1 to 65536."),
    Key::new(
        "judge",
        "max-gap",
        "An event whose time is further ahead of those around it can't be used; `1m` to `400d`.",
    ),
    Key::optional(
        "judge",
        "audit-key",
        "The file with the key of digests, at least 32 bytes; or COUNTERSIGN_AUDIT_KEY has the key.",
        "a documented key: digests aren't private",
        "\"audit.key\"",
    ),
    Key::new(
        "sources",
        "lag",
        "How long its records may wait because of itself, or known bytes to be read; `1m` to `1d`.",
    ),
    Key::new("sources", "fall", "Less than so much of what is usual within an hour is a fall, percent, 1 to 50."),
    Key::new("sources", "fall-from", "Records an hour that have to be usual before anything is a fall, 1 to 1000000."),
    Key::optional(
        "audit",
        "keep",
        "How long a segment of it is kept, `1d` to `400d`; older ones are dropped, and the rest verifies on.",
        "for ever",
        "\"400d\"",
    ),
    Key::new("api", "socket", "The socket on this machine; `api.sock` in the state folder unless it is named."),
    Key::optional(
        "api",
        "listen",
        "An address for others, with TLS: needs `certificate` and `key`.",
        "none",
        "\"127.0.0.1:8443\"",
    ),
    Key::optional("api", "certificate", "The certificate and those above it, PEM.", "none", "\"certificate.pem\""),
    Key::optional(
        "api",
        "key",
        "The file with the certificate's key, PEM; or COUNTERSIGN_TLS_KEY has the key.",
        "none",
        "\"certificate.key\"",
    ),
    Key::new("reload", "watch", "Whether files are watched; else `countersign reload` or SIGHUP asks for it."),
    Key::new("reload", "partial", "Whether a rule with a fault is left out; else the whole generation is refused."),
    Key::new("reload", "trial", "How much of the recorded past a candidate is tried on, `0s` to `90d`."),
    Key::new("reload", "shadow", "How long it then runs beside the one that serves, `0s` to `7d`."),
    Key::new("reload", "rules", "A change of rules: `automatic`, `approval` (a person's) or `refused`."),
    Key::new("reload", "policy", "A change of the policy or the capability tables."),
    Key::new("reload", "identities", "A change of the directory of identities."),
    Key::new("reload", "trust", "A change of whose rules are believed."),
    Key::new("reload", "sources", "A change of the sources."),
    Key::new("reload", "lookups", "A change of the files of context tables."),
    Key::new("log", "format", "`text` for people, `json` for programs."),
    Key::new("log", "level", "`error`, `warn`, `info`, `debug` or `trace`; COUNTERSIGN_LOG wins, and takes filters."),
];

#[cfg(test)]
#[path = "../tests/unit/key.rs"]
mod tests;
