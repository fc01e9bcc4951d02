//! The hostile corpus: what a rule's author may try, the expected defence, and the observed one. One test makes every
//! attempt in one process, prints the table, and then checks that a shipped rule still finds what it found before: `cargo
//! test --test outside hostile -- --nocapture`.

mod answers;
mod callers;
mod closed;
mod code;
mod door;
mod effects;
mod envelopes;
mod estate;
mod failures;
mod floods;
mod kept;
mod leaving;
mod lineage;
mod order;
mod permitted;
mod principals;
mod reading;
mod records;
mod refused;
mod samples;
mod sources;
mod stream;
mod touching;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use countersign_author::{find_cases, run_case};
use countersign_declaration::{Refusal, RefusalCode};
use countersign_engine::{ChildLimit, LoadedRule};
use countersign_model::ReasonCode;
use countersign_model::call::{CallFailure, FailureKind, Parameter};

use crate::support::{Judge, Row, admitted, engine, failed, found, seen, shipped};

/// The defence against an attempt.
#[derive(Clone, Debug, PartialEq)]
enum Defence {
    /// It is refused before anything is compiled, for this reason among others.
    AtAdmission(RefusalCode),
    /// Compiling it hits this limit of the compiler process.
    AtCompile(ChildLimit),
    /// It is refused when it is loaded, with this message.
    AtLoad(String),
    /// The row is set aside, and nothing else.
    RowSetAside(FailureKind),
    /// The row is set aside because the answer breaks the contract, with this message.
    AnswerRefused(String),
    /// A call without rows fails: of a migration, or of a response rule.
    CallFailed(FailureKind),
    /// The rule is stopped for the source of the row.
    Stopped,
    /// The rule is reported as contradicting itself, in its findings, its state or its timers.
    NotDeterministic(&'static str),
    /// Only accounts that authenticated count towards quarantine.
    OnlyWhoAuthenticated,
    /// The gate grants only observing actions, for this reason among others.
    ByTheGate(ReasonCode),
    /// The gate asks a person, for this reason among others.
    AskedFirst(ReasonCode),
    /// The entry of the compile cache is refused and the code compiled again.
    CacheEntryRefused,
    /// The amount is limited to a bound.
    Bounded,
    /// The attempt gains nothing.
    NothingGained,
    /// There is none.
    None(String),
}

impl fmt::Display for Defence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Defence::AtAdmission(code) => write!(f, "refused at admission: {code}"),
            Defence::AtCompile(limit) => write!(f, "refused at compile: {limit}"),
            Defence::AtLoad(message) => write!(f, "refused at load: {message}"),
            Defence::RowSetAside(kind) => write!(f, "row set aside: {}", kind.id()),
            Defence::AnswerRefused(message) => write!(f, "answer refused: {message}"),
            Defence::CallFailed(kind) => write!(f, "call failed: {}", kind.id()),
            Defence::Stopped => f.write_str("rule stopped for the source"),
            Defence::NotDeterministic(what) => write!(f, "not deterministic: {what}"),
            Defence::OnlyWhoAuthenticated => f.write_str("quarantine by authenticated accounts only"),
            Defence::ByTheGate(reason) => write!(f, "gate: {}", reason.id()),
            Defence::AskedFirst(reason) => write!(f, "asks a person: {}", reason.id()),
            Defence::CacheEntryRefused => f.write_str("cache entry refused"),
            Defence::Bounded => f.write_str("bounded"),
            Defence::NothingGained => f.write_str("nothing gained"),
            Defence::None(what) => write!(f, "NO DEFENCE: {what}"),
        }
    }
}

impl Defence {
    /// Whether the observed defence is this expected one. Expected messages may be parts of the observed ones.
    fn is(&self, seen: &Defence) -> bool {
        match (self, seen) {
            (Defence::AnswerRefused(part), Defence::AnswerRefused(message))
            | (Defence::AtLoad(part), Defence::AtLoad(message)) => message.contains(part),
            _ => self == seen,
        }
    }

    fn by_failure(failure: &CallFailure) -> Defence {
        match failure.kind {
            FailureKind::InvalidAnswer => Defence::AnswerRefused(failure.message.clone()),
            kind => Defence::RowSetAside(kind),
        }
    }

    /// Refused at admission with this code, or not.
    fn refused<T>(result: Result<T, Vec<Refusal>>, looked_for: RefusalCode) -> Defence {
        match result {
            Ok(_) => Defence::None("admitted".to_owned()),
            Err(refusals) if refusals.iter().any(|one| one.code == looked_for) => Defence::AtAdmission(looked_for),
            Err(refusals) => Defence::None(format!("{refusals:?}")),
        }
    }

    /// Nothing gained if the condition is true.
    fn nothing_gained(condition: bool, otherwise: impl FnOnce() -> String) -> Defence {
        if condition { Defence::NothingGained } else { Defence::None(otherwise()) }
    }
}

/// An attempt.
struct Attempt {
    name: &'static str,
    tries: &'static str,
    expected: Defence,
    seen: Box<dyn Fn() -> Defence>,
}

fn attempt(
    name: &'static str,
    tries: &'static str,
    expected: Defence,
    seen: impl Fn() -> Defence + 'static,
) -> Attempt {
    Attempt { name, tries, expected, seen: Box::new(seen) }
}

/// Makes an attempt amid honest rows, in batches of several sizes. Only its own row may be affected: the neighbours have a
/// finding each, and the outcome is the same in any batch.
fn amid_honest_rows(rule: &Arc<LoadedRule>, parameters: &[(&str, Parameter)], operation: &str) -> Defence {
    let rows = [("ListUsers", "ALICE"), (operation, "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "BOB")];
    let outcome = Judge::with(rule.clone(), parameters).judge(&rows);
    for size in [1, 2, 3] {
        let split = Judge::with(rule.clone(), parameters).judge_in(size, &rows);
        if seen(&split) != seen(&outcome) {
            return Defence::None(format!("batches of {size} have another outcome"));
        }
    }
    let neighbours: Vec<u64> = found(&outcome).into_iter().map(|(position, _)| position).collect();
    match (outcome.failures.as_slice(), neighbours.as_slice()) {
        ([failed], [0, 2, 3]) if failed.row.position == 1 => Defence::by_failure(&failed.failure),
        _ => Defence::None(seen(&outcome)),
    }
}

/// Makes an attempt on every row: all of them must fail alike.
fn on_every_row(rule: &Arc<LoadedRule>, rows: &[Row<'_>]) -> Defence {
    let outcome = Judge::new(rule.clone()).judge(rows);
    let positions = failed(&outcome).iter().map(|(position, _)| *position).eq(0..rows.len() as u64);
    let mut defence: Vec<Defence> =
        outcome.failures.iter().map(|failed| Defence::by_failure(&failed.failure)).collect();
    defence.dedup();
    match defence.as_slice() {
        [defence] if positions && outcome.findings.is_empty() && outcome.state.is_empty() => defence.clone(),
        _ => Defence::None(seen(&outcome)),
    }
}

/// Minimum of attempts in the corpus.
const MIN_ATTEMPTS: usize = 224;

#[test]
fn hostile() {
    let burst = || Arc::new(engine().load(&admitted(shipped("burst-of-denied-calls"))).unwrap());
    let before = burst();
    let expected = finds(&before);

    let corpus: Vec<Attempt> = [
        door::attempts(),
        code::attempts(),
        floods::attempts(),
        answers::attempts(),
        stream::attempts(),
        estate::attempts(),
        leaving::attempts(),
        sources::attempts(),
        effects::attempts(),
        principals::attempts(),
        lineage::attempts(),
        closed::attempts(),
        samples::attempts(),
        callers::attempts(),
        envelopes::attempts(),
        reading::attempts(),
        kept::attempts(),
        failures::attempts(),
        touching::attempts(),
        order::attempts(),
        records::attempts(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(corpus.len() >= MIN_ATTEMPTS);
    let mut unexpected = Vec::new();
    println!("{:<34} {:<66} {:<52} seen", "attempt", "what it tries", "expected");
    for Attempt { name, tries, expected, seen } in &corpus {
        // A panic of the host is reported, and doesn't stop the other attempts.
        let seen =
            catch_unwind(AssertUnwindSafe(seen)).unwrap_or_else(|_| Defence::None("the host panicked".to_owned()));
        println!("{name:<34} {tries:<66} {:<52} {}", expected.to_string(), clip(&seen));
        if !expected.is(&seen) {
            unexpected.push(format!("{name}: expected {expected}, saw {seen}"));
        }
    }
    println!("{} attempts, {} with an unexpected result", corpus.len(), unexpected.len());
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));

    // Afterwards, in the same process: the rule that was loaded before, one that is loaded now, and its cases.
    assert_eq!(finds(&before), expected);
    assert_eq!(finds(&burst()), expected);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/burst-of-denied-calls");
    let cases = find_cases(&folder).unwrap();
    assert!(cases.iter().any(|case| case.ends_with("stolen-key-amid-others")));
    for case in cases {
        let differences = run_case(engine(), shipped("burst-of-denied-calls"), &[], &case).unwrap();
        assert_eq!(differences, Vec::<String>::new(), "{}", case.display());
    }
    println!("a shipped rule finds what it found before: {}", expected.lines().count());
}

/// The outcome of the shipped rule on denied calls of several operations.
fn finds(rule: &Arc<LoadedRule>) -> String {
    let rows: Vec<Row<'_>> =
        (0..40).map(|row| (["ListUsers", "ListRoles", "ListBuckets"][row % 3], ["ALICE", "BOB"][row / 20])).collect();
    let outcome = Judge::new(rule.clone()).judge(&rows);
    assert!(outcome.findings.len() >= 2 && outcome.failures.is_empty(), "{}", seen(&outcome));
    seen(&outcome)
}

/// The text for the table's last column.
fn clip(seen: &Defence) -> String {
    let text = seen.to_string().replace('\n', " ");
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
