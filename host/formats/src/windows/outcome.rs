//! How an act went: its status, its code, whether it was denied, and how the account was used.

use countersign_model::vocabulary::Usage;

use super::kinds::{Kind, Went};
use super::record::{Record, number, trimmed, words};

/// Bits of `Keywords`.
const AUDIT_FAILURE: u64 = 0x0010_0000_0000_0000;
const AUDIT_SUCCESS: u64 = 0x0020_0000_0000_0000;

/// Logon types of a person at a keyboard and a screen: interactive, unlock, remote interactive, cached interactive,
/// cached remote interactive, cached unlock.
pub(super) const INTERACTIVE: &[u64] = &[2, 7, 10, 11, 12, 13];

/// Logon types over a network: network, network in clear text, remote interactive, cached remote interactive.
pub(super) const REMOTE: &[u64] = &[3, 8, 10, 12];

/// Events that only a person at the machine causes, whatever their logon type: logged off by the user, desktop
/// session reconnected and disconnected, workstation locked and unlocked.
pub(super) const AT_THE_DESKTOP: &[u64] = &[4647, 4778, 4779, 4800, 4801];

/// How an act went.
pub(super) struct Outcome {
    /// None where the record doesn't show it.
    pub(super) success: Option<bool>,
    /// The NTSTATUS or Kerberos code, in hexadecimal.
    pub(super) code: Option<String>,
    /// Denied for lack of rights.
    pub(super) denied: bool,
}

/// How the act of a record went.
pub(super) fn outcome(record: &Record<'_>, id: u64, kind: &Kind) -> Outcome {
    let status = number(record.status);
    let code = number(record.sub_status).filter(|code| *code != 0).or(status);
    let success = success(record, kind, status);
    let failed = success == Some(false);
    let denied = failed && (matches!(id, 4661 | 4662) || code.is_some_and(is_denied));
    Outcome { success, code: code.map(|code| format!("{code:#x}")), denied }
}

/// Any sign of a failure is enough; without a sign, the number of an event of the table means success.
fn success(record: &Record<'_>, kind: &Kind, status: Option<u64>) -> Option<bool> {
    let audited = audited(record);
    if kind.went == Went::Badly || audited == Some(false) || status.is_some_and(|status| status != 0) {
        return Some(false);
    }
    let by_number = kind.went == Went::Well;
    audited.or((by_number || status == Some(0)).then_some(true))
}

/// The result of the auditing itself: a bit of the keywords, or their text.
fn audited(record: &Record<'_>) -> Option<bool> {
    let keywords = trimmed(record.keywords);
    let bits = keywords.as_deref().and_then(|word| word.parse::<i64>().ok()).map(i64::cast_unsigned);
    if let Some(bits) = bits.or_else(|| number(record.keywords)) {
        if bits & AUDIT_FAILURE != 0 {
            return Some(false);
        }
        if bits & AUDIT_SUCCESS != 0 {
            return Some(true);
        }
    }
    // A text or a list of texts, according to the collector.
    let keywords = record.keywords.json().unwrap_or_default();
    let (kind, outcome) = (trimmed(record.event_type), trimmed(record.event_outcome));
    let is = |word: &str| kind.as_deref() == Some(word) || outcome.as_deref() == Some(word);
    if keywords.contains("Audit Failure") || is("AUDIT_FAILURE") || is("failure") {
        Some(false)
    } else if keywords.contains("Audit Success") || is("AUDIT_SUCCESS") || is("success") {
        Some(true)
    } else {
        None
    }
}

/// Codes of an identity that is proved but lacks the right: `STATUS_ACCESS_DENIED`, an account's restrictions, hours
/// and workstations, a type of logon that wasn't granted, the authentication firewall, `KDC_ERR_POLICY`.
fn is_denied(code: u64) -> bool {
    matches!(code, 0xc000_0022 | 0xc000_006e | 0xc000_006f | 0xc000_0070 | 0xc000_015b | 0xc000_0413 | 0xc)
}

/// How the account was used; the first that holds.
pub(super) fn usage(record: &Record<'_>, id: u64) -> Usage {
    if !words(record.transmitted).is_empty() {
        Usage::Delegated
    } else if AT_THE_DESKTOP.contains(&id) || number(record.logon_type).is_some_and(|kind| INTERACTIVE.contains(&kind))
    {
        Usage::Interactive
    } else {
        Usage::Programmatic
    }
}
