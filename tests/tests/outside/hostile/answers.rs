//! Attempts with answers that break the contract, and to keep something from one call for another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_engine::LoadedRule;
use countersign_model::call::{Detector as _, FailureKind};

use super::{Attempt, Defence, amid_honest_rows, attempt, on_every_row};
use crate::garbage::propose;
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module};
use crate::support::{Judge, Row, admitted, engine, failed, found, guest, seen};

pub(super) fn attempts() -> Vec<Attempt> {
    let mut attempts = vec![
        raw("invalid-utf-8", "a message that isn't UTF-8", "utf-8", r#"(data (i32.const 521) "\ff\fe")"#),
        raw("lone-surrogate", "a message with half a character", "utf-8", SURROGATE),
        raw(
            "offset-past-memory",
            "a message past its memory",
            "out of bounds",
            r#"(data (i32.const 288) "\00\00\10\00")"#,
        ),
        raw(
            "length-that-wraps",
            "a length that wraps around",
            "",
            r#"(data (i32.const 288) "\fc\ff\ff\ff\ff\ff\ff\ff")"#,
        ),
        raw("severity-of-its-own", "a severity that doesn't exist", "", r#"(data (i32.const 269) "\06")"#),
        raw("role-of-its-own", "a subject that doesn't exist", "", r#"(data (i32.const 270) "\04")"#),
    ];
    for (name, tries, way, words) in WAYS {
        attempts.push(attempt(name, tries, Defence::AnswerRefused((*words).to_owned()), || {
            amid_honest_rows(&guest("answers-garbage"), &[], way)
        }));
    }
    for (name, tries, way, expected) in PROPOSALS {
        let expected = expected
            .map_or(Defence::CallFailed(FailureKind::FuelExhausted), |words| Defence::AnswerRefused(words.to_owned()));
        attempts.push(attempt(name, tries, expected, || {
            match propose(&guest("proposes-garbage").declaration().clone(), way) {
                Ok(proposals) => Defence::None(format!("{proposals:?}")),
                Err(failure) if failure.kind == FailureKind::InvalidAnswer => Defence::by_failure(&failure),
                Err(failure) => Defence::CallFailed(failure.kind),
            }
        }));
    }
    let unknown = "is neither the row's own nor kept with its key";
    attempts.extend([
        attempt(
            "reference-of-another-key",
            "cites an event of another account, whose reference it knows",
            Defence::AnswerRefused(unknown.to_owned()),
            || cites("hostile/raw", "BOB"),
        ),
        attempt(
            "reference-of-another-rule",
            "cites this event by the reference another rule has for it",
            Defence::AnswerRefused(unknown.to_owned()),
            || cites("hostile/accomplice", "ALICE"),
        ),
        attempt("own-reference", "cites what it may, for comparison", Defence::NothingGained, || {
            cites("hostile/raw", "ALICE")
        }),
        attempt(
            "migration-that-traps",
            "traps on state of an older version",
            Defence::CallFailed(FailureKind::Trap),
            || migration(&loaded(HONEST), 1),
        ),
        attempt(
            "migration-that-floods",
            "makes a MiB out of two bytes",
            Defence::CallFailed(FailureKind::OutputExceeded),
            || migration(&guest("answers-garbage"), 2),
        ),
        attempt(
            "static-counter",
            "counts its calls in a static and on the heap",
            Defence::NothingGained,
            static_counter,
        ),
        attempt("dirty-memory", "looks for data of its last call in memory", Defence::NothingGained, dirty_memory),
        attempt(
            "time-by-counting",
            "counts rounds of work on an idle and on a busy machine",
            Defence::NothingGained,
            time_by_counting,
        ),
        attempt(
            "time-by-counting-on",
            "counts until it is cut off, for its next call to read",
            Defence::RowSetAside(FailureKind::FuelExhausted),
            || on_every_row(&loaded(Parts { evaluate: COUNTS_ON, more: FINDING, ..HONEST }), ROWS),
        ),
        attempt("nan-payload", "reads the payload bits of NaNs", Defence::NothingGained, nan_payload),
        attempt(
            "answer-by-allocation",
            "its confidence depends on the address of its memory",
            Defence::NotDeterministic("findings"),
            || {
                let body = "(i32.store8 (i32.const 268)
                    (i32.and (i32.shr_u (global.get $next) (i32.const 3)) (i32.const 63))) i32.const 128";
                contradicts(&Judge::new(loaded(Parts { evaluate: body, more: FINDING, ..HONEST })).judge(ROWS))
            },
        ),
        by_batch("answer-by-batch", "its message has the number of rows", "SaysBatch", "findings"),
        by_batch("finding-in-a-batch", "finds only in batches", "FindsInBatch", "findings"),
        by_batch("state-by-batch", "its state has the number of rows", "StateOfBatch", "state"),
    ]);
    attempts
}

/// What `answers-garbage` does, and the message of the refusal.
const WAYS: &[(&str, &str, &str, &str)] = &[
    ("unknown-reference", "cites an event that doesn't exist", "UnknownReference", "is neither the row's own nor kept"),
    ("references-without-end", "cites one event 1,000 times", "ReferencesWithoutEnd", "are more than it was shown"),
    ("confidence-101", "a confidence above 100", "Confidence101", "confidence 101 is above 100"),
    ("undeclared-class", "finds of a class that it didn't declare", "UndeclaredClass", "`sign-in` isn't declared"),
    ("unknown-class", "finds of a class that doesn't exist", "UnknownClass", "isn't declared"),
    (
        "undeclared-technique",
        "names a technique that it didn't declare",
        "UndeclaredTechnique",
        "`T1110` isn't declared",
    ),
    ("stronger-role", "claims that a named account authenticated", "StrongerRole", "is stronger than the host's"),
    ("row-beyond", "finds on a row that doesn't exist", "RowBeyond", "finding on row 1, there are 1"),
    ("seventeen-findings", "17 findings on one row", "ManyFindings", "more than 16 findings on one row"),
    ("long-message", "a message of 1,025 bytes", "LongMessage", "a message of 1025 bytes"),
    ("state-too-large", "keeps more than it declared", "StateTooLarge", "state of 5 bytes, declared are 4"),
    ("state-of-another-key", "keeps state for a key that it wasn't given", "KeyBeyond", "wasn't given"),
    ("state-of-no-key", "keeps state where there is no key", "KeyOfNoRow", "wasn't given"),
    ("state-in-another-slot", "keeps state in a slot that it didn't declare", "SlotBeyond", "slot 2 isn't declared"),
    ("lying-offsets", "offsets past the end", "OffsetsPastTheEnd", "the blob offsets don't divide 1 into 1"),
    ("falling-offsets", "offsets that begin elsewhere", "OffsetsFromElsewhere", "the blob offsets don't divide"),
    (
        "keeps-an-unknown-reference",
        "keeps an event that doesn't exist",
        "KeepsUnknown",
        "is neither the row's own nor kept",
    ),
    ("undeclared-timer", "sets a timer that it didn't declare", "TimerUndeclared", "timer `loud` isn't declared"),
    (
        "timer-in-the-far-future",
        "sets a timer for the end of time",
        "TimerTooFar",
        "is set further ahead than declared",
    ),
];

/// What `proposes-garbage` does, and the message of the refusal; none where it runs out of fuel.
const PROPOSALS: &[(&str, &str, &str, Option<&str>)] = &[
    (
        "undeclared-action",
        "proposes an action that it didn't declare",
        "UndeclaredAction",
        Some("`suspend-account` isn't declared"),
    ),
    (
        "unknown-action",
        "proposes an action that doesn't exist",
        "UnknownAction",
        Some("`delete-everything` isn't declared"),
    ),
    (
        "action-on-a-stranger",
        "proposes it for a subject that doesn't exist",
        "SubjectBeyond",
        Some("subject 7, there are 1"),
    ),
    ("action-parameter-out-of-range", "101 points of 100", "ParameterOutOfRange", Some("isn't of its type or range")),
    ("proposals-without-end", "17 proposals", "ManyProposals", Some("17 proposals, at most 16 are allowed")),
    ("response-that-loops", "never proposes anything", "Loop", None),
];

const SURROGATE: &str = r#"(data (i32.const 292) "\03\00\00\00") (data (i32.const 521) "\ed\a0\80")"#;

const ROWS: &[Row<'_>] = &[("ListUsers", "ALICE"), ("ListUsers", "BOB"), ("ListUsers", "")];

/// An attempt with changed bytes of a finding.
fn raw(name: &'static str, tries: &'static str, words: &'static str, bytes: &'static str) -> Attempt {
    attempt(name, tries, Defence::AnswerRefused(words.to_owned()), move || {
        let more = format!("{FINDING} {bytes}");
        on_every_row(&loaded(Parts { evaluate: "i32.const 128", more: &more, ..HONEST }), ROWS)
    })
}

fn loaded(parts: Parts<'_>) -> Arc<LoadedRule> {
    Arc::new(engine().load(&admitted(&component(module(parts), DECLARATION))).unwrap())
}

/// A rule on Alice's event cites the reference that a rule with this id gets for the event of this account: references are
/// the same in every run, so an author can know them.
fn cites(id: &str, account: &'static str) -> Defence {
    let keyed = DECLARATION.replace("fields =", "partition-key = \"actor\"\nfields =");
    let load = |more: &str, declared: &str| {
        let parts = Parts { evaluate: "i32.const 128", more, ..HONEST };
        Arc::new(engine().load(&admitted(&component(module(parts), declared))).unwrap())
    };
    let spied = load(FINDING, &keyed.replace("hostile/raw", id));
    let outcome = Judge::new(spied).judge(&[("ListUsers", account)]);
    let reference: String = outcome.findings[0].bundle.call.batch.rows.references[0]
        .to_le_bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .concat();
    let cites =
        format!(r#"{FINDING} (data (i32.const 272) "\40\02\00\00\01\00\00\00") (data (i32.const 576) "{reference}")"#);
    let outcome = Judge::new(load(&cites, &keyed)).judge(&[("ListUsers", "ALICE")]);
    match outcome.failures.as_slice() {
        [failed] => Defence::by_failure(&failed.failure),
        _ => Defence::nothing_gained(outcome.findings[0].finding.evidence.len() == 1, || seen(&outcome)),
    }
}

fn migration(rule: &LoadedRule, from_version: u32) -> Defence {
    match rule.migrate(0, from_version, &[1, 2]) {
        Ok(blob) => Defence::None(format!("{} bytes", blob.len())),
        Err(failure) => Defence::CallFailed(failure.kind),
    }
}

fn static_counter() -> Defence {
    let mut judge = Judge::new(guest("counts-in-statics"));
    let rows: Vec<Row<'_>> = (0..20).map(|_| ("ListUsers", "ALICE")).collect();
    let outcomes = [&rows[..1], &rows[..2], &rows].map(|rows| judge.judge(rows));
    let mut found = outcomes.iter().flat_map(found);
    let fresh = found.all(|(_, message)| message == "call 1, 0 rows remembered");
    Defence::nothing_gained(fresh && outcomes.iter().all(|outcome| !outcome.findings.is_empty()), || seen(&outcomes[2]))
}

/// Traps if any byte of its unused pages isn't zero, and overwrites them, on an engine with one slot for calls.
fn dirty_memory() -> Defence {
    let body = r"
        (local $at i32)
        (local.set $at (i32.const 0x10000))
        (loop $next
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
            (i64.store (local.get $at) (i64.const -1))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 0x40000))))
        (if (global.get $called) (then unreachable))
        (global.set $called (i32.const 1))
        i32.const 64";
    let parts = Parts { evaluate: body, more: "(global $called (mut i32) (i32.const 0))", ..HONEST };
    let config = countersign_engine::EngineConfig { concurrent_calls: 1, ..Default::default() };
    let engine = countersign_engine::Engine::new(&config).unwrap();
    let mut judge = Judge::new(Arc::new(engine.load(&admitted(&component(module(parts), DECLARATION))).unwrap()));
    let outcomes: Vec<_> = (0..10).map(|_| judge.judge(ROWS)).collect();
    Defence::nothing_gained(outcomes.iter().all(|outcome| failed(outcome).is_empty()), || seen(&outcomes[1]))
}

/// Counts in memory until it is interrupted; finds if there is a count already.
const COUNTS_ON: &str = "
    (if (i32.ne (i32.load (i32.const 0x20000)) (i32.const 0)) (then (return (i32.const 128))))
    (loop $on
        (i32.store (i32.const 0x20000) (i32.add (i32.load (i32.const 0x20000)) (i32.const 1)))
        (br $on))
    i32.const 64";

/// Does rounds of work and combines everything it can observe: nothing shows how long they took.
fn time_by_counting() -> Defence {
    let body = "
        (local $round i32) (local $sum i32)
        (loop $on
            (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (memory.size)))
            (local.set $sum (i32.xor (local.get $sum) (i32.load (i32.and (i32.mul (local.get $round) (i32.const 64)) (i32.const 0x3fffc)))))
            (local.set $round (i32.add (local.get $round) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $round) (i32.const 20000))))
        (i32.store8 (i32.const 268) (i32.and (local.get $sum) (i32.const 63)))
        i32.const 128";
    let rule = loaded(Parts { evaluate: body, more: FINDING, ..HONEST });
    let judged = || seen(&Judge::new(rule.clone()).judge(&ROWS[..1]));
    let idle = judged();
    let done = AtomicBool::new(false);
    let busy: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let busy = (0..20).map(|_| judged()).collect();
        done.store(true, Ordering::Relaxed);
        busy
    });
    let found = idle.contains("confidence: ");
    Defence::nothing_gained(found && busy.iter().all(|busy| *busy == idle), || format!("{idle} {busy:?}"))
}

/// Arithmetic on NaNs with payloads: the results are canonical on every processor.
fn nan_payload() -> Defence {
    let payload = |number: &str| format!("(i32.wrap_i64 (i64.reinterpret_f64 {number}))");
    let nan = "(f64.load (i32.const 1024))";
    let narrow = |number: &str| format!("(i32.reinterpret_f32 {number})");
    let all = [
        payload(&format!("(f64.add {nan} (f64.const 1))")),
        payload(&format!("(f64.mul {nan} {nan})")),
        payload(&format!("(f64.sqrt {nan})")),
        payload(&format!("(f64.min (f64.const 1) {nan})")),
        payload(&format!("(f64.floor {nan})")),
        payload(&format!("(f64x2.extract_lane 0 (f64x2.add (f64x2.splat {nan}) (f64x2.splat (f64.const 1))))")),
        payload("(f64.promote_f32 (f32.load (i32.const 1032)))"),
        narrow("(f32.sub (f32.load (i32.const 1032)) (f32.const 1))"),
        narrow(&format!("(f32.demote_f64 {nan})")),
    ];
    let all = all.into_iter().reduce(|one, other| format!("(i32.or {one} {other})")).unwrap();
    let body = format!("(i32.store8 (i32.const 268) (i32.and {all} (i32.const 63))) i32.const 128");
    let data = r#"(data (i32.const 1024) "\32\00\00\00\00\00\f8\7f\32\00\c0\7f")"#;
    let rule = loaded(Parts { evaluate: &body, more: &format!("{FINDING} {data}"), ..HONEST });
    let outcome = Judge::new(rule).judge(&ROWS[..1]);
    let payload: Vec<u8> = outcome.findings.iter().map(|found| found.finding.confidence).collect();
    Defence::nothing_gained(payload == [0], || format!("the payload is {payload:?}"))
}

fn by_batch(name: &'static str, tries: &'static str, way: &'static str, what: &'static str) -> Attempt {
    attempt(name, tries, Defence::NotDeterministic(what), move || {
        let rows = [("ListUsers", "BOB"), (way, "ALICE"), ("ListUsers", "BOB")];
        let rule = guest("answers-garbage");
        let outcome = Judge::new(rule.clone()).judge(&rows);
        // The one-row calls are authoritative.
        let alone = Judge::new(rule).judge_in(1, &rows);
        match found(&outcome) == found(&alone) && outcome.state == alone.state {
            true => contradicts(&outcome),
            false => Defence::None(format!("{} {}", seen(&outcome), seen(&alone))),
        }
    })
}

fn contradicts(outcome: &countersign_stream::Outcome) -> Defence {
    match outcome.disagreements.first() {
        Some(one) if outcome.failures.is_empty() => Defence::NotDeterministic(one.what),
        _ => Defence::None(seen(outcome)),
    }
}
