//! Opening files.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::{FILE, NotRegular, PERMISSIONS};

/// Opens a file for reading.
///
/// # Errors
/// When there is none, it isn't a regular file, or it can't be opened.
pub fn read(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// Opens a file for reading, and for writing at its end. One that others may read or write is closed to them.
///
/// # Errors
/// When there is none, it isn't a regular file, it can't be opened, or it is another user's and open to others.
pub fn append(path: &Path) -> io::Result<File> {
    let file = append_as_it_is(path)?;
    close_to_others(&file)?;
    Ok(file)
}

/// Opens a file as [`append`] does, but leaves its mode: for one that may turn out to be somebody else's. If it doesn't,
/// [`close_to_others`] comes before anything is written.
///
/// # Errors
/// When there is none, it isn't a regular file, or it can't be opened.
pub fn append_as_it_is(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).append(true))
}

/// Takes all rights of others to an open file.
///
/// # Errors
/// When it is another user's.
pub fn close_to_others(file: &File) -> io::Result<()> {
    narrow(&file.metadata()?, |permissions| file.set_permissions(permissions))
}

/// Makes a file, for reading and for writing at its end.
///
/// # Errors
/// When there is something already, or it can't be made.
pub fn create_new(path: &Path) -> io::Result<File> {
    let file = open(path, OpenOptions::new().read(true).append(true).create_new(true).mode(FILE))?;
    // A umask may have taken the owner's own bits.
    if file.metadata()?.mode() & PERMISSIONS != FILE {
        file.set_permissions(Permissions::from_mode(FILE))?;
    }
    Ok(file)
}

/// [`append`] to a file, or [`create_new`] one.
///
/// # Errors
/// As for both.
pub fn append_or_create(path: &Path) -> io::Result<File> {
    match append(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match create_new(path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => append(path),
            made => made,
        },
        opened => opened,
    }
}

/// Makes a file, or empties the one that is there.
///
/// # Errors
/// As for [`append_or_create`].
pub fn create(path: &Path) -> io::Result<File> {
    let file = append_or_create(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// Whether there is a regular file. Opens nothing.
///
/// # Errors
/// When there is something else, or it can't be looked at.
pub fn check(path: &Path) -> io::Result<bool> {
    Ok(metadata(path)?.is_some())
}

/// Closes a file to others, if there is one. Opens nothing: for files that another library opens.
///
/// # Errors
/// When it isn't a regular file, or is another user's and open to others.
pub fn tighten(path: &Path) -> io::Result<()> {
    match metadata(path)? {
        Some(metadata) => narrow(&metadata, |permissions| std::fs::set_permissions(path, permissions)),
        None => Ok(()),
    }
}

fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(metadata) => Err(NotRegular::file(metadata.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file. Devices and pipes are refused before they are opened, since that alone may have an effect, and
/// what took the path's place in the meantime is refused afterwards.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    metadata(path)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) { NotRegular::link() } else { error }
    })?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(file) } else { Err(NotRegular::file(kind)) }
}

fn narrow(metadata: &Metadata, set: impl FnOnce(Permissions) -> io::Result<()>) -> io::Result<()> {
    let mode = metadata.mode() & PERMISSIONS;
    if mode & !FILE == 0 {
        return Ok(());
    }
    set(Permissions::from_mode(mode & FILE)).map_err(|error| {
        let what = format!(
            "expected a file that only this user may read and write, got one of mode {mode:04o} that can't be closed to \
             others ({error}): have its owner `chmod 600` it, or name another"
        );
        io::Error::new(error.kind(), what)
    })
}
