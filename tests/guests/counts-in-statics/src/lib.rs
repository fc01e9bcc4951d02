//! Counts its calls in a static and on the heap, and reports the counts: always the first call, if no memory persists.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "exported by the component only"))]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use countersign_sdk::bindings::detect::{
    Answer, Batch, ContextTable, Finding, Guest, Parameter, Severity, SlotState, SubjectRole,
};

static CALLS: AtomicU8 = AtomicU8::new(0);
static REMEMBERED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

struct Component;

impl Guest for Component {
    fn evaluate(batch: Batch, _: Vec<SlotState>, _: Vec<Parameter>, _: Vec<u8>, _: Vec<ContextTable>) -> Answer {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let mut remembered = REMEMBERED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = remembered.len();
        remembered.extend(&batch.rows.references);
        let finding = |row| Finding {
            row,
            signal_class: "privilege".to_owned(),
            confidence: calls,
            severity: Severity::Low,
            subject: SubjectRole::Actor,
            evidence: Vec::new(),
            techniques: Vec::new(),
            message: format!("call {calls}, {before} rows remembered"),
            evidence_role: None,
        };
        let rows = 0..batch.rows.references.len() as u32;
        Answer {
            findings: rows.map(finding).collect(),
            states: Vec::new(),
            timers: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    fn migrate(_: u32, _: u32, _: Vec<u8>) -> Result<Vec<u8>, String> {
        Err(format!("call {}", CALLS.load(Ordering::Relaxed)))
    }
}

#[cfg(target_arch = "wasm32")]
countersign_sdk::bindings::detection::export_detection_world!(Component with_types_in countersign_sdk::bindings::detection);
