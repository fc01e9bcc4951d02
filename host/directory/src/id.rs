//! Ids: never reused, and nothing can be told from one but what it is of.

use crate::error::Error;

/// Random bytes of an id.
const BYTES: usize = 12;

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Group,
    Membership,
    Credential,
    Session,
    Token,
    Principal,
    Event,
    Access,
    Fault,
}

impl Kind {
    /// How its ids begin.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Kind::Account => "acc",
            Kind::Group => "grp",
            Kind::Membership => "mem",
            Kind::Credential => "crd",
            Kind::Session => "ses",
            Kind::Token => "tok",
            Kind::Principal => "prn",
            Kind::Event => "evt",
            Kind::Access => "act",
            Kind::Fault => "flt",
        }
    }

    /// A new id.
    pub(crate) fn new_id(self) -> Result<String, Error> {
        Ok(format!("{}-{}", self.prefix(), random_hex(BYTES)?))
    }

    /// Whether a text has the form of its ids.
    pub(crate) fn is_id(self, text: &str) -> bool {
        let rest = text.strip_prefix(self.prefix()).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| {
            rest.len() == 2 * BYTES && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }
}

/// So many random bytes, in hexadecimal digits.
pub(crate) fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = zeroize::Zeroizing::new(vec![0; bytes]);
    getrandom::fill(&mut random).map_err(|error| Error::Random(error.to_string()))?;
    Ok(countersign_model::digest::hex(&random))
}
