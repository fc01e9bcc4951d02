//! Attempts of a caller to weigh less by what it sends of itself. Each makes the same acts twice, with and without, and
//! the shipped rule must find the same.

use countersign_author::run_case;

use super::{Attempt, Defence, attempt};
use crate::support::{engine, shipped};

pub(super) fn attempts() -> Vec<Attempt> {
    let nothing = |name, tries, seen: fn() -> Defence| attempt(name, tries, Defence::NothingGained, seen);
    vec![
        nothing(
            "fingerprint-of-the-owner",
            "travels with the fingerprint and the device token of the owner's browser",
            fingerprint_of_the_owner,
        ),
        nothing("agent-of-the-owner", "travels with the owner's user agent", agent_of_the_owner),
        nothing("a-name-a-call", "assumes a role under another session name for every denied call", a_name_a_call),
        nothing("agent-of-the-console", "stops a trail with the user agent of the console", agent_of_the_console),
        nothing(
            "filter-out-of-sight",
            "makes a filter so large that its request is left out of the record",
            filter_out_of_sight,
        ),
    ]
}

/// Nothing gained if the rule finds this on the last of these records and nothing else.
fn found(rule: &str, source: &str, records: &[String], [class, account]: [&str; 2], confidence: [u8; 2]) -> Defence {
    let case = tempfile::tempdir().unwrap();
    let [low, high] = confidence;
    std::fs::write(case.path().join("events.ndjson"), records.join("\n")).unwrap();
    let expected = format!(
        "source = \"{source}\"\n[[finding]]\nevent = \"e-{}\"\nclass = \"{class}\"\nrole = \"actor\"\naccount = \
         \"{account}\"\nconfidence = [{low}, {high}]\n",
        records.len()
    );
    std::fs::write(case.path().join("expect.toml"), expected).unwrap();
    match run_case(engine(), shipped(rule), &[], case.path()) {
        Ok(differences) => Defence::nothing_gained(differences.is_empty(), || format!("{differences:?}")),
        Err(error) => Defence::None(error.to_string()),
    }
}

/// A sign-in to Okta, the `number`th.
fn sign_in(number: usize, address: &str, place: [f64; 2], agent: &str, debug: &str) -> String {
    let [lat, lon] = place;
    format!(
        r#"{{"actor":{{"id":"00uvictim","type":"User","alternateId":"victim@example.test"}},"client":{{"userAgent":{{"rawUserAgent":"{agent}","os":"Windows 10","browser":"CHROME"}},"ipAddress":"{address}","geographicalContext":{{"geolocation":{{"lat":{lat},"lon":{lon}}}}}}},"eventType":"user.session.start","outcome":{{"result":"SUCCESS"}},"published":"2026-03-04T08:{number:02}:00.000Z","debugContext":{{"debugData":{{{debug}}}}},"uuid":"e-{number}"}}"#
    )
}

fn travels(agents: [&str; 2], debug: &str) -> Defence {
    let [own, thiefs] = agents;
    let records = [
        sign_in(1, "203.0.113.10", [52.5, 13.4], own, debug),
        sign_in(2, "198.51.100.10", [47.6, -122.3], thiefs, debug),
    ];
    found("impossible-travel", "okta", &records, ["sign-in", "okta:org:00uvictim"], [50, 50])
}

fn fingerprint_of_the_owner() -> Defence {
    match travels(["Mozilla/5.0", "curl/8"], "") {
        Defence::NothingGained => {
            travels(["Mozilla/5.0", "curl/8"], r#""deviceFingerprint":"541daf00","dtHash":"777992bfa170""#)
        }
        other => other,
    }
}

fn agent_of_the_owner() -> Defence {
    travels(["Mozilla/5.0", "Mozilla/5.0"], "")
}

/// A call of CloudTrail, the `number`th.
fn call(number: usize, caller: &str, agent: &str, rest: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.10","userIdentity":{{{caller}}},"eventTime":"2026-03-04T08:00:{number:02}Z",{rest},"awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.10","userAgent":"{agent}","eventID":"e-{number}","eventType":"AwsApiCall","recipientAccountId":"111122223333"}}"#
    )
}

fn a_name_a_call() -> Defence {
    let records: Vec<String> = (1..=10)
        .map(|number| {
            let caller = format!(
                r#""type":"AssumedRole","principalId":"AROASTOLEN:s{number}","arn":"arn:aws:sts::111122223333:assumed-role/app/s{number}","accountId":"111122223333","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROASTOLEN","arn":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","userName":"app"}}}}"#
            );
            let denied = format!(
                r#""eventSource":"iam.amazonaws.com","eventName":"List{}","errorCode":"AccessDenied""#,
                ["Users", "Roles", "Groups"][number % 3]
            );
            call(number, &caller, "aws-cli/2", &denied)
        })
        .collect();
    found("burst-of-denied-calls", "cloudtrail", &records, ["token", "aws:111122223333:AROASTOLEN"], [60, 60])
}

const USER: &str = r#""type":"IAMUser","principalId":"AIDASTOLEN","arn":"arn:aws:iam::111122223333:user/x","accountId":"111122223333","userName":"x""#;

fn blinds(agent: &str, rest: &str, confidence: u8) -> Defence {
    let records = [call(1, USER, agent, rest)];
    let account = ["evasion", "aws:111122223333:AIDASTOLEN"];
    found("audit-trail-disabled", "cloudtrail", &records, account, [confidence, confidence])
}

fn agent_of_the_console() -> Defence {
    let stops =
        r#""eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","requestParameters":{"name":"t"}"#;
    match blinds("aws-cli/2", stops, 85) {
        Defence::NothingGained => blinds("console.amazonaws.com", stops, 85),
        other => other,
    }
}

fn filter_out_of_sight() -> Defence {
    let rest = r#""eventSource":"guardduty.amazonaws.com","eventName":"CreateFilter","requestParameters":{"omitted":true,"originalSize":131072,"reason":"requestParameters too large"}"#;
    blinds("aws-cli/2", rest, 50)
}
