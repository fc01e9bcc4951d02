//! The system calls that a child keeps: memory, the standard files that are open, time, its own end. Everything else
//! fails with EPERM: opening a file, a socket, another program, another process.

use std::fmt;

/// What holds a child process besides its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// It has given up every system call that it doesn't need.
    Filtered,
    /// This kernel or platform can't take system calls away: there are only the limits.
    LimitsOnly,
}

/// As `--version` says it.
impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Confinement::Filtered => "limits, and no system calls but a few (seccomp)",
            Confinement::LimitsOnly => "limits only: this kernel has no seccomp filters",
        })
    }
}

/// What holds the child processes that this process starts.
#[must_use]
pub fn confinement() -> Confinement {
    platform::confinement()
}

/// Gives up every system call that isn't kept, for this thread and those that it starts.
pub(crate) fn give_up() -> Confinement {
    platform::give_up()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod platform {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch, apply_filter,
    };

    use super::Confinement;

    #[cfg(target_arch = "x86_64")]
    const ARCHITECTURE: TargetArch = TargetArch::x86_64;
    #[cfg(target_arch = "aarch64")]
    const ARCHITECTURE: TargetArch = TargetArch::aarch64;

    /// The system calls that are kept. None takes a path or makes a descriptor.
    const KEPT: &[i64] = &[
        libc::SYS_brk,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_close,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_fstat,
        libc::SYS_futex,
        libc::SYS_getpid,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_lseek,
        libc::SYS_madvise,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_ppoll,
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_restart_syscall,
        libc::SYS_rseq,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_set_robust_list,
        libc::SYS_sigaltstack,
        libc::SYS_write,
        libc::SYS_writev,
    ];

    pub(super) fn confinement() -> Confinement {
        // Without this file, or in it, the kernel says that it can't.
        let actions = std::fs::read("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
        match actions.split(u8::is_ascii_whitespace).any(|action| action == b"errno") {
            true => Confinement::Filtered,
            false => Confinement::LimitsOnly,
        }
    }

    pub(super) fn give_up() -> Confinement {
        match filter().and_then(|filter| apply_filter(&filter).ok()) {
            Some(()) => Confinement::Filtered,
            None => Confinement::LimitsOnly,
        }
    }

    fn filter() -> Option<BpfProgram> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = KEPT.iter().map(|call| (*call, Vec::new())).collect();
        // An abort is a signal to itself; others get none.
        let own = u64::from(std::process::id());
        let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own).ok()?;
        rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_itself]).ok()?]);
        let denied = SeccompAction::Errno(u32::try_from(libc::EPERM).ok()?);
        SeccompFilter::new(rules, denied, SeccompAction::Allow, ARCHITECTURE).ok()?.try_into().ok()
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod platform {
    use super::Confinement;

    pub(super) fn confinement() -> Confinement {
        Confinement::LimitsOnly
    }

    pub(super) fn give_up() -> Confinement {
        Confinement::LimitsOnly
    }
}

#[cfg(test)]
#[path = "../tests/unit/system_calls.rs"]
mod tests;
