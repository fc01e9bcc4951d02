//! Records of the running version, written through casework: recomputed without a difference, over several generations;
//! what another engine may have made is by version; everything else is tampering.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "common/log.rs"]
mod log;

use std::collections::BTreeSet;

use countersign_audit::Record;
use countersign_audit::record::{
    Component, DecisionRecord, FindingRecord, Generation as GenerationRecord, Readmitted, RuleStopped,
};
use countersign_casework::bundle::{FindingBundle, ResponseBundle};
use countersign_casework::respond::{Response, call_response_rule};
use countersign_casework::{Case, Casework};
use countersign_engine::ENGINE_VERSION;
use countersign_gate::{Circumstances, GateInputs, KillSwitch, VERSION};
use countersign_generation::{ContextFiles, Generation, RuleFile, Settings};
use countersign_model::call::{AnswerTimer, CallFailure, FailureKind};
use countersign_model::format::Format;
use countersign_model::{DecisionKind, Digest, HeldRows, HoldEnd, Timestamp};
use countersign_policy::{Capabilities, Directory, Policy, SHIPPED_CAPABILITIES, SourceFile};
use countersign_recompute::{Cause, Versioned};
use log::{ENGINE, KEY, MemoryLog, old_file, shown};
use serde::Serialize;

/// The rules, policy, identities and evidence of the old file, under the present capability tables.
struct Source {
    old: MemoryLog,
    generation: std::sync::Arc<Generation>,
    findings: Vec<FindingBundle>,
}

impl Source {
    fn new() -> Source {
        let old = MemoryLog::of_file(&old_file());
        let text = |name: &Digest| String::from_utf8(old.blobs[name].clone()).unwrap();
        let (mut rules, mut findings, mut settings) = (Vec::new(), Vec::new(), None);
        for record in &old.records {
            match record {
                Record::Generation(record) => settings = Some(record.clone()),
                Record::Component(Component { rule, component, .. }) => {
                    rules.push(RuleFile { name: rule.to_string(), bytes: old.blobs[component].clone() });
                }
                Record::Finding(finding) => findings.push(old.evidence(finding)),
                _ => {}
            }
        }
        let record = settings.unwrap();
        let identities = record.identities.as_ref().unwrap();
        let (policy, trust) = Policy::parse_before_trust(&text(&record.policy)).unwrap();
        let settings = Settings {
            policy: SourceFile { name: "policy".to_owned(), text: text(&record.policy), content: policy },
            trust: SourceFile { name: "policy".to_owned(), text: String::new(), content: trust },
            sources_text: None,
            shipped: BTreeSet::new(),
            directory: Some(SourceFile::parse("identities", text(identities), Directory::parse).unwrap()),
            capabilities: SourceFile::parse("capabilities", SHIPPED_CAPABILITIES, Capabilities::parse).unwrap(),
            context: ContextFiles::default(),
        };
        let (generation, faults) = Generation::load(&ENGINE, rules, settings);
        assert!(faults.is_empty(), "{faults:?}");
        Source { old, generation, findings }
    }

    /// Puts the generation on record under a number, with the bytes of its rules.
    fn begin(&self, log: &mut MemoryLog, number: u64) {
        let Some(Record::Generation(old)) =
            self.old.records.iter().find(|record| matches!(record, Record::Generation(_)))
        else {
            panic!("no generation")
        };
        let generation = &self.generation;
        let record = GenerationRecord {
            number,
            policy: log.blob(generation.policy_text.clone().into_bytes()),
            identities: generation.directory_text.clone().map(|text| log.blob(text.into_bytes())),
            capabilities: log.blob(generation.capabilities_text.clone().into_bytes()),
            gate: VERSION,
            ..old.clone()
        };
        log.records.push(Record::Generation(record));
        for rule in generation.detections.iter().chain(&generation.responses) {
            let component = log.blob(rule.bytes().unwrap());
            log.records.push(Record::Component(Component { position: 0, rule: rule.identity.id.clone(), component }));
        }
    }

    /// Decides on a finding under a generation's number.
    fn decide(&self, number: u64, finding: &FindingBundle) -> Case {
        let casework = Casework::new(&self.generation, number, &KEY);
        let respond = |id: &_, inputs: &GateInputs| {
            let rule = self.generation.responses.iter().find(|rule| rule.identity.id == *id)?;
            Some(call_response_rule(rule, inputs))
        };
        casework.decide_again(vec![finding.clone()], &Circumstances::unconfigured(), respond).unwrap()
    }

    /// A record of all findings under one generation.
    fn record(&self) -> MemoryLog {
        let mut log = MemoryLog::new();
        self.begin(&mut log, 1);
        for finding in &self.findings {
            put(&mut log, self.decide(1, finding));
        }
        log
    }
}

/// Puts a case on record, as a session does.
fn put(log: &mut MemoryLog, case: Case) {
    for blob in case.blobs() {
        log.blobs.insert(blob.name(), blob.bytes().to_vec());
    }
    log.records.extend(case.findings.into_iter().map(|finding| Record::Finding(finding.record)));
    log.records.extend(case.decisions.into_iter().map(|decision| Record::Decision(Box::new(decision.record))));
}

fn findings(log: &mut MemoryLog) -> impl Iterator<Item = &mut FindingRecord> {
    log.records.iter_mut().filter_map(|record| match record {
        Record::Finding(finding) => Some(finding),
        _ => None,
    })
}

fn decisions(log: &mut MemoryLog) -> impl Iterator<Item = &mut DecisionRecord> {
    log.records.iter_mut().filter_map(|record| match record {
        Record::Decision(decision) => Some(&mut **decision),
        _ => None,
    })
}

fn generations(log: &mut MemoryLog) -> impl Iterator<Item = &mut GenerationRecord> {
    log.records.iter_mut().filter_map(|record| match record {
        Record::Generation(generation) => Some(generation),
        _ => None,
    })
}

fn bytes(form: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(form).unwrap()
}

/// Changes every evidence bundle, and the records that name them.
fn change_findings(log: &mut MemoryLog, change: impl Fn(&mut FindingBundle)) {
    let records: Vec<FindingRecord> = findings(log).map(|finding| finding.clone()).collect();
    for record in records {
        let mut bundle = log.evidence(&record);
        change(&mut bundle);
        let (own, call) = (log.blob(bytes(&bundle.own_part())), log.blob(bytes(&bundle.call_part())));
        for finding in findings(log).filter(|finding| **finding == record) {
            (finding.bundle, finding.call) = (own, Some(call));
        }
    }
}

/// Changes every response bundle, and the records that name them.
fn change_responses(log: &mut MemoryLog, change: impl Fn(&mut ResponseBundle)) {
    let names: Vec<Digest> =
        decisions(log).flat_map(|decision| decision.responses.iter().map(|response| response.bundle)).collect();
    for name in names {
        let mut bundle = ResponseBundle::read(&log.blobs[&name]).unwrap();
        change(&mut bundle);
        let other = log.blob(bytes(&bundle));
        for decision in decisions(log) {
            for response in decision.responses.iter_mut().filter(|response| response.bundle == name) {
                response.bundle = other;
            }
        }
    }
}

/// Changes all gate inputs, and the records that name them.
fn change_inputs(log: &mut MemoryLog, change: impl Fn(&mut GateInputs)) {
    let names: Vec<Digest> = decisions(log).map(|decision| decision.inputs).collect();
    for name in names {
        let mut inputs = GateInputs::read(&log.blobs[&name]).unwrap();
        change(&mut inputs);
        let other = log.blob(bytes(&inputs));
        decisions(log).filter(|decision| decision.inputs == name).for_each(|decision| decision.inputs = other);
    }
}

/// What differs, each kind once.
fn kinds(log: &mut MemoryLog) -> Vec<(String, Cause)> {
    let mut kinds: Vec<(String, Cause)> =
        log.recompute().differences.into_iter().map(|difference| (difference.what, difference.cause)).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

#[track_caller]
fn check(mut log: MemoryLog, expected: &[(&str, Cause)]) {
    let expected: Vec<(String, Cause)> = expected.iter().map(|(what, cause)| ((*what).to_owned(), *cause)).collect();
    assert_eq!(kinds(&mut log), expected);
}

use Cause::{EngineVersion, GateVersion, Tampering};

#[test]
fn a_record_of_the_running_version_has_no_difference() {
    let mut log = Source::new().record();
    let result = log.recompute();
    assert_eq!(shown(&result.differences), "");
    assert_eq!((result.findings, result.decisions, result.versions), (5, 19, Vec::new()));
    // The present tables say that a person's key is one person's.
    assert!(decisions(&mut log).any(|one| one.decision.kind == DecisionKind::Execute && one.decision.lease.is_some()));
}

#[test]
fn each_generation_judges_under_its_number() {
    let source = Source::new();
    let two = |numbers: [u64; 2], under: u64| {
        let mut log = MemoryLog::new();
        source.begin(&mut log, numbers[0]);
        put(&mut log, source.decide(numbers[0], &source.findings[0]));
        source.begin(&mut log, numbers[1]);
        put(&mut log, source.decide(under, &source.findings[1]));
        log
    };
    check(two([1, 2], 2), &[]);
    check(two([1, 7], 7), &[]);
    check(two([1, 2], 1), &[("decision record", Tampering), ("finding record", Tampering)]);
    // Put on record again, as after a start with other options.
    check(two([2, 2], 2), &[]);
    check(two([2, 1], 1), &[("number of a generation", Tampering)]);
    check(two([0, 1], 1), &[("number of a generation", Tampering)]);
}

#[test]
fn an_answer_of_another_engine_differs_by_version() {
    let source = Source::new();
    let other_engine = || {
        let mut log = source.record();
        generations(&mut log).for_each(|generation| generation.engine = "another 1".to_owned());
        change_findings(&mut log, |bundle| bundle.engine = "another 1".to_owned());
        change_responses(&mut log, |bundle| bundle.engine = "another 1".to_owned());
        log
    };
    let mut log = other_engine();
    let result = log.recompute();
    assert_eq!(shown(&result.differences), "");
    let versions: Vec<_> = result.versions.iter().map(|one| (one.what, one.recorded.as_str())).collect();
    assert_eq!(versions, [(Versioned::Engine, "another 1")]);

    let mut log = other_engine();
    change_findings(&mut log, |bundle| bundle.answer.timers.push(AnswerTimer { row: 0, id: "x".to_owned(), at: None }));
    check(log, &[("answer", EngineVersion)]);

    // A response rule that proposed nothing then, and what followed from it.
    let mut log = other_engine();
    change_responses(&mut log, |bundle| bundle.answer = Ok(Default::default()));
    let found = kinds(&mut log);
    assert!(found.contains(&("answer of a response rule".to_owned(), EngineVersion)), "{found:?}");
    assert!(found.iter().all(|(_, cause)| *cause == EngineVersion), "{found:?}");

    // A decision that doesn't follow from the answers on record is tampering under every engine.
    let mut log = other_engine();
    decisions(&mut log).for_each(|one| one.decision.confidence = 1);
    check(log, &[("decision", Tampering)]);
    // So is an answer that another engine gave than the generation's.
    let mut log = source.record();
    change_findings(&mut log, |bundle| bundle.engine = "another 1".to_owned());
    check(log, &[("engine of the finding bundle", Tampering)]);
    assert_ne!(ENGINE_VERSION, "another 1");
}

#[test]
fn what_another_gate_decided_differs_by_version() {
    let mut log = Source::new().record();
    generations(&mut log).for_each(|generation| generation.gate = VERSION + 1);
    check(log.clone(), &[("gate version of the gate inputs", Tampering)]);
    change_inputs(&mut log, |inputs| inputs.gate = VERSION + 1);
    check(log.clone(), &[]);
    decisions(&mut log).for_each(|one| one.decision.confidence = 1);
    check(log.clone(), &[("decision", GateVersion)]);
    change_inputs(&mut log, |inputs| inputs.circumstances.kill_switch = KillSwitch::On);
    check(log, &[("circumstances of the gate inputs", Tampering), ("decision", GateVersion)]);
}

#[test]
fn what_is_changed_is_tampering() {
    let source = Source::new();
    let changed = |change: fn(&mut MemoryLog)| {
        let mut log = source.record();
        change(&mut log);
        log
    };
    let decided = |change: fn(&mut DecisionRecord)| {
        let mut log = source.record();
        decisions(&mut log).for_each(change);
        log
    };
    check(decided(|one| one.decision.kind = DecisionKind::AwaitApproval), &[("decision", Tampering)]);
    check(decided(|one| one.decision.reasons.clear()), &[("decision", Tampering)]);
    check(decided(|one| drop(one.responses.pop())), &[("decision record", Tampering)]);
    check(changed(|log| change_inputs(log, |inputs| inputs.proposals.clear())), &[("proposals", Tampering)]);
    check(changed(|log| change_inputs(log, |inputs| inputs.rules[0].cap = 1)), &[("authority of rules", Tampering)]);
    let found = kinds(&mut changed(|log| change_findings(log, |bundle| bundle.finding.confidence = 1)));
    for what in ["finding record", "what the host made of the answer", "incident of the gate inputs", "decision"] {
        assert!(found.contains(&(what.to_owned(), Tampering)), "{found:?}");
    }
    assert!(found.iter().all(|(_, cause)| *cause == Tampering), "{found:?}");
    check(
        changed(|log| log.records.retain(|record| !matches!(record, Record::Decision(_)))),
        &[("how many decisions on a finding", Tampering)],
    );
    check(
        changed(|log| {
            let last = log.records.iter().rposition(|record| matches!(record, Record::Finding(_))).unwrap();
            let twice = log.records[last..].to_vec();
            log.records.extend(twice);
        }),
        &[("finding", Tampering)],
    );
    check(
        changed(|log| {
            let last = log.records.iter().rposition(|record| matches!(record, Record::Finding(_))).unwrap();
            let first = log.records.iter().position(|record| matches!(record, Record::Finding(_))).unwrap();
            log.records[first..].rotate_left(last - first);
        }),
        &[("position of a finding", Tampering)],
    );
}

/// A response rule that was stopped for a source, and is called again before the last finding: it isn't called about the
/// source's findings between the two records, whatever the other source's are.
#[test]
fn a_rule_that_was_stopped_for_a_source_is_called_for_the_other() {
    let source = Source::new();
    let rule = source.generation.responses[0].identity.id.clone();
    let recorded = |stop: &str, held: &dyn Fn(usize, &str) -> bool| {
        let mut log = MemoryLog::new();
        source.begin(&mut log, 1);
        for (finding, number) in source.findings.iter().zip(0..) {
            let of = if number % 2 == 0 { "one" } else { "two" };
            let finding = FindingBundle { source: Some(of.into()), ..finding.clone() };
            let position = finding.finding.position;
            if number == 4 {
                let end = HoldEnd::Time;
                let (rule, source, rows, party) = (rule.clone(), "one".into(), HeldRows::All, None);
                log.records.push(Record::Readmitted(Readmitted { position, rule, source, rows, party, end }));
            }
            let held = held(number, of);
            let casework = Casework::new(&source.generation, 1, &KEY);
            let case = casework.decide_again(vec![finding.clone()], &Circumstances::unconfigured(), |id, inputs| {
                (!held).then(|| call_response_rule(source.generation.rule(id).unwrap(), inputs))
            });
            if number == 0 {
                log.records.push(Record::RuleStopped(RuleStopped {
                    position,
                    rule: rule.clone(),
                    occasion: finding.finding.occasion.clone(),
                    event_id: finding.finding.event_id.clone(),
                    message: "it ran past the deadline".to_owned(),
                    source: Some(stop.into()),
                    until: Some(Timestamp(0)),
                }));
            }
            put(&mut log, case.unwrap());
        }
        log
    };
    assert_eq!(shown(&recorded("one", &|number, of| of == "one" && number < 4).recompute().differences), "");
    // It is for another source; it goes on after the time is over; the other source's aren't answered either.
    assert_ne!(kinds(&mut recorded("two", &|number, of| of == "one" && number < 4)), []);
    assert_ne!(kinds(&mut recorded("one", &|_, of| of == "one")), []);
    assert_ne!(kinds(&mut recorded("one", &|number, _| number < 4)), []);
}

/// A response rule that missed the deadline, as files of format 3 and earlier have it: its last call is taken as recorded,
/// and for no source are later ones made.
#[test]
fn a_rule_that_was_stopped_is_taken_as_recorded() {
    let source = Source::new();
    let response = source.generation.responses[0].identity.clone();
    let mut log = MemoryLog::new();
    source.begin(&mut log, 1);
    let casework = Casework::new(&source.generation, 1, &KEY);
    let mut stopped = false;
    for finding in &source.findings {
        let case = casework.decide_again(vec![finding.clone()], &Circumstances::unconfigured(), |id, inputs| {
            let rule = source.generation.rule(id).unwrap();
            let mut bundle = (!stopped).then(|| call_response_rule(rule, inputs).bundle)?;
            let message = "it ran past the deadline".to_owned();
            bundle.answer = Err(CallFailure { kind: FailureKind::Deadline, message });
            Some(Response::check(rule.declaration(), &inputs.incident, bundle))
        });
        let mut case = case.unwrap();
        let decided = case.decisions.split_off(0);
        let Case { findings, responses, inputs, inputs_blob, .. } = case;
        put(&mut log, Case { findings, responses, inputs, inputs_blob, decisions: Vec::new() });
        if !stopped {
            log.records.push(Record::RuleStopped(RuleStopped {
                position: finding.finding.position,
                rule: response.id.clone(),
                occasion: finding.finding.occasion.clone(),
                event_id: finding.finding.event_id.clone(),
                message: "it ran past the deadline".to_owned(),
                source: None,
                until: None,
            }));
        }
        stopped = true;
        log.records.extend(decided.into_iter().map(|decision| Record::Decision(Box::new(decision.record))));
    }
    let result = log.recompute();
    assert_eq!(shown(&result.differences), "");
    // One decision a finding: the host's own.
    assert_eq!((result.findings, result.decisions), (5, 5));
    // Without the record that it was stopped, it would have proposed something.
    log.records.retain(|record| !matches!(record, Record::RuleStopped(_)));
    assert_ne!(kinds(&mut log), []);
}

/// Bundles of this version name their format; the same values in the format before are other bytes.
#[test]
fn blobs_name_their_format() {
    let source = Source::new();
    let log = source.record();
    let inputs = decisions(&mut log.clone()).next().unwrap().inputs;
    assert!(log.blobs[&inputs].starts_with(br#"{"format":2,"gate":4,"#));
    let finding = findings(&mut log.clone()).next().unwrap().clone();
    assert!(log.blobs[&finding.bundle].starts_with(br#"{"format":3,"place":0,"finding":"#));
    assert!(log.blobs[&finding.call.unwrap()].starts_with(br#"{"format":3,"rule":"#));
    let read = log.evidence(&finding);
    assert_eq!((read.format, &read), (Format, &source.findings[0]));
}

/// A record of bundles that have their calls, as format 2 was, is recomputed as one of the newest format.
#[test]
fn bundles_that_have_their_call_are_recomputed() {
    let mut log = Source::new().record();
    let records: Vec<FindingRecord> = findings(&mut log).map(|finding| finding.clone()).collect();
    for record in records {
        let whole = String::from_utf8(bytes(&log.evidence(&record))).unwrap();
        let bundle = log.blob(whole.replacen(r#"{"format":3,"#, r#"{"format":2,"#, 1).into_bytes());
        log.blobs.remove(&record.call.unwrap());
        for finding in findings(&mut log).filter(|finding| **finding == record) {
            (finding.bundle, finding.call) = (bundle, None);
        }
    }
    check(log, &[]);
}

/// A call that is gone, was changed, or is another finding's.
#[test]
fn a_call_that_isnt_the_findings_is_tampering() {
    let source = Source::new();
    let mut log = source.record();
    let call = findings(&mut log).next().unwrap().call.unwrap();
    let naming = findings(&mut log).filter(|finding| finding.call == Some(call)).count();
    log.blobs.remove(&call);
    let differences = log.recompute().differences;
    assert_eq!(differences.len(), naming);
    let [first, ..] = differences.as_slice() else { panic!("no difference") };
    assert_eq!((first.what.as_str(), first.cause), ("finding call", Tampering));
    assert_eq!((&first.expected, first.got.as_str()), (&format!("a finding call named {call}"), "no such blob"));

    let mut log = source.record();
    let calls: Vec<_> = findings(&mut log).map(|finding| finding.call).collect();
    findings(&mut log).zip(calls.iter().cycle().skip(1)).for_each(|(finding, other)| finding.call = *other);
    let found = kinds(&mut log);
    assert!(found.contains(&("what the host made of the answer".to_owned(), Tampering)), "{found:?}");

    let mut log = source.record();
    findings(&mut log).for_each(|finding| finding.call = None);
    check(log, &[("finding bundle", Tampering)]);
}
