//! An event's line in `--json`.

use countersign_casework::subject::resolve_subject;
use countersign_model::vocabulary::{EventClass, EvidenceRole, FIELDS, FieldId, IdentityType, SubjectRole, Usage};
use countersign_model::{Account, ChainRole, Event, Timestamp};
use countersign_policy::Directory;
use countersign_stream::Sequenced;
use serde::{Serialize, Serializer};

use crate::values::JsonValue;

/// An event as rules would see it, with what the host knows about who acted.
#[derive(Serialize)]
#[serde(tag = "type", rename = "event")]
pub(super) struct EventLine<'e> {
    position: u64,
    event_id: &'e str,
    source: &'e str,
    format: &'e str,
    tenant: &'e str,
    class: EventClass,
    time: Timestamp,
    account: Option<&'e Account>,
    identity: Option<String>,
    identity_type: IdentityType,
    usage: Usage,
    authenticated: bool,
    bound: bool,
    session: Option<&'e str>,
    token: Option<&'e str>,
    temporary: bool,
    grant: Option<&'e str>,
    person: Option<&'e str>,
    trust: Option<&'e str>,
    shared: bool,
    protected: bool,
    chain: Vec<Party<'e, ChainRole>>,
    targets: Vec<Party<'e, SubjectRole>>,
    fields: FieldMap<'e>,
    input: u32,
    record: u64,
}

/// A member of the chain, or who was acted on.
#[derive(Serialize)]
struct Party<'e, R> {
    role: R,
    account: Option<&'e Account>,
    session: Option<&'e str>,
}

/// The values of fields by path: those picked, or all that the event has.
struct FieldMap<'e> {
    event: &'e Event,
    picked: &'e [FieldId],
}

impl<'e> EventLine<'e> {
    /// `picked` are the fields to show; empty for all that the event has. `format` is what read it.
    pub(super) fn new(
        sequenced: &'e Sequenced,
        directory: &Directory,
        picked: &'e [FieldId],
        format: &'e str,
    ) -> EventLine<'e> {
        let event = &*sequenced.event;
        let actor = &event.actor;
        let resolved = resolve_subject(SubjectRole::Actor, EvidenceRole::AuthenticatedAs, event, directory);
        let chain = event.chain.iter().map(|member| {
            let acts = member.account.is_some() && member.account == actor.account;
            Party {
                role: member.role,
                account: member.account.as_ref(),
                // The session in evidence is the actor's.
                session: actor.session.as_deref().filter(|_| acts),
            }
        });
        let targets = event.target.iter().map(|target| Party {
            role: SubjectRole::Target,
            account: Some(&target.account),
            session: None,
        });
        EventLine {
            position: sequenced.position,
            event_id: &event.id,
            source: event.source.as_str(),
            format,
            tenant: &event.tenant,
            class: event.class,
            time: event.time,
            account: actor.account.as_ref(),
            identity: resolved.identity.directory_id.or_else(|| actor.account.as_ref().map(ToString::to_string)),
            identity_type: resolved.identity.identity_type,
            usage: actor.usage,
            authenticated: actor.authenticated,
            bound: event.binding.bound,
            session: actor.session.as_deref(),
            token: actor.token.as_deref(),
            temporary: actor.temporary,
            grant: actor.grant.as_deref(),
            person: actor.person.as_deref(),
            trust: event.trust.as_deref(),
            shared: resolved.shared,
            protected: resolved.identity.protected,
            chain: chain.collect(),
            targets: targets.collect(),
            fields: FieldMap { event, picked },
            input: event.raw.input,
            record: event.raw.ordinal,
        }
    }
}

impl Serialize for FieldMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = &self.event.fields;
        if self.picked.is_empty() {
            return serializer.collect_map(fields.iter().map(|(field, value)| (field.path, JsonValue(Some(value)))));
        }
        serializer.collect_map(self.picked.iter().map(|field| (field.field().path, JsonValue(fields.get(*field)))))
    }
}

/// A field by its path.
///
/// # Errors
/// When there is none; the error names the nearest.
pub(super) fn parse_field(path: &str) -> Result<FieldId, String> {
    FieldId::from_path(path).ok_or_else(|| {
        let nearest = countersign_document::nearest(path, FIELDS.iter().map(|field| field.path));
        let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        format!("expected the path of a field, got `{path}`{hint}")
    })
}
