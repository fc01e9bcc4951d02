//! Rules' bytes, kept for the audit file outside of memory: those of a rule that no event reaches are never read again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An unnamed temporary file, which no other process can open; a rule's own file may be replaced at any time.
#[derive(Clone)]
pub(crate) struct SpillFile(Option<Arc<Spill>>);

struct Spill {
    file: File,
    end: AtomicU64,
}

/// Bytes that were put into a spill file.
pub(crate) struct SpilledBytes(Place);

enum Place {
    Spilled {
        spill: Arc<Spill>,
        offset: u64,
        length: usize,
    },
    /// Where there is no space for temporary files.
    Memory(Vec<u8>),
}

impl SpillFile {
    pub(crate) fn new() -> SpillFile {
        SpillFile(tempfile::tempfile().ok().map(|file| Arc::new(Spill { file, end: AtomicU64::new(0) })))
    }

    /// Stores bytes; several threads may do so at once.
    pub(crate) fn put(&self, bytes: &[u8]) -> SpilledBytes {
        let Some(spill) = &self.0 else { return SpilledBytes(Place::Memory(bytes.to_vec())) };
        let length = bytes.len();
        let offset = spill.end.fetch_add(length as u64, Ordering::Relaxed);
        match spill.file.write_all_at(bytes, offset) {
            Ok(()) => SpilledBytes(Place::Spilled { spill: Arc::clone(spill), offset, length }),
            Err(_) => SpilledBytes(Place::Memory(bytes.to_vec())),
        }
    }
}

impl SpilledBytes {
    /// The bytes.
    ///
    /// # Errors
    /// When they can't be read back.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        match &self.0 {
            Place::Memory(bytes) => Ok(bytes.clone()),
            Place::Spilled { spill, offset, length } => {
                let mut bytes = vec![0; *length];
                spill.file.read_exact_at(&mut bytes, *offset)?;
                Ok(bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stored_by_several_threads_at_once_come_back_complete() {
        for spill in [SpillFile::new(), SpillFile(None)] {
            let stored: Vec<_> = std::thread::scope(|scope| {
                let started: Vec<_> = (0..8u8)
                    .map(|byte| {
                        let spill = &spill;
                        scope.spawn(move || {
                            (0..50).map(|more| (byte, more, spill.put(&vec![byte; more * 7]))).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            for (byte, more, stored) in stored {
                assert_eq!(stored.read().unwrap(), vec![byte; more * 7]);
            }
        }
    }

    #[test]
    fn bytes_that_cant_be_written_stay_in_memory() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let spill = SpillFile(Some(Arc::new(Spill { file: full, end: AtomicU64::new(0) })));
        let stored = spill.put(b"a rule");
        assert!(matches!(stored.0, Place::Memory(_)));
        assert_eq!(stored.read().unwrap(), b"a rule");
    }
}
