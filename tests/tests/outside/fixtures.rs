//! Rules as 0.1.0 built them, byte for byte: they are admitted, load, and say today what they said then. Among them are
//! rules that use what 0.1.0 didn't serve yet (a timer, a subscription, a context table): they are called with it here.

use std::path::PathBuf;
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::call::{
    Availability, Batch, Column, ContextTable, DetectionAnswer, DetectionCall, Detector, Masks, RowKind, Rows,
    SlotState, TableAvailability, TextArena, Values, schema_hash,
};
use countersign_model::vocabulary::Keying;

use crate::support::{Judge, admitted, bytes, engine, found, shipped};

/// Set, it writes the fixtures anew from what is built now. Only before a release: afterwards they stay as they are.
const FREEZE: &str = "COUNTERSIGN_FREEZE_FIXTURES";

/// The call that a fixture is made to answer.
type MakeCall = fn(&Declaration) -> DetectionCall;

/// Each fixture, with its call.
const FIXTURES: &[(&str, MakeCall)] = &[
    ("countersign.burst-of-denied-calls", burst),
    ("example.uses-a-timer", timer),
    ("example.uses-context", context),
    ("example.uses-findings", findings),
];

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
fn rules_of_0_1_0_say_what_they_said() {
    if std::env::var_os(FREEZE).is_some() {
        freeze();
    }
    for (name, call) in FIXTURES {
        let rule = admitted(&wasm(name));
        assert_eq!(rule.declaration().id.file_name(), format!("{name}.wasm"));
        let loaded = engine().load(&rule).unwrap();
        let call = call(rule.declaration());
        assert_eq!(call, json::<DetectionCall>(&format!("{name}.call.json")), "{name}: calls have another form");
        let answer = loaded.detect(&call).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(answer, json::<DetectionAnswer>(&format!("{name}.answer.json")), "{name}");
        assert!(!answer.findings.is_empty(), "{name} shows nothing");
    }
}

#[test]
fn the_folder_has_these_and_nothing_else() {
    let mut expected: Vec<String> = FIXTURES
        .iter()
        .flat_map(|(name, _)| ["wasm", "call.json", "answer.json"].map(|kind| format!("{name}.{kind}")))
        .chain(["README.md".to_owned()])
        .collect();
    expected.sort();
    let entries = std::fs::read_dir(path("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, expected);
}

/// Through the whole of the stream: keys, columns, state, the one-row calls.
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
    let finding = &outcome.found[0].finding;
    assert_eq!((finding.confidence, finding.evidence.len()), (60, 10));
    assert_eq!((outcome.failures.len(), outcome.disagreements.len()), (0, 0));
}

fn freeze() {
    let write = |name: String, bytes: &[u8]| std::fs::write(path(&name), bytes).unwrap();
    std::fs::create_dir_all(path("")).unwrap();
    for (name, call) in FIXTURES {
        let (publisher, own) = name.split_once('.').unwrap();
        let built = if publisher == "countersign" { shipped(own) } else { bytes(own) };
        let rule = admitted(built);
        let call = call(rule.declaration());
        let answer = engine().load(&rule).unwrap().detect(&call).unwrap();
        write(format!("{name}.wasm"), built);
        write(format!("{name}.call.json"), format!("{}\n", serde_json::to_string_pretty(&call).unwrap()).as_bytes());
        write(
            format!("{name}.answer.json"),
            format!("{}\n", serde_json::to_string_pretty(&answer).unwrap()).as_bytes(),
        );
    }
}

const START: i64 = 1_714_550_400_000_000;

/// A call with these rows, a second apart, of as many keys as are named, without state.
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
    // The last row's service isn't there, and one was no text.
    let masks = Masks { present: vec![0b0_1111_1111_0111], wrong_type: vec![0b1000] };
    call.batch.columns[1].masks = Some(masks);
    call
}

/// Two failed sign-ins, the second of them late, and the timer that they set.
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

/// Calls from three addresses, of which one's country is expected, one's isn't, and one's isn't known.
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
