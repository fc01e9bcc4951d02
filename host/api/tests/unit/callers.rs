//! Every endpoint, asked by the host's own user, by another one, and by one whom the kernel doesn't name.

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

/// An endpoint, a body that it takes, and what is answered to its owner, another user, and an unknown one.
const CASES: &[(&str, &str, &str, [u16; 3])] = &[
    ("GET", "/livez", "", [200, 200, 200]),
    ("GET", "/readyz", "", [200, 200, 200]),
    ("GET", "/metrics", "", [200, 403, 403]),
    ("GET", "/v1/status", "", [200, 403, 403]),
    ("GET", "/v1/findings", "", [200, 403, 403]),
    ("GET", "/v1/decisions", "", [200, 403, 403]),
    ("GET", "/v1/dead-letters", "", [200, 403, 403]),
    ("GET", "/v1/generations", "", [200, 403, 403]),
    // Nobody's.
    ("GET", "/v1/activity", "", [400, 403, 403]),
    ("GET", "/v1/rules", "", [200, 403, 403]),
    ("GET", "/v1/sources", "", [200, 403, 403]),
    ("POST", "/v1/sources/{name}/events", "{}\n", [202, 403, 403]),
    // What is on disk serves already.
    ("POST", "/v1/apply", "{}", [409, 403, 403]),
    ("POST", "/v1/rollback", "{\"generation\": 99}", [404, 403, 403]),
    ("POST", "/v1/reload", "", [202, 403, 403]),
    ("POST", "/v1/plan", "{}", [200, 403, 403]),
];

fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}

fn place(path: &str) -> String {
    path.replace("{name}", "trail")
}

#[test]
fn every_endpoint_has_its_callers() {
    let known: Vec<_> = ROUTES.iter().map(|route| (name(route.method), route.path)).collect();
    let tried: Vec<_> = CASES.iter().map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(known, tried, "each endpoint has a row in the table, in the same order");
    let folder = tempfile::tempdir().unwrap();
    let host = support::host(&folder);
    let owner = fs::metadata(folder.path()).map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata)).unwrap();
    let router = Api::new(host.clone(), support::files(), owner, Limits::default()).routes();
    let service = TowerToHyperService::new(router);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (method, path, body, expected) in CASES {
        let callers =
            [Some(Peer { uid: Some(owner) }), Some(Peer { uid: Some(OTHER) }), Some(Peer { uid: None }), None];
        let expected = [expected[0], expected[1], expected[2], expected[2]];
        for (peer, expected) in callers.into_iter().zip(expected) {
            let request = hyper::Request::builder().method(*method).uri(place(path));
            let mut request =
                request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let response = runtime.block_on(service.call(request)).unwrap();
            let status = response.status().as_u16();
            let body = runtime.block_on(axum::body::to_bytes(response.into_body(), 1 << 20)).unwrap();
            let said = String::from_utf8_lossy(&body);
            assert_eq!(status, expected, "{method} {path} by {peer:?}: {said}");
        }
    }
    host.stop();
}

#[test]
fn each_is_documented() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/api.md")).unwrap();
    for Route { method, path, .. } in ROUTES {
        let method = name(*method);
        let path = path.replace("{name}", "NAME");
        assert!(page.contains(&format!("`{method} {path}`")), "docs/reference/api.md doesn't have `{method} {path}`");
    }
}

/// Asks for everything, and prints each status.
#[test]
#[ignore = "run by `another_user_gets_nothing`, as that user"]
fn asks_as_another_user() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    for (method, path, body, _) in CASES {
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
        stream.write_all(head.as_bytes()).unwrap();
        println!("asked {method} {path} {}", status(&answer(&mut stream)));
    }
}

#[test]
fn another_user_gets_nothing() {
    let served = Served::start(Limits::default());
    let open = |path: &Path, mode: u32| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    // Another user has to reach the socket and this program, and only them.
    open(served.folder.path(), 0o755);
    let program = served.folder.path().join("asks");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    open(&program, 0o755);
    let asked = || -> Option<BTreeMap<String, String>> {
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
    };
    let Some(closed) = asked() else { return };
    assert_eq!(closed.len(), CASES.len(), "{closed:?}");
    assert!(closed.values().all(|status| status == "PermissionDenied"), "{closed:?}");
    // Even where the file's mode were wrong.
    open(&served.socket(), 0o666);
    let asked = asked().unwrap();
    for (method, path, _, [_, expected, _]) in CASES {
        assert_eq!(asked[&format!("{method} {}", place(path))], expected.to_string(), "{method} {path}");
    }
    assert_eq!(served.host.status().recorder.last, 0);
}
