//! Shared by the tests of the path: the shipped rules as a generation, generated telemetry, an observer.

use std::io;
use std::sync::{Arc, LazyLock};

use countersign_engine::{Engine, EngineConfig};
use countersign_formats::{DeadLetter, Record, format_by_name};
use countersign_generate::{Preset, Telemetry};
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_model::DigestKey;
use countersign_policy::{Directory, SourceFile};
use countersign_session::{DecisionLine, Notice, Observer, Replay, Report, SessionOptions, run};
use countersign_store::Store;

pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineConfig::default()).unwrap());

/// The shipped rules under the shipped policy.
pub(crate) fn generation(identities: Option<String>) -> Arc<Generation> {
    let rules = countersign_shipped::RULES
        .iter()
        .map(|(id, bytes)| RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() })
        .collect();
    let settings = Settings {
        directory: identities.map(|text| SourceFile::parse("identities", text, Directory::parse).unwrap()),
        ..Settings::shipped().unwrap()
    };
    let (generation, faults) = Generation::load(&ENGINE, rules, settings);
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// The demo's telemetry and directory.
pub(crate) fn demo() -> (Vec<u8>, String) {
    let generated = Preset::Demo.scenario(Telemetry::CloudTrail, 1, None).build();
    let identities = generated.identities_toml.clone();
    let mut bytes = Vec::new();
    countersign_generate::write_ndjson(generated.records, &mut bytes).unwrap();
    (bytes, identities)
}

pub(crate) fn records(bytes: Vec<u8>) -> impl Iterator<Item = Record> + Send {
    format_by_name("cloudtrail").unwrap().read(Box::new(io::Cursor::new(bytes)), 0)
}

/// Collects the output of a run.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) decisions: Vec<String>,
    pub(crate) lines: Vec<DecisionLine>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) dead_letters: Vec<DeadLetter>,
}

impl Observer for Collector {
    fn decision(&mut self, _: u64, line: &DecisionLine) -> io::Result<()> {
        self.decisions.push(serde_json::to_string(line)?);
        self.lines.push(line.clone());
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, letter: &DeadLetter) -> io::Result<()> {
        self.dead_letters.push(letter.clone());
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        self.notices.push(notice.clone());
        Ok(())
    }
}

pub(crate) fn options(batch: usize, workers: usize) -> SessionOptions {
    SessionOptions { batch, workers, key: DigestKey::public(), ..SessionOptions::default() }
}

pub(crate) fn judge(
    bytes: Vec<u8>,
    generation: &Arc<Generation>,
    store: &mut dyn Store,
    options: &SessionOptions,
) -> (Report, Collector) {
    let mut output = Collector::default();
    let report = run(records(bytes), generation, store, options, Replay::default(), &mut output).unwrap();
    (report, output)
}
