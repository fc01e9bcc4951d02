//! The operator's files: each is taken or refused with every fault, and what was taken can be looked up in with anything.
//! The first byte chooses which file the others are: see [`check`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use countersign_context::{Context, ContextFiles};
use countersign_declaration::{Declaration, parse_toml};
use countersign_model::vocabulary::{EventClass, FieldId, PartitionKey, Usage};
use countersign_model::{Account, Actor, Binding, Digest, Event, Fields, RawAddress, Timestamp, Value};
use countersign_policy::{Capabilities, Diagnostic, Directory, FileDiagnostics, Policy, Trust};
use countersign_stream::{ContextCall, ContextSource};

/// Checks some bytes: after `p` a policy, `t` `trust.toml`, `i` the directory, `c` capability tables, `e` `egress.toml`,
/// `d` `domain-roles.toml`, `g` a `geo.toml` or a MaxMind database. True if they were taken.
pub fn check(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    let mut files = ContextFiles::default();
    let mut directory = None;
    if *kind == b'g' {
        if files.add("geo", "geo", bytes.to_vec()).is_err() {
            return false;
        }
        assert!(files.files().map(|file| file.bytes).eq([bytes]));
    } else {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let of = |faults: FileDiagnostics| faults.diagnostics;
        let refused = match kind {
            b'p' => Policy::parse(text).map(|policy| same_as_canonical(&policy)).err(),
            b't' => Trust::parse(text).map(|trust| same_trust_as_canonical(&trust)).err(),
            b'i' => Directory::parse(text).map(|parsed| directory = Some(Arc::new(parsed))).err(),
            b'c' => Capabilities::parse(text).map(drop).err(),
            b'e' => files.add("egress", "egress", text.into()).err().map(of),
            b'd' => files.add("domain-roles", "domain-roles", text.into()).err().map(of),
            _ => return false,
        };
        if let Some(faults) = refused {
            check_faults(&faults);
            return false;
        }
    }
    tables(&Context::new(files, directory));
    true
}

fn check_faults(faults: &[Diagnostic]) {
    assert!(!faults.is_empty(), "refused without a fault");
    assert!(faults.iter().all(|fault| !fault.to_string().contains('\n')), "{faults:?}");
}

fn same_as_canonical(policy: &Policy) {
    let canonical = policy.to_canonical();
    let again = Policy::from_canonical(&canonical);
    let again = again.unwrap_or_else(|faults| panic!("written, then refused: {faults:?}"));
    assert_eq!(again.to_canonical(), canonical);
}

fn same_trust_as_canonical(trust: &Trust) {
    let again = Trust::from_canonical(&trust.to_canonical());
    assert_eq!(again.as_ref(), Ok(trust), "written, then read otherwise");
}

/// A rule that wants every served table, by row and by key.
static WANTS_ALL: LazyLock<Declaration> = LazyLock::new(|| {
    let text = r#"
id = "example/wants-all"
version = "1.0.0"
kind = "detection"
description = "Wants every table."
identity-types = ["human"]
confidence-floor = 50
actions = ["notify"]
signal-classes = ["sign-in"]
event-classes = ["authentication"]
partition-key = "actor"

[[context]]
table = "identity-facts"
by = "key"
columns = ["tier", "owner"]
max-age = "7d"

[[context]]
table = "egress"
by = "row"
columns = ["name", "kind"]
max-age = "7d"

[[context]]
table = "domain-roles"
by = "row"
columns = ["roles"]
max-age = "7d"

[[context]]
table = "geo"
by = "row"
columns = ["country", "latitude", "longitude", "asn"]
max-age = "7d"
"#;
    parse_toml(text).unwrap_or_else(|refusals| panic!("{refusals:?}"))
});

/// Every table has a row an event or a key, or is missing.
fn tables(context: &Context) {
    let addresses: [IpAddr; 4] = [
        Ipv4Addr::new(203, 0, 113, 7).into(),
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        Ipv6Addr::from(u128::MAX).into(),
    ];
    let account = Account::new("windows", "S-1-5-21-1-2-3", "S-1-5-21-1-2-3-1001");
    let events: Vec<Event> = addresses.into_iter().map(|address| event(&account, address)).collect();
    let events: Vec<&Event> = events.iter().collect();
    let keys: Vec<Arc<str>> = vec![Arc::from(account.to_string())];
    for wanted in &WANTS_ALL.context {
        let now = Timestamp(1_800_000_000_000_000);
        let call = ContextCall { events: &events, keys: &keys, partition_key: PartitionKey::Actor, now };
        let table = context.table(wanted, &call);
        let expected = match wanted.keying.id() {
            "row" => events.len(),
            _ => keys.len(),
        };
        assert!(table.columns.is_empty() || table.columns.len() == wanted.columns.len(), "{table:?}");
        assert!(table.columns.is_empty() || table.rows as usize == expected, "{table:?}");
    }
}

fn event(account: &Account, address: IpAddr) -> Event {
    let mut fields = Fields::default();
    fields.set(FieldId::SrcEndpointIp, Value::Address(address));
    let time = Timestamp(1_800_000_000_000_000);
    Event {
        source: "windows-security".into(),
        binding: Binding::BOUND,
        tenant: Arc::from("S-1-5-21-1-2-3"),
        id: Arc::from("1"),
        class: EventClass::Authentication,
        time,
        ingest_time: time,
        actor: Actor {
            account: Some(account.clone()),
            usage: Usage::Interactive,
            authenticated: true,
            session: None,
            token: None,
            temporary: false,
            person: None,
            grant: None,
        },
        chain: Vec::new(),
        target: None,
        trust: None,
        fields,
        raw: RawAddress { input: 0, ordinal: 0, offset: 0, length: 0, digest: Digest::of(b"") },
    }
}
