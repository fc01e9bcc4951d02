//! The source `auto`: tells record by record which source a record is of, and has that one make its event.

use std::borrow::Cow;
use std::io::{self, Read};

use countersign_model::RawAddress;
use countersign_model::vocabulary::FieldId;

use crate::json::{self, Entries, Member};
use crate::normalise::Normaliser;
use crate::reader::{Fault, Normalise, Reader};
use crate::source::{Records, Source};
use crate::{CloudTrail, DeadReason, Ocsf, Okta, Record, WindowsSecurity, documentation::Table};

/// The source `auto`.
///
/// Its events are the very same as those of the source that it recognises: name, id and all. Records of several sources
/// may stand in one input. One that no source's signs are found in, or several sources', becomes a dead letter.
#[derive(Clone, Copy, Debug)]
pub struct Auto;

/// How records of one source are told.
struct Known {
    name: &'static str,
    /// The signs in words: for people, and for the documentation.
    signs: &'static str,
    are_in: fn(&Top<'_>) -> bool,
    normaliser: fn() -> Box<dyn Normalise + Send>,
}

/// Every source that can be told. The signs of no two are in one record that only one of them made.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    Known { name: "cloudtrail", signs: "`eventSource` and `eventName` with `eventTime` or `userIdentity`", are_in: |top| top.all(&["eventSource", "eventName"]) && top.any(&["eventTime", "userIdentity"]), normaliser: || Box::new(Normaliser::<CloudTrail>::default()) },
    Known { name: "ocsf", signs: "`class_uid` or `type_uid` with `time`, `time_dt` or `metadata`", are_in: |top| top.any(&["class_uid", "type_uid"]) && top.any(&["time", "time_dt", "metadata"]), normaliser: || Box::new(Normaliser::<Ocsf>::default()) },
    Known { name: "okta", signs: "`eventType` or `legacyEventType` with `published`, `debugContext` or an `actor` with `alternateId`; in any spelling", are_in: is_okta, normaliser: || Box::new(Normaliser::<Okta>::default()) },
    Known { name: "windows-security", signs: "`EventID` or `event_id` with a channel, a provider or `TimeCreated`; `winlog`; `System`; or `Event` with `System` in it", are_in: is_windows, normaliser: || Box::new(Normaliser::<WindowsSecurity>::default()) },
];

fn is_okta(top: &Top<'_>) -> bool {
    let named = top.any_spelled(&["eventType", "legacyEventType"]);
    named && (top.any_spelled(&["published", "debugContext"]) || top.inside("actor").any_spelled(&["alternateId"]))
}

fn is_windows(top: &Top<'_>) -> bool {
    let flat = top.any(&["EventID", "event_id"])
        && top.any(&["Channel", "log_name", "ProviderGuid", "SourceName", "EventSourceName", "TimeCreated"]);
    let winlogbeat = top.is_object("winlog") || top.any(&["winlog.event_id"]);
    let rendered = top.is_object("System") || top.inside("Event").any(&["System"]);
    flat || winlogbeat || rendered
}

impl Source for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn about(&self) -> &'static str {
        "any of the others, told record by record"
    }

    fn fields(&self) -> Vec<(FieldId, &'static str)> {
        Vec::new()
    }

    fn tables(&self) -> Vec<Table> {
        let rows = KNOWN.iter().map(|known| vec![format!("`{}`", known.name), known.signs.to_owned()]).collect();
        vec![Table { name: "signs", head: &["source", "a record is its own if it has, at the top,"], rows }]
    }

    fn read(&self, bytes: Box<dyn Read + Send>, input: u32) -> io::Result<Records> {
        Ok(Box::new(Reader::new(bytes, input, Telling::new())?))
    }
}

/// A normaliser of every source, one beside the other: what one counts doesn't show in another's events.
struct Telling {
    normalisers: Vec<Box<dyn Normalise + Send>>,
}

impl Telling {
    fn new() -> Telling {
        Telling { normalisers: KNOWN.iter().map(|known| (known.normaliser)()).collect() }
    }
}

impl Normalise for Telling {
    fn normalise(&mut self, raw: &str, address: RawAddress) -> Result<Record, Fault> {
        let top = Top(json::object::<Entries<'_>>(raw)?.all);
        let mut told = KNOWN.iter().zip(&mut self.normalisers).filter(|(known, _)| (known.are_in)(&top));
        match (told.next(), told.next()) {
            (Some((_, normaliser)), None) => normaliser.normalise(raw, address),
            (None, _) => Err(Fault::new(
                DeadReason::SourceUnknown,
                format!("expected the signs of a source, got none: {}", looked_for(KNOWN)),
            )),
            (Some((one, _)), Some((other, _))) => Err(Fault::new(
                DeadReason::SourceAmbiguous,
                format!(
                    "expected the signs of one source, got those of `{}` and of `{}`; name the source to have the record read",
                    one.name, other.name
                ),
            )),
        }
    }
}

fn looked_for(known: &[Known]) -> String {
    let signs: Vec<String> = known.iter().map(|known| format!("{}: {}", known.name, known.signs)).collect();
    signs.join("; ")
}

/// The members at the top of a record. One that is null counts as absent.
struct Top<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Top<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, json)| *json).filter(|json| *json != "null")
    }

    fn all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.get(name).is_some())
    }

    fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// Whether a member is there whose name spells one of these.
    fn any_spelled(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(name, json)| *json != "null" && names.contains(&json::spelled(name, names)))
    }

    fn is_object(&self, name: &str) -> bool {
        self.get(name).is_some_and(|json| json.starts_with('{'))
    }

    /// The members of a member.
    fn inside(&self, name: &str) -> Top<'a> {
        Top(self.get(name).map(|json| Member::new(json).members::<Entries<'a>>().all).unwrap_or_default())
    }
}
