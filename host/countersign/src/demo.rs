//! `countersign demo`: an attack and a benign burst in generated telemetry, for new users.

mod score;

use std::io::{self, Cursor, Write};

use anyhow::Result;
use clap::Args;
use countersign_formats::{CloudTrail, DeadLetter, Format};
use countersign_generate::{Generated, Label, Preset, Telemetry, write_ndjson};
use countersign_generation::Generation;
use countersign_session::{DecisionLine, Notice, Observer, Replay, Report, SessionOptions, run};
use countersign_store::HeadStore;

use crate::decisions::DecidedFinding;
use crate::exit::Exit;
use crate::findings;
use crate::loading::Loading;
use crate::operator;
use crate::out::Out;
use crate::rule_set::RuleSet;
use crate::stderr;
use crate::table::{Table, Tone, toned};
use crate::text;

use score::{Score, Verdict};

const EXAMPLES: &str = "\
Everything you see is computed: telemetry is generated from the seed and judged by the shipped rules
in their sandboxes, the shipped policy decides, and the result is compared with the generator's
labels, which no rule sees. Nothing is executed.
The exit code is 1 if an attack isn't found, or if there is a finding on benign work.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The seed of all random choices: another number gives another company
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    loading: Loading,
}

/// Collects what the run finds.
#[derive(Default)]
struct Collector {
    findings: Vec<DecidedFinding>,
}

impl Observer for Collector {
    fn decision(&mut self, _: u64, line: &DecisionLine) -> io::Result<()> {
        DecidedFinding::add(&mut self.findings, line.clone());
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, letter: &DeadLetter) -> io::Result<()> {
        stderr::warning(format_args!("record {} couldn't be used: {}", letter.ordinal, text::line(&letter.reason)));
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        match notice {
            Notice::RowSetAside { rule, message, .. } => {
                stderr::warning(format_args!("`{rule}` failed: {}", text::line(message)))
            }
            Notice::Host { message, .. } | Notice::Source { message, .. } | Notice::Log { message } => {
                stderr::warning(text::line(message))
            }
            Notice::Diagnostic { rule, message, .. } => stderr::note(format_args!("`{rule}`: {}", text::line(message))),
        }
        Ok(())
    }
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let Generated { identities_toml, labels, records, .. } =
            Preset::Demo.scenario(Telemetry::CloudTrail, self.seed, None).build();
        let mut telemetry = Vec::new();
        write_ndjson(records, &mut telemetry)?;

        let settings = operator::settings_with(identities_toml)?;
        let options = SessionOptions::default();
        let engine = self.loading.engine(options.workers, settings.policy.content.limits().memory)?;
        let (generation, _) = RuleSet::default().load(&engine, settings)?;
        let mut collector = Collector::default();
        let records = CloudTrail.read(Box::new(Cursor::new(telemetry)), 0);
        let report = run(records, &generation, &mut HeadStore::new(), &options, Replay::default(), &mut collector)?;
        let found = collector.findings.iter().map(DecidedFinding::first);
        let score = Score::new(&labels, found.map(|line| (line.rule.name(), line.event_id.as_str())));

        introduce(out, &generation, &report)?;
        heading(out, "What was found, and what is decided about it")?;
        findings::print(out, &collector.findings)?;
        writeln!(out)?;
        conclude(out, &generation, &score, &report)?;
        Ok(Exit::unless(!score.holds()))
    }
}

fn heading(out: &mut Out, text: &str) -> io::Result<()> {
    writeln!(out, "{}", Tone::Title.paint(text))
}

fn introduce(out: &mut Out, generation: &Generation, report: &Report) -> io::Result<()> {
    heading(out, "Half an hour of a small company's AWS CloudTrail")?;
    writeln!(
        out,
        "{}, generated. Nearly all of it is ordinary work. Somewhere in it an intruder uses what was stolen\n\
         from a developer, and a Terraform run is as loud as an attack and entirely benign.\n\n\
         {} watch and {} proposes actions, each a WebAssembly component without any access\n\
         to the outside. The policy decides what happens: `execute` automatically, `await-approval` of a person,\n\
         `downgrade` to a milder action, or `deny`. This version decides and records; it executes nothing.\n",
        text::count(report.summary.events, "event"),
        text::count(generation.detections.len() as u64, "detection rule"),
        text::count(generation.responses.len() as u64, "response rule"),
    )
}

fn conclude(out: &mut Out, generation: &Generation, score: &Score<'_>, report: &Report) -> io::Result<()> {
    heading(out, "Compared with the generator's labels")?;
    let mut table = Table::new(out, ["what the intruder did", "events", "found by", ""]).right(1);
    for verdict in score.attacks() {
        let missed = if verdict.holds() { toned(Tone::Good, "found") } else { toned(Tone::Bad, "missed") };
        table.row([
            described_attack(verdict.label).into(),
            verdict.label.events.len().into(),
            verdict.found_by().into(),
            missed,
        ]);
    }
    write!(out, "{}", table.text("  "))?;
    let (found, all) = (score.attacks().filter(|verdict| verdict.holds()).count(), score.attacks().count());
    let tone = if found == all { Tone::Good } else { Tone::Bad };
    writeln!(out, "  {}", tone.paint(format_args!("{found} of {all} labelled attacks were found.")))?;

    for verdict in score.bursts() {
        let Verdict { label, .. } = verdict;
        let account = &label.account;
        let who =
            generation.directory.identity_of(account).map_or_else(|| account.to_string(), |known| known.id.clone());
        let events = text::number(label.events.len() as u64);
        let line = if verdict.holds() {
            Tone::Good
                .paint(format_args!("{events} benign events by {who} in the burst `{}` stayed quiet.", label.name))
        } else {
            let disturbed = text::count(verdict.disturbed.len() as u64, "finding");
            Tone::Bad.paint(format_args!("{disturbed} about benign work of {who} in the burst `{}`.", label.name))
        };
        writeln!(out, "  {line}")?;
    }
    let elsewhere = score.elsewhere.len() as u64;
    let ordinary = report.summary.events.saturating_sub(score.labelled());
    let line =
        format!("{} about the {} events of ordinary work.", text::count(elsewhere, "finding"), text::number(ordinary));
    writeln!(out, "  {}", if elsewhere == 0 { Tone::Good } else { Tone::Bad }.paint(line))?;

    writeln!(out)?;
    heading(out, "Next")?;
    writeln!(
        out,
        "  countersign generate --preset all-attacks --out events.ndjson --identities identities.toml\n  \
         countersign replay --source cloudtrail --identities identities.toml --audit run.audit events.ndjson\n  \
         countersign audit verify run.audit\n  \
         countersign audit recompute run.audit"
    )
}

/// An attack in words.
fn described_attack(label: &Label) -> &'static str {
    match label.name {
        "stolen-access-key" => "tried what a stolen access key allows",
        "console-login-without-mfa" => "signed in with a stolen password",
        "privilege-to-self" => "made the stolen user and a role administrators",
        "credential-for-another" => "created credentials of other users, to return with",
        "role-trust-opened" => "opened roles to an account outside",
        "instance-credentials-elsewhere" => "used an instance's credentials from outside",
        "audit-trail-disabled" => "disabled the logs",
        other => other,
    }
}
