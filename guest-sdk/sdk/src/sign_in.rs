//! What sources say of sign-ins, for rules that are about more than one source. Each function reads fields that the rule
//! must declare.

use core::net::IpAddr;

use crate::rule::DetectionDeclaration;
use crate::{Event, fields};

/// Codes of a refusal for a wrong name or password, and of one for an account that is locked after too many of them.
/// NTSTATUS of Windows events 4625 and 4776: no such user, wrong password, either of them, locked out
/// ([MS-ERREF] 2.3.1). Kerberos of 4768 and 4771: unknown client, pre-authentication failed (RFC 4120, 7.5.9).
/// Microsoft Entra: wrong name or password, locked out.
const CODES: [&str; 8] = ["0xc0000064", "0xc000006a", "0xc000006d", "0xc0000234", "0x6", "0x18", "50126", "50053"];

/// The same in words, in lower case and without what isn't a letter: those of Okta, and of AWS and OCSF examples.
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

/// Whether a sign-in failed because the name or password was wrong: not for want of a second factor, by policy, or
/// because the account has expired.
#[must_use]
pub fn has_bad_credentials<R>(event: &Event<'_, R>) -> bool
where
    R: DetectionDeclaration + fields::StatusId + fields::StatusCode + fields::StatusDetail,
{
    event.status_id() == Some(2)
        && [event.status_code(), event.status_detail()].into_iter().flatten().any(says_bad_credentials)
}

fn says_bad_credentials(text: &str) -> bool {
    if CODES.iter().any(|code| text.eq_ignore_ascii_case(code)) {
        return true;
    }
    // The beginning is enough, and the text may be anything.
    let letters: String =
        text.chars().take(128).filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| letters.contains(word))
}

/// The name by which failed and successful sign-ins of one account can be told to be of the same: its name in lower
/// case, since a failure seldom has more; else its id. A name can be reused and is worth no more than that: state may
/// be kept by it, a finding can't be about it.
#[must_use]
pub fn account_name<R>(event: &Event<'_, R>) -> Option<String>
where
    R: DetectionDeclaration + fields::ActorUserName + fields::ActorUserUid,
{
    let name = event.actor_user_name().filter(|name| !name.is_empty());
    name.or(event.actor_user_uid()).map(str::to_lowercase)
}

/// Whether the address is one that every machine has for itself, or none: as a key it would throw machines together
/// that have nothing to do with each other.
#[must_use]
pub fn is_everywhere(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_for_a_wrong_password_are_known_by_code_and_by_word() {
        for text in [
            "0xC000006A",
            "0xc0000064",
            "0x18",
            "INVALID_CREDENTIALS",
            "LOCKED_OUT",
            "Failed authentication",
            "Invalid credentials: the password is wrong",
        ] {
            assert!(says_bad_credentials(text), "{text}");
        }
        for text in ["", "0x0", "0x180", "0xc0000072", "0x12", "VERIFICATION_ERROR", "MFA required", "%%2304"] {
            assert!(!says_bad_credentials(text), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_read_only_so_far() {
        assert!(!says_bad_credentials(&format!("{}INVALID_CREDENTIALS", "x ".repeat(100_000))));
    }

    #[test]
    fn loopback_is_everywhere() {
        for (text, everywhere) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", true),
            ("::", true),
            ("10.0.0.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_everywhere(crate::testing::address(text)), everywhere, "{text}");
        }
    }
}
