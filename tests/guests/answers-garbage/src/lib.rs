//! Breaks the contract in the way that an event's operation names, over the generated types: the SDK would prevent it.
//! On all other events it answers honestly: a finding, and a count in its first slot.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "exported by the component only"))]

use countersign_sdk::bindings::detect::{
    Answer, Batch, ContextTable, Diagnostic, EvidenceRole, Finding, Guest, Level, Parameter, Severity, SlotChanges,
    SlotState, SubjectRole, TextArena, Timer, Values,
};

const TEN_MILLION: usize = 10_000_000;

/// A reference that no host issued.
const MADE_UP: u64 = 0xdead_beef_dead_beef;

struct Component;

impl Guest for Component {
    fn evaluate(batch: Batch, state: Vec<SlotState>, _: Vec<Parameter>, _: Vec<u8>, _: Vec<ContextTable>) -> Answer {
        let mut answer =
            Answer { findings: Vec::new(), states: Vec::new(), timers: Vec::new(), diagnostics: Vec::new() };
        let mut counts = Counts::of(state.first());
        for row in 0..batch.rows.references.len() {
            let operation = operation(&batch, row).unwrap_or_default();
            let key = batch.rows.keys.get(row).copied().unwrap_or(u32::MAX);
            let count = counts.add(key);
            let mut finding = honest(row as u32, format!("row {count} of its key"));
            misbehave(operation, &batch, row as u32, key, &mut finding, &mut answer);
            // A rule that finds less when rows are judged again one by one.
            if operation != "FindsInBatch" || batch.rows.references.len() > 1 {
                answer.findings.push(finding);
            }
        }
        if answer.states.iter().all(|changes| changes.slot != 0) {
            answer.states.splice(0..0, counts.changes());
        }
        answer
    }

    fn migrate(_: u32, from_version: u32, blob: Vec<u8>) -> Result<Vec<u8>, String> {
        match from_version {
            1 => Ok(blob),
            2 => Ok(vec![0; 1 << 20]),
            _ => Err("x".repeat(5_000)),
        }
    }
}

#[cfg(target_arch = "wasm32")]
countersign_sdk::bindings::detection::export_detection_world!(Component with_types_in countersign_sdk::bindings::detection);

fn honest(row: u32, message: String) -> Finding {
    Finding {
        row,
        signal_class: "privilege".to_owned(),
        confidence: 60,
        severity: Severity::Medium,
        subject: SubjectRole::Actor,
        evidence: Vec::new(),
        techniques: vec!["T1078".to_owned()],
        message,
        evidence_role: None,
    }
}

fn misbehave(operation: &str, batch: &Batch, row: u32, key: u32, finding: &mut Finding, answer: &mut Answer) {
    let rows = batch.rows.references.len();
    let diagnostic = |row: u32, message: String| Diagnostic { row, level: Level::Information, message };
    let timer = |row: u32, id: &str, at: Option<i64>| Timer { row, id: id.to_owned(), at };
    let own = batch.rows.references.get(row as usize).copied().unwrap_or_default();
    let time = batch.rows.event_times.get(row as usize).copied().unwrap_or_default();
    match operation {
        "UnknownReference" => finding.evidence = vec![MADE_UP],
        "AnotherKeysReference" => {
            let mut others = batch.rows.references.iter().zip(&batch.rows.keys).filter(|(_, other)| **other != key);
            finding.evidence = others.next().map(|(reference, _)| *reference).into_iter().collect();
        }
        "ReferencesWithoutEnd" => finding.evidence = vec![own; 1_000],
        "Confidence101" => finding.confidence = 101,
        "UndeclaredClass" => finding.signal_class = "sign-in".to_owned(),
        "UnknownClass" => finding.signal_class = "Privilege ".to_owned(),
        "UndeclaredTechnique" => finding.techniques = vec!["T1110".to_owned()],
        "TechniqueTwice" => finding.techniques = vec!["T1078".to_owned(); 2],
        "StrongerRole" => {
            finding.subject = SubjectRole::Target;
            finding.evidence_role = Some(EvidenceRole::AuthenticatedAs);
        }
        "WeakerRole" => finding.evidence_role = Some(EvidenceRole::MerelyNames),
        "LongMessage" => finding.message = "m".repeat(1_025),
        "RowBeyond" => finding.row = rows as u32,
        "ManyFindings" => answer.findings.extend((0..16).map(|index| honest(row, format!("finding {index}")))),
        "LongDiagnostic" => answer.diagnostics.push(diagnostic(row, "d".repeat(1_025))),
        "DiagnosticBeyond" => answer.diagnostics.push(diagnostic(u32::MAX, String::new())),
        "ManyDiagnostics" => {
            answer.diagnostics.extend((0..17).map(|index| diagnostic(row, format!("diagnostic {index}"))));
        }
        "Flood" => answer.diagnostics.extend((0..16).map(|_| diagnostic(row, "f".repeat(1_024)))),
        "FloodOfState" => answer.states.push(slot(1, &[key], vec![1; 1 << 20], &[0, 1 << 20], &[], &[0, 0])),
        "StateTooLarge" => answer.states.push(slot(1, &[key], vec![1; 5], &[0, 5], &[], &[0, 0])),
        "KeyBeyond" => answer.states.push(slot(1, &[rows as u32 + 7], vec![1], &[0, 1], &[], &[0, 0])),
        "KeyOfNoRow" => answer.states.push(slot(1, &[u32::MAX], vec![1], &[0, 1], &[], &[0, 0])),
        "KeyTwice" => answer.states.push(slot(1, &[key, key], vec![1, 1], &[0, 1, 2], &[], &[0, 0, 0])),
        "OffsetsPastTheEnd" => answer.states.push(slot(1, &[key], vec![1], &[0, 9], &[], &[0, 0])),
        "OffsetsTooFew" => answer.states.push(slot(1, &[key], Vec::new(), &[0], &[], &[0])),
        "OffsetsFromElsewhere" => answer.states.push(slot(1, &[key], vec![1, 1], &[1, 2], &[], &[0, 0])),
        "OffsetsFall" => {
            answer.states.push(slot(1, &[key, key + 1], vec![1, 1], &[0, 3, 2], &[], &[0, 0, 0]));
        }
        "SlotBeyond" => answer.states.push(slot(2, &[key], vec![1], &[0, 1], &[], &[0, 0])),
        "SlotTwice" => answer
            .states
            .extend([slot(1, &[key], vec![1], &[0, 1], &[], &[0, 0]), slot(1, &[key], vec![1], &[0, 1], &[], &[0, 0])]),
        "KeepsUnknown" => answer.states.push(slot(0, &[key], vec![1], &[0, 1], &[MADE_UP], &[0, 1])),
        "KeepsTooMany" => answer.states.push(slot(1, &[key], vec![1], &[0, 1], &[own], &[0, 1])),
        "KeepsOfTheForgotten" => answer.states.push(slot(0, &[key], Vec::new(), &[0, 0], &[own], &[0, 1])),
        "TimerUndeclared" => answer.timers.push(timer(row, "loud", Some(0))),
        "TimerTooFar" => answer.timers.push(timer(row, "quiet", Some(i64::MAX))),
        "TimerBeyond" => answer.timers.push(timer(rows as u32, "quiet", None)),
        "Timer" => answer.timers.push(timer(row, "quiet", None)),
        "TimerAhead" => answer.timers.push(timer(row, "quiet", Some(time + 3_000_000_000))),
        // Fires at the next tick, and is set again by its own row.
        "TimerBehind" => answer.timers.push(timer(row, "quiet", Some(i64::MIN))),
        "TenMillionTimers" => answer.timers = vec![timer(row, "quiet", Some(time)); TEN_MILLION],
        "TenMillionFindings" => answer.findings = vec![honest(row, String::new()); TEN_MILLION],
        "HugeMessage" => finding.message = "m".repeat(2 << 20),
        // The message depends on how many rows are in the batch.
        "SaysBatch" => finding.message = format!("one of {rows}"),
        "StateOfBatch" => answer.states.push(slot(1, &[key], vec![rows as u8], &[0, 1], &[], &[0, 0])),
        _ => {}
    }
}

fn slot(
    slot: u32,
    keys: &[u32],
    blobs: Vec<u8>,
    blob_offsets: &[u32],
    kept: &[u64],
    kept_offsets: &[u32],
) -> SlotChanges {
    SlotChanges {
        slot,
        keys: keys.to_vec(),
        blobs,
        blob_offsets: blob_offsets.to_vec(),
        kept: kept.to_vec(),
        kept_offsets: kept_offsets.to_vec(),
    }
}

/// The number of rows of each key.
struct Counts {
    counts: Vec<u8>,
    before: Vec<u8>,
}

impl Counts {
    fn of(state: Option<&SlotState>) -> Counts {
        let keys = state.map_or(0, |state| state.blob_offsets.len().saturating_sub(1));
        let count = |key: usize| {
            let state = state?;
            state.blobs.get(*state.blob_offsets.get(key)? as usize..*state.blob_offsets.get(key + 1)? as usize)?.first()
        };
        let counts: Vec<u8> = (0..keys).map(|key| count(key).copied().unwrap_or_default()).collect();
        Counts { before: counts.clone(), counts }
    }

    fn add(&mut self, key: u32) -> u8 {
        let Some(count) = self.counts.get_mut(key as usize) else { return 1 };
        *count += 1;
        *count
    }

    fn changes(&self) -> Option<SlotChanges> {
        let changed = (0u32..).zip(self.counts.iter().zip(&self.before)).filter(|(_, (now, before))| now != before);
        let (keys, blobs): (Vec<u32>, Vec<u8>) = changed.map(|(key, (now, _))| (key, *now)).unzip();
        let offsets: Vec<u32> = (0..=keys.len() as u32).collect();
        (!keys.is_empty()).then(|| slot(0, &keys, blobs, &offsets, &[], &vec![0; offsets.len()]))
    }
}

fn operation(batch: &Batch, row: usize) -> Option<&str> {
    let text = |arena: &'_ TextArena, index: usize| {
        let range = *arena.offsets.get(index)? as usize..*arena.offsets.get(index + 1)? as usize;
        Some((range.start, range.end))
    };
    let (arena, index) = match &batch.columns.first()?.values {
        Values::Text(arena) => (arena, row),
        Values::Dictionary(dictionary) => (&dictionary.entries, *dictionary.indices.get(row)? as usize),
        _ => return None,
    };
    let (start, end) = text(arena, index)?;
    arena.bytes.get(start..end)
}
