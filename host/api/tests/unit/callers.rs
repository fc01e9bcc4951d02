//! Every endpoint, asked by everybody: users of this machine with and without persons, and whoever has which token.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use axum::body::Body;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::*;
use crate::caller::Peer;
use crate::support::{self, Served, answer, connect, status};

/// Somebody who isn't the host's user: `nobody`.
const OTHER: u32 = 65_534;

/// What tells the other process which socket to ask.
const SOCKET: &str = "COUNTERSIGN_TEST_SOCKET";

/// Who may ask an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Everybody who is let in.
    Open,
    /// Who looks.
    View,
    /// Who sends records.
    Send,
    /// Who runs the host.
    Run,
    /// Who has another generation serve.
    Answer,
}

/// An endpoint, a body that it takes, who may ask, and what is answered to them.
const CASES: &[(&str, &str, &str, Access, u16)] = &[
    ("GET", "/livez", "", Access::Open, 200),
    ("GET", "/readyz", "", Access::Open, 200),
    ("GET", "/metrics", "", Access::View, 200),
    ("GET", "/v1/status", "", Access::View, 200),
    ("GET", "/v1/findings", "", Access::View, 200),
    ("GET", "/v1/decisions", "", Access::View, 200),
    ("GET", "/v1/dead-letters", "", Access::View, 200),
    ("GET", "/v1/generations", "", Access::View, 200),
    // Nobody's.
    ("GET", "/v1/activity", "", Access::View, 400),
    ("GET", "/v1/rules", "", Access::View, 200),
    ("GET", "/v1/sources", "", Access::View, 200),
    ("POST", "/v1/sources/{name}/events", "{}\n", Access::Send, 202),
    // What is on disk serves already.
    ("POST", "/v1/apply", "{}", Access::Answer, 409),
    ("POST", "/v1/rollback", "{\"generation\": 99}", Access::Answer, 404),
    ("POST", "/v1/reload", "", Access::Run, 202),
    ("GET", "/v1/tokens", "", Access::Run, 200),
    ("POST", "/v1/tokens", "{\"viewer\": true}", Access::Run, 201),
    ("POST", "/v1/tokens/{id}/revoke", "", Access::Run, 404),
    ("POST", "/v1/plan", "{}", Access::Run, 200),
    ("GET", "/v1/openapi.json", "", Access::View, 200),
];

/// A caller, to what it has access, and what is answered to it else.
struct Known {
    name: &'static str,
    peer: Option<Peer>,
    /// The header of its token.
    token: Option<String>,
    access: &'static [Access],
    refused: u16,
}

const ALL: &[Access] = &[Access::Open, Access::View, Access::Send, Access::Run, Access::Answer];
const HOSTS: &[Access] = &[Access::Open, Access::View, Access::Send, Access::Run];
const LOOKS: &[Access] = &[Access::Open, Access::View];
const NOTHING: &[Access] = &[Access::Open];

/// The user that the host runs as, and three persons.
const OWNER: u32 = 4_242;
const IDENTITIES: &str = "
identity = [{ id = \"alice\", type = \"human\" }, { id = \"bob\", type = \"human\" }, { id = \"carol\", type = \"human\" }]
person = [
    { identity = \"alice\", uid = 1000, roles = [\"operator\"] },
    { identity = \"bob\", uid = 65534, roles = [\"viewer\"] },
    { identity = \"carol\", uid = 1002, roles = [\"approver\"] },
]
";

fn user(name: &'static str, uid: Option<u32>, access: &'static [Access]) -> Known {
    Known { name, peer: Some(Peer::User(uid)), token: None, access, refused: 403 }
}

/// What serves, with persons.
fn with_persons() -> Material {
    let mut material = support::material();
    let (role, bytes) = (countersign_daemon::Role::Identities, IDENTITIES.into());
    material.files.push(countersign_daemon::MaterialFile { role, name: "identities.toml".to_owned(), bytes });
    material
}

/// Everybody at the network.
fn tokens(service: &Service) -> Vec<Known> {
    let bearer = |text: &str| Some(format!("Bearer {text}"));
    let make = |scope| service.tokens.create(scope, crate::DEFAULT, "test").unwrap();
    let source = |name: &str| crate::Scope::Source(name.into());
    let viewer = make(crate::Scope::Viewer);
    let wrong =
        format!("{}{}", &viewer.text[..viewer.text.len() - 1], if viewer.text.ends_with('0') { '1' } else { '0' });
    let (trail, other) = (make(source("trail")), make(source("other")));
    let revoked = make(crate::Scope::Viewer);
    assert!(service.tokens.revoke(&revoked.token.id, "test").unwrap());
    // Made when the clock was a year behind.
    let earlier = crate::Tokens::open(service.host.store_path().parent().unwrap(), || {
        countersign_model::Timestamp(support::now().0 - 365 * 86_400 * 1_000_000)
    });
    let expired = earlier.unwrap().create(crate::Scope::Viewer, crate::DEFAULT, "test").unwrap();
    let nobody = |name, token| Known { name, peer: Some(Peer::Network), token, access: NOTHING, refused: 401 };
    let known =
        |name, text: &str, access| Known { name, peer: Some(Peer::Network), token: bearer(text), access, refused: 403 };
    vec![
        nobody("no token", None),
        nobody("a wrong token", bearer(&wrong)),
        nobody("an expired token", bearer(&expired.text)),
        nobody("a revoked token", bearer(&revoked.text)),
        nobody("a token's id", bearer(&viewer.token.id)),
        nobody("another scheme", Some(format!("Basic {}", *viewer.text))),
        nobody("no scheme", Some(viewer.text.to_string())),
        known("a viewer's token", &viewer.text, LOOKS),
        known("a token of the source", &trail.text, &[Access::Open, Access::Send]),
        known("a token of another source", &other.text, NOTHING),
    ]
}

fn place(path: &str) -> String {
    path.replace("{name}", "trail").replace("{id}", "0123456789ab")
}

#[test]
fn every_endpoint_has_its_callers() {
    let known: Vec<_> = ROUTES.iter().map(|route| (route.method.name(), route.path)).collect();
    let tried: Vec<_> = CASES.iter().map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(known, tried, "each endpoint has a row in the table, in the same order");
    let without = [
        user("root", Some(0), ALL),
        user("the host's user", Some(OWNER), ALL),
        user("another user", Some(OTHER), NOTHING),
        user("one whom the kernel doesn't name", None, NOTHING),
        Known { peer: None, ..user("nobody", None, NOTHING) },
    ];
    ask_all(&support::material(), without.into());
    let with = [
        user("root", Some(0), ALL),
        // It has to be said who had it applied.
        user("the host's user", Some(OWNER), HOSTS),
        user("an operator", Some(1000), ALL),
        user("a viewer", Some(OTHER), LOOKS),
        user("an approver", Some(1002), LOOKS),
        user("another user", Some(1003), NOTHING),
    ];
    ask_all(&with_persons(), with.into());
}

/// Everybody asks everything of a host that serves this.
fn ask_all(material: &Material, mut callers: Vec<Known>) {
    let folder = tempfile::tempdir().unwrap();
    let host = support::host_with(&folder, material);
    let on_disk = material.clone();
    let service = support::service(&folder, &host, Arc::new(move || Ok(on_disk.clone())), OWNER);
    callers.extend(tokens(&service));
    let limits = Limits { refusal: Duration::from_millis(5), ..Limits::default() };
    let router = TowerToHyperService::new(Api::new(service, limits).routes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (method, path, body, access, done) in CASES {
        for Known { name, peer, token, access: has, refused } in &callers {
            let request = hyper::Request::builder().method(*method).uri(place(path));
            let request = request.header("content-type", "application/json");
            let request = match token {
                Some(token) => request.header("authorization", token),
                None => request,
            };
            let mut request = request.body(Body::from(body.to_string())).unwrap();
            if let Some(peer) = peer {
                request.extensions_mut().insert(*peer);
            }
            let response = runtime.block_on(router.call(request)).unwrap();
            let expected = if has.contains(access) { *done } else { *refused };
            let status = response.status().as_u16();
            let challenged = response.headers().contains_key("www-authenticate");
            let body = runtime.block_on(axum::body::to_bytes(response.into_body(), 1 << 20)).unwrap();
            let said = String::from_utf8_lossy(&body);
            assert_eq!(status, expected, "{method} {path} by {name}: {said}");
            assert_eq!(challenged, expected == 401, "{method} {path} by {name}");
            if *access == Access::Open && matches!(peer, Some(Peer::Network)) {
                assert_eq!(said, "", "{method} {path} by {name}: a bare status");
            }
        }
    }
    host.stop();
}

#[test]
fn what_isnt_there_is_hidden_from_who_has_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let host = support::host(&folder);
    let service = support::service(&folder, &host, support::files(), OWNER);
    let callers = tokens(&service);
    let limits = Limits { refusal: Duration::from_millis(5), ..Limits::default() };
    let router = TowerToHyperService::new(Api::new(service, limits).routes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (method, path, to_known) in [("GET", "/v1/nothing", 404), ("GET", "/", 404), ("DELETE", "/v1/status", 405)] {
        for Known { name, token, refused, .. } in &callers {
            let request = hyper::Request::builder().method(method).uri(path);
            let request = request.header("authorization", token.as_deref().unwrap_or_default());
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(Peer::Network);
            let response = runtime.block_on(router.call(request)).unwrap();
            let expected = if *refused == 401 { 401 } else { to_known };
            assert_eq!(response.status().as_u16(), expected, "{method} {path} by {name}");
        }
    }
    host.stop();
}

#[test]
fn a_change_says_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = with_persons();
    let host = support::host_with(&folder, &first);
    let mut other = first.clone();
    other.files[0].bytes.extend_from_slice(b"# another\n");
    let service = support::service(&folder, &host, Arc::new(move || Ok(other.clone())), OWNER);
    let router = TowerToHyperService::new(Api::new(service, Limits::default()).routes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ask = |path: &str, body: &'static str, uid| {
        let request = hyper::Request::builder().method("POST").uri(path).header("content-type", "application/json");
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer::User(Some(uid)));
        runtime.block_on(router.call(request)).unwrap().status().as_u16()
    };
    assert_eq!(ask("/v1/apply", "{}", 1000), 200);
    assert!(host.wait_judged(support::LONG));
    assert_eq!(ask("/v1/rollback", "{\"generation\": 1}", 0), 200);
    let by: Vec<String> = host.generations().unwrap().into_iter().map(|generation| generation.word.by).collect();
    assert_eq!(by, ["start", "alice (uid 1000)", "root"]);
    host.stop();
}

/// Asks for a change as somebody, and returns the status and the body.
fn change(service: Service, limits: Limits, path: &str, body: &'static str, peer: Peer) -> (u16, String) {
    let router = TowerToHyperService::new(Api::new(service, limits).routes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let request = hyper::Request::builder().method("POST").uri(path).header("content-type", "application/json");
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(peer);
    let response = runtime.block_on(router.call(request)).unwrap();
    let status = response.status().as_u16();
    let body = runtime.block_on(axum::body::to_bytes(response.into_body(), 1 << 20)).unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn nothing_changes_before_it_is_known_who_is_a_person() {
    let folder = tempfile::tempdir().unwrap();
    support::host_with(&folder, &with_persons()).stop();
    // What was judged under another key isn't judged on: no generation serves.
    let mut options = support::options(&folder);
    options.session.key = countersign_model::DigestKey::private(&[7; 32]).unwrap();
    let host = countersign_daemon::Host::start(options, || Err(Vec::new())).unwrap_or_else(|error| panic!("{error}"));
    let service = support::service(&folder, &host, support::files(), OWNER);
    for (path, body) in [("/v1/apply", "{}"), ("/v1/rollback", "{\"generation\": 1}")] {
        for (peer, expected, code) in [
            (Peer::User(Some(OWNER)), 503, "not-serving"),
            (Peer::User(Some(0)), 503, "not-serving"),
            (Peer::User(Some(1000)), 403, "not-permitted"),
            (Peer::User(Some(OTHER)), 403, "not-permitted"),
            (Peer::User(None), 403, "not-permitted"),
            (Peer::Network, 401, "no-token"),
        ] {
            let (status, said) = change(service.clone(), Limits::default(), path, body, peer);
            assert_eq!(status, expected, "{path} by {peer:?}: {said}");
            assert!(said.contains(&format!("problem:{code}\"")), "{path} by {peer:?}: {said}");
        }
    }
    assert_eq!(host.generations().unwrap().len(), 1);
    host.stop();
}

#[test]
fn what_judges_may_take_longer() {
    let folder = tempfile::tempdir().unwrap();
    let host = support::host(&folder);
    let slow: Files = Arc::new(|| {
        std::thread::sleep(Duration::from_millis(300));
        Ok(support::material())
    });
    let service = support::service(&folder, &host, slow, OWNER);
    let limits = Limits { request: Duration::ZERO, ..Limits::default() };
    for (path, body, expected) in
        [("/v1/apply", "{}", 408), ("/v1/rollback", "{\"generation\": 99}", 404), ("/v1/plan", "{}", 200)]
    {
        let (status, said) = change(service.clone(), limits, path, body, Peer::User(Some(0)));
        assert_eq!(status, expected, "{path}: {said}");
        assert_eq!(longest(path).is_some(), expected != 408, "{path}");
    }
    host.stop();
}

#[test]
fn each_is_documented() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/api.md")).unwrap();
    for Route { method, path, .. } in ROUTES {
        let method = method.name();
        let path = path.replace("{name}", "NAME").replace("{id}", "ID");
        assert!(page.contains(&format!("`{method} {path}`")), "docs/reference/api.md doesn't have `{method} {path}`");
    }
}

/// Asks for everything, and prints each status.
#[test]
#[ignore = "run by `another_user_gets_nothing`, as that user"]
fn asks_as_another_user() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    for (method, path, body, ..) in CASES {
        let mut stream = match std::os::unix::net::UnixStream::connect(&socket) {
            Ok(_) => connect(Path::new(&socket)),
            Err(error) => {
                println!("asked {method} {path} {:?}", error.kind());
                continue;
            }
        };
        let length = body.len();
        let path = place(path);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: c\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        // One that refuses reads nothing, and may have closed.
        let _ = stream.write_all(head.as_bytes());
        println!("asked {method} {path} {}", status(&answer(&mut stream)));
    }
}

/// What is answered to each request of another user; none where this process can't become one.
fn asked_by_another(served: &Served) -> Option<BTreeMap<String, String>> {
    // Another user has to reach the socket and this program, and only them.
    open(served.folder.path(), 0o755);
    let program = served.folder.path().join("asks");
    if !program.exists() {
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        open(&program, 0o755);
    }
    let mut command = Command::new(&program);
    command.args(["--ignored", "--nocapture", "--exact", "server::tests::asks_as_another_user"]);
    let output = command.uid(OTHER).gid(OTHER).current_dir("/").env(SOCKET, served.socket()).output();
    let Ok(output) = output else {
        println!("skipped: only root can ask as another user");
        return None;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once("asked ")?.1.rsplit_once(' '));
    Some(lines.map(|(asked, status)| (asked.to_owned(), status.to_owned())).collect())
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn another_user_gets_nothing() {
    let served = Served::start(Limits::default());
    let Some(closed) = asked_by_another(&served) else { return };
    assert_eq!(closed.len(), CASES.len(), "{closed:?}");
    assert!(closed.values().all(|status| status == "PermissionDenied"), "{closed:?}");
    // Even where the file's mode were wrong: refused before anything is read.
    open(&served.socket(), 0o666);
    let asked = asked_by_another(&served).unwrap();
    assert_eq!(asked.len(), CASES.len(), "{asked:?}");
    assert!(asked.values().all(|status| status == "403"), "{asked:?}");
    assert_eq!(served.host.status().recorder.last, 0);
}

#[test]
fn a_person_gets_what_its_roles_let_it() {
    let material = with_persons();
    let on_disk = material.clone();
    let served = Served::with(&material, Arc::new(move || Ok(on_disk.clone())), Limits::default());
    let mode = || fs::metadata(served.socket()).unwrap().permissions().mode() & 0o7777;
    let started = std::time::Instant::now();
    while mode() != 0o660 {
        assert!(started.elapsed() < support::LONG, "the group may connect once there are persons");
        std::thread::sleep(Duration::from_millis(20));
    }
    // As a folder with the set-group-ID bit has it.
    if std::os::unix::fs::chown(served.socket(), None, Some(OTHER)).is_err() {
        println!("skipped: only root can ask as another user");
        return;
    }
    let Some(asked) = asked_by_another(&served) else { return };
    for (method, path, _, access, done) in CASES {
        let expected = if LOOKS.contains(access) { *done } else { 403 };
        assert_eq!(asked[&format!("{method} {}", place(path))], expected.to_string(), "{method} {path}");
    }
}
