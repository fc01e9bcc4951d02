//! `countersign config check`: reads a configuration and every file that it names.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use countersign_api::{Certificate, CertificateError};
use countersign_configuration::{Configuration, Files, Secret, Setting};
use countersign_daemon::{components, without_token};
use countersign_generation::ContextFiles;
use countersign_inputs::{MAX_SOURCES_BYTES, Sources};
use countersign_policy::{Capabilities, Diagnostic, Directory, MAX_BYTES, Policy, SourceFile, Trust};
use countersign_private::check_folder;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::files;
use crate::operator;
use crate::out::Out;
use crate::run::folder;
use crate::stderr;
use crate::table::{Table, Tone, toned};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign config check --config conf/countersign.toml
  countersign config check --config conf/countersign.toml --state /tmp/state

The policy, trust, identities, sources, capabilities and context tables are read as `countersign run`
reads them. Rules aren't: `countersign rule check` does that; here their files and folders have to be
there. All faults of all files are reported. The exit code is 2 if there is one.
";

/// Maximum bytes of a certificate and of its key.
const MAX_PEM: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let (configuration, found) = look(&self.configuration)?;
        let mut table = Table::new(out, ["what", "file", "state"]);
        for (what, file, state) in found.rows {
            let state = match state {
                Ok(words) => words.into(),
                Err(faults) => toned(Tone::Bad, &text::count(faults as u64, "fault")),
            };
            table.row([what.into(), file.into(), state]);
        }
        write!(out, "{}", table.text(""))?;
        if !found.faults.is_empty() {
            return Err(unusable(found.faults.join("\n  ")));
        }
        found.notes.iter().for_each(stderr::warning);
        match &configuration.files.sources.value {
            None => stderr::note("no sources are named: nothing is read"),
            Some(path) if found.sources == Some(0) => stderr::note(format_args!(
                "no source is declared in `{}`, so nothing is read: it has examples of a `[[source]]`",
                text::path(path)
            )),
            Some(_) => {}
        }
        writeln!(out, "all of it can be used")?;
        Ok(Exit::Done)
    }
}

/// Reads a configuration and all that it names.
///
/// # Errors
/// When its file can't be read: `Unusable`.
pub(crate) fn look(arguments: &ConfigurationArguments) -> Result<(Configuration, Findings)> {
    let (configuration, faults) = arguments.read_all()?;
    let mut found = Findings::default();
    let set = configuration.shown().iter().filter(|shown| shown.origin.kind() != "default").count();
    let name = arguments.file().map_or_else(|| "the defaults".to_owned(), |file| text::path(file).to_string());
    let words = format!("{} set", text::count(set as u64, "key"));
    found.add("configuration", name, if faults.is_empty() { Ok(words) } else { Err(faults) });
    check_state(&configuration.state.value, &mut found);
    check_files(&configuration.files, &folder(arguments.file()), &mut found);
    check_secrets(&configuration, &mut found);
    Ok((configuration, found))
}

/// Reads a file's text.
type Parse<T> = fn(&str) -> Result<T, Vec<Diagnostic>>;

/// What was looked at.
#[derive(Default)]
pub(crate) struct Findings {
    /// What it is, where it is, and what it holds or how many faults it has.
    pub(crate) rows: Vec<(&'static str, String, Result<String, usize>)>,
    /// Every fault of every file.
    pub(crate) faults: Vec<String>,
    /// What is no fault, and keeps a host from reading a source.
    pub(crate) notes: Vec<String>,
    /// How many sources there are, if they can be read.
    sources: Option<u64>,
}

impl Findings {
    fn add(&mut self, what: &'static str, file: String, state: Result<String, Vec<String>>) {
        let state = state.map_err(|faults| {
            let count = faults.len();
            self.faults.extend(faults);
            count
        });
        self.rows.push((what, file, state));
    }

    /// Reads one of the operator's files, if it is named.
    fn read<T>(
        &mut self,
        what: &'static str,
        path: Option<&Path>,
        (max_bytes, parse): (u64, Parse<T>),
        words: impl FnOnce(&SourceFile<T>) -> String,
    ) {
        if let Some(path) = path {
            let read = operator::read_file(path, max_bytes, parse);
            self.add(what, text::path(path).to_string(), read.map(|file| words(&file)));
        }
    }
}

fn check_state(state: &Path, found: &mut Findings) {
    let checked = match check_folder(state) {
        Ok(true) => Ok("is there".to_owned()),
        Ok(false) => Ok("will be made".to_owned()),
        Err(error) => Err(vec![format!("can't use `{}`: {error}", text::path(state))]),
    };
    found.add("state", text::path(state).to_string(), checked);
}

fn check_files(files: &Files, folder: &Path, found: &mut Findings) {
    const USABLE: &str = "can be used";
    let max = MAX_BYTES as u64;
    for path in &files.rules.value {
        found.add("rules", text::path(path).to_string(), check_rules(path).map_err(|fault| vec![fault]));
    }
    found.read("trust", files.trust.value.as_deref(), (max, Trust::parse), |_| USABLE.to_owned());
    found.read("policy", files.policy.value.as_deref(), (max, Policy::parse), |policy| {
        text::count(policy.content.cells().len() as u64, "cell")
    });
    found.read("identities", files.identities.value.as_deref(), (max, Directory::parse), |directory| {
        operator::warn(directory);
        format!("identities: {}", text::number(directory.content.identities().len() as u64))
    });
    let (mut notes, mut declared) = (Vec::new(), None);
    found.read("sources", files.sources.value.as_deref(), (MAX_SOURCES_BYTES, Sources::parse), |sources| {
        notes = [sources.content.unread(), without_token(&sources.content, folder)].concat();
        let count = sources.content.iter().count() as u64;
        declared = Some(count);
        text::count(count, "source")
    });
    found.sources = declared;
    let name = files.sources.value.as_deref().map(|path| text::path(path).to_string()).unwrap_or_default();
    found.notes.extend(notes.into_iter().map(|note| format!("{name}: {note}")));
    found.read("capabilities", files.capabilities.value.as_deref(), (max, Capabilities::parse), |tables| {
        text::count(tables.content.iter().count() as u64, "row")
    });
    let mut context = ContextFiles::default();
    for (table, paths) in &files.context {
        for path in &paths.value {
            let added = operator::add_context(&mut context, table, path);
            found.add(table.name, text::path(path).to_string(), added.map(|()| USABLE.to_owned()));
        }
    }
}

/// Whether a path of rules is there, and how many components it has. A folder may have none yet.
fn check_rules(path: &Path) -> Result<String, String> {
    let unreadable = |error| files::unreadable(path, &error).to_string();
    let components =
        if path.metadata().map_err(unreadable)?.is_dir() { components(path).map_err(unreadable)?.len() } else { 1 };
    Ok(text::count(components as u64, "component"))
}

/// Whether keys and certificates can be read. What is in them stays there.
fn check_secrets(configuration: &Configuration, found: &mut Findings) {
    let Configuration { judge, api, .. } = configuration;
    if judge.audit_key.value.is_some() {
        let read = judge.read_audit_key().map(drop).map_err(|error| error.to_string());
        secret("judge.audit-key", &judge.audit_key, read, found);
    }
    if let (Some(path), Some(key)) = (&api.certificate.value, &api.key.value) {
        let checked = match Certificate::read(path, key) {
            // The key has a row of its own.
            Ok(_) | Err(CertificateError::Key(_) | CertificateError::NoKey) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        found.add("api.certificate", text::path(path).to_string(), usable(checked));
    }
    if let Some(key) = &api.key.value {
        let read = key.read(MAX_PEM).map_err(|error| error.to_string());
        secret("api.key", &api.key, read.and_then(|bytes| pem(&bytes, "PRIVATE KEY")), found);
    }
}

fn secret(key: &'static str, setting: &Setting<Option<Secret>>, read: Result<(), String>, found: &mut Findings) {
    // A path is shown once there was a file: else it may be the secret itself, in the wrong place.
    let path = setting.value.as_ref().and_then(Secret::path).filter(|_| read.is_ok());
    let place = path.map_or_else(|| setting.origin.to_string(), |path| text::path(path).to_string());
    found.add(key, place, usable(read.map_err(|fault| format!("{}: {key}: {fault}", setting.origin))));
}

fn usable(checked: Result<(), String>) -> Result<String, Vec<String>> {
    checked.map(|()| "can be used".to_owned()).map_err(|fault| vec![fault])
}

/// Whether a file has something of this kind, in the form of RFC 7468.
fn pem(bytes: &[u8], kind: &str) -> Result<(), String> {
    let end = format!("{kind}-----");
    if bytes.windows(end.len()).any(|part| part == end.as_bytes()) {
        return Ok(());
    }
    Err(format!("expected PEM with `{kind}`, got something else"))
}
