//! Rows with an operation and an account, and a rule that judges them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use countersign_admission::{Admitted, admit};
use countersign_declaration::Ceilings;
use countersign_engine::{Engine, EngineConfig, LoadedRule};
use countersign_generation::Settings;
use countersign_model::call::{FailureKind, Parameter};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Timestamp, Value};
use countersign_policy::{SourceFile, Trust};
use countersign_stream::{Clock, Outcome, QuarantineThreshold, RuleStream, Sequenced};

/// The engine that most tests share.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&EngineConfig::default()).unwrap())
}

/// What ships, and trust in the guests.
pub(crate) fn settings() -> Settings {
    let trust = SourceFile::parse("trust", countersign_tests::TRUST, Trust::parse).unwrap();
    Settings { trust, ..Settings::shipped().unwrap() }
}

/// The bytes of a guest, by its folder's name.
pub(crate) fn bytes(name: &str) -> &'static [u8] {
    let found = countersign_tests::GUESTS.iter().find(|(id, _)| id.split_once('/').is_some_and(|(_, own)| own == name));
    found.unwrap_or_else(|| panic!("no guest `{name}`")).1
}

/// The bytes of a shipped rule, by its name.
pub(crate) fn shipped(name: &str) -> &'static [u8] {
    let id = format!("countersign/{name}");
    countersign_shipped::RULES.iter().find(|(other, _)| *other == id).unwrap_or_else(|| panic!("no rule `{id}`")).1
}

/// Admitted under the default ceilings.
pub(crate) fn admitted(bytes: &[u8]) -> Admitted {
    admit(bytes, &Ceilings::default()).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// A guest, ready to be called; compiled on first use.
pub(crate) fn guest(name: &'static str) -> Arc<LoadedRule> {
    static GUESTS: Mutex<BTreeMap<&str, Arc<LoadedRule>>> = Mutex::new(BTreeMap::new());
    let mut guests = GUESTS.lock().unwrap();
    guests.entry(name).or_insert_with(|| Arc::new(engine().load(&admitted(bytes(name))).unwrap())).clone()
}

/// No rule goes into quarantine.
pub(crate) const NEVER: QuarantineThreshold = QuarantineThreshold { min_accounts: u32::MAX, percent: 100 };

/// One event: the operation, and the account. An empty text means no account, a leading `?` not authenticated.
pub(crate) type Row<'a> = (&'a str, &'a str);

/// A rule in the stream, and the stream's clock.
pub(crate) struct Judge {
    pub(crate) stream: RuleStream,
    clock: Clock,
    next: u64,
}

impl Judge {
    /// With the default parameters.
    pub(crate) fn new(rule: Arc<LoadedRule>) -> Judge {
        Judge::with(rule, &[])
    }

    /// With some parameters set.
    pub(crate) fn with(rule: Arc<LoadedRule>, set: &[(&str, Parameter)]) -> Judge {
        let declaration = rule.declaration().clone();
        let value = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        let parameters = declaration.parameters.iter();
        let parameters = parameters.map(|one| value(&one.name).unwrap_or_else(|| one.default.clone())).collect();
        Judge { stream: RuleStream::new(declaration, rule, parameters, Vec::new()), clock: Clock::default(), next: 0 }
    }

    /// The next rows, a second apart.
    pub(crate) fn rows(&mut self, rows: &[Row<'_>]) -> Vec<Sequenced> {
        rows.iter()
            .map(|row| {
                let event = event(self.next, *row);
                let (_, placement) = self.clock.place(&event.source, event.time, event.time);
                self.next += 1;
                Sequenced::new(self.next - 1, Arc::new(event), placement)
            })
            .collect()
    }

    /// Judges rows in one batch. Changes of state are in order of their slots' names and keys.
    pub(crate) fn judge(&mut self, rows: &[Row<'_>]) -> Outcome {
        let rows = self.rows(rows);
        let mut outcome = self.stream.judge(&rows.iter().collect::<Vec<_>>());
        outcome.state.sort_by(|a, b| (&a.slot, &a.key).cmp(&(&b.slot, &b.key)));
        outcome
    }

    /// Judges rows in batches of a size, with a merged outcome.
    pub(crate) fn judge_in(&mut self, size: usize, rows: &[Row<'_>]) -> Outcome {
        let mut all = Outcome::default();
        for rows in rows.chunks(size) {
            let outcome = self.judge(rows);
            all.findings.extend(outcome.findings);
            all.failures.extend(outcome.failures);
            all.disagreements.extend(outcome.disagreements);
            all.diagnostics.extend(outcome.diagnostics);
            for change in outcome.timers {
                all.timers.retain(|other| (&other.key, &other.id) != (&change.key, &change.id));
                all.timers.push(change);
            }
            all.timers.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
            for change in outcome.state {
                all.state.retain(|other| (&other.slot, &other.key) != (&change.slot, &change.key));
                all.state.push(change);
            }
            all.state.sort_by(|a, b| (&a.slot, &a.key).cmp(&(&b.slot, &b.key)));
            all.begun.extend(outcome.begun);
        }
        all
    }
}

/// An event of the class API activity.
pub(crate) fn event(number: u64, (operation, account): Row<'_>) -> Event {
    let mut event = countersign_testing::call(number, operation, account);
    let time = Timestamp(1_714_550_400_000_000).plus_micros(i64::try_from(number).unwrap() * 1_000_000);
    (event.time, event.ingest_time) = (time, time);
    event.fields.set(FieldId::ActionId, Value::Unsigned(2));
    event
}

/// The findings: position and message.
pub(crate) fn found(outcome: &Outcome) -> Vec<(u64, &str)> {
    outcome.findings.iter().map(|found| (found.finding.position, found.finding.message.as_str())).collect()
}

/// The rows set aside: position and kind of failure.
pub(crate) fn failed(outcome: &Outcome) -> Vec<(u64, FailureKind)> {
    outcome.failures.iter().map(|failed| (failed.row.position, failed.failure.kind)).collect()
}

/// Everything of an outcome that people or the audit file get, as text.
pub(crate) fn seen(outcome: &Outcome) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for found in &outcome.findings {
        writeln!(text, "{:?} {:?}", found.finding, found.bundle).unwrap();
    }
    for failed in &outcome.failures {
        writeln!(text, "{} {:?}", failed.row.position, failed.failure).unwrap();
    }
    for diagnostic in &outcome.diagnostics {
        writeln!(text, "{diagnostic:?}").unwrap();
    }
    writeln!(text, "{:?} {:?}, {} disagreements", outcome.state, outcome.timers, outcome.disagreements.len()).unwrap();
    text
}
