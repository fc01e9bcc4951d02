//! Files on disk, watched: a change that widens nothing may be applied by itself, any other one waits for a person and is
//! shown with why.
//!
//! Files are looked at by their stamps (identity, size, times) every two seconds, which no overflow and no swapped link
//! escapes, and are read once their stamps stand still: a folder that is half copied isn't a change yet.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign_configuration::Change;
use countersign_model::Digest;
use serde::{Deserialize, Serialize};

use crate::candidate::{ChangeKind, Difference, Item};
use crate::host::{ApplyError, Host};
use crate::material::{Material, Role, components};
use crate::plan::PlanError;
use crate::reload::Reload;

/// How often files are looked at, and how long they have to stand still.
const EVERY: Duration = Duration::from_secs(2);

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
    fn stamps(&self) -> Vec<(PathBuf, Option<Stamp>)> {
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
    /// Why they don't serve: faults, or what needs a person.
    pub reasons: Vec<String>,
}

impl OnDisk {
    /// Of files that are others and that nobody has looked at.
    #[must_use]
    pub fn others(digest: Digest) -> OnDisk {
        let reasons = vec!["they haven't been applied: `countersign apply` has them serve".to_owned()];
        OnDisk { digest: Some(digest), reasons }
    }
}

/// Asks the thread that watches to look at once.
#[derive(Debug, Default)]
pub(crate) struct Asked(AtomicBool);

impl Asked {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
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

/// Watches files for a host.
pub(crate) struct Watch {
    pub(crate) host: Host,
    pub(crate) files: Files,
    /// Whether it looks by itself; else only when it is asked.
    pub(crate) by_itself: bool,
}

impl Watch {
    /// Watches until the host is to stop.
    pub(crate) fn run(self) {
        let shared = &self.host.open.shared;
        let is_stopping = || shared.is_stopping();
        // What nothing serves beside can't be compared.
        while !is_stopping() && shared.judged().generation.is_none() {
            self.host.open.recorder.wait(EVERY, |_| is_stopping());
        }
        // A difference that waits, or is never applied, isn't looked at again until files change.
        let mut considered = Vec::new();
        let mut seen = Vec::new();
        // After a rollback files wait until they change, also over a restart.
        let mut is_first = true;
        while !is_stopping() {
            let asked = self.host.open.asked.take();
            let stamps = self.files.stamps();
            if asked || (self.by_itself && stamps == seen && stamps != considered) {
                self.consider(is_first && !asked);
                is_first = false;
                // As they were before they were read: what changes meanwhile is another change.
                considered.clone_from(&stamps);
            }
            seen = stamps;
            self.host.open.recorder.wait(EVERY, |_| is_stopping() || self.host.open.asked.is_asked());
        }
    }

    /// Applies what is on disk, or says why not.
    fn consider(&self, only_if_new: bool) {
        let open = &self.host.open;
        let on_disk = match self.files.read() {
            Err(reasons) => Some(OnDisk { digest: None, reasons }),
            Ok(material) => self.apply(&material, only_if_new),
        };
        if let Some(on_disk) = &on_disk {
            tracing::warn!(reasons = on_disk.reasons.join("; "), "files on disk differ from what serves, and wait");
        }
        open.shared.set_on_disk(on_disk);
    }

    fn apply(&self, material: &Material, only_if_new: bool) -> Option<OnDisk> {
        let digest = material.manifest().digest();
        let waits = |reasons| Some(OnDisk { digest: Some(digest), reasons });
        let plan = loop {
            match self.host.plan(material, Some(0)) {
                // A person's goes first, and may take minutes.
                Err(PlanError::Busy) if !self.host.open.shared.is_stopping() => {
                    self.host.open.recorder.wait(EVERY, |_| self.host.open.shared.is_stopping());
                }
                Ok(plan) => break plan,
                Err(PlanError::Faults(faults)) => return waits(faults),
                Err(error) => return waits(vec![error.to_string()]),
            }
        };
        if !plan.differs() {
            return None;
        }
        if !plan.refused.is_empty() {
            return waits(plan.refused);
        }
        match verdict(&plan.difference, &self.host.open.reload) {
            Verdict::Wait(reasons) => waits(reasons),
            Verdict::Apply if only_if_new && self.has_served(&digest) => {
                waits(vec!["they served before, and another generation was applied since".to_owned()])
            }
            Verdict::Apply => match self.host.apply_over(&plan.serving, material) {
                Ok(number) => {
                    tracing::info!(number, %digest, "files on disk changed, and were applied");
                    None
                }
                Err(ApplyError::Same) => None,
                Err(error) => waits(vec![error.to_string()]),
            },
        }
    }

    fn has_served(&self, digest: &Digest) -> bool {
        let generations = self.host.generations().unwrap_or_default();
        generations.iter().any(|generation| generation.word.manifest.digest() == *digest)
    }
}

#[cfg(test)]
#[path = "../tests/unit/watch.rs"]
mod tests;
