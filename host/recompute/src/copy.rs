//! A record's lines, read once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};

/// A copy of a record's lines in a temporary file without a name: nobody can change it between its verification and its use,
/// whatever happens to the record meanwhile.
pub(crate) struct Copy(File);

impl Copy {
    /// Reads all lines.
    ///
    /// # Errors
    /// When they can't be read, or there is no space for them.
    pub(crate) fn of(mut lines: impl Read) -> io::Result<Copy> {
        let mut file = tempfile::tempfile().map_err(|error| named("make", &error))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = match lines.read(&mut buffer) {
                Ok(0) => return Ok(Copy(file)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let read = buffer.get(..length).unwrap_or_default();
            io::Write::write_all(&mut file, read).map_err(|error| named("write", &error))?;
        }
    }

    /// The lines, from the first. One reader at a time.
    ///
    /// # Errors
    /// When they can't be read back.
    pub(crate) fn lines(&self) -> io::Result<impl BufRead + '_> {
        let mut file = &self.0;
        file.rewind()?;
        Ok(BufReader::with_capacity(1 << 16, file))
    }
}

fn named(action: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("can't {action} a temporary copy of it: {error}"))
}
