//! Putting a file whole in the place of another one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use crate::create_new;

/// Writes a file whole beside a path, and puts it in the place of what is there: whoever reads sees one or the other, also
/// after the power failed. It belongs to whom the folder belongs to: root may write it for the user who has to read it.
///
/// # Errors
/// When it can't be written: what was there stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    let next = Path::new(&next);
    let folder = File::open(path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    // What lies there was left by a process that ended, or by another user: nothing is written to that file.
    match fs::remove_file(next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_new(next)?;
    file.write_all(bytes)?;
    let (own, host) = (file.metadata()?, folder.metadata()?);
    if own.uid() != host.uid() {
        fchown(&file, Some(host.uid()), Some(host.gid()))?;
    }
    file.sync_all()?;
    fs::rename(next, path)?;
    folder.sync_all()
}
