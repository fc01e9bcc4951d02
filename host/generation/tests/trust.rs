//! Who is believed: what serves, what is refused, and that an impostor changes nothing for the true rule.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which clippy takes for other code")]

use std::sync::{Arc, LazyLock};

use countersign_admission::{Admitted, admit, sections};
use countersign_declaration::{Ceilings, Declaration};
use countersign_document::SourceFile;
use countersign_engine::{Engine, EngineConfig};
use countersign_generation::{
    Generation, LoadFault, LoadReason, RuleFile, Settings, SubscriptionFault, Unproved, statement,
};
use countersign_model::vocabulary::{Action, Severity};
use countersign_policy::{DEFAULT_POLICY, Grant, Policy, Trust};
use countersign_shipped::RULES;
use countersign_signing::{Envelope, Proof, SecretKey};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineConfig::default()).unwrap());

const TRUE_RULE: &str = "countersign/burst-of-denied-calls";

fn shipped(id: &str) -> &'static [u8] {
    RULES.iter().find(|(other, _)| *other == id).expect("a shipped rule").1
}

fn admitted(bytes: &[u8]) -> Admitted {
    admit(bytes, &Ceilings::default()).unwrap()
}

/// A shipped rule's code under another declaration.
fn altered(alter: impl FnOnce(&mut Declaration)) -> Vec<u8> {
    let rule = admitted(shipped(TRUE_RULE));
    let mut declaration = rule.declaration().clone();
    alter(&mut declaration);
    sections::attach(rule.component(), &declaration, rule.data()).unwrap()
}

fn named(id: &str) -> Vec<u8> {
    altered(|declaration| declaration.id = id.parse().unwrap())
}

fn signed(bytes: &[u8], key: &SecretKey) -> Vec<u8> {
    let envelope = Envelope::sign(statement(&admitted(bytes)), key);
    sections::attach_signature(bytes, &envelope.to_bytes()).unwrap()
}

fn load_under(trust: &str, policy: &str, rules: &[(&str, &[u8])]) -> (Arc<Generation>, Vec<LoadFault>) {
    let settings = Settings {
        trust: SourceFile::parse("trust", trust, Trust::parse).unwrap(),
        policy: SourceFile::parse("policy", format!("{DEFAULT_POLICY}{policy}"), Policy::parse).unwrap(),
        ..Settings::shipped().unwrap()
    };
    let rules = rules.iter().map(|(name, bytes)| RuleFile { name: (*name).to_owned(), bytes: bytes.to_vec() });
    Generation::load(&ENGINE, rules.collect(), settings)
}

fn load(trust: &str, rules: &[(&str, &[u8])]) -> (Arc<Generation>, Vec<LoadFault>) {
    load_under(trust, "", rules)
}

fn ids(generation: &Generation) -> Vec<&str> {
    generation.detections.iter().map(|rule| rule.identity.id.as_str()).collect()
}

fn acme(key: &SecretKey, more: &str) -> String {
    format!("[publisher.acme]\nkeys = [\"{}\"]\n{more}", key.public())
}

#[test]
fn shipped_rules_are_proved_by_what_the_binary_carries() {
    let rules: Vec<(&str, &[u8])> = RULES.to_vec();
    let (generation, faults) = load("", &rules);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(generation.detections.len() + generation.responses.len(), RULES.len());
    assert!(generation.detections.iter().chain(&generation.responses).all(|rule| rule.proof == Proof::Shipped));
    // The same code under another declaration isn't one of them, signed or not.
    let greedy = altered(|declaration| declaration.confidence_floor = 0);
    for bytes in [&greedy, &signed(&greedy, &SecretKey::generate().unwrap())] {
        let (generation, faults) = load("", &[("own.wasm", bytes)]);
        assert!(matches!(faults[0].reason, LoadReason::PublisherUnproved(_, Unproved::NotShipped)), "{faults:?}");
        assert_eq!(ids(&generation), [""; 0]);
    }
    // Unless the operator says so, on a developer's machine.
    let (generation, faults) = load("[publisher.countersign]\nunsigned = true\n", &[("own.wasm", &greedy)]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(generation.detections[0].proof, Proof::Unsigned);
    assert_eq!(generation.detections[0].authority.grant, Grant::everything(), "the grant that ships stays");
}

#[test]
fn a_key_proves_the_publisher_that_it_is_named_for_and_no_other() {
    let (own, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let trust = format!("{}\n[publisher.other]\nkeys = [\"{}\"]\n", acme(&own, ""), other.public());
    let rule = named("acme/watch");
    let (generation, faults) = load(&trust, &[("watch.wasm", &signed(&rule, &own))]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(generation.detections[0].proof, Proof::Key(own.public()));
    assert_eq!(generation.detections[0].authority.grant.actions.len(), 0, "proved isn't granted");

    let why = |bytes: &[u8]| {
        let (generation, mut faults) = load(&trust, &[("watch.wasm", bytes)]);
        assert_eq!((ids(&generation).len(), faults.len()), (0, 1), "{faults:?}");
        let fault = faults.remove(0);
        assert!(fault.to_string().starts_with("watch.wasm: publisher-unproved  `"), "{fault}");
        match fault.reason {
            LoadReason::PublisherUnproved(_, why) => why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(why(&rule), Unproved::Unsigned);
    assert_eq!(why(&signed(&rule, &other)), Unproved::OtherKeys(vec![other.public()]));
    assert_eq!(why(&signed(&named("stranger/watch"), &own)), Unproved::UnknownPublisher);
    // Another one's signature moved over, by the same key: of another rule, version, declaration, code, data.
    let moved = |from: &[u8], to: &[u8]| {
        let signed = signed(from, &own);
        sections::attach_signature(to, admitted(&signed).signature().unwrap()).unwrap()
    };
    assert_eq!(why(&moved(&named("acme/other"), &rule)), Unproved::Other("id"));
    let newer = altered(|declaration| {
        declaration.id = "acme/watch".parse().unwrap();
        declaration.version.major += 1;
    });
    assert_eq!(why(&moved(&rule, &newer)), Unproved::Other("version"));
    let broader = altered(|declaration| {
        declaration.id = "acme/watch".parse().unwrap();
        declaration.actions.push(Action::BlockSignIn);
    });
    assert_eq!(why(&moved(&rule, &broader)), Unproved::Other("declaration"));
    let code = wat::parse_str("(component (@custom \"note\" \"x\"))").unwrap();
    let component = [admitted(&rule).component(), &code[8..]].concat();
    let recoded = sections::attach(&component, admitted(&rule).declaration(), None).unwrap();
    assert_eq!(why(&moved(&rule, &recoded)), Unproved::Other("code"));
    for junk in [&b""[..], b"{}", b"\xff"] {
        let junk = sections::attach_signature(&rule, junk).unwrap();
        assert!(matches!(why(&junk), Unproved::Signature(_)));
    }
    // Several signatures: one of the publisher's is enough, and one that isn't valid spoils all.
    let both = Envelope::sign(statement(&admitted(&rule)), &other).also_signed_by(&own).unwrap();
    let both = sections::attach_signature(&rule, &both.to_bytes()).unwrap();
    assert!(load(&trust, &[("watch.wasm", &both)]).1.is_empty());
}

#[test]
fn an_impostor_takes_nothing_from_the_true_rule() {
    let own = SecretKey::generate().unwrap();
    let forged = altered(|declaration| declaration.actions.push(Action::BlockSignIn));
    let subscriber = altered(|declaration| {
        declaration.id = "acme/fed".parse().unwrap();
        declaration.subscribes = admitted(shipped("countersign/burst-of-denied-calls"))
            .declaration()
            .signal_classes
            .iter()
            .map(|class| countersign_declaration::Subscription {
                rule: TRUE_RULE.parse().unwrap(),
                classes: vec![*class],
            })
            .take(1)
            .collect();
    });
    let subscriber = signed(&subscriber, &own);
    let trust = acme(&own, "");
    let (true_rule, forged_signed) = (shipped(TRUE_RULE), signed(&forged, &own));
    for impostor in [&forged, &forged_signed] {
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]] {
            let all = [(TRUE_RULE, true_rule), ("a/forged.wasm", impostor), ("fed.wasm", &subscriber)];
            let (generation, faults) = load(&trust, &order.map(|place| all[place]));
            assert_eq!(ids(&generation), ["acme/fed", TRUE_RULE], "{faults:?}");
            assert_eq!(generation.rule(&TRUE_RULE.parse().unwrap()).unwrap().proof, Proof::Shipped);
            assert_eq!(faults.len(), 1);
            assert_eq!(faults[0].name, "a/forged.wasm");
            assert!(matches!(faults[0].reason, LoadReason::PublisherUnproved(..)), "{faults:?}");
        }
    }
    // Without the true rule, the impostor is as if it weren't there, whatever its file is called.
    let (_, faults) = load(&trust, &[(TRUE_RULE, &forged), ("fed.wasm", &subscriber)]);
    assert!(
        faults.iter().any(|fault| matches!(&fault.reason, LoadReason::Subscriptions(all)
            if matches!(all.as_slice(), [SubscriptionFault::Unknown(_)]))),
        "{faults:?}"
    );
    // Nor does switching off count for it: it is refused where the true one would be off.
    let off = format!("\n[rule.\"{TRUE_RULE}\"]\nenabled = false\n");
    let (generation, faults) = load_under(&trust, &off, &[("forged.wasm", &forged), (TRUE_RULE, true_rule)]);
    assert_eq!((ids(&generation).len(), faults.len()), (0, 1));
    assert!(matches!(faults[0].reason, LoadReason::PublisherUnproved(..)));
}

#[test]
fn of_two_proved_rules_with_one_id_neither_serves() {
    let own = SecretKey::generate().unwrap();
    let first = signed(&named("acme/watch"), &own);
    let second = altered(|declaration| {
        declaration.id = "acme/watch".parse().unwrap();
        declaration.version.major += 1;
    });
    let second = signed(&second, &own);
    let other = signed(&named("acme/other"), &own);
    let rules: [(&str, &[u8]); 3] = [("1.wasm", &first), ("2.wasm", &second), ("3.wasm", &other)];
    let (generation, faults) = load(&acme(&own, ""), &rules);
    assert_eq!(ids(&generation), ["acme/other"]);
    assert_eq!(faults.iter().map(|fault| fault.name.as_str()).collect::<Vec<_>>(), ["1.wasm", "2.wasm"]);
    for fault in &faults {
        let text = fault.to_string();
        assert!(text.contains("duplicate-rule  2 rules have one id, and none of them is loaded"), "{text}");
        for (name, bytes) in [("1.wasm", &first), ("2.wasm", &second)] {
            let rule = admitted(bytes);
            let version = &rule.declaration().version;
            let line = format!(
                "`acme/watch` {version} in {name}: code {}, declaration {}",
                rule.code(),
                rule.declaration_digest()
            );
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
    // A shipped rule given again is one of two as well.
    let (generation, faults) = load("", &[(TRUE_RULE, shipped(TRUE_RULE)), ("copy.wasm", shipped(TRUE_RULE))]);
    assert_eq!((ids(&generation).len(), faults.len()), (0, 2));
}

#[test]
fn where_declarations_are_listed_another_one_needs_a_new_line() {
    let own = SecretKey::generate().unwrap();
    let accepted = signed(&named("acme/watch"), &own);
    let broader = altered(|declaration| {
        declaration.id = "acme/watch".parse().unwrap();
        declaration.version.major += 1;
        declaration.actions.push(Action::BlockSignIn);
        declaration.confidence_floor = 0;
    });
    let broader = signed(&broader, &own);
    let trust = acme(&own, "accept = \"listed\"\n");
    let refusal = |trust: &str, rules: &[(&str, &[u8])]| {
        let (generation, faults) = load(trust, rules);
        let fault = faults.iter().find(|fault| matches!(fault.reason, LoadReason::NotAccepted(_))).unwrap();
        (ids(&generation).len(), fault.to_string())
    };
    // The refusal prints the line; with it the rule serves.
    let line = |text: &str| text.split_once("add to `trust.toml`:").unwrap().1.replace("\n  ", "\n");
    let (served, text) = refusal(&trust, &[("watch.wasm", &accepted)]);
    assert!(served == 0 && text.starts_with("watch.wasm: not-accepted  "), "{text}");
    let listed = format!("{trust}{}\n", line(&text));
    let (generation, faults) = load(&listed, &[("watch.wasm", &accepted)]);
    assert!(faults.is_empty(), "{faults:?}\n{listed}");
    assert_eq!(ids(&generation), ["acme/watch"]);

    // A broader one is refused, with what is more, from the accepted line's own words.
    let (served, text) = refusal(&listed, &[("watch.wasm", &broader)]);
    assert_eq!(served, 0);
    assert!(
        text.contains(
            "differs from the one accepted before by\n  + actions: block-sign-in\n  + confidence-floor: 0, was "
        ),
        "{text}"
    );
    let both = format!("{listed}{}\n", line(&text));
    assert!(load(&both, &[("watch.wasm", &broader)]).1.is_empty());
    // Or from the accepted rule beside it, which serves.
    let without = format!(
        "{trust}[[accepted]]\nrule = \"acme/watch\"\ndeclaration = \"{}\"\n",
        admitted(&accepted).declaration_digest()
    );
    let (_, text) = refusal(&without, &[("watch.wasm", &broader)]);
    assert!(!text.contains("accepted before"), "{text}");
    let (served, text) = refusal(&without, &[("new.wasm", &broader), ("watch.wasm", &accepted)]);
    assert_eq!(served, 1);
    assert!(text.contains("+ actions: block-sign-in"), "{text}");
}

#[test]
fn what_is_granted_limits_what_serves_and_what_is_claimed() {
    let own = SecretKey::generate().unwrap();
    let rule = signed(&named("acme/watch"), &own);
    let serves = |grant: &str| load(&acme(&own, &format!("grant = {{ {grant} }}\n")), &[("watch.wasm", &rule)]);
    let (generation, faults) =
        serves("kinds = \"detection\", severity = \"low\", confidence = 40, actions = \"notify\"");
    assert!(faults.is_empty(), "{faults:?}");
    let loaded = &generation.detections[0];
    assert_eq!((loaded.greatest_severity, loaded.authority.cap), (Severity::Low, 40));
    assert_eq!(loaded.authority.grant.actions, [Action::Notify].into());

    let (generation, faults) = serves("kinds = \"response\", fields = [\"api.operation\"]");
    assert_eq!(ids(&generation), [""; 0]);
    let text = faults[0].to_string();
    assert!(
        text.starts_with("watch.wasm: not-granted  publisher `acme` isn't granted what `acme/watch` is or sees\n"),
        "{text}"
    );
    assert!(text.contains("\n  kind `detection`") && text.contains("\n  field `"), "{text}");
    assert!(!text.contains("field `api.operation`"), "{text}");
    // What a filter tests is seen: this rule's filter tests the outcome.
    assert!(text.contains("\n  field `action_id`"), "{text}");
}

#[test]
fn unsigned_rules_are_nobodys_or_allowed_by_name() {
    let rule = named("local/watch");
    let (generation, faults) = load("", &[("watch.wasm", &rule)]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(generation.detections[0].proof, Proof::Unsigned);
    assert!(generation.detections[0].authority.grant.actions.is_empty());
    let granted =
        "[publisher.local]\ngrant = { actions = \"notify\", identity-types = \"*\", signal-classes = \"*\" }\n";
    let (generation, _) = load(granted, &[("watch.wasm", &rule)]);
    assert_eq!(generation.detections[0].authority.grant.actions, [Action::Notify].into());

    let unsigned = named("acme/watch");
    let (generation, faults) = load("[publisher.acme]\nunsigned = true\n", &[("watch.wasm", &unsigned)]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(generation.detections[0].proof, Proof::Unsigned);
    // A signature that proves nothing isn't none.
    let stranger = signed(&unsigned, &SecretKey::generate().unwrap());
    let (_, faults) = load("[publisher.acme]\nunsigned = true\n", &[("watch.wasm", &stranger)]);
    assert!(matches!(faults[0].reason, LoadReason::PublisherUnproved(_, Unproved::OtherKeys(_))), "{faults:?}");
}

#[test]
fn an_authors_tools_take_any_rule() {
    let settings = Settings::of_authors().unwrap();
    let rules = [named("acme/watch"), signed(&named("stranger/watch"), &SecretKey::generate().unwrap())];
    let rules = rules.map(|bytes| RuleFile { name: "watch.wasm".to_owned(), bytes });
    let (generation, faults) = Generation::load(&ENGINE, rules.to_vec(), settings);
    assert!(faults.is_empty(), "{faults:?}");
    assert!(generation.detections.iter().all(|rule| !rule.authority.grant.actions.is_empty()));
}
