//! Rules' bytes, kept for the audit file without staying in memory: a rule that no event concerns is only asked for them
//! when a run begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file without a name, that nobody else can open: what is at a rule's own path may be replaced at any time.
#[derive(Clone)]
pub(crate) struct Keep(Option<Arc<Spill>>);

struct Spill {
    file: File,
    end: AtomicU64,
}

/// Some bytes.
pub(crate) struct Kept(Place);

enum Place {
    Spilled {
        spill: Arc<Spill>,
        offset: u64,
        length: usize,
    },
    /// The machine has no room for temporary files.
    Memory(Vec<u8>),
}

impl Keep {
    pub(crate) fn new() -> Keep {
        Keep(tempfile::tempfile().ok().map(|file| Arc::new(Spill { file, end: AtomicU64::new(0) })))
    }

    /// Takes bytes in; several threads may at once.
    pub(crate) fn keep(&self, bytes: Vec<u8>) -> Kept {
        let Some(spill) = &self.0 else { return Kept(Place::Memory(bytes)) };
        let length = bytes.len();
        let offset = spill.end.fetch_add(length as u64, Ordering::Relaxed);
        match spill.file.write_all_at(&bytes, offset) {
            Ok(()) => Kept(Place::Spilled { spill: Arc::clone(spill), offset, length }),
            Err(_) => Kept(Place::Memory(bytes)),
        }
    }
}

impl Kept {
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
    fn what_several_threads_keep_at_once_comes_back_whole() {
        for keep in [Keep::new(), Keep(None)] {
            let kept: Vec<_> = std::thread::scope(|scope| {
                let started: Vec<_> = (0..8u8)
                    .map(|byte| {
                        let keep = &keep;
                        scope.spawn(move || {
                            (0..50).map(|more| (byte, more, keep.keep(vec![byte; more * 7]))).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            for (byte, more, kept) in kept {
                assert_eq!(kept.read().unwrap(), vec![byte; more * 7]);
            }
        }
    }

    #[test]
    fn what_cant_be_written_stays_in_memory() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let keep = Keep(Some(Arc::new(Spill { file: full, end: AtomicU64::new(0) })));
        let kept = keep.keep(b"a rule".to_vec());
        assert!(matches!(kept.0, Place::Memory(_)));
        assert_eq!(kept.read().unwrap(), b"a rule");
    }
}
