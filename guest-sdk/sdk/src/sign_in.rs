//! Sign-in outcomes across sources. Each function reads fields that the rule must declare.

use core::net::IpAddr;

use crate::rule::DetectionDeclaration;
use crate::{Event, fields};

/// Codes for a wrong name or password, and for an account that is locked after too many of them.
/// NTSTATUS of Windows events 4625 and 4776: no such user, wrong password, either of them, locked out
/// ([MS-ERREF] 2.3.1). Kerberos of 4768 and 4771: unknown client, pre-authentication failed (RFC 4120, 7.5.9).
/// Microsoft Entra: wrong name or password, locked out.
const CODES: [&str; 8] = ["0xc0000064", "0xc000006a", "0xc000006d", "0xc0000234", "0x6", "0x18", "50126", "50053"];

/// Texts for the same, in lower case and letters only: those of Okta, and of AWS and OCSF examples.
const WORDS: [&str; 8] = [
    "invalidcredentials",
    "lockedout",
    "accountlocked",
    "unknownuser",
    "nosuchuser",
    "wrongpassword",
    "badpassword",
    "failedauthentication",
];

/// Operations of CloudTrail in which a password is given; its sign-ins have no activity.
const WITH_A_PASSWORD: [&str; 2] = ["ConsoleLogin", "CredentialVerification"];

/// Words for a failure that say nothing of its reason, in lower case.
const NO_REASON: [&str; 5] = ["", "failure", "failed", "fail", "unknown"];

/// Whether a sign-in failed because the name or password was wrong, rather than for a missing second factor, by policy,
/// or because the account has expired. A record that gives no reason at all counts if it is of the sign-in itself and
/// of no other factor than a password: IAM Identity Center writes nothing but `Failure`.
#[must_use]
pub fn has_bad_credentials<R>(event: &Event<'_, R>) -> bool
where
    R: DetectionDeclaration
        + fields::ActivityId
        + fields::ApiOperation
        + fields::AuthFactorsFactorType
        + fields::StatusCode
        + fields::StatusDetail
        + fields::StatusId,
{
    if event.status_id() != Some(2) {
        return false;
    }
    let reasons = || [event.status_code(), event.status_detail()].into_iter().flatten();
    if reasons().any(names_bad_credentials) {
        return true;
    }
    let is_of_a_password = event.auth_factors_factor_type().is_none_or(|mut factors| factors.all(is_password));
    let is_the_sign_in = match event.api_operation() {
        Some(operation) => WITH_A_PASSWORD.contains(&operation),
        None => event.activity_id() == Some(1),
    };
    is_the_sign_in && is_of_a_password && reasons().all(is_no_reason)
}

fn is_no_reason(text: &str) -> bool {
    NO_REASON.iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}

/// Whether a factor is a password, as sources name it: `PASSWORD`, `PASSWORD_AS_FACTOR`.
fn is_password(factor: &str) -> bool {
    factor.to_ascii_lowercase().contains("password")
}

fn names_bad_credentials(text: &str) -> bool {
    if CODES.iter().any(|code| text.eq_ignore_ascii_case(code)) {
        return true;
    }
    // The beginning is enough: the text may be of any length.
    let letters: String =
        text.chars().take(128).filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| letters.contains(word))
}

/// A name by which failed and successful sign-ins of one account can be matched: its user name in lower case, since a
/// failure seldom has more, else its id. Names can be reused, so they serve for state, but can't be the subject of a
/// finding.
#[must_use]
pub fn account_name<R>(event: &Event<'_, R>) -> Option<String>
where
    R: DetectionDeclaration + fields::ActorUserName + fields::ActorUserUid,
{
    let name = event.actor_user_name().filter(|name| !name.is_empty());
    name.or(event.actor_user_uid()).map(str::to_lowercase)
}

/// Whether the address is loopback or unspecified: as a key it would merge machines that have nothing to do with each
/// other.
#[must_use]
pub fn is_local(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_credentials_are_recognised_by_code_and_by_text() {
        for text in [
            "0xC000006A",
            "0xc0000064",
            "0x18",
            "INVALID_CREDENTIALS",
            "LOCKED_OUT",
            "Failed authentication",
            "Invalid credentials: the password is wrong",
        ] {
            assert!(names_bad_credentials(text), "{text}");
        }
        for text in ["", "0x0", "0x180", "0xc0000072", "0x12", "VERIFICATION_ERROR", "MFA required", "%%2304"] {
            assert!(!names_bad_credentials(text), "{text}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_long_text_is_read() {
        assert!(!names_bad_credentials(&format!("{}INVALID_CREDENTIALS", "x ".repeat(100_000))));
    }

    #[test]
    fn loopback_is_local() {
        for (text, local) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", true),
            ("::", true),
            ("10.0.0.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_local(crate::testing::address(text)), local, "{text}");
        }
    }
}
