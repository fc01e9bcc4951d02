//! What becomes of tokens is on record, by whomever, and nothing that is secret.

use countersign_model::Digest;
use countersign_recorder::{HostInputKind, RecorderReader};
use countersign_store::{SqliteStore, Stored as _};

use super::*;
use crate::support::{LONG, Served, host_with, material, now};
use crate::{DEFAULT, Limits, Scope, Tokens};

/// All notes of a host, as they are on record.
fn notes(host: &Host) -> Vec<TokenNote> {
    let reader = RecorderReader::open(&host.recorder_path()).unwrap();
    let inputs = reader.host_inputs_of(HostInputKind::Note).unwrap();
    let note = |payload: &[u8]| match serde_json::from_slice(payload).unwrap() {
        countersign_model::HostNote::Token(token) => token,
        other => panic!("{other:?}"),
    };
    inputs.iter().map(|input| note(&input.payload)).collect()
}

fn told(notes: &[TokenNote]) -> Vec<(&str, &str, &str)> {
    notes.iter().map(|note| (note.change.id(), note.scope.as_str(), note.by.as_str())).collect()
}

#[test]
fn whoever_changes_tokens_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    // While no host serves.
    let tokens = Tokens::open(folder.path(), now).unwrap();
    let before = tokens.create(Scope::Viewer, DEFAULT, "uid 7").unwrap();
    let host = host_with(&folder, &material());
    let tokens = Tokens::open(folder.path(), now).unwrap();
    tokens.register(&host).unwrap();
    tokens.register(&host).unwrap();
    assert_eq!(told(&notes(&host)), [("made", "viewer", "uid 7")]);
    // By the host.
    let trail = tokens.create(Scope::Source("trail".into()), DEFAULT, "anna").unwrap();
    assert!(tokens.revoke(&before.token.id, "bert").unwrap());
    // By another process that writes the file: it is noticed when the tokens are looked at next.
    let other = Tokens::open(folder.path(), now).unwrap();
    let third = other.create(Scope::Viewer, DEFAULT, "uid 8").unwrap();
    assert!(other.revoke(&trail.token.id, "uid 8").unwrap());
    assert_eq!(notes(&host).len(), 3);
    assert!(tokens.check(&third.text).is_some() && tokens.check(&trail.text).is_none());
    let all = notes(&host);
    let expected = [
        ("made", "viewer", "uid 7"),
        ("made", "source trail", "anna"),
        ("revoked", "viewer", "bert"),
        ("made", "viewer", "uid 8"),
        ("revoked", "source trail", NOBODY),
    ];
    assert_eq!(told(&all), expected);
    assert_eq!((&all[1].id, all[1].expires), (&trail.token.id, trail.token.expires));
    // Nothing again after a restart, and what became of them stands in the audit log.
    host.stop();
    drop((tokens, host));
    let host = host_with(&folder, &material());
    Tokens::open(folder.path(), now).unwrap().register(&host).unwrap();
    assert_eq!(notes(&host).len(), expected.len());
    assert!(host.wait_judged(LONG));
    host.stop();
    let lines = SqliteStore::read(&host.store_path()).unwrap().lines(0, usize::MAX >> 1).unwrap();
    let lines: Vec<String> = lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    let audited: Vec<&String> = lines.iter().filter(|line| line.contains("\"type\":\"token\"")).collect();
    assert_eq!(audited.len(), expected.len());
    let recorder = std::fs::read(host.recorder_path()).unwrap();
    for made in [&before, &trail, &third] {
        let secret = made.text.rsplit_once('_').unwrap().1;
        for hidden in [secret.to_owned(), Digest::of(secret.as_bytes()).to_string()] {
            assert!(lines.iter().all(|line| !line.contains(&hidden)));
            assert!(!recorder.windows(hidden.len()).any(|window| window == hidden.as_bytes()));
        }
        assert!(audited.iter().any(|line| line.contains(&made.token.id)));
    }
}

#[test]
fn an_expired_token_leaves_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_with(&folder, &material());
    let tokens = Tokens::open(folder.path(), now).unwrap();
    tokens.register(&host).unwrap();
    let mut register = Register::read(&host).unwrap();
    let made = tokens.create(Scope::Viewer, DEFAULT, "anna").unwrap();
    register.agree(std::slice::from_ref(&made.token), now(), Some("anna")).unwrap();
    let before = notes(&host).len();
    register.agree(&[], made.token.expires, None).unwrap();
    assert_eq!(notes(&host).len(), before);
    host.stop();
}

#[test]
fn the_caller_of_the_api_is_who_did_it() {
    let served = Served::start(Limits::default());
    let json = "Content-Type: application/json\r\n";
    let (status, made) = served.ask("POST /v1/tokens", json, b"{\"viewer\": true}");
    assert_eq!(status, 201, "{made}");
    let id = made.split("countersign_").nth(1).and_then(|text| text.split('_').next()).unwrap();
    assert_eq!(served.ask(&format!("POST /v1/tokens/{id}/revoke"), "", b"").0, 200);
    let notes = notes(&served.host);
    assert_eq!(notes.iter().map(|note| note.change).collect::<Vec<_>>(), [TokenChange::Made, TokenChange::Revoked]);
    assert!(notes.iter().all(|note| !note.by.is_empty() && note.by != NOBODY && note.id == id), "{notes:?}");
}
