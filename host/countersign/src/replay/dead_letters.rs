//! Records that can't be used: each is written down with its position and reason, or at least counted and shown.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use countersign_formats::DeadLetter;
use serde::Serialize;

use crate::exit::unusable;
use crate::say;
use crate::text;

/// How many are shown where there is no file for them.
const SHOWN: usize = 5;

/// How a file of dead letters begins.
const BEGINNING: &str = "{\"type\":\"dead-letter\",";

/// Where dead letters go.
pub(super) struct DeadLetters {
    /// What the inputs are called.
    names: Vec<String>,
    path: Option<PathBuf>,
    /// Whether the file is there even without a letter.
    always: bool,
    file: Option<BufWriter<File>>,
    count: u64,
    first: Vec<String>,
}

/// A dead letter's line, in its file and in `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "dead-letter")]
pub(super) struct Line<'a> {
    /// The input's name on the command line.
    file: Option<&'a str>,
    #[serde(flatten)]
    letter: &'a DeadLetter,
}

impl DeadLetters {
    /// To this file, which is there in any case. A file of dead letters is replaced; any other is refused.
    pub(super) fn asked(path: &Path, names: Vec<String>) -> Result<DeadLetters> {
        let mut letters = DeadLetters { path: Some(path.to_owned()), ..DeadLetters::counted(names) };
        if !is_replaceable(path) {
            return Err(unusable(format_args!(
                "expected no file or a file of dead letters at `{}`, got something else: name another file",
                path.display()
            )));
        }
        letters.always = true;
        Ok(letters)
    }

    /// To this file, which is there only if it is needed, or was before.
    pub(super) fn beside(path: PathBuf, names: Vec<String>) -> Result<DeadLetters> {
        // What is there is of an earlier run.
        if path.exists() {
            return DeadLetters::asked(&path, names);
        }
        Ok(DeadLetters { path: Some(path), ..DeadLetters::counted(names) })
    }

    /// Only counted, and the first of them shown.
    pub(super) fn counted(names: Vec<String>) -> DeadLetters {
        DeadLetters { names, path: None, always: false, file: None, count: 0, first: Vec::new() }
    }

    /// Makes the file, if there is to be one in any case. Until then nothing on disk has changed.
    ///
    /// # Errors
    /// When it can't be made.
    pub(super) fn begin(&mut self) -> Result<()> {
        if let (Some(path), true) = (self.path.clone(), self.always) {
            self.create(&path).with_context(|| format!("can't write `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Whether they are written down.
    pub(super) fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// A letter's line.
    pub(super) fn line<'a>(&'a self, letter: &'a DeadLetter) -> Line<'a> {
        Line { file: self.names.get(letter.input as usize).map(String::as_str), letter }
    }

    /// Takes one.
    pub(super) fn take(&mut self, letter: &DeadLetter) -> io::Result<()> {
        self.count += 1;
        let Some(path) = self.path.clone() else {
            if self.first.len() < SHOWN {
                let name = self.names.get(letter.input as usize).map_or("", String::as_str);
                let DeadLetter { ordinal, offset, reason_code, reason, .. } = letter;
                self.first.push(format!("{name}: record {ordinal} at byte {offset}: {}: {reason}", reason_code.code()));
            }
            return Ok(());
        };
        self.write(&path, letter).map_err(|error| explained(&path, &error))
    }

    fn write(&mut self, path: &Path, letter: &DeadLetter) -> io::Result<()> {
        if self.file.is_none() {
            self.create(path)?;
        }
        let mut line = serde_json::to_vec(&self.line(letter))?;
        line.push(b'\n');
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(&line))
    }

    fn create(&mut self, path: &Path) -> io::Result<()> {
        self.file = Some(BufWriter::new(File::create(path)?));
        Ok(())
    }

    /// Writes what is left, and says how many there were.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let (Some(file), Some(path)) = (&mut self.file, &self.path) {
            file.flush().map_err(|error| explained(path, &error))?;
        }
        if self.count == 0 {
            return Ok(());
        }
        let count = text::count(self.count, "record");
        match &self.path {
            Some(path) => say::warning(format_args!("{count} couldn't be used: see `{}`", path.display())),
            None => {
                let more = self.count - self.first.len() as u64;
                let more = if more > 0 { format!("\n  and {} more", text::number(more)) } else { String::new() };
                say::warning(format_args!(
                    "{count} couldn't be used; `--dead-letters FILE` keeps them all\n  {}{more}",
                    self.first.join("\n  ")
                ));
            }
        }
        Ok(())
    }
}

/// Whether there is nothing that would be lost: no file, an empty one, something else than a file, or dead letters.
fn is_replaceable(path: &Path) -> bool {
    if !path.is_file() {
        return true;
    }
    let mut beginning = Vec::new();
    // A file that can't be read isn't known to be of dead letters.
    let read = File::open(path)
        .and_then(|file| BufReader::new(file.take(BEGINNING.len() as u64)).read_until(b'\n', &mut beginning));
    read.is_ok() && BEGINNING.as_bytes().starts_with(&beginning)
}

fn explained(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("can't write `{}`: {error}", path.display()))
}
