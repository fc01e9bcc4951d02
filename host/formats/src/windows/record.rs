//! The members of a Windows event record that we know, found through one layer of look-up in whatever shape a collector
//! gives them.
//!
//! A name is folded: lower case, without underscores and without the marks by which renderers of XML tell attributes
//! (`@Name`, `#text`, `Provider_attributes`). Where it stands decides what it may be ([`Place`]): a member of the event's
//! own data never passes for one of the system's. Data without names go by their position in the event's template
//! ([`super::positions`]).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::positions;
use crate::Fault;
use crate::json::{Entries, Member};

/// Containers nested deeper than this stay JSON.
const MAX_DEPTH: usize = 6;

/// The most data without names that are looked at: no template has as many.
const MAX_POSITIONS: usize = 64;

/// Makes the struct of the known members, each with the folded names under which it comes: those that the system and the
/// collector add to every event, and those of the auditing's and AD FS's own events.
macro_rules! known {
    (system { $($system:ident = $($system_name:literal)|+,)+ } own { $($own:ident = $($own_name:literal)|+,)+ }) => {
        /// A record. Of a member that comes twice the last one counts.
        #[derive(Default)]
        pub(super) struct Record<'a> {
            $(pub(super) $system: Member<'a>,)+
            $(pub(super) $own: Member<'a>,)+
            /// Every other member by its path, in the record's order.
            pub(super) unmapped: Vec<(Cow<'a, str>, &'a str)>,
            /// Whether one of its own members was found.
            pub(super) has_own: bool,
            /// Whether it has data in a shape that wasn't read.
            pub(super) has_unread: bool,
            /// PowerShell's name of the event's number, which other products use for other things.
            id: Member<'a>,
            /// The provider's id, which is no word of any language.
            pub(super) provider_guid: Member<'a>,
            /// Whether the event is neither the auditing's nor AD FS's: its own members stay in `unmapped`.
            is_foreign: bool,
            /// Its data without names, by position, and where they stand.
            positions: BTreeMap<usize, Member<'a>>,
            positional: Vec<(Cow<'a, str>, &'a str)>,
        }

        impl<'a> Record<'a> {
            /// Sets the member of the system of this name; whether there is one.
            fn set_system(&mut self, name: &str, value: Member<'a>) -> bool {
                match name {
                    $($($system_name)|+ => self.$system = value,)+
                    _ => return false,
                }
                true
            }

            /// Sets the event's own member of this name; whether there is one.
            fn set_own(&mut self, name: &str, value: Member<'a>) -> bool {
                if self.is_foreign {
                    return false;
                }
                match name {
                    $($($own_name)|+ => self.$own = value,)+
                    _ => return false,
                }
                self.has_own = true;
                true
            }
        }
    };
}

known! {
    system {
        event_id = "eventid",
        event_code = "event.code" | "eventcode",
        provider = "sourcename" | "providername" | "provider" | "eventsourcename" | "event.provider",
        channel = "channel" | "logname",
        computer = "computer" | "computername" | "machinename",
        host = "hostname",
        record_number = "recordnumber" | "eventrecordid" | "recordid",
        keywords = "keywords",
        keyword_names = "keywordsdisplaynames" | "keyword",
        event_type = "eventtype",
        severity = "severityvalue",
        event_outcome = "event.outcome",
        message = "message",
        // When. `TimeCreated` is the event's own time, `EventTime` the same in local time, the others are receipts.
        time_created = "timecreated" | "systemtime",
        event_time = "eventtime",
        timestamp = "@timestamp" | "timegenerated",
        // Vector's, Splunk's and others' time of the record.
        stamp = "timestamp" | "time",
        received = "eventreceivedtime",
        read = "event.created",
        // The generator's envelope.
        receipt_time = "countersign.ingesttime",
    }
    own {
        // Role.
        subject_sid = "subjectusersid",
        subject_name = "subjectusername",
        subject_domain = "subjectdomainname",
        subject_logon = "subjectlogonid",
        target_user_sid = "targetusersid",
        target_sid = "targetsid",
        target_name = "targetusername",
        target_domain = "targetdomainname",
        target_logon = "targetlogonid",
        new_name = "newtargetusername",
        member_sid = "membersid",
        member_name = "membername",
        service_sid = "servicesid",
        service_name = "servicename",
        session_account = "accountname",
        session_domain = "accountdomain",
        session_logon = "logonid",
        // How.
        logon_type = "logontype",
        impersonation_level = "impersonationlevel",
        logon_guid = "logonguid",
        target_logon_guid = "targetlogonguid",
        package = "authenticationpackagename",
        package_name = "packagename",
        transmitted = "transmittedservices",
        process = "processname" | "callerprocessname",
        privileges = "privilegelist",
        status = "status",
        sub_status = "substatus",
        failure_reason = "failurereason",
        encryption = "ticketencryptiontype",
        ticket_options = "ticketoptions",
        pre_auth = "preauthtype",
        // Where from, and to.
        address = "ipaddress" | "clientaddress",
        port = "ipport",
        workstation = "workstationname" | "workstation" | "clientname",
        target_server = "targetservername",
        // What was touched.
        object_name = "objectname",
        object_type = "objecttype",
        object_dn = "objectdn",
        object_guid = "objectguid",
        object_class = "objectclass",
        access_mask = "accessmask",
        access_list = "accesslist",
        properties = "properties",
        operation_type = "operationtype",
    }
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the top, where flat records have everything.
    Top,
    /// In `event`: ECS's, or the element around a rendered event.
    Event,
    /// In `System` or `winlog`: members of the system, and containers.
    System,
    /// In `EventData`, or in the one element of `UserData`: the event's own.
    Data,
    /// In `UserData`.
    UserData,
    /// In `RenderingInfo`: words of the machine's language.
    Rendering,
    /// In an element of the system: its attributes and its text.
    Element(&'static str),
    /// Among the attributes of an element of the data, which say nothing.
    Nowhere,
}

/// The elements of the system that are looked into.
const ELEMENTS: &[&str] = &["eventid", "provider", "timecreated", "keywords", "channel", "computer", "eventrecordid"];

/// The names of an element's text, folded, as the many ways of writing XML in JSON have it.
const TEXTS: &[&str] = &["", "text", "value", "content"];

impl Place {
    /// Where the members of an object of this name stand; none of one that isn't looked into.
    fn inside(self, name: &str) -> Option<Place> {
        let element = || ELEMENTS.iter().find(|known| **known == name).map(|known| Place::Element(known));
        match (self, name) {
            (Place::Top, "event") => Some(Place::Event),
            // Wazuh's, and what EvtxECmd has opened.
            (Place::Top, "win" | "payload") => Some(Place::Top),
            // `System` may have the whole event in it: that is what Fluent Bit calls its XML.
            (Place::Top | Place::Event | Place::System, "system") | (Place::Top, "winlog") => Some(Place::System),
            (Place::Top, "xml" | "eventxml") => Some(Place::Event),
            (Place::Top | Place::Event, "renderinginfo") | (Place::Rendering, "keywords") => Some(Place::Rendering),
            (Place::Top | Place::Event | Place::System, "eventdata") => Some(Place::Data),
            (Place::Top | Place::Event | Place::System, "userdata") => Some(Place::UserData),
            (Place::UserData, _) => Some(Place::Data),
            // `Provider_attributes` beside `Provider`.
            (Place::Top | Place::System, _) => element(),
            (Place::Element(_), "attributes" | "") => Some(self),
            _ => None,
        }
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
            record.take(name, json);
        }
        record.name_positions();
        Ok(record)
    }

    /// A member at the top: its name may be a path.
    fn take(&mut self, path: Cow<'a, str>, json: &'a str) {
        if path == "countersign.ingestTime" {
            self.receipt_time = Member::new(json);
            return;
        }
        let (mut place, mut name) = (Place::Top, path.as_ref());
        while let Some((first, rest)) = name.split_once('.') {
            place = place.inside(&folded(first)).unwrap_or(Place::Nowhere);
            name = rest;
        }
        let name = folded(name);
        self.take_one(place, &name, path, json, 0);
    }

    /// A member by its folded name.
    fn take_one(&mut self, place: Place, name: &str, path: Cow<'a, str>, json: &'a str, depth: usize) {
        let member = Member::new(json);
        if json.starts_with('{') && depth < MAX_DEPTH {
            // The attributes of an element may stand beside it.
            let bare = name.strip_suffix("attributes").filter(|bare| !bare.is_empty()).unwrap_or(name);
            if let Some(inside) = place.inside(bare) {
                for (name, json) in member.members::<Entries<'a>>().all {
                    self.take_one(inside, &folded(&name), Cow::Owned(format!("{path}.{name}")), json, depth + 1);
                }
                return;
            }
        }
        if is_positional(place, name, json) {
            return self.take_list(path, json);
        }
        // These stay where they are too.
        match (place, name) {
            (Place::Top, "id") => self.id = member,
            (Place::Top | Place::System, "providerguid") | (Place::Element("provider"), "guid") => {
                self.provider_guid = member;
            }
            _ => {}
        }
        let is_known = match place {
            Place::Top => name != "severityvalue" && (self.set_system(name, member) || self.set_own(name, member)),
            Place::Event => self.set_system(&format!("event.{name}"), member),
            Place::System => self.set_system(name, member),
            Place::Element(element) => self.set_element(element, name, member),
            Place::Data | Place::UserData => {
                // `{"SubjectUserSid": {"#text": "S-1-5-18"}}`.
                let value = if json.starts_with('{') { text_of(member) } else { member };
                self.set_position(name, value) || self.set_own(name, value)
            }
            Place::Rendering => match name {
                "message" => self.set_system(name, member),
                "keywords" | "keyword" => self.set_system("keyword", member),
                _ => false,
            },
            Place::Nowhere => false,
        };
        if !is_known {
            // A body that is still a text, or something else that isn't looked into.
            let is_body = matches!(name, "eventdata" | "userdata" | "payload") && place != Place::Nowhere;
            self.has_unread |= is_body && member.json().is_some_and(|json| json != "\"\"");
            self.unmapped.push((path, json));
        }
    }

    /// An attribute or the text of an element of the system.
    fn set_element(&mut self, element: &'static str, name: &str, member: Member<'a>) -> bool {
        let name = match (element, name) {
            (_, name) if TEXTS.contains(&name) => element,
            ("eventid", "id") => element,
            ("provider", "name") => "providername",
            ("timecreated", "systemtime") => element,
            ("keywords", "keyword") => "keyword",
            _ => return false,
        };
        self.set_system(name, member)
    }

    /// `param1` and so on, as Winlogbeat calls data without names.
    fn set_position(&mut self, name: &str, member: Member<'a>) -> bool {
        let position = name.strip_prefix("param").and_then(|digits| digits.parse::<usize>().ok());
        let Some(position) = position.filter(|position| (1..=MAX_POSITIONS).contains(position)) else { return false };
        self.positions.insert(position - 1, member);
        true
    }

    /// Elements of data, with a name each or without:
    /// `[{"Name": "TargetUserSid", "#text": "S-1-5-18"}, {"TargetUserName": "x"}, "y", …]`.
    fn take_list(&mut self, path: Cow<'a, str>, json: &'a str) {
        let member = Member::new(json);
        let list = if json.starts_with('{') { text_of(member).json().unwrap_or(json) } else { json };
        let elements: Vec<&'a RawValue> = match list.starts_with('[') {
            true => serde_json::from_str(list).unwrap_or_default(),
            false => serde_json::from_str(list).map(|one| vec![one]).unwrap_or_default(),
        };
        let mut is_named = true;
        for element in elements {
            let element = Member::new(element.get());
            match named(element) {
                Some((name, value)) => {
                    if let Some(json) = value.json()
                        && !self.set_own(&folded(&name), value)
                    {
                        self.unmapped.push((name, json));
                    }
                }
                None => {
                    is_named = false;
                    if self.positions.len() < MAX_POSITIONS {
                        self.positions.insert(self.positions.len(), text_of(element));
                    }
                }
            }
        }
        if !is_named {
            self.positional.push((path, json));
        }
    }

    /// Names data without names by their positions in the template of the event's number. What isn't named stays where it
    /// is.
    fn name_positions(&mut self) {
        let names = self.number().filter(|_| !self.is_foreign && !self.has_own).and_then(positions::names);
        let positions = std::mem::take(&mut self.positions);
        let positional = std::mem::take(&mut self.positional);
        if positions.is_empty() {
            return;
        }
        let values: Vec<(&'static str, Member<'a>)> = names
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(position, name)| Some((*name, *positions.get(&position)?)))
            .collect();
        // A SID that is none tells that this is another template, as do too few data: the first version of some events had one
        // less.
        let fits = names.is_some_and(|names| !values.is_empty() && values.len() + 1 >= names.len())
            && values
                .iter()
                .all(|(name, value)| !name.ends_with("Sid") || trimmed(*value).is_none_or(|sid| is_sid(&sid)));
        if !fits {
            self.has_unread = true;
            self.unmapped.extend(positional);
            return;
        }
        for (name, value) in values {
            if let Some(json) = value.json()
                && !self.set_own(&folded(name), value)
            {
                self.unmapped.push((Cow::Borrowed(name), json));
            }
        }
    }

    /// The event's number.
    pub(super) fn number(&self) -> Option<u64> {
        // `Id` is one only beside what tells an event of PowerShell's.
        let id = Some(self.id).filter(|_| self.channel.json().is_some() && self.record_number.json().is_some());
        [self.event_id, self.event_code].into_iter().chain(id).find_map(number)
    }

    /// The name of the machine that logged the event.
    pub(super) fn host_name(&self) -> Option<Cow<'a, str>> {
        trimmed(self.machine())
    }

    /// The member that has it.
    pub(super) fn machine(&self) -> Member<'a> {
        if trimmed(self.computer).is_some() { self.computer } else { self.host }
    }
}

/// A name in lower case, without underscores and the marks of attributes.
pub(super) fn folded(name: &str) -> String {
    if name == "@timestamp" {
        return name.to_owned();
    }
    // `@_Name`, `-Name`, `#attributes`, `$`.
    let name = name.trim_start_matches(['@', '#', '$', '-', '_']);
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a member is a list of the event's data: of elements of XML; or by position, as Fluent Bit and older collectors
/// have it, and PowerShell, whose elements are objects.
fn is_positional(place: Place, name: &str, json: &str) -> bool {
    match (place, name) {
        (Place::Data | Place::UserData, "data") => true,
        (Place::Top | Place::Event | Place::System, "eventdata") => json.starts_with('['),
        (Place::Top, "stringinserts" | "insertionstrings" | "replacementstrings") => json.starts_with('['),
        (Place::Top, "properties") => json.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{')),
        _ => false,
    }
}

/// The name and the value of an element of a list of data, in the ways in which an element of XML is written in JSON; none
/// of an element without a name.
fn named(element: Member<'_>) -> Option<(Cow<'_, str>, Member<'_>)> {
    let entries: Entries<'_> = element.members();
    let mut name = None;
    for (known, json) in &entries.all {
        match &*folded(known) {
            "name" => name = Member::new(json).text(),
            "attributes" | "" if json.starts_with('{') => {
                let attributes: Entries<'_> = Member::new(json).members();
                let found = attributes.all.iter().find(|(known, _)| folded(known) == "name");
                name = found.and_then(|(_, json)| Member::new(json).text()).or(name);
            }
            _ => {}
        }
    }
    match (name, &*entries.all) {
        (Some(name), _) => Some((name, text_of(element))),
        // `{"SubjectUserSid": "S-1-5-18"}`.
        (None, [(name, json)]) if !TEXTS.contains(&&*folded(name)) => Some((name.clone(), Member::new(json))),
        _ => None,
    }
}

/// The text of an element: itself, or the member of an object that has it, which PowerShell nests once more for a SID.
fn text_of(element: Member<'_>) -> Member<'_> {
    let mut element = element;
    for _ in 0..2 {
        if !element.json().is_some_and(|json| json.starts_with('{')) {
            break;
        }
        let entries: Entries<'_> = element.members();
        let text = |(name, json): &(Cow<'_, str>, &str)| {
            TEXTS.contains(&&*folded(name)) && *json != "null" && !(folded(name).is_empty() && json.starts_with('{'))
        };
        element =
            entries.all.iter().find(|entry| text(entry)).map_or_else(Member::default, |(_, json)| Member::new(json));
    }
    element
}

/// Whether a text is a SID and nothing else. Windows writes `NULL SID` in some languages' words, but renders data with the id.
fn is_sid(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("S-1-"))
        && text.bytes().skip(4).all(|byte| byte == b'-' || byte.is_ascii_digit())
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
        // Through a double, as `4662.0`.
        None => word.strip_suffix(".0").unwrap_or(&word).parse().ok(),
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
            assert_eq!(record.host_name().as_deref(), Some("PC1"), "{raw}");
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
