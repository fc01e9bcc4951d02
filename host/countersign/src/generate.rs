//! `countersign generate`: seeded telemetry, with labels and the operator's files that go with it.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use countersign_generate::{Disorder, Generated, Label, Preset, Telemetry, write_ndjson, write_records_object};
use serde::Serialize;

use crate::exit::Exit;
use crate::files;
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign generate --preset all-attacks --out events.ndjson \\
                       --identities identities.toml --labels labels.ndjson
  countersign replay --source cloudtrail --identities identities.toml events.ndjson
      telemetry, the directory of its identities, and labels of the attacks
  countersign generate --preset all-attacks --source windows-security --out domain.ndjson \\
                       --domain-roles domain-roles.toml --identities identities.toml
  countersign replay --source auto --domain-roles domain-roles.toml --identities identities.toml domain.ndjson
      the same company's Windows domain
  countersign generate --preset bulk --events 1000000 | gzip > bulk.ndjson.gz
      a million records
  countersign generate --preset quiet-day --late 50 --duplicate 20 --bad 5
      late, repeated and damaged records, as in real deliveries

The same options give the same bytes on every machine. Attacks are named in the labels only, never
in the records.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The scenario
    #[arg(long, value_name = "NAME", default_value = "demo")]
    preset: PresetName,
    /// The product whose records are generated
    #[arg(long, value_name = "NAME", default_value = "cloudtrail")]
    source: SourceName,
    /// The seed of all random choices
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The number of records, in place of the preset's; attacks and bursts are always complete
    #[arg(long, value_name = "NUMBER")]
    events: Option<u64>,
    /// Write the records to a file [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write one {"Records": […]} object, as CloudTrail does, instead of one record per line
    #[arg(long)]
    records: bool,
    /// Write the labels to a file, one per line: the events of each attack and burst, and the findings expected of them
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Write the directory of the company's identities to a file
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// Write the company's egress networks to a file
    #[arg(long, value_name = "FILE")]
    egress: Option<PathBuf>,
    /// Write the roles in its Windows domain to a file
    #[arg(long, value_name = "FILE")]
    domain_roles: Option<PathBuf>,
    /// Add the time of receipt to each record
    #[arg(long)]
    receipt_times: bool,
    /// How many of a thousand records come 10 to 40 minutes late
    #[arg(long, value_name = "SHARE", default_value_t = 0, value_parser = share())]
    late: u32,
    /// How many of a thousand records come up to 30 seconds out of order
    #[arg(long, value_name = "SHARE", default_value_t = 0, value_parser = share())]
    out_of_order: u32,
    /// How many of a thousand records come twice
    #[arg(long, value_name = "SHARE", default_value_t = 0, value_parser = share())]
    duplicate: u32,
    /// How many of a thousand records are followed by a damaged copy
    #[arg(long, value_name = "SHARE", default_value_t = 0, value_parser = share())]
    bad: u32,
}

fn share() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=1_000)
}

/// A preset by its name.
#[derive(Clone, Copy, Debug)]
struct PresetName(Preset);

impl ValueEnum for PresetName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [PresetName; 4] = [
            PresetName(Preset::Demo),
            PresetName(Preset::QuietDay),
            PresetName(Preset::AllAttacks),
            PresetName(Preset::Bulk),
        ];
        const { assert!(ALL.len() == Preset::ALL.len()) };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.id()).help(self.0.description()))
    }
}

/// A source by its name.
#[derive(Clone, Copy, Debug)]
struct SourceName(Telemetry);

impl ValueEnum for SourceName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [SourceName; 3] =
            [SourceName(Telemetry::CloudTrail), SourceName(Telemetry::Okta), SourceName(Telemetry::WindowsSecurity)];
        const { assert!(ALL.len() == Telemetry::ALL.len()) };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.id()).help(self.0.description()))
    }
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let disorder =
            Disorder { late: self.late, out_of_order: self.out_of_order, duplicate: self.duplicate, bad: self.bad };
        let mut scenario = self.preset.0.scenario(self.source.0, self.seed, self.events).disorder(disorder);
        if self.receipt_times {
            scenario = scenario.receipt_times();
        }
        let Generated { identities_toml, egress_toml, domain_roles_toml, labels, records, .. } = scenario.build();
        let files =
            [(&self.identities, identities_toml), (&self.egress, egress_toml), (&self.domain_roles, domain_roles_toml)];
        for (path, text) in files {
            if let Some(path) = path {
                to_file(path, |file| file.write_all(text.as_bytes()))?;
            }
        }
        if let Some(path) = &self.labels {
            to_file(path, |file| write_labels(&labels, file))?;
        }
        let write = |to: &mut dyn Write| {
            let mut to = to;
            if self.records { write_records_object(records, &mut to) } else { write_ndjson(records, &mut to) }
        };
        match &self.out {
            Some(path) => {
                let count = to_file(path, write)?;
                stderr::note(format_args!("`{}`: {}", text::path(&path), text::count(count, "record")));
            }
            None => match write(&mut out.while_read()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                other => {
                    other?;
                }
            },
        }
        Ok(Exit::Done)
    }
}

fn write_labels(labels: &[Label], file: &mut dyn Write) -> std::io::Result<()> {
    /// A label's line.
    #[derive(Serialize)]
    #[serde(tag = "type", rename = "label")]
    struct Line<'a> {
        #[serde(flatten)]
        label: &'a Label,
    }
    for label in labels {
        serde_json::to_writer(&mut *file, &Line { label })?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn to_file<R>(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<R>) -> Result<R> {
    let written = || {
        let mut file = BufWriter::new(files::create_public(path)?);
        let result = write(&mut file)?;
        file.flush()?;
        Ok::<R, std::io::Error>(result)
    };
    written().with_context(|| format!("can't write `{}`", text::path(&path)))
}
