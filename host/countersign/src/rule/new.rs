//! `countersign rule new`: creates a rule's crate that builds and passes its cases.

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValue;
use countersign_build::enter_into_lock;
use countersign_model::RuleId;
use countersign_model::vocabulary::RuleKind;
use countersign_policy::LOCAL_PUBLISHER;

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule new impossible-print-jobs --kind detection
      in rules/impossible-print-jobs if the folder rules exists here, else in impossible-print-jobs
  countersign rule new acme/quiet-hours --kind response --sdk ../countersign/guest-sdk/sdk
      a rule of the publisher acme, outside a checkout of Countersign

Without a publisher the rule is local/NAME: it needs no signature, and its findings enrich alerts and
no more unless `trust.toml` grants publisher `local` something. Rules of a publisher are signed
(`rule sign`).

The new rule finds root sign-ins, or ends suspicious sessions: replace it step by step and keep its
cases passing.
  countersign rule test PATH      builds the rule and runs its cases
  countersign rule bench PATH     measures its cost against its declared limits
The exit code is 2 if the name is invalid, the folder isn't empty, or the SDK isn't found.
";

/// Files of a new rule: the path in the crate and the text.
type Template = &'static [(&'static str, &'static str)];

const DETECTION: Template = &[
    ("rule.toml", include_str!("../../templates/detection/rule.toml")),
    ("src/lib.rs", include_str!("../../templates/detection/lib.rs.txt")),
    ("cases/root-signs-in/events.ndjson", include_str!("../../templates/detection/cases/root-signs-in/events.ndjson")),
    ("cases/root-signs-in/expect.toml", include_str!("../../templates/detection/cases/root-signs-in/expect.toml")),
    (
        "cases/a-user-stays-quiet/events.ndjson",
        include_str!("../../templates/detection/cases/a-user-stays-quiet/events.ndjson"),
    ),
    (
        "cases/a-user-stays-quiet/expect.toml",
        include_str!("../../templates/detection/cases/a-user-stays-quiet/expect.toml"),
    ),
];

const RESPONSE: Template = &[
    ("rule.toml", include_str!("../../templates/response/rule.toml")),
    ("src/lib.rs", include_str!("../../templates/response/lib.rs.txt")),
    (
        "cases/a-stolen-session/incident.toml",
        include_str!("../../templates/response/cases/a-stolen-session/incident.toml"),
    ),
    ("cases/a-stolen-session/expect.toml", include_str!("../../templates/response/cases/a-stolen-session/expect.toml")),
    ("cases/merely-named/incident.toml", include_str!("../../templates/response/cases/merely-named/incident.toml")),
    ("cases/merely-named/expect.toml", include_str!("../../templates/response/cases/merely-named/expect.toml")),
];

const MANIFEST: &str = include_str!("../../templates/Cargo.toml.txt");
const WORKSPACE: &str = include_str!("../../templates/workspace.txt");

/// The path of the SDK in a checkout of Countersign.
const SDK: &str = "guest-sdk/sdk";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The rule's name, or publisher/name: lower-case words with hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// The kind of rule
    #[arg(long, value_name = "KIND")]
    kind: Kind,
    /// The folder to create [default: rules/NAME in a checkout, else NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The folder of the crate `countersign-sdk` [default: that of the checkout around the new folder]
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// The kinds of rules that this version runs.
#[derive(Clone, Copy, Debug)]
struct Kind(RuleKind);

impl clap::ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Kind(RuleKind::Detection), Kind(RuleKind::Response)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = if self.0 == RuleKind::Response { "proposes actions" } else { "finds something in events" };
        Some(PossibleValue::new(self.0.id()).help(help))
    }
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let (publisher, name) = self.name.split_once('/').unwrap_or((LOCAL_PUBLISHER, &self.name));
        let here = std::env::current_dir().context("can't read the current folder")?;
        let folder = match &self.out {
            Some(folder) => here.join(folder),
            None if here.join("rules").is_dir() => here.join("rules").join(name),
            None => here.join(name),
        };
        let template = if self.kind.0 == RuleKind::Response { RESPONSE } else { DETECTION };
        let title = name.replace('-', " ");
        let filled = |text: &str| {
            text.replace("{{publisher}}", publisher).replace("{{name}}", name).replace("{{title}}", &title)
        };
        // The name is checked first, so that an invalid one leaves nothing behind.
        if let Err(error) = format!("{publisher}/{name}").parse::<RuleId>() {
            return Err(unusable(format_args!("`{}` can't be a rule's name: {error}", self.name)));
        }
        let empty = !folder.exists() || fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_none());
        if !empty {
            let folder = text::path(&folder);
            return Err(unusable(format_args!("`{folder}` exists already: expected a new or an empty folder")));
        }
        let sdk = self.sdk(&here, &folder)?;
        let mut manifest = filled(MANIFEST).replace("{{sdk}}", &sdk.path);
        if !sdk.in_workspace {
            manifest.push_str(WORKSPACE);
        }
        write_new(&folder, "Cargo.toml", &manifest)?;
        for (path, text) in template {
            write_new(&folder, path, &with_schema(&filled(text), &sdk, path))?;
        }
        let shown = folder.strip_prefix(&here).unwrap_or(&folder).display();
        writeln!(out, "created the {} rule `{publisher}/{name}` in {shown}", self.kind.0)?;
        if sdk.in_workspace {
            match enter_into_lock(&folder) {
                Ok(true) => {
                    writeln!(out, "entered into the workspace's Cargo.lock: a rule is built of what that names")?
                }
                Ok(false) => {}
                // The rule is there; building it says what to do.
                Err(error) => stderr::warning(error),
            }
        }
        writeln!(out, "next: countersign rule test {shown}")?;
        Ok(Exit::Done)
    }

    /// The path of the SDK for the manifest.
    fn sdk(&self, here: &Path, folder: &Path) -> Result<Sdk> {
        if let Some(sdk) = &self.sdk {
            let sdk = here.join(sdk);
            if !sdk.join("Cargo.toml").is_file() {
                return Err(unusable(format_args!(
                    "`{}`: expected the folder of the crate `countersign-sdk`, with its Cargo.toml",
                    text::path(&sdk)
                )));
            }
            let sdk = sdk.canonicalize().with_context(|| format!("can't resolve `{}`", text::path(&sdk)))?;
            return Ok(Sdk { path: sdk.display().to_string(), in_workspace: false });
        }
        let checkout = folder.ancestors().find(|ancestor| ancestor.join(SDK).join("Cargo.toml").is_file());
        let Some(checkout) = checkout else {
            return Err(unusable(format_args!(
                "`{}` isn't in a checkout of Countersign: give the folder of the crate `countersign-sdk` with \
                 `--sdk`, such as `--sdk ../countersign/{SDK}`",
                text::path(&folder)
            )));
        };
        let inside = folder.strip_prefix(checkout).unwrap_or(folder);
        let up = "../".repeat(inside.components().filter(|part| matches!(part, Component::Normal(_))).count());
        // The checkout's workspace has the folders of `rules` as members.
        let in_workspace = inside.parent() == Some(Path::new("rules"));
        Ok(Sdk { path: format!("{up}{SDK}"), in_workspace })
    }
}

/// Where a checkout of Countersign keeps its JSON Schemas.
const SCHEMAS: &str = "docs/schemas";

/// A template's text for a file of the new crate: its line `#:schema` names the schema in the checkout that has the
/// SDK, relative to the file, and is left out where there is none.
fn with_schema(text: &str, sdk: &Sdk, path: &str) -> String {
    const LINE: &str = "#:schema {{schemas}}";
    let checkout = sdk.path.strip_suffix(SDK).map(Path::new);
    let schemas = checkout.filter(|checkout| checkout.is_relative() || checkout.join(SCHEMAS).is_dir());
    match (schemas, text.split_once('\n')) {
        (Some(checkout), _) => {
            let up = if checkout.is_relative() { "../".repeat(path.matches('/').count()) } else { String::new() };
            text.replace("{{schemas}}", &format!("{up}{}", checkout.join(SCHEMAS).display()))
        }
        (None, Some((first, rest))) if first.starts_with(LINE) => rest.to_owned(),
        _ => text.to_owned(),
    }
}

/// Where the SDK is, and whether the new crate is a member of its workspace.
struct Sdk {
    path: String,
    in_workspace: bool,
}

/// Writes a file that doesn't exist yet.
fn write_new(folder: &Path, path: &str, text: &str) -> Result<()> {
    let path = folder.join(path);
    let written = || {
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(text.as_bytes())
    };
    written().with_context(|| format!("can't write `{}`", text::path(&path)))
}
