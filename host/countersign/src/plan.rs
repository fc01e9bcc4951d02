//! `countersign plan`: what would change if the files on disk served.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::NeedsRestart;
use countersign_daemon::{Aspect, Behaviour, Compared, Example, Failing, Item, Plan};
use countersign_model::time::parse_duration;
use serde::{Deserialize, Serialize};

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::out::Out;
use crate::stderr;
use crate::table::{Table, Tone, toned};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign plan --config conf/countersign.toml
  countersign plan --state /var/lib/countersign --trial 7d
      try the files on the last seven days that are on record
  countersign plan --config conf/countersign.toml --trial 0s --json | jq '.items[] | select(.widens)'
      only what differs, and of that what lets more happen or drops a protection

The host that runs reads all files again, and compares them with the generation that serves: in what may
happen, and in what both would have made of the same recorded past. Nothing changes. Only a person has what is
marked as `widens` applied.

Keys of the configuration that have changed are told too: only a restart of the host applies them.

Exit codes: 0 nothing differs, 1 something does, or the files have faults, 2 there is no host.
";

/// The tables, each with its title and what its items are about.
const TABLES: [(&str, &[Aspect]); 4] = [
    ("Rules and permissions", &[Aspect::Rule, Aspect::Permission, Aspect::Parameter]),
    ("Policy", &[Aspect::Policy, Aspect::Capability]),
    ("Protections, identities and persons", &[Aspect::Protection, Aspect::Identity, Aspect::Person]),
    ("Trust, sources and lookups", &[Aspect::Trust, Aspect::Source, Aspect::Lookup, Aspect::Text]),
];

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Try the files on so much of the recorded past, `0s` for none [default: `reload.trial` of the configuration]
    #[arg(long, value_name = "DURATION", value_parser = check_duration)]
    trial: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the host answers.
#[derive(Serialize, Deserialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    /// What of the configuration on disk only a restart brings about.
    #[serde(default)]
    restart: NeedsRestart,
}

#[derive(Serialize)]
struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<String>,
}

fn check_duration(text: &str) -> Result<String, String> {
    parse_duration(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let client = self.configuration.client()?;
        let planned: Planned = match client.plan(&Asked { trial: self.trial }) {
            Ok(planned) => planned,
            Err(error) => return Err(self.configuration.refused(&error)),
        };
        if self.json {
            out.json(&planned)?;
        } else {
            show(out, &planned.plan, &self.configuration)?;
            out.flush()?;
            planned.plan.unread.iter().for_each(stderr::warning);
            planned.restart.lines().iter().for_each(stderr::warning);
        }
        Ok(Exit::unless(planned.plan.differs()))
    }
}

fn show(out: &mut Out, plan: &Plan, configuration: &ConfigurationArguments) -> Result<()> {
    if !plan.differs() {
        writeln!(out, "generation {} serves what is on disk: {}", plan.generation, plan.digest)?;
        return Ok(());
    }
    for (title, aspects) in TABLES {
        let items: Vec<&Item> = plan.difference.items.iter().filter(|item| aspects.contains(&item.aspect)).collect();
        if items.is_empty() {
            continue;
        }
        writeln!(out, "{}", Tone::Title.paint(title))?;
        let mut table = Table::new(out, ["", "what", "change"]);
        for item in items {
            let widens = if item.widens { toned(Tone::Care, "widens") } else { "".into() };
            table.row([widens, (&item.subject).into(), (&item.change).into()]);
        }
        writeln!(out, "{}", table.text("  "))?;
    }
    for omitted in &plan.difference.omitted {
        let widens = if omitted.widens { "that widen" } else { "that don't widen" };
        writeln!(out, "and {} more changes of {} {widens}", text::number(omitted.count), omitted.kind)?;
    }
    if let Some(behaviour) = &plan.behaviour {
        show_behaviour(out, behaviour)?;
    }
    for left_out in &plan.left_out {
        writeln!(out, "{} {}", Tone::Bad.paint("left out:"), text::line(left_out))?;
    }
    for refused in &plan.refused {
        writeln!(out, "{} {}", Tone::Bad.paint("refused:"), text::line(refused))?;
    }
    if plan.refused.is_empty() {
        let widens = if plan.widens { "a person has to apply this, as some of it widens" } else { "none of it widens" };
        let apply = configuration.command(&format!("apply --digest {}", plan.digest));
        writeln!(out, "{widens}:\n  {apply}")?;
    } else {
        writeln!(out, "it can't be applied as long as rules are refused: {}", plan.digest)?;
    }
    Ok(())
}

fn show_behaviour(out: &mut Out, behaviour: &Behaviour) -> Result<()> {
    let Behaviour { asked, recorded, enough, warm_up, from, to, records, cut_short, findings, decisions, .. } =
        behaviour;
    writeln!(out, "{}", Tone::Title.paint("Behaviour"))?;
    match (from, to) {
        (Some(from), Some(to)) => {
            let records = text::count(*records, "record");
            writeln!(
                out,
                "  both judged what arrived from {from} to {to}: {records}, with {warm_up} before it to warm up"
            )?;
        }
        _ => writeln!(out, "  nothing is on record")?,
    }
    if !enough {
        let why = format!("not enough history: {recorded} of {asked} is on record");
        writeln!(out, "  {}", Tone::Care.paint(why))?;
    }
    if let Some(why) = cut_short {
        writeln!(out, "  {}", Tone::Care.paint(text::line(why)))?;
    }
    let mut table = Table::new(out, ["", "rule", "identities", "serving", "candidate", "gained", "lost"]);
    for (what, compared) in [("findings", findings), ("decisions", decisions)] {
        let Compared { serving, candidate, gained, lost, groups } = compared;
        let counts = [serving, candidate, gained, lost].map(|count| text::number(*count).into());
        let [serving, candidate, gained, lost] = counts;
        table.row([what.into(), "all".into(), "".into(), serving, candidate, gained, lost]);
        for group in groups {
            let counts = [group.serving, group.candidate, group.gained, group.lost];
            let [serving, candidate, gained, lost] = counts.map(|count| text::number(count).into());
            let (rule, identity_type) = ((&group.rule).into(), group.identity_type.into());
            table.row(["".into(), rule, identity_type, serving, candidate, gained, lost]);
        }
    }
    writeln!(out, "{}", table.text("  "))?;
    for Failing { rule, serving, candidate } in &behaviour.failing {
        let line = format!("{} failed or was held back {candidate} times, and {serving} in the one that serves", rule);
        writeln!(out, "  {}", Tone::Bad.paint(text::line(&line)))?;
    }
    if behaviour.acts_gained > 0 {
        let line = format!("{} of the decisions gained act without a person", text::number(behaviour.acts_gained));
        writeln!(out, "  {}", Tone::Care.paint(line))?;
    }
    let mut table = Table::new(out, ["", "time", "event", "account", "what"]);
    for group in findings.groups.iter().chain(&decisions.groups) {
        let mut add = |sign: &str, tone, examples: &[Example]| {
            for Example { event_time, event_id, account, what } in examples {
                let account = account.as_deref().unwrap_or("none");
                let time = event_time.to_string();
                table.row([toned(tone, sign), time.into(), event_id.into(), account.into(), what.into()]);
            }
        };
        add("+", Tone::Good, &group.examples_gained);
        add("-", Tone::Bad, &group.examples_lost);
    }
    if !table.is_empty() {
        writeln!(out, "{}", table.text("  "))?;
    }
    Ok(())
}
