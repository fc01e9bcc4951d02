//! Attempts to gain by what fails or is missing, and by evidence about something else of the same person.

use countersign_model::ReasonCode;
use countersign_model::vocabulary::Action;

use super::permitted::{Decided, OWN, by_the_gate, call, decided, is_automatic, may, proposing, sure, user};
use super::{Attempt, Defence, attempt};

pub(super) fn attempts() -> Vec<Attempt> {
    let failing = |name, tries, first: &'static str| {
        attempt(name, tries, Defence::AskedFirst(ReasonCode::ResponseFailed), move || {
            // Where it answers, the milder one wins.
            let milder = named(Some(""));
            let granted: Vec<_> = milder.decisions.iter().filter_map(|line| line.action).collect();
            assert!(!granted.contains(&Action::SuspendAccount), "{granted:?}");
            by_the_gate(&named(Some(first)), ReasonCode::ResponseFailed)
        })
    };
    vec![
        failing("makes-a-milder-rule-trap", "has the milder of two response rules trap", "unreachable"),
        failing(
            "makes-a-milder-rule-run-out",
            "has the milder of two response rules use up its fuel",
            "(loop $on (br $on))",
        ),
        attempt(
            "without-a-milder-rule",
            "has the milder of two response rules not loaded",
            Defence::AskedFirst(ReasonCode::ResponseFailed),
            || by_the_gate(&named(None), ReasonCode::ResponseFailed),
        ),
        attempt(
            "another-account-of-the-person",
            "finds the owner in what the owner's machine does",
            Defence::ByTheGate(ReasonCode::MerelyNames),
            || {
                let contain = &["restrict-access"];
                let found = |changes| {
                    let (rule, answer) = (sure(&may(contain), changes), proposing("hostile/answer", contain, ""));
                    decided(&[&rule, &answer], "", &[(OWN, call(0, &user("AIDAMACHINE", "AKIAMACHINE"), ""))])
                };
                assert!(is_automatic(&found("")));
                let owner = found(r#"(data (i32.const 270) "\02")"#);
                match owner.decisions.iter().all(|line| line.identity.as_deref() == Some("anna")) {
                    true => by_the_gate(&owner, ReasonCode::MerelyNames),
                    false => Defence::None(format!("{:?}", owner.decisions)),
                }
            },
        ),
        attempt("a-subject-beyond", "proposes for another subject than the incident's", Defence::NothingGained, || {
            let beyond = "(i32.store (i32.const 272) (i32.const 1))";
            let answer = proposing("hostile/answer", &["restrict-access"], beyond);
            let rule = sure(&may(&["restrict-access"]), "");
            let found = decided(&[&rule, &answer], "", &[(OWN, call(0, &user("AIDAANNA", "AKIAANNA"), ""))]);
            Defence::nothing_gained(!is_automatic(&found), || format!("{:?}", found.decisions))
        }),
    ]
}

/// Two response rules that policy names, a harsher and a milder one, which does this before it answers; it isn't loaded
/// where there is nothing.
fn named(first: Option<&str>) -> Decided {
    const BOTH: &str = r#"
[[response]]
class = "*"
type = "*"
rules = ["hostile/harsher", "hostile/milder"]
"#;
    let actions = &["suspend-account", "require-reauthentication"];
    let (rule, harsher) = (sure(&may(actions), ""), proposing("hostile/harsher", &["suspend-account"], ""));
    let milder = first.map(|first| proposing("hostile/milder", &["require-reauthentication"], first));
    let rules: Vec<&[u8]> =
        [rule.as_slice(), harsher.as_slice()].into_iter().chain(milder.iter().map(Vec::as_slice)).collect();
    // Alone the harsher one is followed.
    let alone = decided(&rules[..2], "", &[(OWN, call(0, &user("AIDAANNA", "AKIAANNA"), ""))]);
    assert!(is_automatic(&alone), "{:?}", alone.decisions);
    decided(&rules, BOTH, &[(OWN, call(0, &user("AIDAANNA", "AKIAANNA"), ""))])
}
