//! How an act went: its status, its code, whether it was denied, and how the account was used.

use countersign_model::vocabulary::Usage;

use super::kinds::{Kind, Went};
use super::record::{Record, number, trimmed, words};
use crate::json::Member;

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
    let status = code(record.status);
    let code = code(record.sub_status).filter(|code| *code != 0).or(status);
    let success = success(record, id, kind, status);
    let failed = success == Some(false);
    let denied = failed && (matches!(id, 4661 | 4662) || code.is_some_and(is_denied));
    Outcome { success, code: code.map(|code| format!("{code:#x}")), denied }
}

/// An NTSTATUS or Kerberos code; one with its highest bit set may come as a negative number.
fn code(member: Member<'_>) -> Option<u64> {
    let signed = || trimmed(member)?.parse::<i32>().ok();
    number(member).or_else(|| signed().map(|code| code.cast_unsigned().into()))
}

/// The words and the codes of a record, then its bits, then its number: any sign of a failure among the first is enough.
fn success(record: &Record<'_>, id: u64, kind: &Kind, status: Option<u64>) -> Option<bool> {
    let audited = audited(record);
    if kind.went == Went::Badly || audited == Audited::Known(false) || status.is_some_and(|status| status != 0) {
        return Some(false);
    }
    match audited {
        Audited::Known(success) => Some(success),
        _ if status == Some(0) => Some(true),
        // Words that nobody here can read may say that it failed.
        Audited::Unread if MAY_FAIL.contains(&id) => None,
        _ => (kind.went == Went::Well).then_some(true),
    }
}

/// Events that are written of failures too, under the same number and without a code.
const MAY_FAIL: &[u64] = &[4661, 4662, 4723, 4724];

/// What the auditing itself says of how an act went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audited {
    Known(bool),
    /// Something, in words that aren't known.
    Unread,
    Unsaid,
}

/// The words for an audit's result, by their letters in lower case: as the system writes them in several languages,
/// and as collectors name them.
const SUCCEEDED: &[&str] = &[
    "auditsuccess",
    "successaudit",
    "success",
    "überwachungerfolgreich",
    "erfolgsüberwachung",
    "succèsdelaudit",
    "auditoríacorrecta",
    "controlloriuscito",
    "êxitodaauditoria",
    "аудитуспеха",
    "成功の監査",
    "审核成功",
    "감사성공",
];

/// See [`SUCCEEDED`].
const FAILED: &[&str] = &[
    "auditfailure",
    "failureaudit",
    "failure",
    "überwachunggescheitert",
    "fehlerüberwachung",
    "échecdelaudit",
    "errordeauditoría",
    "controllononriuscito",
    "falhadaauditoria",
    "аудитотказа",
    "失敗の監査",
    "审核失败",
    "감사실패",
];

/// The result of the auditing: words first, since a number may have lost its lowest bits on the way.
fn audited(record: &Record<'_>) -> Audited {
    let types = [record.event_type, record.event_outcome, record.severity].into_iter().filter_map(trimmed);
    let types: Vec<Audited> = types.map(|word| by_word(&word)).collect();
    let keywords = [record.keywords, record.keyword_names].into_iter().flat_map(texts);
    let keywords: Vec<Audited> = keywords.map(|word| by_word(&word)).collect();
    let known = types.iter().chain(&keywords).filter(|audited| matches!(audited, Audited::Known(_)));
    // Where words contradict each other, those of the failure.
    if let Some(known) = known.min_by_key(|audited| **audited == Audited::Known(true)) {
        return *known;
    }
    match by_bits(record.keywords) {
        // Only of keywords: a type such as `INFO` says nothing of how it went.
        Audited::Unsaid if !keywords.is_empty() => Audited::Unread,
        by_bits => by_bits,
    }
}

fn by_word(word: &str) -> Audited {
    let letters: String = word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    if SUCCEEDED.contains(&&*letters) {
        Audited::Known(true)
    } else if FAILED.contains(&&*letters) {
        Audited::Known(false)
    } else {
        Audited::Unread
    }
}

/// The words of keywords: a text, several in one, separated by commas, or a list. Numbers aren't words.
fn texts(member: Member<'_>) -> Vec<String> {
    let json = member.json().unwrap_or_default();
    let list: Vec<String> = match json.starts_with('[') {
        true => serde_json::from_str(json).unwrap_or_default(),
        false => member.text().map(|text| text.split([',', ';']).map(str::to_owned).collect()).unwrap_or_default(),
    };
    let is_word =
        |word: &String| !word.trim().is_empty() && !word.trim().starts_with(|c: char| c == '-' || c.is_ascii_digit());
    list.into_iter().filter(is_word).collect()
}

fn by_bits(keywords: Member<'_>) -> Audited {
    let json = keywords.json().unwrap_or_default();
    // A list of one, as some renderers have it.
    let one: Option<String> = serde_json::from_str::<Vec<String>>(json).ok().and_then(|mut list| list.pop());
    let Some(bits) = one.as_deref().or(trimmed(keywords).as_deref()).and_then(bits) else { return Audited::Unsaid };
    match (bits & AUDIT_FAILURE != 0, bits & AUDIT_SUCCESS != 0) {
        (true, _) => Audited::Known(false),
        (false, true) => Audited::Known(true),
        (false, false) => Audited::Unsaid,
    }
}

/// The bits of a number of 64 bits, with a sign or without, or hexadecimal. One that went through a double was printed
/// with as many digits as tell doubles apart, the rest of them 0: as a double it is what it was, as an integer it isn't.
fn bits(word: &str) -> Option<u64> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    let number = word.parse::<f64>().ok().filter(|number| number.is_finite())?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the numbers have 64 bits; others saturate"
    )]
    Some(if number < 0.0 { (number as i64).cast_unsigned() } else { number as u64 })
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

#[cfg(test)]
#[path = "../../tests/unit/windows_outcome.rs"]
mod tests;
