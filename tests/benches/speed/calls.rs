//! The cost of an event for five rules, in the sandbox and natively, by batch size. On both sides the same host code
//! builds the columns, gathers the state, checks the answer and applies it; only the detector differs.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use countersign_admission::{Admitted, admit};
use countersign_declaration::{Ceilings, resolve_parameters};
use countersign_engine::{Engine, EngineConfig};
use countersign_generate::Telemetry as System;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Detector, Parameter};
use countersign_model::{Finding, StateChange};
use countersign_stream::{RuleStream, Schema, Sequenced, build_batch, index_keys, partition_key};

use crate::Effort;
use crate::figures::{Watch, median, nanos_each, timed};
use crate::native::{Evaluate, Native};
use crate::rows::{self, Rows, Telemetry};

const SIZES: [usize; 4] = [1, 16, 256, 1_024];

/// Rows of each rule. Their events stay in the processor's cache, like events that were just read: with more of them both
/// sides wait for memory, and the sandbox seems to cost less than it does.
const ROWS: usize = 2_048;

/// The measured rules: four with state, one without, over the telemetry of two systems.
const MEASURED: [(System, &str, Evaluate); 5] = [
    (System::CloudTrail, "countersign/burst-of-denied-calls", burst_of_denied_calls::evaluate),
    (
        System::CloudTrail,
        "countersign/instance-credentials-used-elsewhere",
        instance_credentials_used_elsewhere::evaluate,
    ),
    (System::CloudTrail, "countersign/console-login-without-mfa", console_login_without_mfa::evaluate),
    (System::Okta, "countersign/password-spray", password_spray::evaluate),
    (System::Okta, "countersign/session-used-from-two-networks", session_used_from_two_networks::evaluate),
];

/// A rule in the sandbox and natively.
struct Subject {
    system: System,
    admitted: Admitted,
    parameters: Vec<Parameter>,
    native: Arc<Native>,
    sides: [Arc<Timed>; 2],
}

const SANDBOX: usize = 0;
const NATIVE: usize = 1;

/// A detector whose calls are timed.
struct Timed {
    detector: Arc<dyn Detector + Send + Sync>,
    calls: Watch,
}

impl Timed {
    fn new(detector: Arc<dyn Detector + Send + Sync>) -> Arc<Timed> {
        Arc::new(Timed { detector, calls: Watch::default() })
    }
}

impl Detector for Timed {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        self.calls.time(|| self.detector.detect(call))
    }

    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure> {
        self.detector.migrate(slot, from_version, blob)
    }
}

/// Figures of one rule and batch size, one for each round: nanoseconds an event, in the sandbox and natively.
#[derive(Default)]
struct Figures {
    whole: [Vec<f64>; 2],
    calls: [Vec<f64>; 2],
    columns: Vec<f64>,
    copying: Vec<f64>,
}

/// The median of the ratios of each round's two sides.
fn ratio([sandbox, native]: &[Vec<f64>; 2]) -> f64 {
    median(sandbox.iter().zip(native).map(|(sandbox, native)| sandbox / native))
}

/// Measures and prints the rules whose id contains `wanted`.
pub(crate) fn measure(effort: Effort, wanted: &str) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&EngineConfig::default())?;
    let subjects = MEASURED
        .iter()
        .filter(|(_, id, _)| id.contains(wanted))
        .map(|(system, id, evaluate)| Subject::load(&engine, *system, id, *evaluate))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    if subjects.is_empty() {
        return Ok(());
    }
    println!("A rule over the same rows, call after call; ns an event, medians of {} rounds", effort.rounds);
    println!("\n{:<44}{}", "rows of a call", SIZES.map(|size| format!("{size:>10}")).concat());
    let ratios = over(Telemetry::Ordinary, &subjects, effort)?;
    let medians =
        SIZES.iter().enumerate().map(|(size, _)| median(ratios.iter().filter_map(|of| of.get(size).copied())));
    println!(
        "{:<44}{}",
        "median of the rules, times native",
        medians.map(|of| format!("{of:>10.2}")).collect::<String>()
    );
    println!("\nThe same where every estate is attacked: rows of keys with findings are called again one by one");
    over(Telemetry::Attacked, &subjects, effort)?;
    println!();
    Ok(())
}

/// The ratios of each rule, by batch size.
fn over(telemetry: Telemetry, subjects: &[Subject], effort: Effort) -> Result<Vec<[f64; SIZES.len()]>, Box<dyn Error>> {
    let mut ratios = Vec::new();
    for system in [System::CloudTrail, System::Okta] {
        let subjects: Vec<_> = subjects.iter().filter(|subject| subject.system == system).collect();
        let declarations: Vec<_> = subjects.iter().map(|subject| subject.admitted.declaration()).collect();
        let rows = rows::generate(telemetry, system, &declarations, ROWS)?;
        for (subject, rows) in subjects.iter().zip(&rows) {
            ratios.push(subject.print(rows, effort.rounds)?);
        }
    }
    Ok(ratios)
}

impl Subject {
    fn load(engine: &Engine, system: System, id: &str, evaluate: Evaluate) -> Result<Subject, Box<dyn Error>> {
        let (_, bytes) = countersign_shipped::RULES
            .iter()
            .find(|(shipped, _)| *shipped == id)
            .ok_or_else(|| format!("`{id}` isn't shipped"))?;
        let listed = |refusals: Vec<countersign_declaration::Refusal>| {
            refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let admitted = admit(bytes, &Ceilings::default()).map_err(listed)?;
        let native = Arc::new(Native::new(evaluate));
        Ok(Subject {
            system,
            parameters: resolve_parameters(admitted.declaration(), &[].into()).map_err(listed)?,
            sides: [Timed::new(Arc::new(engine.load(&admitted)?)), Timed::new(native.clone())],
            native,
            admitted,
        })
    }

    /// The rule as at the beginning, without state.
    fn stream(&self, detector: Arc<dyn Detector + Send + Sync>) -> RuleStream {
        let data = self.admitted.data().unwrap_or_default().to_vec();
        RuleStream::new(self.admitted.declaration().clone(), detector, self.parameters.clone(), data)
    }

    /// Measures and prints the rule; the ratios by batch size.
    fn print(&self, rows: &Rows, rounds: usize) -> Result<[f64; SIZES.len()], Box<dyn Error>> {
        let found = self.check_agreement(&rows.rows)?;
        println!("{}", self.admitted.declaration().id);
        println!("  {} rows of {} keys, {found} findings", rows.rows.len(), rows.keys);
        let figures = SIZES.map(|size| self.rounds(rows, size, rounds));
        let line = |name: &str, value: &dyn Fn(&Figures) -> f64, decimals: usize| {
            println!("{name:<44}{}", figures.each_ref().map(|one| format!("{:>10.decimals$}", value(one))).concat());
        };
        for (side, name) in [(SANDBOX, "  sandbox"), (NATIVE, "  native")] {
            line(name, &|one| middle(one.whole.get(side)), 0);
        }
        line("  times native", &|one| ratio(&one.whole), 2);
        line("  of it in both: keys and columns", &|one| middle(Some(&one.columns)), 0);
        line("  of it the call, sandbox", &|one| middle(one.calls.get(SANDBOX)), 0);
        line("  of it the call, native", &|one| middle(one.calls.get(NATIVE)), 0);
        line("  the call alone, times native", &|one| ratio(&one.calls), 2);
        line("  not counted: copying for the native side", &|one| middle(Some(&one.copying)), 0);
        Ok(figures.each_ref().map(|one| ratio(&one.whole)))
    }

    /// The number of findings, if both sides have the same results.
    fn check_agreement(&self, rows: &[Sequenced]) -> Result<usize, Box<dyn Error>> {
        let [sandbox, native] = self.sides.each_ref().map(|side| results(self.stream(side.clone()), rows));
        let sandbox = sandbox?;
        if sandbox != native? {
            return Err(format!("`{}` has other results natively", self.admitted.declaration().id).into());
        }
        Ok(sandbox.0.len())
    }

    fn rounds(&self, rows: &Rows, size: usize, rounds: usize) -> Figures {
        let mut figures = Figures::default();
        let count = rows.rows.len();
        // The first warms up.
        for round in 0..=rounds {
            // The sides take turns at going first.
            let order = if round % 2 == 0 { [SANDBOX, NATIVE] } else { [NATIVE, SANDBOX] };
            for place in order {
                let Some(side) = self.sides.get(place) else { continue };
                side.calls.take();
                self.native.copying.take();
                let whole = judge(self.stream(side.clone()), &rows.rows, size);
                let (calls, copying) = (side.calls.take(), self.native.copying.take());
                if round == 0 {
                    continue;
                }
                let counted = |time: Duration| nanos_each(time.saturating_sub(copying), count);
                figures.whole.get_mut(place).into_iter().for_each(|times| times.push(counted(whole)));
                figures.calls.get_mut(place).into_iter().for_each(|times| times.push(counted(calls)));
                if place == NATIVE {
                    figures.copying.push(nanos_each(copying, count));
                    figures.columns.push(nanos_each(self.columns(&rows.rows, size), count));
                }
            }
        }
        figures
    }

    /// Keys and columns alone: a part of both sides.
    fn columns(&self, rows: &[Sequenced], size: usize) -> Duration {
        let declaration = self.admitted.declaration();
        let schema = Schema::of(declaration);
        let rows: Vec<&Sequenced> = rows.iter().collect();
        timed(|| {
            for rows in rows.chunks(size) {
                let keys: Vec<Option<Arc<str>>> = rows
                    .iter()
                    .map(|row| partition_key(declaration.partition_key, &row.event).map(Arc::from))
                    .collect();
                let (indices, texts) = index_keys(keys.iter().map(Option::as_ref));
                std::hint::black_box(build_batch(&schema, rows, &indices, &texts));
            }
        })
        .0
    }
}

/// The median; 0 without values.
fn middle(values: Option<&Vec<f64>>) -> f64 {
    median(values.into_iter().flatten().copied())
}

/// The time that a rule takes for all rows.
fn judge(mut stream: RuleStream, rows: &[Sequenced], size: usize) -> Duration {
    let rows: Vec<&Sequenced> = rows.iter().collect();
    timed(|| {
        for rows in rows.chunks(size) {
            std::hint::black_box(stream.judge(rows));
        }
    })
    .0
}

/// A rule's findings on all rows, and its changes of state.
fn results(mut stream: RuleStream, rows: &[Sequenced]) -> Result<(Vec<Finding>, Vec<StateChange>), Box<dyn Error>> {
    let rows: Vec<&Sequenced> = rows.iter().collect();
    let (mut findings, mut state) = (Vec::new(), Vec::new());
    for rows in rows.chunks(256) {
        let outcome = stream.judge(rows);
        if let Some(failed) = outcome.failures.first() {
            return Err(format!("a row was set aside: {}", failed.failure.message).into());
        }
        if let Some(disagreement) = outcome.disagreements.first() {
            return Err(format!("the rule contradicts itself: {}", disagreement.what).into());
        }
        findings.extend(outcome.findings.into_iter().map(|found| found.finding));
        state.extend(outcome.state);
    }
    Ok((findings, state))
}
