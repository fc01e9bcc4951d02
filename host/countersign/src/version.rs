//! What `--version` prints.

use std::sync::LazyLock;

use countersign_engine::{ENGINE_VERSION, INTERFACE};

/// The version, the commit it is built from, the engine that runs rules, and the interface that rules implement. The
/// last two are those of audit records.
static LONG: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ncommit:    {}\nengine:    {ENGINE_VERSION}\ninterface: {INTERFACE}",
        env!("CARGO_PKG_VERSION"),
        env!("COUNTERSIGN_COMMIT")
    )
});

/// The lines of `--version`; `-V` prints the first.
pub(crate) fn long() -> &'static str {
    LONG.as_str()
}
