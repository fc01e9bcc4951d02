//! Ctrl-C and SIGTERM: the first ends a run after its current commit, a second one at once. SIGHUP: files are looked at.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether the process was asked to end.
pub(crate) struct Interrupt {
    end: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Interrupt {
    /// Watches for signals from here on.
    ///
    /// # Errors
    /// When the system doesn't let a process watch.
    pub(crate) fn watch() -> io::Result<Interrupt> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the second signal finds the flag set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&came))?;
            flag::register(signal, Arc::clone(&came))?;
        }
        Ok(Interrupt { end: came, reload: Arc::default() })
    }

    /// The same, where SIGHUP asks for files to be looked at again instead of ending the process.
    ///
    /// # Errors
    /// As for [`Interrupt::watch`].
    pub(crate) fn watch_reload() -> io::Result<Interrupt> {
        let interrupt = Interrupt::watch()?;
        flag::register(SIGHUP, Arc::clone(&interrupt.reload))?;
        Ok(interrupt)
    }

    /// Whether SIGHUP came since this was asked last.
    pub(crate) fn asks_for_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }

    /// Whether one came.
    pub(crate) fn came(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }
}

/// The error that ends a run.
pub(crate) fn error() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "interrupted")
}
