//! Answers of detection rules: whatever a rule answers to its calls, the stream accepts what keeps the contract and sets rows
//! aside for the rest. The bytes are a [`script`]: events, and what the rule answers call by call.

pub mod script;
mod watch;

use std::sync::{Arc, Mutex};

use arbitrary::{Arbitrary, Unstructured};
use countersign_declaration::{Declaration, parse_toml};
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind};
use countersign_stream::{Clock, RuleStream, Sequenced};

use script::{Reply, Script};
use watch::Watch;

/// Bound of the events of a script, and of the answers before they begin anew.
const MAX_ITEMS: usize = 24;

/// What a rule of one partition key declares.
fn declaration(keyed: bool) -> Declaration {
    let head = r#"
id = "example/answers-anything"
version = "1.0.0"
kind = "detection"
description = "Answers anything."
identity-types = ["human"]
confidence-floor = 50
actions = ["notify"]
signal-classes = ["token", "sign-in"]
techniques = ["T1078", "T1078.004"]
event-classes = ["api-activity"]
fields = ["api.operation"]
"#;
    let tables = r#"
partition-key = "actor"

[[slot]]
name = "first"
version = 2
max-bytes = 4
max-keys = 2
kept-references = 2
ttl = "10m"

[[slot]]
name = "second"
version = 1
max-bytes = 1
max-keys = 2
ttl = "1m"
when-full = "refuse"

[timers]
ids = ["one", "other"]
most-per-key = 1
longest = "10m"
"#;
    let text = format!("{head}{}", if keyed { tables } else { "" });
    parse_toml(&text).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

/// What came of a script: how often each thing was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Findings.
    pub findings: usize,
    /// Events that were kept, cited as evidence.
    pub kept_cited: usize,
    /// Keys whose state changed.
    pub states: usize,
    /// Timers that came.
    pub timers: usize,
    /// Rows set aside.
    pub failures: usize,
}

/// A rule that answers as its script does.
struct Scripted {
    replies: Vec<Reply>,
    calls: Mutex<usize>,
}

impl Detector for Scripted {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let mut calls = self.calls.lock().expect("no thread panics with it");
        let reply = self.replies.get(*calls % self.replies.len().max(1));
        *calls += 1;
        reply.map_or_else(|| Ok(DetectionAnswer::default()), |reply| reply.answer(call))
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "nothing is older".to_owned() })
    }
}

/// Checks a script. Returns what was seen.
pub fn check(bytes: &[u8]) -> Seen {
    let Ok(mut script) = Script::arbitrary(&mut Unstructured::new(bytes)) else { return Seen::default() };
    script.events.truncate(MAX_ITEMS);
    script.replies.truncate(MAX_ITEMS);
    let declaration = declaration(script.keyed);
    let detector = Arc::new(Scripted { replies: script.replies, calls: Mutex::default() });
    let mut stream = RuleStream::new(declaration.clone(), detector.clone(), Vec::new(), Vec::new());
    let mut watch = Watch::new(declaration);
    let mut clock = Clock::default();
    let mut waiting: Vec<Sequenced> = Vec::new();
    for (event, position) in script::events(&script.events).zip(0..) {
        let (tick, placement) = clock.place(&event.source, event.time, event.time);
        if let Some(tick) = tick {
            judge(&mut stream, &detector, &mut watch, &mut waiting);
            stream.tick(tick);
            let due = stream.due(tick, position, placement.clock);
            let (states, timers) = stream.changes();
            watch.changes(&states, &timers);
            watch.ticked(stream.pending_timers());
            waiting.extend(due);
        }
        waiting.push(Sequenced::new(position, Arc::new(event), placement));
        if waiting.len() >= usize::from(script.batch) {
            judge(&mut stream, &detector, &mut watch, &mut waiting);
        }
    }
    judge(&mut stream, &detector, &mut watch, &mut waiting);
    let left = stream.take_carried().removals(&stream.declaration().id);
    watch.changes(&left.state, &left.timers);
    watch.forgotten(&stream);
    watch.seen()
}

fn judge(stream: &mut RuleStream, detector: &Scripted, watch: &mut Watch, waiting: &mut Vec<Sequenced>) {
    let rows: Vec<&Sequenced> = waiting.iter().collect();
    let calls = |detector: &Scripted| *detector.calls.lock().expect("no thread panics with it");
    let before = calls(detector);
    let outcome = stream.judge(&rows);
    watch.outcome(&rows, &outcome, calls(detector) - before);
    waiting.clear();
}
