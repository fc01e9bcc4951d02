//! Findings with their decisions, for people: by identity, and those of one rule with the same decisions together.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::decisions::{self, DecidedFinding};
use crate::out::Out;
use crate::table::{Tone, pairs};
use crate::text;

/// So many reasons are listed for a decision on several findings.
const MAX_REASONS: usize = 12;

/// Prints findings: an identity in the order of its first finding, then its findings in order.
pub(crate) fn print(out: &mut Out, findings: &[DecidedFinding]) -> io::Result<()> {
    let identity = |finding: &DecidedFinding| decisions::identity(finding.first()).to_owned();
    for of_identity in grouped(findings, identity) {
        let Some(first) = of_identity.first() else { continue };
        writeln!(out, "\n{}", Tone::Title.paint(text::line(&decisions::described_identity(first.first()))))?;
        for alike in grouped(of_identity, alike_key) {
            print_alike(out, &alike)?;
        }
    }
    Ok(())
}

/// Members with the same key together, in the order in which keys come first.
fn grouped<'f>(
    findings: impl IntoIterator<Item = &'f DecidedFinding>,
    key: impl Fn(&DecidedFinding) -> String,
) -> Vec<Vec<&'f DecidedFinding>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&DecidedFinding>> = Vec::new();
    for finding in findings {
        let place = *places.entry(key(finding)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Equal where findings differ in their own figures only.
fn alike_key(finding: &DecidedFinding) -> String {
    let first = finding.first();
    let decided: Vec<_> =
        finding.decisions().map(|line| (line.requested_action, line.action, line.decision.id())).collect();
    format!("{:?}", (&first.rule, &first.account, first.usage, decided))
}

fn print_alike(out: &mut Out, alike: &[&DecidedFinding]) -> io::Result<()> {
    let Some(first) = alike.first() else { return Ok(()) };
    let finding = first.first();
    let account = match (&finding.identity, &finding.account) {
        (Some(identity), Some(account)) if *identity != account.to_string() => format!(" by {account}"),
        _ => String::new(),
    };
    let rule = Tone::Title.paint(decisions::rule(&finding.rule));
    let usage = finding.usage.map_or("not used itself", |usage| usage.id());
    writeln!(out, "  {rule}, {usage}{}", text::line(&account))?;
    let times: Vec<_> = alike.iter().map(|one| one.first().event_time.to_string()).collect();
    let descriptions = alike.iter().map(|one| described(one));
    let rows: Vec<_> = times.iter().map(String::as_str).zip(descriptions).collect();
    write!(out, "{}", pairs(out, "    ", &rows))?;
    for (place, line) in first.acts().enumerate() {
        let decided = decisions::decided(line.decision, line.requested_action, line.action);
        let verdict = decisions::tone(line.decision).paint(decided);
        writeln!(out, "    {} → {verdict}", decisions::requested(line.requested_action))?;
        let mut rows: Vec<(&str, String)> = Vec::new();
        for reason in alike.iter().filter_map(|one| one.acts().nth(place)).flat_map(decisions::deciding) {
            let row = (reason.code.id(), reason.detail.clone());
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows.sort_by_key(|(code, _)| *code);
        let more = rows.len().saturating_sub(MAX_REASONS);
        rows.truncate(MAX_REASONS);
        write!(out, "{}", pairs(out, "      ", &rows))?;
        if more > 0 {
            writeln!(out, "      and {} like these", text::count(more as u64, "reason"))?;
        }
    }
    let observing = first.observing();
    if !observing.is_empty() {
        writeln!(
            out,
            "    {}",
            Tone::Faint.paint(format_args!("{observing}: always allowed, they only inform people"))
        )?;
    }
    Ok(())
}

/// A finding: what names and weighs it, then its message.
fn described(finding: &DecidedFinding) -> Vec<String> {
    let line = finding.first();
    let mut parts = vec![line.severity.to_string(), format!("confidence {}", line.confidence)];
    parts.extend(line.techniques.iter().cloned());
    vec![format!("{}, event {}", parts.join(", "), line.event_id), line.message.clone()]
}
