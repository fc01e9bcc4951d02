//! What a host is at its most permissive: a policy under which everything is automatic, connectors that can do everything
//! and take it back, and sources each read under its own binding. Whatever isn't automatic there is so because of the
//! evidence.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use countersign_formats::{Record, Records};
use countersign_inputs::Sources;
use countersign_model::{Patience, SourceId};

/// Every cell is automatic from the least confidence on, for a week.
pub(crate) const POLICY: &str = r#"
version = 1

[[cell]]
class = "*"
type = "*"
tier = "*"
action = [
    "require-mfa", "require-reauthentication", "revoke-sessions", "revoke-token", "block-sign-in", "suspend-account",
    "suspend-privilege", "disable-credential", "quarantine-workload", "restrict-access", "restrict-federation",
]
answer = "automatic"
floor = 0
max-age = "7d"
owner = "tests"
evidence = "as permissive as a policy can be"
review-by = 2099-12-31
"#;

/// Connectors that can do whatever there is to one account alone, and take it back.
pub(crate) fn capabilities() -> String {
    let mut text = "version = 1\n".to_owned();
    for provider in ["aws", "okta", "windows"] {
        writeln!(
            text,
            "[[capability]]\nprovider = \"{provider}\"\nconnector = \"test\"\naction = \"*\"\ntype = \"*\"\nlevels = \"*\"\n\
             reversibility = \"reversible\"\nreach = \"one\""
        )
        .unwrap();
    }
    text
}

/// The records of lines that come by sources, each given by its place among these: each source's are read by its format
/// under its binding, and come in this order.
pub(crate) fn records(sources: &Sources, lines: &[(usize, &str)]) -> impl Iterator<Item = Record> + Send + use<> {
    let mut inputs: Vec<Records> = sources
        .iter()
        .enumerate()
        .map(|(place, source)| {
            let own = lines.iter().filter(|(by, _)| *by == place);
            let bytes: Vec<u8> = own.flat_map(|(_, line)| line.bytes().chain([b'\n'])).collect();
            let input = u32::try_from(place).unwrap();
            Records::of_source(source.format(), source.binding().clone(), Box::new(io::Cursor::new(bytes)), input)
        })
        .collect();
    let order: Vec<usize> = lines.iter().map(|(by, _)| *by).collect();
    order.into_iter().map(move |by| inputs[by].next().expect("a record a line"))
}

/// How long each source is waited for, for the session.
pub(crate) fn patience(sources: &Sources) -> Arc<BTreeMap<SourceId, Patience>> {
    Arc::new(sources.iter().map(|source| (source.name().clone(), source.patience())).collect())
}
