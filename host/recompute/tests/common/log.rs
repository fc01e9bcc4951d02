//! Records in memory: those of files, and those that a test writes.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use countersign_audit::record::{FindingRecord, Header};
use countersign_audit::{ChainWriter, Head, Record, Verified, read, verify};
use countersign_casework::bundle::FindingBundle;
use countersign_engine::{Engine, EngineConfig};
use countersign_model::{Digest, DigestKey};
use countersign_recompute::{Difference, Log, RecomputeError, RecomputeOptions, Recomputed, recompute};

pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineConfig::default()).unwrap());

pub(crate) static KEY: LazyLock<DigestKey> = LazyLock::new(DigestKey::public);

/// The audit file of commit 9f64855.
pub(crate) fn old_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/audit/9f64855/run.audit")
}

/// A record in memory.
#[derive(Clone, Default)]
pub(crate) struct MemoryLog {
    pub(crate) records: Vec<Record>,
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    lines: Vec<u8>,
}

impl MemoryLog {
    /// An empty record, with its header.
    pub(crate) fn new() -> MemoryLog {
        let records = vec![Record::Header(Header::new("0.1.0", &KEY))];
        MemoryLog { records, ..MemoryLog::default() }
    }

    /// The records and blobs of an audit file.
    pub(crate) fn of_file(path: &Path) -> MemoryLog {
        let lines = fs::read(path).unwrap();
        let records = read(lines.as_slice()).map(|entry| entry.unwrap().record);
        let records = records.filter(|record| !matches!(record, Record::Seal(_))).collect();
        let bundles = fs::read_dir(path.with_extension("audit.bundles")).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let blobs = bundles.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
        MemoryLog { records, blobs, lines }
    }

    /// Puts a blob in, and returns its name.
    pub(crate) fn blob(&mut self, bytes: Vec<u8>) -> Digest {
        let name = KEY.digest(&bytes);
        self.blobs.insert(name, bytes);
        name
    }

    /// The evidence of a finding.
    pub(crate) fn evidence(&self, record: &FindingRecord) -> FindingBundle {
        FindingBundle::read(record, |name| self.blobs.get(name).cloned().ok_or("no such blob")).unwrap()
    }

    /// Writes the records anew, in a chain that verifies, as an attacker with write access can.
    pub(crate) fn seal(&mut self) {
        let mut chain = ChainWriter::new();
        self.lines.clear();
        for record in &self.records {
            chain.append(record, &mut self.lines).unwrap();
        }
        chain.seal(&mut self.lines).unwrap();
    }

    /// The recomputation of the records as they are now.
    pub(crate) fn recompute(&mut self) -> Recomputed {
        self.seal();
        recompute(self, &KEY, &ENGINE, &RecomputeOptions::default(), &mut |_, _| ()).unwrap()
    }
}

impl Log for MemoryLog {
    fn verify(&self, lines: &mut dyn BufRead, head: Option<Digest>) -> Result<Head, RecomputeError> {
        match verify(lines, head)? {
            Verified::Sealed(head) => Ok(head),
            Verified::Unsealed(unsealed) => Err(RecomputeError::Unsealed(unsealed)),
        }
    }

    fn lines(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.lines.as_slice()))
    }

    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>> {
        let bytes = self.blobs.get(name).ok_or("no such blob")?;
        if key.digest(bytes) == *name { Ok(bytes.clone()) } else { Err("another digest".into()) }
    }
}

/// Differences as text, one a line.
pub(crate) fn shown(differences: &[Difference]) -> String {
    let line = |one: &Difference| format!("line {}, {}: {}", one.line, one.what, one.cause);
    differences.iter().map(line).collect::<Vec<_>>().join("\n")
}
