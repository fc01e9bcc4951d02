//! Cases of rules: folders with raw events, or an incident, and the expected result. A case is processed like telemetry,
//! in batches of several sizes and in several orders of unrelated keys (`orders`), which must not change the result.

mod expectation;
mod files;
mod incident;
mod orders;
mod outcome;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_audit::record::FindingRecord;
use countersign_declaration::Ceilings;
use countersign_document::FileDiagnostics;
use countersign_engine::Engine;
use countersign_formats::{Record as SourceRecord, format_by_name};
use countersign_inputs::{Inputs, Reading};
use countersign_intake::Intake;
use countersign_model::response::{IncidentView, Responder as _, ResponseCall};
use countersign_model::vocabulary::{PartitionKey, RuleKind};
use countersign_model::{RuleId, Timestamp};

use self::expectation::{DetectionExpectation, ExpectedProposal};
use self::files::CaseFiles;
use self::outcome::{CaseOutcome, compare_findings};
use countersign_casework::respond::check_answer;
use countersign_generation::{Generation, LoadFault, Rule, RuleFile, Settings};
use countersign_session::{SessionError, SessionOptions};

/// The raw records of a detection's case, as the provider delivers them.
pub const EVENTS_FILE: &str = "events.ndjson";

/// The operator's facts of a detection's case, if it has any.
pub const IDENTITIES_FILE: &str = "identities.toml";

/// The incident of a response rule's case: `wit/response.wit`'s incident, in kebab case.
pub const INCIDENT_FILE: &str = "incident.toml";

/// What a case expects.
pub const EXPECT_FILE: &str = "expect.toml";

/// Why a case couldn't be run.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// Files of the case can't be read, or have faults: all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Files(Vec<FileDiagnostics>),
    /// The case or a file of it isn't what it should be.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// The rule can't be loaded.
    #[error("{0}")]
    Load(LoadFault),
    /// The run ended early.
    #[error(transparent)]
    Run(#[from] SessionError),
}

/// The folders of a rule's cases, by name. A rule without the folder `cases` has none.
///
/// # Errors
/// When the folder can't be read.
pub fn find_cases(rule_folder: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = rule_folder.join("cases");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            cases.push(path);
        }
    }
    cases.sort();
    Ok(cases)
}

/// The rules whose findings feed a rule, directly or through others, as far as `find` has them. A rule that is refused at
/// admission counts as without subscriptions: loading reports why.
pub fn feeders(intake: &Intake, rule: &[u8], find: &mut dyn FnMut(&RuleId) -> Option<RuleFile>) -> Vec<RuleFile> {
    let subscribed = |bytes: &[u8]| -> Vec<RuleId> {
        let admitted = intake.admit(bytes, &Ceilings::default());
        admitted.map_or_else(
            |_| Vec::new(),
            |admitted| admitted.declaration().subscribes.iter().map(|one| one.rule.clone()).collect(),
        )
    };
    let mut feeders = Vec::new();
    let mut visited = BTreeSet::new();
    let mut waiting = subscribed(rule);
    while let Some(next) = waiting.pop() {
        if visited.insert(next.clone())
            && let Some(file) = find(&next)
        {
            waiting.extend(subscribed(&file.bytes));
            // In a cycle the rule itself would be there twice; then loading should report the cycle.
            if file.bytes != rule {
                feeders.push(file);
            }
        }
    }
    feeders
}

/// Runs one case of a rule, given as its component's bytes, with the rules whose findings feed it, directly or through
/// others. Returns the differences from what the case expects of the rule itself; none if it passes.
///
/// # Errors
/// When the case can't be read or a rule not be loaded.
pub fn run_case(engine: &Engine, rule: &[u8], feeders: &[RuleFile], case: &Path) -> Result<Vec<String>, CaseError> {
    let mut files = CaseFiles::new(case);
    let settings = files.settings();
    // The rule's kind is known once it is loaded; until then the files say which kind the case is for.
    if case.join(INCIDENT_FILE).exists() {
        let (proposals, incident) = (files.proposals(), files.incident());
        let (settings, proposals, incident) = files.finish(all(settings, proposals, incident))?;
        let generation = load(engine, rule, feeders, settings)?;
        let rule = rule_under_test(&generation, rule, case)?;
        check_kind(rule, RuleKind::Response, case)?;
        run_response_case(rule, &proposals, incident)
    } else {
        let expectation = files.detection();
        let (settings, expectation) = files.finish(settings.zip(expectation))?;
        let generation = load(engine, rule, feeders, settings)?;
        let rule = rule_under_test(&generation, rule, case)?;
        check_kind(rule, RuleKind::Detection, case)?;
        run_detection_case(&generation, &rule.identity.id, case, &expectation)
    }
}

fn all<A, B, C>(a: Option<A>, b: Option<B>, c: Option<C>) -> Option<(A, B, C)> {
    Some((a?, b?, c?))
}

fn check_kind(rule: &Rule, kind: RuleKind, case: &Path) -> Result<(), CaseError> {
    let declared = rule.declaration().kind;
    if declared == kind {
        return Ok(());
    }
    let beside = if kind == RuleKind::Response { "no" } else { "a file" };
    Err(malformed(case, format!("expected {beside} `{INCIDENT_FILE}` in a case of a {declared} rule")))
}

/// The findings of a detection rule in one of its cases, regardless of what is expected.
///
/// # Errors
/// When the case can't be read or a rule not be loaded.
pub fn case_findings(
    engine: &Engine,
    rule: &[u8],
    feeders: &[RuleFile],
    case: &Path,
) -> Result<Vec<FindingRecord>, CaseError> {
    let DetectionCase { settings, records, until } = open_case(case)?;
    let generation = load(engine, rule, feeders, settings)?;
    let id = &rule_under_test(&generation, rule, case)?.identity.id;
    Ok(CaseOutcome::run(&generation, id, &records, SessionOptions::BATCH, until)?.findings)
}

/// Loads the rule and those that feed it, with a case's settings.
fn load(engine: &Engine, rule: &[u8], feeders: &[RuleFile], settings: Settings) -> Result<Arc<Generation>, CaseError> {
    let file = RuleFile { name: "rule".to_owned(), bytes: rule.to_vec() };
    let files = std::iter::once(file).chain(feeders.iter().cloned()).collect();
    let (generation, faults) = Generation::load(engine, files, settings);
    faults.into_iter().next().map_or(Ok(generation), |fault| Err(CaseError::Load(fault)))
}

fn rule_under_test<'g>(generation: &'g Generation, rule: &[u8], case: &Path) -> Result<&'g Rule, CaseError> {
    let mut loaded = generation.detections.iter().chain(&generation.responses);
    let tested = loaded.find(|loaded| loaded.bytes().is_ok_and(|bytes| bytes == rule));
    tested.ok_or_else(|| malformed(case, "the policy has switched the rule off"))
}

/// A detection's case, opened.
pub struct DetectionCase {
    /// The operator's files.
    pub settings: Settings,
    /// Its records.
    pub records: Vec<SourceRecord>,
    /// After the last record time passes up to here.
    pub until: Option<Timestamp>,
}

/// Opens a detection's case.
///
/// # Errors
/// When a file can't be read or isn't what it should be.
pub fn open_case(case: &Path) -> Result<DetectionCase, CaseError> {
    let mut files = CaseFiles::new(case);
    let (settings, expectation) = (files.settings(), files.detection());
    let (settings, expectation) = files.finish(settings.zip(expectation))?;
    Ok(DetectionCase { settings, records: records(case, &expectation)?, until: expectation.until })
}

/// Opens a response rule's case: its incident.
///
/// # Errors
/// When the file can't be read or isn't what it should be.
pub fn open_incident(case: &Path) -> Result<IncidentView, CaseError> {
    let mut files = CaseFiles::new(case);
    let incident = files.incident();
    files.finish(incident)
}

fn records(case: &Path, expectation: &DetectionExpectation) -> Result<Vec<SourceRecord>, CaseError> {
    let format = format_by_name(&expectation.source).map_err(|error| malformed(&case.join(EXPECT_FILE), error))?;
    let events = case.join(EVENTS_FILE);
    let inputs = Inputs::open(std::slice::from_ref(&events), Reading::Format(format)).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        malformed(&events, errors.join("; "))
    })?;
    Ok(inputs.records().map_err(|error| malformed(&events, error))?.records().collect())
}

/// Further sizes of batches in which a case must have the same result.
const BATCHES: [usize; 3] = [1, 2, 7];

fn run_detection_case(
    generation: &Arc<Generation>,
    rule: &RuleId,
    case: &Path,
    expectation: &DetectionExpectation,
) -> Result<Vec<String>, CaseError> {
    let records = records(case, expectation)?;
    let outcome =
        |records: &[SourceRecord], batch| CaseOutcome::run(generation, rule, records, batch, expectation.until);

    let usual = outcome(&records, SessionOptions::BATCH)?;
    let mut differences = usual.problems.clone();
    if usual.events == 0 {
        differences.push("no event in the case".to_owned());
    }
    compare_findings(&expectation.findings, &usual.findings, &mut differences);
    // Other batches and orders matter only if the usual result is as expected.
    if !differences.is_empty() {
        return Ok(differences);
    }
    for batch in BATCHES {
        let other = outcome(&records, batch)?;
        let how = format!("in batches of {batch}, not of {}", SessionOptions::BATCH);
        usual.report_differences(&other, &how, &mut differences);
        if other.findings != usual.findings && differences.is_empty() {
            differences.push(format!("{how}: the same findings, but from other evidence, state or context"));
        }
    }
    let declaration = generation.rule(rule).map(Rule::declaration);
    if declaration.is_some_and(|declaration| declaration.partition_key != PartitionKey::None) {
        for order in orders::orders(&records, generation.detections.iter().map(Rule::declaration)) {
            let other = outcome(&order.records, SessionOptions::BATCH)?;
            let how = format!("with unrelated keys in another order ({})", order.shown);
            usual.report_differences(&other, &how, &mut differences);
        }
    }
    Ok(differences)
}

fn run_response_case(
    rule: &Rule,
    expected: &[ExpectedProposal],
    incident: IncidentView,
) -> Result<Vec<String>, CaseError> {
    let subjects = incident.subjects.len();
    let call = ResponseCall { incident, parameters: rule.parameters.clone(), data: rule.data.clone() };
    let answered = rule.loaded.respond(&call).and_then(|answer| check_answer(rule.declaration(), subjects, &answer));
    let got: Vec<ExpectedProposal> = match answered {
        Ok(proposals) => proposals
            .into_iter()
            .map(|proposal| ExpectedProposal {
                action: proposal.action,
                subject: proposal.subject,
                lease: proposal.lease,
            })
            .collect(),
        Err(failure) => return Ok(vec![format!("{}: {}", failure.kind.id(), failure.message)]),
    };
    let list = |proposals: &[ExpectedProposal]| {
        let items = proposals.iter().map(|proposal| {
            let lease = proposal.lease.map_or_else(String::new, |seconds| format!(" for {seconds} s"));
            format!("{} on subject {}{lease}", proposal.action, proposal.subject)
        });
        items.collect::<Vec<_>>().join(", ")
    };
    if got == expected {
        return Ok(Vec::new());
    }
    Ok(vec![format!("expected [{}], got [{}]", list(expected), list(&got))])
}

fn malformed(path: &Path, reason: impl ToString) -> CaseError {
    CaseError::Malformed { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
#[path = "../tests/unit/cases_schemas.rs"]
mod schemas;
