//! What all formats of JSON records share: from a parsed record to an event with its id, its fields and its raw record.
//!
//! A format defines, by [`JsonFormat`]: how a record is recognised and read, what its event is but for the fields, and one
//! table of fields. All else is done here, alike for all formats.

use std::marker::PhantomData;
use std::sync::Arc;

use countersign_model::vocabulary::{ActionClass, EventClass, FieldId};
use countersign_model::{
    Account, Actor, Binding, ChainMember, ChainRole, Event, Fields, RawAddress, SourceId, Target, TimeZone, Timestamp,
    Value,
};

use crate::bounds;
use crate::decoder::Decode;
use crate::documentation::Table;
use crate::intern::Interner;
use crate::json::Member;
use crate::occurrences::{Occurrence, Occurrences};
use crate::signs::Signs;
use crate::times;
use crate::{DeadReason, Fault, Format, Record, SharedAct};

/// A format whose records are JSON objects.
///
/// Both functions depend on the record alone: the same record gives the same event, wherever and whenever it comes.
pub(crate) trait JsonFormat: Sized + Sync + 'static {
    /// Its name: the `source` of its events.
    const NAME: &'static str;

    /// What it reads, in one line for people.
    const ABOUT: &'static str;

    /// The one provider whose accounts its records are about; none where they can name anybody's.
    const PROVIDER: Option<&'static str>;

    /// How a record of it is recognised.
    const SIGNS: Signs;

    /// Every field that it fills, each once, in the vocabulary's order. The fields of [`SHARED_FIELDS`] are filled for
    /// it; `finding.*` are never a format's.
    const FIELDS: &'static [FieldRow<Self>];

    /// All that is read of one record, borrowed from it: what [`JsonFormat::draft`] and the table of fields work on.
    type Read<'a>;

    /// The tables that document it, but for that of the fields.
    fn tables() -> Vec<Table>;

    /// The record with its bodies opened that stand in it as text; see [`crate::opened`]. None where it has none.
    fn opened(_: &str) -> Option<String> {
        None
    }

    /// Reads a raw record; [`crate::json::object`] parses it. `zone` is that of local times without one, where the operator
    /// has said so.
    ///
    /// # Errors
    /// When the record can't become an event: it is no object, or lacks what every event has, its time above all.
    /// Whatever else is missing or odd is no error.
    fn read<'a>(raw: &'a str, zone: Option<&TimeZone>) -> Result<Self::Read<'a>, Fault>;

    /// Its event, but for the fields.
    fn draft(read: &Self::Read<'_>, texts: &mut Interner) -> Draft;

    /// The act of which it is one copy among those that other recipients get, if the record says so.
    fn shared_act(_read: &Self::Read<'_>) -> Option<SharedAct> {
        None
    }
}

/// One row of a format's table of fields.
pub(crate) struct FieldRow<F: JsonFormat> {
    /// The field.
    pub(crate) field: FieldId,
    /// What of the record it is made of, as a cell of the Markdown table in `docs/reference/formats.md`.
    pub(crate) from: &'static str,
    /// Its value in one record; none where the record has none. [`crate::values`] makes them.
    pub(crate) value: for<'a> fn(&F::Read<'a>, &mut Interner) -> Option<Value>,
}

/// An event as its format drafts it.
pub(crate) struct Draft {
    /// The provider's id of the record; without one the id is made of the record's content.
    pub(crate) id: Option<Arc<str>>,
    /// The tenant whose telemetry this is, if the record has it; else it is `unknown`.
    pub(crate) tenant: Option<Arc<str>>,
    /// Its one class.
    pub(crate) class: EventClass,
    /// When it happened.
    pub(crate) time: Timestamp,
    /// How far that is believed; see [`Certainty`].
    pub(crate) certainty: Certainty,
    /// When it was received, if the record has that.
    pub(crate) receipt_time: Option<Timestamp>,
    /// Who acted.
    pub(crate) actor: Actor,
    /// All who took part, from initiator to executor; see [`in_order`].
    pub(crate) chain: Vec<ChainMember>,
    /// The account acted on.
    pub(crate) target: Option<Target>,
    /// The trust that it made or changed.
    pub(crate) trust: Option<Arc<str>>,
}

/// Whether an event happened when its record says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// The record or the source says of which zone its time is.
    #[default]
    Certain,
    /// Neither does, and the time was read as UTC: it may be off by 14 hours. Such an event leads to a challenge at most,
    /// since whether it still matters isn't known.
    Uncertain,
}

/// The fields that are filled for every format, and from what.
const SHARED_FIELDS: &[(FieldId, &str)] = &[
    (FieldId::MetadataUid, "the event's id"),
    (FieldId::ClassUid, "the class table"),
    (FieldId::RawData, "the record as delivered"),
];

/// Every field that a format fills and what it is made of, in the vocabulary's order.
fn fields<F: JsonFormat>() -> Vec<(FieldId, &'static str)> {
    let own = F::FIELDS.iter().map(|row| (row.field, row.from));
    let mut fields: Vec<_> = SHARED_FIELDS.iter().copied().chain(own).collect();
    fields.sort_by_key(|(field, _)| *field);
    fields
}

impl<F: JsonFormat> Format for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn about(&self) -> &'static str {
        F::ABOUT
    }

    fn provider(&self) -> Option<&'static str> {
        F::PROVIDER
    }

    fn signs(&self) -> Option<Signs> {
        Some(F::SIGNS)
    }

    fn fields(&self) -> Vec<(FieldId, &'static str)> {
        fields::<F>()
    }

    fn tables(&self) -> Vec<Table> {
        F::tables()
    }

    fn decoder(&self, zone: Option<&TimeZone>) -> Box<dyn Decode> {
        Box::new(Normaliser::<F> {
            source: F::NAME.into(),
            zone: zone.cloned(),
            texts: Interner::new(),
            occurrences: Occurrences::default(),
            format: PhantomData,
        })
    }
}

/// Turns the records of any number of inputs into events of one format.
struct Normaliser<F> {
    source: SourceId,
    zone: Option<TimeZone>,
    texts: Interner,
    occurrences: Occurrences,
    format: PhantomData<fn() -> F>,
}

impl<F: JsonFormat> Decode for Normaliser<F> {
    fn decode(&mut self, raw: &str, address: RawAddress) -> Result<Record, Fault> {
        let opened = F::opened(raw);
        let read = F::read(opened.as_deref().unwrap_or(raw), self.zone.as_ref())?;
        let draft = F::draft(&read, &mut self.texts);
        let (id, occurrence) = match draft.id {
            Some(id) => (id, None),
            None => {
                let occurrence = self.occurrences.count(raw, &address);
                (Arc::from(occurrence.id()), Some(occurrence))
            }
        };
        let mut fields = Fields::default();
        fields.set(FieldId::MetadataUid, Value::Text(Arc::clone(&id)));
        fields.set(FieldId::ClassUid, Value::Unsigned(draft.class.uid().into()));
        fields.set(FieldId::RawData, bounds::field(Value::Json(Arc::from(raw))));
        for row in F::FIELDS {
            if let Some(value) = (row.value)(&read, &mut self.texts) {
                fields.set(row.field, bounds::field(value));
            }
        }
        let highest_class = match draft.certainty {
            Certainty::Certain => ActionClass::Contain,
            Certainty::Uncertain => ActionClass::Challenge,
        };
        let event = Box::new(Event {
            source: self.source.clone(),
            // The source's own is added to it.
            binding: Binding { highest_class, ..Binding::BOUND },
            tenant: draft.tenant.unwrap_or_else(|| self.texts.share("unknown")),
            id,
            class: draft.class,
            time: draft.time,
            ingest_time: draft.receipt_time.unwrap_or(draft.time),
            actor: draft.actor,
            chain: draft.chain,
            target: draft.target,
            trust: draft.trust,
            fields,
            raw: address,
        });
        bounds::ids(&event)?;
        let has_receipt_time = draft.receipt_time.is_some();
        Ok(Record::Event { event, has_receipt_time, occurrence, shared: F::shared_act(&read) })
    }

    fn restore(&mut self, input: u32, source: &str, counted: Vec<Occurrence>) {
        if source == F::NAME {
            self.occurrences.restore(input, counted);
        }
    }

    fn counted(&self, input: u32) -> Vec<Occurrence> {
        self.occurrences.counted(input)
    }

    fn end(&mut self, input: u32) {
        self.occurrences.end(input);
    }
}

/// The time of an event: the first of these members that is one, in any of the forms of [`times`]; one that names no zone
/// is UTC, as the format defines.
///
/// # Errors
/// When none is; the error names the members.
pub(crate) fn event_time(members: &[(&str, Member<'_>)]) -> Result<Timestamp, Fault> {
    if let Some(time) = members.iter().find_map(|(_, member)| times::utc(*member)) {
        return Ok(time);
    }
    let names: Vec<String> = members.iter().map(|(name, _)| format!("`{name}`")).collect();
    let names = names.join(" or ");
    let present = |member: Member<'_>| Some(member.json()?.to_owned()).filter(|json| json != "\"\"");
    match members.iter().find_map(|(_, member)| present(*member)) {
        None => Err(Fault::new(DeadReason::EventTimeMissing, format!("expected a time in {names}, got none"))),
        Some(json) => {
            let got: String = json.chars().take(64).collect();
            Err(Fault::new(DeadReason::EventTimeInvalid, format!("expected a time in {names}, got `{got}`")))
        }
    }
}

/// The receipt time that the generator's envelope has.
pub(crate) fn receipt_time(member: Member<'_>) -> Option<Timestamp> {
    times::moment(member)?.point()
}

/// A member of a chain of which nothing is proved; [`in_order`] gives it its role.
pub(crate) fn chain_member(account: Option<Account>, name: Option<Arc<str>>) -> ChainMember {
    let name = name.map(|name| if name.len() > bounds::MAX_ID_BYTES { bounds::name(&name).into() } else { name });
    ChainMember { role: ChainRole::Delegate, account, name, proved_type: None, shared: false, protected: false }
}

/// Gives the members of a chain their roles by their order: the first is the initiator, the last the executor, those
/// between are delegates; a single member is the initiator.
pub(crate) fn in_order(mut chain: Vec<ChainMember>) -> Vec<ChainMember> {
    for member in &mut chain {
        member.role = ChainRole::Delegate;
    }
    if let Some(last) = chain.last_mut() {
        last.role = ChainRole::Executor;
    }
    if let Some(first) = chain.first_mut() {
        first.role = ChainRole::Initiator;
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CloudTrail, DirectoryLog, Ocsf, Okta, WindowsSecurity};

    fn check<F: JsonFormat>() {
        let shared: Vec<FieldId> = SHARED_FIELDS.iter().map(|(field, _)| *field).collect();
        let rows: Vec<FieldId> = F::FIELDS.iter().map(|row| row.field).collect();
        assert!(rows.is_sorted_by(|one, next| one < next), "{}: in the vocabulary's order, each once", F::NAME);
        for row in F::FIELDS {
            assert!(!shared.contains(&row.field) && !row.field.field().path.starts_with("finding."), "{}", F::NAME);
            assert!(!row.from.is_empty() && !row.from.contains(['|', '\n']), "{}: `{}`", F::NAME, row.from);
        }
    }

    #[test]
    fn tables_of_fields_are_in_order_and_leave_the_shared_ones_alone() {
        check::<CloudTrail>();
        check::<DirectoryLog>();
        check::<Ocsf>();
        check::<Okta>();
        check::<WindowsSecurity>();
    }
}
