//! The events that a host has recorded, and those that it judges next.

use std::io::Write as _;

use anyhow::Result;
use countersign_daemon::{RecordedInputs, RecordedStep, Since};
use countersign_model::SourceId;
use countersign_session::sequence::Sequencing;
use serde_json::Value;

use crate::dead_letters::{DeadLetters, Tally};
use crate::exit::{Exit, unusable};
use crate::follow::Follower;
use crate::out::Out;
use crate::progress::Progress;
use crate::recorded::RecordedArguments;

use super::{Arguments, Printer};

impl Arguments {
    pub(super) fn run_recorded(self, out: &mut Out) -> Result<Exit> {
        if self.source.file().is_some() {
            return Err(unusable("expected files with `--sources`, got a recorder, which knows its sources"));
        }
        let given = self.directory()?;
        let configuration = self.recorded.configuration()?;
        let since = if self.follow { self.recorded.since_or(Since::Now) } else { self.recorded.since_or(Since::First) };
        let recorder = RecordedArguments::recorder(&configuration);
        let opened = RecordedInputs::open(&recorder, since);
        let (mut inputs, sources, directory) = opened.map_err(unusable)?;
        if let Some(name) = self.source.named() {
            let is_recorded = inputs.names().values().any(|known| *known == *name);
            if !is_recorded && sources.named(name).is_none() {
                let known: Vec<String> = inputs.names().values().map(|known| format!("`{known}`")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(unusable(format_args!("expected a source that is recorded ({known}), got `{name}`")));
            }
            inputs.only(SourceId::from(name));
        }
        let progress = Progress::waiting();
        let mut printer = Printer {
            out,
            progress: &progress,
            sources: Some(sources),
            directory: given.clone().unwrap_or(directory),
            fields: &self.fields,
            pattern: self.pattern.as_ref(),
            json: self.json,
            rows: Vec::new(),
            dead_letters: DeadLetters::reported(names(&inputs)),
            dead_lines: true,
            tally: Tally::default(),
        };
        let mut sequencing = Sequencing::new(self.max_gap.unwrap_or(configuration.judge.max_gap.value));
        let mut follower = self.follow.then(|| Follower::new(&configuration));
        loop {
            while let Some(step) = inputs.next_step()? {
                match step {
                    RecordedStep::Inputs(all) => all.into_iter().for_each(|input| sequencing.push(input)),
                    RecordedStep::Sources(sources, directory) => {
                        printer.sources = Some(sources);
                        printer.directory = given.clone().unwrap_or(directory);
                    }
                }
                printer.dead_letters.rename(names(&inputs));
                if !printer.take(&mut sequencing)? {
                    return Ok(Exit::Done);
                }
            }
            let Some(follower) = &mut follower else { break };
            printer.flush()?;
            printer.out.flush()?;
            let place = inputs.place();
            // Its answer isn't needed: what is judged is read from the recorder.
            let _: Value = follower.get(&format!("/v1/status?batch={}&host={}&wait=30s", place.batch, place.host))?;
        }
        sequencing.end();
        if !printer.take(&mut sequencing)? {
            return Ok(Exit::Done);
        }
        let tally = printer.finish()?;
        Ok(self.max_dead.verdict(&tally))
    }
}

/// The sources' names by their numbers, which are counted without gaps.
fn names(inputs: &RecordedInputs) -> Vec<String> {
    inputs.names().values().map(ToString::to_string).collect()
}

impl Printer<'_> {
    /// Prints what has its turn. False once nobody reads it.
    fn take(&mut self, sequencing: &mut Sequencing) -> Result<bool> {
        while let Some(next) = sequencing.take() {
            self.print(next)?;
            if self.out.is_closed() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
