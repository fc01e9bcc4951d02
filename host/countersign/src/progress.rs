//! Progress on stderr, if that is a terminal.

use std::io::Read;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text;

/// Redraws per second.
const RATE: u8 = 10;

/// A bar or a spinner; nothing where stderr isn't a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of so many bytes.
    pub(crate) fn bytes(total: u64) -> Progress {
        Progress::new(Some(total), "{bar:32} {bytes}/{total_bytes} {bytes_per_sec} {msg} ETA {eta}")
    }

    /// A spinner with the number of bytes, where the total isn't known.
    pub(crate) fn endless() -> Progress {
        Progress::new(None, "{spinner} {bytes} {bytes_per_sec} {msg}")
    }

    /// A spinner over so many steps, each with a message.
    pub(crate) fn steps(total: u64) -> Progress {
        let progress = Progress::new(Some(total), "{spinner} {pos}/{len} {wide_msg}");
        progress.0.enable_steady_tick(Duration::from_millis(200));
        progress
    }

    /// A spinner without figures.
    pub(crate) fn waiting() -> Progress {
        let progress = Progress::new(None, "{spinner} {wide_msg}");
        progress.0.enable_steady_tick(Duration::from_millis(200));
        progress
    }

    fn new(total: Option<u64>, template: &str) -> Progress {
        let target = ProgressDrawTarget::stderr_with_hz(RATE);
        let bar = ProgressBar::with_draw_target(total, target);
        // If the template doesn't parse, the default one stays.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Progress(bar)
    }

    /// Advances with every byte read through the result; several readers add up.
    pub(crate) fn reading<R: Read>(&self, reader: R) -> impl Read + use<R> {
        self.0.wrap_read(reader)
    }

    /// Wraps readers: the bar goes on with every byte that is read through one; several add up.
    pub(crate) fn reader(&self) -> impl Fn(Box<dyn Read + Send>) -> Box<dyn Read + Send> + Send + Sync + use<> {
        let bar = self.0.clone();
        move |reader| Box::new(bar.wrap_read(reader))
    }

    /// Sets the position and the total.
    pub(crate) fn at(&self, position: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(position);
    }

    /// Sets the message.
    pub(crate) fn message(&self, what: String) {
        self.0.set_message(text::line(&what));
    }

    /// Advances by one step.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Hides the bar while `write` writes to the terminal.
    pub(crate) fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.0.suspend(write)
    }

    /// Removes the bar.
    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}
