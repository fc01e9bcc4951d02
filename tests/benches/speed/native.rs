//! A rule compiled natively, in place of the sandbox. The SDK's entry takes owned columns, and the host lends them: the
//! time for copying is measured separately and subtracted, as if a native rule got the host's columns directly.

use countersign_model::call::{self as plain, CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind};
use countersign_model::vocabulary::{EvidenceRole, Keying, Severity, SubjectRole};
use countersign_sdk::bindings::detect as sdk;

use crate::figures::Watch;

/// The function that `#[detection]` generates.
pub(crate) type Evaluate =
    fn(&sdk::Batch, &[sdk::SlotState], &[sdk::Parameter], &[u8], &[sdk::ContextTable]) -> sdk::Answer;

/// A rule compiled natively.
pub(crate) struct Native {
    evaluate: Evaluate,
    pub(crate) copying: Watch,
}

impl Native {
    pub(crate) fn new(evaluate: Evaluate) -> Native {
        Native { evaluate, copying: Watch::default() }
    }
}

impl Detector for Native {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let arguments = self.copying.time(|| Arguments::of(call));
        let Arguments { batch, state, parameters, context } = &arguments;
        let answer = detection((self.evaluate)(batch, state, parameters, &call.data, context));
        self.copying.time(|| drop(arguments));
        Ok(answer)
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "no state is older than its rule".to_owned() })
    }
}

struct Arguments {
    batch: sdk::Batch,
    state: Vec<sdk::SlotState>,
    parameters: Vec<sdk::Parameter>,
    context: Vec<sdk::ContextTable>,
}

impl Arguments {
    fn of(call: &DetectionCall) -> Arguments {
        let rows = &call.batch.rows;
        Arguments {
            batch: sdk::Batch {
                schema_hash: call.batch.schema_hash,
                rows: sdk::Rows {
                    references: rows.references.clone(),
                    event_times: rows.event_times.clone(),
                    ingest_times: rows.ingest_times.clone(),
                    watermarks: rows.watermarks.clone(),
                    keys: rows.keys.clone(),
                    kinds: match &rows.kinds {
                        None => sdk::Kinds::AllEvents,
                        Some(kinds) => sdk::Kinds::Mixed(kinds.iter().map(kind).collect()),
                    },
                },
                columns: columns(&call.batch.columns),
            },
            state: call.state.iter().map(slot).collect(),
            parameters: call.parameters.iter().map(parameter).collect(),
            context: call.context.iter().map(table).collect(),
        }
    }
}

fn kind(kind: &plain::RowKind) -> sdk::RowKind {
    match kind {
        plain::RowKind::Event => sdk::RowKind::Event,
        plain::RowKind::Late => sdk::RowKind::Late,
        plain::RowKind::Timer(id) => sdk::RowKind::Timer(id.clone()),
        plain::RowKind::Finding => sdk::RowKind::Finding,
    }
}

fn columns(columns: &[plain::Column]) -> Vec<sdk::Column> {
    columns
        .iter()
        .map(|column| sdk::Column {
            values: values(&column.values),
            validity: match &column.masks {
                None => sdk::Validity::AllPresent,
                Some(masks) => sdk::Validity::Partial(sdk::Masks {
                    present: masks.present.clone(),
                    wrong_type: masks.wrong_type.clone(),
                }),
            },
        })
        .collect()
}

fn values(values: &plain::Values) -> sdk::Values {
    match values {
        plain::Values::Unsigned(values) => sdk::Values::Unsigned(values.clone()),
        plain::Values::Signed(values) => sdk::Values::Signed(values.clone()),
        plain::Values::Float(values) => sdk::Values::Float(values.clone()),
        plain::Values::Bits(words) => sdk::Values::Bits(words.clone()),
        plain::Values::Text(arena) => sdk::Values::Text(text(arena)),
        plain::Values::Dictionary { entries, indices } => {
            sdk::Values::Dictionary(sdk::Dictionary { entries: text(entries), indices: indices.clone() })
        }
        plain::Values::TextLists { items, rows } => {
            sdk::Values::TextLists(sdk::TextLists { items: text(items), rows: rows.clone() })
        }
        plain::Values::Timestamps(times) => sdk::Values::Timestamps(times.clone()),
        plain::Values::Addresses(words) => sdk::Values::Addresses(words.clone()),
        plain::Values::Raw { kind, bytes, offsets } => sdk::Values::Raw(sdk::RawArena {
            kind: match kind {
                plain::RawKind::Json => sdk::RawKind::Json,
                plain::RawKind::Binary => sdk::RawKind::Binary,
            },
            bytes: bytes.clone(),
            offsets: offsets.clone(),
        }),
    }
}

fn text(arena: &plain::TextArena) -> sdk::TextArena {
    sdk::TextArena { bytes: arena.bytes.clone(), offsets: arena.offsets.clone() }
}

fn slot(slot: &plain::SlotState) -> sdk::SlotState {
    sdk::SlotState {
        blobs: slot.blobs.clone(),
        blob_offsets: slot.blob_offsets.clone(),
        kept: slot.kept.clone(),
        kept_offsets: slot.kept_offsets.clone(),
    }
}

fn parameter(parameter: &plain::Parameter) -> sdk::Parameter {
    match parameter {
        plain::Parameter::Boolean(value) => sdk::Parameter::Boolean(*value),
        plain::Parameter::Integer(value) => sdk::Parameter::Integer(*value),
        plain::Parameter::Decimal(value) => sdk::Parameter::Decimal(*value),
        plain::Parameter::Text(text) => sdk::Parameter::Text(text.clone()),
        plain::Parameter::TextList(items) => sdk::Parameter::TextList(items.clone()),
        plain::Parameter::Duration(micros) => sdk::Parameter::Duration(*micros),
    }
}

fn availability(one: &plain::Availability) -> sdk::Availability {
    match *one {
        plain::Availability::Missing => sdk::Availability::Missing,
        plain::Availability::Stale(at) => sdk::Availability::Stale(at),
        plain::Availability::Fresh(at) => sdk::Availability::Fresh(at),
    }
}

fn table(table: &plain::ContextTable) -> sdk::ContextTable {
    sdk::ContextTable {
        keying: match table.keying {
            Keying::Row => sdk::Keying::ByRow,
            Keying::Key => sdk::Keying::ByKey,
            Keying::Batch => sdk::Keying::ByBatch,
        },
        rows: table.rows,
        availability: match &table.availability {
            plain::TableAvailability::Whole(one) => sdk::TableAvailability::Whole(availability(one)),
            plain::TableAvailability::Each(rows) => {
                sdk::TableAvailability::Each(rows.iter().map(availability).collect())
            }
        },
        columns: columns(&table.columns),
    }
}

/// Copies only what has another representation.
fn detection(answer: sdk::Answer) -> DetectionAnswer {
    DetectionAnswer {
        findings: answer.findings.into_iter().map(finding).collect(),
        states: answer
            .states
            .into_iter()
            .map(|slot| plain::SlotChanges {
                slot: slot.slot,
                keys: slot.keys,
                blobs: slot.blobs,
                blob_offsets: slot.blob_offsets,
                kept: slot.kept,
                kept_offsets: slot.kept_offsets,
            })
            .collect(),
        timers: answer
            .timers
            .into_iter()
            .map(|timer| plain::AnswerTimer { row: timer.row, id: timer.id, at: timer.at })
            .collect(),
        diagnostics: answer
            .diagnostics
            .into_iter()
            .map(|diagnostic| plain::Diagnostic {
                row: diagnostic.row,
                level: match diagnostic.level {
                    sdk::Level::Information => plain::Level::Information,
                    sdk::Level::Warning => plain::Level::Warning,
                    sdk::Level::Error => plain::Level::Error,
                },
                message: diagnostic.message,
            })
            .collect(),
    }
}

fn finding(finding: sdk::Finding) -> plain::AnswerFinding {
    plain::AnswerFinding {
        row: finding.row,
        signal_class: finding.signal_class,
        confidence: finding.confidence,
        severity: match finding.severity {
            sdk::Severity::Informational => Severity::Informational,
            sdk::Severity::Low => Severity::Low,
            sdk::Severity::Medium => Severity::Medium,
            sdk::Severity::High => Severity::High,
            sdk::Severity::Critical => Severity::Critical,
            sdk::Severity::Fatal => Severity::Fatal,
        },
        subject: match finding.subject {
            sdk::SubjectRole::Actor => SubjectRole::Actor,
            sdk::SubjectRole::Target => SubjectRole::Target,
            sdk::SubjectRole::Owner => SubjectRole::Owner,
            sdk::SubjectRole::Source => SubjectRole::Source,
        },
        evidence: finding.evidence,
        techniques: finding.techniques,
        message: finding.message,
        evidence_role: finding.evidence_role.map(|role| match role {
            sdk::EvidenceRole::MerelyNames => EvidenceRole::MerelyNames,
            sdk::EvidenceRole::AuthenticatedAs => EvidenceRole::AuthenticatedAs,
        }),
    }
}
