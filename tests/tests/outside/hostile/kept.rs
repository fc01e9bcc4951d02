//! Attempts on what the host keeps: state, timers, evidence and diagnostics without end, and floods that would push out or
//! drown what others have there.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use countersign_declaration::Kept;
use countersign_engine::LoadedRule;
use countersign_model::call::FailureKind;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Timestamp, Value};
use countersign_stream::{Clock, Outcome, RuleStream, Sequenced, Tick};

use super::{Attempt, Defence, attempt};
use crate::handmade::{DECLARATION, FINDING, Parts, component, module};
use crate::support::{admitted, engine, event};

/// Bytes of state that a rule may keep.
const STATE: u64 = 64 << 20;

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt("64-kib-a-key-for-ever", "keeps 64 KiB with each of 4,000 accounts", Defence::Bounded, hoard),
        attempt("keys-of-60-kib", "is keyed by a text of 60 KiB, 3,000 of them", Defence::Bounded, long_keys),
        attempt(
            "forged-keys-of-one-network",
            "100,000 accounts from one network where 1,000 may have state",
            Defence::NothingGained,
            || pushed_out(("example", "111122223333", 1)),
        ),
        attempt(
            "forged-keys-of-another-tenant",
            "the same from another tenant of the same source",
            Defence::NothingGained,
            || pushed_out(("example", "999988887777", 2)),
        ),
        attempt(
            "forged-keys-of-another-source",
            "the same from another source that names the same tenant",
            Defence::NothingGained,
            || pushed_out(("forged", "111122223333", 2)),
        ),
        attempt(
            "timers-of-one-network",
            "30,000 timers from one network, due before those of others",
            Defence::NothingGained,
            dropped_timers,
        ),
        attempt(
            "evidence-of-one-row",
            "has ten slots of 64 KiB in the evidence of a row",
            Defence::RowSetAside(FailureKind::TooLarge),
            evidence_of_a_row,
        ),
        attempt("evidence-without-end", "finds on every row with 128 KiB of evidence", Defence::Bounded, || {
            without_end(Keeping { more: FINDING, ..KEEPING }, |outcome| outcome.findings.len())
        }),
        attempt("diagnostics-without-end", "says 16 KiB on every row", Defence::Bounded, || {
            without_end(Keeping { more: &diagnostics(), bytes: 8, ..KEEPING }, |outcome| outcome.diagnostics.len())
        }),
    ]
}

/// A rule in the stream, whose rows come from anywhere.
struct Anywhere {
    stream: RuleStream,
    clock: Clock,
    next: u64,
}

impl Anywhere {
    fn new(rule: Arc<LoadedRule>) -> Anywhere {
        let declaration = rule.declaration().clone();
        let parameters = declaration.parameters.iter().map(|one| one.default.clone()).collect();
        let stream = RuleStream::new(declaration, rule, parameters, Vec::new());
        Anywhere { stream: stream.with_kept(Kept::default()), clock: Clock::default(), next: 0 }
    }

    /// Judges a row for each account, of a source, in a tenant's telemetry and from a network.
    fn judge(&mut self, (source, tenant, network): (&str, &str, u8), accounts: &[String], change: Change) -> Outcome {
        let mut rows = Vec::with_capacity(accounts.len());
        for account in accounts {
            let mut event = event(self.next, ("ListUsers", account));
            (event.source, event.tenant) = (source.into(), tenant.into());
            let address = IpAddr::V4(Ipv4Addr::new(198, 51, network, 7));
            event.fields.set(FieldId::SrcEndpointIp, Value::Address(address));
            change(&mut event);
            let (_, placement) = self.clock.place(&event.source, event.time, event.time);
            rows.push(Sequenced::new(self.next, Arc::new(event), placement));
            self.next += 1;
        }
        self.stream.judge(&rows.iter().collect::<Vec<_>>())
    }

    fn tick(&mut self) {
        let tick = Tick { at: Timestamp(1_714_550_400_000_000) };
        self.stream.tick(tick);
        assert!(self.stream.due(tick, self.next, tick.at).is_empty());
    }
}

type Change = fn(&mut Event);

const HERE: (&str, &str, u8) = ("example", "111122223333", 2);

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

/// What a guest keeps with the first key of each call.
struct Keeping<'a> {
    slots: u32,
    /// In each of them.
    bytes: u32,
    max_keys: u32,
    output: &'a str,
    key: &'a str,
    /// More data.
    more: &'a str,
}

const KEEPING: Keeping<'_> =
    Keeping { slots: 1, bytes: 65_536, max_keys: 100_000, output: "256KiB", key: "actor", more: "" };

fn keeping(Keeping { slots, bytes, max_keys, output, key, more }: Keeping<'_>) -> Arc<LoadedRule> {
    let word = |words: &[u32]| -> String {
        words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
    };
    // The answer at 128 points to changes of slots at 1024, 44 bytes each: of key 0, with a blob at 0x40000.
    let mut data = format!("(data (i32.const 136) \"{}\")", word(&[1_024, slots]));
    for slot in 0..slots {
        let change = [slot, 768, 1, 0x40000, bytes, 772, 2, 768, 0, 784, 2];
        data += &format!("(data (i32.const {}) \"{}\")", 1_024 + 44 * slot, word(&change));
    }
    data += &format!("(data (i32.const 768) \"{}\")", word(&[0, 0, bytes, 0, 0, 0]));
    let declared: String = (0..slots)
        .map(|slot| {
            format!(
                "[[slot]]\nname = \"s{slot}\"\nversion = 1\nmax-bytes = 65536\nmax-keys = {max_keys}\nttl = \"30d\"\n\n"
            )
        })
        .collect();
    let declared = DECLARATION
        .replace("[limits]", &format!("{declared}[limits]"))
        .replace("fields =", &format!("partition-key = \"{key}\"\nfields ="))
        .replace("1MiB", "8MiB")
        .replace("16KiB", output);
    let more = format!("{data}{more}");
    let parts = Parts { evaluate: "i32.const 128", realloc: HIGH, more: &more, pages: 64 };
    Arc::new(engine().load(&admitted(&component(module(parts), &declared))).unwrap())
}

/// Allocates behind what the guest keeps.
const HIGH: &str = "
    (local $block i32)
    (if (i32.lt_u (global.get $next) (i32.const 0x60000)) (then (global.set $next (i32.const 0x60000))))
    (local.set $block
        (i32.and
            (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get 2))))
    (global.set $next (i32.add (local.get $block) (local.get 3)))
    local.get $block";

/// Sixteen diagnostics at 4096, each of 1,000 bytes, which the answer points to; a place that nothing allocates.
fn diagnostics() -> String {
    let word = |words: &[u32]| -> String {
        words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
    };
    let all: String = (0..16).map(|_| word(&[0, 0, 8_192, 1_000])).collect();
    format!(
        "(data (i32.const 152) \"{}\") (data (i32.const 4096) \"{all}\") (data (i32.const 8192) \"{}\")",
        word(&[4_096, 16]),
        "x".repeat(1_000)
    )
}

/// Judges each account's row alone, and checks that what is kept stays within twice its bound.
fn each(judge: &mut Anywhere, accounts: &[String], change: Change) -> Result<u64, Defence> {
    let mut most = 0;
    for account in accounts {
        let outcome = judge.judge(HERE, std::slice::from_ref(account), change);
        most = most.max(judge.stream.held());
        if !outcome.failures.is_empty() || most > 2 * STATE {
            return Err(Defence::None(format!("{most} bytes, {:?}", outcome.failures)));
        }
    }
    Ok(most)
}

fn hoard() -> Defence {
    bounded("actor", 65_536, &names("ACCOUNT", 4_000), |_| {})
}

/// The key is what invoked the call, a text of any length.
fn long_keys() -> Defence {
    bounded("application", 8, &names("ACCOUNT", 3_000), |event| {
        let long = format!("{}{}", event.id, "k".repeat(60 << 10));
        event.fields.set(FieldId::ActorInvokedBy, Value::Text(Arc::from(long)));
    })
}

fn bounded(key: &str, bytes: u32, accounts: &[String], change: Change) -> Defence {
    let mut judge = Anywhere::new(keeping(Keeping { key, bytes, ..KEEPING }));
    let most = match each(&mut judge, accounts, change) {
        Ok(most) => most,
        Err(defence) => return defence,
    };
    judge.tick();
    let held = judge.stream.held();
    let oversize: u64 = judge.stream.forgotten().map(|(_, forgotten)| forgotten.oversize).sum();
    match held <= STATE && held > STATE / 2 && oversize > 0 {
        true => Defence::Bounded,
        false => Defence::None(format!("at most {most} bytes, {held} at the tick, {oversize} keys forgotten")),
    }
}

/// A hundred accounts that were there before keep their state.
fn pushed_out(origin: (&str, &str, u8)) -> Defence {
    let mut judge = Anywhere::new(keeping(Keeping { bytes: 8, max_keys: 1_000, ..KEEPING }));
    let one = |judge: &mut Anywhere, origin, account: &String| {
        let outcome = judge.judge(origin, std::slice::from_ref(account), |_| {});
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    };
    names("HONEST", 100).iter().for_each(|account| one(&mut judge, HERE, account));
    judge.tick();
    for accounts in names("FORGED", 100_000).chunks(25_000) {
        accounts.iter().for_each(|account| one(&mut judge, origin, account));
        judge.tick();
    }
    judge.stream.changes();
    let left = judge.stream.take_carried().removals(&judge.stream.declaration().id).state;
    let left: Vec<&str> = left.iter().filter(|one| one.slot == "s0").map(|one| one.key.as_str()).collect();
    let honest = left.iter().filter(|key| key.contains("HONEST")).count();
    Defence::nothing_gained((honest, left.len()) == (100, 1_000), || format!("{honest} of {} keys", left.len()))
}

/// A hundred timers that are due last stay.
fn dropped_timers() -> Defence {
    let mut judge = Anywhere::new(super::stream::setting_timers());
    let forged = names("FORGED", 30_000);
    for accounts in forged.chunks(400) {
        judge.judge(("example", "111122223333", 1), accounts, |_| {});
    }
    judge.judge(HERE, &names("HONEST", 100), |_| {});
    judge.tick();
    let (_, gone) = judge.stream.changes();
    let honest = gone.iter().filter(|timer| timer.key.contains("HONEST")).count();
    let (dropped, left) = (judge.stream.take_dropped_timers(), judge.stream.pending_timers());
    let bounded = dropped + left == 30_100 && judge.stream.held() <= STATE && dropped > 10_000;
    Defence::nothing_gained(honest == 0 && bounded, || format!("{dropped} dropped, {honest} of others, {left} left"))
}

/// The answer alone is more than a row may give: nothing of the row is kept, its state included.
fn evidence_of_a_row() -> Defence {
    let mut judge =
        Anywhere::new(keeping(Keeping { slots: 10, max_keys: 1_000, output: "1MiB", more: FINDING, ..KEEPING }));
    let alone = |judge: &mut Anywhere, account: &str| judge.judge(HERE, &[account.to_owned()], |_| {});
    let outcomes = ["ALICE", "ALICE", "BOB", "BOB"].map(|account| alone(&mut judge, account));
    let nothing = outcomes.iter().all(|outcome| outcome.findings.is_empty() && outcome.state.is_empty());
    let failed: Vec<FailureKind> =
        outcomes.iter().flat_map(|outcome| &outcome.failures).map(|one| one.failure.kind).collect();
    match failed == [FailureKind::TooLarge; 4] && nothing {
        true => Defence::RowSetAside(FailureKind::TooLarge),
        false => Defence::None(format!("{failed:?}")),
    }
}

/// So much at most is put on record of a source that doesn't stop, something of another one, and all again after a tick.
fn without_end(guest: Keeping<'_>, of: impl Fn(&Outcome) -> usize) -> Defence {
    let mut judge = Anywhere::new(keeping(guest));
    let account = ["ALICE".to_owned()];
    let run = |judge: &mut Anywhere, origin, rows: usize| -> (usize, usize) {
        let outcomes = (0..rows).map(|_| judge.judge(origin, &account, |_| {}));
        outcomes.fold((0, 0), |(done, failed), outcome| {
            let too_large = outcome.failures.iter().filter(|one| one.failure.kind == FailureKind::TooLarge).count();
            (done + usize::from(of(&outcome) > 0), failed + too_large)
        })
    };
    let loud = run(&mut judge, HERE, 1_000);
    let other = run(&mut judge, ("other", "111122223333", 2), 1);
    let still = run(&mut judge, HERE, 1);
    judge.tick();
    let after = run(&mut judge, HERE, 1);
    match (loud.0 > 100 && loud.0 < 900 && loud.0 + loud.1 == 1_000, other, still, after) {
        (true, (1, 0), (0, 1), (1, 0)) => Defence::Bounded,
        _ => Defence::None(format!("{loud:?} {other:?} {still:?} {after:?}")),
    }
}
