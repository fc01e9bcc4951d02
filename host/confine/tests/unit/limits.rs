//! Limits in the kernel's units.

use super::*;

#[test]
fn processor_time_is_never_shorter_than_asked_for() {
    for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (60_000, 60)] {
        let cpu = Duration::from_millis(millis);
        let limits = ChildLimits { cpu, memory: 1, elapsed: cpu };
        assert_eq!(limits.cpu_seconds(), seconds, "{millis}");
    }
}
