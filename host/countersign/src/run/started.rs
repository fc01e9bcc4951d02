//! What a host says when it has started: where its state is, what listens, what serves, and what it reads.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use countersign_configuration::Configuration;
use countersign_daemon::{Host, SourceStatus};

use crate::configuration::ConfigurationArguments;
use crate::logging::Told;
use crate::text;

/// How long is waited for the generation to serve until that is said.
const LONGEST: Duration = Duration::from_secs(60);

/// Sources that are named; more are counted.
const MAX_NAMED: usize = 16;

pub(super) fn report(
    host: &Host,
    configuration: &Configuration,
    arguments: &ConfigurationArguments,
    address: Option<SocketAddr>,
    told: &Told,
) {
    told.note(format_args!("state in `{}`", text::path(&configuration.state.value)));
    told.note(format_args!("listening on `{}`", text::path(&configuration.api.socket.value)));
    if let Some(address) = address {
        told.note(format_args!("listening on https://{address}"));
    }
    if !host.wait_serving(LONGEST) {
        told.warning("no generation serves yet: see the log");
        return;
    }
    let status = host.status();
    let number = status.judged.generation.unwrap_or_default();
    told.note(format_args!("generation {number} serves: {}", rules(host)));
    if let Some(problem) = &status.audit.problem {
        told.warning(arguments.complete(problem));
    }
    for left_out in &status.judged.left_out {
        told.warning(format_args!("left out of it: {left_out}"));
    }
    match host.sources() {
        Ok(sources) => tell_sources(&sources, configuration, arguments, told),
        Err(error) => told.warning(format_args!("its sources can't be read: {error}")),
    }
}

/// The rules that serve, counted by what they are for and whose they are.
fn rules(host: &Host) -> String {
    let Ok(rules) = host.rules(None) else { return "its rules can't be read now".to_owned() };
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut own = 0;
    for rule in rules.iter().filter_map(|rule| rule.serves.as_ref()) {
        *kinds.entry(rule.kind).or_default() += 1;
        own += u64::from(rule.file.is_some());
    }
    if kinds.is_empty() {
        return "no rule, so nothing is found".to_owned();
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| text::count(*count, &format!("{kind} rule"))).collect();
    let own = if own == 0 { "all of them shipped".to_owned() } else { format!("{own} of them your own") };
    format!("{}, {own}", kinds.join(" and "))
}

/// What the host reads, or how to have it read something.
fn tell_sources(
    sources: &[SourceStatus],
    configuration: &Configuration,
    arguments: &ConfigurationArguments,
    told: &Told,
) {
    let declared: Vec<_> =
        sources.iter().filter_map(|source| Some((&source.source, source.declared.as_ref()?))).collect();
    if declared.is_empty() {
        let how = match &configuration.files.sources.value {
            Some(file) => {
                let apply = arguments.complete("`countersign apply`");
                format!("add a `[[source]]` to `{}`, which has examples, then {apply}", text::path(file))
            }
            None => "`countersign init DIR` writes a configuration with a file for sources".to_owned(),
        };
        return told.warning(format_args!("no source is declared, so nothing is read: {how}"));
    }
    let mut named: Vec<String> = declared
        .iter()
        .take(MAX_NAMED)
        .map(|(name, declared)| format!("`{name}` ({})", declared.kind.unwrap_or("no kind")))
        .collect();
    if let Some(more) = declared.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        named.push(format!("and {more} more"));
    }
    told.note(format_args!("sources: {}", named.join(", ")));
    for why in declared.iter().filter_map(|(_, declared)| declared.unread.as_ref()) {
        told.warning(why);
    }
}
