//! Policies that are right: which cell decides, what ships, and the canonical form.

use std::collections::BTreeSet;

use countersign_declaration::Kept;
use countersign_model::call::Parameter;
use countersign_model::vocabulary::{Action, ActionClass, IdentityType, Reversibility, SignalClass, Tier};
use countersign_model::{RuleId, Timestamp};
use countersign_policy::{Answer, Capabilities, Capability, OperatorLimits, Policy, Reach, ReviewBy};
use proptest::prelude::*;

use Action::{
    BlockSignIn, DisableCredential, EnrichAlert, RequireMfa, RevokeSessions, SuspendAccount, SuspendPrivilege,
};
use IdentityType::{Human, ServiceAccount, Unknown, Workload};
use SignalClass::{Credential, Evasion, Federation, SignIn, Token};
use Tier::{Critical, High, Standard};

const LAYERS: &str = r#"
version = 1

[[cell]]
class = "*"
type = "*"
tier = "*"
action = "*"
answer = "never"

[[cell]]
class = "token"
type = "*"
tier = "*"
action = "*"
answer = "approval"
floor = 10

[[cell]]
class = "token"
type = "human"
tier = "*"
action = "revoke-sessions"
answer = "automatic"
floor = 80
max-age = "1h"
owner = "o"
evidence = "e"
review-by = 2027-01-31

[[cell]]
class = "token"
type = "human"
tier = ["critical"]
action = ["revoke-sessions"]
answer = "never"

[[response]]
class = "token"
type = "*"
rules = ["acme/a", "acme/b"]

[[response]]
class = "token"
type = "human"
rules = ["acme/b"]

[rule."acme/a"]
cap = 70
parameters = { threshold = 3, window = "5m", names = ["x"], share = 0.5, deep = true }

[rule."acme/b"]
enabled = false

[publisher.acme]
cap = 60

[limits]
fuel = 1_000
longest-lease = "8h"
"#;

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn id(text: &str) -> RuleId {
    text.parse().unwrap()
}

#[test]
fn the_cell_that_names_most_decides() {
    let policy = Policy::parse(LAYERS).unwrap();
    for (class, ty, tier, action, name, answer) in [
        (SignIn, Human, Standard, RevokeSessions, "cell[0]", Answer::Never),
        (Token, Workload, Standard, RevokeSessions, "cell[1]", Answer::Approval),
        (Token, Human, Standard, SuspendAccount, "cell[1]", Answer::Approval),
        (Token, Human, Standard, RevokeSessions, "cell[2]", Answer::Automatic),
        (Token, Human, Critical, RevokeSessions, "cell[3]", Answer::Never),
    ] {
        let cell = policy.cell(class, ty, tier, action);
        assert_eq!((cell.name.as_str(), cell.answer), (name, answer), "{class} {ty} {tier} {action}");
    }
    let automatic = policy.cell(Token, Human, High, RevokeSessions);
    assert_eq!((automatic.floor, automatic.max_age), (80, 3_600_000_000));
    assert_eq!(automatic.review_by.as_ref().unwrap().to_string(), "2027-01-31");
    assert_eq!(policy.responses(Token, Human), Some([id("acme/b")].as_slice()));
    assert_eq!(policy.responses(Token, Workload), Some([id("acme/a"), id("acme/b")].as_slice()));
    assert_eq!(policy.responses(SignIn, Human), None);
    assert_eq!((policy.cap(&id("acme/a")), policy.cap(&id("acme/z")), policy.cap(&id("other/z"))), (60, 60, 100));
    assert!(policy.is_enabled(&id("acme/a")) && !policy.is_enabled(&id("acme/b")));
    let limits = policy.limits();
    assert_eq!((limits.fuel, limits.longest_lease), (1_000, 8 * 3_600));
    assert_eq!((limits.memory, limits.ceilings().fuel), (OperatorLimits::default().memory, 1_000));
}

/// Policies from before there were such limits have the canonical form that they had.
#[test]
fn what_the_host_keeps_has_limits_of_its_own() {
    let parse = |limits: &str| Policy::parse(&format!("version = 1\n[limits]\n{limits}")).unwrap();
    let unset = parse("");
    assert_eq!(unset.limits().kept(), Kept { state: 64 << 20, evidence: 1 << 20 });
    assert!(!String::from_utf8(unset.to_canonical()).unwrap().contains("kept"));
    let set = parse("kept-state = 134217728\nkept-evidence = 65536");
    assert_eq!(set.limits().kept(), Kept { state: 128 << 20, evidence: 64 << 10 });
    assert_eq!(Policy::from_canonical(&set.to_canonical()).unwrap(), set);
    assert_eq!(parse("kept-state = 67108864").to_canonical(), unset.to_canonical());
    let wider: Vec<_> = set.limits().wider_than(unset.limits()).collect();
    assert_eq!(wider, [("kept-state", 128 << 20, 64 << 20)]);
    assert_eq!(set.within(unset.limits()).limits().kept(), Kept { state: 64 << 20, evidence: 64 << 10 });
}

#[test]
fn an_unset_cell_is_never() {
    let policy = Policy::parse("version = 1").unwrap();
    let cell = policy.cell(Token, Human, Standard, RevokeSessions);
    assert!(cell.is_unset());
    assert_eq!(cell.answer, Answer::Never);
}

#[test]
fn parameters_are_the_operators_where_set_and_in_range() {
    let declaration = countersign_declaration::parse_toml(
        r#"
        id = "acme/a"
        version = "0.1.0"
        kind = "response"
        description = "Answers."
        identity-types = ["human"]
        confidence-floor = 50
        actions = ["notify"]
        signal-classes = ["token"]

        [[parameter]]
        name = "threshold"
        type = "integer"
        default = 5
        min = 1
        max = 10
        meaning = "how many"

        [[parameter]]
        name = "window"
        type = "duration"
        default = "10m"
        min = "1m"
        max = "1h"
        meaning = "how long"
        "#,
    )
    .unwrap();
    let of = |settings: &str| {
        let policy = Policy::parse(&format!("version = 1\n[rule.\"acme/a\"]\nparameters = {{ {settings} }}")).unwrap();
        policy
            .parameters(&declaration)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    let default = Policy::parse("version = 1").unwrap().parameters(&declaration).unwrap();
    assert_eq!(default, [Parameter::Integer(5), Parameter::Duration(600_000_000)]);
    assert_eq!(of("window = \"5m\"").unwrap(), [Parameter::Integer(5), Parameter::Duration(300_000_000)]);
    let faults = of("treshold = 3, window = \"2h\"").unwrap_err();
    for part in ["line 3, rule.\"acme/a\".parameters.", "threshold", "1h", "2h"] {
        assert!(faults.contains(part), "{part}: {faults}");
    }
}

#[test]
fn a_file_beyond_the_cap_is_refused_unread() {
    let text = " ".repeat(countersign_policy::MAX_BYTES + 1);
    assert!(Policy::parse(&text).is_err() && countersign_policy::Directory::parse(&text).is_err());
}

#[test]
fn cells_that_agree_may_overlap_and_the_earlier_review_counts() {
    let cell = |axis: &str, review: &str| {
        format!(
            "[[cell]]\nclass = \"{axis}\"\ntype = \"human\"\ntier = \"*\"\naction = \"require-mfa\"\nanswer = \"automatic\"\n\
             owner = \"o\"\nevidence = \"e\"\nreview-by = {review}\n"
        )
    };
    let policy = Policy::parse(&format!(
        "version = 1\n{}{}",
        cell("token", "2028-01-01"),
        cell("token", "2027-01-01").replace("\"token\"", "[\"token\", \"sign-in\"]")
    ))
    .unwrap();
    assert_eq!(policy.cell(Token, Human, High, RequireMfa).name, "cell[1]");
}

#[test]
fn a_review_date_is_over_when_its_day_is() {
    let date = ReviewBy::new("2027-12-31").unwrap();
    assert!(!date.is_over("2027-12-31T23:59:59.999999Z".parse().unwrap()));
    assert!(date.is_over("2028-01-01T00:00:00Z".parse().unwrap()));
    assert!(date.is_over(Timestamp(i64::MAX)));
    for bad in ["2027-02-30", "27-01-01", "2027-1-1", "+027-01-01", "2027-01-01T00:00:00Z", ""] {
        assert_eq!(ReviewBy::new(bad), None, "{bad}");
    }
}

#[test]
fn what_ships_is_safe() {
    let policy = Policy::shipped().unwrap();
    let capabilities = Capabilities::shipped().unwrap();
    for class in SignalClass::ALL.iter().copied() {
        for ty in IdentityType::ALL.iter().copied() {
            for tier in Tier::ALL.iter().copied() {
                for action in Action::ALL.iter().copied() {
                    let cell = policy.cell(class, ty, tier, action);
                    let at = format!("{class} {ty} {tier} {action}: {}", cell.name);
                    match action.class() {
                        ActionClass::Observe => assert!(cell.is_unset(), "{at}"),
                        ActionClass::Remediate => assert_eq!(cell.answer, Answer::Never, "{at}"),
                        _ => {}
                    }
                    if cell.answer == Answer::Automatic {
                        assert!(ty == Human && tier != Critical, "{at}");
                        assert!(cell.floor >= 60 && cell.owner.is_some() && cell.evidence.is_some(), "{at}");
                        assert_eq!(cell.review_by, ReviewBy::new("2027-12-31"), "{at}");
                        let reversibility = capabilities.get("aws", action, ty).map(|found| found.reversibility);
                        assert_ne!(reversibility, Some(Reversibility::Irreversible), "{at}");
                        let reach = capabilities.get("aws", action, ty).map(|found| found.reach);
                        assert!(reach.is_none_or(|reach| reach == Reach::One), "{at}");
                    }
                }
            }
        }
    }
    assert_eq!(policy.cell(Token, Human, Standard, RevokeSessions).answer, Answer::Automatic);
    assert_eq!(policy.cell(Token, Human, High, DisableCredential).answer, Answer::Approval);
    assert_eq!(policy.cell(Evasion, Human, High, RevokeSessions).answer, Answer::Approval);
    assert_eq!(policy.cell(Token, Unknown, Critical, RequireMfa).answer, Answer::Approval);
    assert_eq!(policy.cell(Token, ServiceAccount, Standard, DisableCredential).answer, Answer::Approval);
    assert_eq!(policy.cell(Federation, Human, Standard, Action::RestrictFederation).answer, Answer::Approval);
    assert!(capabilities.get("aws", EnrichAlert, Human).is_none(), "observe actions are the host's own");
    assert!(capabilities.get("aws", RevokeSessions, ServiceAccount).is_none());
    // Only of a person's account is it known that nobody else calls through it.
    assert!(capabilities.iter().all(|found| found.reach != Reach::One || found.identity_type == Human));
    // A machine doesn't heal by signing in.
    let heals = |found: &Capability| found.reversibility == Reversibility::SelfHealing;
    assert!(capabilities.iter().all(|found| !heals(found) || found.identity_type == Human));
    // Floors follow the rung; what can't be taken back is never done; machines ask for ten more.
    let floor = |ty, action| policy.cell(Credential, ty, Critical, action).floor;
    let floors = |ty| [RequireMfa, RevokeSessions, DisableCredential].map(|action| floor(ty, action));
    assert_eq!((floors(Unknown), floors(ServiceAccount)), ([50, 65, 80], [60, 75, 90]));
    assert!(policy.cell(SignIn, Human, Standard, BlockSignIn).is_unset());
    assert_eq!(capabilities.get("aws", SuspendPrivilege, Human).map(|found| found.reach), Some(Reach::Unknown));
}

#[test]
fn the_canonical_form_reads_back_and_nothing_else_does() {
    for text in [LAYERS, countersign_policy::DEFAULT_POLICY, "version = 1"] {
        let policy = Policy::parse(text).unwrap();
        let bytes = policy.to_canonical();
        let back = Policy::from_canonical(&bytes).unwrap();
        assert_eq!(back.to_canonical(), bytes);
        assert_eq!(back, policy);
    }
    let bytes = Policy::parse(LAYERS).unwrap().to_canonical();
    let spaced = String::from_utf8(bytes.clone()).unwrap().replacen('{', "{ ", 1);
    assert!(Policy::from_canonical(spaced.as_bytes()).is_err());
    let extended = String::from_utf8(bytes).unwrap().replacen('{', "{\"a\":1,", 1);
    assert!(Policy::from_canonical(extended.as_bytes()).is_err());
}

#[test]
fn a_view_answers_like_its_policy() {
    let classes: BTreeSet<SignalClass> = SignalClass::ALL.iter().copied().collect();
    let identities: BTreeSet<(IdentityType, Tier)> =
        IdentityType::ALL.iter().flat_map(|ty| Tier::ALL.iter().map(|tier| (*ty, *tier))).collect();
    for text in [LAYERS, countersign_policy::DEFAULT_POLICY] {
        let policy = Policy::parse(text).unwrap();
        let view = policy.view(&classes, &identities);
        for class in SignalClass::ALL.iter().copied() {
            for (ty, tier) in identities.iter().copied() {
                assert_eq!(view.responses(class, ty), policy.responses(class, ty));
                for action in Action::ALL.iter().copied() {
                    let cell = policy.cell(class, ty, tier, action);
                    assert_eq!(view.cell(class, ty, tier, action), Some(cell).filter(|cell| !cell.is_unset()));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = Policy::parse(&text);
        let _ = countersign_policy::Directory::parse(&text);
        let _ = Capabilities::parse(&text);
        let _ = Policy::from_canonical(text.as_bytes());
    }

    #[test]
    fn no_cut_or_changed_policy_panics(at in 0usize..3_000, with in "[\\[\\]{}=\"a-z0-9\\n.]{0,3}") {
        let text = countersign_policy::DEFAULT_POLICY;
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let changed = format!("{}{with}{}", &text[..at], &text[at..]);
        let _ = Policy::parse(&text[..at]);
        if let Ok(policy) = Policy::parse(&changed) {
            prop_assert_eq!(Policy::from_canonical(&policy.to_canonical()), Ok(policy));
        }
    }
}
