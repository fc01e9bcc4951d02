//! Records as they come: calls of many people from many addresses, each at the time it is made.

use std::fmt::Write as _;

use countersign_model::Timestamp;

/// People who make the calls.
const PEOPLE: u64 = 600;

/// So many records, the first with this number, all at one time.
pub(crate) fn records(first: u64, count: u64, time: Timestamp) -> Vec<u8> {
    let mut text = String::with_capacity(usize::try_from(count).unwrap_or_default() * 700);
    for number in first..first + count {
        let user = number.wrapping_mul(7_919) % PEOPLE;
        // A sign-in among many calls; no person fails often enough to be found.
        let (source, name, kind, more) = if number % 50 == 0 {
            let outcome = r#","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"}"#;
            ("signin.amazonaws.com", "ConsoleLogin", "AwsConsoleSignIn", outcome)
        } else {
            (
                "s3.amazonaws.com",
                "GetObject",
                "AwsApiCall",
                r#","requestParameters":{"bucketName":"reports","key":"q3.csv"}"#,
            )
        };
        // Writing to a string doesn't fail.
        let _ = writeln!(
            text,
            r#"{{"eventVersion":"1.10","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE{user:04}","arn":"arn:aws:iam::111122223333:user/u{user}","accountId":"111122223333","userName":"u{user}"}},"eventTime":"{time}","eventSource":"{source}","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"198.51.{}.{}","userAgent":"aws-cli/2.17"{more},"requestID":"r-{number}","eventID":"e-{number}","readOnly":true,"eventType":"{kind}","managementEvent":true,"recipientAccountId":"111122223333"}}"#,
            user / 200,
            user % 200,
        );
    }
    text.into_bytes()
}
