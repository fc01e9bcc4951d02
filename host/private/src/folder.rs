//! Making folders.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::{FOLDER, NotRegular, PERMISSIONS};

/// Makes a folder that only its owner may enter, with the folders above it that don't exist. One that exists is left as it
/// is: its files are closed to others, each by itself.
///
/// # Errors
/// When it can't be made, or there is something else.
pub fn make_folder(path: &Path) -> io::Result<()> {
    // With a trailing slash the kernel would follow a link.
    let path: &Path = &path.components().collect::<std::path::PathBuf>();
    if check_folder(path)? {
        return Ok(());
    }
    match make_new_folder(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && check_folder(path)? => Ok(()),
        made => made,
    }
}

/// Makes a folder that only its owner may enter, where there is nothing yet, with the folders above it that don't exist.
///
/// # Errors
/// When it can't be made; of kind [`io::ErrorKind::AlreadyExists`] when there is something, also a folder.
pub fn make_new_folder(path: &Path) -> io::Result<()> {
    let path: &Path = &path.components().collect::<std::path::PathBuf>();
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty() && !above.exists()) {
        make_folder(above)?;
    }
    DirBuilder::new().mode(FOLDER).create(path)?;
    // A umask may have taken the owner's own bits.
    if path.symlink_metadata()?.mode() & PERMISSIONS & FOLDER != FOLDER {
        std::fs::set_permissions(path, Permissions::from_mode(FOLDER))?;
    }
    Ok(())
}

/// Whether there is a folder.
///
/// # Errors
/// When there is something else, a link to a folder for one, or it can't be looked at.
pub fn check_folder(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(metadata) => Err(NotRegular::folder(metadata.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
