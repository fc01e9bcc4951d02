//! Files on disk, watched: a change that widens nothing may be applied by itself, once it was tried on the recorded past and
//! ran beside what serves without a doubt; any other one waits for a person and is shown with why.
//!
//! Files are looked at by their stamps (identity, size, times) every two seconds, which no overflow and no swapped link
//! escapes, and are read once their stamps stand still: a folder that is half copied isn't a change yet. Every minute they
//! are read even so, since what is written twice within a tick of the file system's clock has the same stamps.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use countersign_configuration::Change;
use countersign_model::Digest;
use countersign_model::time::format_duration;
use countersign_model::vocabulary::text_ids;
use serde::{Deserialize, Serialize};

use crate::candidate::{ChangeKind, Difference, Item};
use crate::error::ApplyError;
use crate::host::Host;
use crate::material::{Material, Role, components};
use crate::plan::{Comparing, PlanError};
use crate::reload::Reload;

/// How often files are looked at, and how long they have to stand still.
const EVERY: Duration = Duration::from_secs(2);

/// How often they are read although nothing seems to have changed.
const READ_EVERY: Duration = Duration::from_secs(60);

/// Items that are named where files wait; more are counted.
const MAX_NAMED: usize = 20;

/// The files that a generation is read from.
#[derive(Clone, Debug)]
pub struct Files {
    /// Whether the rules that ship in the binary serve too.
    pub shipped_rules: bool,
    /// What each file is, and where.
    pub paths: Vec<(Role, PathBuf)>,
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    /// With everything that can't be read.
    pub fn read(&self) -> Result<Material, Vec<String>> {
        Material::read(self.shipped_rules, &self.paths)
    }

    /// What the system says of them, without reading them.
    fn stamps(&self) -> Stamps {
        let mut stamps = Vec::new();
        for (role, path) in &self.paths {
            if matches!(role, Role::Rule) && path.is_dir() {
                let found = components(path).unwrap_or_default();
                stamps.extend(found.into_iter().map(|path| (path.clone(), Stamp::of(&path))));
            }
            // A folder's own stamp doesn't count: it changes with files that are none of ours.
            let stamp = Stamp::of(path).filter(|_| !path.is_dir());
            stamps.push((path.clone(), stamp));
        }
        stamps
    }
}

/// What the system says of files.
type Stamps = Vec<(PathBuf, Option<Stamp>)>;

/// What the system says of a file. Links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Stamp {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Files on disk that don't serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnDisk {
    /// The digest of what they are, if they can be read.
    pub digest: Option<Digest>,
    /// What becomes of them.
    pub stage: Stage,
    /// Why they don't serve: faults, what needs a person, or that they are being tried.
    pub reasons: Vec<String>,
}

text_ids! {
    /// What becomes of files on disk that don't serve.
    pub enum Stage {
        /// They are tried on the recorded past, and go on by themselves.
        Trial = "trial",
        /// They run beside what serves, and go on by themselves.
        Shadow = "shadow",
        /// They wait for a person, or to be changed.
        Waits = "waits",
    }
}

impl Stage {
    /// What happens, in words.
    fn describe(self, length: &str) -> String {
        match self {
            Stage::Trial => format!("they are tried on {length} of the recorded past, and nobody is needed so far"),
            Stage::Shadow => format!("they run beside what serves for {length}, and nobody is needed so far"),
            Stage::Waits => "they wait".to_owned(),
        }
    }
}

impl OnDisk {
    /// Of files that are others and that nobody has looked at.
    #[must_use]
    pub fn others(digest: Digest) -> OnDisk {
        let reasons = vec!["they haven't been applied: `countersign apply` has them serve".to_owned()];
        OnDisk::waits(Some(digest), reasons)
    }

    /// Of files that wait for these reasons.
    #[must_use]
    pub fn waits(digest: Option<Digest>, reasons: Vec<String>) -> OnDisk {
        OnDisk { digest, stage: Stage::Waits, reasons }
    }
}

/// What somebody asks the thread that watches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    /// To look at once.
    Look,
    /// The same, and to apply what served before too.
    Reload,
}

/// Asks the thread that watches.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<Option<Ask>>);

impl Asked {
    fn lock(&self) -> MutexGuard<'_, Option<Ask>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ask(&self, ask: Ask) {
        let mut asked = self.lock();
        *asked = (*asked).max(Some(ask));
    }

    fn is_asked(&self) -> bool {
        self.lock().is_some()
    }

    fn take(&self) -> Option<Ask> {
        self.lock().take()
    }
}

/// What is done with a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is applied.
    Apply,
    /// It waits, or is never applied, for these reasons.
    Wait(Vec<String>),
}

/// What `[reload]` says of a difference.
pub(crate) fn verdict(difference: &Difference, reload: &Reload) -> Verdict {
    let waits = |kind: ChangeKind, widens: bool| widens || reload.change(kind) != Change::Automatic;
    let kinds = difference.kinds();
    if !kinds.iter().any(|(kind, widens)| waits(*kind, *widens)) {
        return Verdict::Apply;
    }
    let mut reasons = refused(difference, reload);
    let is_refused = |kind: ChangeKind| reload.change(kind) == Change::Refused;
    reasons.extend(named(
        difference,
        |item| waits(item.kind, item.widens) && !is_refused(item.kind),
        |item| {
            let why = if item.widens { "it widens" } else { "a person applies it" };
            format!("{}: {}: {} ({why})", item.kind, item.subject, item.change)
        },
    ));
    for omitted in difference.omitted.iter().filter(|omitted| waits(omitted.kind, omitted.widens)) {
        reasons.push(format!("{}: {} more", omitted.kind, omitted.count));
    }
    Verdict::Wait(reasons)
}

/// What is of a kind that is never applied, a line each.
pub(crate) fn refused(difference: &Difference, reload: &Reload) -> Vec<String> {
    let is_refused = |kind: &ChangeKind| reload.change(*kind) == Change::Refused;
    let kinds: BTreeSet<ChangeKind> = difference.kinds().into_keys().filter(is_refused).collect();
    let mut reasons = named(
        difference,
        |item| kinds.contains(&item.kind),
        |item| format!("{}: {}: {} (`reload.{} = \"refused\"`)", item.kind, item.subject, item.change, item.kind),
    );
    if reasons.is_empty() {
        // None of them is listed.
        reasons.extend(kinds.iter().map(|kind| format!("{kind}: `reload.{kind} = \"refused\"`")));
    }
    reasons
}

/// Items in words, the first so many.
fn named(difference: &Difference, is_meant: impl Fn(&Item) -> bool, words: impl Fn(&Item) -> String) -> Vec<String> {
    let meant: Vec<&Item> = difference.items.iter().filter(|item| is_meant(item)).collect();
    let mut named: Vec<String> = meant.iter().take(MAX_NAMED).map(|item| words(item)).collect();
    if let Some(more) = meant.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        named.push(format!("and {more} more: see `countersign plan`"));
    }
    named
}

/// What files on disk were when they were read last, by their stamps then.
#[derive(Debug, Default)]
pub(crate) struct LastRead {
    /// The files, once they are watched.
    files: OnceLock<Files>,
    last: Mutex<Option<(Stamps, WhatTheyWere)>>,
}

/// The digest of what files were, or why they can't be read.
type WhatTheyWere = Result<Digest, Vec<String>>;

impl LastRead {
    /// These are the files.
    pub(crate) fn watch(&self, files: &Files) {
        // Only the first are watched.
        drop(self.files.set(files.clone()));
    }

    /// The digest of what they are now. They are read only where their stamps are others than when they were read last.
    pub(crate) fn digest(&self, read: impl FnOnce() -> Result<Material, Vec<String>>) -> Result<Digest, Vec<String>> {
        let stamps = self.files.get().map(Files::stamps);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(stamps), Some((then, digest))) = (&stamps, &*last)
            && stamps == then
        {
            return digest.clone();
        }
        let digest = read().map(|material| material.manifest().digest());
        // Stamps are taken before: what changes meanwhile is read again.
        *last = stamps.map(|stamps| (stamps, digest.clone()));
        digest
    }
}

/// Watches files for a host.
pub(crate) struct Watch {
    pub(crate) host: Host,
    pub(crate) files: Files,
    /// Whether it looks by itself; else only when it is asked.
    pub(crate) by_itself: bool,
}

/// What became of files that were considered.
enum Considered {
    /// They serve, or wait; they aren't looked at again until they change.
    Done(Option<OnDisk>),
    /// They changed meanwhile, or what they were compared with did.
    Interrupted,
}

impl Watch {
    /// Watches until the host is to stop.
    pub(crate) fn run(self) {
        // What nothing serves beside can't be compared.
        while !self.is_stopping() && self.host.open.shared.judged().generation.is_none() {
            self.host.open.recorder.wait(EVERY, |_| self.is_stopping());
        }
        // A difference that waits, or is never applied, isn't looked at again until files change.
        let mut considered = Vec::new();
        let mut seen = Vec::new();
        let mut read = Instant::now();
        // After a rollback files wait until they change, also over a restart.
        let mut is_first = true;
        while !self.is_stopping() {
            let asked = self.host.open.asked.take();
            let stamps = self.files.stamps();
            let changed = stamps != considered;
            let stands_still = self.by_itself && stamps == seen;
            // What was written twice within a clock's tick has the same stamps.
            let is_due = stands_still && read.elapsed() > READ_EVERY && {
                read = Instant::now();
                self.is_other()
            };
            if asked.is_some() || is_due || (stands_still && changed) {
                // What served before, and was rolled back, comes again by a change or a person alone.
                let only_if_new = asked != Some(Ask::Reload) && (is_first || !changed);
                let is_done = self.consider(only_if_new, &stamps);
                is_first = is_first && !is_done;
                // As they were before they were read: what changes meanwhile is another change.
                considered = if is_done { stamps.clone() } else { Vec::new() };
                read = Instant::now();
            }
            seen = stamps;
            self.host.open.recorder.wait(EVERY, |_| self.is_stopping() || self.host.open.asked.is_asked());
        }
    }

    fn is_stopping(&self) -> bool {
        self.host.open.shared.is_stopping()
    }

    /// Whether the files neither serve nor are those that were looked at last.
    fn is_other(&self) -> bool {
        let Ok(material) = self.files.read() else { return false };
        let digest = material.manifest().digest();
        let serving = self.host.serving().map(|serving| serving.digest());
        let looked_at = self.host.open.shared.on_disk().and_then(|on_disk| on_disk.digest);
        serving != Some(digest) && looked_at != Some(digest)
    }

    /// Applies what is on disk, or says why not. False if it has to be looked at again.
    fn consider(&self, only_if_new: bool, stamps: &Stamps) -> bool {
        let considered = match self.files.read() {
            Err(reasons) => Considered::Done(Some(OnDisk::waits(None, reasons))),
            Ok(material) => self.apply(&material, only_if_new, stamps),
        };
        // What was said of files that aren't there any more says nothing of those that are.
        let is_stale = self.files.stamps() != *stamps;
        let (Considered::Done(on_disk), false) = (considered, is_stale) else {
            self.host.open.shared.set_on_disk(None);
            return false;
        };
        if let Some(on_disk) = &on_disk {
            tracing::warn!(reasons = on_disk.reasons.join("; "), "files on disk differ from what serves, and wait");
        }
        self.host.open.shared.set_on_disk(on_disk);
        true
    }

    fn apply(&self, material: &Material, only_if_new: bool, stamps: &Stamps) -> Considered {
        let digest = material.manifest().digest();
        let waits = |reasons| Considered::Done(Some(OnDisk::waits(Some(digest), reasons)));
        let comparing = match self.host.compare(material) {
            Ok(comparing) => comparing,
            Err(PlanError::Faults(faults)) => return waits(faults),
            Err(error) => return waits(vec![error.to_string()]),
        };
        if !comparing.differs() {
            return Considered::Done(None);
        }
        if !comparing.candidate.left_out.is_empty() && !self.host.open.reload.partial {
            return waits(comparing.candidate.left_out.clone());
        }
        if let Verdict::Wait(reasons) = verdict(&comparing.difference, &self.host.open.reload) {
            return waits(reasons);
        }
        if only_if_new && self.has_served(&digest) {
            return waits(vec!["they served before, and another generation was applied since".to_owned()]);
        }
        let shown = match self.prove(&comparing, digest, stamps) {
            Ok(shown) => shown,
            Err(Unproved::Doubts(reasons)) => return waits(reasons),
            Err(Unproved::Interrupted) => return Considered::Interrupted,
        };
        let reason = (!shown.is_empty()).then(|| shown.join("; "));
        match self.host.apply_over(&comparing.serving.manifest.digest(), material, reason) {
            Ok(number) => {
                tracing::info!(number, %digest, "files on disk changed, and were applied");
                Considered::Done(None)
            }
            Err(ApplyError::Same) => Considered::Done(None),
            Err(ApplyError::Overtaken) => Considered::Interrupted,
            Err(error) => waits(vec![error.to_string()]),
        }
    }

    /// Has a candidate tried on the recorded past, and run beside the one that serves. What that showed, a line each.
    fn prove(&self, comparing: &Comparing, digest: Digest, stamps: &Stamps) -> Result<Vec<String>, Unproved> {
        let looked = Cell::new(Instant::now());
        let is_interrupted = || {
            if self.is_stopping() {
                return true;
            }
            if !self.host.open.asked.is_asked() && looked.get().elapsed() < EVERY {
                return false;
            }
            looked.set(Instant::now());
            // A reload while these very files are tried asks for nothing else.
            self.host.open.asked.take();
            self.files.stamps() != *stamps
        };
        let Reload { trial, shadow, .. } = self.host.open.reload;
        let mut shown = Vec::new();
        for (stage, length) in [(Stage::Trial, trial), (Stage::Shadow, shadow)] {
            if length == 0 {
                continue;
            }
            let name = stage.id();
            let reasons = vec![stage.describe(&format_duration(length))];
            self.host.open.shared.set_on_disk(Some(OnDisk { digest: Some(digest), stage, reasons }));
            tracing::info!(%digest, "{name} of files on disk begins");
            let behaviour = if stage == Stage::Trial {
                self.host.try_on_past(comparing, length, &is_interrupted)
            } else {
                self.host.shadow(comparing, length, &is_interrupted)
            };
            let behaviour = match behaviour {
                Ok(behaviour) => behaviour,
                Err(PlanError::Stopping) => return Err(Unproved::Interrupted),
                Err(error) => return Err(Unproved::Doubts(vec![format!("the {name} failed: {error}")])),
            };
            let doubts = behaviour.doubts(name);
            if !doubts.is_empty() {
                return Err(Unproved::Doubts(doubts));
            }
            shown.push(behaviour.summary(name));
        }
        Ok(shown)
    }

    fn has_served(&self, digest: &Digest) -> bool {
        // What isn't known counts as having served: it waits.
        let generations = self.host.generations();
        generations.map_or(true, |all| all.iter().any(|generation| generation.word.manifest.digest() == *digest))
    }
}

/// Why a candidate isn't applied after a trial or a shadow.
enum Unproved {
    /// A person has to look at it, for these reasons.
    Doubts(Vec<String>),
    /// It has to be looked at again.
    Interrupted,
}

#[cfg(test)]
#[path = "../tests/unit/watch.rs"]
mod tests;
