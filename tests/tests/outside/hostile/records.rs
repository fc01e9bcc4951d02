//! Attempts in what a record says: padding that hides, ids that nothing can hold, and times of no zone.

use countersign_model::ReasonCode;

use super::permitted::{OWN, by_the_gate, call, decided, decided_from, is_automatic, may, proposing, sure, user};
use super::{Attempt, Defence, attempt};
use crate::support::shipped;

/// As long as a record can carry.
const PADDING: usize = 900_000;

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt(
            "padded-agent",
            "hides a sign-in without a factor by an endless user agent",
            Defence::NothingGained,
            || sign_in(&format!(r#""userAgent":"{}","#, padding())),
        ),
        attempt("padded-bodies", "hides it by endless bodies", Defence::NothingGained, || {
            let pad = padding();
            sign_in(&format!(r#""requestParameters":{{"pad":"{}"}},"tlsDetails":{{"pad":"{pad}"}},"#, &pad[..64_000]))
        }),
        attempt("endless-key", "gives its key an endless id", Defence::NothingGained, || {
            endless(call(0, &user("AIDAANNA", &padding()), ""))
        }),
        attempt("endless-account", "gives its account an endless id", Defence::NothingGained, || {
            endless(call(0, &user(&padding(), "AKIAANNA"), ""))
        }),
        attempt(
            "time-of-no-zone",
            "has evidence of no known time lead to containment",
            Defence::ByTheGate(ReasonCode::SourceLimited),
            time_of_no_zone,
        ),
    ]
}

fn padding() -> String {
    "x".repeat(PADDING)
}

/// A sign-in without a factor with these members, which a shipped rule looks for; padded or not, it is found once.
fn sign_in(rest: &str) -> Defence {
    let found = |rest: &str| {
        let who = user("AIDAANNA", "");
        let line = format!(
            r#"{{"eventVersion":"1.10","userIdentity":{who},"eventTime":"2024-05-01T08:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7",{rest}"responseElements":{{"ConsoleLogin":"Success"}},"additionalEventData":{{"MFAUsed":"No"}},"eventID":"s","eventType":"AwsConsoleSignIn","recipientAccountId":"111122223333"}}"#
        );
        decided(&[shipped("console-login-without-mfa")], "", &[(OWN, line)])
    };
    assert_eq!(found("").findings, 1);
    let padded = found(rest);
    Defence::nothing_gained(padded.findings == 1 && padded.notices.is_empty(), || {
        format!("{} found, {:?}", padded.findings, padded.notices)
    })
}

/// A record with an endless id is set aside with its reason, and the next is judged as ever.
fn endless(line: String) -> Defence {
    let rule = sure(&may(&["require-reauthentication"]), "");
    let lines = [(OWN, line), (OWN, call(1, &user("AIDAANNA", "AKIAANNA"), ""))];
    let decided = decided(&[&rule], "", &lines);
    let is_set_aside = decided.notices.iter().filter(|notice| notice.contains("IdTooLong")).count() == 1;
    Defence::nothing_gained(decided.findings == 1 && is_set_aside, || {
        format!("{} found, {:?}", decided.findings, decided.notices)
    })
}

const DOMAIN: &str = r#"
version = 1

[[source]]
name = "domain"
format = "windows-security"
tenants = ["windows:S-1-5-21-1-2-3"]
"#;

/// A domain controller's record whose collector writes local time: whether it is of now isn't known. With a zone the same is
/// acted on at once.
fn time_of_no_zone() -> Defence {
    let rule = sure(&may(&["restrict-access"]).replace("\"api-activity\"", "\"entity-management\""), "");
    let answer = proposing("hostile/answer", &["restrict-access"], "");
    let by = |time: &str| {
        let line = format!(
            r#"{{"EventID":4662,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","Hostname":"dc1.corp.test","RecordNumber":1,"EventType":"AUDIT_SUCCESS","EventTime":"{time}","SubjectUserSid":"S-1-5-21-1-2-3-1104","SubjectUserName":"anna","SubjectDomainName":"CORP","SubjectLogonId":"0x9","AccessMask":"0x100"}}"#
        );
        decided_from(DOMAIN, &[&rule, &answer], "", &[(0, line)])
    };
    let zoned = by("2024-05-01T08:00:00Z");
    assert!(is_automatic(&zoned), "{:?} {:?}", zoned.decisions, zoned.notices);
    by_the_gate(&by("2024-05-01 08:00:00"), ReasonCode::SourceLimited)
}
