//! Each kind of difference, on both sides of what widens.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use countersign_engine::{Engine, EngineConfig};

use super::*;
use crate::material::{Material, MaterialFile};

fn built(files: &[(&str, String)]) -> Built {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::new(&EngineConfig::default()).unwrap());
    let file = |(role, text): &(&str, String)| MaterialFile {
        role: Role::named(role).unwrap(),
        name: (*role).to_owned(),
        bytes: text.clone().into_bytes(),
    };
    let material = Material { shipped_rules: false, files: files.iter().map(file).collect() };
    material.build(engine).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// The items of a change of one file, each in a line: `!` where it widens.
fn items(role: &str, before: &str, after: &str) -> Vec<String> {
    let text = |text: &str| match role {
        "identities" | "egress" | "domain-roles" => text.to_owned(),
        _ => format!("version = 1\n{text}"),
    };
    let (serving, candidate) = (built(&[(role, text(before))]), built(&[(role, text(after))]));
    let difference = Difference::between(&serving, &candidate);
    assert!(difference.items.iter().all(|item| Role::named(role).unwrap().change_kind() == item.kind));
    let line = |item: &Item| {
        let sign = if item.widens { "!" } else { "" };
        format!("{sign}{} {}: {}", item.aspect, item.subject, item.change)
    };
    difference.items.iter().map(line).collect()
}

/// Checks changes there and back.
fn check(role: &str, cases: &[(&str, &str, &[&str], &[&str])]) {
    for (before, after, there, back) in cases {
        assert_eq!(items(role, before, after), *there, "{before}\n→\n{after}");
        assert_eq!(items(role, after, before), *back, "{after}\n→\n{before}");
        assert_eq!(items(role, before, before), [""; 0]);
    }
}

#[test]
fn protections_that_go_or_get_weaker_widen() {
    let alice = "[[identity]]\nid = \"alice\"\ntype = \"human\"\ntier = \"high\"\n";
    let account = "[[identity.account]]\nprovider = \"aws\"\ntenant = \"111122223333\"\nsubject = \"AIDAALICE\"\n";
    let bob = "[[identity]]\nid = \"bob\"\n";
    let with = |more: &str| format!("{alice}{more}");
    let change = |from: &str, to: &str| alice.replace(from, to);
    let linked = with(account);
    check(
        "identities",
        &[
            (
                &with("break-glass = true\n"),
                alice,
                &["!protection alice: not break-glass any more"],
                &["protection alice: break-glass"],
            ),
            (
                &with("protected = true\n"),
                alice,
                &["!protection alice: not protected any more"],
                &["protection alice: protected"],
            ),
            (
                alice,
                &change("high", "standard"),
                &["!protection alice: tier standard, was high"],
                &["protection alice: tier high, was standard"],
            ),
            (
                alice,
                &change("human", "workload"),
                &["!protection alice: type workload, was human"],
                &["!protection alice: type human, was workload"],
            ),
            (
                &linked,
                alice,
                &["!protection alice: account aws:111122223333:AIDAALICE is gone"],
                &["!identity alice: account aws:111122223333:AIDAALICE is linked"],
            ),
            (
                &format!("{linked}{bob}"),
                &format!("{alice}{bob}{account}"),
                &["!protection alice: account aws:111122223333:AIDAALICE is that of bob now"],
                &["!protection bob: account aws:111122223333:AIDAALICE is that of alice now"],
            ),
            (
                &format!("{bob}break-glass = true\n{account}"),
                "",
                &["!protection bob: gone, with its 1 accounts, break-glass"],
                // Without a fact it is of tier critical too.
                &["identity bob: added, of tier critical, with 1 accounts"],
            ),
            (
                "",
                &linked,
                &["!identity alice: added, of tier high, with 1 accounts"],
                &["!protection alice: gone, with its 1 accounts"],
            ),
            (
                alice,
                &with("owner = \"bob\"\n[[identity]]\nid = \"bob\"\n"),
                &["!identity alice: owner bob, was none", "identity bob: added, of tier critical, with 0 accounts"],
                &["!identity alice: owner none, was bob", "!protection bob: gone, with its 0 accounts"],
            ),
            (
                alice,
                &with("# A comment.\n"),
                &["text identities: other files, which mean the same"],
                &["text identities: other files, which mean the same"],
            ),
        ],
    );
}

#[test]
fn what_the_policy_answers_more_permissively_widens() {
    let cell = |answer: &str, floor: u8, more: &str| {
        format!(
            "[[cell]]\nclass = [\"token\", \"sign-in\"]\ntype = \"human\"\ntier = \"*\"\naction = \"require-mfa\"\n\
             answer = \"{answer}\"\nfloor = {floor}\n{more}\n"
        )
    };
    let automatic = |max_age: &str, until: &str, owner: &str| {
        let more =
            format!("max-age = \"{max_age}\"\nowner = \"{owner}\"\nevidence = \"EXP-1\"\nreview-by = \"{until}\"\n");
        cell("automatic", 70, &more)
    };
    const COVER: &str = "policy class sign-in, token; type human; action require-mfa: ";
    let line = |sign: &str, change: &str| format!("{sign}{COVER}{change}");
    let (approval, plain) = (cell("approval", 50, ""), automatic("15m", "2030-01-31", "soc"));
    let is = "automatic from confidence 70 within 15m until 2030-01-31";
    check(
        "policy",
        &[
            (
                "",
                &approval,
                &[&line("!", "approval from confidence 50, was never")],
                &[&line("", "never, was approval from confidence 50")],
            ),
            (
                "",
                &cell("never", 0, ""),
                &["text policy: other files, which mean the same"],
                &["text policy: other files, which mean the same"],
            ),
            (
                &approval,
                &cell("approval", 40, ""),
                &[&line("!", "approval from confidence 40, was approval from confidence 50")],
                &[&line("", "approval from confidence 50, was approval from confidence 40")],
            ),
            (
                &approval,
                &plain,
                &[&line("!", &format!("{is}, was approval from confidence 50"))],
                // It asks, but from less on.
                &[&line("!", &format!("approval from confidence 50, was {is}"))],
            ),
            (
                &plain,
                &automatic("1h", "2030-01-31", "soc"),
                &[&line("!", &format!("automatic from confidence 70 within 1h until 2030-01-31, was {is}"))],
                &[&line("", &format!("{is}, was automatic from confidence 70 within 1h until 2030-01-31"))],
            ),
            (
                &plain,
                &automatic("15m", "2030-02-01", "soc"),
                &[&line("!", &format!("automatic from confidence 70 within 15m until 2030-02-01, was {is}"))],
                &[&line("", &format!("{is}, was automatic from confidence 70 within 15m until 2030-02-01"))],
            ),
            (
                &plain,
                &automatic("15m", "2030-01-31", "it"),
                &[&line("", &format!("{is}, with other reasons"))],
                &[&line("", &format!("{is}, with other reasons"))],
            ),
            (
                "",
                "[[response]]\nclass = \"*\"\ntype = \"human\"\nrules = [\"a/b\"]\n",
                &["policy type human: answered by a/b, was every response rule"],
                &["!policy type human: answered by every response rule, was a/b"],
            ),
            (
                "",
                "[limits]\nfuel = 1000000000\nmemory = 1000000\nlongest-lease = \"2d\"\n",
                &[
                    "!policy limits: fuel = 1000000000, was 100000000",
                    "policy limits: memory = 1000000, was 67108864",
                    "!policy limits: longest-lease = 172800 s, was 86400 s",
                ],
                &[
                    "!policy limits: memory = 67108864, was 1000000",
                    "policy limits: fuel = 100000000, was 1000000000",
                    "policy limits: longest-lease = 86400 s, was 172800 s",
                ],
            ),
        ],
    );
}

#[test]
fn what_connectors_can_do_more_widens() {
    let capability = |levels: &str, more: &str| {
        format!(
            "[[capability]]\nprovider = \"aws\"\nconnector = \"aws-iam\"\naction = \"revoke-sessions\"\n\
             type = \"human\"\nlevels = {levels}\n{more}\n"
        )
    };
    let plain = capability("[\"account\"]", "");
    let about = "capability aws, revoke-sessions, human:";
    check(
        "capabilities",
        &[
            ("", &plain, &[&format!("!{about} added: aws-iam")], &[&format!("{about} removed: aws-iam")]),
            (
                &plain,
                &capability("[\"account\", \"session\"]", "reach = \"one\"\nreversibility = \"self-healing\""),
                &[
                    &format!("!{about} + levels: session"),
                    &format!("!{about} self-healing, was irreversible"),
                    &format!("!{about} reaches one, was unknown"),
                ],
                &[
                    &format!("{about} - levels: session"),
                    &format!("{about} irreversible, was self-healing"),
                    &format!("{about} reaches unknown, was one"),
                ],
            ),
        ],
    );
}

#[test]
fn more_trust_widens() {
    let publisher = |more: &str| {
        format!("[publisher.acme]\nkeys = [\"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"]\n{more}\n")
    };
    let plain = publisher("");
    let grant = "[publisher.acme.grant]\nactions = \"notify\"\n";
    let accepted = format!("[[accepted]]\nrule = \"acme/watch\"\ndeclaration = \"{}\"\n", "ab".repeat(32));
    let digest = "ab".repeat(32);
    check(
        "trust",
        &[
            ("", &plain, &["!trust acme: added, with 1 keys"], &["trust acme: removed"]),
            (
                &plain,
                &publisher("unsigned = true"),
                &["!trust acme: rules without a signature serve"],
                &["trust acme: rules have to be signed"],
            ),
            (
                &publisher("accept = \"listed\""),
                &plain,
                &["!trust acme: accepts all, was listed"],
                &["trust acme: accepts listed, was all"],
            ),
            (&plain, &publisher(grant), &["!trust acme: + actions: notify"], &["trust acme: - actions: notify"]),
            (
                &publisher(&format!("{grant}confidence = 70\nseverity = \"high\"\nkinds = \"detection\"")),
                &publisher(grant),
                &[
                    "!trust acme: + kinds: response",
                    "!trust acme: confidence at most 100, was 70",
                    "!trust acme: severity at most fatal, was high",
                ],
                &[
                    "trust acme: - kinds: response",
                    "trust acme: confidence at most 70, was 100",
                    "trust acme: severity at most high, was fatal",
                ],
            ),
            (
                &publisher("accept = \"listed\""),
                &publisher(&format!("accept = \"listed\"\n{accepted}")),
                &[&format!("!trust acme/watch: declaration {digest} is accepted")],
                &[&format!("trust acme/watch: declaration {digest} isn't accepted any more")],
            ),
        ],
    );
}

#[test]
fn sources_that_speak_for_more_widen() {
    let source = |name: &str, tenants: &str, more: &str| {
        format!("[[source]]\nname = \"{name}\"\nformat = \"cloudtrail\"\ntenants = {tenants}\n{more}\n")
    };
    let plain = source("trail", "[\"aws:1\"]", "");
    let with = |more: &str| source("trail", "[\"aws:1\"]", more);
    let other = source("other", "[\"aws:2\"]", "");
    check(
        "sources",
        &[
            (
                "",
                &plain,
                &["!source trail: added: kind none, cloudtrail, speaks for aws:1, up to contain"],
                &["!source trail: removed"],
            ),
            (
                &plain,
                &source("trail", "[\"aws:1\", \"aws:*\"]", ""),
                &["!source trail: + tenants: aws:*"],
                &["source trail: - tenants: aws:*"],
            ),
            (
                &with("highest-class = \"challenge\""),
                &plain,
                &["!source trail: leads up to contain, was challenge"],
                &["source trail: leads up to challenge, was contain"],
            ),
            (
                &plain,
                &with("envelopes = [\"sqs\"]"),
                &["!source trail: + envelopes: sqs"],
                &["source trail: - envelopes: sqs"],
            ),
            (
                &plain,
                &with("kind = \"http\""),
                &["!source trail: kind http, was none"],
                &["!source trail: kind none, was http"],
            ),
            (
                &plain,
                &with("expect-every = \"10m\""),
                &["source trail: the alarm of silence comes after 10m, was never"],
                &["!source trail: the alarm of silence comes after never, was 10m"],
            ),
            (
                &plain,
                &with("lateness = \"1h\""),
                &["!source trail: waits for records 1h late, 5m silent, was 15m late, 5m silent"],
                &["!source trail: waits for records 15m late, 5m silent, was 1h late, 5m silent"],
            ),
            (
                &format!("{plain}{other}"),
                &format!("{other}{plain}"),
                &["!source all: in another order"],
                &["!source all: in another order"],
            ),
        ],
    );
}

#[test]
fn files_of_tables_are_compared_by_their_content() {
    let egress = |network: &str| {
        format!(
            "version = 1\nas-of = 2026-01-01T00:00:00Z\n[[egress]]\nname = \"office\"\nkind = \"office\"\n\
             networks = [\"{network}\"]\n"
        )
    };
    let (one, other) = (egress("192.0.2.0/24"), egress("198.51.100.0/24"));
    check(
        "egress",
        &[(&one, &other, &["!lookup egress: 1 of 1 files are others"], &["!lookup egress: 1 of 1 files are others"])],
    );
}

#[test]
fn many_items_are_counted_and_their_widening_isn_t_lost() {
    let identities = |tier: &str, count: usize| -> String {
        (0..count).map(|number| format!("[[identity]]\nid = \"i{number}\"\ntier = \"{tier}\"\n")).collect()
    };
    let serving = built(&[("identities", identities("high", 700))]);
    let candidate = built(&[("identities", identities("standard", 700))]);
    let difference = Difference::between(&serving, &candidate);
    assert_eq!(difference.items.len(), 500);
    assert_eq!(difference.omitted, [Omitted { kind: ChangeKind::Identities, widens: true, count: 200 }]);
    assert_eq!(difference.kinds(), [(ChangeKind::Identities, true)].into());
    let raised = Difference::between(&candidate, &serving);
    assert!(!raised.widens() && !raised.is_empty());
    let json = serde_json::to_string(&raised).unwrap();
    assert_eq!(serde_json::from_str::<Difference>(&json).unwrap(), raised);
    let kinds: BTreeSet<ChangeKind> = raised.kinds().into_keys().collect();
    assert_eq!(kinds, BTreeSet::from([ChangeKind::Identities]));
}

#[test]
fn every_change_of_persons_widens() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";
    let alice = "[[identity]]\nid = \"alice\"\ntype = \"human\"\n";
    let person = |uid: u32, roles: &str, keys: &str| {
        format!("{alice}[[person]]\nidentity = \"alice\"\nuid = {uid}\nroles = [{roles}]\nkeys = [{keys}]\n")
    };
    let operator = person(1000, "\"operator\"", "");
    let shown = "uid 1000 with roles operator and no keys";
    let both = person(1000, "\"approver\", \"operator\"", "");
    let shown_both = "uid 1000 with roles operator, approver and no keys";
    let keyed = person(1000, "\"operator\"", &format!("\"{KEY} laptop\""));
    let shown_keyed = format!("uid 1000 with roles operator and keys {FINGERPRINT}");
    let change = |is: &str, was: &str| format!("!person alice: {is}, was {was}");
    let other = "uid 1001 with roles operator and no keys";
    check(
        "identities",
        &[
            (
                alice,
                &operator,
                &[&format!("!person alice: a person now, {shown}")],
                &[&format!("!person alice: no person any more, was {shown}")],
            ),
            (&operator, &both, &[&change(shown_both, shown)], &[&change(shown, shown_both)]),
            (&operator, &keyed, &[&change(&shown_keyed, shown)], &[&change(shown, &shown_keyed)]),
            (&operator, &person(1001, "\"operator\"", ""), &[&change(other, shown)], &[&change(shown, other)]),
        ],
    );
    // A comment makes no other key; the text differs.
    assert_eq!(
        items("identities", &keyed, &keyed.replace("laptop", "desk")),
        ["text identities: other files, which mean the same"]
    );
}
