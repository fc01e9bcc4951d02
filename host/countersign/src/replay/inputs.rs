//! The telemetry of a command: opened before anything begins, read through the progress bar.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use countersign_formats::{Auto, FORMATS, Format, format_by_name};
use countersign_inputs::{InputError, MAX_SOURCES_BYTES, Merge, Processed, Reading, Sources};
use countersign_model::{Patience, SourceId};
use countersign_policy::SourceFile;

use crate::exit::{Exit, unusable};
use crate::operator;
use crate::progress::Progress;
use crate::recorded::HOST;
use crate::stderr;
use crate::text;

/// The format of `--source`.
#[derive(Clone, Copy)]
pub(crate) struct FormatName(pub(crate) &'static dyn Format);

impl std::fmt::Debug for FormatName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Parses the value of `--source`.
///
/// # Errors
/// When no format has this name.
pub(crate) fn parse_format(name: &str) -> Result<FormatName, String> {
    format_by_name(name).map(FormatName).map_err(|error| error.to_string())
}

/// The help of `--source`.
pub(crate) fn format_help() -> String {
    let formats = FORMATS.iter().map(|format| format!("{}: {}", format.name(), format.about()));
    format!("What the files hold; {}", formats.collect::<Vec<_>>().join("; "))
}

/// Which sources the files are from, and what is believed of them.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    #[arg(long, value_name = "NAME", required_unless_present_any = ["sources", HOST], conflicts_with = "sources",
          help = format_help())]
    source: Option<String>,
    /// The sources, what each is bound to and how it is read; a FILE is NAME=PATH then, or matches a source's `path`
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
}

impl SourceArguments {
    /// Reads the sources.
    ///
    /// # Errors
    /// With every fault of their file: `Unusable`.
    pub(crate) fn read(&self) -> Result<TelemetrySources> {
        let Some(path) = &self.sources else {
            let named = self.source.as_deref().map(parse_format).transpose();
            let named = named.map_err(|why| unusable(format_args!("--source: {why}")))?;
            return Ok(TelemetrySources::OneFormat(named.map_or(&Auto, |name| name.0)));
        };
        let read = operator::read_file(path, MAX_SOURCES_BYTES, Sources::parse);
        read.map(|file| TelemetrySources::Named(Box::new(file))).map_err(|faults| unusable(faults.join("\n")))
    }

    /// What `--source` names.
    pub(crate) fn named(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The file of sources.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.sources.as_deref()
    }
}

/// The sources that telemetry is from.
pub(crate) enum TelemetrySources {
    /// All of it is in one format, and nothing else is known.
    OneFormat(&'static dyn Format),
    /// Those of a file.
    Named(Box<SourceFile<Sources>>),
}

impl TelemetrySources {
    /// How long the records of each are waited for, where that isn't usual.
    pub(crate) fn patience(&self) -> Arc<BTreeMap<SourceId, Patience>> {
        match self {
            TelemetrySources::OneFormat(_) => Arc::default(),
            TelemetrySources::Named(sources) => {
                let sources = sources.content.iter();
                Arc::new(sources.map(|source| (source.name().clone(), source.patience())).collect())
            }
        }
    }

    /// Those of a file.
    pub(crate) fn named(&self) -> Option<&Sources> {
        match self {
            TelemetrySources::OneFormat(_) => None,
            TelemetrySources::Named(sources) => Some(&sources.content),
        }
    }

    /// The text of their file.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            TelemetrySources::OneFormat(_) => None,
            TelemetrySources::Named(sources) => Some(&sources.text),
        }
    }

    fn reading(&self) -> Reading<'_> {
        match self {
            TelemetrySources::OneFormat(format) => Reading::Format(*format),
            TelemetrySources::Named(sources) => Reading::Sources(&sources.content),
        }
    }
}

/// The help of arguments that name telemetry.
pub(crate) const FILES_HELP: &str = "Telemetry: files, plain, gzip, zstd or UTF-16; directories, with all files in them and \
    below but hidden ones; - is standard input; all are merged by event time, and files that are newest first are read from \
    their end";

/// Opened inputs, in the order of the arguments.
pub(crate) struct Inputs {
    inputs: countersign_inputs::Inputs,
    /// Whether a file is left out.
    incomplete: bool,
}

impl Inputs {
    /// Opens all, and has files that are newest first read from their end. One that is too large for that is reported and
    /// left out.
    ///
    /// # Errors
    /// With every input that can't be read, or if all are left out: `Unusable`.
    pub(crate) fn open(paths: &[PathBuf], sources: &TelemetrySources) -> Result<Inputs> {
        let mut inputs = countersign_inputs::Inputs::open(paths, sources.reading()).map_err(|errors| all(&errors))?;
        let errors = inputs.turn();
        if !errors.is_empty() && errors.len() == inputs.len() {
            return Err(all(&errors));
        }
        errors.iter().for_each(|error| stderr::error(format_args!("{error}; it is left out")));
        for path in inputs.turned() {
            stderr::note(format_args!("`{}` is newest first: read from its end", text::path(&path)));
        }
        Ok(Inputs { inputs, incomplete: !errors.is_empty() })
    }

    /// How many there are: a directory counts as often as it has files.
    pub(crate) fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Their names, by ordinal.
    pub(crate) fn names(&self) -> Vec<String> {
        self.inputs.names()
    }

    /// The least exit code of a command that reads them.
    pub(crate) fn exit(&self) -> Exit {
        if self.incomplete { Exit::Refused } else { Exit::Done }
    }

    /// The bar that reading moves.
    pub(crate) fn progress(&self) -> Progress {
        self.inputs.bytes().map_or_else(Progress::endless, Progress::bytes)
    }

    /// Their records in one order, after those that were processed before.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read, or with every input that has other records than before:
    /// `Unusable`.
    pub(crate) fn resume(self, progress: &Progress, processed: Vec<Processed>) -> Result<Merge> {
        if processed.len() > self.len() {
            return Err(unusable(format_args!(
                "expected the {} that were processed before, in the same order, got {}: name them again, further ones \
                 after them",
                text::count(processed.len() as u64, "input"),
                self.len()
            )));
        }
        self.inputs.resume(progress.reader(), processed).map_err(|errors| all(&errors))
    }

    /// Their records in one order.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read: `Unusable`.
    pub(crate) fn records(self, progress: &Progress) -> Result<Merge> {
        self.inputs.merge(progress.reader()).map_err(unusable)
    }
}

fn all(errors: &[InputError]) -> anyhow::Error {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    unusable(errors.join("\n  "))
}
