//! Who is fed by whose findings: whether subscriptions can be served, and how deep each rule lies in their graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use countersign_declaration::{Declaration, Subscription};
use countersign_model::RuleId;
use countersign_model::vocabulary::{RuleKind, SignalClass};

/// Why a subscription can't be served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubscriptionFault {
    /// There is no such rule.
    Unknown(RuleId),
    /// The policy has switched that rule off.
    SwitchedOff(RuleId),
    /// That rule is refused itself.
    Refused(RuleId),
    /// That rule is no detection.
    NoDetection(RuleId),
    /// That rule never finds anything of this class.
    NeverFinds(RuleId, SignalClass),
    /// The rule would be fed by itself: from it through the others back to it.
    Cycle(Vec<RuleId>),
}

impl fmt::Display for SubscriptionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubscriptionFault::Unknown(rule) => {
                write!(f, "subscribes to `{rule}`, which isn't loaded: load it too, or correct the id")
            }
            SubscriptionFault::SwitchedOff(rule) => write!(f, "subscribes to `{rule}`, which the policy switches off"),
            SubscriptionFault::Refused(rule) => write!(f, "subscribes to `{rule}`, which is refused"),
            SubscriptionFault::NoDetection(rule) => {
                write!(f, "subscribes to `{rule}`, which is a response rule: only detections find something")
            }
            SubscriptionFault::NeverFinds(rule, class) => {
                write!(f, "subscribes to class `{class}` of `{rule}`, which doesn't declare that class")
            }
            SubscriptionFault::Cycle(rules) => {
                let rules: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
                write!(f, "subscribes in a circle: {}", rules.join(" → "))
            }
        }
    }
}

/// The graph of the rules that are loaded.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Rules that can't be served, each with every reason, in order.
    pub(crate) faults: BTreeMap<RuleId, BTreeSet<SubscriptionFault>>,
    /// Of the others, how deep each lies: 0 subscribes to nothing, else one more than the deepest that feeds it.
    pub(crate) depths: BTreeMap<RuleId, usize>,
    feeds: BTreeMap<RuleId, BTreeSet<RuleId>>,
}

impl Graph {
    /// Of declarations, beside rules that are known but not there: switched off, or refused for another reason.
    pub(crate) fn of<'d>(
        declarations: impl Iterator<Item = &'d Declaration>,
        off: &BTreeSet<RuleId>,
        refused: &BTreeSet<RuleId>,
    ) -> Graph {
        let rules: BTreeMap<&RuleId, &Declaration> = declarations.map(|declared| (&declared.id, declared)).collect();
        let feeders = |declared: &Declaration| declared.subscribes.iter().map(|one| one.rule.clone()).collect();
        let mut graph = Graph {
            feeds: rules.iter().map(|(id, declared)| ((*id).clone(), feeders(declared))).collect(),
            ..Graph::default()
        };
        for (id, declared) in &rules {
            let mut faults: BTreeSet<SubscriptionFault> = declared
                .subscribes
                .iter()
                .flat_map(|subscription| match rules.get(&subscription.rule) {
                    Some(feeder) => served(subscription, feeder),
                    None if off.contains(&subscription.rule) => {
                        vec![SubscriptionFault::SwitchedOff(subscription.rule.clone())]
                    }
                    None if refused.contains(&subscription.rule) => {
                        vec![SubscriptionFault::Refused(subscription.rule.clone())]
                    }
                    None => vec![SubscriptionFault::Unknown(subscription.rule.clone())],
                })
                .collect();
            faults.extend(graph.cycle(id).map(SubscriptionFault::Cycle));
            if !faults.is_empty() {
                graph.faults.insert((*id).clone(), faults);
            }
        }
        graph.spread();
        graph.measure();
        graph
    }

    /// The rules whose findings feed a rule, through others too; the rule itself left out.
    pub(crate) fn lineage(&self, rule: &RuleId) -> BTreeSet<RuleId> {
        let mut all = BTreeSet::new();
        let mut waiting: Vec<&RuleId> = self.feeds.get(rule).into_iter().flatten().collect();
        while let Some(next) = waiting.pop() {
            if next != rule && all.insert(next.clone()) {
                waiting.extend(self.feeds.get(next).into_iter().flatten());
            }
        }
        all
    }

    /// The shortest way from a rule through those that feed it back to it.
    fn cycle(&self, rule: &RuleId) -> Option<Vec<RuleId>> {
        let mut from: BTreeMap<&RuleId, &RuleId> = BTreeMap::new();
        let mut waiting = VecDeque::from([rule]);
        let (start, _) = self.feeds.get_key_value(rule)?;
        while let Some(next) = waiting.pop_front() {
            for feeder in self.feeds.get(next).into_iter().flatten() {
                if feeder == rule {
                    let mut way = vec![rule.clone()];
                    let mut at = next;
                    while at != rule {
                        way.push(at.clone());
                        at = from.get(at).copied().unwrap_or(start);
                    }
                    way.push(rule.clone());
                    way.reverse();
                    return Some(way);
                }
                if !from.contains_key(feeder) {
                    from.insert(feeder, next);
                    waiting.push_back(feeder);
                }
            }
        }
        None
    }

    /// What is fed by a refused rule is refused too.
    fn spread(&mut self) {
        loop {
            let mut spread = Vec::new();
            for (rule, feeders) in &self.feeds {
                let known = self.faults.get(rule);
                let in_circle = |feeder: &RuleId| {
                    known.into_iter().flatten().any(|fault| match fault {
                        SubscriptionFault::Cycle(rules) => rules.contains(feeder),
                        _ => false,
                    })
                };
                for feeder in feeders.iter().filter(|feeder| self.faults.contains_key(*feeder) && !in_circle(feeder)) {
                    let fault = SubscriptionFault::Refused(feeder.clone());
                    if !known.is_some_and(|known| known.contains(&fault)) {
                        spread.push((rule.clone(), fault));
                    }
                }
            }
            if spread.is_empty() {
                return;
            }
            for (rule, fault) in spread {
                self.faults.entry(rule).or_default().insert(fault);
            }
        }
    }

    /// Measures the depths, level by level: what is left has no circle.
    fn measure(&mut self) {
        loop {
            let ready: Vec<(RuleId, usize)> = self
                .feeds
                .iter()
                .filter(|(rule, _)| !self.faults.contains_key(*rule) && !self.depths.contains_key(*rule))
                .filter_map(|(rule, feeders)| {
                    let depths: Option<Vec<usize>> =
                        feeders.iter().map(|feeder| self.depths.get(feeder).copied()).collect();
                    Some((rule.clone(), depths?.into_iter().max().map_or(0, |deepest| deepest + 1)))
                })
                .collect();
            if ready.is_empty() {
                return;
            }
            self.depths.extend(ready);
        }
    }
}

/// What is wrong between a subscription and the rule that it names.
fn served(subscription: &Subscription, feeder: &Declaration) -> Vec<SubscriptionFault> {
    if feeder.kind != RuleKind::Detection {
        return vec![SubscriptionFault::NoDetection(feeder.id.clone())];
    }
    let missing = subscription.classes.iter().filter(|class| !feeder.signal_classes.contains(class));
    missing.map(|class| SubscriptionFault::NeverFinds(feeder.id.clone(), *class)).collect()
}

#[cfg(test)]
#[path = "../tests/unit/graph.rs"]
mod tests;
