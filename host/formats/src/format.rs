//! The registry of formats: what a format is, and which there are.

use std::io::Read;

use countersign_model::TimeZone;
use countersign_model::vocabulary::FieldId;

use crate::decoder::{Decode, Records};
use crate::documentation::Table;
use crate::signs::Signs;
use crate::{Auto, CloudTrail, DirectoryLog, Ocsf, Okta, WindowsSecurity};

/// A format of telemetry.
pub trait Format: Sync {
    /// Its name: the `--source` of the command line and the `source` of its events.
    fn name(&self) -> &'static str;

    /// What it reads, in one line for people.
    fn about(&self) -> &'static str;

    /// The one provider whose accounts its records are about; none where they can name anybody's.
    fn provider(&self) -> Option<&'static str>;

    /// How `auto` recognises a record of this format; none for `auto` itself.
    fn signs(&self) -> Option<Signs>;

    /// Every field of the vocabulary that it may fill, each once, and what of a record it is made of (Markdown).
    fn fields(&self) -> Vec<(FieldId, &'static str)>;

    /// The other tables that document it, in the order in which they stand in `docs/reference/formats.md`.
    fn tables(&self) -> Vec<Table>;

    /// What turns raw records of this format into events, for one run: it counts records without an id. `zone` is that of
    /// local times that name none, where it is known.
    fn decoder(&self, zone: Option<&TimeZone>) -> Box<dyn Decode>;

    /// The records of one input, plain or packed. `input` is its ordinal among the inputs.
    fn read(&self, bytes: Box<dyn Read + Send>, input: u32) -> Records {
        Records::new(self, bytes, input)
    }
}

/// Every format, by name, `auto` first.
pub const FORMATS: &[&dyn Format] = &[&Auto, &CloudTrail, &DirectoryLog, &Ocsf, &Okta, &WindowsSecurity];

/// A name that no format has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a source (`{}`), got `{name}`; the nearest is `{nearest}`", known.join("`, `"))]
pub struct UnknownFormat {
    /// The unknown name.
    pub name: String,
    /// The known name most like it.
    pub nearest: &'static str,
    /// Every known name.
    pub known: Vec<&'static str>,
}

/// The format with this name.
///
/// # Errors
/// When there is none; the error names the nearest.
pub fn format_by_name(name: &str) -> Result<&'static dyn Format, UnknownFormat> {
    if let Some(format) = FORMATS.iter().find(|format| format.name() == name) {
        return Ok(*format);
    }
    let known: Vec<&'static str> = FORMATS.iter().map(|format| format.name()).collect();
    let nearest =
        known.iter().copied().min_by_key(|known| strsim::damerau_levenshtein(known, name)).unwrap_or_default();
    Err(UnknownFormat { name: name.to_owned(), nearest, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name_and_a_wrong_name_gets_the_nearest() {
        assert_eq!(format_by_name("cloudtrail").map(Format::name), Ok("cloudtrail"));
        let error = format_by_name("cloudtrial").map(Format::name).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a source (`auto`, `cloudtrail`, `directory`, `ocsf`, `okta`, `windows-security`), got `cloudtrial`; the nearest is `cloudtrail`"
        );
    }

    #[test]
    fn names_are_sorted_after_auto() {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        assert_eq!(names.first(), Some(&"auto"));
        assert!(names[1..].is_sorted(), "{names:?}");
    }
}
