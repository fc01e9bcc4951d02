//! The operator files: trust, policy, identities, context. Faults of all files are reported together.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use countersign_generation::{ContextFiles, FILE_TABLES, FileTable, Settings};
use countersign_policy::{Capabilities, Diagnostic, Directory, MAX_BYTES, Policy, SourceFile, Trust};

use crate::exit::unusable;
use crate::files;
use crate::rule_set::RuleSet;
use crate::stderr;
use crate::text;

/// The operator's files that are named; what isn't is what ships.
#[derive(Clone, Copy, Default)]
pub(crate) struct OperatorFiles<'a> {
    pub(crate) trust: Option<&'a Path>,
    pub(crate) policy: Option<&'a Path>,
    pub(crate) identities: Option<&'a Path>,
    pub(crate) capabilities: Option<&'a Path>,
    pub(crate) context: Option<&'a ContextArguments>,
}

/// Reads the operator's files.
///
/// # Errors
/// With every fault of every file: `Unusable`. Parameters that the policy sets for one of these rules are among them;
/// where the files have no other fault, loading the rules reports those.
pub(crate) fn settings(files: &OperatorFiles<'_>, rules: Option<&RuleSet>) -> Result<Settings> {
    let mut faults = Vec::new();
    let mut settings = Settings::shipped().map_err(unusable)?;
    if let Some(trust) = files.trust.and_then(|path| read(path, Trust::parse, &mut faults)) {
        settings.trust = trust;
    }
    if let Some(policy) = files.policy.and_then(|path| read(path, Policy::parse, &mut faults)) {
        settings.policy = policy;
    }
    if let Some(tables) = files.capabilities.and_then(|path| read(path, Capabilities::parse, &mut faults)) {
        settings.capabilities = tables;
    }
    settings.directory = files.identities.and_then(|path| read(path, Directory::parse, &mut faults));
    if let Some(directory) = &settings.directory {
        warn(directory);
    }
    if let Some(context) = files.context {
        settings.context = context.files(&mut faults);
    }
    if faults.is_empty() {
        return Ok(settings);
    }
    faults.extend(rules.iter().flat_map(|rules| rules.parameter_faults(&settings.policy)));
    Err(unusable(faults.join("\n  ")))
}

/// The same for an author's tools: whose rules they try doesn't matter.
///
/// # Errors
/// As [`settings`].
pub(crate) fn author_settings(
    policy: Option<&Path>,
    identities: Option<&Path>,
    context: &ContextArguments,
) -> Result<Settings> {
    let files = OperatorFiles { policy, identities, context: Some(context), ..OperatorFiles::default() };
    let mut settings = settings(&files, None)?;
    settings.trust.content = Trust::of_authors();
    Ok(settings)
}

/// Whose rules are believed: what the file says, else what ships.
///
/// # Errors
/// With every fault of the file: `Unusable`.
pub(crate) fn trust(path: Option<&Path>) -> Result<Trust> {
    Ok(settings(&OperatorFiles { trust: path, ..OperatorFiles::default() }, None)?.trust.content)
}

/// The files of context tables: an option for each of [`FILE_TABLES`].
#[derive(Debug, Default)]
pub(crate) struct ContextArguments(Vec<(&'static FileTable, PathBuf)>);

impl ContextArguments {
    /// The group of all these options.
    pub(crate) const GROUP: &'static str = "context";

    /// The files with their tables.
    pub(crate) fn files_by_table(&self) -> impl Iterator<Item = (&'static FileTable, &Path)> {
        self.0.iter().map(|(table, path)| (*table, path.as_path()))
    }

    fn files(&self, faults: &mut Vec<String>) -> ContextFiles {
        let mut context = ContextFiles::default();
        for (table, path) in &self.0 {
            faults.extend(add_context(&mut context, table, path).err().into_iter().flatten());
        }
        context
    }
}

/// Reads a file of a context table and adds it.
///
/// # Errors
/// Why it can't be read, or every fault of it.
pub(crate) fn add_context(context: &mut ContextFiles, table: &FileTable, path: &Path) -> Result<(), Vec<String>> {
    let bytes = files::read(path, table.max_bytes as u64).map_err(|error| vec![error.to_string()])?;
    context.add(table.name, &text::path(path).to_string(), bytes).map_err(|found| found.lines().collect())
}

/// Warns of what no record can match.
pub(crate) fn warn(directory: &SourceFile<Directory>) {
    for warning in directory.content.warnings() {
        stderr::warning(format_args!("{}: {warning}", directory.name));
    }
}

impl clap::Args for ContextArguments {
    fn augment_args(command: Command) -> Command {
        let options = FILE_TABLES.iter().map(|table| {
            Arg::new(table.name)
                .long(table.name)
                .value_name("FILE")
                .help(table.help)
                .value_parser(clap::value_parser!(PathBuf))
                .action(if table.repeatable { ArgAction::Append } else { ArgAction::Set })
        });
        let names = FILE_TABLES.iter().map(|table| table.name);
        command.args(options).group(ArgGroup::new(ContextArguments::GROUP).args(names).multiple(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        ContextArguments::augment_args(command)
    }
}

impl clap::FromArgMatches for ContextArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |table: &'static FileTable| {
            let paths = matches.get_many::<PathBuf>(table.name).into_iter().flatten();
            paths.map(move |path| (table, path.clone())).collect::<Vec<_>>()
        };
        Ok(ContextArguments(FILE_TABLES.iter().flat_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = ContextArguments::from_arg_matches(matches)?;
        Ok(())
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
    read_file(path, MAX_BYTES as u64, parse).map_err(|found| faults.extend(found)).ok()
}

/// Reads one file of at most so many bytes.
///
/// # Errors
/// Why it can't be read, or every fault of it.
pub(crate) fn read_file<T>(
    path: &Path,
    max_bytes: u64,
    parse: fn(&str) -> Result<T, Vec<Diagnostic>>,
) -> Result<SourceFile<T>, Vec<String>> {
    let text = files::read_text(path, max_bytes).map_err(|error| vec![error.to_string()])?;
    SourceFile::parse(text::path(&path).to_string(), text, parse).map_err(|found| found.lines().collect())
}
