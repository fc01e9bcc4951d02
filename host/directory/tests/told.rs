//! Everything that a directory tells is read by the format that is named after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::Arc;

use common::{ALICE, BACKUP, Client, SEED};
use countersign_directory::{Directory, EventKind, Lifetimes, NewPrincipal, Scope, Seed, Server, Serving};
use countersign_formats::{DirectoryLog, Format as _, Record};
use countersign_model::Timestamp;
use countersign_model::vocabulary::EventClass;
use serde_json::{Value, json};

#[test]
fn every_kind_of_event_is_read_with_a_class_and_its_parties() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(|| Timestamp(1_772_442_000_000_000));
    let directory = Directory::open(&folder.path().join("d.db"), Some("acme"), Lifetimes::default(), clock).unwrap();
    directory.seed(&Seed::parse(SEED).unwrap()).unwrap();
    let all = NewPrincipal { name: "connector".to_owned(), scopes: Scope::ALL.to_vec() };
    let (_, secret) = directory.new_principal(&all).unwrap();
    let serving = Serving { listen: "127.0.0.1:0".parse().unwrap(), faults: false, rate: 10_000 };
    let server = Server::start(directory, serving).unwrap();
    let client = Client { address: server.listening().0, token: Some(secret.text().to_owned()) };
    client.post("/v1/faults", json!({ "kind": "error", "path": "/**" })).is(404);

    let alice = format!("/v1/accounts/{ALICE}");
    let sign_in = || client.sign_in("alice", "correct horse", "192.0.2.1").is(201).json();
    let delete = |path: &str| client.send(("DELETE", path), None, &[]).unwrap().is(200);
    client.sign_in("alice", "x", "192.0.2.1").is(401);
    let first = sign_in();
    client.refresh(&first).is(200);
    client.refresh(&first).is(401);
    let second = sign_in();
    let path = format!("/v1/sessions/{}", second["session"].as_str().unwrap());
    client.patch(&path, json!({ "reauthenticate": true })).is(200);
    client.post(&format!("/v1/tokens/{}/revoke", second["refresh_token_id"].as_str().unwrap()), json!({})).is(200);
    let own = client.with(second["access_token"].as_str().unwrap());
    own.patch(&alice, json!({ "enabled": true })).is(403);
    own.send(("POST", "/v1/sign-out"), None, &[]).unwrap().is(204);
    for change in [
        json!({ "enabled": false }),
        json!({ "enabled": true }),
        json!({ "suspended": true }),
        json!({ "suspended": false }),
        json!({ "sign_in_blocked": true }),
        json!({ "sign_in_blocked": false }),
        json!({ "required_factors": ["password", "totp"] }),
        json!({ "reauthenticate_before": "2026-03-02T09:00:00Z" }),
        json!({ "allowed_networks": ["192.0.2.0/24"] }),
        json!({ "username": "alicia", "display_name": "Alicia" }),
    ] {
        assert_eq!(client.patch(&alice, change.clone()).is(200).json()["changed"], true, "{change}");
    }
    let made = client.post(&format!("/v1/accounts/{BACKUP}/credentials"), json!({ "type": "api-key" })).is(201).json();
    let credential = format!("/v1/credentials/{}", made["credential"]["id"].as_str().unwrap());
    client.patch(&credential, json!({ "enabled": false })).is(200);
    client.patch(&credential, json!({ "enabled": true })).is(200);
    delete(&credential);
    let group = client.post("/v1/groups", json!({ "name": "auditors" })).is(201).json();
    let group = format!("/v1/groups/{}", group["group"]["id"].as_str().unwrap());
    client.patch(&group, json!({ "privileges": ["audit.read"] })).is(200);
    client.send(("PUT", &format!("{group}/members/{ALICE}")), None, &[]).unwrap().is(200);
    delete(&group);
    let reader = client.post("/v1/principals", json!({ "name": "reader", "scopes": ["read"] })).is(201).json();
    client.post(&format!("/v1/principals/{}/revoke", reader["principal"]["id"].as_str().unwrap()), json!({})).is(200);
    delete(&alice);

    let lines = client.get("/v1/events?limit=1000&format=ndjson").is(200).text;
    let told: BTreeSet<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    let all: BTreeSet<String> = EventKind::ALL.iter().map(|kind| kind.id().to_owned()).collect();
    assert_eq!(told, all);
    let count = lines.lines().count();
    let mut read = 0;
    for record in DirectoryLog.read(Box::new(Cursor::new(lines)), 0) {
        let Record::Event { event, .. } = record else { panic!("{record:?}") };
        read += 1;
        let kind = format!("{:?}", event.fields);
        let is_refusal = event.class == EventClass::ApiActivity;
        assert!(!is_refusal || kind.contains("access.denied"), "{kind}");
        assert!(event.actor.account.is_some() || kind.contains("console"), "{kind}");
        assert_eq!(&*event.tenant, "acme");
    }
    assert_eq!(read, count);
}
