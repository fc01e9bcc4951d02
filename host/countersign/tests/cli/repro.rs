//! Nothing of the records that a case is made of can be found in it: no name, no id, no number, however it is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign_model::vocabulary::FIELDS;
use serde_json::{Value, json};

use crate::support::{Folder, shipped};
use crate::tools::copied;

/// Words of providers and formats that stay: operations, outcomes, types, places.
const WORDS: &[&str] = &[
    // CloudTrail.
    "iam",
    "iamuser",
    "console",
    "consolelogin",
    "signin",
    "amazonaws",
    "success",
    "failure",
    "aws",
    "user",
    "role",
    "mozilla",
    "east",
    "awsconsolesignin",
    "awsapicall",
    "name",
    "status",
    "root",
    "username",
    "true",
    "false",
    "assumed",
    "bucketname",
    "mfaused",
    "vendor",
    "via",
    "null",
    "arn",
    "0x0",
    "example",
    // Okta.
    "okta",
    "session",
    "start",
    "system",
    "verify",
    "factor",
    "authentication",
    "password",
    "push",
    "allow",
    "deny",
    "org",
    "medium",
    "high",
    // Windows.
    "windows",
    "microsoft",
    "security",
    "auditing",
    "rc4",
    "hmac",
    "7688",
    // Files of a case.
    "ocsf",
    "finding",
    "event",
    "actor",
    "target",
    "account",
    "confidence",
    "source",
    "class",
    "credential",
    "sign",
];

/// The words of a text, in lower case.
fn tokens(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| word.chars().count() >= 3).collect()
}

/// All texts, numbers and names of members of a record, and of the records within its texts.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.push(text.clone());
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                leaves(&inner, found);
            }
        }
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                found.push(name.clone());
                leaves(member, found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().chain([&0, &0]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        // The last characters depend on what follows.
        (0..=part.len()).for_each(|place| text.push(char::from(DIGITS[bits >> (18 - 6 * place) & 63])));
    }
    text
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Replays records, makes a case of the last finding, and looks for everything of the records in it.
fn check(rule: &str, source: &str, records: &str) {
    // The example account of AWS's documentation is what stands for others.
    let records = &records.replace("111122223333", "498172635401");
    let folder = Folder::new();
    copied(&folder, rule);
    folder.write("on/rule.wasm", shipped(rule));
    folder.write("logs.ndjson", records);
    folder.cli(&format!("replay --source {source} --only-rules on --audit run.audit logs.ndjson")).exits(0);
    let found = folder.cli("audit list run.audit --type finding --json").exits(0).json();
    let number = &found.last().unwrap_or_else(|| panic!("{rule} found nothing"))["seq"];
    let repro = format!("rule repro run.audit {number} --name case");
    let events = format!("{repro} --events logs.ndjson --source {source}");
    for command in [&events, &repro] {
        // Of the finding's bundle alone a rule with state or context may not find it again: nothing leaks all the same.
        let ran = folder.cli(command);
        assert!(*command == repro || ran.code == 0, "{rule}: {}{}", ran.stdout, ran.stderr);
        let case = folder.path(&format!("rules/{rule}/cases/case"));
        let written: Vec<String> =
            ["events.ndjson", "expect.toml"].map(|file| fs::read_to_string(case.join(file)).unwrap()).to_vec();
        nothing_is_left(rule, records, &written.concat());
        fs::remove_dir_all(case).unwrap();
    }
}

#[track_caller]
fn nothing_is_left(rule: &str, records: &str, written: &str) {
    let mut all = Vec::new();
    records.lines().for_each(|line| leaves(&serde_json::from_str(line).unwrap(), &mut all));
    let mut known: BTreeSet<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    FIELDS.iter().for_each(|field| known.extend(tokens(&field.path.replace('_', "."))));
    let filter =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rules/{rule}/rule.toml")));
    // The rule is in the same folder: what it names is no secret.
    known.extend(tokens(&filter.unwrap()));
    let shown = tokens(&written.replace('_', "."));
    let (mut secrets, mut left) = (0, BTreeSet::new());
    for leaf in &all {
        // Times are moved by weeks, so their seconds stay.
        if leaf.get(4..5) == Some("-") && leaf.contains('T') && leaf.ends_with('Z') && leaf.len() <= 30 {
            let written_day = written.contains(leaf.get(..10).unwrap());
            left.extend(written_day.then(|| format!("the day of `{leaf}`")));
            continue;
        }
        for token in tokens(leaf).into_iter().filter(|token| !known.contains(token)) {
            let id = token.bytes().filter(u8::is_ascii_digit).count() > 4
                || token.bytes().any(|byte| byte.is_ascii_alphabetic());
            if !id {
                continue;
            }
            secrets += 1;
            let part = token.len() >= 8 && written.to_lowercase().contains(&token);
            if part || shown.contains(&token) {
                left.insert(format!("`{token}` of `{leaf}`"));
            }
        }
        if leaf.len() >= 8 && !tokens(leaf).is_subset(&known) {
            for form in [base64(leaf.as_bytes()), percent(leaf), percent(&percent(leaf))] {
                if written.contains(&form) {
                    left.insert(format!("`{leaf}` as `{form}`"));
                }
            }
        }
    }
    assert!(left.is_empty(), "{rule}: {left:#?} is left in {written}");
    assert!(secrets > 10, "{rule}: {secrets}");
}

fn case(rule: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rules/{rule}/cases/{name}/events.ndjson"));
    fs::read_to_string(path).unwrap()
}

/// Something about a person, in every form that a body may have it in.
fn told_of(person: &str) -> Value {
    json!({
        person: { "ticket": 8_675_309, "note": "Anruf von Herrn Lindqvist wegen Rechner 77421" },
        "status": person,
        "userName": person,
        "encoded": base64(person.as_bytes()),
        "address": format!("https%3A%2F%2Ffirma.example%2F%3Fuser%3D{}", percent(person)),
        "document": json!({ "owner": person, person: [1_234_567.25] }).to_string(),
        "arn": format!("arn:{person}:{person}:{person}:aws:policy/{person}"),
        "link": ["fe80::3a9f:c0ff:fe4d:91b2", "S-1-5-80-3880718306-3832830129", "ALEXANDERLINDQVIST", "nested\\person"],
    })
}

#[test]
fn nothing_of_a_cloud_trail_record_is_left_in_a_case() {
    let mut records = String::new();
    for line in case("console-login-without-mfa", "password-alone").lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        if record["responseElements"]["ConsoleLogin"] == "Success" {
            record["userIdentity"] = json!({
                "type": "IAMUser",
                "principalId": "AIDAQX7ZK2M4N8P3R5T1",
                "arn": "arn:aws:iam::498172635401:user/hochbau/magdalena.oberhuber",
                "accountId": "498172635401",
                "userName": "magdalena.oberhuber",
            });
            record["userAgent"] = "Oberhuberbrowser/5.0 (Macintosh; Laptop 77421)".into();
            record["sourceIPAddress"] = "87.140.22.193".into();
            record["requestParameters"] = told_of("magdalena.oberhuber@firma.example");
        }
        records.push_str(&(record.to_string() + "\n"));
    }
    check("console-login-without-mfa", "cloudtrail", &records);
}

#[test]
fn nothing_of_an_okta_record_is_left_in_a_case() {
    check("mfa-fatigue", "okta", &case("mfa-fatigue", "five-within-ten-minutes"));
}

#[test]
fn nothing_of_a_windows_record_is_left_in_a_case() {
    check("kerberoasting", "windows-security", &case("kerberoasting", "every-service-at-once"));
    check("dcsync", "windows-security", &case("dcsync", "a-person-replicates"));
}

#[test]
fn nothing_of_an_ocsf_record_is_left_in_a_case() {
    let record = json!({
        "class_uid": 3002,
        "class_name": "Authentication",
        "time_dt": "2024-11-19T07:21:43.918273Z",
        "status_id": 1,
        "is_mfa": false,
        "message": "Frau Oberhuber hat sich am Rechner 77421 angemeldet",
        "metadata": { "uid": "e-918273645546372819", "product": { "name": "Oberhuber Portal 77421", "vendor_name": "AWS" } },
        "cloud": { "provider": "AWS", "region": "magdalena", "account": { "uid": "498172635401" } },
        "api": {
            "operation": "ConsoleLogin",
            "service": { "name": "portal of magdalena" },
            "request": { "uid": "magdalena-77421", "data": told_of("magdalena.oberhuber@firma.example") },
            "response": { "message": "Willkommen Frau Oberhuber", "error": "kein Fehler, Frau Oberhuber" },
        },
        "actor": {
            "user": { "uid": "AIDAQX7ZK2M4N8P3R5T1", "name": "magdalena.oberhuber", "type": "IAMUser", "account": { "uid": "498172635401" } },
            "session": { "uid": "session-of-magdalena-77421" },
        },
        "src_endpoint": { "ip": "87.140.22.193", "port": 51_234, "hostname": "oberhuber-laptop.firma.example",
            "location": { "coordinates": [11.576124, 48.137154], "city": "Unterhaching", "country": "DE" },
            "autonomous_system": { "number": 3_320, "name": "Oberhuber Netz" } },
        "device": { "hostname": "oberhuber-laptop", "uid": "0f9e8d7c6b5a", "os": { "name": "oberhuber os" } },
        "http_request": { "user_agent": "Oberhuberbrowser/5.0 (Macintosh; Laptop 77421)" },
        "unmapped": told_of("magdalena.oberhuber"),
    });
    check("console-login-without-mfa", "ocsf", &(record.to_string() + "\n"));
}
