//! What `--version` prints.

use std::sync::LazyLock;

use countersign_engine::{ENGINE_VERSION, INTERFACE, confinement};

/// The version, the commit it is built from, the engine that runs rules, and the interface that rules implement, both as
/// in audit records; and what holds the processes that read and compile rules.
static LONG: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ncommit:    {}\nengine:    {ENGINE_VERSION}\ninterface: {INTERFACE}\nconfined:  {}",
        env!("CARGO_PKG_VERSION"),
        env!("COUNTERSIGN_COMMIT"),
        confinement()
    )
});

/// The lines of `--version`; `-V` prints the first.
pub(crate) fn long() -> &'static str {
    LONG.as_str()
}
