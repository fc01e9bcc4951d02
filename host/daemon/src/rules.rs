//! How rules are: what serves, what they keep, and what is held back from them.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_generation::{Generation, Rule};
use countersign_model::{Digest, Hold, RuleId, Timestamp};
use countersign_recorder::RecorderError;
use countersign_session::{SessionError, stored_rules};
use countersign_store::{SqliteStore, StoreError};
use countersign_stream::LINE_SLOT;
use serde::Serialize;

use crate::host::Host;
use crate::material::{Material, Role};
use crate::metrics::RuleUse;

/// How a rule is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleStatus {
    /// Its id.
    pub rule: RuleId,
    /// What the generation that serves has of it; none if it doesn't serve, or no host does.
    pub serves: Option<ServingRule>,
    /// The digest of the code that judged last, without Countersign's own sections.
    pub code: Option<Digest>,
    /// With which rows of sources it isn't called for a while.
    pub holds: Vec<Hold>,
    /// Keys that it keeps something for.
    pub keys: u64,
    /// Bytes of what it keeps.
    pub bytes: u64,
    /// Rows that were delivered to it, ever.
    pub delivered: u64,
    /// Rows that were held back from it.
    pub held: u64,
    /// Findings that it made.
    pub findings: u64,
    /// The gate's clock at the last of them.
    pub last_finding: Option<Timestamp>,
    /// What it has used since it was loaded; none if it doesn't serve, or no host does.
    pub used: Option<UsedByRule>,
    /// Since when it is gone.
    pub absent_since: Option<Timestamp>,
}

/// What a rule has used since it was loaded, trials included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UsedByRule {
    /// Calls.
    pub calls: u64,
    /// Of these, calls without an answer.
    pub failures: u64,
    /// Fuel.
    pub fuel: u64,
    /// Time, microseconds.
    pub micros: u64,
    /// Its share of the fuel of all rules that serve, thousandths.
    pub fuel_share: u64,
    /// Its share of their time, thousandths.
    pub time_share: u64,
}

/// A rule of the generation that serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServingRule {
    /// `detection` or `response`.
    pub kind: &'static str,
    /// Its version.
    pub version: String,
    /// What proves it to be its publisher's.
    pub proof: String,
    /// Its depth in the graph of subscriptions; 0 subscribes to nothing.
    pub depth: usize,
    /// The digest of the component.
    pub component: Digest,
    /// The file that it was read from; none for a rule that ships in the binary.
    pub file: Option<String>,
    /// The digest of what that file has now; none where there is none any more, or it can't be read.
    pub on_disk: Option<Digest>,
}

/// Why it can't be said.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it remembers.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The recorder.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The generation that serves.
    #[error("the generation that serves can't be read: {0}")]
    Generation(String),
}

/// How the rules are that a store knows, by id. Which of them serve isn't known without a host.
///
/// # Errors
/// When the store can't be read.
pub fn rules_of_store(path: &Path) -> Result<Vec<RuleStatus>, RulesError> {
    Ok(read(path)?.into_values().collect())
}

fn read(path: &Path) -> Result<BTreeMap<RuleId, RuleStatus>, RulesError> {
    let store = SqliteStore::read(path)?;
    let kept = store.kept(LINE_SLOT)?;
    let status = stored_rules(&store)?.into_iter().map(|(rule, stored)| {
        let kept = kept.get(&rule).copied().unwrap_or_default();
        let status = RuleStatus {
            code: stored.code,
            holds: stored.holds,
            keys: kept.keys,
            bytes: kept.bytes,
            delivered: stored.delivered,
            held: stored.held,
            findings: stored.findings,
            last_finding: stored.last_finding,
            absent_since: stored.absent_since,
            ..RuleStatus::new(rule.clone())
        };
        (rule, status)
    });
    Ok(status.collect())
}

impl RuleStatus {
    fn new(rule: RuleId) -> RuleStatus {
        RuleStatus {
            rule,
            serves: None,
            code: None,
            holds: Vec::new(),
            keys: 0,
            bytes: 0,
            delivered: 0,
            held: 0,
            findings: 0,
            last_finding: None,
            used: None,
            absent_since: None,
        }
    }
}

impl Host {
    /// How rules are, by id: those that serve, and those that are gone and remembered. `on_disk` is what the files hold now,
    /// if they can be read.
    ///
    /// # Errors
    /// When the store or the generation can't be read.
    pub fn rules(&self, on_disk: Option<&Material>) -> Result<Vec<RuleStatus>, RulesError> {
        let mut rules = read(&self.store_path())?;
        if let Some(number) = self.status().judged.generation {
            let reader = self.open.recorder.reader()?;
            if let Some(last) = self.open.generations.of_number(&reader, number)? {
                let built = last.built.map_err(|faults| RulesError::Generation(faults.join("; ")))?;
                for (kind, rule) in all(&built.generation) {
                    let bytes = rule.bytes().map_err(|error| RulesError::Generation(error.to_string()))?;
                    let component = Digest::of(&bytes);
                    let files = built.manifest.files.iter();
                    let mut files = files.filter(|file| file.role == Role::Rule.name() && file.digest == component);
                    let file = files.next().map(|file| file.name.clone());
                    let now = on_disk.into_iter().flat_map(|material| &material.files);
                    let mut now = now.filter(|now| Some(&now.name) == file.as_ref());
                    let serves = ServingRule {
                        kind,
                        version: rule.identity.version.clone(),
                        proof: rule.proof.to_string(),
                        depth: rule.depth,
                        component,
                        on_disk: now.next().map(|now| Digest::of(&now.bytes)),
                        file,
                    };
                    let id = rule.identity.id.clone();
                    let status = rules.entry(id.clone()).or_insert_with(|| RuleStatus::new(id));
                    status.code = Some(rule.identity.code);
                    status.serves = Some(serves);
                }
            }
        }
        self.add_uses(&mut rules);
        Ok(rules.into_values().collect())
    }

    fn add_uses(&self, rules: &mut BTreeMap<RuleId, RuleStatus>) {
        let uses = self.rule_uses();
        let fuel: u64 = uses.iter().map(|one| one.used.fuel).sum();
        let nanos: u64 = uses.iter().map(|one| one.used.nanos).sum();
        for RuleUse { rule, used } in uses {
            let Some(status) = rules.get_mut(&rule).filter(|status| status.serves.is_some()) else { continue };
            status.used = Some(UsedByRule {
                calls: used.calls,
                failures: used.failures,
                fuel: used.fuel,
                micros: used.nanos / 1_000,
                fuel_share: thousandths(used.fuel, fuel),
                time_share: thousandths(used.nanos, nanos),
            });
        }
    }
}

/// A part of a whole, in thousandths.
fn thousandths(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1_000).checked_div(whole).unwrap_or_default()
}

/// The rules of a generation, with what each is for.
fn all(generation: &Generation) -> impl Iterator<Item = (&'static str, &Rule)> {
    let detections = generation.detections.iter().map(|rule| ("detection", rule));
    detections.chain(generation.responses.iter().map(|rule| ("response", rule)))
}
