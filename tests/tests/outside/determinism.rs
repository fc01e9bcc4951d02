//! The same input gives the same decisions, the same audit file and the same state, bit for bit, for any size of batches
//! and number of workers, with a rule that traps and one that runs out of fuel among the rules.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use countersign_formats::{DeadLetter, format_by_name};
use countersign_generate::{Disorder, Preset, Telemetry, write_ndjson};
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_inputs::{ByteInput, InputId, ReadAs, WithFormat, merge};
use countersign_model::{Digest, DigestKey, Finding, Intent, StateChange};
use countersign_policy::{DEFAULT_POLICY, Directory, Policy, SourceFile};
use countersign_session::{DecisionLine, Notice, Observer, Replay, SessionOptions, run};
use countersign_store::{Head, MemoryStore, Stored};
use countersign_stream::QuarantineThreshold;

use crate::support::{NEVER, bytes, engine, settings};

/// Sizes of batches, and numbers of workers.
const ALL: &[(usize, usize)] = &[(1, 1), (1, 2), (7, 1), (7, 2), (256, 1), (256, 2), (1_024, 1), (1_024, 2)];
const SOME: &[(usize, usize)] = &[(1, 2), (7, 1), (1_024, 2)];

/// Parameters with which the hostile guests fail on ordinary events, and find in some of the others.
const PARAMETERS: &str = r#"
[rule."hostile/panics"]
parameters = { on = ["ListRoles", "GetUser", "DescribeInstances"], every = 5 }

[rule."hostile/burns-fuel"]
parameters = { on = ["ListBuckets", "ListUsers", "AssumeRole"], every = 7, work = 1500 }
"#;

/// The results of a run, which must not differ.
#[derive(PartialEq)]
pub(crate) struct Results {
    /// Decisions as `--json` prints them, and all other output, in order.
    pub(crate) output: Vec<String>,
    pub(crate) audit: Vec<u8>,
    head: Head,
    /// The summary without its seconds.
    pub(crate) summary: String,
    pub(crate) snapshot: Snapshot,
}

impl Results {
    /// The digests of the results, which take gigabytes for a million events.
    fn condensed(self) -> (Head, String, [Digest; 3]) {
        let Results { output, audit, head, summary, snapshot } = self;
        let texts = [output.join("\n").into_bytes(), audit, format!("{snapshot:?}").into_bytes()];
        (head, summary, texts.map(|text| Digest::of(&text)))
    }
}

/// Collects the output of a run.
#[derive(Default)]
pub(crate) struct Collector {
    output: Vec<String>,
}

impl Observer for Collector {
    fn decision(&mut self, _: u64, line: &DecisionLine) -> io::Result<()> {
        self.output.push(serde_json::to_string(line)?);
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, letter: &DeadLetter) -> io::Result<()> {
        self.output.push(format!("{letter:?}"));
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        self.output.push(serde_json::to_string(notice)?);
        Ok(())
    }
}

/// What a store has beside the log, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) state: Vec<StateChange>,
    pub(crate) baselines: Vec<StateChange>,
    pub(crate) timers: Vec<String>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) intents: Vec<Intent>,
}

impl Snapshot {
    /// What a store has as of its last commit.
    pub(crate) fn of(store: &dyn Stored) -> Snapshot {
        let timers = store.timers(None, usize::MAX).unwrap();
        Snapshot {
            state: store.state(None, usize::MAX).unwrap(),
            baselines: store.baselines(None, usize::MAX).unwrap(),
            timers: timers.iter().map(|timer| serde_json::to_string(timer).unwrap()).collect(),
            findings: store.findings(0, usize::MAX).unwrap(),
            intents: store.intents(0, usize::MAX).unwrap(),
        }
    }
}

/// The shipped rules under the shipped policy.
pub(crate) fn shipped_generation(identities: Option<&str>) -> Arc<Generation> {
    load(identities, DEFAULT_POLICY.to_owned(), &[])
}

/// The shipped rules and the two that fail, under the shipped policy.
pub(crate) fn generation(identities: &str) -> Arc<Generation> {
    let hostile = ["panics", "burns-fuel"].map(|name| (name, bytes(name)));
    load(Some(identities), format!("{DEFAULT_POLICY}{PARAMETERS}"), &hostile)
}

fn load(identities: Option<&str>, policy: String, beside: &[(&str, &[u8])]) -> Arc<Generation> {
    let rules = countersign_shipped::RULES.iter().copied().chain(beside.iter().copied());
    let rules = rules.map(|(name, bytes)| RuleFile { name: name.to_owned(), bytes: bytes.to_vec() }).collect();
    let settings = Settings {
        policy: SourceFile::parse("policy", policy, Policy::parse).unwrap(),
        directory: identities.map(|text| SourceFile::parse("identities", text, Directory::parse).unwrap()),
        ..settings()
    };
    let (generation, faults) = Generation::load(engine(), rules, settings);
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// The demo's telemetry as it may really come: late, twice, out of order, damaged.
pub(crate) fn telemetry() -> (Vec<u8>, String) {
    let disorder = Disorder { late: 20, out_of_order: 100, duplicate: 10, bad: 5 };
    let generated = Preset::Demo.scenario(Telemetry::CloudTrail, 7, None).disorder(disorder).build();
    let mut bytes = Vec::new();
    write_ndjson(generated.records, &mut bytes).unwrap();
    (bytes, generated.identities_toml)
}

pub(crate) fn judge(
    telemetry: &[u8],
    generation: &Arc<Generation>,
    batch: usize,
    workers: usize,
    quarantine: QuarantineThreshold,
) -> Results {
    let options = SessionOptions { batch, workers, quarantine, key: DigestKey::public(), ..SessionOptions::default() };
    judge_merged(&[(Telemetry::CloudTrail, telemetry.into())], generation, options)
}

/// The same over several inputs, joined by event time.
fn judge_merged(inputs: &[(Telemetry, Arc<[u8]>)], generation: &Arc<Generation>, options: SessionOptions) -> Results {
    let input = |(telemetry, bytes): &(Telemetry, Arc<[u8]>)| -> WithFormat {
        let bytes = Box::new(io::Cursor::new(Arc::clone(bytes)));
        let input = ByteInput::once(InputId::from(telemetry.id()), bytes).unwrap();
        (Box::new(input), ReadAs::format(format_by_name(telemetry.id()).unwrap()))
    };
    let records = merge(inputs.iter().map(input).collect()).records();
    let replay = Replay { inputs: u32::try_from(inputs.len()).unwrap(), until: None };
    let mut collector = Collector::default();
    // Blobs are left out: records have the digests of their contents.
    let mut store = MemoryStore::without_blobs();
    let report = run(records, generation, &mut store, &options, replay, &mut collector).unwrap();
    let mut summary = report.summary;
    summary.seconds = 0.0;
    Results {
        output: collector.output,
        audit: store.audit().to_vec(),
        head: report.head,
        summary: serde_json::to_string(&summary).unwrap(),
        snapshot: Snapshot::of(&store),
    }
}

/// Runs every combination and returns the results, which are the same for all.
fn check(combinations: &[(usize, usize)], quarantine: QuarantineThreshold) -> Results {
    let (telemetry, identities) = telemetry();
    let generation = generation(&identities);
    // The first combination is repeated too: a run must leave nothing behind.
    let first = judge(&telemetry, &generation, 256, 1, quarantine);
    for (batch, workers) in combinations.iter().copied() {
        let other = judge(&telemetry, &generation, batch, workers, quarantine);
        let which = format!("batch {batch}, workers {workers}");
        let differing = first.output.iter().zip(&other.output).find(|(one, other)| one != other);
        assert_eq!((differing, first.output.len()), (None, other.output.len()), "{which}");
        assert_eq!(first.summary, other.summary, "{which}");
        assert!(first.snapshot == other.snapshot, "{which}: what is stored differs");
        let lines = |results: &Results| {
            String::from_utf8(results.audit.clone()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let differing = lines(&first).into_iter().zip(lines(&other)).find(|(one, other)| one != other);
        assert_eq!(differing, None, "{which}");
        assert!(first == other, "{which}: the audit files differ");
    }
    first
}

#[test]
fn failing_rules_do_not_depend_on_batches_or_workers() {
    let results = check(ALL, NEVER);
    let count =
        |rule: &str, what: &str| results.output.iter().filter(|one| one.contains(rule) && one.contains(what)).count();
    let trapped = count("hostile/panics", "\"failure\":\"trap\"");
    let burnt = count("hostile/burns-fuel", "fuel-exhausted");
    assert!(trapped >= 20 && burnt >= 20, "{trapped} rows trapped, {burnt} rows ran out of fuel");
    for rule in ["hostile/panics", "hostile/burns-fuel", "countersign/"] {
        assert!(count(rule, "\"type\":\"decision\"") > 5, "{rule} led to few decisions");
    }
    assert!(count("", "time-far-ahead") + count("", "DeadLetter") > 0, "there was no dead letter");
    println!("{} lines, {} bytes of audit: {}", results.output.len(), results.audit.len(), results.summary);
}

#[test]
fn quarantine_does_not_depend_on_batches_or_workers() {
    let soon = QuarantineThreshold { min_accounts: 3, percent: 10 };
    let results = check(SOME, soon);
    for rule in ["hostile/panics", "hostile/burns-fuel"] {
        let (begins, ends) = (format!("`{rule}` is in quarantine"), format!("`{rule}` judges rows of"));
        let parked = format!("`{rule}` is parked for");
        let (mut quarantines, mut holds) = (0, 0);
        // The decisions since it began, while it lasts.
        let mut led_to: Option<usize> = None;
        for line in &results.output {
            if line.contains(&begins) {
                led_to = Some(0);
                quarantines += 1;
                holds += 1;
            } else if line.contains(&parked) {
                holds += 1;
            } else if line.contains(&ends) {
                led_to = None;
            } else if line.contains("\"type\":\"decision\"") && line.contains(rule) {
                led_to = led_to.map(|decisions| decisions + 1);
            }
            // Findings on the failing row itself may still follow.
            assert!(led_to.is_none_or(|decisions| decisions <= 1), "{rule} led to decisions in quarantine");
        }
        assert!(quarantines > 0, "{rule} never went into quarantine");
        let summary: serde_json::Value = serde_json::from_str(&results.summary).unwrap();
        assert_eq!(summary["holds"][rule], holds, "{summary}");
        assert!(summary["held_rows"][rule].as_u64() > Some(0), "{summary}");
    }
    assert!(results.output.iter().any(|line| line.contains("\"rule\":\"countersign/")), "no other rule has output");
    // State stays, and goes on once the quarantine has ended.
    let publishers: BTreeSet<&str> = results.snapshot.state.iter().map(|change| change.rule.publisher()).collect();
    assert_eq!(publishers, BTreeSet::from(["countersign", "hostile"]));
}

/// Chunks of thousands of events: here threads share the rules, and calls have the maximum size.
#[test]
fn a_dense_stream_does_not_depend_on_batches_or_workers() {
    let generated = Preset::Bulk.scenario(Telemetry::CloudTrail, 3, Some(12_000)).build();
    let identities = generated.identities_toml.clone();
    let mut telemetry = Vec::new();
    write_ndjson(generated.records, &mut telemetry).unwrap();
    let generation = generation(&identities);
    let first = judge(&telemetry, &generation, 256, 1, NEVER);
    for (batch, workers) in [(256, 2), (1_024, 2), (7, 2)] {
        let other = judge(&telemetry, &generation, batch, workers, NEVER);
        assert!(first == other, "batch {batch}, workers {workers}");
    }
    assert!(first.output.len() > 100, "{} lines", first.output.len());
}

/// The merged telemetry of three systems of one company, each late, twice and out of order: so many events.
fn three_systems(events: u64) {
    let disorder = Disorder { late: 20, out_of_order: 100, duplicate: 20, bad: 2 };
    let mut identities = String::new();
    let mut inputs = Vec::new();
    for telemetry in Telemetry::ALL {
        let generated = Preset::Bulk.scenario(*telemetry, 11, Some(events / 3)).disorder(disorder).build();
        let mut bytes = Vec::new();
        write_ndjson(generated.records, &mut bytes).unwrap();
        inputs.push((*telemetry, bytes.into()));
        identities = generated.identities_toml;
    }
    let generation = generation(&identities);
    let judged = |batch, workers| {
        let options = SessionOptions { batch, workers, quarantine: NEVER, ..SessionOptions::default() };
        judge_merged(&inputs, &generation, options).condensed()
    };
    let first = judged(256, 1);
    println!("{}", first.1);
    for (batch, workers) in ALL.iter().copied().filter(|one| *one != (256, 1)) {
        assert_eq!(first, judged(batch, workers), "batch {batch}, workers {workers}");
    }
    let summary: serde_json::Value = serde_json::from_str(&first.1).unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert!(count("events") >= events / 3 * 3, "{summary}");
    assert!(count("duplicates") > events / 100, "{summary}");
    assert!(count("findings") > 100, "{summary}");
}

#[test]
fn three_interleaved_systems_do_not_depend_on_batches_or_workers() {
    three_systems(50_000);
}

#[test]
#[ignore = "takes half an hour: a million events, eight times over"]
fn a_million_events_of_three_interleaved_systems_do_not_depend_on_batches_or_workers() {
    three_systems(1_000_000);
}
