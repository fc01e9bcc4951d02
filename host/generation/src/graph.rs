//! The graph of subscriptions: whether they can be served, and how deep each rule is.

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
    /// That rule isn't a detection.
    NoDetection(RuleId),
    /// That rule doesn't declare this class.
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

/// The graph of the loaded rules.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Rules that can't be served, each with every reason, in order.
    pub(crate) faults: BTreeMap<RuleId, BTreeSet<SubscriptionFault>>,
    /// The depths of the others: 0 subscribes to nothing, otherwise one more than the deepest rule that feeds it.
    pub(crate) depths: BTreeMap<RuleId, usize>,
    feeds: BTreeMap<RuleId, BTreeSet<RuleId>>,
}

impl Graph {
    /// Builds the graph of declarations. `off` and `refused` are known rules that aren't loaded.
    pub(crate) fn build<'d>(
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
                    Some(feeder) => subscription_faults(subscription, feeder),
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
        graph.propagate_faults();
        graph.compute_depths();
        graph
    }

    /// The rules whose findings feed a rule, directly or through others, without the rule itself.
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

    /// The shortest cycle from a rule through the rules that feed it.
    fn cycle(&self, rule: &RuleId) -> Option<Vec<RuleId>> {
        let mut from: BTreeMap<&RuleId, &RuleId> = BTreeMap::new();
        let mut waiting = VecDeque::from([rule]);
        let (start, _) = self.feeds.get_key_value(rule)?;
        while let Some(next) = waiting.pop_front() {
            for feeder in self.feeds.get(next).into_iter().flatten() {
                if feeder == rule {
                    let mut path = vec![rule.clone()];
                    let mut at = next;
                    while at != rule {
                        path.push(at.clone());
                        at = from.get(at).copied().unwrap_or(start);
                    }
                    path.push(rule.clone());
                    path.reverse();
                    return Some(path);
                }
                if !from.contains_key(feeder) {
                    from.insert(feeder, next);
                    waiting.push_back(feeder);
                }
            }
        }
        None
    }

    /// Refuses rules that are fed by refused ones.
    fn propagate_faults(&mut self) {
        loop {
            let mut spread = Vec::new();
            for (rule, feeders) in &self.feeds {
                let known = self.faults.get(rule);
                let in_cycle = |feeder: &RuleId| {
                    known.into_iter().flatten().any(|fault| match fault {
                        SubscriptionFault::Cycle(rules) => rules.contains(feeder),
                        _ => false,
                    })
                };
                for feeder in feeders.iter().filter(|feeder| self.faults.contains_key(*feeder) && !in_cycle(feeder)) {
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

    /// Computes the depths, level by level: the rules without faults have no cycle.
    fn compute_depths(&mut self) {
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
fn subscription_faults(subscription: &Subscription, feeder: &Declaration) -> Vec<SubscriptionFault> {
    if feeder.kind != RuleKind::Detection {
        return vec![SubscriptionFault::NoDetection(feeder.id.clone())];
    }
    let missing = subscription.classes.iter().filter(|class| !feeder.signal_classes.contains(class));
    missing.map(|class| SubscriptionFault::NeverFinds(feeder.id.clone(), *class)).collect()
}

#[cfg(test)]
#[path = "../tests/unit/graph.rs"]
mod tests;
