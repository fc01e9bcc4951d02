//! Generations as they are on record, and those that are built: each is built once, off the thread that judges.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_engine::Engine;
use countersign_model::Digest;
use countersign_recorder::{
    AppendError, HostInputKind, NewContent, NewHostInput, RecordedHostInput, Recorder, RecorderError, RecorderReader,
};
use serde::{Deserialize, Serialize};

use crate::material::{Built, Manifest, Material};

/// Built generations that are kept: the one that serves, and those that wait for their turn.
const MAX_BUILT: usize = 4;

/// What the payload of a recorded generation says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationWord {
    /// What it is made of.
    pub manifest: Manifest,
    /// Who had it applied, or what.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What rules have kept when it served before, caught up with what came since: the digest of a store's file. They go on
    /// from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Digest>,
}

/// A generation that is to go on record.
pub(crate) struct NewGeneration<'g> {
    /// What it is made of.
    pub(crate) material: &'g Material,
    /// Who had it applied, or what.
    pub(crate) by: String,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The batch before which it serves; none when its turn comes.
    pub(crate) before: Option<u64>,
    /// What rules go on from, if not from what they keep: a store's file.
    pub(crate) kept: Option<Vec<u8>>,
}

/// A generation on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedGeneration {
    /// Its number: 1 for the first one, and one more for each that follows. Decisions, the audit log and whoever shows a
    /// generation have this one.
    pub number: u64,
    /// When it was applied, by the host's clock.
    pub arrived: countersign_model::Timestamp,
    /// The batch before which it began to serve; none while it waits for its turn.
    pub before: Option<u64>,
    /// What it is made of, and who had it applied.
    #[serde(flatten)]
    pub word: GenerationWord,
}

/// Builds generations, and keeps those that are in use.
pub(crate) struct Generations {
    engine: Engine,
    built: Mutex<BTreeMap<Digest, Arc<Built>>>,
}

impl Generations {
    pub(crate) fn new(engine: Engine) -> Generations {
        Generations { engine, built: Mutex::default() }
    }

    /// Builds what is made of this, unless it is built.
    ///
    /// # Errors
    /// With every fault of every file.
    pub(crate) fn build(&self, material: &Material) -> Result<Arc<Built>, Vec<String>> {
        let digest = material.manifest().digest();
        if let Some(built) = self.known(&digest) {
            return Ok(built);
        }
        let built = Arc::new(material.build(&self.engine)?);
        let mut all = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is used is held by its user; what goes here is only built again if it is asked for.
        while all.len() >= MAX_BUILT && all.pop_first().is_some() {}
        all.insert(digest, Arc::clone(&built));
        Ok(built)
    }

    fn known(&self, digest: &Digest) -> Option<Arc<Built>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// The last generation among the host's own inputs up to a number, built or why it can't be built any more; none if
    /// there is none.
    ///
    /// # Errors
    /// When the recorder can't be read.
    pub(crate) fn last(&self, reader: &RecorderReader, up_to: u64) -> Result<Option<Last>, RecorderError> {
        let Some(input) = reader.last_host_input(HostInputKind::Generation, up_to)? else { return Ok(None) };
        Ok(Some(Last { input: input.seq, number: input.number, built: self.recorded(reader, &input) }))
    }

    /// The generation of a number, built or why it can't be built any more; none if there is none.
    ///
    /// # Errors
    /// When the recorder can't be read.
    pub(crate) fn of_number(&self, reader: &RecorderReader, number: u64) -> Result<Option<Last>, RecorderError> {
        let input = of_number(reader, number)?;
        Ok(input.map(|input| Last { input: input.seq, number, built: self.recorded(reader, &input) }))
    }

    /// A generation on record, built.
    ///
    /// # Errors
    /// Why it can't be built any more.
    pub(crate) fn recorded(
        &self,
        reader: &RecorderReader,
        input: &RecordedHostInput,
    ) -> Result<Arc<Built>, Vec<String>> {
        let word = word(input).map_err(|error| vec![error])?;
        match self.known(&word.manifest.digest()) {
            Some(built) => Ok(built),
            None => self.build(&material(reader, &word.manifest)?),
        }
    }
}

/// A generation on record.
pub(crate) struct Last {
    /// Which of the host's own inputs it is.
    pub(crate) input: u64,
    /// Its number.
    pub(crate) number: u64,
    /// The generation, or with every fault why it can't be built any more.
    pub(crate) built: Result<Arc<Built>, Vec<String>>,
}

/// The generation of a number; none if there is none.
///
/// # Errors
/// When the recorder can't be read.
pub(crate) fn of_number(reader: &RecorderReader, number: u64) -> Result<Option<RecordedHostInput>, RecorderError> {
    reader.numbered_host_input(HostInputKind::Generation, number)
}

/// All generations on record, the last one last. What another version wrote is left out.
///
/// # Errors
/// When the recorder can't be read.
pub(crate) fn all(reader: &RecorderReader) -> Result<Vec<RecordedGeneration>, RecorderError> {
    let inputs = reader.host_inputs_of(HostInputKind::Generation)?;
    let recorded = inputs.into_iter().filter_map(|input| {
        let word = word(&input).ok()?;
        Some(RecordedGeneration { number: input.number, arrived: input.arrived, before: input.before, word })
    });
    Ok(recorded.collect())
}

/// The generations that a recorder has, the last one last.
///
/// # Errors
/// When it can't be read.
pub fn generations_of_recorder(path: &Path) -> Result<Vec<RecordedGeneration>, RecorderError> {
    all(&RecorderReader::open(path)?)
}

/// What a recorded generation says.
///
/// # Errors
/// When another version wrote it.
pub(crate) fn word(input: &RecordedHostInput) -> Result<GenerationWord, String> {
    serde_json::from_slice(&input.payload).map_err(|error| format!("host input {}: {error}", input.seq))
}

/// What a generation on record is made of.
pub(crate) fn material(reader: &RecorderReader, manifest: &Manifest) -> Result<Material, Vec<String>> {
    Material::recorded(manifest, |digest| reader.content(digest))
}

/// Puts a generation on record, one at a time. Returns its number.
///
/// # Errors
/// When it isn't on record.
pub(crate) fn put(recorder: &Recorder, new: NewGeneration<'_>) -> Result<u64, AppendError> {
    let NewGeneration { material, by, reason, before, kept } = new;
    let word =
        GenerationWord { manifest: material.manifest(), by, reason, kept: kept.as_ref().map(|kept| Digest::of(kept)) };
    let payload = serde_json::to_vec(&word).unwrap_or_default();
    let files = material.files.iter().map(|file| NewContent { bytes: file.bytes.clone(), lasts: true });
    // What rules go on from is needed to judge again, not to serve again.
    let kept = kept.map(|bytes| NewContent { bytes, lasts: false });
    let contents = files.chain(kept).collect();
    let kind = HostInputKind::Generation;
    let input = recorder.put(NewHostInput { kind, payload, about: None, contents, before })?;
    let last = recorder.reader().and_then(|reader| reader.last_host_input(kind, input)).map_err(unreadable)?;
    last.map(|last| last.number).ok_or(AppendError::Closed)
}

/// What keeps a generation's number from being known where the recorder can't be read.
fn unreadable(error: RecorderError) -> AppendError {
    match error {
        RecorderError::Database(error) => error.into(),
        _ => AppendError::Closed,
    }
}
