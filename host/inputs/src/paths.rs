//! The files that a path names: itself, or those in a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::InputError;

/// The files that a path names: of a directory the files in it and below, by path; files and directories whose names
/// begin with a dot are left out. Links are followed.
///
/// # Errors
/// When a directory can't be read, has no such file, or contains itself by a link.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, &mut Vec::new(), &mut files)?;
    if files.is_empty() {
        return Err(InputError::EmptyDirectory { path: path.to_owned() });
    }
    files.sort();
    Ok(files)
}

/// Adds the files below a directory; `above` are the directories that contain it, without links.
fn collect(directory: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), InputError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        |error: io::Error| InputError::Unreadable { path, error }
    };
    let real = fs::canonicalize(directory).map_err(unreadable(directory))?;
    if above.contains(&real) {
        return Err(InputError::Loop { path: directory.to_owned() });
    }
    above.push(real);
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let path = entry.map_err(unreadable(directory))?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        let metadata = fs::metadata(&path).map_err(unreadable(&path))?;
        if metadata.is_dir() {
            collect(&path, above, files)?;
        } else if metadata.is_file() {
            files.push(path);
        }
    }
    above.pop();
    Ok(())
}
