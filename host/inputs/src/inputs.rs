//! The inputs that a command line names.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_formats::Format;

use crate::byte_input::{ByteInput, Tap};
use crate::gzip::Beginning;
use crate::input::InputId;
use crate::merge::{Merge, WithFormat, merge, resume};
use crate::processed::{InputChanged, Processed};
use crate::{Bytes, paths};

/// The name of standard input.
const STDIN: &str = "-";

/// Why an input can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It can't be opened, or not even its first bytes can be read.
    #[error("can't read `{}`: {error}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        error: io::Error,
    },
    /// A directory has no file that is read.
    #[error("`{}`: expected a file in the directory or below, got none; hidden ones are left out", path.display())]
    EmptyDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A link leads to a directory that contains it.
    #[error("`{}`: expected another directory, got a link to one that contains it", path.display())]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// It doesn't have the records any more that were processed before.
    #[error(transparent)]
    Changed(InputChanged),
    /// Standard input is named twice.
    #[error("`-`: expected standard input once, got it twice")]
    StdinTwice,
}

/// The inputs that paths name, in their order: files, plain or gzip; of directories the files in them and below, by
/// path, without hidden ones; and standard input for `-`.
pub struct Inputs {
    inputs: Vec<Named>,
    bytes: Option<u64>,
}

struct Named {
    path: PathBuf,
    bytes: Source,
}

enum Source {
    /// A regular file, which can be opened again.
    File,
    /// What is read once: standard input, a pipe.
    Once(Bytes),
}

impl Inputs {
    /// Finds and opens all, so that what can't be read is known before anything begins.
    ///
    /// # Errors
    /// Every input that can't be read.
    pub fn open(paths: &[PathBuf]) -> Result<Inputs, Vec<InputError>> {
        let mut inputs = Inputs { inputs: Vec::new(), bytes: Some(0) };
        let mut errors = Vec::new();
        for (place, path) in paths.iter().enumerate() {
            if is_stdin(path) {
                if paths.iter().take(place).any(|path| is_stdin(path)) {
                    errors.push(InputError::StdinTwice);
                } else {
                    inputs.add(path.clone(), Source::Once(Box::new(io::stdin())), None);
                }
                continue;
            }
            match paths::files(path) {
                Ok(files) => errors.extend(files.into_iter().filter_map(|file| inputs.open_file(file).err())),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(inputs) } else { Err(errors) }
    }

    fn open_file(&mut self, path: PathBuf) -> Result<(), InputError> {
        let opened = || -> io::Result<_> {
            let mut file = File::open(&path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Ok((Source::Once(Box::new(file)), None));
            }
            Beginning::read(&mut file)?;
            Ok((Source::File, Some(metadata.len())))
        };
        match opened() {
            Ok((source, bytes)) => {
                self.add(path, source, bytes);
                Ok(())
            }
            Err(error) => Err(InputError::Unreadable { path, error }),
        }
    }

    fn add(&mut self, path: PathBuf, source: Source, bytes: Option<u64>) {
        self.inputs.push(Named { path, bytes: source });
        self.bytes = self.bytes.zip(bytes).map(|(sum, bytes)| sum + bytes);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Their names, by ordinal.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.path.display().to_string()).collect()
    }

    /// Bytes of all as stored; none if one has no known end.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Their records in one order. `tap` wraps the bytes of each as stored, to count them.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read.
    pub fn merge(
        self,
        format: &'static dyn Format,
        tap: impl Fn(Bytes) -> Bytes + Send + Sync + 'static,
    ) -> Result<Merge, InputError> {
        Ok(merge(self.opened(format, tap)?))
    }

    /// The same, but goes on after the records that were processed before, by the inputs' ordinals; inputs beyond these
    /// are read from their beginning.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read, or with every input that has other records than before.
    pub fn resume(
        self,
        format: &'static dyn Format,
        tap: impl Fn(Bytes) -> Bytes + Send + Sync + 'static,
        processed: Vec<Processed>,
    ) -> Result<Merge, Vec<InputError>> {
        let processed = processed.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let opened = self.opened(format, tap).map_err(|error| vec![error])?;
        resume(opened.into_iter().zip(processed).collect())
            .map_err(|changed| changed.into_iter().map(InputError::Changed).collect())
    }

    fn opened(
        self,
        format: &'static dyn Format,
        tap: impl Fn(Bytes) -> Bytes + Send + Sync + 'static,
    ) -> Result<Vec<WithFormat>, InputError> {
        let tap: Tap = Arc::new(tap);
        let opened = |Named { path, bytes }: Named| -> Result<WithFormat, InputError> {
            let input = match bytes {
                Source::File => ByteInput::of_file(&path, Some(Arc::clone(&tap))),
                Source::Once(bytes) => ByteInput::once(InputId::from(&*path.to_string_lossy()), tap(bytes))
                    .map_err(|error| InputError::Unreadable { path, error })?,
            };
            Ok((Box::new(input), format))
        };
        self.inputs.into_iter().map(opened).collect()
    }

    /// Their records in one order.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read.
    pub fn records(self, format: &'static dyn Format) -> Result<Merge, InputError> {
        self.merge(format, |bytes| bytes)
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}
