//! What a component costs that is refused: of all bytes that the hostile corpus has for it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use countersign_declaration::Ceilings;
use countersign_intake::ADMISSION_LIMITS;

use crate::intake;
use crate::refused::{Refused, refused};

/// The most processor time that a refused component may take: twice the limit, since one that ends a process it wasn't
/// the first in is read again alone.
const MAX_TIME: Duration = Duration::from_secs(2);

/// The most memory, KiB.
const MAX_MEMORY: u64 = 256 << 10;

/// How often the memory of child processes is looked at.
const INTERVAL: Duration = Duration::from_millis(1);

/// Processor time of all child processes that have ended, to 10 ms (proc_pid_stat(5), fields 16 and 17).
fn children_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |place: usize| fields[place - 3].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(16) + ticks(17)))
}

/// The most memory that a running child process of this one has had yet, KiB.
fn children_memory() -> u64 {
    let own = std::process::id().to_string();
    let statuses = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        path.file_name()?.to_str()?.parse::<u32>().ok()?;
        fs::read_to_string(path.join("status")).ok()
    });
    let field = |status: &str, name: &str| -> Option<String> {
        Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned())
    };
    statuses
        .filter(|status| field(status, "PPid:").as_deref() == Some(&own))
        .filter_map(|status| field(&status, "VmHWM:")?.strip_suffix(" kB")?.parse().ok())
        .max()
        .unwrap_or_default()
}

/// Does some work, and returns the most memory of a child process meanwhile, KiB.
fn watched<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(children_memory());
                thread::sleep(INTERVAL);
            }
            most
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watch.join().unwrap())
    })
}

pub(crate) fn a_refused_component_costs_at_most_two_seconds_and_256_mib() {
    assert!(ADMISSION_LIMITS.cpu * 2 <= MAX_TIME && ADMISSION_LIMITS.memory >> 10 < MAX_MEMORY, "{ADMISSION_LIMITS:?}");
    let intake = intake(ADMISSION_LIMITS);
    let (mut greatest, mut most) = (Duration::ZERO, 0);
    println!("{:<36}{:>8}{:>12}{:>10}{:>8}  code", "bytes that are refused", "KiB", "processor", "elapsed", "MiB");
    for Refused { name, codes, bytes, .. } in refused() {
        let bytes = bytes();
        let (before, begun) = (children_time(), Instant::now());
        let (result, memory) = watched(|| intake.admit(&bytes, &Ceilings::default()));
        let (time, elapsed, refusals) = (children_time() - before, begun.elapsed(), result.unwrap_err());
        (greatest, most) = (greatest.max(time), most.max(memory));
        let code = refusals[0].code;
        println!("{name:<36}{:>8}{time:>12.0?}{elapsed:>10.0?}{:>8}  {code}", bytes.len() >> 10, memory >> 10);
        assert!(refusals.iter().any(|one| codes.contains(&one.code)), "{name}: {refusals:?}");
        assert!(time <= MAX_TIME && memory <= MAX_MEMORY, "{name}: {time:?}, {memory} KiB");
    }
    println!("at most {greatest:.0?} of processor time and {} MiB", most >> 10);
}
