//! The inputs that a command line names.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_document::nearest;
use countersign_formats::Format;
use countersign_formats::unpack::Beginning;
use countersign_model::rule::is_id_part;

use crate::byte_input::{ByteInput, Tap};
use crate::direction::is_newest_first;
use crate::input::{Input, InputId};
use crate::merge::{MAX_OPEN, Merge, ReadAs, WithFormat, merge, resume};
use crate::processed::{InputChanged, Processed};
use crate::sources::{Source, Sources};
use crate::turned::{MAX_TURNED_BYTES, MAX_TURNED_RECORDS, TooLarge, Turned};
use crate::{Bytes, paths};

/// The name of standard input.
const STDIN: &str = "-";

/// Why an input can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It can't be opened, or not even its first bytes can be read.
    #[error("can't read `{}`: {error}", countersign_text::path(path))]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        error: io::Error,
    },
    /// A directory has no file that is read.
    #[error(
        "`{}`: expected a file in the directory or below, got none; hidden ones are left out",
        countersign_text::path(path)
    )]
    EmptyDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A link leads to a directory that contains it.
    #[error("`{}`: expected another directory, got a link to one that contains it", countersign_text::path(path))]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// It is newest first, and too large to be read from its end.
    #[error(
        "`{}`: expected records oldest first, or at most {MAX_TURNED_RECORDS} records and {} MiB compressed of them newest \
         first, got more: turn the file first, one with a record a line by `tac FILE > TURNED` (gzip: `zcat FILE | tac | gzip \
         > TURNED`)",
        countersign_text::path(path),
        MAX_TURNED_BYTES >> 20
    )]
    NewestFirst {
        /// The file.
        path: PathBuf,
    },
    /// It doesn't have the records any more that were processed before.
    #[error(transparent)]
    Changed(InputChanged),
    /// Of an input isn't known which source it is from.
    #[error(
        "`{}`: expected an input of a source, got one that no source's `path` matches: write `NAME={}`, with the name of its \
         source",
        countersign_text::path(path),
        countersign_text::path(path)
    )]
    NoSource {
        /// The input.
        path: PathBuf,
    },
    /// There is no such source.
    #[error(
        "`{name}={}`: expected the name of a source before `=`, got `{name}`{}", countersign_text::path(path), did_you_mean(nearest.as_deref())
    )]
    UnknownSource {
        /// The name.
        name: String,
        /// The known name most like it.
        nearest: Option<String>,
        /// The input.
        path: PathBuf,
    },
    /// Standard input is named twice.
    #[error("`-`: expected standard input once, got it twice")]
    StdinTwice,
}

/// The inputs that paths name, in their order: files, plain or packed; of directories the files in them and below, by
/// path, without hidden ones; and standard input for `-`.
pub struct Inputs {
    inputs: Vec<Named>,
    bytes: Option<u64>,
}

/// How inputs are read.
#[derive(Clone, Copy)]
pub enum Reading<'s> {
    /// All in one format, from sources of which nothing else is known.
    Format(&'static dyn Format),
    /// Each as its source says. A path may be `NAME=PATH`, with the name of its source; else the first source counts with
    /// a `path` that matches.
    Sources(&'s Sources),
}

struct Named {
    path: PathBuf,
    read_as: ReadAs,
    bytes: Kind,
}

enum Kind {
    /// A regular file, which can be opened again.
    File,
    /// A regular file that is read from its end.
    Turned(Box<Turned>),
    /// A file that is left out.
    LeftOut,
    /// What is read once: standard input, a pipe.
    Once(Bytes),
}

impl Inputs {
    /// Finds and opens all, so that what can't be read is known before anything begins.
    ///
    /// # Errors
    /// Every input that can't be read.
    pub fn open(paths: &[PathBuf], reading: Reading<'_>) -> Result<Inputs, Vec<InputError>> {
        let mut inputs = Inputs { inputs: Vec::new(), bytes: Some(0) };
        let mut errors = Vec::new();
        let mut stdin = 0;
        for path in paths {
            let (named, path) = match reading.split(path) {
                Ok(split) => split,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let read_as = |path: &Path| named.clone().or_else(|| reading.of_path(path));
            if is_stdin(path) {
                stdin += 1;
                match read_as(path) {
                    Some(read_as) if stdin == 1 => {
                        inputs.add(path.to_owned(), read_as, Kind::Once(Box::new(io::stdin())), None);
                    }
                    Some(_) => errors.push(InputError::StdinTwice),
                    None => errors.push(InputError::NoSource { path: path.to_owned() }),
                }
                continue;
            }
            match paths::files(path) {
                Ok(files) => errors.extend(files.into_iter().filter_map(|file| match read_as(&file) {
                    Some(read_as) => inputs.open_file(file, read_as).err(),
                    None => Some(InputError::NoSource { path: file }),
                })),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(inputs) } else { Err(errors) }
    }

    fn open_file(&mut self, path: PathBuf, read_as: ReadAs) -> Result<(), InputError> {
        let opened = || -> io::Result<_> {
            let mut file = File::open(&path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Ok((Kind::Once(Box::new(file)), None));
            }
            Beginning::read(&mut file)?;
            Ok((Kind::File, Some(metadata.len())))
        };
        match opened() {
            Ok((kind, bytes)) => {
                self.add(path, read_as, kind, bytes);
                Ok(())
            }
            Err(error) => Err(InputError::Unreadable { path, error }),
        }
    }

    fn add(&mut self, path: PathBuf, read_as: ReadAs, kind: Kind, bytes: Option<u64>) {
        self.inputs.push(Named { path, read_as, bytes: kind });
        self.bytes = self.bytes.zip(bytes).map(|(sum, bytes)| sum + bytes);
    }

    /// Has the files that are newest first read from their end: those in which, of the first 4,096 neighbours, nine in ten
    /// of those whose times differ fall. Standard input and pipes are never turned. A file that is too large for that is left
    /// out: it is as if it had no records.
    ///
    /// # Errors
    /// With those that are left out.
    pub fn turn(&mut self) -> Vec<InputError> {
        let many = self.inputs.len() > MAX_OPEN;
        let mut errors = Vec::new();
        for named in &mut self.inputs {
            if !matches!(named.bytes, Kind::File) || !is_newest_first(&mut ByteInput::file(&named.path), &named.read_as)
            {
                continue;
            }
            named.bytes = match Turned::read(named.path.clone()) {
                Ok(mut turned) => {
                    if many {
                        turned.suspend();
                    }
                    Kind::Turned(Box::new(turned))
                }
                Err(TooLarge) => {
                    errors.push(InputError::NewestFirst { path: named.path.clone() });
                    Kind::LeftOut
                }
            };
        }
        errors
    }

    /// The paths of those that are read from their end.
    pub fn turned(&self) -> impl Iterator<Item = &Path> {
        let turned = self.inputs.iter().filter(|input| matches!(input.bytes, Kind::Turned(_)));
        turned.map(|input| &*input.path)
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
    pub fn merge(self, tap: impl Fn(Bytes) -> Bytes + Send + Sync + 'static) -> Result<Merge, InputError> {
        Ok(merge(self.opened(tap)?))
    }

    /// The same, but goes on after the records that were processed before, by the inputs' ordinals; inputs beyond these
    /// are read from their beginning.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read, or with every input that has other records than before.
    pub fn resume(
        mut self,
        tap: impl Fn(Bytes) -> Bytes + Send + Sync + 'static,
        processed: Vec<Processed>,
    ) -> Result<Merge, Vec<InputError>> {
        self.turn_as_before(&processed)?;
        let processed = processed.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let opened = self.opened(tap).map_err(|error| vec![error])?;
        resume(opened.into_iter().zip(processed).collect())
            .map_err(|changed| changed.into_iter().map(InputError::Changed).collect())
    }

    /// A file that was processed before is read from the same end as then, whatever was added to it.
    fn turn_as_before(&mut self, processed: &[Processed]) -> Result<(), Vec<InputError>> {
        let begun = self.inputs.iter_mut().zip(processed).filter(|(_, processed)| processed.records > 0);
        let errors = begun.filter_map(|(named, processed)| {
            named.bytes = match (&named.bytes, processed.turned) {
                (Kind::Turned(_) | Kind::LeftOut, false) => Kind::File,
                (Kind::File | Kind::LeftOut, true) => match Turned::read(named.path.clone()) {
                    Ok(turned) => Kind::Turned(Box::new(turned)),
                    Err(TooLarge) => return Some(InputError::NewestFirst { path: named.path.clone() }),
                },
                _ => return None,
            };
            None
        });
        let errors: Vec<InputError> = errors.collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn opened(self, tap: impl Fn(Bytes) -> Bytes + Send + Sync + 'static) -> Result<Vec<WithFormat>, InputError> {
        let tap: Tap = Arc::new(tap);
        let opened = |Named { path, read_as, bytes }: Named| -> Result<WithFormat, InputError> {
            let input = match bytes {
                Kind::File => ByteInput::of_file(&path, Some(Arc::clone(&tap))),
                Kind::Turned(turned) => return Ok((turned, read_as)),
                Kind::LeftOut => ByteInput::once(InputId::from(&*path.to_string_lossy()), Box::new(io::empty()))
                    .map_err(|error| InputError::Unreadable { path, error })?,
                Kind::Once(bytes) => ByteInput::once(InputId::from(&*path.to_string_lossy()), tap(bytes))
                    .map_err(|error| InputError::Unreadable { path, error })?,
            };
            Ok((Box::new(input), read_as))
        };
        self.inputs.into_iter().map(opened).collect()
    }

    /// Their records in one order.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read.
    pub fn records(self) -> Result<Merge, InputError> {
        self.merge(|bytes| bytes)
    }
}

impl Reading<'_> {
    /// The source that an argument names, and its path.
    fn split(self, argument: &Path) -> Result<(Option<ReadAs>, &Path), InputError> {
        let Reading::Sources(sources) = self else { return Ok((None, argument)) };
        let Some((name, path)) = argument.to_str().and_then(|text| text.split_once('=')) else {
            return Ok((None, argument));
        };
        match sources.named(name) {
            Some(source) => Ok((Some(ReadAs::from(source)), Path::new(path))),
            // A path may have an equals sign.
            None if !is_id_part(name) || argument.exists() => Ok((None, argument)),
            None => {
                let names = sources.iter().map(|source| source.name().as_str());
                let nearest = nearest(name, names).map(str::to_owned);
                Err(InputError::UnknownSource { name: name.to_owned(), nearest, path: path.into() })
            }
        }
    }

    fn of_path(self, path: &Path) -> Option<ReadAs> {
        match self {
            Reading::Format(format) => Some(ReadAs::format(format)),
            Reading::Sources(sources) => sources.of_path(path).map(ReadAs::from),
        }
    }
}

impl From<&Source> for ReadAs {
    fn from(source: &Source) -> ReadAs {
        ReadAs { format: source.format(), binding: source.binding().clone(), time_zone: source.time_zone().cloned() }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(" (did you mean `{nearest}`?)")).unwrap_or_default()
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}
