//! What the operator hands in: policy, identities, context, rules. All faults of the files are told together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_engine::{Engine, EngineConfig};
use countersign_pipeline::{ContextFiles, Generation, GeoFile, GeoFileError, MAX_GEO_BYTES, RuleFile, Settings};
use countersign_policy::{Diagnostic, Directory, DomainRoles, Egress, MAX_BYTES, Policy, SourceFile};
use countersign_shipped::RULES;

use crate::exit::{Exit, unusable};
use crate::files::{self, NoFile};
use crate::loading::Loading;
use crate::say;

/// Reads the operator's files; what isn't named is what ships.
///
/// # Errors
/// With every fault of every file: `Unusable`.
pub(crate) fn settings(
    policy: Option<&Path>,
    identities: Option<&Path>,
    context: &ContextArguments,
) -> Result<Settings> {
    let mut faults = Vec::new();
    let mut settings = Settings::shipped().map_err(unusable)?;
    if let Some(policy) = policy.and_then(|path| read(path, Policy::parse, &mut faults)) {
        settings.policy = policy;
    }
    settings.directory = identities.and_then(|path| read(path, Directory::parse, &mut faults));
    settings.context = context.files(&mut faults);
    if faults.is_empty() { Ok(settings) } else { Err(unusable(faults.join("\n  "))) }
}

/// What context tables are made of.
#[derive(Debug, Default, Args)]
pub(crate) struct ContextArguments {
    /// Where addresses are: a MaxMind database (city, country, ASN) or a geo.toml; may be given several times, what the
    /// first says counts [default: only what records say themselves]
    #[arg(long, value_name = "FILE")]
    geo: Vec<PathBuf>,
    /// The networks from which the organisation's own traffic leaves: VPN, proxies, offices [default: not known]
    #[arg(long, value_name = "FILE")]
    egress: Option<PathBuf>,
    /// Which accounts and hosts are domain controllers, synchronise directories or sign for them [default: not known]
    #[arg(long, value_name = "FILE")]
    domain_roles: Option<PathBuf>,
}

impl ContextArguments {
    fn files(&self, faults: &mut Vec<String>) -> ContextFiles {
        let egress = self.egress.as_deref().and_then(|path| read(path, Egress::parse, faults));
        let domain_roles = self.domain_roles.as_deref().and_then(|path| read(path, DomainRoles::parse, faults));
        let geo = self.geo.iter().filter_map(|path| geo_file(path, faults)).collect();
        ContextFiles { egress, domain_roles, geo }
    }
}

fn geo_file(path: &Path, faults: &mut Vec<String>) -> Option<GeoFile> {
    let bytes = files::read(path, MAX_GEO_BYTES as u64).map_err(|error| faults.push(error.to_string())).ok()?;
    match GeoFile::parse(bytes) {
        Ok(file) => Some(file),
        Err(GeoFileError::Text(found)) => {
            faults.extend(found.iter().map(|fault| format!("{}: {fault}", path.display())));
            None
        }
        Err(error) => {
            faults.push(format!("{}: {error}", path.display()));
            None
        }
    }
}

/// With a directory that isn't in a file.
///
/// # Errors
/// With every fault of it: `Unusable`.
pub(crate) fn settings_with(identities: String) -> Result<Settings> {
    let directory = SourceFile::parse("identities", identities, Directory::parse).map_err(unusable)?;
    Ok(Settings { directory: Some(directory), ..Settings::shipped().map_err(unusable)? })
}

fn read<T>(
    path: &Path,
    parse: fn(&str) -> Result<T, Vec<Diagnostic>>,
    faults: &mut Vec<String>,
) -> Option<SourceFile<T>> {
    let text = files::read_text(path, MAX_BYTES as u64).map_err(|error| faults.push(error.to_string())).ok()?;
    SourceFile::parse(path.display().to_string(), text, parse).map_err(|found| faults.extend(found.lines())).ok()
}

/// The sandbox for so many threads, and for rules within the operator's limits.
///
/// # Errors
/// When the machine lacks what it needs, or the cache can't be used.
pub(crate) fn engine(workers: usize, max_memory: u64, loading: &Loading) -> Result<Engine> {
    let base = EngineConfig::default();
    let config = EngineConfig {
        concurrent_calls: base.concurrent_calls.max(u32::try_from(workers).unwrap_or(u32::MAX)),
        max_memory: base.max_memory.max(usize::try_from(max_memory).unwrap_or(usize::MAX)),
        ..base
    };
    Ok(Engine::with(&config, loading.compilation()?)?)
}

/// Loads the rules of a folder or file, or the shipped ones. A rule with a fault is told and left out.
///
/// # Errors
/// When there is no rule at all.
pub(crate) fn generation(engine: &Engine, rules: Option<&Path>, settings: Settings) -> Result<(Generation, Exit)> {
    let mut exit = Exit::Done;
    let ceilings = settings.policy.content.limits().ceilings();
    let named: BTreeSet<_> = settings.policy.content.named_rules().cloned().collect();
    let mut files = Vec::new();
    match rules {
        None => {
            files.extend(RULES.iter().map(|(id, bytes)| RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() }))
        }
        Some(folder) => {
            for file in files::rule_files(&[folder.to_owned()]) {
                let read = file.and_then(|path| match files::read_rule(&path, &ceilings) {
                    Ok(read) => Ok((path, read)),
                    Err(error) => Err(NoFile { path, error }),
                });
                match read {
                    Ok((path, Ok(bytes))) => files.push(RuleFile { name: path.display().to_string(), bytes }),
                    Ok((path, Err(refusal))) => {
                        exit = exit.max(Exit::Refused);
                        say::error(format_args!("{}: refused at admission\n  {refusal}", path.display()));
                    }
                    Err(NoFile { error, .. }) => {
                        exit = exit.max(Exit::Unusable);
                        say::error(error);
                    }
                }
            }
        }
    }
    let (generation, faults) = Generation::load(engine, 1, files, settings);
    for fault in &faults {
        exit = exit.max(Exit::Refused);
        say::error(fault);
    }
    if generation.detections.is_empty() {
        let why = "expected at least one detection rule, got none that can serve";
        return Err(if exit == Exit::Unusable { unusable(why) } else { anyhow::anyhow!(why) });
    }
    for rule in generation.detections.iter().chain(&generation.responses) {
        let identity = &rule.identity;
        tracing::debug!(rule = %identity.id, version = identity.version, code = %identity.code, "serves");
    }
    for missing in named.iter().filter(|id| generation.rule(id).is_none() && generation.policy.is_enabled(id)) {
        say::warning(format_args!("the policy names the rule `{missing}`, which isn't loaded"));
    }
    Ok((generation, exit))
}
