//! Converts plain calls to the generated argument types: slices are borrowed, only the lists of slices are allocated.

use countersign_model::call as plain;
use countersign_model::response as plain_response;
use countersign_model::vocabulary::{ActionClass, EvidenceRole, Keying, Reversibility, Severity, SubjectRole, Usage};

use crate::bindings::detection::exports::countersign::rules::detect as wit;
use crate::bindings::response::exports::countersign::rules::respond as wit_response;

pub(crate) fn batch<'a>(
    batch: &'a plain::Batch,
    kinds: &'a [wit::RowKind<'a>],
    columns: &'a [wit::Column<'a>],
) -> wit::Batch<'a> {
    let rows = &batch.rows;
    wit::Batch {
        schema_hash: batch.schema_hash,
        rows: wit::Rows {
            references: &rows.references,
            event_times: &rows.event_times,
            ingest_times: &rows.ingest_times,
            watermarks: &rows.watermarks,
            keys: &rows.keys,
            kinds: if rows.kinds.is_some() { wit::Kinds::Mixed(kinds) } else { wit::Kinds::AllEvents },
        },
        columns,
    }
}

pub(crate) fn kinds(rows: &plain::Rows) -> Vec<wit::RowKind<'_>> {
    let kind = |kind| match kind {
        &plain::RowKind::Event => wit::RowKind::Event,
        plain::RowKind::Late => wit::RowKind::Late,
        plain::RowKind::Timer(id) => wit::RowKind::Timer(id),
        plain::RowKind::Finding => wit::RowKind::Finding,
    };
    rows.kinds.iter().flatten().map(kind).collect()
}

pub(crate) fn columns(columns: &[plain::Column]) -> Vec<wit::Column<'_>> {
    columns
        .iter()
        .map(|column| wit::Column {
            values: values(&column.values),
            validity: match &column.masks {
                None => wit::Validity::AllPresent,
                Some(masks) => {
                    wit::Validity::Partial(wit::Masks { present: &masks.present, wrong_type: &masks.wrong_type })
                }
            },
        })
        .collect()
}

fn values(values: &plain::Values) -> wit::Values<'_> {
    match values {
        plain::Values::Unsigned(values) => wit::Values::Unsigned(values),
        plain::Values::Signed(values) => wit::Values::Signed(values),
        plain::Values::Float(values) => wit::Values::Float(values),
        plain::Values::Bits(words) => wit::Values::Bits(words),
        plain::Values::Text(arena) => wit::Values::Text(text(arena)),
        plain::Values::Dictionary { entries, indices } => {
            wit::Values::Dictionary(wit::Dictionary { entries: text(entries), indices })
        }
        plain::Values::TextLists { items, rows } => wit::Values::TextLists(wit::TextLists { items: text(items), rows }),
        plain::Values::Timestamps(times) => wit::Values::Timestamps(times),
        plain::Values::Addresses(words) => wit::Values::Addresses(words),
        plain::Values::Raw { kind, bytes, offsets } => wit::Values::Raw(wit::RawArena {
            kind: match kind {
                plain::RawKind::Json => wit::RawKind::Json,
                plain::RawKind::Binary => wit::RawKind::Binary,
            },
            bytes,
            offsets,
        }),
    }
}

fn text(arena: &plain::TextArena) -> wit::TextArena<'_> {
    wit::TextArena { bytes: &arena.bytes, offsets: &arena.offsets }
}

pub(crate) fn state(slots: &[plain::SlotState]) -> Vec<wit::SlotState<'_>> {
    slots
        .iter()
        .map(|slot| wit::SlotState {
            blobs: &slot.blobs,
            blob_offsets: &slot.blob_offsets,
            kept: &slot.kept,
            kept_offsets: &slot.kept_offsets,
        })
        .collect()
}

/// The list parameters as lists of borrowed texts, for the parameters to borrow.
pub(crate) fn parameter_lists(parameters: &[plain::Parameter]) -> Vec<Vec<&str>> {
    parameters
        .iter()
        .map(|parameter| match parameter {
            plain::Parameter::TextList(items) => items.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        })
        .collect()
}

macro_rules! parameters {
    ($name:ident, $wit:ident) => {
        pub(crate) fn $name<'a>(
            parameters: &'a [plain::Parameter],
            lists: &'a [Vec<&'a str>],
        ) -> Vec<$wit::Parameter<'a>> {
            parameters
                .iter()
                .zip(lists)
                .map(|(parameter, list)| match parameter {
                    plain::Parameter::Boolean(value) => $wit::Parameter::Boolean(*value),
                    plain::Parameter::Integer(value) => $wit::Parameter::Integer(*value),
                    plain::Parameter::Decimal(value) => $wit::Parameter::Decimal(*value),
                    plain::Parameter::Text(value) => $wit::Parameter::Text(value),
                    plain::Parameter::TextList(_) => $wit::Parameter::TextList(list),
                    plain::Parameter::Duration(micros) => $wit::Parameter::Duration(*micros),
                })
                .collect()
        }
    };
}
parameters!(detection_parameters, wit);
parameters!(response_parameters, wit_response);

/// The parts of a context table as lists of generated types, for the table to borrow.
pub(crate) struct TableLists<'a> {
    availability: Vec<wit::Availability>,
    columns: Vec<wit::Column<'a>>,
}

pub(crate) fn table_lists(tables: &[plain::ContextTable]) -> Vec<TableLists<'_>> {
    tables
        .iter()
        .map(|table| TableLists {
            availability: match &table.availability {
                plain::TableAvailability::Whole(_) => Vec::new(),
                plain::TableAvailability::Each(rows) => rows.iter().map(availability).collect(),
            },
            columns: columns(&table.columns),
        })
        .collect()
}

fn availability(plain: &plain::Availability) -> wit::Availability {
    match *plain {
        plain::Availability::Missing => wit::Availability::Missing,
        plain::Availability::Stale(at) => wit::Availability::Stale(at),
        plain::Availability::Fresh(at) => wit::Availability::Fresh(at),
    }
}

pub(crate) fn context<'a>(
    tables: &'a [plain::ContextTable],
    lists: &'a [TableLists<'a>],
) -> Vec<wit::ContextTable<'a>> {
    tables
        .iter()
        .zip(lists)
        .map(|(table, lists)| wit::ContextTable {
            keying: match table.keying {
                Keying::Row => wit::Keying::ByRow,
                Keying::Key => wit::Keying::ByKey,
                Keying::Batch => wit::Keying::ByBatch,
            },
            rows: table.rows,
            availability: match &table.availability {
                plain::TableAvailability::Whole(one) => wit::TableAvailability::Whole(availability(one)),
                plain::TableAvailability::Each(_) => wit::TableAvailability::Each(&lists.availability),
            },
            columns: &lists.columns,
        })
        .collect()
}

/// The texts of an incident that its lists borrow.
pub(crate) struct IncidentParts<'a> {
    techniques: Vec<Vec<&'a str>>,
    accounts: Vec<String>,
}

impl<'a> IncidentParts<'a> {
    pub(crate) fn of(incident: &'a plain_response::IncidentView) -> IncidentParts<'a> {
        IncidentParts {
            techniques: incident.findings.iter().map(|f| f.techniques.iter().map(String::as_str).collect()).collect(),
            accounts: incident.identities.iter().map(|identity| identity.account.to_string()).collect(),
        }
    }
}

/// The parts of an incident as lists of generated types, for the incident to borrow.
pub(crate) struct IncidentLists<'a> {
    findings: Vec<wit_response::Finding<'a>>,
    identities: Vec<wit_response::Identity<'a>>,
    subjects: Vec<wit_response::Subject>,
    actions: Vec<wit_response::AvailableAction<'a>>,
    leases: Vec<wit_response::Lease<'a>>,
    outcomes: Vec<wit_response::Outcome<'a>>,
}

impl<'a> IncidentLists<'a> {
    pub(crate) fn of(incident: &'a plain_response::IncidentView, parts: &'a IncidentParts<'a>) -> IncidentLists<'a> {
        let findings =
            incident.findings.iter().zip(&parts.techniques).map(|(finding, techniques)| wit_response::Finding {
                rule: finding.rule.as_str(),
                signal_class: finding.signal_class.id(),
                confidence: finding.confidence,
                severity: severity(finding.severity),
                subject: finding.subject,
                techniques,
                event_time: finding.event_time,
                message: &finding.message,
            });
        let identities =
            incident.identities.iter().zip(&parts.accounts).map(|(identity, account)| wit_response::Identity {
                account,
                directory_id: identity.directory_id.as_deref(),
                identity_type: identity.identity_type.id(),
                tier: identity.tier.id(),
                environment: identity.environment.as_deref(),
                owner: identity.owner.as_deref(),
                protected: identity.protected,
                break_glass: identity.break_glass,
            });
        let subjects = incident.subjects.iter().map(|subject| wit_response::Subject {
            identity: subject.identity,
            role: match subject.role {
                SubjectRole::Actor => wit_response::SubjectRole::Actor,
                SubjectRole::Target => wit_response::SubjectRole::Target,
                SubjectRole::Owner => wit_response::SubjectRole::Owner,
                SubjectRole::Source => wit_response::SubjectRole::Source,
            },
            evidence_role: match subject.evidence_role {
                EvidenceRole::MerelyNames => wit_response::EvidenceRole::MerelyNames,
                EvidenceRole::AuthenticatedAs => wit_response::EvidenceRole::AuthenticatedAs,
            },
            usage: match subject.usage {
                Usage::Interactive => wit_response::Usage::Interactive,
                Usage::Programmatic => wit_response::Usage::Programmatic,
                Usage::Delegated => wit_response::Usage::Delegated,
            },
            has_session: subject.has_session,
            has_token: subject.has_token,
            has_grant: subject.has_grant,
        });
        let actions = incident.actions.iter().map(|action| wit_response::AvailableAction {
            action: action.action.id(),
            subject: action.subject,
            rung: action.rung,
            class: match action.class {
                ActionClass::Observe => wit_response::ActionClass::Observe,
                ActionClass::Challenge => wit_response::ActionClass::Challenge,
                // Remediation is never offered to a rule; if a view did, it would be shown as the nearest class.
                ActionClass::Contain | ActionClass::Remediate => wit_response::ActionClass::Contain,
            },
            reversibility: match action.reversibility {
                Reversibility::Reversible => wit_response::Reversibility::Reversible,
                Reversibility::SelfHealing => wit_response::Reversibility::SelfHealing,
                Reversibility::Irreversible => wit_response::Reversibility::Irreversible,
            },
        });
        let leases = incident.leases.iter().map(|lease| wit_response::Lease {
            action: lease.action.id(),
            subject: lease.subject,
            since: lease.since,
            until: lease.until,
        });
        let outcomes = incident.outcomes.iter().map(|outcome| wit_response::Outcome {
            action: outcome.action.id(),
            subject: outcome.subject,
            at: outcome.at,
            result: match outcome.result {
                plain_response::StepResult::Done => wit_response::StepResult::Done,
                plain_response::StepResult::Failed => wit_response::StepResult::Failed,
                plain_response::StepResult::Refused => wit_response::StepResult::Refused,
                plain_response::StepResult::Undone => wit_response::StepResult::Undone,
                plain_response::StepResult::Waiting => wit_response::StepResult::Waiting,
            },
        });
        IncidentLists {
            findings: findings.collect(),
            identities: identities.collect(),
            subjects: subjects.collect(),
            actions: actions.collect(),
            leases: leases.collect(),
            outcomes: outcomes.collect(),
        }
    }

    pub(crate) fn incident(&'a self, plain: &plain_response::IncidentView) -> wit_response::Incident<'a> {
        wit_response::Incident {
            now: plain.now,
            findings: &self.findings,
            combined_confidence: plain.combined_confidence,
            identities: &self.identities,
            subjects: &self.subjects,
            actions: &self.actions,
            leases: &self.leases,
            outcomes: &self.outcomes,
        }
    }
}

fn severity(severity: Severity) -> wit_response::Severity {
    match severity {
        Severity::Informational => wit_response::Severity::Informational,
        Severity::Low => wit_response::Severity::Low,
        Severity::Medium => wit_response::Severity::Medium,
        Severity::High => wit_response::Severity::High,
        Severity::Critical => wit_response::Severity::Critical,
        Severity::Fatal => wit_response::Severity::Fatal,
    }
}
