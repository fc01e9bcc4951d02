//! `countersign rule inspect`: a component's declaration, and the sizes and digests of its parts.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use countersign_admission::Admitted;
use countersign_declaration::{Ceilings, Declaration, ParameterRange, to_section};
use countersign_model::Digest;
use countersign_model::time::format_duration;
use countersign_model::vocabulary::RuleKind;
use serde::Serialize;
use serde_json::Value;

use super::check::admit_file;
use super::proof::{Believed, Origin};
use crate::calls;
use crate::exit::Exit;
use crate::intake;
use crate::operator;
use crate::out::Out;
use crate::table::{Table, Tone, pairs};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule inspect target/rules/countersign.audit-trail-disabled.wasm
  countersign rule inspect --json vendor.rule.wasm | jq .declaration.actions

Nothing of the component is run, and no folder is built. Its origin is what `rule verify` says:
--trust FILE names the keys of publishers. If admission refuses it, the reasons are printed and the
exit code is 1.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose keys are whose [default: only the shipped rules are known]
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "rule")]
struct Line<'a> {
    file: &'a Path,
    declaration: Value,
    proof: &'a Origin,
    bytes: Sizes,
    digests: Digests,
}

/// Sizes in bytes.
#[derive(Serialize)]
struct Sizes {
    file: u64,
    component: u64,
    declaration: u64,
    data: u64,
}

/// Plain SHA-256 of the file and of its parts.
#[derive(Serialize)]
struct Digests {
    file: Digest,
    code: Digest,
    declaration: Digest,
    data: Option<Digest>,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let believed = Believed::new(operator::trust(self.trust.as_deref())?);
        let (admitted, bytes) = match admit_file(&intake::standing()?, &self.file, &Ceilings::default())? {
            Ok(whole) => whole,
            Err(refusals) => {
                let print = if self.json { super::check::print_json } else { super::check::print };
                print(out, &self.file, &Err(refusals), None)?;
                return Ok(Exit::Refused);
            }
        };
        let origin = believed.origin(&admitted);
        let section = to_section(admitted.declaration());
        let sizes = Sizes {
            file: bytes.len() as u64,
            component: admitted.component().len() as u64,
            declaration: section.len() as u64,
            data: admitted.data().map_or(0, |data| data.len() as u64),
        };
        let digests = Digests {
            file: Digest::of(&bytes),
            code: admitted.code(),
            declaration: admitted.declaration_digest(),
            data: admitted.data_digest(),
        };
        if self.json {
            let declaration = serde_json::from_slice(&section).context("the declaration isn't JSON")?;
            out.json(&Line { file: &self.file, declaration, proof: &origin, bytes: sizes, digests })?;
        } else {
            print(out, &admitted, &origin, &sizes, &digests)?;
        }
        Ok(Exit::Done)
    }
}

fn print(out: &mut Out, admitted: &Admitted, origin: &Origin, sizes: &Sizes, digests: &Digests) -> std::io::Result<()> {
    let declaration = admitted.declaration();
    let title = format!("{} {} ({})", declaration.id, declaration.version, declaration.kind);
    writeln!(out, "{}", Tone::Title.paint(title))?;
    prose(out, "  ", &declaration.description)?;

    heading(out, "Origin")?;
    prose(out, "  ", &origin.to_string())?;

    heading(out, "Purpose and actions")?;
    let mut rows = vec![
        ("signal classes", words(&declaration.signal_classes)),
        ("identity types", words(&declaration.identity_types)),
        ("actions", words(&declaration.actions)),
        ("confidence floor", declaration.confidence_floor.to_string()),
        ("techniques", words(&declaration.techniques)),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    write!(out, "{}", pairs(out, "  ", &rows))?;
    if declaration.kind == RuleKind::Detection {
        heading(out, "Input and state")?;
        write!(out, "{}", pairs(out, "  ", &seen(declaration)))?;
    }
    parameters(out, declaration)?;

    heading(out, "Limits")?;
    let limits = &declaration.limits;
    write!(
        out,
        "{}",
        pairs(
            out,
            "  ",
            &[
                ("memory", text::size(limits.memory)),
                ("fuel per row", text::number(limits.fuel)),
                ("answer", text::size(limits.output.into())),
            ]
        )
    )?;

    heading(out, "Sizes in bytes, and SHA-256")?;
    let part = |bytes: u64, digest: &Digest| format!("{:>11}  {digest}", text::number(bytes));
    let mut parts = vec![
        ("file", part(sizes.file, &digests.file)),
        ("code", part(sizes.component, &digests.code)),
        ("declaration", part(sizes.declaration, &digests.declaration)),
    ];
    parts.extend(digests.data.iter().map(|data| ("data", part(sizes.data, data))));
    write!(out, "{}", pairs(out, "  ", &parts))?;

    for (title, notes) in
        [("Known false positives", &declaration.false_positives), ("References", &declaration.references)]
    {
        if !notes.is_empty() {
            heading(out, title)?;
            for note in notes {
                prose(out, "  ", note)?;
            }
        }
    }
    Ok(())
}

/// A paragraph of prose, no wider than a page.
fn prose(out: &mut Out, indent: &str, text: &str) -> std::io::Result<()> {
    const PAGE: usize = 100;
    let width = out.width().min(PAGE);
    let words: Vec<&str> = text.split_whitespace().collect();
    for line in text::wrap(&words.join(" "), width) {
        writeln!(out, "{indent}{line}")?;
    }
    Ok(())
}

fn heading(out: &mut Out, title: &str) -> std::io::Result<()> {
    writeln!(out, "\n{}", Tone::Title.paint(title))
}

fn words<T: std::fmt::Display>(words: &[T]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn seen(declaration: &Declaration) -> Vec<(&'static str, Vec<String>)> {
    let mut rows = vec![
        ("event classes", vec![words(&declaration.event_classes)]),
        ("fields", vec![words(&declaration.fields.iter().map(|field| field.field().path).collect::<Vec<_>>())]),
        ("where", super::filter::lines(&declaration.filter)),
        ("state key", vec![declaration.partition_key.to_string()]),
        (
            "state",
            declaration
                .slots
                .iter()
                .map(|slot| {
                    format!(
                        "`{}` version {}: {} a key, {} keys, {} references, for {}",
                        slot.name,
                        slot.version,
                        text::size(slot.max_bytes.into()),
                        text::number(slot.max_keys.into()),
                        slot.kept_references,
                        format_duration(slot.ttl)
                    )
                })
                .collect(),
        ),
        (
            "timers",
            declaration.timers.as_ref().map_or_else(Vec::new, |timers| {
                vec![format!(
                    "{}: {} a key, at most {} ahead",
                    words(&timers.ids),
                    timers.most_per_key,
                    format_duration(timers.longest)
                )]
            }),
        ),
        (
            "subscribes to",
            declaration
                .subscribes
                .iter()
                .map(|subscription| format!("{}: {}", subscription.rule, words(&subscription.classes)))
                .collect(),
        ),
        (
            "context",
            declaration
                .context
                .iter()
                .map(|wanted| {
                    let by = wanted.keying;
                    format!("{} by {by}, at most {} old", wanted.table.name, format_duration(wanted.max_age))
                })
                .collect(),
        ),
    ];
    rows.retain(|(_, lines)| lines.iter().any(|line| !line.is_empty()));
    rows
}

fn parameters(out: &mut Out, declaration: &Declaration) -> std::io::Result<()> {
    if declaration.parameters.is_empty() {
        return Ok(());
    }
    heading(out, "Parameters")?;
    let mut table = Table::new(out, ["parameter", "default", "range", "meaning"]);
    for parameter in &declaration.parameters {
        table.row([
            (&parameter.name).into(),
            calls::parameter(&parameter.default).into(),
            range(&parameter.range).into(),
            (&parameter.meaning).into(),
        ]);
    }
    write!(out, "{}", table.text("  "))
}

fn range(range: &ParameterRange) -> String {
    match range {
        ParameterRange::Boolean => "true or false".to_owned(),
        ParameterRange::Integer { min, max } => format!("{min} to {max}"),
        ParameterRange::Decimal { min, max } => format!("{min} to {max}"),
        ParameterRange::Text { max_bytes } => format!("text, at most {max_bytes} bytes"),
        ParameterRange::TextList { max_items } => format!("at most {max_items} texts"),
        ParameterRange::Duration { min, max } => format!("{} to {}", format_duration(*min), format_duration(*max)),
    }
}
