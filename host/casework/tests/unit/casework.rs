//! Cases of the findings of the audit file of commit 9f64855: what goes on record, and what is too large to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use countersign_audit::record::Component;
use countersign_audit::{Record, read};
use countersign_engine::{Engine, EngineConfig};
use countersign_generation::{ContextFiles, RuleFile, Settings};
use countersign_model::call::FailureKind;
use countersign_model::vocabulary::Action;
use countersign_model::{DecisionKind, Digest};
use countersign_policy::{Capabilities, Directory, Policy, SHIPPED_CAPABILITIES, SourceFile};
use countersign_stream::{Bundle, Placement, Sequenced};

use super::*;
use crate::bundle::ResponseBundle;
use crate::respond::call_response_rule;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineConfig::default()).unwrap());

static KEY: LazyLock<DigestKey> = LazyLock::new(DigestKey::public);

static SOURCE: LazyLock<Source> = LazyLock::new(Source::new);

/// The rules, policy, identities and findings of the file, under the present capability tables.
struct Source {
    generation: std::sync::Arc<Generation>,
    findings: Vec<FindingBundle>,
    responses: Vec<ResponseBundle>,
}

impl Source {
    fn new() -> Source {
        let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/audit/9f64855/run.audit");
        let folder = file.with_extension("audit.bundles");
        let blob = |name: &Digest| fs::read(folder.join(name.to_string())).unwrap();
        let text = |name: &Digest| String::from_utf8(blob(name)).unwrap();
        let (mut rules, mut findings, mut responses, mut settings) = (Vec::new(), Vec::new(), BTreeMap::new(), None);
        for entry in read(fs::read(&file).unwrap().as_slice()) {
            match entry.unwrap().record {
                Record::Generation(record) => {
                    let directory = text(record.identities.as_ref().unwrap());
                    let (policy, trust) = Policy::parse_before_trust(&text(&record.policy)).unwrap();
                    settings = Some(Settings {
                        policy: SourceFile { name: "policy".to_owned(), text: text(&record.policy), content: policy },
                        trust: SourceFile { name: "policy".to_owned(), text: String::new(), content: trust },
                        sources_text: None,
                        shipped: BTreeSet::new(),
                        directory: Some(SourceFile::parse("identities", directory, Directory::parse).unwrap()),
                        capabilities: SourceFile::parse("capabilities", SHIPPED_CAPABILITIES, Capabilities::parse)
                            .unwrap(),
                        context: ContextFiles::default(),
                    });
                }
                Record::Component(Component { rule, component, .. }) => {
                    rules.push(RuleFile { name: rule.to_string(), bytes: blob(&component) });
                }
                Record::Finding(finding) => {
                    findings.push(FindingBundle::read(&finding, |name| Ok::<_, String>(blob(name))).unwrap());
                }
                Record::Decision(decision) => responses.extend(
                    decision
                        .responses
                        .iter()
                        .map(|one| (one.bundle, ResponseBundle::read(&blob(&one.bundle)).unwrap())),
                ),
                _ => {}
            }
        }
        let (generation, faults) = Generation::load(&ENGINE, rules, settings.unwrap());
        assert!(faults.is_empty(), "{faults:?}");
        Source { generation, findings, responses: responses.into_values().collect() }
    }

    fn respond(&self) -> impl Fn(&RuleId, &GateInputs) -> Option<Response> {
        |id, inputs| Some(call_response_rule(self.generation.rule(id).unwrap(), inputs))
    }

    fn casework(&self) -> Casework<'_> {
        Casework::new(&self.generation, 3, &KEY)
    }

    /// The finding that leads to containment.
    fn contained(&self) -> &FindingBundle {
        let rule = "countersign/privilege-attached-to-self";
        self.findings.iter().find(|one| one.finding.rule.as_str() == rule).unwrap()
    }
}

/// Decides on the finding that leads to containment, within bounds.
fn bounded(bounds: Bounds) -> Result<Case, CaseError> {
    let casework = Casework { bounds, ..SOURCE.casework() };
    let finding = SOURCE.contained().clone();
    casework.decide_again(vec![finding], &Circumstances::unconfigured(), SOURCE.respond())
}

fn kinds(case: &Case) -> Vec<(DecisionKind, Option<Action>)> {
    case.decisions.iter().map(|one| (one.record.decision.kind, one.record.decision.action)).collect()
}

#[test]
fn a_case_has_everything_that_goes_on_record() {
    let case = bounded(Bounds::RECORD).unwrap();
    let [finding] = case.findings.as_slice() else { panic!("one finding") };
    let names = (finding.record.generation, finding.record.bundle, finding.record.call);
    assert_eq!(names, (3, finding.blob.name(), Some(finding.call.name())));
    let blobs: BTreeMap<Digest, &Blob> = case.blobs().map(|blob| (blob.name(), blob)).collect();
    let stored =
        FindingBundle::read(&finding.record, |name| blobs.get(name).map(|blob| blob.bytes().to_vec()).ok_or(""));
    assert_eq!(stored.unwrap(), finding.bundle);
    let [response] = case.responses.as_slice() else { panic!("one response rule") };
    let blob = response.blob.as_ref().unwrap();
    assert_eq!(ResponseBundle::read(blob.bytes()).unwrap(), response.response.bundle);
    assert_eq!(GateInputs::read(case.inputs_blob.bytes()).unwrap(), case.inputs);
    assert_eq!(case.inputs.proposals, response.response.proposals);
    let intents: Vec<Action> =
        case.decisions.iter().filter_map(|one| one.intent.as_ref().and(one.record.decision.action)).collect();
    assert_eq!(intents, [Action::DisableCredential]);
    // Every blob that a record names is there.
    let named: Vec<Digest> = case
        .decisions
        .iter()
        .flat_map(|one| Record::Decision(Box::new(one.record.clone())).blobs())
        .chain(Record::Finding(finding.record.clone()).blobs())
        .collect();
    let there: Vec<Digest> = case.blobs().map(Blob::name).collect();
    assert_eq!(there.len(), 4);
    assert!(named.iter().all(|name| there.contains(name)));
}

#[test]
fn a_finding_of_the_stream_is_decided_as_its_evidence_is_again() {
    let mut event = countersign_testing::event(1);
    let rests_on = BTreeSet::from([event.source.clone()]);
    let evidence = &FindingBundle { source: Some(event.source.clone()), rests_on, ..SOURCE.contained().clone() };
    event.id = evidence.finding.event_id.as_str().into();
    event.actor.account = evidence.subject.account.clone();
    event.actor.usage = evidence.subject.usage.unwrap();
    event.actor.token = evidence.subject.token.as_deref().map(Arc::from);
    let placement = Placement { watermark: evidence.clock, clock: evidence.clock, late: false };
    let finding = BundledFinding {
        finding: evidence.finding.clone(),
        row: Sequenced::new(evidence.finding.position, Arc::new(event), placement),
        place: evidence.place,
        bundle: Arc::new(Bundle { call: evidence.call.clone(), answer: evidence.answer.clone() }),
    };
    let casework = SOURCE.casework();
    let now = Circumstances::unconfigured();
    let case = casework.decide(finding.clone(), false, BTreeSet::new(), &now, SOURCE.respond()).unwrap();
    assert_eq!(case.findings[0].bundle, *evidence);
    let again = casework.decide_again(vec![evidence.clone()], &now, SOURCE.respond()).unwrap();
    let records = |case: &Case| case.decisions.iter().map(|one| one.record.clone()).collect::<Vec<_>>();
    assert_eq!(records(&case), records(&again));
    // A suspect rule asks a person, so nothing past observe has an intent.
    let suspect = casework.decide(finding, true, BTreeSet::new(), &now, SOURCE.respond()).unwrap();
    assert!(suspect.findings[0].bundle.rule_suspect);
    assert!(suspect.decisions.iter().all(|one| one.intent.is_none()), "{:?}", kinds(&suspect));
}

#[test]
fn findings_of_one_call_name_one_blob_of_it() {
    let first = SOURCE.contained().clone();
    let mut second = first.clone();
    (second.place, second.finding.index) = (1, 1);
    let case = |one| SOURCE.casework().decide_again(vec![one], &Circumstances::unconfigured(), |_, _| None).unwrap();
    let (first, second) = (case(first), case(second));
    assert_eq!(first.findings[0].call, second.findings[0].call);
    assert_ne!(first.findings[0].blob, second.findings[0].blob);
}

#[test]
fn a_rule_that_isnt_called_is_no_part_of_the_case() {
    let finding = SOURCE.contained().clone();
    let case = SOURCE.casework().decide_again(vec![finding], &Circumstances::unconfigured(), |_, _| None).unwrap();
    assert!(case.responses.is_empty());
    assert_eq!(kinds(&case), [(DecisionKind::Execute, Some(Action::EnrichAlert))]);
    assert_eq!(case.decisions[0].record.responses, []);
}

#[test]
fn an_answer_that_cant_be_stored_fails_the_response_rule_alone() {
    let whole = bounded(Bounds::RECORD).unwrap();
    let evidence = whole.findings[0].call.bytes().len();
    // A rule whose call or answer is larger than the evidence, with bounds in between.
    let casework = Casework { bounds: Bounds { blob: evidence.max(8_000), ..Bounds::RECORD }, ..SOURCE.casework() };
    let case = casework.decide_again(vec![SOURCE.contained().clone()], &Circumstances::unconfigured(), |id, inputs| {
        let mut response = SOURCE.respond()(id, inputs)?;
        response.bundle.call.incident.findings[0].message = "x".repeat(10_000);
        Some(response)
    });
    let case = case.unwrap();
    let [answered] = case.responses.as_slice() else { panic!("one response rule") };
    assert!(answered.blob.is_none() && answered.response.proposals.is_empty());
    let failure = answered.response.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert!(failure.message.contains("at most 8000 can be stored"), "{}", failure.message);
    // The incident is decided without it, and names no bundle that isn't there.
    assert_eq!(kinds(&case), [(DecisionKind::Execute, Some(Action::EnrichAlert))]);
    assert_eq!(case.decisions[0].record.responses, []);
    assert!(case.inputs.proposals.is_empty());
}

#[test]
fn proposals_that_make_the_inputs_too_large_are_left_out() {
    let whole = bounded(Bounds::RECORD).unwrap();
    let bare = SOURCE
        .casework()
        .decide_again(vec![SOURCE.contained().clone()], &Circumstances::unconfigured(), |_, _| None)
        .unwrap();
    let (with, without) = (whole.inputs_blob.bytes().len(), bare.inputs_blob.bytes().len());
    assert!(without < with);
    let case = bounded(Bounds { blob: with - 1, ..Bounds::RECORD }).unwrap();
    let answered = &case.responses[0];
    assert_eq!(answered.response.failure.as_ref().unwrap().kind, FailureKind::TooLarge);
    assert!(case.inputs_blob.bytes().len() < with && case.inputs.proposals.is_empty());
    assert_eq!(kinds(&case), [(DecisionKind::Execute, Some(Action::EnrichAlert))]);
    // Its answer itself can be stored, and says what it wanted.
    assert_eq!(case.decisions[0].record.responses[0].bundle, answered.blob.as_ref().unwrap().name());
}

#[test]
fn a_finding_that_cant_be_stored_is_refused_with_sizes() {
    let whole = bounded(Bounds::RECORD).unwrap();
    let (own, call) = (whole.findings[0].blob.bytes().len(), whole.findings[0].call.bytes().len());
    let smaller = own.min(call);
    for (blob, what, bytes) in [
        (100, "the finding's call with its answer", call),
        (
            smaller,
            if own < call { "the finding's call with its answer" } else { "the finding's bundle" },
            own.max(call),
        ),
    ] {
        let error = bounded(Bounds { blob, ..Bounds::RECORD }).unwrap_err();
        assert_eq!(error.to_string(), format!("{what} would be {bytes} bytes on record, at most {blob} can be stored"));
        assert_eq!(error.failure().kind, FailureKind::TooLarge);
    }
    let error = bounded(Bounds { record: 100, ..Bounds::RECORD }).unwrap_err().to_string();
    assert!(error.starts_with("the finding's record would be"), "{error}");
    let nothing = SOURCE.casework().decide_again(Vec::new(), &Circumstances::unconfigured(), SOURCE.respond());
    assert!(matches!(nothing, Err(CaseError::NoFinding)), "{nothing:?}");
}

#[test]
fn response_bundles_of_format_1_are_read_as_what_they_meant() {
    let [response, ..] = SOURCE.responses.as_slice() else { panic!("responses") };
    let written = serde_json::to_string(response).unwrap();
    assert!(written.starts_with(r#"{"format":2,"rule":"#));
    assert_eq!(ResponseBundle::read(written.as_bytes()).unwrap(), *response);
    // Without the format's name they are those of format 1 again.
    let first = written.replacen(r#""format":2,"#, "", 1);
    assert_eq!(ResponseBundle::read(first.as_bytes()).unwrap(), *response);
    let unknown = written.replacen(r#""format":2"#, r#""format":9"#, 1);
    let error = ResponseBundle::read(unknown.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "expected format 1 to 2, got 9: read it with the version that wrote it, or a newer one");
}
