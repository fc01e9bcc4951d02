//! `countersign plan`: what differs and what it would have made of the past, in tables and as JSON, with the digest that
//! `apply` takes.

use std::fs;

use serde_json::{Value, json};

use crate::served::{Served, configure};
use crate::support::{Folder, shipped};

const SOURCES: &str =
    "version = 1\n[[source]]\nname = \"sent\"\nkind = \"http\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\n";

#[test]
fn a_plan_shows_what_apply_changes() {
    let folder = Folder::new();
    folder.generate("");
    folder.shipped(&["burst-of-denied-calls"]);
    folder.write("sources.toml", SOURCES);
    folder.write("policy.toml", countersign_policy::DEFAULT_POLICY);
    let configuration = configure(&folder, "state");
    // Nobody listens yet.
    folder.cli("plan --config state.toml").exits(2);
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    let events = folder.read("events.ndjson").into_bytes();
    served.client.send::<Value>("/v1/sources/sent/events", None, events).unwrap();
    served.wait_judged();
    let same = folder.cli("plan --config state.toml").exits(0);
    assert!(same.stdout.starts_with("generation 1 serves what is on disk: "), "{}", same.stdout);

    folder.write("rules/console.wasm", shipped("console-login-without-mfa"));
    let identities = folder.read("identities.toml");
    folder.write("identities.toml", identities.replace("break-glass = true", "break-glass = false"));
    let ran = folder.cli("plan --config state.toml").exits(1);
    for part in [
        "Rules and permissions",
        "countersign/console-login-without-mfa",
        "+ actions: ",
        "Protections, identities and persons",
        "not break-glass any more",
        "widens",
        "Behaviour",
        "not enough history",
        "a person has to apply this",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let json = folder.cli("plan --config state.toml --trial 7d --json").exits(1).json().remove(0);
    assert_eq!((json["widens"].clone(), json["behaviour"]["asked"].clone()), (json!(true), json!("7d")));
    assert!(json["behaviour"]["findings"]["gained"].as_u64().unwrap() > 0, "{json}");
    let digest = json["digest"].as_str().unwrap();
    assert!(
        ran.stdout.ends_with(&format!("countersign apply --digest {digest} --config state.toml\n")),
        "{}",
        ran.stdout
    );
    let json = folder.cli("plan --config state.toml --trial 0s --json").exits(1).json().remove(0);
    assert_eq!(json["behaviour"], Value::Null);

    // A rule that is refused, and files that can't be read.
    folder.write("rules/junk.wasm", "junk");
    let ran = folder.cli("plan --config state.toml --trial 0s").exits(1);
    assert!(ran.stdout.contains("refused:") && ran.stdout.contains("junk.wasm"), "{}", ran.stdout);
    fs::remove_file(folder.path("rules/junk.wasm")).unwrap();
    folder.write("policy.toml", "nonsense");
    let ran = folder.cli("plan --config state.toml").exits(1);
    assert!(ran.stderr.contains("policy.toml"), "{}", ran.stderr);
    folder.write("policy.toml", countersign_policy::DEFAULT_POLICY);
    folder.cli("plan --config state.toml --trial soon").exits(2);

    folder.cli(&format!("apply --config state.toml --digest {digest}")).exits(0);
    folder.cli("plan --config state.toml").exits(0);
    served.stop();
}
