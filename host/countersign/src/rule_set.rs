//! Which rules a command runs: the shipped ones, with the operator's added to them or in their place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use countersign_declaration::{Ceilings, Refusal};
use countersign_engine::Engine;
use countersign_generation::{Generation, LoadFault, LoadReason, RuleFile, Settings};
use countersign_policy::{FileDiagnostics, LOCAL_PUBLISHER, Policy, SourceFile};
use countersign_shipped::RULES;
use countersign_signing::Proof;

use crate::exit::{Exit, unusable};
use crate::files::{self, RuleFileError};
use crate::intake;
use crate::stderr;
use crate::text;

/// A rule file that isn't loaded, with why: its refusal, or the error of reading it.
type LeftOut = (PathBuf, Result<Refusal>);

/// The options that choose rules. Without any, the shipped rules run.
#[derive(Debug, Default, Args)]
pub(crate) struct RuleSet {
    /// Add the rules of a directory (*.wasm) to the shipped ones; may be given several times
    #[arg(long, value_name = "DIR", conflicts_with = "only_rules")]
    rules: Vec<PathBuf>,
    /// Run the rules of a directory in place of the shipped ones; may be given several times
    #[arg(long, value_name = "DIR")]
    only_rules: Vec<PathBuf>,
}

impl RuleSet {
    /// The folders of rules, and whether the shipped ones run beside them; none where neither is said.
    pub(crate) fn folders(&self) -> (Option<bool>, impl Iterator<Item = &Path>) {
        let shipped = if self.only_rules.is_empty() { self.rules.first().map(|_| true) } else { Some(false) };
        (shipped, self.rules.iter().chain(&self.only_rules).map(PathBuf::as_path))
    }

    /// Loads the rules. A rule that can't be loaded is reported and left out; the exit code says so.
    ///
    /// # Errors
    /// When a directory can't be read or has no rule, or when no detection rule is left.
    pub(crate) fn load(&self, engine: &Engine, settings: Settings) -> Result<(Arc<Generation>, Exit)> {
        let (rules, mut exit) = self.read(&settings.policy.content.limits().ceilings())?;
        let named: BTreeSet<_> = settings.policy.content.named_rules().cloned().collect();
        let (generation, faults) = Generation::load(engine, rules, settings);
        for fault in &faults {
            exit = exit.max(Exit::Refused);
            stderr::error(self.explain(fault));
        }
        if generation.detections.is_empty() {
            let why = "expected at least one detection rule, got none that can be loaded";
            return Err(if exit == Exit::Unusable { unusable(why) } else { anyhow::anyhow!(why) });
        }
        if generation.responses.is_empty() {
            stderr::note("no response rule is loaded: no action is proposed for any finding");
        }
        for rule in generation.detections.iter().chain(&generation.responses) {
            let identity = &rule.identity;
            tracing::debug!(rule = %identity.id, version = identity.version, code = %identity.code, "loaded");
            if rule.proof == Proof::Unsigned && identity.id.publisher() != LOCAL_PUBLISHER {
                stderr::warning(format_args!(
                    "`{}` {} is taken for its publisher's without a signature, as `trust.toml` says",
                    identity.id, identity.version
                ));
            }
        }
        for missing in named.iter().filter(|id| generation.rule(id).is_none() && generation.policy.is_enabled(id)) {
            stderr::warning(format_args!("the policy names the rule `{missing}`, which isn't loaded"));
        }
        Ok((generation, exit))
    }

    /// What is wrong with the parameters that a policy sets for these rules, a line each. Rules that can't be read or
    /// admitted have none: loading reports those.
    pub(crate) fn parameter_faults(&self, policy: &SourceFile<Policy>) -> Vec<String> {
        let ceilings = policy.content.limits().ceilings();
        let (rules, _) = self.components(&ceilings).unwrap_or_default();
        let Ok(intake) = intake::standing() else { return Vec::new() };
        let bytes: Vec<&[u8]> = rules.iter().map(|rule| rule.bytes.as_slice()).collect();
        let faults = intake.judge(&bytes, &ceilings).into_iter().filter_map(|judged| {
            let admitted = judged.admit().ok()?;
            let diagnostics = policy.content.parameters(admitted.declaration()).err()?;
            Some(FileDiagnostics { file: policy.name.clone(), diagnostics })
        });
        faults.flat_map(|faults| faults.lines().collect::<Vec<_>>()).collect()
    }

    /// The components. A file that can't be read, or is too large for any rule, is reported and left out.
    fn read(&self, ceilings: &Ceilings) -> Result<(Vec<RuleFile>, Exit)> {
        let (rules, left_out) = self.components(ceilings)?;
        let mut exit = Exit::Done;
        for (path, why) in left_out {
            match why {
                Ok(refusal) => {
                    exit = exit.max(Exit::Refused);
                    stderr::error(format_args!("{}: refused at admission\n  {refusal}", text::path(&path)));
                }
                Err(error) => {
                    exit = exit.max(Exit::Unusable);
                    stderr::error(error);
                }
            }
        }
        Ok((rules, exit))
    }

    /// The components, and the files left out: too large for any rule, or unreadable.
    ///
    /// # Errors
    /// When a directory can't be read or has no rule.
    fn components(&self, ceilings: &Ceilings) -> Result<(Vec<RuleFile>, Vec<LeftOut>)> {
        let mut rules = if self.only_rules.is_empty() { shipped() } else { Vec::new() };
        let mut left_out = Vec::new();
        for path in rule_files(self.rules.iter().chain(&self.only_rules))? {
            match files::read_rule(&path, ceilings) {
                Ok(Ok(bytes)) => rules.push(RuleFile { name: text::path(&path).to_string(), bytes }),
                Ok(Err(refusal)) => left_out.push((path, Ok(refusal))),
                Err(error) => left_out.push((path, Err(error))),
            }
        }
        Ok((rules, left_out))
    }

    /// A fault in words: with what to do about a shipped rule that was given again.
    fn explain(&self, fault: &LoadFault) -> String {
        match &fault.reason {
            LoadReason::Duplicate(all)
                if self.only_rules.is_empty() && all.iter().any(|(name, _)| is_shipped(name)) =>
            {
                format!("{fault}\n  one of them ships; `--only-rules` runs your rules in place of the shipped ones")
            }
            _ => fault.to_string(),
        }
    }
}

/// The shipped rules, in the order of their ids' folders.
fn shipped() -> Vec<RuleFile> {
    RULES.iter().map(|(id, bytes)| RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() }).collect()
}

fn is_shipped(id: &str) -> bool {
    RULES.iter().any(|(shipped, _)| *shipped == id)
}

/// The rule files of directories.
///
/// # Errors
/// With every directory that can't be read or has no rule: `Unusable`.
fn rule_files<'p>(paths: impl Iterator<Item = &'p PathBuf>) -> Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = paths.map(|path| Path::new(path).to_owned()).collect();
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for file in files::rule_files(&paths) {
        match file {
            Ok(path) => found.push(path),
            Err(RuleFileError { error, .. }) => faults.push(error.to_string()),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(unusable(faults.join("\n  "))) }
}
