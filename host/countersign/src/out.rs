//! Standard output: buffered, with colour only on terminals that want it, and without error when its reader is gone.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

use anstream::AutoStream;
use serde::Serialize;

use crate::text;

/// Columns without a terminal.
const WIDTH: usize = 160;

/// The fewest columns that tables are laid out for.
const MIN_WIDTH: usize = 60;

/// Standard output. When its reader is gone (`| head`), the rest is discarded: a command's exit code doesn't depend on
/// its reader.
pub(crate) struct Out {
    stream: BufWriter<AutoStream<Stdout>>,
    terminal: bool,
    closed: bool,
}

impl Out {
    /// The standard output of the process.
    pub(crate) fn stdout() -> Out {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Out { stream: BufWriter::with_capacity(1 << 16, AutoStream::auto(stdout)), terminal, closed: false }
    }

    /// The number of columns: the terminal's, or a default without one.
    pub(crate) fn width(&self) -> usize {
        let terminal = terminal_size::terminal_size().filter(|_| self.terminal);
        terminal.map_or(WIDTH, |(width, _)| usize::from(width.0).max(MIN_WIDTH))
    }

    /// Whether the reader is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// A writer that fails with `BrokenPipe` once the reader is gone: for commands that do nothing but write.
    pub(crate) fn while_read(&mut self) -> impl Write {
        WhileRead(self)
    }

    /// Has a person see at once what was written; a file or a pipe gets it with what follows.
    pub(crate) fn flush_on_terminal(&mut self) -> io::Result<()> {
        if self.terminal { self.flush() } else { Ok(()) }
    }

    /// Writes one line of NDJSON. What isn't seen is escaped in its texts, which keep their values.
    pub(crate) fn json(&mut self, line: &impl Serialize) -> io::Result<()> {
        let line = text::json(&serde_json::to_string(line)?);
        self.write_all(line.as_bytes())?;
        self.write_all(b"\n")
    }

    fn ignore_broken_pipe(&mut self, result: io::Result<usize>, all: usize) -> io::Result<usize> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(all)
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("can't write to standard output: {error}"))),
            written => written,
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let result = self.stream.write(bytes);
        self.ignore_broken_pipe(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.stream.flush().map(|()| 0);
        self.ignore_broken_pipe(result, 0).map(|_| ())
    }
}

struct WhileRead<'a>(&'a mut Out);

impl Write for WhileRead<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        if self.0.closed { Err(ErrorKind::BrokenPipe.into()) } else { Ok(written) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
