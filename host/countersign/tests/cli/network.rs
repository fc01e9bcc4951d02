//! `countersign run` with an address for others, and `countersign token`: by the socket where a host serves, by the state
//! folder where none does; and nothing of a token or a key in what a host prints.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::served::Served;
use crate::support::Folder;

const SOURCES: &str = "version = 1\n[[source]]\nname = \"sent\"\nkind = \"http\"\nformat = \"cloudtrail\"\n\
                       tenants = [\"aws:*\"]\n";

/// Writes a certificate and its key, and returns what trusts it.
fn certify(folder: &Folder) -> Arc<ClientConfig> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("c.pem", cert.pem());
    let key = folder.write("k.pem", signing_key.serialize_pem());
    fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

fn configured() -> (Folder, Arc<ClientConfig>) {
    let folder = Folder::new();
    let trusted = certify(&folder);
    folder.write("sources.toml", SOURCES);
    folder.write(
        "state.toml",
        "version = 1\nstate = \"state\"\n[files]\nrules = [\"rules\"]\nshipped-rules = false\nsources = \"sources.toml\"\n\
         [api]\nlisten = \"127.0.0.1:0\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n",
    );
    fs::create_dir(folder.path("rules")).unwrap();
    (folder, trusted)
}

/// Asks, and returns the status; 0 where there is no answer.
fn ask(served: &Served, trusted: &Arc<ClientConfig>, line: &str, token: &str, body: &str) -> u16 {
    let status = served.wait("serves", |status| !status["judged"]["generation"].is_null());
    let stream = TcpStream::connect(status["network"]["address"].as_str().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(trusted), name).unwrap(), stream);
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: c\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n"
    );
    let mut answer = [0; 12];
    let asked = stream.write_all(format!("{head}\r\n{body}").as_bytes()).and_then(|()| stream.read_exact(&mut answer));
    asked.map_or(0, |()| String::from_utf8_lossy(&answer[9..]).parse().unwrap())
}

fn token(folder: &Folder, words: &str) -> String {
    let ran = folder.cli(&format!("token create {words} --config state.toml")).exits(0);
    assert!(ran.stdout.starts_with("countersign_") && ran.stdout.lines().count() == 1, "{}", ran.stdout);
    ran.stdout.trim_end().to_owned()
}

const EVENTS: &str = "POST /v1/sources/sent/events";

#[test]
fn tokens_let_in_over_the_network_until_they_are_revoked() {
    let (folder, trusted) = configured();
    folder.cli("config check --config state.toml").exits(0);
    // The folder of what the host keeps isn't there yet.
    folder.cli("token create --viewer --config state.toml").exits(2);
    let served = Served::start_with(&folder, "state.toml", &[("COUNTERSIGN_LOG", "trace".as_ref())]);
    served.wait("serves", |status| !status["judged"]["generation"].is_null());
    let (sender, viewer) = (token(&folder, "--source sent"), token(&folder, "--viewer --expires 1h"));
    assert_eq!(ask(&served, &trusted, EVENTS, &sender, "{}\n"), 202);
    assert_eq!(ask(&served, &trusted, "GET /v1/status", &viewer, ""), 200);
    assert_eq!(ask(&served, &trusted, "GET /v1/status", &sender, ""), 403);
    assert_eq!(ask(&served, &trusted, EVENTS, &viewer, "{}\n"), 403);
    let wrong = format!("{}x", &sender[..sender.len() - 1]);
    assert_eq!(ask(&served, &trusted, EVENTS, &wrong, "{}\n"), 401);
    for words in ["--source nowhere", "--viewer --expires 367d", "--viewer --expires 1s"] {
        folder.cli(&format!("token create {words} --config state.toml")).exits(1);
    }
    let listed = folder.cli("token list --json --config state.toml").exits(0);
    let ids: Vec<String> = listed.json().iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
    let table = folder.cli("token list --config state.toml").exits(0);
    assert!(ids.iter().all(|id| table.stdout.contains(id)) && table.stdout.contains("sent"), "{}", table.stdout);
    folder.cli(&format!("token revoke {} --config state.toml", ids[0])).exits(0);
    assert_eq!(ask(&served, &trusted, EVENTS, &sender, "{}\n"), 401);
    folder.cli(&format!("token revoke {} --config state.toml", ids[0])).exits(1);
    // Whoever takes the token for its id doesn't have it repeated.
    let ran = folder.cli(&format!("token revoke {viewer} --config state.toml")).exits(2);
    let secret = |token: &str| token.rsplit('_').next().unwrap().to_owned();
    assert!(!listed.stdout.contains(&secret(&viewer)) && !table.stdout.contains(&secret(&viewer)));
    // A renewal: SIGHUP has both files read again; a broken one changes nothing, and is said.
    let renewed = certify(&folder);
    served.signal("-HUP");
    let started = Instant::now();
    while ask(&served, &renewed, "GET /v1/status", &viewer, "") != 200 {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    let key = folder.read("k.pem");
    folder.write("k.pem", "broken");
    served.signal("-HUP");
    served.wait("says what is wrong with its key", |status| status["network"]["problem"].is_string());
    assert_eq!(ask(&served, &renewed, "GET /v1/status", &viewer, ""), 200);
    folder.write("k.pem", &key);
    served.stop();
    // Without a host the folder is changed; the next host knows it.
    let other = token(&folder, "--source sent");
    folder.cli(&format!("token revoke {} --config state.toml", ids[1])).exits(0);
    let served = Served::start(&folder, "state.toml");
    assert_eq!(ask(&served, &renewed, EVENTS, &other, "{}\n"), 202);
    assert_eq!(ask(&served, &renewed, "GET /v1/status", &viewer, ""), 401);
    served.stop();
    let printed = folder.read("host.log");
    assert!(printed.contains("listening on https://127.0.0.1:"), "{printed}");
    for secret in [&sender, &viewer, &wrong, &other].map(|token| secret(token)) {
        assert!(!printed.contains(&secret) && !ran.stderr.contains(&secret));
    }
    assert!(!key.lines().filter(|line| line.len() > 40).any(|line| printed.contains(line)));
}

#[test]
fn what_others_are_served_with_is_complete_and_private() {
    let (folder, _) = configured();
    let run = |words: &str| folder.cli(&format!("run --config state.toml {words}")).exits(2).stderr;
    fs::set_permissions(folder.path("k.pem"), Permissions::from_mode(0o644)).unwrap();
    for said in [run(""), folder.cli("config check --config state.toml").exits(2).stderr] {
        assert!(said.contains("expected a file that not everybody can read, got mode 0644"), "{said}");
    }
    folder.write("k.pem", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
    fs::set_permissions(folder.path("k.pem"), Permissions::from_mode(0o600)).unwrap();
    let said = run("");
    assert!(said.contains("failed to parse private key") && !said.contains("hunter2"), "{said}");
    certify(&folder);
    let certificate = folder.read("c.pem");
    certify(&folder);
    folder.write("c.pem", certificate);
    for said in [run(""), folder.cli("config check --config state.toml").exits(2).stderr] {
        assert!(said.contains("expected a certificate that fits its key"), "{said}");
    }
    let text = folder.read("state.toml").replace("key = \"k.pem\"\n", "");
    folder.write("state.toml", text);
    let said = run("");
    assert!(said.contains("api.key: expected a value, because `api.listen` has one"), "{said}");
    assert!(!folder.path("state").exists() || fs::read_dir(folder.path("state")).unwrap().count() <= 2);
}

#[test]
fn a_person_is_recorded_by_name() {
    let (folder, _) = configured();
    let text = folder.read("state.toml").replace("[api]", "identities = \"identities.toml\"\n[api]");
    folder.write("state.toml", text);
    folder.write(
        "identities.toml",
        "[[identity]]\nid = \"alice\"\ntype = \"human\"\n[[person]]\nidentity = \"alice\"\nuid = 1000\nroles = [\"operator\"]\n",
    );
    let served = Served::start(&folder, "state.toml");
    served.wait("serves", |status| !status["judged"]["generation"].is_null());
    folder.write("sources.toml", format!("{SOURCES}# another\n"));
    // This process is root, or the user that the host runs as, which isn't a person.
    let ran = folder.cli("apply --config state.toml");
    let root = fs::metadata(folder.path("state")).map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0);
    if root.unwrap() {
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let generations: Vec<Value> = folder.cli("generations --json --config state.toml").exits(0).json();
        assert_eq!(generations.last().unwrap()["by"], "root");
    } else {
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("a person with the role operator"), "{}", ran.stderr);
    }
    served.stop();
}
