//! What the system says of the process. Linux only: elsewhere nothing is said.

use std::fs::File;
use std::io::Read as _;
use std::sync::OnceLock;
use std::time::SystemTime;

use super::text::Metrics;

/// The most bytes that are read of a file of the system's.
const MAX_READ: u64 = 16 << 10;

/// When the process began to count, seconds since 1970.
static STARTED: OnceLock<f64> = OnceLock::new();

/// Notes when the process started, as closely as the first call says.
pub(crate) fn started() -> f64 {
    *STARTED.get_or_init(|| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64())
}

/// Adds them.
pub(super) fn add(metrics: &mut Metrics) {
    metrics.gauge("process_start_time_seconds", "When the host started, seconds since 1970.", started());
    if let Some(bytes) = resident() {
        metrics.gauge("process_resident_memory_bytes", "Memory of the process that is in use.", bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        metrics.gauge("process_open_fds", "Open files and connections of the process.", open.into());
    }
}

/// The line `VmRSS:     1234 kB`.
#[expect(clippy::disallowed_methods, reason = "capped by `take`")]
fn resident() -> Option<f64> {
    let mut status = String::new();
    File::open("/proc/self/status").ok()?.take(MAX_READ).read_to_string(&mut status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}
