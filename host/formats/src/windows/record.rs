//! The members of a Windows event record that we know, found through one layer of look-up in whatever shape a collector
//! gives them.
//!
//! Every member has a path: the names on the way to it, joined by dots. nxlog and the like put all members at the top;
//! Winlogbeat has `winlog.event_data.TargetUserSid`, nested or with dots in the names; a rendered event has
//! `Event.EventData.TargetUserSid`, or a list of `Data` with a name each. A member of the event itself has the same
//! name in all of them once the containers are taken off; those of the system have a few spellings.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::Fault;
use crate::json::{Entries, Member};

/// Containers nested deeper than this stay JSON.
const MAX_DEPTH: usize = 5;

/// Objects at the top that are looked into.
const CONTAINERS: &[&str] =
    &["winlog", "event_data", "event", "Event", "System", "EventData", "UserData", "TimeCreated"];

/// Makes the struct of the known members, each with the names under which it comes: those that the system and the collector
/// add to every event, and those of the auditing's and AD FS's own events.
macro_rules! known {
    (system { $($system:ident = $($system_name:literal)|+,)+ } own { $($own:ident = $($own_name:literal)|+,)+ }) => {
        /// A record. Of a member that comes twice the last one counts.
        #[derive(Default)]
        pub(super) struct Record<'a> {
            $(pub(super) $system: Member<'a>,)+
            $(pub(super) $own: Member<'a>,)+
            /// Every other member by its path, in the record's order.
            pub(super) unmapped: Vec<(Cow<'a, str>, &'a str)>,
            /// Whether the event is neither the auditing's nor AD FS's: its own members stay in `unmapped`.
            is_foreign: bool,
        }

        impl<'a> Record<'a> {
            /// Sets the member of this name; whether there is one.
            fn set(&mut self, name: &str, value: Member<'a>) -> bool {
                match name {
                    $($($system_name)|+ => self.$system = value,)+
                    _ if self.is_foreign => return false,
                    $($($own_name)|+ => self.$own = value,)+
                    _ => return false,
                }
                true
            }
        }
    };
}

known! {
    system {
        event_id = "EventID" | "EventId" | "event_id" | "winlog.event_id" | "System.EventID" | "System.EventID.#text"
            | "System.EventID.$" | "System.EventID.Value",
        event_code = "event.code" | "EventCode",
        provider = "SourceName" | "ProviderName" | "Provider" | "EventSourceName" | "source_name" | "winlog.provider_name"
            | "event.provider"
            | "System.Provider.Name" | "System.Provider.@Name" | "System.Provider.#attributes.Name",
        channel = "Channel" | "log_name" | "winlog.channel" | "System.Channel",
        host = "Hostname" | "Computer" | "computer_name" | "winlog.computer_name" | "System.Computer",
        record_number = "RecordNumber" | "EventRecordID" | "record_number" | "winlog.record_id" | "System.EventRecordID",
        keywords = "Keywords" | "keywords" | "winlog.keywords" | "System.Keywords",
        event_type = "EventType",
        event_outcome = "event.outcome",
        message = "Message" | "message",
        // When. `TimeCreated` is the event's own time, `EventTime` the same in local time, the others are receipts.
        time_created = "TimeCreated" | "TimeCreated.SystemTime" | "TimeCreated.#attributes.SystemTime"
            | "System.TimeCreated" | "System.TimeCreated.SystemTime" | "System.TimeCreated.@SystemTime"
            | "System.TimeCreated.#attributes.SystemTime" | "winlog.time_created",
        event_time = "EventTime",
        timestamp = "@timestamp" | "TimeGenerated",
        received = "EventReceivedTime",
        read = "event.created",
        // The generator's envelope.
        receipt_time = "countersign.ingestTime",
    }
    own {
        // Role.
        subject_sid = "SubjectUserSid",
        subject_name = "SubjectUserName",
        subject_domain = "SubjectDomainName",
        subject_logon = "SubjectLogonId",
        target_user_sid = "TargetUserSid",
        target_sid = "TargetSid",
        target_name = "TargetUserName",
        target_domain = "TargetDomainName",
        target_logon = "TargetLogonId",
        new_name = "NewTargetUserName",
        member_sid = "MemberSid",
        member_name = "MemberName",
        service_sid = "ServiceSid",
        service_name = "ServiceName",
        session_account = "AccountName",
        session_domain = "AccountDomain",
        session_logon = "LogonID",
        // How.
        logon_type = "LogonType",
        impersonation_level = "ImpersonationLevel",
        logon_guid = "LogonGuid",
        target_logon_guid = "TargetLogonGuid",
        package = "AuthenticationPackageName",
        package_name = "PackageName",
        transmitted = "TransmittedServices",
        process = "ProcessName" | "CallerProcessName",
        privileges = "PrivilegeList",
        status = "Status",
        sub_status = "SubStatus",
        failure_reason = "FailureReason",
        encryption = "TicketEncryptionType",
        ticket_options = "TicketOptions",
        pre_auth = "PreAuthType",
        // Where from, and to.
        address = "IpAddress" | "ClientAddress",
        port = "IpPort",
        workstation = "WorkstationName" | "Workstation" | "ClientName",
        target_server = "TargetServerName",
        // What was touched.
        object_name = "ObjectName",
        object_type = "ObjectType",
        object_dn = "ObjectDN",
        object_guid = "ObjectGUID",
        object_class = "ObjectClass",
        access_mask = "AccessMask",
        access_list = "AccessList",
        properties = "Properties",
        operation_type = "OperationType",
    }
}

impl<'a> Record<'a> {
    /// Reads a record in any of the shapes.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub(super) fn of(raw: &'a str) -> Result<Record<'a>, Fault> {
        Record::read(raw, false)
    }

    /// The same of an event that is neither the auditing's nor AD FS's: members of such events mean nothing in it.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub(super) fn foreign(raw: &'a str) -> Result<Record<'a>, Fault> {
        Record::read(raw, true)
    }

    fn read(raw: &'a str, is_foreign: bool) -> Result<Record<'a>, Fault> {
        let top: Entries<'a> = crate::json::object(raw)?;
        let mut record = Record { is_foreign, ..Record::default() };
        for (name, json) in top.all {
            record.take(name, json, 0);
        }
        Ok(record)
    }

    fn take(&mut self, path: Cow<'a, str>, json: &'a str, depth: usize) {
        let member = Member::new(json);
        if json.starts_with('{') && depth < MAX_DEPTH && is_container(&path) {
            for (name, json) in member.members::<Entries<'a>>().all {
                self.take(Cow::Owned(format!("{path}.{name}")), json, depth + 1);
            }
            return;
        }
        let name = plain(&path);
        if name == "Data" && json.starts_with('[') && path.len() > name.len() {
            self.take_list(path, json);
        } else if !self.set(name, member) {
            self.unmapped.push((path, json));
        }
    }

    /// `[{"Name": "TargetUserSid", "#text": "S-1-5-18"}, …]`, as renderers of the event's XML write it. A list of which
    /// any element has no name stays what it is.
    fn take_list(&mut self, path: Cow<'a, str>, json: &'a str) {
        let elements: Vec<&'a RawValue> = serde_json::from_str(json).unwrap_or_default();
        let mut is_named = true;
        for element in elements {
            let (named, value) = name_and_value(Member::new(element.get()));
            let Some(name) = named.text() else {
                is_named = false;
                continue;
            };
            if let Some(json) = value.json()
                && !self.set(&name, value)
            {
                self.unmapped.push((name, json));
            }
        }
        if !is_named {
            self.unmapped.push((path, json));
        }
    }

    /// The event's number.
    pub(super) fn number(&self) -> Option<u64> {
        [self.event_id, self.event_code].into_iter().find_map(number)
    }

    /// The name of the machine that logged the event.
    pub(super) fn host_name(&self) -> Option<Cow<'a, str>> {
        trimmed(self.host)
    }
}

/// The name and the value of an element of a list of data, in the ways in which an element of XML is written in JSON.
fn name_and_value(element: Member<'_>) -> (Member<'_>, Member<'_>) {
    let (mut named, mut value) = (Member::default(), Member::default());
    for (name, json) in element.members::<Entries<'_>>().all {
        match &*name {
            "Name" | "@Name" => named = Member::new(json),
            "#attributes" => {
                let attributes: Entries<'_> = Member::new(json).members();
                let name = attributes.all.into_iter().find(|(name, _)| name == "Name");
                named = name.map_or(named, |(_, json)| Member::new(json));
            }
            "#text" | "Value" | "text" | "$" => value = Member::new(json),
            _ => {}
        }
    }
    (named, value)
}

/// Whether the first name of a path is one of a container.
fn is_container(path: &str) -> bool {
    CONTAINERS.contains(&path.split_once('.').map_or(path, |(first, _)| first))
}

/// A path without the containers around the members of the event itself.
fn plain(path: &str) -> &str {
    let path = path.strip_prefix("Event.").unwrap_or(path);
    for container in ["winlog.event_data.", "winlog.user_data.", "event_data.", "EventData."] {
        if let Some(name) = path.strip_prefix(container) {
            return name;
        }
    }
    match path.strip_prefix("UserData.") {
        Some(rest) => rest.rsplit_once('.').map_or(rest, |(_, name)| name),
        None => path,
    }
}

/// A text without the spaces around it, or a number as it is written. Windows writes `-` for none.
pub(super) fn trimmed(member: Member<'_>) -> Option<Cow<'_, str>> {
    let word = match member.text() {
        Some(Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
        Some(Cow::Owned(text)) => Cow::Owned(text.trim().to_owned()),
        None => Cow::Borrowed(member.json().filter(|json| json.starts_with(|c: char| c == '-' || c.is_ascii_digit()))?),
    };
    Some(word).filter(|word| !word.is_empty() && *word != "-")
}

/// A number of 0 or more, decimal or hexadecimal with `0x`, as a number or as text.
pub(super) fn number(member: Member<'_>) -> Option<u64> {
    let word = trimmed(member)?;
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// The words of a value; Windows separates them by spaces, tabs and line ends.
pub(super) fn words(member: Member<'_>) -> Vec<String> {
    let text = trimmed(member).unwrap_or_default();
    text.split_ascii_whitespace().filter(|word| *word != "-").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_is_found_in_every_shape() {
        for raw in [
            r#"{"EventID":4624,"Computer":"PC1","TargetUserSid":"S-1-5-18","more":1}"#,
            r#"{"winlog":{"event_id":"4624","computer_name":"PC1","event_data":{"TargetUserSid":"S-1-5-18"}},"more":1}"#,
            r#"{"winlog.event_id":4624,"winlog.computer_name":"PC1","winlog.event_data.TargetUserSid":"S-1-5-18","more":1}"#,
            r#"{"event":{"code":"4624"},"winlog":{"computer_name":"PC1","event_data":{"TargetUserSid":"S-1-5-18"}},"more":1}"#,
            r#"{"event_id":4624,"computer_name":"PC1","event_data":{"TargetUserSid":"S-1-5-18"},"more":1}"#,
            r##"{"Event":{"System":{"EventID":{"#text":"4624","Qualifiers":""},"Computer":"PC1"},"EventData":{"TargetUserSid":"S-1-5-18"}},"more":1}"##,
            r##"{"System":{"EventID":4624,"Computer":"PC1"},"EventData":{"Data":[{"@Name":"TargetUserSid","#text":"S-1-5-18"},{"@Name":"x"},7]},"more":1}"##,
            r##"{"Event":{"System":{"EventID":4624,"Computer":"PC1"},"EventData":{"Data":[{"#attributes":{"Name":"TargetUserSid"},"#text":"S-1-5-18"}]}},"more":1}"##,
        ] {
            let record = Record::of(raw).map_err(|fault| fault.detail).unwrap();
            assert_eq!(record.number(), Some(4624), "{raw}");
            assert_eq!(trimmed(record.host).as_deref(), Some("PC1"), "{raw}");
            assert_eq!(trimmed(record.target_user_sid).as_deref(), Some("S-1-5-18"), "{raw}");
            assert!(record.unmapped.contains(&("more".into(), "1")), "{raw}");
        }
    }

    #[test]
    fn words_and_numbers_come_as_texts_and_as_numbers() {
        for (json, expected_word, expected_number) in [
            ("\"-\"", None, None),
            ("\" Advapi  \"", Some("Advapi"), None),
            ("3", Some("3"), Some(3)),
            ("\"0x12\"", Some("0x12"), Some(18)),
            ("\"18\"", Some("18"), Some(18)),
            ("-9214364837600034816", Some("-9214364837600034816"), None),
            ("true", None, None),
            ("{}", None, None),
            ("null", None, None),
        ] {
            let member = Member::new(json);
            assert_eq!((trimmed(member).as_deref(), number(member)), (expected_word, expected_number), "{json}");
        }
        assert_eq!(words(Member::new(r#""%%5649\r\n\t\t\t\t""#)), ["%%5649"]);
    }
}
