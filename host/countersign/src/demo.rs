//! `countersign demo`: an attack and a lawful burst in generated telemetry, for somebody who sees this for the first time.

mod score;

use std::io::{self, Cursor, Write};

use anyhow::Result;
use clap::Args;
use countersign_formats::{CloudTrail, DeadLetter, Format};
use countersign_generate::{Generated, Label, Preset, Telemetry, write_ndjson};
use countersign_pipeline::{DecisionLine, Generation, Notice, Observer, Report, RunOptions, run};
use countersign_store::HeadStore;

use crate::decisions::{self, Decided};
use crate::exit::Exit;
use crate::loading::Loading;
use crate::operator;
use crate::out::Out;
use crate::say;
use crate::table::{Table, Tone, pairs, toned};
use crate::text;

use score::{Score, Verdict};

const EXAMPLES: &str = "\
What you see is computed: telemetry is generated from the seed, judged by the shipped rules in
their sandboxes, decided under the shipped policy, and held against the labels of the generator,
which no rule sees. Nothing is executed.
The exit code is 1 if an attack isn't found, or a lawful burst is disturbed.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What chance begins with: another number, another company
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    loading: Loading,
}

/// What the run told.
#[derive(Default)]
struct Heard {
    decided: Vec<Decided>,
}

impl Observer for Heard {
    fn decision(&mut self, line: &DecisionLine) -> io::Result<()> {
        Decided::add(&mut self.decided, line.clone());
        Ok(())
    }

    fn dead_letter(&mut self, letter: &DeadLetter) -> io::Result<()> {
        say::warning(format_args!("record {} couldn't be used: {}", letter.ordinal, letter.reason));
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        match notice {
            Notice::RowSetAside { rule, message, .. } => say::warning(format_args!("`{rule}` failed: {message}")),
            Notice::Host { message, .. } => say::warning(message),
            Notice::Diagnostic { rule, message, .. } => say::note(format_args!("`{rule}`: {message}")),
        }
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let Generated { identities_toml, labels, records, .. } =
            Preset::Demo.scenario(Telemetry::CloudTrail, self.seed, None).build();
        let mut telemetry = Vec::new();
        write_ndjson(records, &mut telemetry)?;

        let settings = operator::settings_with(identities_toml)?;
        let options = RunOptions::default();
        let engine = operator::engine(options.workers, settings.policy.content.limits().memory, &self.loading)?;
        let (generation, _) = operator::generation(&engine, None, settings)?;
        let mut heard = Heard::default();
        let records = CloudTrail.read(Box::new(Cursor::new(telemetry)), 0);
        let report = run(records, &generation, &mut HeadStore::new(), &options, &mut heard)?;
        let found = heard.decided.iter().map(Decided::finding);
        let score = Score::of(&labels, found.map(|line| (line.rule.name(), line.event_id.as_str())));

        introduce(out, &generation, &report)?;
        tell(out, &heard.decided)?;
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
         from a developer, and a Terraform run is as loud as an attack and entirely lawful.\n\n\
         {} watch and {} asks for actions, each a WebAssembly component without any access\n\
         to the outside: they can only say something. The policy decides what may happen: `execute` by itself,\n\
         `await-approval` of a person, `downgrade` to a milder action, or `deny`. This version decides and records;\n\
         it executes nothing.\n",
        text::count(report.summary.events, "event"),
        text::count(generation.detections.len() as u64, "detection rule"),
        text::count(generation.responses.len() as u64, "response rule"),
    )
}

/// Tells what was found: findings of one rule about one identity with the same decisions together.
fn tell(out: &mut Out, decided: &[Decided]) -> io::Result<()> {
    heading(out, "What was found, and what is decided about it")?;
    let mut groups: Vec<Vec<&Decided>> = Vec::new();
    for one in decided {
        match groups.iter_mut().find(|group| group.iter().all(|other| is_alike(one, other))) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups.iter().try_for_each(|group| tell_group(out, group))?;
    writeln!(out)
}

fn is_alike(one: &Decided, other: &Decided) -> bool {
    let (a, b) = (one.finding(), other.finding());
    let of = |decided: &Decided| -> Vec<_> {
        decided.lines().map(|line| (line.requested_action, line.action, line.decision)).collect()
    };
    (&a.rule, &a.identity, &a.account, a.usage) == (&b.rule, &b.identity, &b.account, b.usage) && of(one) == of(other)
}

fn tell_group(out: &mut Out, group: &[&Decided]) -> io::Result<()> {
    let Some(first) = group.first() else { return Ok(()) };
    let finding = first.finding();
    let rule = Tone::Title.paint(decisions::rule(&finding.rule));
    writeln!(out, "\n  {rule}, about {}", text::line(&decisions::subject(finding)))?;
    let times: Vec<_> = group.iter().map(|one| one.finding().event_time.to_string()).collect();
    let messages =
        group.iter().map(|one| one.finding()).map(|line| format!("{} (confidence {})", line.message, line.confidence));
    let rows: Vec<_> = times.iter().map(String::as_str).zip(messages).collect();
    write!(out, "{}", pairs(out, "    ", &rows))?;
    for (place, line) in first.acts().enumerate() {
        let verdict = decisions::tone(line.decision).paint(decisions::decided(line));
        writeln!(out, "  {} → {verdict}", decisions::asked(line))?;
        // The same decision on each finding, whose figures differ.
        let mut rows: Vec<(&str, String)> = Vec::new();
        for reason in group.iter().filter_map(|one| one.acts().nth(place)).flat_map(decisions::deciding) {
            let row = (reason.code.id(), reason.detail.clone());
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows.sort_by_key(|(code, _)| *code);
        write!(out, "{}", pairs(out, "    ", &rows))?;
    }
    let told = first.told();
    if !told.is_empty() {
        writeln!(out, "  {}", Tone::Faint.paint(format_args!("{told}: always allowed, they only tell people")))?;
    }
    Ok(())
}

fn conclude(out: &mut Out, generation: &Generation, score: &Score<'_>, report: &Report) -> io::Result<()> {
    heading(out, "Held against what the generator knows")?;
    let mut table = Table::new(out, ["what the intruder did", "events", "found by", ""]).right(1);
    for verdict in score.attacks() {
        let missed = if verdict.holds() { toned(Tone::Good, "found") } else { toned(Tone::Bad, "missed") };
        table.row([deed(verdict.label).into(), verdict.label.events.len().into(), verdict.found_by().into(), missed]);
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
                .paint(format_args!("{events} lawful events by {who} in the burst `{}` stayed quiet.", label.name))
        } else {
            let disturbed = text::count(verdict.disturbed.len() as u64, "finding");
            Tone::Bad.paint(format_args!("{disturbed} about lawful work of {who} in the burst `{}`.", label.name))
        };
        writeln!(out, "  {line}")?;
    }
    let elsewhere = score.elsewhere.len() as u64;
    let ordinary = report.summary.events.saturating_sub(score.labelled());
    let line =
        format!("{} about the {} events of ordinary work.", text::count(elsewhere, "finding"), text::number(ordinary));
    writeln!(out, "  {}", if elsewhere == 0 { Tone::Good } else { Tone::Bad }.paint(line))?;

    writeln!(out)?;
    heading(out, "Go on")?;
    writeln!(
        out,
        "  countersign generate --preset all-attacks --out events.ndjson --identities identities.toml\n  \
         countersign replay --source cloudtrail --identities identities.toml --audit run.audit events.ndjson\n  \
         countersign audit verify run.audit\n  \
         countersign audit replay --all run.audit"
    )
}

/// An attack in words.
fn deed(label: &Label) -> &'static str {
    match label.name {
        "stolen-access-key" => "tried out what a stolen access key may do",
        "console-login-without-mfa" => "signed in with a stolen password",
        "privilege-to-self" => "made the stolen user and a role administrators",
        "credential-for-another" => "made credentials of other users, to come back with",
        "role-trust-opened" => "opened roles to an account outside",
        "instance-credentials-elsewhere" => "used an instance's credentials from outside",
        "audit-trail-disabled" => "switched the logs off",
        other => other,
    }
}
