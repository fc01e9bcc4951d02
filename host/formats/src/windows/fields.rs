//! The table of fields: which field of the vocabulary comes from what of a Windows record.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_model::Value;
use countersign_model::vocabulary::{EventClass, FieldId};

use super::outcome::REMOTE;
use super::record::{number, trimmed, words};
use super::{Audit, LOCKED_OUT, WindowsSecurity, domain};
use crate::intern::Interner;
use crate::json::Member;
use crate::normalise::FieldRow;
use crate::values::{known, object};

type Row = FieldRow<WindowsSecurity>;

/// Every field that a Windows record has a value for.
#[rustfmt::skip]
pub(super) const FIELDS: &[Row] = &[
    Row { field: FieldId::MetadataEventCode, from: "`EventID`, `Id`; of another channel or provider after the provider's name and `/`", value: |audit, texts| known(Some(&audit.code), texts) },
    Row { field: FieldId::MetadataProductName, from: "the provider: `SourceName`, `ProviderName`", value: |audit, texts| named(audit.record.provider, texts) },
    Row { field: FieldId::MetadataCorrelationUid, from: "`TargetLogonGuid`, `LogonGuid`: the same in the logon and its service ticket", value: correlation },
    Row { field: FieldId::ActivityId, from: "the table of events", value: |audit, _| Some(Value::Unsigned(audit.kind.activity.into())) },
    Row { field: FieldId::Message, from: "`Message`", value: |audit, _| rare(audit.record.message) },
    Row { field: FieldId::StatusId, from: "2 if the event is a failure by its number, its audit keyword or its `Status`, else 1; absent if the record doesn't show it", value: |audit, _| audit.outcome.success.map(|success| Value::Unsigned(if success { 1 } else { 2 })) },
    Row { field: FieldId::StatusCode, from: "`SubStatus`, if not 0, else `Status`; hexadecimal in lower case", value: |audit, texts| known(audit.outcome.code.as_deref(), texts) },
    Row { field: FieldId::StatusDetail, from: "`FailureReason`", value: |audit, texts| named(audit.record.failure_reason, texts) },
    Row { field: FieldId::ActionId, from: "1 success; 2 an object refused (4661, 4662), or a code for want of rights; else absent", value: action_id },
    Row { field: FieldId::AuthProtocol, from: "`AuthenticationPackageName`; `Kerberos` for 4768–4773, `NTLM` for 4776 and 4777", value: protocol },
    Row { field: FieldId::LogonTypeId, from: "`LogonType`", value: |audit, _| counted(audit.record.logon_type) },
    Row { field: FieldId::IsRemote, from: "whether `LogonType` is 3, 8, 10 or 12", value: |audit, _| number(audit.record.logon_type).filter(|kind| *kind != 0).map(|kind| Value::Boolean(REMOTE.contains(&kind))) },
    Row { field: FieldId::Privileges, from: "`PrivilegeList`", value: |audit, texts| list(audit.record.privileges, texts) },
    Row { field: FieldId::ServiceName, from: "`ServiceName`", value: |audit, texts| named(audit.record.service_name, texts) },
    Row { field: FieldId::ServiceUid, from: "`ServiceSid`, unless it is the null SID `S-1-0-0`", value: |audit, texts| known(trimmed(audit.record.service_sid).filter(|sid| *sid != "S-1-0-0").as_deref(), texts) },
    Row { field: FieldId::AuthenticationTokenEncryptionDetailsAlgorithm, from: "`TicketEncryptionType`, by the table of encryption", value: encryption },
    Row { field: FieldId::AuthenticationTokenKerberosFlags, from: "`TicketOptions`", value: |audit, texts| named(audit.record.ticket_options, texts) },
    Row { field: FieldId::WinPreAuthType, from: "`PreAuthType`", value: |audit, texts| named(audit.record.pre_auth, texts) },
    Row { field: FieldId::ActorUserUid, from: "the actor's SID, if it is an account's", value: |audit, texts| known(audit.actor.account.as_ref().map(|account| &*account.subject), texts) },
    Row { field: FieldId::ActorUserName, from: "the name beside the actor's SID, without the realm of its domain", value: |audit, texts| known(audit.actor.name.as_deref(), texts).or_else(|| wrong_type(audit.actor.name_member)) },
    Row { field: FieldId::ActorUserDomain, from: "the domain's name beside it", value: |audit, texts| known(audit.actor.domain.as_deref(), texts).or_else(|| wrong_type(audit.actor.domain_member)) },
    Row { field: FieldId::ActorUserAccountUid, from: "the account's tenant", value: |audit, texts| known(audit.actor.account.as_ref().map(|account| &*account.tenant), texts) },
    Row { field: FieldId::ActorSessionUid, from: "the machine and the actor's logon id, such as `pc1.example.com/0x3e7`", value: |audit, texts| known(audit.actor.session(audit.host.as_deref()).as_deref(), texts) },
    Row { field: FieldId::ActorProcessName, from: "`ProcessName`, `CallerProcessName`", value: |audit, texts| named(audit.record.process, texts) },
    Row { field: FieldId::UserUid, from: "the target's SID, if it is an account's", value: |audit, texts| known(audit.target.account.as_ref().map(|account| &*account.subject), texts) },
    Row { field: FieldId::UserName, from: "the name beside the target's SID", value: |audit, texts| known(audit.target.name.as_deref(), texts).or_else(|| wrong_type(audit.target.name_member)) },
    Row { field: FieldId::UserDomain, from: "the domain's name beside it", value: |audit, texts| known(audit.target.domain.as_deref(), texts).or_else(|| wrong_type(audit.target.domain_member)) },
    Row { field: FieldId::UserAccountUid, from: "the target's tenant", value: |audit, texts| known(audit.target.account.as_ref().map(|account| &*account.tenant), texts) },
    Row { field: FieldId::GroupName, from: "of group management: `TargetUserName`", value: |audit, texts| named(of_class(audit, EventClass::GroupManagement, audit.record.target_name), texts) },
    Row { field: FieldId::GroupUid, from: "of group management: `TargetSid`", value: |audit, texts| named(of_class(audit, EventClass::GroupManagement, audit.record.target_sid), texts) },
    Row { field: FieldId::EntityUid, from: "`ObjectGUID`, else `ObjectName` if it is a GUID; in lower case without braces", value: entity_uid },
    Row { field: FieldId::EntityName, from: "`ObjectDN`, else `ObjectName`", value: |audit, texts| named(present(audit.record.object_dn, audit.record.object_name), texts) },
    Row { field: FieldId::EntityType, from: "`ObjectClass`, else `ObjectType`; a GUID in lower case without braces", value: entity_type },
    Row { field: FieldId::AccessMask, from: "`AccessMask`", value: |audit, _| counted(audit.record.access_mask) },
    Row { field: FieldId::AccessList, from: "`AccessList`", value: |audit, texts| list(audit.record.access_list, texts) },
    Row { field: FieldId::WinObjectProperties, from: "the GUIDs in `Properties`", value: properties },
    Row { field: FieldId::SessionUid, from: "of 4624: the machine and `TargetLogonId`", value: |audit, texts| known((audit.id == 4624).then(|| audit.actor.session(audit.host.as_deref())).flatten().as_deref(), texts) },
    Row { field: FieldId::DeviceHostname, from: "`Computer`, `MachineName`, else `Hostname`: the machine that logged it", value: |audit, texts| named(audit.record.machine(), texts) },
    Row { field: FieldId::DeviceDomain, from: "what follows the first dot of it", value: |audit, texts| known(audit.host.as_deref().and_then(domain), texts) },
    Row { field: FieldId::SrcEndpointIp, from: "`IpAddress`; IPv4 within IPv6 as IPv4", value: address },
    Row { field: FieldId::SrcEndpointHostname, from: "`WorkstationName`, `Workstation`, `ClientName`; of 4740 `TargetDomainName`", value: |audit, texts| named(if audit.id == LOCKED_OUT { audit.record.target_domain } else { audit.record.workstation }, texts) },
    Row { field: FieldId::SrcEndpointPort, from: "`IpPort`, if not 0", value: |audit, _| counted(audit.record.port).filter(|port| *port != Value::Unsigned(0)) },
    Row { field: FieldId::DstEndpointHostname, from: "`TargetServerName`", value: |audit, texts| named(audit.record.target_server, texts) },
    Row { field: FieldId::Unmapped, from: "every other member, by its path", value: |audit, _| object(&audit.record.unmapped) },
];

/// IANA's names of `TicketEncryptionType`, RFC 3961 and its successors.
const ENCRYPTION: &[(u64, &str)] = &[
    (0x1, "des-cbc-crc"),
    (0x2, "des-cbc-md4"),
    (0x3, "des-cbc-md5"),
    (0x10, "des3-cbc-sha1-kd"),
    (0x11, "aes128-cts-hmac-sha1-96"),
    (0x12, "aes256-cts-hmac-sha1-96"),
    (0x13, "aes128-cts-hmac-sha256-128"),
    (0x14, "aes256-cts-hmac-sha384-192"),
    (0x17, "rc4-hmac"),
    (0x18, "rc4-hmac-exp"),
];

/// The value when no ticket was issued.
const NO_TICKET: u64 = 0xffff_ffff;

/// The table of encryption, for the documentation.
pub(super) fn encryption_rows() -> Vec<Vec<String>> {
    let known = ENCRYPTION.iter().map(|(number, name)| vec![format!("`{number:#x}`"), format!("`{name}`")]);
    let rest = [
        vec![format!("`{NO_TICKET:#x}`"), "absent: no ticket was issued".to_owned()],
        vec!["anything else".to_owned(), "the number, hexadecimal".to_owned()],
    ];
    known.chain(rest).collect()
}

fn encryption(audit: &Audit<'_>, texts: &mut Interner) -> Option<Value> {
    let Some(number) = number(audit.record.encryption) else { return named(audit.record.encryption, texts) };
    if number == NO_TICKET {
        return None;
    }
    match ENCRYPTION.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => known(Some(name), texts),
        None => known(Some(&format!("{number:#x}")), texts),
    }
}

fn action_id(audit: &Audit<'_>, _: &mut Interner) -> Option<Value> {
    match (audit.outcome.success, audit.outcome.denied) {
        (Some(true), _) => Some(Value::Unsigned(1)),
        (_, true) => Some(Value::Unsigned(2)),
        _ => None,
    }
}

fn protocol(audit: &Audit<'_>, texts: &mut Interner) -> Option<Value> {
    match audit.id {
        _ if audit.kind.class != EventClass::Authentication => None,
        4768..=4773 => known(Some("Kerberos"), texts),
        4776 | 4777 => known(Some("NTLM"), texts),
        _ => named(audit.record.package, texts),
    }
}

fn correlation(audit: &Audit<'_>, _: &mut Interner) -> Option<Value> {
    let guids = [audit.record.target_logon_guid, audit.record.logon_guid].into_iter().filter_map(trimmed);
    let guid =
        guids.filter_map(|word| guids_in(&word).pop()).find(|guid| guid.bytes().any(|b| !matches!(b, b'0' | b'-')));
    guid.map(|guid| Value::Text(guid.into()))
}

fn properties(audit: &Audit<'_>, texts: &mut Interner) -> Option<Value> {
    let Some(properties) = trimmed(audit.record.properties) else { return wrong_type(audit.record.properties) };
    let guids = guids_in(&properties);
    (!guids.is_empty()).then(|| Value::TextList(guids.iter().map(|guid| texts.share(guid)).collect()))
}

fn entity_uid(audit: &Audit<'_>, texts: &mut Interner) -> Option<Value> {
    let named = present(audit.record.object_guid, audit.record.object_name);
    known(trimmed(named).as_deref().and_then(whole_guid).as_deref(), texts)
}

fn entity_type(audit: &Audit<'_>, texts: &mut Interner) -> Option<Value> {
    let kind = present(audit.record.object_class, audit.record.object_type);
    match trimmed(kind).as_deref().and_then(whole_guid) {
        Some(guid) => known(Some(&guid), texts),
        None => named(kind, texts),
    }
}

fn address(audit: &Audit<'_>, _: &mut Interner) -> Option<Value> {
    let Some(text) = trimmed(audit.record.address) else { return wrong_type(audit.record.address) };
    // The zone of a link-local address, and the text for a session at the machine itself.
    let address = text.split_once('%').map_or(&*text, |(address, _)| address);
    if address.eq_ignore_ascii_case("local") {
        return None;
    }
    Some(address.parse::<IpAddr>().map_or(Value::WrongType, |address| Value::Address(address.to_canonical())))
}

/// A text that repeats; a number as it is written.
fn named(member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    match trimmed(member) {
        Some(word) => known(Some(&word), texts),
        None => wrong_type(member),
    }
}

/// A text that hardly repeats.
fn rare(member: Member<'_>) -> Option<Value> {
    match trimmed(member) {
        Some(word) => Some(Value::Text(Arc::from(&*word))),
        None => wrong_type(member),
    }
}

fn counted(member: Member<'_>) -> Option<Value> {
    match (number(member), trimmed(member)) {
        (Some(number), _) => Some(Value::Unsigned(number)),
        (None, Some(_)) => Some(Value::WrongType),
        (None, None) => wrong_type(member),
    }
}

fn list(member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    let words = words(member);
    if words.is_empty() {
        return wrong_type(member);
    }
    Some(Value::TextList(words.iter().map(|word| texts.share(word)).collect()))
}

/// What is neither a text nor a number has another type than these fields.
fn wrong_type(member: Member<'_>) -> Option<Value> {
    let json = member.json()?;
    (!json.starts_with('"') && trimmed(member).is_none()).then_some(Value::WrongType)
}

fn present<'a>(first: Member<'a>, second: Member<'a>) -> Member<'a> {
    if trimmed(first).is_some() { first } else { second }
}

fn of_class<'a>(audit: &Audit<'a>, class: EventClass, member: Member<'a>) -> Member<'a> {
    if audit.kind.class == class { member } else { Member::default() }
}

/// The GUIDs within a text, in lower case.
fn guids_in(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
        .filter(|part| is_guid(part))
        .map(str::to_ascii_lowercase)
        .collect()
}

/// The GUID that a text is, but for braces and a percent sign.
fn whole_guid(text: &str) -> Option<String> {
    let bare = text.trim_start_matches(['%', '{']).trim_end_matches('}');
    is_guid(bare).then(|| bare.to_ascii_lowercase())
}

fn is_guid(text: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    text.split('-').count() == groups.len()
        && text
            .split('-')
            .zip(groups)
            .all(|(group, length)| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_found_in_properties_and_nothing_else_is() {
        let text =
            "%%7688\r\n\t\t{1131F6AA-9c07-11d1-f79f-00c04fc2dcd2}\r\n\t{19195a5b-6da0-11d0-afd3-00c04fd930c9}\r\n";
        assert_eq!(guids_in(text), ["1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "19195a5b-6da0-11d0-afd3-00c04fd930c9"]);
        assert_eq!(
            whole_guid("%{19195A5B-6da0-11d0-afd3-00c04fd930c9}").as_deref(),
            Some("19195a5b-6da0-11d0-afd3-00c04fd930c9")
        );
        for text in ["", "-", "1131f6aa", "1131f6aa-9c07-11d1-f79f-00c04fc2dcd", "g131f6aa-9c07-11d1-f79f-00c04fc2dcd2"]
        {
            assert!(guids_in(text).is_empty(), "{text}");
        }
    }
}
