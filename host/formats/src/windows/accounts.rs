//! Which account a SID is, and what that SID proves.
//!
//! The tenant is the domain or machine whose part of the SID comes before the last number: it never changes, while both
//! names of a domain can. The subject is the whole SID. SIDs that are the same on every machine belong to the machine.

use std::borrow::Cow;

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::kinds::Role;
use super::record::{Record, trimmed};
use crate::json::Member;

/// The provider of every account that Windows names.
const PROVIDER: &str = "windows";

/// Which account a SID is, for the documentation; the order is that of [`account`].
pub(super) const ACCOUNTS: &[[&str; 4]] = &[
    [
        "`S-1-5-21-a-b-c-rid`",
        "`S-1-5-21-a-b-c`: the domain, or the machine of a local account",
        "the SID",
        "workload if the name ends in `$`; protected if `rid` is 500 or 502; shared if it is that of the guest or of a built-in group",
    ],
    ["`S-1-5-18`, `-19`, `-20`", "the machine that logged it", "the SID", "workload; shared by the machine's services"],
    [
        "`S-1-5-80-…`, `-82-…`, `-83-…`, `-90-…`, `-96-…`: virtual accounts",
        "the machine that logged it",
        "the SID",
        "workload",
    ],
    ["`S-1-12-1-…`: Entra ID, made of the object's id", "`S-1-12-1`", "the SID", "–"],
    ["none, `S-1-0-0` (null SID), `S-1-5-7` (anonymous), groups, anything else", "unresolved", "unresolved", "–"],
];

/// A party that a record names.
#[derive(Default)]
pub(super) struct Party<'a> {
    /// None when unresolved.
    pub(super) account: Option<Account>,
    /// Without the realm of the domain.
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) domain: Option<Cow<'a, str>>,
    /// The members that both came from.
    pub(super) name_member: Member<'a>,
    pub(super) domain_member: Member<'a>,
    /// The logon session, as the machine numbers it.
    pub(super) logon: Option<Cow<'a, str>>,
    pub(super) proved_type: Option<IdentityType>,
    pub(super) protected: bool,
    /// Several may use it.
    pub(super) shared: bool,
}

impl<'a> Party<'a> {
    /// The party that the record names in this role.
    pub(super) fn new(record: &Record<'a>, role: Role) -> Party<'a> {
        let none = Member::default();
        let target_sid =
            if trimmed(record.target_user_sid).is_some() { record.target_user_sid } else { record.target_sid };
        let (sid, name_member, domain_member, logon) = match role {
            Role::None => return Party::default(),
            Role::Subject => (record.subject_sid, record.subject_name, record.subject_domain, record.subject_logon),
            Role::Target => {
                // A renamed account goes by its new name.
                let name = if trimmed(record.new_name).is_some() { record.new_name } else { record.target_name };
                (target_sid, name, record.target_domain, record.target_logon)
            }
            Role::Member => (record.member_sid, record.member_name, none, none),
            Role::Service => (record.service_sid, record.service_name, record.target_domain, none),
            Role::Desktop => (none, record.session_account, record.session_domain, record.session_logon),
        };
        let domain = trimmed(domain_member);
        let name = trimmed(name_member).map(|name| without_realm(name, domain.as_deref()));
        let host = record.host_name();
        let (account, proved_type, protected, shared) =
            match trimmed(sid).and_then(|sid| account(&sid, host.as_deref())) {
                None => (None, None, false, false),
                Some(known) => {
                    let is_program = name.as_deref().is_some_and(|name| name.ends_with('$'));
                    let proved = known.proved_type.or(is_program.then_some(IdentityType::Workload));
                    (Some(known.account), proved, known.protected, known.shared)
                }
            };
        let logon = trimmed(logon).filter(|logon| *logon != "0x0" && *logon != "0");
        Party { account, name, domain, name_member, domain_member, logon, proved_type, protected, shared }
    }

    /// Its session: a number identifies a session only on its machine. Collectors write it in either base.
    pub(super) fn session(&self, host: Option<&str>) -> Option<String> {
        let (host, logon) = (host?.to_ascii_lowercase(), self.logon.as_deref()?.to_ascii_lowercase());
        let number = match logon.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => logon.parse(),
        };
        Some(number.map_or_else(|_| format!("{host}/{logon}"), |number| format!("{host}/{number:#x}")))
    }
}

struct Known {
    account: Account,
    proved_type: Option<IdentityType>,
    protected: bool,
    shared: bool,
}

/// The relative ids of a domain's built-in groups, and of its guest, as whom anybody may come ([MS-DTYP] 2.4.2.4).
const SHARED_RIDS: &[u64] =
    &[498, 501, 512, 513, 514, 515, 516, 517, 518, 519, 520, 521, 522, 525, 526, 527, 553, 571, 572];

/// Whether a SID is that of an account that several programs or people use: a domain's built-in group or guest, and the
/// accounts that all services of a machine run as.
fn is_shared(numbers: &[u64]) -> bool {
    match numbers {
        [5, 18..=20] => true,
        [5, 21, _, _, _, rid] => SHARED_RIDS.contains(rid),
        _ => false,
    }
}

/// The numbers of a SID after `S-1-`; none of what is no SID.
fn numbers(sid: &str) -> Option<Vec<u64>> {
    sid.strip_prefix("S-1-")?.split('-').map(|part| part.parse().ok()).collect()
}

/// Whether a SID in capitals is that of a shared account, for other formats that have SIDs.
pub(crate) fn is_shared_sid(sid: &str) -> bool {
    numbers(sid).is_some_and(|numbers| is_shared(&numbers))
}

/// Whether a SID in capitals is that of a domain's or machine's built-in administrator, or of the account whose key all
/// tickets of the domain hang on.
pub(crate) fn is_protected_sid(sid: &str) -> bool {
    numbers(sid).is_some_and(|numbers| is_protected(&numbers))
}

fn is_protected(numbers: &[u64]) -> bool {
    matches!(numbers, [5, 21, _, _, _, 500 | 502])
}

/// The account of a SID; none where it is no account's, or belongs to a machine that the record doesn't name.
fn account(sid: &str, host: Option<&str>) -> Option<Known> {
    let sid = sid.to_ascii_uppercase();
    let numbers = numbers(&sid)?;
    let (tenant, proved_type) = match numbers.as_slice() {
        [5, 21, _, _, _, _] => (sid.rsplit_once('-')?.0.to_owned(), None),
        [12, 1, _, _, _, _] => ("S-1-12-1".to_owned(), None),
        [5, 18..=20] | [5, 80 | 82 | 83 | 90 | 96, _, ..] => (host?.to_ascii_lowercase(), Some(IdentityType::Workload)),
        _ => return None,
    };
    let (protected, shared) = (is_protected(&numbers), is_shared(&numbers));
    Some(Known { account: Account::new(PROVIDER, tenant, sid), proved_type, protected, shared })
}

/// `name` of `name@DOMAIN`, where that is the domain that the record names too.
fn without_realm<'a>(name: Cow<'a, str>, domain: Option<&str>) -> Cow<'a, str> {
    let cut = name.split_once('@').filter(|(_, realm)| domain.is_some_and(|domain| domain.eq_ignore_ascii_case(realm)));
    match (cut.map(|(name, _)| name.len()), name) {
        (None, name) => name,
        (Some(length), Cow::Borrowed(name)) => Cow::Borrowed(name.get(..length).unwrap_or(name)),
        (Some(length), Cow::Owned(mut name)) => {
            name.truncate(length);
            Cow::Owned(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sid: &str) -> String {
        account(sid, Some("DC1.Example.com")).map_or("unresolved".to_owned(), |known| known.account.to_string())
    }

    #[test]
    fn a_sid_is_an_account_of_its_domain_or_of_the_machine() {
        assert_eq!(text("S-1-5-21-1-2-3-1104"), "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104");
        assert_eq!(text("s-1-5-21-1-2-3-1104"), text("S-1-5-21-1-2-3-1104"));
        assert_eq!(text("S-1-5-18"), "windows:dc1.example.com:S-1-5-18");
        assert_eq!(text("S-1-5-90-0-1"), "windows:dc1.example.com:S-1-5-90-0-1");
        assert_eq!(text("S-1-12-1-1-2-3-4"), "windows:S-1-12-1:S-1-12-1-1-2-3-4");
        for sid in [
            "S-1-0-0",
            "S-1-5-7",
            "S-1-5-32-544",
            "S-1-5-21-1-2-3",
            "S-1-5-21-1-2-3-4-5",
            "S-1-5-80",
            "NULL SID",
            "",
            "S-1-5-21-1-2-x-1104",
            "S-1-5-21--2-3-1104",
        ] {
            assert_eq!(text(sid), "unresolved", "{sid}");
        }
        assert!(account("S-1-5-18", None).is_none());
        assert!(account("S-1-5-21-1-2-3-500", None).unwrap().protected);
    }
}
