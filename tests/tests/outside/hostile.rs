//! The hostile corpus: what a rule's author may try, what ought to hold it, and what was seen to. One test makes every
//! attempt in one process, prints the table, and then asks a shipped rule whether it still finds what it found before:
//! `cargo test --test outside hostile -- --nocapture`.

mod answers;
mod code;
mod door;
mod estate;
mod floods;
mod stream;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use countersign_declaration::{Refusal, RefusalCode};
use countersign_engine::{CompileLimit, LoadedRule};
use countersign_model::ReasonCode;
use countersign_model::call::{CallFailure, FailureKind, Parameter};
use countersign_pipeline::{find_cases, run_case};

use crate::support::{Judge, Row, admitted, engine, failed, found, seen, shipped};

/// What holds an attempt.
#[derive(Clone, Debug, PartialEq)]
enum Held {
    /// It is refused before anything is compiled, for this reason among others.
    AtAdmission(RefusalCode),
    /// Compiling it hits this limit of the compiler process.
    AtCompile(CompileLimit),
    /// It is refused when it is loaded, in these words.
    AtLoad(String),
    /// The row is set aside, and nothing else.
    RowSetAside(FailureKind),
    /// The row is set aside because the answer breaks the contract, in these words.
    AnswerRefused(String),
    /// A call about no row fails: of a migration, or of a response rule.
    CallFailed(FailureKind),
    /// The rule is stopped.
    Stopped,
    /// The rule is marked as one that contradicts itself, in its findings, its state or its timers.
    NotDeterministic(&'static str),
    /// Only accounts that authenticated count towards quarantine.
    OnlyWhoAuthenticated,
    /// The gate grants nothing that touches anybody, for this reason among others.
    ByTheGate(ReasonCode),
    /// The entry of the compile cache is refused and the code compiled anew.
    CacheEntryRefused,
    /// What is kept is cut down to a bound.
    ToABound,
    /// It comes to nothing that the rule hadn't without it.
    NothingGained,
    /// Nothing.
    No(String),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::AtAdmission(code) => write!(f, "refused at admission: {code}"),
            Held::AtCompile(limit) => write!(f, "refused at compile: {limit}"),
            Held::AtLoad(words) => write!(f, "refused at load: {words}"),
            Held::RowSetAside(kind) => write!(f, "row set aside: {}", kind.id()),
            Held::AnswerRefused(words) => write!(f, "answer refused: {words}"),
            Held::CallFailed(kind) => write!(f, "call failed: {}", kind.id()),
            Held::Stopped => f.write_str("rule stopped"),
            Held::NotDeterministic(what) => write!(f, "not deterministic: {what}"),
            Held::OnlyWhoAuthenticated => f.write_str("quarantine by authenticated accounts only"),
            Held::ByTheGate(reason) => write!(f, "gate: {}", reason.id()),
            Held::CacheEntryRefused => f.write_str("cache entry refused"),
            Held::ToABound => f.write_str("cut to a bound"),
            Held::NothingGained => f.write_str("nothing gained"),
            Held::No(what) => write!(f, "NOT HELD: {what}"),
        }
    }
}

impl Held {
    /// Whether this was expected and that is what was seen. Words need only be among those seen.
    fn is(&self, seen: &Held) -> bool {
        match (self, seen) {
            (Held::AnswerRefused(words), Held::AnswerRefused(told)) | (Held::AtLoad(words), Held::AtLoad(told)) => {
                told.contains(words)
            }
            _ => self == seen,
        }
    }

    fn of(failure: &CallFailure) -> Held {
        match failure.kind {
            FailureKind::InvalidAnswer => Held::AnswerRefused(failure.message.clone()),
            kind => Held::RowSetAside(kind),
        }
    }

    /// The code looked for, else all that came.
    fn refused<T>(result: Result<T, Vec<Refusal>>, looked_for: RefusalCode) -> Held {
        match result {
            Ok(_) => Held::No("admitted".to_owned()),
            Err(refusals) if refusals.iter().any(|one| one.code == looked_for) => Held::AtAdmission(looked_for),
            Err(refusals) => Held::No(format!("{refusals:?}")),
        }
    }

    /// Nothing gained if this is so.
    fn nothing_gained(so: bool, otherwise: impl FnOnce() -> String) -> Held {
        if so { Held::NothingGained } else { Held::No(otherwise()) }
    }
}

/// An attempt.
struct Attempt {
    name: &'static str,
    tries: &'static str,
    expected: Held,
    seen: Box<dyn Fn() -> Held>,
}

fn attempt(name: &'static str, tries: &'static str, expected: Held, seen: impl Fn() -> Held + 'static) -> Attempt {
    Attempt { name, tries, expected, seen: Box::new(seen) }
}

/// One attempt amid honest rows, in batches of several sizes. Only its own row may be touched: the neighbours' findings
/// come, one each, and everything that is told is the same whatever the batch.
fn amid_honest_rows(rule: &Arc<LoadedRule>, parameters: &[(&str, Parameter)], operation: &str) -> Held {
    let rows = [("ListUsers", "ALICE"), (operation, "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "BOB")];
    let outcome = Judge::with(rule.clone(), parameters).judge(&rows);
    for size in [1, 2, 3] {
        let split = Judge::with(rule.clone(), parameters).judge_in(size, &rows);
        if seen(&split) != seen(&outcome) {
            return Held::No(format!("batches of {size} came to something else"));
        }
    }
    let neighbours: Vec<u64> = found(&outcome).into_iter().map(|(position, _)| position).collect();
    match (outcome.failures.as_slice(), neighbours.as_slice()) {
        ([failed], [0, 2, 3]) if failed.row.position == 1 => Held::of(&failed.failure),
        _ => Held::No(seen(&outcome)),
    }
}

/// One attempt that a rule makes on every row: all of them fail alike.
fn on_every_row(rule: &Arc<LoadedRule>, rows: &[Row<'_>]) -> Held {
    let outcome = Judge::new(rule.clone()).judge(rows);
    let positions = failed(&outcome).iter().map(|(position, _)| *position).eq(0..rows.len() as u64);
    let mut held: Vec<Held> = outcome.failures.iter().map(|failed| Held::of(&failed.failure)).collect();
    held.dedup();
    match held.as_slice() {
        [held] if positions && outcome.found.is_empty() && outcome.state.is_empty() => held.clone(),
        _ => Held::No(seen(&outcome)),
    }
}

/// The least that the corpus has.
const LEAST: usize = 30;

#[test]
fn hostile() {
    let burst = || Arc::new(engine().load(&admitted(shipped("burst-of-denied-calls"))).unwrap());
    let before = burst();
    let expected = finds(&before);

    let corpus: Vec<Attempt> = [door::attempts(), code::attempts(), floods::attempts()]
        .into_iter()
        .chain([answers::attempts(), stream::attempts(), estate::attempts()])
        .flatten()
        .collect();
    assert!(corpus.len() >= LEAST);
    let mut otherwise = Vec::new();
    println!("{:<34} {:<66} {:<52} seen", "attempt", "what it tries", "expected");
    for Attempt { name, tries, expected, seen } in &corpus {
        // An attempt that makes the host panic is seen as such, and the others are made all the same.
        let seen = catch_unwind(AssertUnwindSafe(seen)).unwrap_or_else(|_| Held::No("the host panicked".to_owned()));
        println!("{name:<34} {tries:<66} {:<52} {}", expected.to_string(), clip(&seen));
        if !expected.is(&seen) {
            otherwise.push(format!("{name}: expected {expected}, saw {seen}"));
        }
    }
    println!("{} attempts, {} seen otherwise than expected", corpus.len(), otherwise.len());
    assert!(otherwise.is_empty(), "{}", otherwise.join("\n"));

    // In this process, after all of that: the rule that was loaded before, one that is loaded now, and its cases.
    assert_eq!(finds(&before), expected);
    assert_eq!(finds(&burst()), expected);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/burst-of-denied-calls");
    let cases = find_cases(&folder).unwrap();
    assert!(cases.iter().any(|case| case.ends_with("stolen-key-amid-others")));
    for case in cases {
        let told = run_case(engine(), shipped("burst-of-denied-calls"), &[], &case).unwrap();
        assert_eq!(told, Vec::<String>::new(), "{}", case.display());
    }
    println!("a shipped rule finds what it found before: {}", expected.lines().count());
}

/// What the shipped rule says about denied calls of several operations.
fn finds(rule: &Arc<LoadedRule>) -> String {
    let rows: Vec<Row<'_>> =
        (0..40).map(|row| (["ListUsers", "ListRoles", "ListBuckets"][row % 3], ["ALICE", "BOB"][row / 20])).collect();
    let outcome = Judge::new(rule.clone()).judge(&rows);
    assert!(outcome.found.len() >= 2 && outcome.failures.is_empty(), "{}", seen(&outcome));
    seen(&outcome)
}

/// One line of the table's last column.
fn clip(seen: &Held) -> String {
    let text = seen.to_string().replace('\n', " ");
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
