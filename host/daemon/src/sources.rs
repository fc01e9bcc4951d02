//! How sources are: what they are bound to, what came of them, and what is in the way.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_inputs::{Source, Sources};
use countersign_model::{SourceId, Timestamp, Unwell};
use countersign_recorder::{HostInputKind, RecorderError, RecorderReader, SourceStanding};
use serde::Serialize;

use crate::generations::{material, word};
use crate::host::Host;
use crate::shared::Fed;

/// How a source is.
#[derive(Clone, Debug, Serialize)]
pub struct SourceStatus {
    /// Its name.
    pub source: SourceId,
    /// What `sources.toml` says of it; none if the generation doesn't have it any more.
    pub declared: Option<DeclaredSource>,
    /// How many records were recorded of it, ever.
    pub records: u64,
    /// When the last of them arrived; none where they were dropped, or none came.
    pub arrived: Option<Timestamp>,
    /// Of these those that aren't judged yet.
    pub waiting: u64,
    /// Its input in a host that runs.
    pub input: Option<Fed>,
    /// All that is wrong with it, as a host that runs sees it: what rests on it needs approval.
    pub unwell: Vec<Unwell>,
}

/// What `sources.toml` says of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredSource {
    /// How its records come: `file`, `stdin`, `http`, `okta` or `directory`; none if it isn't said.
    pub kind: Option<&'static str>,
    /// The format of its records.
    pub format: &'static str,
    /// The tenants that it speaks for.
    pub tenants: Vec<String>,
    /// The greatest class of action that it may lead to.
    pub highest_class: &'static str,
    /// The longest time without records before an alarm, microseconds.
    pub expect_every: Option<i64>,
    /// Why a host reads nothing of it, with what to write; none if it does.
    pub unread: Option<String>,
}

impl DeclaredSource {
    fn of(source: &Source) -> DeclaredSource {
        let binding = source.binding();
        DeclaredSource {
            kind: source.transport().map(|transport| transport.kind().id()),
            format: source.format().name(),
            tenants: binding.tenants().unwrap_or_default().iter().map(ToString::to_string).collect(),
            highest_class: binding.highest_class().id(),
            expect_every: source.expect_every(),
            unread: source.unread(),
        }
    }
}

/// How the sources are that a recorder knows: those of the generation on record last, and those that it has no more.
///
/// # Errors
/// With everything that can't be read.
pub fn sources_of_recorder(path: &Path, judged: u64) -> Result<Vec<SourceStatus>, Vec<String>> {
    let failed = |error: RecorderError| vec![error.to_string()];
    let reader = RecorderReader::open(path).map_err(failed)?;
    let last = reader.last_host_input(HostInputKind::Generation, u64::MAX).map_err(failed)?;
    let declared = match last {
        None => Sources::default(),
        Some(input) => {
            let word = word(&input).map_err(|error| vec![error])?;
            material(&reader, &word.manifest)?.sources()?
        }
    };
    statuses(&reader, judged, &declared, (&BTreeMap::new(), &BTreeMap::new())).map_err(failed)
}

impl Host {
    /// How sources are: those of the generation that serves in its order, then those that it has no more.
    ///
    /// # Errors
    /// When the recorder can't be read.
    pub fn sources(&self) -> Result<Vec<SourceStatus>, RecorderError> {
        let status = self.status();
        let reader = self.open.recorder.reader()?;
        let shared = &self.open.shared;
        statuses(&reader, status.recorder.judged, &shared.sources(), (&status.sources, &shared.unwell()))
    }
}

fn statuses(
    reader: &RecorderReader,
    judged: u64,
    declared: &Sources,
    (fed, unwell): (&BTreeMap<SourceId, Fed>, &BTreeMap<SourceId, Vec<Unwell>>),
) -> Result<Vec<SourceStatus>, RecorderError> {
    let mut standing: BTreeMap<SourceId, SourceStanding> =
        reader.standing(judged)?.into_iter().map(|standing| (standing.name.clone(), standing)).collect();
    let status = |source: SourceId, declared: Option<DeclaredSource>, standing: Option<SourceStanding>| {
        let (records, arrived, waiting) =
            standing.map(|standing| (standing.records, standing.arrived, standing.waiting)).unwrap_or_default();
        let input = fed.get(&source).cloned();
        let unwell = unwell.get(&source).cloned().unwrap_or_default();
        SourceStatus { source, declared, records, arrived, waiting, input, unwell }
    };
    let mut all: Vec<SourceStatus> = Vec::new();
    for source in declared.iter() {
        let known = standing.remove(source.name());
        all.push(status(source.name().clone(), Some(DeclaredSource::of(source)), known));
    }
    all.extend(standing.into_iter().map(|(name, standing)| status(name, None, Some(standing))));
    Ok(all)
}
