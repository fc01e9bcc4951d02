//! Where a value comes from.

use std::fmt;
use std::sync::Arc;

/// Where a value comes from. What is further down wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody says: what holds then.
    Default,
    /// A line of the file.
    File {
        /// What messages call the file.
        name: Arc<str>,
        /// From 1.
        line: usize,
    },
    /// A variable of the environment, by its name.
    Environment(&'static str),
    /// An option of the command line, with its hyphens.
    Flag(&'static str),
}

impl Origin {
    /// The kind: `default`, `file`, `environment` or `flag`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File { .. } => "file",
            Origin::Environment(_) => "environment",
            Origin::Flag(_) => "flag",
        }
    }

    /// The line of the file that it is, if it is one.
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Origin::File { line, .. } => Some(*line),
            _ => None,
        }
    }
}

/// `default`, `FILE:LINE`, a variable's name or an option.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.pad(self.kind()),
            Origin::File { name, line } => f.pad(&format!("{name}:{line}")),
            Origin::Environment(name) | Origin::Flag(name) => f.pad(name),
        }
    }
}

/// A value with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// What holds where nobody says.
    pub(crate) fn default(value: T) -> Setting<T> {
        Setting { value, origin: Origin::Default }
    }

    /// The same, unless an option of the command line says otherwise.
    pub(crate) fn overridden(self, flag: &'static str, value: Option<T>) -> Setting<T> {
        match value {
            Some(value) => Setting { value, origin: Origin::Flag(flag) },
            None => self,
        }
    }
}
