//! Where verdicts come from: what was admitted when this program was built, the cache, a child process.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_admission::{Admitted, admit, admit_again, code_rules, fingerprint};
use countersign_artefacts::{Cache, Lookup, Name};
use countersign_confine::ChildLimits;
use countersign_declaration::{Ceilings, Refusal};
use countersign_model::Digest;

use crate::parent::{self, Unjudged};
use crate::verdict::{MAX_VERDICT, Verdict};

/// The limits of admitting rules: a component of the largest size takes half of the time. One at which a process ends
/// is read twice, so a refused rule costs at most 2 s of processor time. A quarter of the 256 MiB that it may take is
/// left for the program itself, which isn't memory that it writes to.
pub const ADMISSION_LIMITS: ChildLimits =
    ChildLimits { memory: 192 << 20, cpu: Duration::from_secs(1), elapsed: Duration::from_secs(20) };

/// Most processes at once.
const MAX_PROCESSES: usize = 4;

/// Where rules are admitted.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this process, without limits: only for trusted bytes, such as those made by a test.
    InProcess,
    /// In child processes.
    Child {
        /// A program that calls [`crate::confine`] and then [`crate::serve`] when it is started as
        /// `PROGRAM admit --memory BYTES --cpu SECONDS`: the `countersign` binary.
        program: PathBuf,
        /// What each process may use.
        limits: ChildLimits,
    },
}

/// Observes where verdicts come from. Called from several threads at once.
pub trait IntakeObserver: Send + Sync {
    /// So many rules are read by child processes: neither the cache nor this program knew them.
    fn reading(&self, _rules: usize) {}

    /// An entry of the cache can't be used or written; the rule is judged anyway.
    fn cache_fault(&self, _what: &str) {}
}

impl IntakeObserver for () {}

/// What admits rules: the one way in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    /// Where what isn't known is read.
    pub place: Place,
    /// Verdicts that were made before.
    pub cache: Option<Arc<Cache>>,
    /// [`fingerprint`]s of the rules that admission admitted under the default ceilings when this program was built.
    pub built_in: Arc<BTreeSet<Digest>>,
    /// What is notified.
    pub observer: Arc<dyn IntakeObserver>,
}

impl Intake {
    /// In this process, without limits or cache: only for trusted bytes.
    #[must_use]
    pub fn in_process() -> Intake {
        Intake { place: Place::InProcess, cache: None, built_in: Arc::default(), observer: Arc::new(()) }
    }

    /// Admits one rule.
    ///
    /// # Errors
    /// Every reason to refuse it; hitting a limit is one.
    pub fn admit(&self, bytes: &[u8], ceilings: &Ceilings) -> Result<Admitted, Vec<Refusal>> {
        self.judge(&[bytes], ceilings).pop().map_or_else(|| Err(Vec::new()), |judged| judged.admit())
    }

    /// Finds out of each rule whether it is admitted, several at once. The results are in their order, and none depends
    /// on the others.
    #[must_use]
    pub fn judge<'b>(&self, rules: &[&'b [u8]], ceilings: &Ceilings) -> Vec<Judged<'b>> {
        let Place::Child { program, limits } = &self.place else {
            let read = |bytes: &&'b [u8]| {
                let verdict = admit(bytes, ceilings).map_or_else(Verdict::Refused, |_| Verdict::Admitted);
                Judged { bytes, ceilings: *ceilings, verdict }
            };
            return rules.iter().map(read).collect();
        };
        let by = rules_digest(ceilings, limits);
        let rules: Vec<Unjudged<'b>> =
            rules.iter().map(|bytes| Unjudged { digest: fingerprint(bytes), bytes }).collect();
        let mut verdicts: Vec<Option<Verdict>> = rules.iter().map(|rule| self.known(rule, ceilings, by)).collect();
        let unknown: Vec<Unjudged<'b>> =
            rules.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_none()).map(|(rule, _)| *rule).collect();
        if !unknown.is_empty() {
            self.observer.reading(unknown.len());
        }
        // The cost of a process is paid once for several rules.
        let processes = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_PROCESSES);
        let share = unknown.len().div_ceil(processes).max(1);
        let judged = std::thread::scope(|scope| {
            let started: Vec<_> = unknown
                .chunks(share)
                .map(|rules| (rules, scope.spawn(move || parent::judge(program, limits, ceilings, rules))))
                .collect();
            let ended = started.into_iter().map(|(rules, thread)| (rules, thread.join().unwrap_or_default()));
            ended.flat_map(|(rules, outcomes)| rules.iter().zip(outcomes)).collect::<Vec<_>>()
        });
        for (rule, outcome) in &judged {
            if outcome.lasts {
                self.keep(rule, by, &outcome.verdict);
            }
        }
        let mut judged = judged.into_iter();
        for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_none()) {
            *verdict = judged.next().map(|(_, outcome)| outcome.verdict);
        }
        let with = |(rule, verdict): (Unjudged<'b>, Option<Verdict>)| Judged {
            bytes: rule.bytes,
            ceilings: *ceilings,
            // INVARIANT: what nobody judged isn't admitted.
            verdict: verdict.unwrap_or(Verdict::Refused(Vec::new())),
        };
        rules.into_iter().zip(verdicts).map(with).collect()
    }

    /// The verdict without reading the rule, if it is known.
    fn known(&self, rule: &Unjudged<'_>, ceilings: &Ceilings, by: Digest) -> Option<Verdict> {
        // INVARIANT: these bytes were admitted, by the admission that this program has, under limits that weren't wider.
        if self.built_in.contains(&rule.digest) && ceilings.cover(&Ceilings::default()) {
            return Some(Verdict::Admitted);
        }
        let cache = self.cache.as_ref()?;
        let name = Name::of_verdict(rule.digest, by);
        let fault = match cache.get(&name) {
            Lookup::Missing => return None,
            Lookup::Refused(fault) => fault,
            Lookup::Entry(entry) => match entry.read(MAX_VERDICT) {
                Ok(Some(content)) => match Verdict::read(&content, rule.digest) {
                    Some(verdict) => {
                        entry.note_use();
                        return Some(verdict);
                    }
                    None => cache.refuse(&name, "isn't a verdict on this rule"),
                },
                // Another process has evicted or replaced it, or noted its use.
                Ok(None) => return None,
                Err(error) => cache.refuse(&name, &format!("can't be read ({error})")),
            },
        };
        self.observer.cache_fault(&fault);
        None
    }

    fn keep(&self, rule: &Unjudged<'_>, by: Digest, verdict: &Verdict) {
        let Some(cache) = &self.cache else { return };
        if let Err(error) = cache.put(&Name::of_verdict(rule.digest, by), &verdict.write(rule.digest)) {
            self.observer.cache_fault(&format!("can't write to `{}`: {error}", cache.path().display()));
        }
    }
}

/// A digest of what a verdict depends on besides the rule.
fn rules_digest(ceilings: &Ceilings, limits: &ChildLimits) -> Digest {
    let mut text = format!("{}\n", code_rules());
    // Writing to a string doesn't fail.
    let _ = writeln!(text, "{} {}", limits.memory, limits.cpu_seconds());
    text.push_str(&serde_json::to_string(ceilings).unwrap_or_default());
    Digest::of(text.as_bytes())
}

/// A rule's bytes with the verdict on them.
pub struct Judged<'b> {
    bytes: &'b [u8],
    ceilings: Ceilings,
    verdict: Verdict,
}

impl Judged<'_> {
    /// The rule, if it is admitted: its sections and its declaration are read again here.
    ///
    /// # Errors
    /// Every reason to refuse it.
    pub fn admit(self) -> Result<Admitted, Vec<Refusal>> {
        match self.verdict {
            // INVARIANT: whatever a child says, what a rule declares is what its bytes do.
            Verdict::Admitted => admit_again(self.bytes, &self.ceilings),
            Verdict::Refused(refusals) => Err(refusals),
        }
    }
}
