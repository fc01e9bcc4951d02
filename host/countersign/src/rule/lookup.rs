//! Finds the rule that the command line names: a folder, a component, or a shipped rule's id; and the rules that feed it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use countersign_author::feeders;
use countersign_build::{build_rule, ensure_target, find_rules, read_declaration};
use countersign_declaration::{Ceilings, Declaration, quoted};
use countersign_engine::Engine;
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_intake::Intake;
use countersign_model::RuleId;
use countersign_shipped::RULES;

use crate::exit::unusable;
use crate::files;
use crate::stderr;
use crate::text;

use super::build::options;

/// The argument's help.
pub(super) const RULE_HELP: &str = "A rule's folder, a component, or the id of a shipped rule";

/// A rule, built and admitted.
pub(super) struct LocatedRule {
    /// The component with its sections.
    pub(super) bytes: Vec<u8>,
    /// What it declares.
    pub(super) declaration: Declaration,
    /// Its folder, if it was built from one.
    pub(super) folder: Option<PathBuf>,
    /// The rules whose findings feed it: from beside it, else the shipped ones.
    pub(super) feeders: Vec<RuleFile>,
}

/// Finds a rule.
///
/// # Errors
/// When there is none of that name (`Unusable`), or it can't be built or isn't admitted.
pub(super) fn find_rule(intake: &Intake, name: &str) -> Result<LocatedRule> {
    let path = Path::new(name);
    let folder = path.join("rule.toml").is_file().then(|| path.to_owned());
    let bytes = if let Some(folder) = &folder {
        ensure_target()?;
        build_rule(folder, &options())?.bytes
    } else if path.is_file() {
        files::read_rule(path, &Ceilings::default())?
            .map_err(|refusal| anyhow::anyhow!("{}: refused at admission\n  {refusal}", text::line(name)))?
    } else {
        let shipped = shipped_named(name).ok_or_else(|| {
            let ids: Vec<&str> = RULES.iter().map(|(id, _)| *id).collect();
            unusable(format_args!(
                "{}: expected a folder with a rule.toml, a component, or the id of a shipped rule ({})",
                quoted(name),
                ids.join(", ")
            ))
        })?;
        shipped.bytes
    };
    let admitted = intake.admit(&bytes, &Ceilings::default()).map_err(|refusals| {
        let reasons = refusals.iter().map(|refusal| format!("\n  {refusal}")).collect::<String>();
        anyhow::anyhow!("{}: refused at admission{reasons}", text::line(name))
    })?;
    let declaration = admitted.declaration().clone();
    let feeders = match &folder {
        Some(folder) => feeders(intake, &bytes, &mut |id| beside(folder, id).or_else(|| shipped(id))),
        None => feeders(intake, &bytes, &mut |id| component_beside(path, id).or_else(|| shipped(id))),
    };
    Ok(LocatedRule { bytes, declaration, folder, feeders })
}

impl LocatedRule {
    /// A generation of the rule and those that feed it.
    ///
    /// # Errors
    /// When one of them can't be loaded.
    pub(super) fn generation(&self, engine: &Engine, settings: Settings) -> Result<Arc<Generation>> {
        let file = RuleFile { name: self.declaration.id.to_string(), bytes: self.bytes.clone() };
        let files = std::iter::once(file).chain(self.feeders.iter().cloned()).collect();
        let (generation, faults) = Generation::load(engine, files, settings);
        if let Some(fault) = faults.first() {
            anyhow::bail!("{fault}");
        }
        let id = &self.declaration.id;
        anyhow::ensure!(generation.rule(id).is_some(), "`{id}`: the policy has switched the rule off");
        Ok(generation)
    }
}

/// The rule with an id in the folders beside a rule's, built.
pub(super) fn beside(rule: &Path, id: &RuleId) -> Option<RuleFile> {
    let rule = std::path::absolute(rule).ok()?;
    let folders = find_rules(&[rule.parent()?.to_owned()]).ok()?;
    let folder = folders.iter().find(|folder| read_declaration(folder).is_ok_and(|declared| declared.id == *id))?;
    let built = build_rule(folder, &options()).map_err(stderr::error).ok()?;
    Some(RuleFile { name: id.to_string(), bytes: built.bytes })
}

/// The component with an id among the files beside a component, under the name that a build gives it.
fn component_beside(rule: &Path, id: &RuleId) -> Option<RuleFile> {
    let path = std::path::absolute(rule).ok()?.parent()?.join(id.file_name());
    if !path.is_file() {
        return None;
    }
    let bytes = files::read_rule(&path, &Ceilings::default()).ok()?.ok()?;
    Some(RuleFile { name: id.to_string(), bytes })
}

/// The shipped rule with an id.
pub(super) fn shipped(id: &RuleId) -> Option<RuleFile> {
    shipped_named(id.as_str())
}

fn shipped_named(name: &str) -> Option<RuleFile> {
    let (name, bytes) = RULES.iter().find(|(id, _)| *id == name)?;
    Some(RuleFile { name: (*name).to_owned(), bytes: bytes.to_vec() })
}
