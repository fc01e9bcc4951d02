//! The policy and the capability tables: what is answered where, which rules answer, limits, and what connectors can do.

use std::collections::{BTreeMap, BTreeSet};

use countersign_generation::Generation;
use countersign_model::time::format_duration;
use countersign_model::vocabulary::{Action, IdentityType, SignalClass, TextId, Tier};
use countersign_policy::{Answer, Capabilities, Capability, CellOutcome, Policy, Reach};

use super::item::{Aspect, ChangeKind, Items, lists};

const POLICY: (ChangeKind, Aspect) = (ChangeKind::Policy, Aspect::Policy);
const CAPABILITY: (ChangeKind, Aspect) = (ChangeKind::Policy, Aspect::Capability);

pub(super) fn compare(before: &Generation, after: &Generation, items: &mut Items) {
    cells(&before.policy, &after.policy, items);
    responses(&before.policy, &after.policy, items);
    publishers(before, after, items);
    limits(&before.policy, &after.policy, items);
    capabilities(&before.capabilities, &after.capabilities, items);
}

/// What a change is said of: members of each axis by their places, as bits.
type Cover = [u32; 4];

/// What differs in a combination, and whether it widens.
type Changes = BTreeMap<(String, bool), Vec<Cover>>;

fn cells(before: &Policy, after: &Policy, items: &mut Items) {
    let mut changes = Changes::new();
    for (class, class_bit) in bits::<SignalClass>() {
        for (identity_type, type_bit) in bits::<IdentityType>() {
            for (tier, tier_bit) in bits::<Tier>() {
                for (action, action_bit) in bits::<Action>() {
                    let was = before.cell(class, identity_type, tier, action);
                    let is = after.cell(class, identity_type, tier, action);
                    if let Some(change) = changed(was, is) {
                        let cover = [class_bit, type_bit, tier_bit, action_bit];
                        changes.entry((change, widens(was, is))).or_default().push(cover);
                    }
                }
            }
        }
    }
    add(changes, items);
}

/// What differs between two outcomes; none if nothing does that counts.
fn changed(was: &CellOutcome, is: &CellOutcome) -> Option<String> {
    let (old, new) = (shown(was), shown(is));
    if old != new {
        return Some(format!("{new}, was {old}"));
    }
    let words = |one: &CellOutcome| (one.owner.clone(), one.evidence.clone());
    (is.answer == Answer::Automatic && words(was) != words(is)).then(|| format!("{new}, with other reasons"))
}

fn shown(outcome: &CellOutcome) -> String {
    let CellOutcome { answer, floor, max_age, review_by, .. } = outcome;
    match answer {
        Answer::Never => answer.to_string(),
        Answer::Approval => format!("{answer} from confidence {floor}"),
        Answer::Automatic => {
            let until = review_by.as_ref().map(|date| format!(" until {date}")).unwrap_or_default();
            format!("{answer} from confidence {floor} within {}{until}", format_duration(*max_age))
        }
    }
}

/// Whether more may happen by the later outcome.
fn widens(was: &CellOutcome, is: &CellOutcome) -> bool {
    // From permissive to strict.
    if is.answer == Answer::Never {
        return false;
    }
    let is_longer = is.answer == Answer::Automatic && (is.max_age > was.max_age || is.review_by > was.review_by);
    is.answer < was.answer || is.floor < was.floor || is_longer
}

fn responses(before: &Policy, after: &Policy, items: &mut Items) {
    let mut changes = Changes::new();
    for (class, class_bit) in bits::<SignalClass>() {
        for (identity_type, type_bit) in bits::<IdentityType>() {
            let (was, is) = (before.responses(class, identity_type), after.responses(class, identity_type));
            if was == is {
                continue;
            }
            let shown = |rules: Option<&[countersign_model::RuleId]>| match rules {
                None => "every response rule".to_owned(),
                Some([]) => "no response rule".to_owned(),
                Some(rules) => rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            };
            let widens = match (was, is) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(was), Some(is)) => is.iter().any(|rule| !was.contains(rule)),
            };
            let change = format!("answered by {}, was {}", shown(is), shown(was));
            let cover = [class_bit, type_bit, all::<Tier>(), all::<Action>()];
            changes.entry((change, widens)).or_default().push(cover);
        }
    }
    add(changes, items);
}

/// What the policy says of publishers whose rules are there. Caps are compared with each rule.
fn publishers(before: &Generation, after: &Generation, items: &mut Items) {
    let rules = [before, after].into_iter().flat_map(|one| one.detections.iter().chain(&one.responses));
    for publisher in rules.map(|rule| rule.identity.id.publisher()).collect::<BTreeSet<_>>() {
        let exempt = |policy: &Policy| policy.publisher(publisher).is_some_and(|one| one.exempt_from_grouping);
        let (was, is) = (exempt(&before.policy), exempt(&after.policy));
        if was != is {
            let change = if is { "its findings count each on its own" } else { "its findings count once" };
            items.add(POLICY, publisher, change, is);
        }
    }
}

fn limits(before: &Policy, after: &Policy, items: &mut Items) {
    let (was, is) = (before.limits(), after.limits());
    for (key, now, then) in is.wider_than(was) {
        items.add(POLICY, "limits", format!("{key} = {now}, was {then}"), true);
    }
    for (key, then, now) in was.wider_than(is) {
        items.add(POLICY, "limits", format!("{key} = {now}, was {then}"), false);
    }
    let leases = [
        ("default-lease", is.default_lease, was.default_lease),
        ("longest-lease", is.longest_lease, was.longest_lease),
    ];
    for (key, now, then) in leases.into_iter().filter(|(_, now, then)| now != then) {
        items.add(POLICY, "limits", format!("{key} = {now} s, was {then} s"), now > then);
    }
}

fn capabilities(before: &Capabilities, after: &Capabilities, items: &mut Items) {
    fn key(one: &Capability) -> (&str, Action, IdentityType) {
        (&one.provider, one.action, one.identity_type)
    }
    for capability in before.iter().filter(|one| after.get(&one.provider, one.action, one.identity_type).is_none()) {
        items.add(CAPABILITY, subject(key(capability)), format!("removed: {}", capability.connector), false);
    }
    for is in after.iter() {
        let subject = subject(key(is));
        let Some(was) = before.get(&is.provider, is.action, is.identity_type) else {
            items.add(CAPABILITY, subject, format!("added: {}", is.connector), true);
            continue;
        };
        if is.connector != was.connector {
            items.add(CAPABILITY, &subject, format!("connector {}, was {}", is.connector, was.connector), true);
        }
        lists(items, CAPABILITY, &subject, "levels", (&was.levels, &is.levels));
        if is.reversibility != was.reversibility {
            // From what can be undone to what can't: what is undone more easily is asked for more easily.
            let change = format!("{}, was {}", is.reversibility, was.reversibility);
            items.add(CAPABILITY, &subject, change, is.reversibility < was.reversibility);
        }
        if is.reach != was.reach {
            let change = format!("reaches {}, was {}", is.reach, was.reach);
            items.add(CAPABILITY, &subject, change, is.reach == Reach::One);
        }
        if is.one_session != was.one_session {
            let change = if is.one_session { "acts on one session" } else { "may act on more than one session" };
            items.add(CAPABILITY, &subject, change, is.one_session);
        }
    }
}

fn subject((provider, action, identity_type): (&str, Action, IdentityType)) -> String {
    format!("{provider}, {action}, {identity_type}")
}

/// Adds changes, each of as few covers as their members are together.
fn add(changes: Changes, items: &mut Items) {
    for ((change, widens), covers) in changes {
        for cover in merged(covers) {
            items.add(POLICY, words(cover), change.clone(), widens);
        }
    }
}

/// The same combinations in fewer covers: those that are equal on all axes but one become one.
fn merged(mut covers: Vec<Cover>) -> Vec<Cover> {
    for axis in [3, 2, 1, 0] {
        let mut together: BTreeMap<Cover, u32> = BTreeMap::new();
        for mut cover in covers {
            let own = cover.get_mut(axis).map(std::mem::take).unwrap_or_default();
            *together.entry(cover).or_default() |= own;
        }
        let whole = |(mut cover, own): (Cover, u32)| {
            cover.get_mut(axis).into_iter().for_each(|place| *place = own);
            cover
        };
        covers = together.into_iter().map(whole).collect();
    }
    covers
}

/// A cover as a cell would have it. What it leaves open isn't named.
fn words([classes, types, tiers, actions]: Cover) -> String {
    let axes = [
        ("class", named::<SignalClass>(classes)),
        ("type", named::<IdentityType>(types)),
        ("tier", named::<Tier>(tiers)),
        ("action", named::<Action>(actions)),
    ];
    let named: Vec<String> =
        axes.iter().filter_map(|(axis, some)| Some(format!("{axis} {}", some.as_ref()?))).collect();
    if named.is_empty() { "everything".to_owned() } else { named.join("; ") }
}

fn bits<T: TextId>() -> impl Iterator<Item = (T, u32)> {
    T::ALL.iter().copied().zip((0..u32::BITS).map(|place| 1 << place))
}

fn all<T: TextId>() -> u32 {
    bits::<T>().fold(0, |all, (_, bit)| all | bit)
}

/// The members that a cover has; none if it has all.
fn named<T: TextId>(cover: u32) -> Option<String> {
    let some = || bits::<T>().filter(|(_, bit)| cover & bit != 0).map(|(member, _)| member.id()).collect::<Vec<_>>();
    (cover != all::<T>()).then(|| some().join(", "))
}

// A bit each.
const _: () = assert!(Action::ALL.len() <= u32::BITS as usize);
