//! `countersign rule repro`: turns a finding on record into a case without personal data.

mod evidence;
mod pseudonyms;
mod record;
mod words;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use countersign_audit::record::FindingRecord;
use countersign_author::cases::{EVENTS_FILE, EXPECT_FILE};
use countersign_author::{case_findings, run_case};
use countersign_declaration::{Ceilings, Declaration, Filter, Test, quoted};
use countersign_generation::RuleFile;
use countersign_intake::Intake;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Account, Occasion, Timestamp};
use serde_json::json;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::loading::Loading;
use crate::out::Out;
use crate::stderr;
use crate::table::Tone;
use crate::text;

use self::evidence::{OnRecord, Selected, from_bundle, from_telemetry, on_record};
use self::pseudonyms::Pseudonyms;
use self::record::{Redactor, literals};
use super::lookup::find_rule;
use super::telemetry::Telemetry;

const EXAMPLES: &str = "\
Examples:
  countersign rule repro run.audit 17
      the finding of record 17, as a case of rules/NAME, made of the finding's bundle
  countersign rule repro run.audit 3f1c… --rule rules/my-rule --events logs.ndjson --source cloudtrail
      the finding on the event with this id, made of the records: all of its key up to it

Writes a folder into the rule's cases/: events.ndjson, native OCSF records, and expect.toml. Ids, names,
addresses, hosts, free text, numbers of more than four digits, and names of members that no format and
no shipped rule knows are replaced by pseudonyms, the same text by the same one in the whole case.
Addresses are from the ranges for documentation, and two of one /24 or /64 stay together; places are
rounded to whole degrees; times are moved by whole weeks, to the millisecond. Classes, operations,
outcomes, and texts in the rule's own `where` stay. Read the case before you share it.
A bundle has the rule's state only as the rule's own bytes: if the rule had state, the case needs
--events. The operator's files (identities, egress, …) aren't copied.

Building a folder runs its code (build scripts and macros, also of its dependencies) with your rights.
Variables that may hold credentials aren't passed on, and a Cargo.lock is kept to. With a source that
you don't trust, take its component.

Then the case is run. The exit code is 0 if the finding is found again, 1 if it isn't (the case is
kept), and 2 if a file can't be read, there is no such finding, or the case exists already.
";

/// The week that a finding is moved to begins here, a Monday: 2026-03-02.
const WEEK_BEGINS: Timestamp = Timestamp(1_772_409_600_000_000);
const WEEK: i64 = 7 * 24 * 3_600 * 1_000_000;

/// The stream goes on for so long after a timer's time, microseconds: lateness, and a tick.
const PAST_TIMER: i64 = 10 * 60 * 1_000_000;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The audit file, with its bundles beside it, or the store
    #[arg(value_name = "AUDIT")]
    audit: PathBuf,
    /// The finding: its record's number, as `audit list --type finding` prints it, or the id of its event
    #[arg(value_name = "FINDING")]
    finding: String,
    /// The rule's folder [default: rules/NAME]
    #[arg(long, value_name = "DIR")]
    rule: Option<PathBuf>,
    /// The case's name [default: repro- and eight digits of the bundle's digest]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    telemetry: Telemetry,
    /// The key that it was written with
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = files::audit_key(self.audit_key.as_deref())?;
        self.rule.as_deref().map_or(Ok(()), check_folder)?;
        let asked = self.rule.as_deref().map(countersign_build::read_declaration).transpose()?;
        let found = on_record(&self.audit, &key, &self.finding, asked.as_ref().map(|declared| &declared.id))?;
        let folder = self.rule.clone().unwrap_or_else(|| Path::new("rules").join(found.record.rule.name()));
        let case = folder.join("cases").join(self.case_name(&found)?);
        if case.exists() {
            return Err(unusable(format_args!(
                "`{}` exists already; `--name` gives the case another name",
                text::path(&case)
            )));
        }
        check_folder(&folder)?;
        let intake = self.loading.intake()?;
        let located = find_rule(&intake, &folder.display().to_string())?;
        if located.declaration.id != found.record.rule {
            return Err(unusable(format_args!(
                "`{}`: expected the rule `{}`, got `{}`",
                text::path(&folder),
                found.record.rule,
                located.declaration.id
            )));
        }
        let feeding = declarations(&intake, &located.feeders);
        let Selected { events, mut notes } = if self.telemetry.is_given() {
            let all: Vec<&Declaration> = std::iter::once(&located.declaration).chain(&feeding).collect();
            from_telemetry(&found, self.telemetry.records()?.map(|received| received.record), &all)?
        } else {
            from_bundle(&found)?
        };
        if !located.declaration.context.is_empty() {
            notes.push(
                "the rule is given context, which the case lacks: add egress.toml, geo.toml and the like by hand"
                    .to_owned(),
            );
        }

        let mut redactor = Redactor {
            names: Pseudonyms::default(),
            shift: shift(found.record.event_time),
            tests: Vec::new(),
            identifiers: BTreeSet::new(),
        };
        events.iter().for_each(|event| redactor.learn(event));
        for declaration in std::iter::once(&located.declaration).chain(&feeding) {
            literals(&declaration.filter, &mut redactor.names);
            tests(&declaration.filter, &mut redactor.tests);
        }
        let lines: Vec<String> = events.iter().map(|event| redactor.record(event).to_string() + "\n").collect();
        countersign_private::make_folder(&case)
            .with_context(|| format!("can't create the folder `{}`", text::path(&case)))?;
        write(&case.join(EVENTS_FILE), &lines.concat())?;
        let expected = Expected::of(&found.record, &mut redactor);
        write(&case.join(EXPECT_FILE), &expected.text(&[]))?;

        let engine = self.loading.engine(1, Ceilings::default().memory)?;
        let got = case_findings(&engine, &located.bytes, &located.feeders, &case)?;
        let place = got.iter().position(|one| expected.is(one));
        let mut differences = Vec::new();
        if let Some(place) = place {
            let others: Vec<&FindingRecord> =
                got.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, one)| one).collect();
            write(&case.join(EXPECT_FILE), &expected.text(&others))?;
        }
        differences.extend(run_case(&engine, &located.bytes, &located.feeders, &case)?);
        let reproduced = differences.is_empty();
        if self.json {
            out.json(&json!({
                "type": "rule-repro",
                "rule": found.record.rule,
                "case": case,
                "events": events.len(),
                "reproduced": reproduced,
                "notes": notes,
                "differences": differences,
            }))?;
            return Ok(Exit::unless(!reproduced));
        }
        let events = text::count(events.len() as u64, "event");
        writeln!(out, "wrote {} with {events}", text::path(&case))?;
        notes.iter().for_each(stderr::note);
        if reproduced {
            writeln!(out, "{}", Tone::Good.paint("the finding is reproduced"))?;
        } else {
            writeln!(out, "{}", Tone::Bad.paint("the finding isn't reproduced"))?;
            for difference in &differences {
                writeln!(out, "  {}", text::message(difference).replace('\n', "\n  "))?;
            }
        }
        Ok(Exit::unless(!reproduced))
    }

    fn case_name(&self, found: &OnRecord) -> Result<String> {
        match &self.name {
            Some(name) if !countersign_model::rule::is_id_part(name) => Err(unusable(format_args!(
                "{}: expected lower-case words with hyphens as the name of a case",
                quoted(name)
            ))),
            Some(name) => Ok(name.clone()),
            None => {
                let digest = found.record.bundle.to_string();
                Ok(format!("repro-{}", digest.chars().take(8).collect::<String>()))
            }
        }
    }
}

/// Checks that a folder is a rule's.
fn check_folder(folder: &Path) -> Result<()> {
    if folder.join("rule.toml").is_file() {
        return Ok(());
    }
    let folder = text::path(&folder);
    Err(unusable(format_args!("`{folder}`: expected the rule's folder, with a rule.toml; give it by `--rule`")))
}

fn declarations(intake: &Intake, rules: &[RuleFile]) -> Vec<Declaration> {
    let bytes: Vec<&[u8]> = rules.iter().map(|rule| rule.bytes.as_slice()).collect();
    let judged = intake.judge(&bytes, &Ceilings::default());
    judged.into_iter().filter_map(|judged| Some(judged.admit().ok()?.declaration().clone())).collect()
}

/// Whole weeks, so that weekdays and hours stay: into the week of [`WEEK_BEGINS`], or the next from that one itself.
fn shift(time: Timestamp) -> i64 {
    match time.micros_since(WEEK_BEGINS).div_euclid(WEEK) {
        0 => WEEK,
        weeks => weeks.saturating_mul(-WEEK),
    }
}

/// The tests by which a filter looks at a part of a text, or at a range of numbers.
fn tests(filter: &Filter, found: &mut Vec<(FieldId, Test)>) {
    match filter {
        Filter::Always => {}
        Filter::Not(part) => tests(part, found),
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|part| tests(part, found)),
        Filter::Test { field, test, .. } => {
            if matches!(test, Test::Prefix(_) | Test::Suffix(_) | Test::Contains(_) | Test::Range(_)) {
                found.push((*field, test.clone()));
            }
        }
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = countersign_private::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("can't write `{}`", text::path(&path)))
}

/// The finding that the case must reproduce.
struct Expected<'f> {
    record: &'f FindingRecord,
    event: String,
    account: Option<Account>,
    /// Time advances to here, if the finding is on a timer.
    until: Option<Timestamp>,
}

impl<'f> Expected<'f> {
    fn of(record: &'f FindingRecord, redactor: &mut Redactor) -> Expected<'f> {
        let until = match &record.occasion {
            Occasion::Timer { at, .. } => Some(redactor.time(*at).plus_micros(PAST_TIMER)),
            _ => None,
        };
        let account = record.account.as_ref().map(|account| redactor.account(account));
        Expected { record, event: redactor.id(&record.event_id), account, until }
    }

    fn is(&self, got: &FindingRecord) -> bool {
        let FindingRecord { signal_class, role, confidence, .. } = self.record;
        got.event_id == self.event
            && got.account == self.account
            && (got.signal_class, got.role, got.confidence) == (*signal_class, *role, *confidence)
    }

    /// `expect.toml`, with the other findings.
    fn text(&self, others: &[&FindingRecord]) -> String {
        let mut text =
            "# Made of a finding on record by `countersign rule repro`; names are pseudonyms.\nsource = \"ocsf\"\n"
                .to_owned();
        if let Some(until) = self.until {
            text.push_str(&format!("until = \"{until}\"\n"));
        }
        let FindingRecord { signal_class, role, confidence, .. } = self.record;
        text.push_str(&finding(&self.event, signal_class, role, self.account.as_ref(), *confidence));
        if !others.is_empty() {
            text.push_str("\n# Other findings on these events.\n");
        }
        for other in others {
            let FindingRecord { event_id, signal_class, role, account, confidence, .. } = other;
            text.push_str(&finding(event_id, signal_class, role, account.as_ref(), *confidence));
        }
        text
    }
}

fn finding(
    event: &str,
    class: &impl std::fmt::Display,
    role: &impl std::fmt::Display,
    account: Option<&Account>,
    confidence: u8,
) -> String {
    // A text in JSON is one in TOML.
    let account = account.map_or_else(String::new, |account| format!("account = {}\n", json!(account.to_string())));
    format!(
        "\n[[finding]]\nevent = {}\nclass = \"{class}\"\nrole = \"{role}\"\n{account}confidence = [{confidence}, {confidence}]\n",
        json!(event)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_moved_by_whole_weeks_into_one_of_two() {
        for hours in [-200_000, -169, -168, -1, 0, 1, 167, 168, 50_000] {
            let time = WEEK_BEGINS.plus_micros(hours * 3_600 * 1_000_000);
            let moved = shift(time);
            let within = time.plus_micros(moved).micros_since(WEEK_BEGINS);
            assert!(moved != 0 && moved % WEEK == 0 && (0..2 * WEEK).contains(&within), "{hours}: {moved}, {within}");
        }
    }
}
