//! A source that is the System Log of an Okta organisation: what it has is on record once, whatever stops in between, and
//! what comes twice is recognised.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign_daemon::{Host, HostOptions, Material, MaterialFile, Reload, Role, UnwellBounds};
use countersign_model::Timestamp;
use countersign_recorder::RecorderReader;
use countersign_session::SessionOptions;
use countersign_store::{SqliteStore, Stored};

use crate::support::engine;

#[path = "../../../host/polling/tests/unit/fake.rs"]
mod fake;

use fake::{Fault, Okta, TOKEN};

const LONG: Duration = Duration::from_secs(60);

fn start(state: &Path, okta: &Okta) -> Host {
    let sources = format!(
        "version = 1\n[[source]]\nname = \"directory\"\nformat = \"okta\"\ntenants = [\"okta:*\"]\nkind = \"okta\"\n\
         url = \"{}\"\ntoken-file = \"okta.token\"\n",
        okta.origin()
    );
    let file = |role: Role, text: &str| MaterialFile { role, name: role.name().to_owned(), bytes: text.into() };
    let first = Material { shipped_rules: false, files: vec![file(Role::Sources, &sources)] };
    let options = HostOptions {
        state: state.to_owned(),
        folder: state.to_owned(),
        engine: engine().clone(),
        session: SessionOptions { workers: 1, ..SessionOptions::default() },
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        keep_audit: None,
        unwell: UnwellBounds::default(),
        clock: || Timestamp(i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap()),
        reload: Reload::default(),
    };
    Host::start(options, || Ok(first)).unwrap_or_else(|error| panic!("{error}"))
}

fn publish(okta: &Okta, records: usize) {
    for _ in 0..records {
        okta.publish(|time, number| {
            format!(
                "{{\"uuid\":\"00000000-0000-0000-0000-{number:012}\",\"published\":\"{time}\",\"version\":\"0\",\
                 \"eventType\":\"user.session.start\",\"severity\":\"INFO\",\
                 \"actor\":{{\"id\":\"00u1\",\"type\":\"User\",\"alternateId\":\"a@example.com\"}},\
                 \"outcome\":{{\"result\":\"SUCCESS\"}},\"client\":{{\"ipAddress\":\"192.0.2.1\"}}}}"
            )
        });
    }
}

fn recorded(state: &Path) -> u64 {
    let reader = RecorderReader::open(&state.join("recorder.db")).unwrap();
    reader.sources().unwrap().iter().map(|source| source.records).sum()
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "expected {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_system_log_is_on_record_once_whatever_stops() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let okta = Okta::start();
    publish(&okta, 2_500);
    // Everybody may read it: it isn't used.
    fs::write(state.join("okta.token"), format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(state.join("okta.token"), Permissions::from_mode(0o644)).unwrap();
    let host = start(state, &okta);
    let problem = |host: &Host| host.status().sources.values().next().and_then(|fed| fed.problems.first().cloned());
    wait("a problem with the token", || problem(&host).is_some_and(|problem| problem.contains("chmod")));
    assert!(okta.asked().is_empty());
    host.stop();
    drop(host);
    fs::set_permissions(state.join("okta.token"), Permissions::from_mode(0o600)).unwrap();
    // Stopped in between, it goes on where it was.
    okta.fails(Fault::Slow(Duration::from_millis(50)));
    let host = start(state, &okta);
    wait("a page", || recorded(state) >= 1_000);
    host.stop();
    drop(host);
    let host = start(state, &okta);
    wait("all of it", || recorded(state) == 2_500);
    host.stop();
    drop(host);
    publish(&okta, 10);
    okta.fails(Fault::Status(503, "busy"));
    let host = start(state, &okta);
    wait("a problem", || problem(&host).is_some_and(|problem| problem.contains("503")));
    wait("what is new", || recorded(state) == 2_510);
    assert!(problem(&host).is_none());
    host.stop();
    drop(host);
    // The link has expired: the last record comes again, and is recognised.
    publish(&okta, 5);
    okta.fails(Fault::Expired);
    let host = start(state, &okta);
    wait("what is new, and the last one again", || recorded(state) == 2_516);
    assert!(host.wait_judged(LONG));
    host.stop();
    assert!(!okta.had_another_token());
    let store = SqliteStore::read(&state.join("store.db")).unwrap();
    let memory = store.memory("session", None, 10).unwrap();
    let session = String::from_utf8(memory[0].1.clone()).unwrap();
    assert!(session.contains("\"events\":2515") && session.contains("\"duplicates\":1"), "{session}");
}
