//! A source that falls silent: a finding of the host, what rests on it needs approval until it is heard again, and all of
//! that is on record, so that a host that was stopped meanwhile and one that judges the recorder again come to the same.

use std::time::{Duration, Instant};

use countersign_daemon::{Host, Material, Role};
use countersign_model::{DigestKey, Timestamp};
use countersign_recompute::{RecomputeOptions, recompute};
use countersign_store::AuditLog;
use serde_json::{Value, json};

use crate::permissive::{POLICY, capabilities};
use crate::served::{LONG, file, folder, lines, log, now, send, start, undisturbed};
use crate::support::engine;

const SOURCES: &str = "version = 1\n[[source]]\nname = \"trail\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\n\
                       kind = \"http\"\nexpect-every = \"2s\"\n";

const USERS: [&str; 4] = ["AIDAONEONEONEEXAMPLE", "AIDATWOTWOTWOEXAMPLE", "AIDATHREETHREXAMPLE", "AIDAFOURFOUREXAMPLE"];

fn material(sources: &str) -> Material {
    let mut identities = String::new();
    for (place, user) in USERS.iter().enumerate() {
        identities += &format!(
            "[[identity]]\nid = \"person-{place}\"\ntype = \"human\"\ntier = \"standard\"\n\
             [[identity.account]]\nprovider = \"aws\"\ntenant = \"111122223333\"\nsubject = \"{user}\"\n"
        );
    }
    let files = vec![
        file(Role::Sources, sources),
        file(Role::Policy, POLICY),
        file(Role::Identities, &identities),
        file(Role::Capabilities, &capabilities()),
    ];
    Material { shipped_rules: true, files }
}

/// A record of a user who stops a trail, and three of the same moment that witness its time.
fn stops_logging(user: &str) -> Vec<u8> {
    let time = Timestamp(now().0 / 1_000_000 * 1_000_000);
    let record = |name: &str, number: usize| {
        json!({
            "eventVersion": "1.10", "eventTime": time.to_string(), "eventSource": "cloudtrail.amazonaws.com",
            "eventName": name, "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.77",
            "userAgent": "Boto3/1.35.90", "eventID": format!("{user}-{time}-{number}"), "readOnly": false,
            "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333",
            "eventCategory": "Management", "requestParameters": { "name": "management" }, "responseElements": null,
            "userIdentity": {
                "type": "IAMUser", "principalId": user, "accountId": "111122223333", "userName": user,
                "arn": format!("arn:aws:iam::111122223333:user/{user}"), "accessKeyId": "AKIAER5ACP4GREXAMPLE",
            },
        })
    };
    let names = ["StopLogging", "DescribeTrails", "DescribeTrails", "DescribeTrails"];
    let lines = names.iter().enumerate().map(|(number, name)| format!("{}\n", record(name, number)));
    lines.collect::<String>().into_bytes()
}

/// Waits until the source stands so.
fn wait(host: &Host, unwell: bool) {
    let began = Instant::now();
    assert!(host.wait_serving(LONG));
    while host.sources().unwrap()[0].unwell.is_empty() == unwell {
        assert!(began.elapsed() < LONG, "{:?}", host.sources());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Actions that inform people and change nothing.
const OBSERVE: [&str; 3] = ["enrich-alert", "raise-risk-score", "notify"];

/// What was decided about a user past observing, with the codes of the reasons for approval.
fn decided(log: &[String], user: &str) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for line in log {
        let record: Value = serde_json::from_str(line).unwrap();
        let decision = &record["decision"];
        let observes = decision["action"].as_str().is_none_or(|action| OBSERVE.contains(&action));
        if record["type"] != "decision" || observes || !decision["account"].to_string().contains(user) {
            continue;
        }
        let asking = decision["reasons"].as_array().unwrap().iter().filter(|reason| reason["effect"] == "approval");
        let codes = asking.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect();
        all.push((decision["kind"].as_str().unwrap().to_owned(), codes));
    }
    all
}

#[test]
fn silence_asks_a_person_until_the_source_is_heard_again() {
    let (_folder, state) = folder();
    let first = material(SOURCES);
    let host = start(&state, &first);
    send(&host, None, &stops_logging(USERS[0]));
    wait(&host, true);
    // It stays so over a restart, whenever that is.
    host.stop();
    drop(host);
    let host = start(&state, &first);
    wait(&host, true);
    send(&host, None, &stops_logging(USERS[1]));
    wait(&host, false);
    assert!(host.wait_judged(LONG));
    send(&host, None, &stops_logging(USERS[2]));
    wait(&host, true);
    // Nobody expects anything of it any more: then it is well.
    let unwatched = material(&SOURCES.replace("expect-every = \"2s\"\n", ""));
    host.apply(&unwatched, "test".to_owned(), None).unwrap();
    wait(&host, false);
    assert!(host.wait_judged(LONG));
    send(&host, None, &stops_logging(USERS[3]));
    assert!(host.wait_judged(LONG), "{:?}", host.status());
    host.stop();
    drop(host);

    let served = log(&state);
    let unwell = |user| {
        decided(&served, user)
            .iter()
            .all(|(kind, why)| kind == "await-approval" && why.contains(&"source-unwell".to_owned()))
    };
    let automatic = |user| decided(&served, user).iter().any(|(kind, why)| kind == "execute" && why.is_empty());
    assert!(automatic(USERS[0]), "{:?}", decided(&served, USERS[0]));
    assert!(!decided(&served, USERS[1]).is_empty() && unwell(USERS[1]), "{:?}", decided(&served, USERS[1]));
    assert!(automatic(USERS[2]), "{:?}", decided(&served, USERS[2]));
    assert!(automatic(USERS[3]), "{:?}", decided(&served, USERS[3]));
    let of = |what: &str| served.iter().filter(|line| line.contains(what)).count();
    assert_eq!(of("\"kind\":\"source-unwell\""), 2);
    assert_eq!(of("\"type\":\"source\""), 4);
    let again = lines(&undisturbed(&state));
    let differing = served.iter().zip(&again).find(|(served, again)| served != again);
    assert_eq!((differing, served.len()), (None, again.len()));

    let log = AuditLog::open(&state.join("store.db")).unwrap();
    let recomputed =
        recompute(&log, &DigestKey::public(), engine(), &RecomputeOptions::default(), &mut |_, _| ()).unwrap();
    assert_eq!(recomputed.differences, []);
    assert!(recomputed.findings >= 4, "{recomputed:?}");
}
