//! A script: events, and answers that are right by default and wrong where the bytes make them so. References, rows
//! and keys are chosen among those of the call, so that most answers get past the first check.

use std::sync::Arc;

use arbitrary::Arbitrary;
use countersign_model::call::{
    AnswerFinding, AnswerTimer, CallFailure, DetectionAnswer, DetectionCall, Diagnostic, FailureKind, Level,
    SlotChanges,
};
use countersign_model::vocabulary::{EventClass, EvidenceRole, FieldId, Severity, SubjectRole, Usage};
use countersign_model::{Account, Actor, Binding, Digest, Event, Fields, RawAddress, Timestamp, Value};

/// The time of the first event, microseconds.
const BEGINNING: i64 = 1_700_000_000_000_000;
const SECOND: i64 = 1_000_000;

/// Messages are cut here, bytes: past what the contract allows.
const MAX_TEXT: usize = 1_100;

/// A whole script.
#[derive(Arbitrary, Clone, Debug)]
pub struct Script {
    /// Whether the rule has a partition key, slots and timers.
    pub keyed: bool,
    /// Rows that are judged at once, at most.
    pub batch: u8,
    /// What happens.
    pub events: Vec<Happening>,
    /// What the rule answers, call by call; then from the beginning.
    pub replies: Vec<Reply>,
}

/// An event.
#[derive(Arbitrary, Clone, Debug)]
pub struct Happening {
    /// The account's number; one in five events has none.
    subject: u8,
    authenticated: bool,
    /// Seconds after the event before; may be earlier.
    after: i8,
    /// That many minutes more.
    minutes: u8,
}

/// What a rule answers to a call.
#[derive(Arbitrary, Clone, Debug)]
pub enum Reply {
    /// An answer.
    Answer(Answered),
    /// None.
    Fails(u8),
}

/// An answer.
#[derive(Arbitrary, Clone, Debug)]
pub struct Answered {
    findings: Vec<Finding>,
    states: Vec<State>,
    timers: Vec<Timer>,
    diagnostics: Vec<(u8, u8, Text)>,
}

#[derive(Arbitrary, Clone, Debug)]
struct Finding {
    row: u8,
    class: u8,
    confidence: u8,
    severity: u8,
    subject: u8,
    evidence: Vec<Reference>,
    techniques: Vec<u8>,
    message: Text,
    evidence_role: Option<bool>,
}

#[derive(Arbitrary, Clone, Debug)]
struct State {
    slot: u8,
    keys: Vec<Key>,
    /// As the bytes say, or rising and each once.
    unsorted: bool,
    /// An offset that is another.
    lie: Option<(bool, u8, u32)>,
}

#[derive(Arbitrary, Clone, Debug)]
struct Key {
    key: u8,
    length: u8,
    kept: Vec<Reference>,
}

#[derive(Arbitrary, Clone, Debug)]
struct Timer {
    row: u8,
    id: u8,
    at: At,
}

#[derive(Arbitrary, Clone, Debug)]
enum At {
    Cancelled,
    /// Seconds after the row.
    After(i16),
    Absolute(i64),
}

#[derive(Arbitrary, Clone, Debug)]
enum Reference {
    /// That of a row of the call.
    Row(u8),
    /// One kept with a key.
    Kept(u8),
    Other(u64),
}

#[derive(Arbitrary, Clone, Debug)]
enum Text {
    Short(u8),
    Long(u16),
    Own(String),
}

impl Text {
    fn text(&self) -> String {
        match self {
            Text::Short(length) => "a".repeat(usize::from(length % 16)),
            Text::Long(length) => "é".repeat(usize::from(*length) % MAX_TEXT / 2),
            Text::Own(text) => text.chars().take(MAX_TEXT).collect(),
        }
    }
}

/// The events of a script, in the order in which they come.
pub fn events(happenings: &[Happening]) -> impl Iterator<Item = Event> {
    let mut time = Timestamp(BEGINNING);
    happenings.iter().zip(0u64..).map(move |(happening, number)| {
        time = time.plus_micros((i64::from(happening.after) + 60 * i64::from(happening.minutes % 8)) * SECOND);
        happening.event(number, time)
    })
}

impl Happening {
    fn event(&self, number: u64, time: Timestamp) -> Event {
        let subject = self.subject % 5;
        let mut fields = Fields::default();
        fields.set(FieldId::ApiOperation, Value::Text(Arc::from("Call")));
        Event {
            source: "example".into(),
            binding: Binding::BOUND,
            tenant: Arc::from("111122223333"),
            id: Arc::from(format!("event-{number}")),
            class: EventClass::ApiActivity,
            time,
            ingest_time: time,
            actor: Actor {
                account: (subject > 0).then(|| Account::new("aws", "111122223333", format!("AIDA{subject}"))),
                usage: Usage::Programmatic,
                authenticated: self.authenticated,
                session: None,
                token: None,
                temporary: false,
                person: None,
                grant: None,
            },
            chain: Vec::new(),
            target: None,
            trust: None,
            fields,
            raw: RawAddress {
                input: 0,
                ordinal: number,
                offset: 0,
                length: 0,
                digest: Digest::of(&number.to_be_bytes()),
            },
        }
    }
}

impl Reply {
    /// What it is to a call.
    ///
    /// # Errors
    /// Where the script makes the call fail.
    pub fn answer(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        match self {
            Reply::Answer(scripted) => Ok(scripted.answer(call)),
            Reply::Fails(kind) => {
                let kinds = [
                    FailureKind::Trap,
                    FailureKind::FuelExhausted,
                    FailureKind::MemoryExceeded,
                    FailureKind::OutputExceeded,
                    FailureKind::StackOverflow,
                    FailureKind::Deadline,
                    FailureKind::InvalidAnswer,
                ];
                let kind = *one_of(&kinds, *kind);
                Err(CallFailure { kind, message: "as scripted".to_owned() })
            }
        }
    }
}

impl Answered {
    fn answer(&self, call: &DetectionCall) -> DetectionAnswer {
        DetectionAnswer {
            findings: self.findings.iter().map(|finding| finding.answer(call)).collect(),
            states: self.states.iter().map(|state| state.answer(call)).collect(),
            timers: self.timers.iter().map(|timer| timer.answer(call)).collect(),
            diagnostics: self
                .diagnostics
                .iter()
                .map(|(row, level, text)| Diagnostic {
                    row: row_of(*row, call),
                    level: *one_of(&[Level::Information, Level::Warning, Level::Error], *level),
                    message: text.text(),
                })
                .collect(),
        }
    }
}

impl Finding {
    fn answer(&self, call: &DetectionCall) -> AnswerFinding {
        AnswerFinding {
            row: row_of(self.row, call),
            signal_class: (*one_of(&["token", "sign-in", "token", "sign-in", "agent", "nothing"], self.class))
                .to_owned(),
            confidence: self.confidence % 104,
            severity: *one_of(Severity::ALL, self.severity),
            subject: *one_of(SubjectRole::ALL, self.subject),
            evidence: self.evidence.iter().map(|reference| reference.number(call)).collect(),
            techniques: self
                .techniques
                .iter()
                .map(|one| (*one_of(&["T1078", "T1078.004", "T1580"], *one)).to_owned())
                .collect(),
            message: self.message.text(),
            evidence_role: self
                .evidence_role
                .map(|strong| if strong { EvidenceRole::AuthenticatedAs } else { EvidenceRole::MerelyNames }),
        }
    }
}

impl State {
    fn answer(&self, call: &DetectionCall) -> SlotChanges {
        let given = call.batch.rows.keys.iter().filter(|key| **key != u32::MAX).max().map_or(0, |key| key + 1);
        // One more than was given, now and then.
        let mut keys: Vec<(u32, &Key)> = self
            .keys
            .iter()
            .map(|key| (u32::from(key.key) % (given + u32::from(key.key == 255)).max(1), key))
            .collect();
        if !self.unsorted {
            keys.sort_by_key(|(key, _)| *key);
            keys.dedup_by_key(|(key, _)| *key);
        }
        let mut changes = SlotChanges {
            slot: u32::from(self.slot % 3),
            keys: keys.iter().map(|(key, _)| *key).collect(),
            blobs: Vec::new(),
            blob_offsets: vec![0],
            kept: Vec::new(),
            kept_offsets: vec![0],
        };
        for (_, key) in keys {
            changes.blobs.extend(std::iter::repeat_n(key.length, usize::from(key.length % 6)));
            changes.kept.extend(key.kept.iter().map(|reference| reference.number(call)));
            changes.blob_offsets.push(length(&changes.blobs));
            changes.kept_offsets.push(length(&changes.kept));
        }
        if let Some((blob, place, other)) = self.lie {
            let offsets = if blob { &mut changes.blob_offsets } else { &mut changes.kept_offsets };
            let place = usize::from(place) % (offsets.len() + 1);
            match offsets.get_mut(place) {
                Some(offset) => *offset = other,
                None => offsets.push(other),
            }
        }
        changes
    }
}

impl Timer {
    fn answer(&self, call: &DetectionCall) -> AnswerTimer {
        let row = row_of(self.row, call);
        let time = call.batch.rows.event_times.get(row as usize).copied().unwrap_or_default();
        AnswerTimer {
            row,
            id: (*one_of(&["one", "other", "one", "other", "undeclared"], self.id)).to_owned(),
            at: match self.at {
                At::Cancelled => None,
                At::After(seconds) => Some(time.saturating_add(i64::from(seconds % 700) * SECOND)),
                At::Absolute(at) => Some(at),
            },
        }
    }
}

impl Reference {
    fn number(&self, call: &DetectionCall) -> u64 {
        match self {
            Reference::Row(row) => {
                let row = row_of(*row, call) as usize;
                call.batch.rows.references.get(row).copied().unwrap_or_default()
            }
            Reference::Kept(place) => {
                let kept = call.state.first().map_or(&[][..], |slot| &slot.kept);
                if kept.is_empty() { 0 } else { *one_of(kept, *place) }
            }
            Reference::Other(number) => *number,
        }
    }
}

/// A row of the call; 255 is one that it hasn't.
fn row_of(row: u8, call: &DetectionCall) -> u32 {
    let rows = u32::try_from(call.batch.len()).unwrap_or(1).max(1);
    if row == u8::MAX { rows } else { u32::from(row) % rows }
}

fn one_of<T>(all: &[T], choice: u8) -> &T {
    &all[usize::from(choice) % all.len()]
}

fn length<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}
