//! Attempts to launder a weakness: by a rule that is fed, by state, by a timer.

use countersign_model::ReasonCode;
use countersign_model::vocabulary::PartitionKey;

use super::permitted::{Decided, OWN, by_the_gate, call, decided, failure, is_automatic, may, proposing, sure, user};
use super::sources::counting;
use super::{Attempt, Defence, attempt};
use crate::handmade::{FINDING, HONEST, Parts, component, module};

pub(super) fn attempts() -> Vec<Attempt> {
    let laundered = |name, tries, reason, edit: fn(String) -> String, changes: &'static str| {
        attempt(name, tries, Defence::ByTheGate(reason), move || {
            assert!(is_automatic(&fed(|declared| declared, "")));
            by_the_gate(&fed(edit, changes), reason)
        })
    };
    vec![
        laundered(
            "launders-a-name",
            "is sure of somebody whom its feeder merely names",
            ReasonCode::MerelyNames,
            |declared| declared,
            r#"(data (i32.const 296) "\01\00")"#,
        ),
        laundered(
            "launders-a-guess",
            "is sure because of a finding below its feeder's own floor",
            ReasonCode::BelowDetectionFloor,
            |declared| declared.replace("confidence-floor = 50", "confidence-floor = 96"),
            "",
        ),
        laundered(
            "launders-missing-context",
            "has no need of the context that its feeder lacked",
            ReasonCode::ContextMissing,
            |declared| {
                let table = "[[context]]\ntable = \"geo\"\nby = \"row\"\ncolumns = [\"country\"]\nmax-age = \"30d\"";
                declared.replace("[limits]", &format!("{table}\n\n[limits]"))
            },
            "",
        ),
        attempt(
            "launders-by-state",
            "counts failed sign-ins with the owner's next call",
            Defence::AskedFirst(ReasonCode::EvidenceUnproved),
            by_state,
        ),
        attempt(
            "launders-by-a-timer",
            "finds on the timer that a named finding set",
            Defence::ByTheGate(ReasonCode::MerelyNames),
            by_timer,
        ),
    ]
}

const CONTAIN: &[&str] = &["restrict-access"];

/// A rule that is sure on every finding of a feeder's, whose declaration and finding are changed.
fn fed(edit: impl Fn(String) -> String, changes: &str) -> Decided {
    let feeder = sure(&edit(may(CONTAIN).replace("hostile/raw", "hostile/feeder")), changes);
    let rule = sure(&subscribed(&may(CONTAIN)), "");
    let answer = proposing("hostile/answer", CONTAIN, "");
    let lines = [(OWN, call(0, &user("AIDAANNA", "AKIAANNA"), ""))];
    let mut decided = decided(&[&feeder, &rule, &answer], "", &lines);
    decided.decisions.retain(|line| line.rule.as_str() == "hostile/raw");
    decided
}

fn subscribed(declared: &str) -> String {
    let fed = "subscribes = [{ rule = \"hostile/feeder\", classes = [\"privilege\"] }]";
    declared.replace("event-classes = [\"api-activity\"]", fed)
}

/// Two failed sign-ins in the owner's name, and a call of the owner's.
fn by_state() -> Defence {
    let (rule, answer) = (counting(PartitionKey::Actor), proposing("hostile/answer", CONTAIN, ""));
    let anna = user("AIDAANNA", "AKIAANNA");
    let genuine: Vec<(usize, String)> = (0..3).map(|at| (OWN, call(at, &anna, ""))).collect();
    assert!(is_automatic(&decided(&[&rule, &answer], "", &genuine)));
    let lines = [(OWN, failure(0, &anna)), (OWN, failure(1, &anna)), (OWN, call(2, &anna, ""))];
    by_the_gate(&decided(&[&rule, &answer], "", &lines), ReasonCode::EvidenceUnproved)
}

/// The feeder merely names. The rule finds on every row, and sets a timer on each: on the finding's, and on the timer's.
fn by_timer() -> Defence {
    let feeder = sure(&may(CONTAIN).replace("hostile/raw", "hostile/feeder"), r#"(data (i32.const 296) "\01\00")"#);
    let declared = subscribed(&may(CONTAIN))
        .replace("[limits]", "[timers]\nids = [\"t\"]\nmost-per-key = 1\nlongest = \"1h\"\n\n[limits]");
    // A timer of 32 bytes for row 0, a minute after the row's own time.
    let body = "
        (i32.store (i32.const 0x20004) (i32.const 540))
        (i32.store (i32.const 0x20008) (i32.const 1))
        (i32.store8 (i32.const 0x20010) (i32.const 1))
        (i64.store (i32.const 0x20018)
            (i64.add (i64.const 60000000) (i64.load (i32.load offset=16 (local.get 0)))))
        (i32.store (i32.const 144) (i32.const 0x20000))
        (i32.store (i32.const 148) (i32.const 1))
        i32.const 128";
    let more = format!("{FINDING} (data (i32.const 268) \"\\5f\\04\") (data (i32.const 540) \"t\")");
    let rule = component(module(Parts { evaluate: body, more: &more, ..HONEST }), &declared);
    let answer = proposing("hostile/answer", CONTAIN, "");
    let mut lines = vec![(OWN, call(0, &user("AIDAANNA", "AKIAANNA"), ""))];
    lines.extend((1..60).map(|minute| (OWN, call(minute * 60, &user("AIDAMACHINE", "AKIAMACHINE"), ""))));
    let mut decided = decided(&[&feeder, &rule, &answer], "", &lines);
    decided.decisions.retain(|line| line.rule.as_str() == "hostile/raw" && line.identity.as_deref() == Some("anna"));
    // One on the finding's row, and more on the timer's.
    if decided.decisions.len() < 4 {
        return Defence::None(format!("the timer never fired: {:?} {:?}", decided.decisions, decided.notices));
    }
    by_the_gate(&decided, ReasonCode::MerelyNames)
}
