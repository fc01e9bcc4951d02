//! The figures at the end of a replay, for people.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use countersign_model::{DecisionKind, Digest, RuleId};
use countersign_session::Summary;

use crate::out::Out;
use crate::table::{Table, Tone, pairs, toned};
use crate::text;

/// Prints them.
pub(super) fn print(out: &mut Out, summary: &Summary, kept: Option<(&'static str, &Path)>, head: Digest) -> Result<()> {
    let seconds =
        if summary.seconds < 10.0 { format!("{:.2}", summary.seconds) } else { format!("{:.0}", summary.seconds) };
    let mut rows = vec![
        ("events", format!("{} in {seconds} s", text::number(summary.events))),
        ("dead letters", text::number(summary.set_aside)),
    ];
    // Rare, so left out where there are none.
    let mut rare = |name: &'static str, count: u64| rows.extend((count > 0).then(|| (name, text::number(count))));
    rare("duplicates", summary.duplicates);
    rare("ids used again", summary.id_reused);
    rare("files read from their end", summary.turned.len() as u64);
    rows.extend([("findings", text::number(summary.findings)), ("decisions", decisions(summary))]);
    let mut rare = |name: &'static str, counts: &BTreeMap<RuleId, u64>| {
        rows.extend((total(counts) > 0).then(|| (name, text::number(total(counts)))))
    };
    rare("timers not due yet", &summary.pending_timers);
    rare("timers dropped, too many", &summary.dropped_timers);
    rare("findings that fed no rule, too many", &summary.withheld_findings);
    rare("rows held from a rule that failed", &summary.held_rows);
    rows.extend(kept.map(|(name, path)| (name, text::path(&path).to_string())));
    rows.extend(kept.map(|_| ("head", head.to_string())));
    writeln!(out)?;
    write!(out, "{}", pairs(out, "", &rows))?;
    writeln!(out)?;
    print_rules(out, summary)
}

/// The decisions by kind, executed observing actions apart from other executed ones.
fn decisions(summary: &Summary) -> String {
    let observing = summary.observing;
    let mut counts = vec![("observing", observing)];
    for kind in DecisionKind::ALL.iter() {
        let count = summary.decisions.get(kind.id()).copied().unwrap_or_default();
        let apart = if *kind == DecisionKind::Execute { observing } else { 0 };
        counts.push((kind.id(), count.saturating_sub(apart)));
    }
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {}", text::number(count))).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// A table of the rules that found something or had trouble; the others are counted.
fn print_rules(out: &mut Out, summary: &Summary) -> Result<()> {
    let columns = ["rule", "rows seen", "findings", "rows failed", "keys evicted", ""];
    let mut table = Table::new(out, columns).right(1).right(2).right(3).right(4);
    let mut quiet = 0;
    for (rule, delivered) in &summary.delivered {
        let of = |counts: &BTreeMap<RuleId, u64>| counts.get(rule).copied().unwrap_or_default();
        let (findings, failed) = (of(&summary.findings_by_rule), of(&summary.rows_set_aside));
        let (evicted, silenced) = (evicted(summary, rule), summary.silenced.contains(rule));
        let held = of(&summary.held_rows);
        if findings + failed + evicted + held == 0 && !silenced {
            quiet += 1;
            continue;
        }
        table.row([
            rule.into(),
            text::number(*delivered).into(),
            text::number(findings).into(),
            text::number(failed).into(),
            text::number(evicted).into(),
            match (silenced, held) {
                (true, _) => toned(Tone::Bad, "silenced"),
                (false, 0) => "".into(),
                (false, held) => toned(Tone::Bad, &format!("{} held", text::number(held))),
            },
        ]);
    }
    if !table.is_empty() {
        write!(out, "{}", table.text(""))?;
    }
    if quiet > 0 {
        let others = if table.is_empty() { "rule" } else { "other rule" };
        writeln!(out, "{} found nothing", text::count(quiet, others))?;
    }
    Ok(())
}

/// Keys that a rule lost because its slots were full; those that expired aren't counted.
fn evicted(summary: &Summary, rule: &RuleId) -> u64 {
    let slots = summary.forgotten.get(rule).into_iter().flat_map(BTreeMap::values);
    slots.map(|forgotten| forgotten.evicted + forgotten.refused + forgotten.oversize).sum()
}

fn total(counts: &BTreeMap<RuleId, u64>) -> u64 {
    counts.values().sum()
}
