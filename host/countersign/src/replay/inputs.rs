//! The telemetry of a command: opened before anything begins, read through the progress bar.

use std::path::PathBuf;

use anyhow::Result;
use countersign_formats::{FORMATS, Format, Record, format_by_name};
use countersign_inputs::{Merge, Processed};

use crate::exit::unusable;
use crate::progress::Progress;
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

/// The help of arguments that name telemetry.
pub(crate) const FILES_HELP: &str = "Telemetry: files, plain or gzip; directories, with all files in them and below but \
    hidden ones; - is standard input; all are merged by event time";

/// Opened inputs, in the order of the arguments.
pub(crate) struct Inputs(countersign_inputs::Inputs);

impl Inputs {
    /// Opens all.
    ///
    /// # Errors
    /// With every input that can't be read: `Unusable`.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Inputs> {
        countersign_inputs::Inputs::open(paths).map(Inputs).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            unusable(errors.join("\n  "))
        })
    }

    /// How many there are: a directory counts as often as it has files.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Their names, by ordinal.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// The bar that reading moves.
    pub(crate) fn progress(&self) -> Progress {
        self.0.bytes().map_or_else(Progress::endless, Progress::bytes)
    }

    /// Their records in one order, after those that were processed before.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read, or with every input that has other records than before:
    /// `Unusable`.
    pub(crate) fn resume(self, format: FormatName, progress: &Progress, processed: Vec<Processed>) -> Result<Merge> {
        if processed.len() > self.len() {
            return Err(unusable(format_args!(
                "expected the {} that were processed before, in the same order, got {}: name them again, further ones \
                 after them",
                text::count(processed.len() as u64, "input"),
                self.len()
            )));
        }
        self.0.resume(format.0, progress.reader(), processed).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            unusable(errors.join("\n  "))
        })
    }

    /// Their records in one order.
    ///
    /// # Errors
    /// When not even the first bytes of one can be read: `Unusable`.
    pub(crate) fn records(
        self,
        format: FormatName,
        progress: &Progress,
    ) -> Result<impl Iterator<Item = Record> + Send + use<>> {
        let merge = self.0.merge(format.0, progress.reader()).map_err(unusable)?;
        Ok(merge.records())
    }
}
