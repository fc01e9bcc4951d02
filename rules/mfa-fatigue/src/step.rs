//! Classifies events: pushes sent and denied, sign-ins refused, second factors given.

use crate::Event;

/// A step of a sign-in with pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A push was sent to the owner's device.
    Sent,
    /// The owner's device denied a push.
    Denied,
    /// A sign-in failed because its push was denied.
    Refused,
    /// The second factor was given.
    Approved(Approval),
}

/// How the second factor was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Approval {
    /// Not stated in the record.
    Unknown,
    /// By accepting a push.
    Push,
    /// By a code, from an app, a message or a call.
    Typed,
}

impl Approval {
    /// After denials: 80 for an accepted push, 75 where the factor isn't known, 60 for a code.
    pub(crate) fn after_denials(self) -> u8 {
        match self {
            Approval::Push => 80,
            Approval::Unknown => 75,
            Approval::Typed => 60,
        }
    }

    /// After pushes that nobody answered: 65 for an accepted push, 60 where the factor isn't known. None for a code, which
    /// is what an owner takes whose pushes don't arrive.
    pub(crate) fn after_silence(self) -> Option<u8> {
        match self {
            Approval::Push => Some(65),
            Approval::Unknown => Some(60),
            Approval::Typed => None,
        }
    }

    /// Whether it may have been of a push.
    pub(crate) fn may_be_a_push(self) -> bool {
        self != Approval::Typed
    }

    /// For a message.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Approval::Push => "a push was accepted",
            Approval::Unknown => "a sign-in with a second factor succeeded",
            Approval::Typed => "a sign-in with another factor succeeded",
        }
    }

    /// Its byte in state.
    pub(crate) fn to_byte(self) -> u8 {
        self as u8
    }

    /// The approval of such a byte.
    pub(crate) fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Approval::Push,
            2 => Approval::Typed,
            _ => Approval::Unknown,
        }
    }
}

/// The step that an event is, if it is one.
pub(crate) fn classify(event: &Event) -> Option<Step> {
    // Okta's own events; their outcome is that of the denial or of the sending, not of the sign-in.
    match event.metadata_event_code() {
        Some("user.mfa.okta_verify.deny_push") => return Some(Step::Denied),
        Some("system.push.send_factor_verify_push") => {
            return (event.status_id() != Some(2)).then_some(Step::Sent);
        }
        _ => {}
    }
    let factor = factor(event);
    match event.status_id()? {
        1 => match factor {
            Some(Factor::AtThePlace | Factor::Password) => None,
            Some(Factor::Push) => Some(Step::Approved(Approval::Push)),
            Some(Factor::Other) => Some(Step::Approved(Approval::Typed)),
            Some(Factor::App) => Some(Step::Approved(Approval::Unknown)),
            None => (event.is_mfa() == Some(true)).then_some(Step::Approved(Approval::Unknown)),
        },
        2 => (factor == Some(Factor::Push)).then_some(Step::Refused),
        _ => None,
    }
}

/// Kinds of factor, by what they prove here. The greater one counts where a record names several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Factor {
    /// The first factor.
    Password,
    /// An app with several methods; the record doesn't show which was used.
    App,
    /// A code, a call, a question.
    Other,
    /// Can be accepted far away from the sign-in.
    Push,
    /// Only works where the sign-in is.
    AtThePlace,
}

fn factor(event: &Event) -> Option<Factor> {
    event.auth_factors_factor_type()?.map(kind).max()
}

fn kind(name: &str) -> Factor {
    let name = name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&[
        "webauthn",
        "fido",
        "u2f",
        "passkey",
        "smart_card",
        "smart card",
        "certificate",
        "signed_nonce",
        "fastpass",
    ]) {
        Factor::AtThePlace
    } else if has(&["push", "notification"]) {
        Factor::Push
    } else if has(&["password"]) {
        Factor::Password
    } else if matches!(name.as_str(), "okta verify" | "okta_verify" | "microsoft authenticator") {
        Factor::App
    } else {
        Factor::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_known_by_the_names_that_sources_give_them() {
        for (name, expected) in [
            ("OKTA_VERIFY_PUSH", Factor::Push),
            ("Push Notification", Factor::Push),
            ("Mobile app notification", Factor::Push),
            ("FIDO_WEBAUTHN", Factor::AtThePlace),
            ("SIGNED_NONCE", Factor::AtThePlace),
            ("Smart Card", Factor::AtThePlace),
            ("PASSWORD_AS_FACTOR", Factor::Password),
            ("Okta Verify", Factor::App),
            ("GOOGLE_AUTH", Factor::Other),
            ("SMS_FACTOR", Factor::Other),
            ("", Factor::Other),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn approvals_survive_state() {
        for how in [Approval::Unknown, Approval::Push, Approval::Typed] {
            assert_eq!(Approval::from_byte(how.to_byte()), how);
        }
        assert_eq!(Approval::from_byte(200), Approval::Unknown);
    }
}
