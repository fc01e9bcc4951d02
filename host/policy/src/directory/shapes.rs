//! Accounts that no record can have, by the form of their ids: what each provider's ids look like.
//!
//! Only forms that are certain count. The formats of telemetry say what an account of each provider is
//! (`docs/reference/formats.md`); a provider that isn't among them can only come in OCSF, under any name in lower case.

use countersign_document::nearest;
use countersign_model::Account;

/// The providers that have a format of their own.
const PROVIDERS: &[&str] = &["aws", "directory", "okta", "windows"];

/// The part of an account that can't occur, and what is expected there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// `provider`, `tenant` or `subject`.
    pub(super) part: &'static str,
    /// What an account of this kind has there.
    pub(super) expected: String,
}

fn mismatch(part: &'static str, expected: impl Into<String>) -> Option<Mismatch> {
    Some(Mismatch { part, expected: expected.into() })
}

/// Why no record can have an account; none where one may.
pub(super) fn cannot_match(account: &Account) -> Option<Mismatch> {
    match account.provider.as_str() {
        "aws" => aws(&account.tenant, &account.subject),
        "directory" => own(&account.subject),
        "okta" => okta(&account.tenant, &account.subject),
        "windows" => windows(&account.tenant, &account.subject),
        provider if provider.chars().any(char::is_uppercase) => mismatch("provider", "a provider in lower case"),
        provider => {
            let near = nearest(provider, PROVIDERS.iter().copied())?;
            mismatch("provider", format!("`{near}`, or what OCSF records call a provider"))
        }
    }
}

/// AWS: a user or role of an account, its root user, a federated user, an AWS service, or a user of an identity store or
/// of a federated identity provider.
fn aws(tenant: &str, subject: &str) -> Option<Mismatch> {
    const SUBJECT: &str = "the immutable id of a user (`AIDA…`), a role (`AROA…`), the root user (the account's own) or a federated user (`account:name`)";
    if subject.starts_with("arn:") {
        return mismatch("subject", format!("{SUBJECT}, never an ARN"));
    }
    if subject.starts_with("AKIA") || subject.starts_with("ASIA") {
        return mismatch("subject", format!("{SUBJECT}, never an access key's id"));
    }
    let of_account = ["AIDA", "AROA"].iter().any(|prefix| subject.starts_with(prefix));
    if of_account && subject.contains(':') {
        return mismatch("subject", "a role's id, without the session");
    }
    let is_account = tenant.len() == 12 && is_digits(tenant);
    if !is_account {
        // A service's, an identity store's, or that of an identity provider: a domain, an ARN or a digest.
        let may_be = tenant == "aws" || tenant.starts_with("d-") || tenant.contains(['.', ':', '/', '=']);
        let expected =
            "an account's id of 12 digits, an identity store's (`d-…`), `aws` for services, or an identity provider";
        return if of_account || !may_be { mismatch("tenant", expected) } else { None };
    }
    let federated = subject.strip_prefix(tenant).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let is_id = of_account && subject.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if is_id || federated { None } else { mismatch("subject", SUBJECT) }
}

/// Okta: ids of users, clients, apps and groups begin with a zero; all orgs are one tenant.
fn okta(tenant: &str, subject: &str) -> Option<Mismatch> {
    match tenant {
        "okta" if subject == "system" => None,
        "org" if subject.starts_with('0') && subject.bytes().all(|byte| byte.is_ascii_alphanumeric()) => None,
        "org" => mismatch("subject", "the id of a user (`00u…`) or client (`0oa…`), never a login"),
        _ => mismatch("tenant", "`org`: all orgs are one tenant, since events don't name theirs"),
    }
}

/// A directory of this project: ids of accounts and of administrative credentials.
fn own(subject: &str) -> Option<Mismatch> {
    let rest = subject.strip_prefix("acc-").or_else(|| subject.strip_prefix("prn-"));
    let is_id =
        rest.is_some_and(|rest| rest.len() == 24 && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    if is_id || subject == "system" {
        return None;
    }
    mismatch("subject", "the id of an account (`acc-…`) or of an administrative credential (`prn-…`), never a name")
}

/// Windows: a SID in capitals, under its domain or machine, or under the machine where it is the same on every one.
fn windows(tenant: &str, subject: &str) -> Option<Mismatch> {
    let numbers = subject.strip_prefix("S-1-").map(|rest| rest.split('-').map(str::parse::<u64>));
    let numbers: Option<Vec<u64>> = numbers.and_then(|numbers| numbers.collect::<Result<_, _>>().ok());
    match numbers.as_deref() {
        Some([5, 21, _, _, _, _]) => {
            let domain = subject.rsplit_once('-').map_or(subject, |(domain, _)| domain);
            if tenant == domain {
                None
            } else {
                mismatch("tenant", format!("`{domain}`, the domain's part of the SID"))
            }
        }
        Some([12, 1, _, _, _, _]) if tenant == "S-1-12-1" => None,
        Some([12, 1, _, _, _, _]) => mismatch("tenant", "`S-1-12-1`"),
        Some([5, 18..=20] | [5, 80 | 82 | 83 | 90 | 96, _, ..]) => {
            let is_host = !tenant.contains(char::is_uppercase);
            if is_host { None } else { mismatch("tenant", "the machine's name in lower case") }
        }
        _ => mismatch("subject", "the SID of an account in capitals, such as `S-1-5-21-…`, never a name or a group's"),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[path = "../../tests/unit/directory_shapes.rs"]
mod tests;
