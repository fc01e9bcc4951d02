//! Rules as 0.1.0 built them, byte for byte: they are admitted, load, and answer as they did then. Among them are rules
//! that use what 0.1.0 didn't serve yet (a timer, a subscription, a context table): here they are called with it.

use std::path::PathBuf;
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::Account;
use countersign_model::call::{
    Availability, Batch, Column, ContextTable, DetectionAnswer, DetectionCall, Detector, Masks, RowKind, Rows,
    SlotState, TableAvailability, TextArena, Values, schema_hash,
};
use countersign_model::response::{
    AvailableAction, FindingView, IdentityView, IncidentView, LeaseView, OutcomeView, Responder, ResponseAnswer,
    ResponseCall, StepResult, SubjectView,
};
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Keying, Reversibility, Severity, SignalClass, SubjectRole, Tier,
    Usage,
};

use crate::support::{Judge, admitted, bytes, engine, found, shipped};

/// If set, the fixtures are written from the current build. Only before a release: afterwards they never change.
const FREEZE: &str = "COUNTERSIGN_FREEZE_FIXTURES";

/// Makes the call of a fixture.
type MakeCall = fn(&Declaration) -> DetectionCall;

/// Each fixture, with its call.
const FIXTURES: &[(&str, MakeCall)] = &[
    ("countersign.burst-of-denied-calls", burst),
    ("example.uses-a-timer", timer),
    ("example.uses-context", context),
    ("example.uses-findings", findings),
];

/// SHA-256 of the interface's released files.
const FROZEN: &[(&str, &str)] = &[
    ("detection.wit", "6970bca4a57f1e8ee41331971620878474aad6bc17785b7f0a0837b0be7f0202"),
    ("response.wit", "38037e3f1b399783cef4f78faf6c3882cc3ff66f90a4fbbecec097c3fe0531d6"),
];

/// The response rule among the fixtures.
const RESPONSE: &str = "countersign.graduated-containment";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/0.1.0").join(name)
}

fn wasm(name: &str) -> Vec<u8> {
    std::fs::read(path(&format!("{name}.wasm"))).unwrap()
}

fn json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn rules_of_0_1_0_answer_as_they_did() {
    if std::env::var_os(FREEZE).is_some() {
        freeze();
    }
    for (name, call) in FIXTURES {
        let rule = admitted(&wasm(name));
        assert_eq!(rule.declaration().id.file_name(), format!("{name}.wasm"));
        let loaded = engine().load(&rule).unwrap();
        let call = call(rule.declaration());
        assert_eq!(call, json::<DetectionCall>(&format!("{name}.call.json")), "{name}: the shape of calls has changed");
        let answer = loaded.detect(&call).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(answer, json::<DetectionAnswer>(&format!("{name}.answer.json")), "{name}");
        assert!(!answer.findings.is_empty(), "{name} has no finding");
    }
}

#[test]
fn a_response_rule_of_0_1_0_proposes_what_it_did() {
    let rule = admitted(&wasm(RESPONSE));
    let call = response(rule.declaration());
    assert_eq!(call, json::<ResponseCall>(&format!("{RESPONSE}.call.json")), "the shape of calls has changed");
    let answer = engine().load(&rule).unwrap().respond(&call).unwrap();
    assert_eq!(answer, json::<ResponseAnswer>(&format!("{RESPONSE}.answer.json")));
    assert!(!answer.proposals.is_empty());
}

/// The frozen files never change, and the current ones are the same as long as they have the same version.
#[test]
fn the_interface_of_0_1_0_is_the_frozen_one() {
    let wit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../wit");
    for (name, digest) in FROZEN {
        let [served, frozen] = [wit.join(name), wit.join("v0.1.0").join(name)]
            .map(|path| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        let package = "package countersign:rules@0.1.0;\n";
        assert!(frozen.starts_with(package), "{name}");
        assert!(
            !served.starts_with(package) || served == frozen,
            "wit/{name} differs from wit/v0.1.0/{name}: give it another version"
        );
        let got = countersign_model::Digest::of(frozen.as_bytes()).to_string();
        assert_eq!(got, *digest, "wit/v0.1.0/{name} was changed");
    }
}

#[test]
fn the_folder_has_exactly_these_fixtures() {
    let mut expected: Vec<String> = FIXTURES
        .iter()
        .map(|(name, _)| *name)
        .chain([RESPONSE])
        .flat_map(|name| ["wasm", "call.json", "answer.json"].map(|kind| format!("{name}.{kind}")))
        .chain(["README.md".to_owned()])
        .collect();
    expected.sort();
    let entries = std::fs::read_dir(path("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, expected);
}

/// Through the whole stream: keys, columns, state, one-row calls.
#[test]
fn the_shipped_rule_of_0_1_0_still_finds_in_the_stream() {
    let rule = Arc::new(engine().load(&admitted(&wasm("countersign.burst-of-denied-calls"))).unwrap());
    let rows: Vec<(&str, &str)> = (0..24)
        .map(|row| (["ListUsers", "ListRoles", "ListBuckets"][row / 2 % 3], ["ALICE", "BOB"][row % 2]))
        .collect();
    let outcome = Judge::new(rule).judge(&rows);
    let message =
        |last: &str| format!("10 denied calls of 3 operations within 5m, the last {last} of an unnamed service");
    assert_eq!(found(&outcome), [(18, &*message("ListUsers")), (19, &*message("ListUsers"))]);
    let finding = &outcome.findings[0].finding;
    assert_eq!((finding.confidence, finding.evidence.len()), (60, 10));
    assert_eq!((outcome.failures.len(), outcome.disagreements.len()), (0, 0));
}

fn freeze() {
    let write = |name: String, bytes: &[u8]| std::fs::write(path(&name), bytes).unwrap();
    let pretty = |value: serde_json::Result<String>| format!("{}\n", value.unwrap()).into_bytes();
    std::fs::create_dir_all(path("")).unwrap();
    for name in FIXTURES.iter().map(|(name, _)| *name).chain([RESPONSE]) {
        let (publisher, own) = name.split_once('.').unwrap();
        let built = if publisher == "countersign" { shipped(own) } else { bytes(own) };
        let rule = admitted(built);
        let loaded = engine().load(&rule).unwrap();
        let (call, answer) = match FIXTURES.iter().find(|(other, _)| *other == name) {
            Some((_, call)) => {
                let call = call(rule.declaration());
                (serde_json::to_string_pretty(&call), serde_json::to_string_pretty(&loaded.detect(&call).unwrap()))
            }
            None => {
                let call = response(rule.declaration());
                (serde_json::to_string_pretty(&call), serde_json::to_string_pretty(&loaded.respond(&call).unwrap()))
            }
        };
        write(format!("{name}.wasm"), built);
        write(format!("{name}.call.json"), &pretty(call));
        write(format!("{name}.answer.json"), &pretty(answer));
    }
}

/// A person whose token and session are in evidence, and the role that they attached: two findings, a challenge with a
/// live lease, and a failed step.
fn response(declaration: &Declaration) -> ResponseCall {
    let identity = |subject: &str, identity_type, protected: bool| IdentityView {
        account: Account::new("aws", "111122223333", subject),
        directory_id: (!protected).then(|| "u-0001".to_owned()),
        identity_type,
        tier: Tier::High,
        environment: Some("production".to_owned()),
        owner: Some("u-0002".to_owned()),
        protected,
        break_glass: false,
    };
    let subject = |identity, role, evidence_role, has: bool| SubjectView {
        identity,
        role,
        evidence_role,
        usage: Usage::Programmatic,
        has_session: has,
        has_token: has,
        has_grant: false,
    };
    let finding = |name: &str, signal_class, confidence, subject, after: i64| FindingView {
        rule: format!("countersign/{name}").parse().unwrap(),
        signal_class,
        confidence,
        severity: Severity::High,
        subject,
        techniques: vec!["T1098.003".to_owned()],
        event_time: START + after,
        message: "attached AdministratorAccess to itself".to_owned(),
    };
    let action =
        |action, rung, class, reversibility| AvailableAction { action, subject: 0, rung, class, reversibility };
    let incident = IncidentView {
        now: START + 120_000_000,
        findings: vec![
            finding("privilege-attached-to-self", SignalClass::Privilege, 80, 0, 60_000_000),
            finding("burst-of-denied-calls", SignalClass::Token, 65, 1, 0),
        ],
        combined_confidence: 86,
        identities: vec![
            identity("AIDAEXAMPLE", IdentityType::Human, false),
            identity("AROAEXAMPLE", IdentityType::Workload, true),
        ],
        subjects: vec![
            subject(0, SubjectRole::Actor, EvidenceRole::AuthenticatedAs, true),
            subject(1, SubjectRole::Target, EvidenceRole::MerelyNames, false),
        ],
        actions: vec![
            action(Action::Notify, 2, ActionClass::Observe, Reversibility::Irreversible),
            action(Action::RequireMfa, 3, ActionClass::Challenge, Reversibility::Reversible),
            action(Action::RevokeSessions, 6, ActionClass::Contain, Reversibility::SelfHealing),
            action(Action::DisableCredential, 9, ActionClass::Contain, Reversibility::Reversible),
            action(Action::SuspendAccount, 11, ActionClass::Contain, Reversibility::Reversible),
        ],
        leases: vec![LeaseView { action: Action::RequireMfa, subject: 0, since: START, until: START + 3_600_000_000 }],
        outcomes: vec![OutcomeView {
            action: Action::RevokeSessions,
            subject: 0,
            at: START + 30_000_000,
            result: StepResult::Failed,
        }],
    };
    let parameters = declaration.parameters.iter().map(|parameter| parameter.default.clone()).collect();
    ResponseCall { incident, parameters, data: Vec::new() }
}

const START: i64 = 1_714_550_400_000_000;

/// A call with a row for each of these keys, a second apart, without state.
fn call(declaration: &Declaration, keys: &[u32], kinds: Option<Vec<RowKind>>, columns: Vec<Column>) -> DetectionCall {
    let rows = i64::try_from(keys.len()).unwrap();
    let times: Vec<i64> = (0..rows).map(|row| START + row * 1_000_000).collect();
    let distinct = keys.iter().max().map_or(0, |last| *last as usize + 1);
    let empty = SlotState {
        blobs: Vec::new(),
        blob_offsets: vec![0; distinct + 1],
        kept: Vec::new(),
        kept_offsets: vec![0; distinct + 1],
    };
    DetectionCall {
        batch: Batch {
            schema_hash: schema_hash(&declaration.fields),
            rows: Rows {
                references: (0..rows).map(|row| 0x1000 + row.unsigned_abs()).collect(),
                ingest_times: times.iter().map(|time| time + 60_000_000).collect(),
                watermarks: vec![START - 300_000_000; keys.len()],
                event_times: times,
                keys: keys.to_vec(),
                kinds,
            },
            columns,
        },
        state: vec![empty; declaration.slots.len()],
        parameters: declaration.parameters.iter().map(|parameter| parameter.default.clone()).collect(),
        data: Vec::new(),
        context: Vec::new(),
    }
}

fn column(values: Values) -> Column {
    Column { values, masks: None }
}

fn arena(texts: &[&str]) -> TextArena {
    let mut arena = TextArena::default();
    for text in texts {
        arena.push(text);
    }
    arena
}

/// Twelve denied calls of one account and one of another: a burst. Its columns are a dictionary and texts.
fn burst(declaration: &Declaration) -> DetectionCall {
    let operations = Values::Dictionary {
        entries: arena(&["ListUsers", "ListRoles", "ListBuckets", "GetAccountSummary"]),
        indices: (0..13).map(|row| row % 4).collect(),
    };
    let services = Values::Text(arena(&["iam.amazonaws.com"; 13]));
    let keys: Vec<u32> = (0..13).map(|row| u32::from(row == 5)).collect();
    let mut call = call(declaration, &keys, None, vec![column(operations), column(services)]);
    // The last row's service is absent, and one isn't text.
    let masks = Masks { present: vec![0b0_1111_1111_0111], wrong_type: vec![0b1000] };
    call.batch.columns[1].masks = Some(masks);
    call
}

/// Two failed sign-ins, the second one late, and the timer that they set.
fn timer(declaration: &Declaration) -> DetectionCall {
    let kinds = vec![RowKind::Event, RowKind::Late, RowKind::Timer("silence".to_owned())];
    call(declaration, &[0, 0, 0], Some(kinds), vec![column(Values::Unsigned(vec![2, 2, 2]))])
}

/// Two findings of the rule that it subscribes to.
fn findings(declaration: &Declaration) -> DetectionCall {
    let columns = vec![
        column(Values::Text(arena(&["countersign/burst-of-denied-calls"; 2]))),
        column(Values::Text(arena(&["token"; 2]))),
        column(Values::Unsigned(vec![60, 72])),
    ];
    call(declaration, &[0, 0], Some(vec![RowKind::Finding, RowKind::Finding]), columns)
}

/// Calls from three addresses, with an expected, an unexpected, and an unknown country.
fn context(declaration: &Declaration) -> DetectionCall {
    let address = |last: u64| [0, 0xffff_c633_6400 + last];
    let addresses = column(Values::Addresses([1, 2, 3].map(address).concat()));
    let mut call = call(declaration, &[0, 1, 2], None, vec![addresses]);
    call.parameters = vec![countersign_model::call::Parameter::TextList(vec!["DE".to_owned()])];
    let known = Some(Masks { present: vec![0b011], wrong_type: vec![0] });
    let known_since = Availability::Fresh(START - 86_400_000_000);
    let geo = ContextTable {
        keying: Keying::Row,
        rows: 3,
        availability: TableAvailability::Each(vec![known_since, known_since, Availability::Missing]),
        columns: vec![
            Column { values: Values::Text(arena(&["DE", "KP", ""])), masks: known.clone() },
            Column { values: Values::Unsigned(vec![64_496, 64_497, 0]), masks: known },
        ],
    };
    let second = Some(Masks { present: vec![0b010], wrong_type: vec![0] });
    let egress = ContextTable {
        keying: Keying::Key,
        rows: 3,
        availability: TableAvailability::Whole(known_since),
        columns: vec![Column { values: Values::Text(arena(&["", "a partner's proxy", ""])), masks: second }],
    };
    let roles = Values::TextLists {
        items: arena(&["domain-controller", "certificate-authority", "sync-account"]),
        rows: vec![0, 2, 3],
    };
    let roles = ContextTable {
        keying: Keying::Batch,
        rows: 2,
        availability: TableAvailability::Whole(Availability::Stale(START - 90 * 86_400_000_000)),
        columns: vec![column(Values::Text(arena(&["windows:S-1-5-21:one", "windows:S-1-5-21:two"]))), column(roles)],
    };
    call.context = vec![geo, egress, roles];
    call
}
