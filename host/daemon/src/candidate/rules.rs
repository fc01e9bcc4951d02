//! Rules: added, removed, changed; what their declarations permit; their parameters in force; caps.

use std::collections::{BTreeMap, BTreeSet};

use countersign_declaration::{Declaration, Permissions};
use countersign_generation::{Generation, Rule};
use countersign_model::RuleId;
use countersign_model::call::Parameter;
use countersign_model::time::format_duration;
use countersign_signing::Proof;

use super::item::{Aspect, ChangeKind, Items};

const RULE: (ChangeKind, Aspect) = (ChangeKind::Rules, Aspect::Rule);
const PERMISSION: (ChangeKind, Aspect) = (ChangeKind::Rules, Aspect::Permission);

pub(super) fn compare(before: &Generation, after: &Generation, items: &mut Items) {
    let (serving, candidate) = (rules(before), rules(after));
    for id in serving.keys().chain(candidate.keys()).collect::<BTreeSet<_>>() {
        // One that the policy switches on or off is a change of the policy.
        let is_switched = before.policy.is_enabled(id) != after.policy.is_enabled(id);
        let about = if is_switched { (ChangeKind::Policy, Aspect::Rule) } else { RULE };
        match (serving.get(id), candidate.get(id)) {
            (None, Some(rule)) => {
                let version = &rule.identity.version;
                items.add(about, id, format!("added: {} {version}, {}", rule.declaration().kind, proof(rule)), true);
                let nothing = Permissions { confidence_floor: 100, ..Permissions::default() };
                permissions(id, &Permissions::of(rule.declaration()), &nothing, items);
            }
            // What it detects isn't detected any more, or nothing answers what it answered.
            (Some(rule), None) => {
                let what = if is_switched { "switched off" } else { "removed" };
                items.add(about, id, format!("{what}: {} {}", rule.declaration().kind, rule.identity.version), true);
            }
            (Some(was), Some(is)) => {
                changed(id, was, is, items);
                parameters(id, (before, was), (after, is), items);
            }
            (None, None) => {}
        }
    }
}

/// The rules that aren't the same in both: other code, declarations, data or parameters, or in one of them alone.
pub(super) fn differing<'g>(before: &'g Generation, after: &'g Generation) -> Vec<&'g Rule> {
    let (serving, candidate) = (rules(before), rules(after));
    let differs = |rule: &&Rule, others: &BTreeMap<&RuleId, &Rule>| {
        others.get(&rule.identity.id).is_none_or(|other| other.identity != rule.identity)
    };
    let gone = serving.values().copied().filter(|rule| differs(rule, &candidate));
    gone.chain(candidate.values().copied().filter(|rule| differs(rule, &serving))).collect()
}

fn rules(generation: &Generation) -> BTreeMap<&RuleId, &Rule> {
    let all = generation.detections.iter().chain(&generation.responses);
    all.map(|rule| (&rule.identity.id, rule)).collect()
}

fn proof(rule: &Rule) -> String {
    match rule.proof {
        Proof::Shipped => "shipped".to_owned(),
        Proof::Unsigned => "unsigned".to_owned(),
        Proof::Key(key) => format!("signed by {key}"),
    }
}

fn changed(id: &RuleId, was: &Rule, is: &Rule, items: &mut Items) {
    let (old, new) = (was.declaration(), is.declaration());
    if new.version != old.version {
        // An older version has the faults that a newer one mended.
        let widens = new.version < old.version;
        let older = if widens { ", an older one" } else { "" };
        items.add(RULE, id, format!("version {}, was {}{older}", new.version, old.version), widens);
    }
    if is.identity.code != was.identity.code {
        items.add(RULE, id, format!("other code: {}", is.identity.code), false);
    }
    if is.identity.data != was.identity.data {
        items.add(RULE, id, "other data", false);
    }
    if is.proof != was.proof {
        let widens = is.proof != Proof::Shipped;
        items.add(RULE, id, format!("{}, was {}", proof(is), proof(was)), widens);
    }
    permissions(id, &Permissions::of(new), &Permissions::of(old), items);
    declared(id, old, new, items);
}

fn permissions(id: &RuleId, now: &Permissions, before: &Permissions, items: &mut Items) {
    for line in now.difference(before) {
        let widens = line.starts_with('+');
        items.add(PERMISSION, id, line, widens);
    }
}

/// What is declared beside permissions.
fn declared(id: &RuleId, old: &Declaration, new: &Declaration, items: &mut Items) {
    if new.kind != old.kind {
        items.add(PERMISSION, id, format!("kind {}, was {}", new.kind, old.kind), true);
    }
    // Which events are more isn't known of two filters.
    if new.filter != old.filter {
        items.add(PERMISSION, id, "another filter of events", true);
    }
    if new.limits != old.limits {
        let (is, was) = (new.limits, old.limits);
        let widens = is.memory > was.memory || is.fuel > was.fuel || is.output > was.output;
        let shown = |limits: countersign_declaration::Limits| {
            format!("memory {}, fuel {}, output {}", limits.memory, limits.fuel, limits.output)
        };
        items.add(PERMISSION, id, format!("limits: {}, were {}", shown(is), shown(was)), widens);
    }
    let state = |one: &Declaration| (one.partition_key, one.slots.clone(), one.timers.clone());
    if state(new) != state(old) {
        items.add(PERMISSION, id, "other state or timers", true);
    }
    let wanted = |one: &Declaration| (one.subscribes.clone(), one.context.clone());
    if wanted(new) != wanted(old) && Permissions::of(new) == Permissions::of(old) {
        items.add(PERMISSION, id, "other columns of context, or classes of subscriptions", true);
    }
    let ranges = |one: &Declaration| one.parameters.iter().map(|one| one.range.clone()).collect::<Vec<_>>();
    if ranges(new) != ranges(old) {
        items.add(PERMISSION, id, "other parameters are declared", false);
    }
}

/// Parameters in force, and the cap of confidence: the operator's, or a new version's defaults.
fn parameters(id: &RuleId, was: (&Generation, &Rule), is: (&Generation, &Rule), items: &mut Items) {
    fn named(rule: &Rule) -> BTreeMap<&str, &Parameter> {
        rule.declaration().parameters.iter().map(|one| one.name.as_str()).zip(&rule.parameters).collect()
    }
    let (before, after) = (named(was.1), named(is.1));
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let set = |generation: &Generation| {
            generation.policy.rule(id).and_then(|settings| settings.parameters.get(*name)).cloned()
        };
        let kind = if set(was.0) == set(is.0) { ChangeKind::Rules } else { ChangeKind::Policy };
        let shown = |value: Option<&&Parameter>| value.map_or_else(|| "nothing".to_owned(), |value| text(value));
        // A threshold may let more be found, or less.
        items.add((kind, Aspect::Parameter), id, format!("{name} = {}, was {}", shown(new), shown(old)), true);
    }
    let (old, new) = (was.0.policy.cap(id), is.0.policy.cap(id));
    if old != new {
        let about = (ChangeKind::Policy, Aspect::Policy);
        items.add(about, id, format!("confidence at most {new}, was {old}"), new > old);
    }
}

fn text(value: &Parameter) -> String {
    match value {
        Parameter::Boolean(value) => value.to_string(),
        Parameter::Integer(value) => value.to_string(),
        Parameter::Decimal(value) => value.to_string(),
        Parameter::Text(value) => format!("\"{value}\""),
        Parameter::TextList(values) => format!("[{}]", values.join(", ")),
        Parameter::Duration(micros) => format_duration(*micros),
    }
}
