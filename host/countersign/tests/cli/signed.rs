//! Keys, signatures, and who is believed where rules serve.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use countersign_admission::{admit, sections};
use countersign_declaration::Ceilings;
use serde_json::{Value, json};

use crate::support::{Folder, Output, keys, of_type, renamed, shipped};

const REPLAY: &str = "replay --source cloudtrail --identities identities.toml --json events.ndjson";
const SIGN_IN: &str = "console-login-without-mfa";

/// Makes a key file, and returns the public key.
fn keygen(folder: &Folder, file: &str) -> String {
    let made = folder.cli(&format!("rule keygen --out {file}")).exits(0);
    assert!(made.stderr.contains(file) && !made.stderr.contains("secret:"), "{}", made.stderr);
    let key = made.stdout.trim().to_owned();
    assert!(key.starts_with("ed25519:") && made.stdout.lines().count() == 1, "{}", made.stdout);
    key
}

/// A `trust.toml` for publisher `acme`.
fn trust(folder: &Folder, keys: &[&str], more: &str) {
    folder.write("trust.toml", format!("[publisher.acme]\nkeys = {keys:?}\n{more}"));
}

fn ran(output: &Output) -> BTreeSet<String> {
    keys(&output.json().last().unwrap()["delivered"]).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_key_is_made_once_and_read_only_where_nobody_else_can() {
    let folder = Folder::new();
    let key = keygen(&folder, "acme.key");
    let path = folder.path("acme.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let secret = folder.read("acme.key");
    let again = folder.cli("rule keygen --out acme.key").exits(2);
    assert!(again.stderr.contains("acme.key") && again.stdout.is_empty(), "{}", again.stderr);
    assert_eq!(folder.read("acme.key"), secret);

    folder.write("rule.wasm", renamed(SIGN_IN, "acme/second"));
    let before = fs::read(folder.path("rule.wasm")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let open = folder.cli("rule sign --key acme.key rule.wasm").exits(2);
    assert!(open.stderr.contains("0644") && open.stderr.contains("chmod 600"), "{}", open.stderr);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    symlink(&path, folder.path("link.key")).unwrap();
    let link = folder.cli("rule sign --key link.key rule.wasm").exits(2);
    assert!(link.stderr.contains("a symbolic link"), "{}", link.stderr);
    folder.write("public.key", format!("{key}\n"));
    fs::set_permissions(folder.path("public.key"), Permissions::from_mode(0o600)).unwrap();
    let public = folder.cli("rule sign --key public.key rule.wasm").exits(2);
    assert!(public.stderr.contains("expected `ed25519-secret:`"), "{}", public.stderr);
    assert_eq!(fs::read(folder.path("rule.wasm")).unwrap(), before);
    folder.write("cut.wasm", &before[..100]);
    folder.cli("rule sign --key acme.key cut.wasm").exits(1);
    let signed = folder.cli("rule sign --key acme.key rule.wasm").exits(0);
    assert!(signed.stdout.contains("signed acme/second") && signed.stdout.contains(&key), "{}", signed.stdout);
}

#[test]
fn a_signature_is_verified_and_says_whose_it_is() {
    let folder = Folder::new();
    let (own, other) = (keygen(&folder, "own.key"), keygen(&folder, "other.key"));
    let rule = renamed(SIGN_IN, "acme/second");
    folder.write("rule.wasm", &rule);
    let unsigned = folder.cli("rule verify rule.wasm").exits(1);
    assert!(unsigned.stdout.contains("not verified") && unsigned.stdout.contains("unsigned"), "{}", unsigned.stdout);
    folder.cli("rule sign --key own.key rule.wasm").exits(0);
    let signed = fs::read(folder.path("rule.wasm")).unwrap();
    let verified = folder.cli("rule verify rule.wasm").exits(0);
    for part in ["verified  rule.wasm: acme/second", &own, "--trust FILE"] {
        assert!(verified.stdout.contains(part), "{part}: {}", verified.stdout);
    }
    trust(&folder, &[&own], "");
    let proved = folder.cli("rule verify --trust trust.toml --json rule.wasm").exits(0).json();
    assert_eq!(
        proved,
        [json!({
            "type": "rule-verification", "file": "rule.wasm", "verified": true, "id": "acme/second",
            "version": proved[0]["version"],
            "proof": { "publisher": "acme", "proved": true, "by": own, "signers": [own], "reason": null },
        })]
    );
    trust(&folder, &[&other], "");
    let strange = folder.cli("rule verify --trust trust.toml rule.wasm").exits(1);
    for part in ["not verified", &own, "not proved, since it was signed by"] {
        assert!(strange.stdout.contains(part), "{part}: {}", strange.stdout);
    }
    // No digest changes, and other commands note it.
    let digests = |file: &str| folder.cli(&format!("rule inspect --json {file}")).exits(0).json()[0].clone();
    folder.write("unsigned.wasm", &rule);
    let (with, without) = (digests("rule.wasm"), digests("unsigned.wasm"));
    for part in ["code", "declaration", "data"] {
        assert_eq!(with["digests"][part], without["digests"][part], "{part}");
    }
    assert_eq!((&with["proof"]["signers"], &without["proof"]["signers"]), (&json!([own]), &json!([])));
    let shown = folder.cli("rule inspect rule.wasm").exits(0).stdout;
    assert!(shown.contains("Origin") && shown.contains("names publisher `acme`: not proved"), "{shown}");
    let checked = folder.cli("rule check --trust trust.toml rule.wasm").exits(0).stdout;
    assert!(checked.contains("names publisher `acme`: not proved"), "{checked}");

    // A second key's stays beside it; of another rule, it is replaced.
    folder.cli("rule sign --key other.key rule.wasm").exits(0);
    let both = folder.cli("rule verify --trust trust.toml --json rule.wasm").exits(0).json();
    assert_eq!((&both[0]["proof"]["by"], &both[0]["proof"]["signers"]), (&json!(other), &json!([own, other])));
    let admitted = admit(&signed, &Ceilings::default()).unwrap();
    let moved = sections::attach_signature(&renamed(SIGN_IN, "acme/third"), admitted.signature().unwrap()).unwrap();
    folder.write("moved.wasm", moved);
    let refused = folder.cli("rule verify --json moved.wasm").exits(1).json();
    assert_eq!(refused[0]["proof"]["signers"], json!([]));
    let replaced = folder.cli("rule sign --key own.key moved.wasm").exits(0);
    assert!(replaced.stderr.contains("is replaced"), "{}", replaced.stderr);
    folder.cli("rule verify moved.wasm").exits(0);

    folder.write("cut.wasm", &signed[..signed.len() - 1]);
    folder.cli("rule verify cut.wasm").exits(1);
    folder.cli("rule verify missing.wasm").exits(2);
    folder.write("forged.wasm", renamed("burst-of-denied-calls", "countersign/console-login-without-mfa"));
    folder.cli("rule sign --key own.key forged.wasm").exits(0);
    let forged = folder.cli("rule verify forged.wasm").exits(1);
    assert!(forged.stdout.contains("it isn't one of the rules that ship"), "{}", forged.stdout);
    folder.write("shipped.wasm", shipped(SIGN_IN));
    assert!(folder.cli("rule verify shipped.wasm").exits(0).stdout.contains("one of the rules that ship"));
}

#[test]
fn only_a_proved_rule_serves_and_recomputing_takes_proof_from_the_record() {
    let folder = Folder::new();
    folder.generate("--events 50");
    let own = keygen(&folder, "own.key");
    folder.write("mine/second.wasm", renamed(SIGN_IN, "acme/second"));
    folder.write("mine/forged.wasm", renamed("burst-of-denied-calls", "countersign/console-login-without-mfa"));
    let replay = format!("{REPLAY} --rules mine --trust trust.toml");
    trust(
        &folder,
        &[&own],
        "grant = { actions = \"*\", identity-types = \"*\", signal-classes = \"*\", severity = \"low\" }\n",
    );

    let refused = folder.cli(&replay).exits(1);
    for part in ["mine/second.wasm: publisher-unproved", "mine/forged.wasm: publisher-unproved", "it has no signature"]
    {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let shipped_alone = ran(&refused);
    assert!(shipped_alone.contains("countersign/console-login-without-mfa") && !shipped_alone.contains("acme/second"));
    // Nor without the file, by any signature.
    folder.cli("rule sign --key own.key mine/second.wasm").exits(0);
    let unknown = folder.cli(&format!("{REPLAY} --rules mine")).exits(1);
    assert!(unknown.stderr.contains("no `trust.toml` was given that names that publisher"), "{}", unknown.stderr);

    fs::remove_file(folder.path("mine/forged.wasm")).unwrap();
    let served = folder.cli(&format!("{replay} --audit run.audit")).exits(0);
    assert!(ran(&served).contains("acme/second"));
    let lines = served.json();
    let found = |rule: &str| -> Vec<&Value> {
        of_type(&lines, "finding").into_iter().filter(|line| line["rule"] == rule).collect()
    };
    let (own_findings, true_findings) = (found("acme/second"), found("countersign/console-login-without-mfa"));
    assert!(!own_findings.is_empty() && own_findings.len() == true_findings.len());
    assert!(own_findings.iter().all(|line| line["severity"] == "low"), "{own_findings:?}");
    assert!(true_findings.iter().all(|line| line["severity"] != "low"), "{true_findings:?}");

    // Another trust, or none, is there by now.
    fs::remove_file(folder.path("trust.toml")).unwrap();
    let recomputed = folder.cli("audit recompute --json run.audit").exits(0).json();
    assert_eq!((&recomputed[0]["recomputed"], &recomputed[0]["differences"]), (&json!(true), &json!(0)));
    let shown = folder.cli("audit show run.audit 1").exits(0).stdout;
    assert!(shown.contains(&own) && shown.contains(", shipped"), "{shown}");
}

#[test]
fn what_may_serve_unsigned_is_warned_of_and_two_of_one_id_are_none() {
    let folder = Folder::new();
    folder.generate("--events 50");
    folder.write("mine/second.wasm", renamed(SIGN_IN, "acme/second"));
    folder.write("mine/own.wasm", renamed(SIGN_IN, "local/own"));
    folder.write("trust.toml", "[publisher.acme]\nunsigned = true\n");
    let replay = format!("{REPLAY} --rules mine --trust trust.toml");
    let served = folder.cli(&replay).exits(0);
    assert!(ran(&served).is_superset(&["acme/second".to_owned(), "local/own".to_owned()].into()));
    let warnings: Vec<&str> = served.stderr.lines().filter(|line| line.contains("without a signature")).collect();
    assert!(matches!(warnings.as_slice(), [one] if one.contains("`acme/second`")), "{}", served.stderr);
    // Nothing comes of what isn't granted.
    let lines = served.json();
    let decisions = of_type(&lines, "decision");
    let own: Vec<_> = decisions.iter().filter(|line| line["rule"] == "local/own").collect();
    assert!(own.iter().any(|line| line["decision"] == "deny"), "{own:?}");
    assert!(own.iter().all(|line| line["action"].is_null() || line["action"] == "enrich-alert"), "{own:?}");

    folder.write("mine/again.wasm", renamed("burst-of-denied-calls", "acme/second"));
    let both = folder.cli(&replay).exits(1);
    assert!(!ran(&both).contains("acme/second"));
    assert_eq!(both.stderr.matches("duplicate-rule  2 rules have one id").count(), 2, "{}", both.stderr);

    folder.write("trust.toml", "[publisher.acme]\nunsigned = true\naccept = \"listed\"\n");
    fs::remove_file(folder.path("mine/again.wasm")).unwrap();
    let listed = folder.cli(&replay).exits(1);
    for part in ["not-accepted", "[[accepted]]", "rule = \"acme/second\"", "permits = { actions = ["] {
        assert!(listed.stderr.contains(part), "{part}: {}", listed.stderr);
    }

    folder.write("trust.toml", "[publisher.acme]\nkey = \"ed25519:AAAA\"\n");
    let faults = folder.cli(&replay).exits(2);
    for part in ["trust.toml: line 2", "did you mean `keys`?"] {
        assert!(faults.stderr.contains(part), "{part}: {}", faults.stderr);
    }
    folder.write("policy.toml", "version = 1\n[publisher.acme]\ngrant = { actions = \"*\" }\n");
    let moved = folder.cli(&format!("{REPLAY} --policy policy.toml")).exits(2);
    assert!(moved.stderr.contains("move it to `[publisher.acme]` of `trust.toml`"), "{}", moved.stderr);
}
