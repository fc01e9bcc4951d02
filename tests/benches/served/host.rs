//! The host that is measured: in this process, on the disk of cargo's target directory, with the shipped rules.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use countersign_admission::{admit, sections};
use countersign_daemon::{Host, HostOptions, Material, MaterialFile, Reload, Role, UnwellBounds};
use countersign_declaration::Ceilings;
use countersign_engine::{Engine, EngineConfig};
use countersign_model::Timestamp;
use countersign_session::SessionOptions;

const SOURCES: &str =
    "version = 1\n[[source]]\nname = \"trail\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\nkind = \"http\"\n";

/// A folder of the target directory: a disk, where the system's temporary folder may be memory.
pub(crate) fn folder() -> Result<tempfile::TempDir, Box<dyn Error>> {
    let target = std::env::var_os("CARGO_TARGET_TMPDIR").map(PathBuf::from);
    Ok(tempfile::tempdir_in(target.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR"))))?)
}

/// What serves: the shipped rules, and with `at_limit` one more that uses nearly all of its fuel on every event.
pub(crate) fn material(at_limit: bool) -> Result<Material, Box<dyn Error>> {
    let file =
        |role: Role, text: &str| MaterialFile { role, name: role.name().to_owned(), bytes: text.as_bytes().to_vec() };
    let mut files = vec![file(Role::Sources, SOURCES)];
    if at_limit {
        let guest =
            countersign_tests::GUESTS.iter().find(|(id, _)| id.ends_with("/burns-fuel")).ok_or("no such guest")?;
        let refused = |refused: Vec<_>| format!("{refused:?}");
        let admitted = admit(guest.1, &Ceilings::default()).map_err(refused)?;
        let mut declaration = admitted.declaration().clone();
        declaration.id = "local/at-limit".parse()?;
        let bytes = sections::attach(admitted.component(), &declaration, admitted.data()).map_err(refused)?;
        files.push(MaterialFile { role: Role::Rule, name: "at-limit.wasm".to_owned(), bytes });
        let parameters = "version = 1\n[rule.\"local/at-limit\"]\nparameters = { work = 30000, every = 100000 }\n";
        files.push(file(Role::Policy, parameters));
    }
    Ok(Material { shipped_rules: true, files })
}

/// Starts a host in a folder.
pub(crate) fn start(state: &Path, first: &Material, max_bytes: u64, keep: i64) -> Result<Host, Box<dyn Error>> {
    let options = HostOptions {
        state: state.to_owned(),
        folder: state.to_owned(),
        engine: Engine::new(&EngineConfig::default())?,
        session: SessionOptions::default(),
        max_bytes,
        keep,
        keep_audit: None,
        reload: Reload::default(),
        unwell: UnwellBounds::default(),
        clock: now,
    };
    let host = Host::start(options, || Ok(first.clone()))?;
    if !host.wait_serving(std::time::Duration::from_secs(120)) {
        return Err("no generation serves".into());
    }
    Ok(host)
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Counts what was answered.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    recorded: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl Answers {
    /// Sends records; the answer is counted.
    pub(crate) fn send(&self, host: &Host, bytes: Vec<u8>) -> Result<(), Box<dyn Error>> {
        let answers = self.clone();
        let reply = move |answer: Result<countersign_daemon::Ingested, _>| match answer {
            Ok(ingested) => drop(answers.recorded.fetch_add(ingested.recorded, Ordering::AcqRel)),
            Err(_) => drop(answers.refused.fetch_add(1, Ordering::AcqRel)),
        };
        Ok(host.ingest("trail", None, bytes, Box::new(reply))?)
    }

    /// Records that are on the disk.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Acquire)
    }

    /// Bodies that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }
}
