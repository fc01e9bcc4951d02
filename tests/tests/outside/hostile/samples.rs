//! Attempts to answer otherwise in batches than alone where the batch finds nothing: only the sample shows it.

use std::sync::Arc;

use countersign_model::DigestKey;
use countersign_session::SessionOptions;

use super::{Attempt, Defence, attempt};
use crate::fed;
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module};
use crate::sessions::{Backend, Files, Step, play};
use crate::support::{Judge, NEVER, Row, admitted, engine, seen};

pub(super) fn attempts() -> Vec<Attempt> {
    let findings = || Defence::NotDeterministic("findings");
    vec![
        attempt("quiet-in-batches", "finds only in calls of one row", findings(), || {
            // The first batch that it gets shows it.
            disagreements(0, 1)
        }),
        attempt("quiet-in-batches-later", "the same once its first rows are behind it", findings(), || {
            // One row in 256 is called alone, and it can't know which: of 4,000 about 16.
            disagreements(1_000_000, 4_000)
        }),
        attempt(
            "restart-for-another-sample",
            "hopes that a restart or the same code again begins the sample anew",
            Defence::NothingGained,
            || {
                let [plain, restarted, swapped] = [None, Some(Step::Kill), Some(Step::Swap(generation("")))].map(found);
                let sampled = (4_096..4_400).contains(&plain);
                Defence::nothing_gained(sampled && restarted < plain + 100 && swapped < plain + 100, || {
                    format!("{plain} found, {restarted} with a restart, {swapped} with a swap")
                })
            },
        ),
        attempt(
            "new-code-under-an-old-name",
            "behaves for its first rows, and then comes with other code",
            Defence::NothingGained,
            || {
                let [plain, other] = [None, Some(Step::Swap(generation("(func)")))].map(found);
                Defence::nothing_gained(other >= plain + 400, || format!("{plain} found, {other} with other code"))
            },
        ),
    ]
}

/// Finds something on a row that comes alone, and nothing in a batch.
fn quiet_in_batches(more: &str) -> Vec<u8> {
    let body = "
        (if (i32.ne (i32.load offset=12 (local.get 0)) (i32.const 1)) (then (return (i32.const 64))))
        i32.const 128";
    let more = format!("{FINDING} {more}");
    let declared = DECLARATION.replace("fields =", "partition-key = \"actor\"\nfields =");
    component(module(Parts { evaluate: body, more: &more, ..HONEST }), &declared)
}

/// Judges rows in batches after so many others.
fn disagreements(after: u64, rows: usize) -> Defence {
    let rule = Arc::new(engine().load(&admitted(&quiet_in_batches(""))).unwrap());
    let mut judge = Judge::new(rule);
    judge.stream = judge.stream.with_sample(&DigestKey::public());
    judge.stream.set_judged(after);
    let names: Vec<String> = (0..rows.max(2)).map(|number| format!("ACCOUNT{number}")).collect();
    let all: Vec<Row<'_>> = names.iter().map(|name| ("ListUsers", name.as_str())).collect();
    let outcome = judge.judge_in(50, &all);
    match outcome.disagreements.as_slice() {
        [one, ..] if outcome.disagreements.len() == outcome.findings.len() => Defence::NotDeterministic(one.what),
        _ => Defence::None(seen(&outcome)),
    }
}

fn generation(more: &str) -> Arc<countersign_generation::Generation> {
    let (generation, faults) = fed::load(&[("quiet", &quiet_in_batches(more))], "");
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// How much is found in 5,000 rows of a session, with this after 4,500 of them.
fn found(then: Option<Step>) -> usize {
    let lines: String =
        (0..5_000).map(|at| fed::record(at, 1 + u32::try_from(at).unwrap() % 200, "clock") + "\n").collect();
    let files = Files::new("cloudtrail", &[lines.as_bytes()]);
    let mut steps = vec![Step::Record(None); 5_000];
    then.into_iter().for_each(|step| steps.insert(4_500, step));
    let options = SessionOptions { workers: 1, quarantine: NEVER, ..SessionOptions::default() };
    let outcome = play(&mut Backend::memory(), &files, &steps, &generation(""), &options);
    outcome.lines.iter().filter(|(_, line)| line.contains(r#""type":"finding""#)).count()
}
