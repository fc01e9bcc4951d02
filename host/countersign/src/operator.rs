//! What the operator hands in: policy, identities, context. All faults of the files are told together.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_pipeline::{ContextFiles, GeoFile, GeoFileError, MAX_GEO_BYTES, Settings};
use countersign_policy::{Diagnostic, Directory, DomainRoles, Egress, MAX_BYTES, Policy, SourceFile};

use crate::exit::unusable;
use crate::files;

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
