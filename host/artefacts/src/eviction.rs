//! Evicts entries when there is no room left: the least recently used first.

use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;

use crate::cache::Name;
use crate::secret::TEMPORARY;

/// A temporary file older than this is removed: its writer has ended.
const ABANDONED: Duration = Duration::from_secs(3_600);

/// An entry that may be evicted.
struct Candidate {
    used: (i64, u64),
    file: String,
    length: u64,
}

/// Removes entries until at most `max_bytes` are left, but never the one named `except`. Concurrent changes of the
/// directory do no harm.
pub(crate) fn make_room(directory: &File, max_bytes: u64, except: &Name) -> io::Result<()> {
    let except = except.file();
    let (mut total, mut candidates) = (0_u64, Vec::new());
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let Ok(file) = entry.file_name().to_str() else { continue };
        let stat = match rustix::fs::statat(directory, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(error.into()),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            continue;
        }
        if file.starts_with(TEMPORARY) && is_abandoned(&stat) {
            remove(directory, file)?;
        } else if Name::is_file(file) {
            let length = u64::try_from(stat.st_size).unwrap_or_default();
            total = total.saturating_add(length);
            if file != except {
                #[allow(clippy::useless_conversion, reason = "its type is the platform's")]
                let nanos = u64::try_from(stat.st_mtime_nsec).unwrap_or_default();
                candidates.push(Candidate { used: (stat.st_mtime, nanos), file: file.to_owned(), length });
            }
        }
    }
    candidates.sort_by(|a, b| (a.used, &a.file).cmp(&(b.used, &b.file)));
    for Candidate { file, length, .. } in candidates {
        if total <= max_bytes {
            break;
        }
        remove(directory, &file)?;
        total = total.saturating_sub(length);
    }
    Ok(())
}

fn is_abandoned(stat: &Stat) -> bool {
    let written = UNIX_EPOCH + Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or_default());
    SystemTime::now().duration_since(written).is_ok_and(|since| since > ABANDONED)
}

/// Removes a file. If another process was faster, that's fine.
pub(crate) fn remove(directory: &File, file: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(directory, file, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
