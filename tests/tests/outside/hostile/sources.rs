//! Attempts by somebody who may write to a source, on accounts that it isn't bound to.

use countersign_admission::sections;
use countersign_model::ReasonCode;
use countersign_model::vocabulary::{Action, PartitionKey};

use super::permitted::{OTHER, OWN, by_the_gate, call, decided, is_automatic, may, proposing, sure, user};
use super::{Attempt, Defence, attempt};
use crate::support::{admitted, bytes};

pub(super) fn attempts() -> Vec<Attempt> {
    let not_bound = || Defence::ByTheGate(ReasonCode::SourceNotBound);
    vec![
        attempt("forged-root", "forges a call of the account's root in an unbound source", not_bound(), || {
            let root = r#"{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}"#;
            let found = forged(root);
            let protected = |code| code == ReasonCode::ProtectedIdentity;
            match found.decisions.iter().flat_map(|line| &line.reasons).any(|reason| protected(reason.code)) {
                true => by_the_gate(&found, ReasonCode::SourceNotBound),
                false => Defence::None("root isn't protected".to_owned()),
            }
        }),
        attempt("forged-chief", "forges a call of somebody privileged in an unbound source", not_bound(), || {
            by_the_gate(&forged(&user("AIDACHIEF", "AKIACHIEF")), ReasonCode::SourceNotBound)
        }),
        attempt(
            "poisoned-count",
            "adds forged calls to those that a genuine one is counted with",
            Defence::NothingGained,
            poisoned_count,
        ),
        attempt(
            "key-like-an-unbound-one",
            "has a bound record take up what unbound ones left",
            not_bound(),
            unbound_key,
        ),
    ]
}

const ACTIONS: [&str; 2] = ["restrict-access", "require-reauthentication"];

fn forged(who: &str) -> super::permitted::Decided {
    let rules = [sure(&may(&ACTIONS), ""), proposing("hostile/answer", &["restrict-access"], "")];
    let rules = [rules[0].as_slice(), &rules[1]];
    // By a source that is bound, the same is done at once to an unprotected account.
    let genuine = decided(&rules, "", &[(OWN, call(0, &user("AIDACHIEF", "AKIACHIEF"), ""))]);
    assert!(is_automatic(&genuine), "{:?}", genuine.decisions);
    decided(&rules, "", &[(OTHER, call(0, who, ""))])
}

/// The rule that counts calls and finds every third, under another key.
pub(super) fn counting(key: PartitionKey) -> Vec<u8> {
    let counts = admitted(bytes("counts-v1"));
    let mut declaration = counts.declaration().clone();
    declaration.partition_key = key;
    declaration.actions.extend([Action::RestrictAccess, Action::RequireReauthentication]);
    sections::attach(counts.component(), &declaration, counts.data()).unwrap()
}

fn poisoned_count() -> Defence {
    let (rule, answer) = (counting(PartitionKey::Actor), proposing("hostile/answer", &["restrict-access"], ""));
    let anna = user("AIDAANNA", "AKIAANNA");
    let played = |by: [usize; 3]| {
        let lines: Vec<(usize, String)> = (0..).zip(by).map(|(at, by)| (by, call(at, &anna, ""))).collect();
        decided(&[&rule, &answer], "", &lines)
    };
    assert!(is_automatic(&played([OWN, OWN, OWN])));
    let found = [[OTHER, OTHER, OWN], [OWN, OWN, OTHER], [OTHER, OWN, OTHER]].map(|by| played(by).findings);
    Defence::nothing_gained(found == [0, 0, 0], || format!("{found:?}"))
}

/// A bound record whose own key is written like that of unbound ones: its finding has their line too.
fn unbound_key() -> Defence {
    let rule = counting(PartitionKey::Application);
    let answer = proposing("hostile/answer", &["restrict-access"], "");
    let by = |service: &str| {
        let who = user("AIDAANNA", "AKIAANNA");
        who.replacen('{', &format!(r#"{{"invokedBy":"{service}","#), 1)
    };
    let lines =
        [(OTHER, call(0, &by("k"), "")), (OTHER, call(1, &by("k"), "")), (OWN, call(2, &by("not-bound/other/k"), ""))];
    by_the_gate(&decided(&[&rule, &answer], "", &lines), ReasonCode::SourceNotBound)
}
