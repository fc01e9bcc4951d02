//! The files of a replay: opened before anything begins, read through the progress bar.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Result;
use countersign_formats::{Records, Source};

use crate::exit::unusable;
use crate::files::unreadable;
use crate::progress::Progress;

/// The name of standard input.
const STDIN: &str = "-";

/// Opened inputs, in the order of the arguments.
pub(crate) struct Inputs {
    files: Vec<(PathBuf, Box<dyn Read + Send>)>,
    /// Bytes of all of them; none if one of them has no known end.
    bytes: Option<u64>,
}

impl Inputs {
    /// Opens all.
    ///
    /// # Errors
    /// With every file that can't be opened: `Unusable`.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Inputs> {
        let mut inputs = Inputs { files: Vec::new(), bytes: Some(0) };
        let mut faults = Vec::new();
        for (place, path) in paths.iter().enumerate() {
            if is_stdin(path) && paths.iter().take(place).any(|path| is_stdin(path)) {
                faults.push("`-`: expected standard input once, got it twice".to_owned());
                continue;
            }
            match opened(path) {
                Ok((reader, bytes)) => {
                    inputs.files.push((path.clone(), reader));
                    inputs.bytes = inputs.bytes.zip(bytes).map(|(sum, bytes)| sum + bytes);
                }
                Err(error) => faults.push(unreadable(path, &error).to_string()),
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(unusable(faults.join("\n  "))) }
    }

    /// The bar that reading moves.
    pub(crate) fn progress(&self) -> Progress {
        self.bytes.map_or_else(Progress::endless, Progress::bytes)
    }

    /// Their records.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read: `Unusable`.
    pub(crate) fn records(self, source: &dyn Source, progress: &Progress) -> Result<Vec<Records>> {
        let read = |((path, reader), ordinal): ((PathBuf, Box<dyn Read + Send>), u32)| {
            source.read(Box::new(progress.reading(reader)), ordinal).map_err(|error| unreadable(&path, &error))
        };
        self.files.into_iter().zip(0..).map(read).collect()
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

fn opened(path: &Path) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if is_stdin(path) {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), bytes))
}
