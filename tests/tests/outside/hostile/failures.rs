//! Attempts to blind a rule for others, or to make it cost without end, by rows on which it fails.

use std::sync::Arc;

use countersign_engine::LoadedRule;
use countersign_model::call::FailureKind;
use countersign_model::vocabulary::FieldId;
use countersign_model::{HeldRows, SourceId, Timestamp, Value};
use countersign_stream::{Holds, Outcome, QuarantineThreshold, Sequenced, Tick};

use super::{Attempt, Defence, attempt};
use crate::support::{Judge, guest};

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt(
            "five-forged-records",
            "five accounts of one source make the rule fail for everybody",
            Defence::NothingGained,
            five_forged_records,
        ),
        attempt(
            "failing-without-end",
            "every row of one source fails while another has an attack",
            Defence::NothingGained,
            failing_without_end,
        ),
        attempt(
            "blind-for-good",
            "fails once, to be rid of the rule from then on",
            Defence::NothingGained,
            blind_for_good,
        ),
        attempt(
            "fuel-of-one-network",
            "2,000 failed sign-ins from one network, each burning the fuel",
            Defence::Bounded,
            || fuel(|_| [203, 0, 113, 7], 8),
        ),
        attempt(
            "fuel-of-many-networks",
            "2,000 failed sign-ins from as many networks, each burning the fuel",
            Defence::Bounded,
            || {
                let network = |number: usize| {
                    let [.., high, low] = number.to_be_bytes();
                    [100, high, low, 1]
                };
                fuel(network, 256)
            },
        ),
        attempt(
            "fuel-of-one-account",
            "a stolen account burns the fuel to have the rule parked for its source",
            Defence::Bounded,
            fuel_of_one_account,
        ),
        attempt(
            "accounts-without-end",
            "100,000 accounts of one source fail or pass",
            Defence::Bounded,
            accounts_without_end,
        ),
        attempt(
            "names-that-dilute",
            "names a thousand accounts so that five that fail are few",
            Defence::OnlyWhoAuthenticated,
            names_that_dilute,
        ),
    ]
}

/// A rule as a session has it.
fn judge(rule: Arc<LoadedRule>) -> Judge {
    let mut judge = Judge::new(rule);
    judge.stream = judge.stream.with_holds(Holds::new(QuarantineThreshold::default()));
    judge
}

/// Rows of sources: each has a source, an operation and an account.
fn rows(judge: &mut Judge, rows: &[(&str, &str, String)]) -> Vec<Sequenced> {
    let plain: Vec<(&str, &str)> = rows.iter().map(|(_, operation, account)| (*operation, account.as_str())).collect();
    let mut made = judge.rows(&plain);
    for (row, (source, ..)) in made.iter_mut().zip(rows) {
        Arc::make_mut(&mut row.event).source = SourceId::from(*source);
    }
    made
}

fn run(judge: &mut Judge, rows: &[Sequenced]) -> Outcome {
    judge.stream.judge(&rows.iter().collect::<Vec<_>>())
}

/// The messages of the findings on rows of a source.
fn found_of(outcome: &Outcome, source: &str) -> Vec<String> {
    let of = outcome.findings.iter().filter(|found| found.row.event.source == *source);
    of.map(|found| found.finding.message.clone()).collect()
}

fn five_forged_records() -> Defence {
    let mut judge = judge(guest("panics"));
    let forged: Vec<_> = (0..5).map(|number| ("forged", "PanicHere", format!("F{number}"))).collect();
    let forged = rows(&mut judge, &forged);
    let first = run(&mut judge, &forged);
    let genuine: Vec<_> = (0..20).map(|number| ("genuine", "ListUsers", format!("G{number}"))).collect();
    let genuine = rows(&mut judge, &genuine);
    let after = run(&mut judge, &genuine);
    Defence::nothing_gained(first.begun.len() == 1 && after.findings.len() == 20, || {
        format!("{} holds, {} found", first.begun.len(), after.findings.len())
    })
}

fn failing_without_end() -> Defence {
    let attack = |number: usize| ("genuine", "ListUsers", format!("G{}", number % 3));
    let mut alone = judge(guest("panics"));
    let plain: Vec<_> = (0..100).map(attack).collect();
    let plain = rows(&mut alone, &plain);
    let expected = found_of(&run(&mut alone, &plain), "genuine");
    let mut beside = judge(guest("panics"));
    let mixed: Vec<_> = (0..100)
        .flat_map(|number| {
            let forged = (0..10).map(move |other| ("forged", "PanicHere", format!("F{}", number * 10 + other)));
            forged.chain([attack(number)])
        })
        .collect();
    let mixed = rows(&mut beside, &mixed);
    let outcome = run(&mut beside, &mixed);
    let found = found_of(&outcome, "genuine");
    // Once it is in quarantine for the other, that one's rows cost no more.
    Defence::nothing_gained(found == expected && outcome.failures.len() == 5 && outcome.held == 995, || {
        format!("{} of {} found, {} failures", found.len(), expected.len(), outcome.failures.len())
    })
}

fn blind_for_good() -> Defence {
    let mut judge = judge(guest("panics"));
    let forged: Vec<_> = (0..5).map(|number| ("one", "PanicHere", format!("F{number}"))).collect();
    let forged = rows(&mut judge, &forged);
    run(&mut judge, &forged);
    let blind = |judge: &mut Judge| {
        let next = rows(judge, &[("one", "ListUsers", "ALICE".to_owned())]);
        run(judge, &next).findings.is_empty()
    };
    let hour = |hour: i64| forged[0].clock.plus_micros(hour * 3_600_000_000);
    let mut seen = vec![blind(&mut judge)];
    for at in [3, 5] {
        judge.stream.tick(Tick { at: hour(at) });
        judge.stream.holds_mut().tick(hour(at));
        seen.push(blind(&mut judge));
    }
    Defence::nothing_gained(seen == [true, true, false], || format!("{seen:?}"))
}

/// At most so many of the rows are called, and the account that authenticated is judged on every one of its own.
fn fuel(address: impl Fn(usize) -> [u8; 4], most: usize) -> Defence {
    let mut judge = judge(guest("burns-fuel"));
    let mixed: Vec<_> = (0..2_000)
        .flat_map(|number| {
            let own = (number % 100 == 0).then(|| ("one", "ListUsers", "ALICE".to_owned()));
            own.into_iter().chain([("one", "BurnHere", "?ADMIN".to_owned())])
        })
        .collect();
    let mut mixed = rows(&mut judge, &mixed);
    for (number, row) in mixed.iter_mut().enumerate() {
        let from = std::net::Ipv4Addr::from(address(number));
        Arc::make_mut(&mut row.event).fields.set(FieldId::SrcEndpointIp, Value::Address(from.into()));
    }
    let outcome = run(&mut judge, &mixed);
    let burnt = outcome.failures.iter().filter(|one| one.failure.kind == FailureKind::FuelExhausted).count();
    match (burnt, outcome.findings.len()) {
        (burnt, 20) if burnt == most && outcome.failures.len() == burnt => Defence::Bounded,
        (burnt, found) => Defence::None(format!("{burnt} rows burnt, {found} found")),
    }
}

fn fuel_of_one_account() -> Defence {
    let mut judge = judge(guest("burns-fuel"));
    let mixed: Vec<_> = (0..200)
        .flat_map(|number| [("one", "BurnHere", "STOLEN".to_owned()), ("one", "ListUsers", format!("A{}", number % 9))])
        .collect();
    let mixed = rows(&mut judge, &mixed);
    let outcome = run(&mut judge, &mixed);
    let [begun] = outcome.begun.as_slice() else { return Defence::None(format!("{:?}", outcome.begun)) };
    let hold = &begun.begun.hold;
    let alone = hold.rows == HeldRows::Authenticated && hold.party.as_deref() == Some("aws:111122223333:STOLEN");
    match (outcome.failures.len(), outcome.findings.len()) {
        (8, 200) if alone => Defence::Bounded,
        (burnt, found) => Defence::None(format!("{burnt} burnt, {found} found, {hold:?}")),
    }
}

/// What is counted never exceeds its bound, and other sources have their own.
fn accounts_without_end() -> Defence {
    const BOUND: usize = 65_536;
    let mut judge = Judge::new(guest("panics"));
    let mut holds = Holds::new(QuarantineThreshold { min_accounts: u32::MAX, percent: 100 });
    let many: Vec<_> = (0..100_000).map(|number| ("one", "ListUsers", format!("A{number}"))).collect();
    let clock = Timestamp(1_714_550_400_000_000);
    for (number, mut row) in rows(&mut judge, &many).into_iter().enumerate() {
        row.clock = clock;
        match number % 50 {
            // Of all kinds, and beyond the bound too.
            0 => drop(holds.fail(&row, FailureKind::OutputExceeded)),
            _ => holds.pass(&row),
        }
    }
    let accounts = |holds: &Holds, source: &str| {
        let key = |key: &&countersign_stream::CountKey| matches!(key, countersign_stream::CountKey::Account(of, _) if *of == *source);
        holds.keys().iter().filter(key).count()
    };
    let all = holds.keys().len();
    let other = rows(&mut judge, &[("two", "ListUsers", "ALICE".to_owned())]);
    holds.pass(&other[0]);
    let counted = (accounts(&holds, "one"), accounts(&holds, "two"));
    holds.tick(clock.plus_micros(3 * 3_600_000_000));
    match counted {
        (BOUND, 1) if all <= BOUND + 4_096 && accounts(&holds, "one") == 0 => Defence::Bounded,
        counted => Defence::None(format!("{counted:?} accounts, {all} counts")),
    }
}

fn names_that_dilute() -> Defence {
    let mut judge = judge(guest("panics"));
    let mut mixed: Vec<_> = (0..1_000).map(|number| ("one", "ListUsers", format!("?N{number}"))).collect();
    mixed.extend((0..5).map(|number| ("one", "PanicHere", format!("A{number}"))));
    let mixed = rows(&mut judge, &mixed);
    let outcome = run(&mut judge, &mixed);
    match outcome.begun.as_slice() {
        [begun] if begun.begun.hold.is_of_source() => Defence::OnlyWhoAuthenticated,
        begun => Defence::None(format!("{begun:?}")),
    }
}
