//! The folder of what the host keeps, its disk, and the limits of processes.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign_daemon::{key_of, recorder_of, store_of};
use countersign_store::{BESIDE, beside};

use super::Findings;
use crate::files;
use crate::text;

/// What others may do to a file, in its mode.
const OTHERS: u32 = 0o077;

/// Fewer open files are too few: each connection and each followed file is one.
const FILES: u64 = 1_024;

/// A disk that takes longer to sync slows everything that is acknowledged.
const SLOW: Duration = Duration::from_millis(50);

/// How often a sync is measured.
const SYNCS: usize = 5;

/// Less memory that is available is little, bytes.
const MEMORY: u64 = 512 << 20;

/// Maximum bytes of a file of the kernel's.
const MAX_PROC: u64 = 64 << 10;

/// Looks at the folder and who may read what is in it. Whether it is there.
pub(super) fn folder(state: &Path, found: &mut Findings) -> bool {
    let name = text::path(&state).to_string();
    let metadata = match state.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            found.bad("state folder", format_args!("`{name}` isn't a folder"), "name another one as `state`");
            return false;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            found.care("state folder", format_args!("`{name}` isn't there"), "`countersign run` makes it");
            return false;
        }
        Err(error) => {
            found.bad("state folder", format_args!("`{name}`: {error}"), "let the host's user enter it");
            return false;
        }
    };
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS & 0o022 != 0 {
        let advice = "others may replace its files: `chmod 700` it";
        found.bad("state folder", format_args!("`{name}` has mode {mode:04o}"), advice);
    } else if mode & OTHERS != 0 {
        found.care("state folder", format_args!("`{name}` has mode {mode:04o}"), "`chmod 700` it");
    } else {
        found.good("state folder", format_args!("`{name}`, mode {mode:04o}"));
    }
    let (store, recorder) = (store_of(state), recorder_of(state));
    let databases = [&store, &recorder]
        .into_iter()
        .flat_map(|path| BESIDE.iter().map(|ending| beside(path, ending)).chain([path.clone()]).collect::<Vec<_>>());
    let mut looked = 0_u64;
    let before = found.0.len();
    for path in databases.chain([key_of(state)]) {
        let Ok(file) = path.symlink_metadata() else { continue };
        looked += 1;
        let (name, mode) = (text::path(&path).to_string(), file.mode() & 0o7777);
        if mode & OTHERS != 0 {
            found.bad(
                "file modes",
                format_args!("`{name}` has mode {mode:04o}"),
                "only its owner may read it: `chmod 600` it",
            );
        }
        if file.uid() != metadata.uid() {
            let advice = "its owner has to be the folder's: `chown` it";
            found.bad(
                "file owners",
                format_args!("`{name}` is of user {}, the folder of {}", file.uid(), metadata.uid()),
                advice,
            );
        }
    }
    if found.0.len() == before {
        found.good("file modes", format_args!("{}, closed to others", text::count(looked, "file")));
    }
    true
}

/// Looks how fast the disk syncs.
pub(super) fn disk(state: &Path, found: &mut Findings) {
    match sync_time(state) {
        Ok(time) => {
            let shown = format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
            if time >= SLOW {
                let advice = "every acknowledgement waits for a sync: use a faster disk";
                found.care("sync of the disk", shown, advice);
            } else {
                found.good("sync of the disk", shown);
            }
        }
        Err(error) => found.care("sync of the disk", error, "it can't be measured as this user"),
    }
}

/// The median of some syncs of a file that has no name, so that nothing stays.
fn sync_time(state: &Path) -> std::io::Result<Duration> {
    let mut file = tempfile::tempfile_in(state)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(SYNCS / 2).copied().unwrap_or_default())
}

/// Bytes that this user can still write to the disk of a folder.
pub(super) fn free(state: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(state)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Looks at the limits of processes that are started from here, and at memory.
pub(super) fn limits(found: &mut Findings) {
    let read = |path: &str| {
        let bytes = files::read(Path::new(path), MAX_PROC).ok()?;
        String::from_utf8(bytes).ok()
    };
    let number = |text: &str, name: &str| -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    if let Some(most) = read("/proc/self/limits").and_then(|text| number(&text, "Max open files")) {
        let shown = format!("{} open files", text::number(most));
        if most < FILES {
            found.care("limits", shown, "raise `ulimit -n`, or `LimitNOFILE` of the unit, to 65536");
        } else {
            found.good("limits", shown);
        }
    }
    if let Some(free) = read("/proc/meminfo").and_then(|text| number(&text, "MemAvailable:")) {
        let bytes = free.saturating_mul(1_024);
        let shown = format!("{} available", text::size(bytes));
        if bytes < MEMORY {
            found.care("memory", shown, "leave the host more, or give it fewer `judge.workers`");
        } else {
            found.good("memory", shown);
        }
    }
}
