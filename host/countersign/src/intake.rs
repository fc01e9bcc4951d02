//! How commands admit rules: in child processes of this program, with the verdicts in the cache of compiled rules.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use countersign_engine::Cache;
use countersign_intake::{ADMISSION_LIMITS, Intake, IntakeObserver, Place};
use countersign_model::Digest;
use countersign_shipped::DIGESTS;

use crate::stderr;

/// What admits rules for a command without options about the cache: the user's, if it can be used.
///
/// # Errors
/// When this program's own path isn't known.
pub(crate) fn standing() -> Result<Intake> {
    let cache = default_cache().and_then(|path| Cache::open(&path, Cache::MAX_BYTES).ok());
    with_cache(cache.map(Arc::new))
}

/// What admits rules, with this cache.
///
/// # Errors
/// When this program's own path isn't known.
pub(crate) fn with_cache(cache: Option<Arc<Cache>>) -> Result<Intake> {
    Ok(Intake {
        place: Place::Child { program: this_program()?, limits: ADMISSION_LIMITS },
        cache,
        built_in: Arc::new(DIGESTS.iter().map(|rule| Digest(rule.file)).collect()),
        observer: Arc::new(Reporter),
    })
}

/// The user's directory for caches (XDG Base Directory Specification, which requires that relative paths are ignored).
pub(crate) fn default_cache() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(caches.join("countersign"))
}

/// This program. On Linux it is the running one, even if its file has been replaced.
pub(crate) fn this_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    Ok(std::env::current_exe()?)
}

/// Reports faults of the cache.
struct Reporter;

impl IntakeObserver for Reporter {
    fn reading(&self, rules: usize) {
        tracing::debug!(rules, "admitting");
    }

    fn cache_fault(&self, what: &str) {
        stderr::warning(format_args!("the cache's verdict on a rule: {what}; the rule is read again"));
    }
}
