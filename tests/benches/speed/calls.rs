//! The cost of an event for three rules, in the sandbox and natively, by batch size. On both sides the same host code
//! builds the columns, gathers the state, checks the answer and applies it; only who answers differs.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use countersign_admission::{Admitted, admit};
use countersign_declaration::{Ceilings, resolve_parameters};
use countersign_engine::{Engine, EngineConfig};
use countersign_model::call::{Detector, Parameter};
use countersign_model::{Finding, StateChange};
use countersign_stream::{RuleStream, Schema, Sequenced, build_batch, index_keys, partition_key};

use crate::Effort;
use crate::figures::{median, nanos_each, timed};
use crate::native::{Evaluate, Native};
use crate::rows::{self, Rows, Telemetry};

const SIZES: [usize; 4] = [1, 16, 256, 1_024];

/// Two with state, one without.
const MEASURED: [(&str, Evaluate); 3] = [
    ("countersign/burst-of-denied-calls", burst_of_denied_calls::evaluate),
    ("countersign/instance-credentials-used-elsewhere", instance_credentials_used_elsewhere::evaluate),
    ("countersign/console-login-without-mfa", console_login_without_mfa::evaluate),
];

/// A rule on both sides.
struct Subject {
    admitted: Admitted,
    parameters: Vec<Parameter>,
    sandboxed: Arc<dyn Detector + Send + Sync>,
    native: Arc<Native>,
}

/// Figures of one rule and batch size, a round each; nanoseconds an event.
#[derive(Default)]
struct Figures {
    sandboxed: Vec<f64>,
    native: Vec<f64>,
    columns: Vec<f64>,
    copying: Vec<f64>,
}

impl Figures {
    /// Of the two sides of each round.
    fn ratio(&self) -> f64 {
        median(self.sandboxed.iter().zip(&self.native).map(|(sandboxed, native)| sandboxed / native))
    }
}

/// Measures and prints.
pub(crate) fn measure(effort: Effort) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&EngineConfig::default())?;
    let subjects = MEASURED
        .iter()
        .map(|(id, evaluate)| Subject::load(&engine, id, *evaluate))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let declarations: Vec<_> = subjects.iter().map(|subject| subject.admitted.declaration()).collect();
    let rows = rows::of_rules(Telemetry::Ordinary, &declarations, effort.rows)?;

    println!("One rule call after another over the same rows; ns an event, medians of {} rounds\n", effort.rounds);
    print!("{:<44}", "");
    println!("{}", SIZES.map(|size| format!("{size:>10}")).concat());
    let mut ratios = SIZES.map(|_| Vec::new());
    for (subject, rows) in subjects.iter().zip(&rows) {
        let id = &subject.admitted.declaration().id;
        let found = subject.agree(&rows.rows)?;
        println!("{id}\n  {} rows of {} keys, {found} findings", rows.rows.len(), rows.keys);
        let figures = SIZES.map(|size| subject.rounds(rows, size, effort.rounds));
        let line = |name: &str, value: &dyn Fn(&Figures) -> f64, decimals: usize| {
            println!("{name:<44}{}", figures.each_ref().map(|one| format!("{:>10.decimals$}", value(one))).concat());
        };
        line("  sandbox", &|one| median(one.sandboxed.iter().copied()), 0);
        line("  native", &|one| median(one.native.iter().copied()), 0);
        line("  times native", &Figures::ratio, 2);
        line("  of both: building the columns", &|one| median(one.columns.iter().copied()), 0);
        line("  not counted: copying for the native side", &|one| median(one.copying.iter().copied()), 0);
        figures.iter().zip(&mut ratios).for_each(|(one, ratios)| ratios.push(one.ratio()));
    }
    println!("{:<44}{}\n", "median of the rules, times native", ratios.map(|of| format!("{:>10.2}", median(of))).concat());
    Ok(())
}

impl Subject {
    fn load(engine: &Engine, id: &str, evaluate: Evaluate) -> Result<Subject, Box<dyn Error>> {
        let (_, bytes) = countersign_shipped::RULES
            .iter()
            .find(|(shipped, _)| *shipped == id)
            .ok_or_else(|| format!("`{id}` isn't shipped"))?;
        let listed = |refusals: Vec<countersign_declaration::Refusal>| {
            refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let admitted = admit(bytes, &Ceilings::default()).map_err(listed)?;
        Ok(Subject {
            parameters: resolve_parameters(admitted.declaration(), &[].into()).map_err(listed)?,
            sandboxed: Arc::new(engine.load(&admitted)?),
            native: Arc::new(Native::new(evaluate)),
            admitted,
        })
    }

    /// The rule as at the beginning, without state.
    fn stream(&self, detector: Arc<dyn Detector + Send + Sync>) -> RuleStream {
        let data = self.admitted.data().unwrap_or_default().to_vec();
        RuleStream::new(self.admitted.declaration().clone(), detector, self.parameters.clone(), data)
    }

    /// How many findings there are, when both sides say the same.
    fn agree(&self, rows: &[Sequenced]) -> Result<usize, Box<dyn Error>> {
        let sandboxed = said(self.stream(Arc::clone(&self.sandboxed)), rows)?;
        let native = said(self.stream(self.native.clone()), rows)?;
        if sandboxed != native {
            return Err(format!("`{}` says something else natively", self.admitted.declaration().id).into());
        }
        Ok(sandboxed.0.len())
    }

    fn rounds(&self, rows: &Rows, size: usize, rounds: usize) -> Figures {
        let mut figures = Figures::default();
        // The first warms up.
        for round in 0..=rounds {
            let mut sandboxed = Duration::ZERO;
            let mut native = Duration::ZERO;
            let mut copying = 0;
            // Who goes first changes from round to round.
            for side in [round % 2, (round + 1) % 2] {
                if side == 0 {
                    sandboxed = judge(self.stream(Arc::clone(&self.sandboxed)), &rows.rows, size);
                } else {
                    native = judge(self.stream(self.native.clone()), &rows.rows, size);
                    copying = self.native.take_copying();
                }
            }
            if round > 0 {
                let count = rows.rows.len();
                let copying = Duration::from_nanos(copying);
                figures.sandboxed.push(nanos_each(sandboxed, count));
                figures.native.push(nanos_each(native.saturating_sub(copying), count));
                figures.copying.push(nanos_each(copying, count));
                figures.columns.push(nanos_each(self.columns(&rows.rows, size), count));
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

/// What a rule says of all rows, and the state it leaves.
fn said(mut stream: RuleStream, rows: &[Sequenced]) -> Result<(Vec<Finding>, Vec<StateChange>), Box<dyn Error>> {
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
        findings.extend(outcome.found.into_iter().map(|found| found.finding));
        state.extend(outcome.state);
    }
    Ok((findings, state))
}
