//! Accounts and the identities that an operator's directory links them to.

use std::fmt;
use std::str::FromStr;

use countersign_vocabulary::{IdentityType, Tier};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Provider + tenant + immutable subject id; never a name, an ARN or an address, which get reused.
///
/// Prints as `provider:tenant:subject` with `:` and `%` percent-encoded, and parses only that form, so that an account
/// has exactly one:
///
/// ```
/// use countersign_model::Account;
///
/// let account = Account::new("windows", "corp:emea", "S-1-5-21-1-2-3-500");
/// assert_eq!(account.to_string(), "windows:corp%3Aemea:S-1-5-21-1-2-3-500");
/// assert_eq!(account.to_string().parse::<Account>()?, account);
/// assert!("windows:corp%3aemea:S-1-5-21-1-2-3-500".parse::<Account>().is_err());
/// # Ok::<(), countersign_model::AccountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Such as `aws`.
    pub provider: String,
    /// The provider's tenant, not empty.
    pub tenant: String,
    /// The immutable subject id within the tenant, not empty.
    pub subject: String,
}

/// Text that isn't an account.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected an account `provider:tenant:subject` with `:` and `%` inside a part written `%3A` and `%25`, got `{0}`"
)]
pub struct AccountError(pub String);

impl Account {
    /// From its three parts.
    #[must_use]
    pub fn new(provider: impl Into<String>, tenant: impl Into<String>, subject: impl Into<String>) -> Account {
        Account { provider: provider.into(), tenant: tenant.into(), subject: subject.into() }
    }

    /// Whether it is protected by nature, whatever a record says of it: the root of an AWS account, and in a Windows domain or
    /// on a machine the built-in administrator (relative id 500) and the key distribution account (502).
    #[must_use]
    pub fn is_protected_by_nature(&self) -> bool {
        match self.provider.as_str() {
            "aws" => self.subject == self.tenant,
            "windows" => {
                let relative = self.subject.strip_prefix("S-1-5-21-").and_then(|rest| rest.rsplit_once('-'));
                relative.is_some_and(|(_, relative)| matches!(relative, "500" | "502"))
            }
            _ => false,
        }
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// Those of `out`; a `String` has none.
    pub fn write_to(&self, out: &mut impl fmt::Write) -> fmt::Result {
        encode_part(&self.provider, out)?;
        out.write_str(":")?;
        encode_part(&self.tenant, out)?;
        out.write_str(":")?;
        encode_part(&self.subject, out)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

/// Writes a text with `:` and `%` percent-encoded, as in an account's text form, to which it can be appended as another
/// part. Fast where there is nothing to encode, as in most parts: keys of state are made of accounts, event by event.
///
/// # Errors
/// Those of `out`; a `String` has none.
pub fn encode_part(part: &str, out: &mut impl fmt::Write) -> fmt::Result {
    let mut rest = part;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'%' | b':')) {
        let (before, marked) = rest.split_at(at);
        out.write_str(before)?;
        out.write_str(if marked.starts_with('%') { "%25" } else { "%3A" })?;
        rest = marked.get(1..).unwrap_or_default();
    }
    out.write_str(rest)
}

fn decode(part: &str) -> Option<String> {
    let mut text = String::with_capacity(part.len());
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        // Only what `encode_part` writes, so that an account has one text form.
        rest = if let Some(rest) = after.strip_prefix("25") {
            text.push('%');
            rest
        } else {
            text.push(':');
            after.strip_prefix("3A")?
        };
    }
    text.push_str(rest);
    Some(text).filter(|text| !text.is_empty())
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.split(':');
            let account = Account {
                provider: decode(parts.next()?)?,
                tenant: decode(parts.next()?)?,
                subject: decode(parts.next()?)?,
            };
            parts.next().is_none().then_some(account)
        };
        parse().ok_or_else(|| AccountError(text.to_owned()))
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What is known about the identity behind an account, as of one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// The operator's stable id; none where the directory has no fact.
    pub directory_id: Option<String>,
    /// From a fact, else only what the record proves, else `unknown`.
    pub identity_type: IdentityType,
    /// From a fact, else critical.
    pub tier: Tier,
    /// Such as `production`.
    pub environment: Option<String>,
    /// Directory id of the owner.
    pub owner: Option<String>,
    /// Never automatically contained.
    pub protected: bool,
    /// Emergency access.
    pub break_glass: bool,
}

impl Identity {
    /// Without a fact: the type that the record proves, tier critical.
    #[must_use]
    pub fn without_fact(proved: Option<IdentityType>, protected: bool) -> Identity {
        Identity {
            directory_id: None,
            identity_type: proved.unwrap_or(IdentityType::Unknown),
            tier: Tier::Critical,
            environment: None,
            owner: None,
            protected,
            break_glass: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_accounts_are_protected_by_nature() {
        for (provider, tenant, subject, protected) in [
            ("aws", "111122223333", "111122223333", true),
            ("aws", "111122223333", "444455556666", false),
            ("aws", "111122223333", "AIDAEXAMPLE1", false),
            ("windows", "corp.example", "S-1-5-21-1-2-3-500", true),
            ("windows", "corp.example", "S-1-5-21-1-2-3-502", true),
            ("windows", "corp.example", "S-1-5-21-1-2-3-1500", false),
            ("windows", "corp.example", "S-1-5-500", false),
            ("okta", "S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500", false),
        ] {
            assert_eq!(
                Account::new(provider, tenant, subject).is_protected_by_nature(),
                protected,
                "{provider} {subject}"
            );
        }
    }

    #[test]
    fn accounts_have_one_text_form() {
        let odd = Account::new("aws", "12:34", "50%:x");
        assert_eq!(odd.to_string(), "aws:12%3A34:50%25%3Ax");
        assert_eq!(odd.to_string().parse::<Account>().unwrap(), odd);
        for bad in ["aws:1", "aws:1:2:3", "aws::2", "", "aws:1:%3a", "aws:1:%41"] {
            assert!(bad.parse::<Account>().is_err(), "{bad}");
        }
    }
}
