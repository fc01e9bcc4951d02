//! What a directory promises to those who sign in and to those who administer it, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use common::{ALICE, BACKUP, BOB, BOBS_DEVICE, Client, SEED};
use countersign_directory::{Directory, Lifetimes, NewPrincipal, Scope, Seed, Server, Serving};
use countersign_model::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory that is served, whose time a test moves.
struct Served {
    client: Client,
    time: Arc<AtomicI64>,
    _server: Server,
    directory: Directory,
    folder: TempDir,
}

/// 2026-03-02T09:00:00Z.
const START: i64 = 1_772_442_000_000_000;
const SECOND: i64 = 1_000_000;

impl Served {
    fn start() -> Served {
        Served::with(10_000)
    }

    fn with(rate: u32) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let time = Arc::new(AtomicI64::new(START));
        let clock = {
            let time = Arc::clone(&time);
            Arc::new(move || Timestamp(time.load(Ordering::SeqCst)))
        };
        let directory =
            Directory::open(&folder.path().join("directory.db"), Some("acme"), Lifetimes::default(), clock).unwrap();
        directory.seed(&Seed::parse(SEED).unwrap()).unwrap();
        let all = NewPrincipal { name: "connector".to_owned(), scopes: Scope::ALL.to_vec() };
        let (_, secret) = directory.new_principal(&all).unwrap();
        let serving = Serving { listen: "127.0.0.1:0".parse().unwrap(), faults: true, rate };
        let server = Server::start(directory.clone(), serving).unwrap();
        let client = Client { address: server.listening().0, token: Some(secret.text().to_owned()) };
        Served { client, time, _server: server, directory, folder }
    }

    fn wait(&self, seconds: i64) {
        self.time.fetch_add(seconds * SECOND, Ordering::SeqCst);
    }

    fn alice(&self) -> Value {
        self.client.sign_in("alice", "correct horse", "192.0.2.1").is(201).json()
    }

    fn account(&self, id: &str) -> Value {
        self.client.get(&format!("/v1/accounts/{id}")).is(200).json()
    }
}

#[test]
fn a_refresh_token_changes_at_each_use_and_an_old_one_ends_the_session() {
    let served = Served::start();
    let first = served.alice();
    let second = served.client.refresh(&first).is(200).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(first["refresh_token_id"], second["refresh_token_id"]);
    assert_eq!(first["session"], second["session"]);
    // Somebody has the first one too.
    assert_eq!(served.client.refresh(&first).is(401).code(), "token-reused");
    assert_eq!(served.client.refresh(&second).is(401).code(), "session-ended");
    let session = served.client.get(&format!("/v1/sessions/{}", first["session"].as_str().unwrap())).is(200).json();
    assert_eq!((&session["active"], &session["end_reason"]), (&json!(false), &json!("token-reused")));
    let kinds: Vec<String> =
        served.client.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let tail: Vec<&str> = kinds.iter().rev().take(6).rev().map(String::as_str).collect();
    assert_eq!(
        tail,
        ["session.started", "token.refreshed", "session.ended", "token.revoked", "token.reused", "token.refreshed"]
    );
}

#[test]
fn the_end_of_a_session_leaves_access_tokens_until_they_expire() {
    let served = Served::start();
    let granted = served.alice();
    let own = served.client.with(granted["access_token"].as_str().unwrap());
    served.wait(1);
    let path = format!("/v1/accounts/{ALICE}/sessions/end");
    let before = served.client.get("/v1/directory").is(200).json()["time"].clone();
    let answer = served.client.post(&path, json!({ "started_before": before })).is(200).json();
    assert_eq!(answer["sessions"]["ended"], json!([granted["session"]]));
    assert_eq!(answer["sessions"]["access_until"], granted["access_expires_at"]);
    assert_eq!(served.client.refresh(&granted).is(401).code(), "session-ended");
    // It is still signed, and hasn't expired.
    assert_eq!(own.get("/v1/me").is(200).json()["sub"], ALICE);
    let introspect = || {
        let body = json!({ "token": granted["access_token"] });
        served.client.post("/v1/tokens/introspect", body).is(200).json()["active"].clone()
    };
    assert_eq!(introspect(), false);
    served.wait(300);
    assert_eq!(own.get("/v1/me").is(401).code(), "invalid-token");
    // A session that begins afterwards isn't touched by the same request.
    let later = served.alice();
    served.client.post(&path, json!({ "started_before": before })).is(200);
    served.client.refresh(&later).is(200);
}

#[test]
fn a_name_that_is_used_again_is_another_account() {
    let served = Served::start();
    let granted = served.alice();
    served.client.send(("DELETE", &format!("/v1/accounts/{ALICE}")), None, &[]).unwrap().is(200);
    served.wait(10);
    let body = json!({ "username": "Alice", "type": "person" });
    let created = served.client.post("/v1/accounts", body).is(201).json()["account"].clone();
    assert_ne!(created["id"], ALICE);
    assert_eq!(created["username"], "alice");
    assert_eq!(created["created_at"], "2026-03-02T09:00:10Z");
    assert_eq!((&created["privileges"], &created["factors"]), (&json!([]), &json!([])));
    assert_eq!(served.client.get(&format!("/v1/accounts/{ALICE}")).is(404).code(), "not-found");
    served.client.refresh(&granted).is(401);
    // An id is never used again, whoever asks for it.
    let seed = SEED.replace("\"alice\"", "\"mallory\"");
    assert!(served.directory.seed(&Seed::parse(&seed).unwrap()).is_err());
}

#[test]
fn what_was_read_is_changed_only_while_it_is_so() {
    let served = Served::start();
    let path = format!("/v1/accounts/{ALICE}");
    let tag = served.client.get(&path).is(200).tag();
    let patch =
        |tag: &str, body: Value| served.client.send(("PATCH", &path), Some(&body), &[("if-match", tag)]).unwrap();
    let suspended = patch(&tag, json!({ "suspended": true })).is(200);
    assert_eq!(suspended.json()["account"]["suspended"], true);
    assert_eq!(patch(&tag, json!({ "suspended": false })).is(412).code(), "changed");
    // What is so already is no change, and no event.
    let same = patch(&suspended.tag(), json!({ "suspended": true })).is(200);
    assert_eq!((same.json()["changed"].clone(), same.json()["events"].clone()), (json!(false), json!([])));
    // A group that it is in is part of what it is.
    let payroll = served.client.get("/v1/groups?name=payroll").is(200).json()["items"][0]["id"].clone();
    let member = format!("/v1/groups/{}/members/{ALICE}", payroll.as_str().unwrap());
    let is = served.client.get(&member).is(200);
    let remove = |tag: &str| served.client.send(("DELETE", &member), None, &[("if-match", tag)]).unwrap();
    remove(&is.tag()).is(200);
    assert_eq!(remove(&is.tag()).is(412).code(), "changed");
    assert_eq!(patch(&suspended.tag(), json!({ "suspended": false })).is(412).code(), "changed");
    served.client.send(("PUT", &member), None, &[("if-none-match", "*")]).unwrap().is(200);
    served.client.send(("PUT", &member), None, &[("if-none-match", "*")]).unwrap().is(412);
    let again = served.client.get(&member).is(200).json();
    assert_ne!(again["id"], is.json()["id"]);
    assert!(again["added_by"].as_str().unwrap().starts_with("prn-"));
}

#[test]
fn one_idempotency_key_is_one_change() {
    let served = Served::start();
    let path = format!("/v1/accounts/{ALICE}");
    let keyed = |key: &str, body: &Value| {
        let headers = [("idempotency-key", key), ("x-request-id", "req-of-mine")];
        served.client.send(("PATCH", &path), Some(body), &headers)
    };
    let block = json!({ "sign_in_blocked": true });
    // The answer is lost after the change was made.
    served.client.post("/v1/faults", json!({ "kind": "lost-after", "path": "/v1/accounts/*" })).is(201);
    assert!(keyed("one", &block).is_err());
    let replayed = keyed("one", &block).unwrap().is(200);
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    assert_eq!(replayed.json()["changed"], true);
    let events = served.client.events();
    let own: Vec<&Value> = events.iter().filter(|event| event["type"] == "account.sign-in-blocked").collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["request"]["idempotency_key"], "one");
    assert_eq!(own[0]["request"]["id"], "req-of-mine");
    assert_eq!(own[0]["sequence"], replayed.json()["events"][0]);
    let mark = &served.account(ALICE)["changed"]["sign_in_blocked"];
    assert_eq!((&mark["event"], &mark["by"]), (&own[0]["sequence"], &own[0]["actor"]["id"]));
    assert_eq!(keyed("one", &json!({ "enabled": false })).unwrap().is(422).code(), "idempotency-key-reused");
    // A lost request was never made.
    served.client.post("/v1/faults", json!({ "kind": "lost-before", "path": "/v1/**" })).is(201);
    assert!(keyed("two", &json!({ "enabled": false })).is_err());
    assert_eq!(served.account(ALICE)["enabled"], true);
    assert!(!keyed("two", &json!({ "enabled": false })).unwrap().is(200).headers.contains_key("idempotency-replayed"));
    // What is shown once is shown once.
    let make = || {
        let headers = [("idempotency-key", "three")];
        let path = format!("/v1/accounts/{BACKUP}/credentials");
        served.client.send(("POST", &path), Some(&json!({ "type": "api-key" })), &headers).unwrap().is(201).json()
    };
    let (first, second) = (make(), make());
    assert_eq!(first["credential"], second["credential"]);
    assert!(first["secret"].is_string() && second["secret"].is_null());
}

#[test]
fn each_state_of_an_account_closes_what_it_should() {
    let served = Served::start();
    let path = format!("/v1/accounts/{ALICE}");
    let sign_in = || served.client.sign_in("alice", "correct horse", "192.0.2.1");
    // (what is set, why a sign-in is refused, why going on is, how it is undone)
    for (set, signing_in, going_on, undo) in [
        (
            json!({ "suspended": true }),
            Some("account-suspended"),
            Some("account-suspended"),
            json!({ "suspended": false }),
        ),
        (json!({ "enabled": false }), Some("account-disabled"), Some("account-disabled"), json!({ "enabled": true })),
        (json!({ "sign_in_blocked": true }), Some("sign-in-blocked"), None, json!({ "sign_in_blocked": false })),
        (
            json!({ "required_factors": ["password", "totp"] }),
            Some("totp-not-enrolled"),
            Some("factor-required"),
            json!({ "required_factors": ["password"] }),
        ),
        (
            json!({ "allowed_networks": ["198.51.100.0/24"] }),
            Some("network-not-allowed"),
            Some("network-not-allowed"),
            json!({ "allowed_networks": null }),
        ),
        (
            json!({ "reauthenticate_before": "2026-03-02T10:00:00Z" }),
            None,
            Some("reauthentication-required"),
            json!({ "reauthenticate_before": null }),
        ),
    ] {
        let before = served.account(ALICE);
        let granted = sign_in().is(201).json();
        served.client.patch(&path, set.clone()).is(200);
        let granted = match going_on {
            Some(reason) => {
                assert_eq!(served.client.refresh(&granted).is(401).code(), reason, "{set}");
                granted
            }
            None => served.client.refresh(&granted).is(200).json(),
        };
        match signing_in {
            Some(reason) => assert_eq!(sign_in().is(401).code(), reason, "{set}"),
            None => drop(sign_in().is(201)),
        }
        served.client.patch(&path, undo).is(200);
        // A refusal takes nothing: after the undo it goes on as if nothing had been.
        served.client.refresh(&granted).is(200);
        let after = served.account(ALICE);
        for member in
            ["enabled", "suspended", "suspended_until", "sign_in_blocked", "required_factors", "allowed_networks"]
        {
            assert_eq!(before[member], after[member], "{set}");
        }
    }
}

#[test]
fn a_suspension_with_an_end_ends_by_itself() {
    let served = Served::start();
    let path = format!("/v1/accounts/{ALICE}");
    let until = json!({ "suspended": true, "suspended_until": "2026-03-02T09:10:00Z" });
    let suspended = served.client.patch(&path, until.clone()).is(200).json();
    assert_eq!(suspended["account"]["suspended_until"], "2026-03-02T09:10:00Z");
    assert_eq!(served.client.patch(&path, until).is(200).json()["changed"], false);
    served.client.patch(&path, json!({ "suspended": true, "suspended_until": "2026-03-02T08:00:00Z" })).is(422);
    served.wait(599);
    assert_eq!(served.account(ALICE)["suspended"], true);
    served.wait(1);
    let after = served.account(ALICE);
    assert_eq!((&after["suspended"], &after["suspended_until"]), (&json!(false), &Value::Null));
    let last = served.client.events().pop().unwrap();
    assert_eq!((&last["type"], &last["actor"]["type"]), (&json!("account.unsuspended"), &json!("system")));
    served.alice();
}

#[test]
fn a_second_factor_is_a_code_that_counts_once() {
    let served = Served::start();
    let code = |step: i64| {
        let totp = totp_rs::Builder::new().with_secret(BOBS_DEVICE.to_vec()).build().unwrap();
        totp.generate(u64::try_from(START / SECOND + step * 30).unwrap()).to_string()
    };
    let sign_in = |code: Option<String>| {
        let body = json!({ "username": "bob", "password": "battery staple", "totp": code });
        served.client.post("/v1/sign-in", body)
    };
    assert_eq!(sign_in(None).is(401).code(), "totp-required");
    assert_eq!(sign_in(Some("000000".to_owned())).is(401).code(), "wrong-totp");
    let granted = sign_in(Some(code(0))).is(201).json();
    assert_eq!(granted["factors"], json!(["password", "totp"]));
    assert_eq!(sign_in(Some(code(0))).is(401).code(), "wrong-totp");
    served.wait(30);
    sign_in(Some(code(1))).is(201);
    // An administrator's access token administers, until the session has ended, and the event log says in which one.
    let bob = served.client.with(granted["access_token"].as_str().unwrap());
    bob.patch(&format!("/v1/accounts/{ALICE}"), json!({ "enabled": false })).is(200);
    let last = served.client.events().pop().unwrap();
    assert_eq!((&last["actor"]["id"], &last["actor"]["session"]), (&json!(BOB), &granted["session"]));
    assert!(served.account(BOB)["last_admin"].as_bool().unwrap());
    served.client.post(&format!("/v1/sessions/{}/end", granted["session"].as_str().unwrap()), json!({})).is(200);
    bob.patch(&format!("/v1/accounts/{ALICE}"), json!({ "enabled": true })).is(401);
}

#[test]
fn a_services_key_is_a_credential_that_can_be_turned_off() {
    let served = Served::start();
    let made =
        served.client.post(&format!("/v1/accounts/{BACKUP}/credentials"), json!({ "type": "api-key" })).is(201).json();
    let sign_in = || served.client.post("/v1/sign-in", json!({ "api_key": made["secret"] }));
    let granted = sign_in().is(201).json();
    let path = format!("/v1/credentials/{}", made["credential"]["id"].as_str().unwrap());
    served.client.patch(&path, json!({ "enabled": false })).is(200);
    assert_eq!(sign_in().is(401).code(), "credential-disabled");
    // What it began goes on: the capability says so.
    served.client.refresh(&granted).is(200);
    served.client.patch(&path, json!({ "enabled": true })).is(200);
    sign_in().is(201);
    let events = served.client.events();
    let started = events.iter().rev().find(|event| event["type"] == "session.started").unwrap();
    assert_eq!(started["actor"]["credential"], made["credential"]["id"]);
    assert_eq!(started["actor"]["account_type"], "service");
}

#[test]
fn whoever_proved_nothing_learns_nothing_and_the_log_tells_all() {
    let served = Served::start();
    let address = "203.0.113.9";
    let unknown = served.client.sign_in("nobody", "x", address).is(401);
    let wrong = served.client.sign_in("ALICE", "x", address).is(401);
    assert_eq!(unknown.text, wrong.text);
    assert_eq!(unknown.code(), "invalid-credentials");
    let events = served.client.events();
    let told = |event: &Value| {
        let actor = &event["actor"];
        (event["outcome"].clone(), event["reason"].clone(), actor["id"].clone(), actor["name"].clone())
    };
    let [first, second] = &events[events.len() - 2..] else { panic!() };
    assert_eq!(told(first), (json!("failure"), json!("unknown-user"), Value::Null, json!("nobody")));
    assert_eq!(told(second), (json!("failure"), json!("wrong-password"), json!(ALICE), json!("alice")));
    assert_eq!((&second["request"]["address"], &second["request"]["proxy"]), (&json!(address), &json!("127.0.0.1")));
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], json!(place + 1));
        assert_eq!(event["directory"], "acme");
    }
    // The log goes on where it was left, as lines too, and another log's cursor is none of it.
    let next = served.client.get("/v1/events?limit=1000").json()["next"].as_str().unwrap().to_owned();
    served.client.sign_in("nobody", "x", address).is(401);
    let lines = served.client.get(&format!("/v1/events?format=ndjson&after={next}")).is(200);
    assert_eq!(lines.text.lines().count(), 1);
    assert_eq!(
        served.client.get(&format!("/v1/events?after={}", lines.headers["x-next-cursor"])).json()["events"],
        json!([])
    );
    assert_eq!(served.client.get("/v1/events?after=000000000000.1").is(410).code(), "other-log");
    assert_eq!(served.client.get(&format!("/v1/events?after={next}9999")).is(410).code(), "other-log");
}

#[test]
fn a_credential_may_do_what_its_scopes_say_and_a_refusal_is_on_record() {
    let served = Served::start();
    let body = json!({ "name": "reader", "scopes": ["read", "sessions.write"] });
    let made = served.client.post("/v1/principals", body).is(201).json();
    let reader = served.client.with(made["secret"].as_str().unwrap());
    let capabilities = reader.get("/v1/capabilities").is(200).json();
    let of = |action: &str| {
        let all = capabilities["actions"].as_array().unwrap();
        all.iter().find(|one| one["action"] == action && one["account_type"] == "person").unwrap().clone()
    };
    assert_eq!(of("revoke-sessions")["allowed"], true);
    assert_eq!(
        (&of("suspend-account")["allowed"], &of("suspend-account")["missing"]),
        (&json!(false), &json!(["accounts.write"]))
    );
    assert_eq!(
        reader.patch(&format!("/v1/accounts/{ALICE}"), json!({ "enabled": false })).is(403).code(),
        "not-permitted"
    );
    let last = served.client.events().pop().unwrap();
    assert_eq!((&last["type"], &last["scope"]), (&json!("access.denied"), &json!("accounts.write")));
    assert_eq!(last["actor"]["id"], made["principal"]["id"]);
    reader.get("/v1/events").is(403);
    served
        .client
        .post(&format!("/v1/principals/{}/revoke", made["principal"]["id"].as_str().unwrap()), json!({}))
        .is(200);
    reader.get("/v1/capabilities").is(401);
    // An access token of no administrator may nothing.
    let alice = served.client.with(served.alice()["access_token"].as_str().unwrap());
    alice.get("/v1/accounts").is(403);
}

#[test]
fn faults_come_as_they_are_ordered() {
    let served = Served::start();
    let order = |body: Value| served.client.post("/v1/faults", body).is(201);
    let path = format!("/v1/accounts/{ALICE}");
    order(json!({ "kind": "too-many-requests", "path": "/v1/accounts/*", "retry_after": 7, "method": "get" }));
    assert_eq!(served.client.get(&path).is(429).headers["retry-after"], "7");
    order(json!({ "kind": "error", "path": "/v1/accounts/*", "count": 2 }));
    served.client.patch(&path, json!({ "enabled": false })).is(500);
    served.client.get(&path).is(500);
    assert_eq!(served.account(ALICE)["enabled"], true);
    order(json!({ "kind": "stale", "path": "/v1/accounts/*", "method": "GET" }));
    served.client.patch(&path, json!({ "enabled": false })).is(200);
    assert_eq!(served.account(ALICE)["enabled"], true);
    assert_eq!(served.account(ALICE)["enabled"], false);
    order(json!({ "kind": "malformed", "path": "/v1/accounts/*" }));
    assert!(serde_json::from_str::<Value>(&served.client.patch(&path, json!({ "enabled": true })).text).is_err());
    assert_eq!(served.account(ALICE)["enabled"], true);
    for _ in 0..4 {
        served.alice();
    }
    order(json!({ "kind": "partial", "path": "/v1/accounts/*/sessions/end" }));
    let end = format!("{path}/sessions/end");
    assert_eq!(served.client.post(&end, json!({})).is(500).code(), "partial");
    let active = || {
        served.client.get(&format!("/v1/sessions?active=true&account={ALICE}")).json()["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(active(), 2);
    served.client.post(&end, json!({})).is(200);
    assert_eq!(active(), 0);
    assert_eq!(served.client.get("/v1/faults").is(200).json()["items"].as_array().unwrap().len(), 5);
    served.client.send(("DELETE", "/v1/faults"), None, &[]).unwrap().is(204);
    served.client.post("/v1/faults", json!({ "kind": "eror", "path": "/" })).is(400);
}

#[test]
fn too_many_requests_wait_and_lists_are_cut_into_pages() {
    let served = Served::with(2);
    let mut limited = 0;
    for _ in 0..8 {
        let reply = served.client.get("/v1/directory");
        if reply.status == 429 {
            assert_eq!(reply.headers["retry-after"], "1");
            limited += 1;
        }
    }
    assert!(limited > 0);
    let served = Served::start();
    let first = served.client.get("/v1/accounts?limit=2").is(200).json();
    let next = first["next"].as_str().unwrap();
    let second = served.client.get(&format!("/v1/accounts?limit=2&after={next}")).is(200).json();
    assert_eq!((first["items"].as_array().unwrap().len(), second["items"].as_array().unwrap().len()), (2, 1));
    assert!(second["next"].is_null());
    assert_eq!(served.client.get("/v1/accounts?admin=true").json()["items"][0]["id"], BOB);
    assert_eq!(served.client.get("/v1/accounts?username=ALICE").json()["items"][0]["id"], ALICE);
    served.client.get("/v1/accounts?usernam=alice").is(400);
}

#[test]
fn what_is_kept_holds_no_secret_and_another_process_goes_on_with_it() {
    let served = Served::start();
    let granted = served.alice();
    let path = served.folder.path().join("directory.db");
    let clock = {
        let time = Arc::clone(&served.time);
        Arc::new(move || Timestamp(time.load(Ordering::SeqCst)))
    };
    let other = Directory::open(&path, None, Lifetimes::default(), clock.clone()).unwrap();
    assert_eq!(other.tenant(), "acme");
    assert!(Directory::open(&path, Some("other"), Lifetimes::default(), clock).is_err());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(std::fs::read(served.folder.path().join("directory.db-wal")).unwrap_or_default());
    let secrets =
        ["correct horse", served.client.token.as_deref().unwrap(), granted["refresh_token"].as_str().unwrap()];
    for secret in secrets.map(|secret| secret.rsplit('_').next().unwrap().as_bytes()) {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
