//! Which events prove that their actor authenticated.
//!
//! An allow-list by number, of the auditing's own events in the channel Security: an event that no row fits proves nothing,
//! nor does one whose record leaves out its channel or its provider. Anybody who reaches a domain controller can have a
//! failed logon, a lockout, and a ticket without pre-authentication written in another's name; a service can have a logon
//! written in the name of an account that never gave it anything (S4U), as long as it only identifies the account.

use super::accounts::Party;
use super::kinds::is_auditing_proved;
use super::record::{Record, number, trimmed};

/// What an event proves, if its actor is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// A logon: it succeeded, and the account may be acted as, not only identified.
    Logon,
    /// A ticket: it was issued, after pre-authentication.
    PreAuthenticated,
    /// It succeeded.
    Success,
    /// It happened in the actor's session, whether it was granted or not.
    Session,
}

impl Proof {
    /// In words, for the documentation.
    const fn words(self) -> &'static str {
        match self {
            Proof::Logon => {
                "it succeeded, with `ImpersonationLevel` `%%1833` (`Impersonation`), `%%1840` (`Delegation`), `-` or none"
            }
            Proof::PreAuthenticated => "it succeeded, with `PreAuthType` 2, 15, 16, 17 or 138",
            Proof::Success => "it succeeded",
            Proof::Session => "always: it happened in the actor's session",
        }
    }
}

/// The events. Left out are those that the system writes about an account: logged off, locked out, privileges assigned to a
/// logon of whatever level, a workstation locked by itself.
const PROOFS: &[(&[u64], Proof)] = &[
    (&[4624], Proof::Logon),
    (&[4768], Proof::PreAuthenticated),
    (&[4769, 4770, 4776, 4801, 4723], Proof::Success),
    (&[4647, 4648, 4778, 4779], Proof::Session),
    // Accounts, rights and groups changed.
    (
        &[
            4704, 4705, 4717, 4718, 4720, 4722, 4724, 4725, 4726, 4727, 4728, 4729, 4730, 4731, 4732, 4733, 4734, 4735,
            4737, 4738, 4741, 4742, 4743, 4744, 4745, 4746, 4747, 4748, 4749, 4750, 4751, 4752, 4753, 4754, 4755, 4756,
            4757, 4758, 4759, 4760, 4761, 4762, 4763, 4764, 4765, 4767, 4781,
        ],
        Proof::Session,
    ),
    // Objects of the directory, files, registry, shares.
    (
        &[4656, 4657, 4659, 4660, 4661, 4662, 4663, 4670, 5136, 5137, 5138, 5139, 5140, 5141, 5142, 5143, 5144, 5145],
        Proof::Session,
    ),
    // Privileges used, programs started, services and tasks installed, policies changed, the log cleared.
    (&[1102, 4673, 4674, 4688, 4697, 4698, 4699, 4700, 4701, 4702, 4713, 4719, 4739], Proof::Session),
];

/// Levels of a logon whose account may be acted as: their codes, and what these are rendered as in English. Of words in
/// other languages nothing is proved.
const ACTED_AS: &[&str] = &["%%1833", "%%1840", "Impersonation", "Delegation"];

/// Kinds of pre-authentication that take the account's key: an encrypted timestamp, a certificate, and either of them
/// within a tunnel (RFC 4120, 4556, 6113).
const PRE_AUTHENTICATED: &[u64] = &[2, 15, 16, 17, 138];

/// The rows, for the documentation.
pub(super) fn rows() -> Vec<Vec<String>> {
    let rows = PROOFS.iter().map(|(ids, proof)| {
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        vec![ids.join(", "), proof.words().to_owned()]
    });
    let rest = ["any other; any of AD FS; without a channel or a provider", "never"].map(str::to_owned).to_vec();
    rows.chain([rest]).collect()
}

/// Whether the record proves that its actor authenticated.
pub(super) fn authenticated(record: &Record<'_>, id: u64, actor: &Party<'_>, success: Option<bool>) -> bool {
    if actor.account.is_none() || !is_auditing_proved(record) {
        return false;
    }
    let succeeded = success == Some(true);
    match PROOFS.iter().find(|(ids, _)| ids.contains(&id)).map(|(_, proof)| proof) {
        None => false,
        Some(Proof::Session) => true,
        Some(Proof::Success) => succeeded,
        Some(Proof::PreAuthenticated) => {
            succeeded && number(record.pre_auth).is_some_and(|kind| PRE_AUTHENTICATED.contains(&kind))
        }
        Some(Proof::Logon) => {
            let level = trimmed(record.impersonation_level);
            succeeded && level.is_none_or(|level| ACTED_AS.contains(&&*level))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_one_row() {
        let mut all: Vec<u64> = PROOFS.iter().flat_map(|(ids, _)| *ids).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
