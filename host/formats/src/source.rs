//! The registry of sources: what a source is, and which there are.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use countersign_model::vocabulary::FieldId;

use crate::documentation::Table;
use crate::{Auto, CloudTrail, Ocsf, Okta, Record, SourceError, WindowsSecurity};

/// The records of one input, in the order of delivery.
pub type Records = Box<dyn Iterator<Item = Record> + Send>;

/// A kind of telemetry.
pub trait Source: Sync {
    /// Its name: the `--source` of the command line and the `source` of its events.
    fn name(&self) -> &'static str;

    /// What it reads, in one line for people.
    fn about(&self) -> &'static str;

    /// Every field of the vocabulary that it may fill, each once, and what of a record it is made of (Markdown).
    fn fields(&self) -> Vec<(FieldId, &'static str)>;

    /// The other tables that document it, in the order in which they stand in `docs/reference/formats.md`.
    fn tables(&self) -> Vec<Table>;

    /// Reads records from anything that gives bytes, plain or gzip. `input` is its ordinal among the inputs.
    ///
    /// # Errors
    /// When not even the first bytes can be read; later failures are dead letters.
    fn read(&self, bytes: Box<dyn Read + Send>, input: u32) -> io::Result<Records>;

    /// Reads the records of a file, plain or gzip. `input` is its ordinal among the inputs.
    ///
    /// # Errors
    /// When the file can't be opened, or not even its first bytes can be read.
    fn open(&self, path: &Path, input: u32) -> Result<Records, SourceError> {
        let unreadable = |error| SourceError::Unreadable { path: path.to_owned(), error };
        let file = File::open(path).map_err(unreadable)?;
        self.read(Box::new(file), input).map_err(unreadable)
    }
}

/// Every source, by name, `auto` first.
pub const SOURCES: &[&dyn Source] = &[&Auto, &CloudTrail, &Ocsf, &Okta, &WindowsSecurity];

/// A name that no source has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a source (`{}`), got `{name}`; the nearest is `{nearest}`", known.join("`, `"))]
pub struct UnknownSource {
    /// What was asked for.
    pub name: String,
    /// The known name most like it.
    pub nearest: &'static str,
    /// Every known name.
    pub known: Vec<&'static str>,
}

/// The source with this name.
///
/// # Errors
/// When there is none; the error names the nearest.
pub fn source(name: &str) -> Result<&'static dyn Source, UnknownSource> {
    if let Some(source) = SOURCES.iter().find(|source| source.name() == name) {
        return Ok(*source);
    }
    let known: Vec<&'static str> = SOURCES.iter().map(|source| source.name()).collect();
    let nearest =
        known.iter().copied().min_by_key(|known| strsim::damerau_levenshtein(known, name)).unwrap_or_default();
    Err(UnknownSource { name: name.to_owned(), nearest, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_by_name_and_a_wrong_name_gets_the_nearest() {
        assert_eq!(source("cloudtrail").map(Source::name), Ok("cloudtrail"));
        let error = source("cloudtrial").map(Source::name).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a source (`auto`, `cloudtrail`, `ocsf`, `okta`, `windows-security`), got `cloudtrial`; the nearest is `cloudtrail`"
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("missing")] {
            let Err(error) = CloudTrail.open(&path, 0) else { panic!("{} opened", path.display()) };
            assert!(error.to_string().contains(&*path.display().to_string()), "{error}");
        }
    }
}
