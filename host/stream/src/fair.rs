//! What has to go where there is too much: from the origin that holds most.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use crate::origin::Origin;

/// Something that may have to go.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) origin: Origin,
    /// How much of what is shared out it takes, at least 1.
    pub(crate) weight: u64,
}

/// Which candidates go so that at least `over` less is taken, by their places. `candidates` are in the order in which
/// those of one origin go.
///
/// One after another goes from the source that holds most, there from the tenant that holds most, and there from the
/// network that holds most; of several that hold equally much from the one whose next candidate comes first. So a source
/// that holds at most its share of what may stay loses nothing, whatever others hold, and likewise a tenant among its
/// source's and a network among its tenant's.
pub(crate) fn choose(candidates: &[Candidate], over: u64) -> Vec<usize> {
    let mut chosen = Vec::new();
    let mut rest = over;
    let mut all = Group::new(candidates);
    while rest > 0 {
        let Some(place) = all.take(candidates) else { break };
        rest = rest.saturating_sub(weight(candidates, place));
        chosen.push(place);
    }
    chosen
}

fn weight(candidates: &[Candidate], place: usize) -> u64 {
    candidates.get(place).map_or(0, |candidate| candidate.weight)
}

/// The candidates of all sources, of one source, of one of its tenants, or of one of that tenant's networks.
struct Group {
    held: u64,
    /// The place of the candidate that goes next.
    next: usize,
    parts: Parts,
}

enum Parts {
    Groups(BinaryHeap<Group>),
    /// The last goes first.
    Members(Vec<usize>),
}

impl Group {
    fn new(candidates: &[Candidate]) -> Group {
        type Networks<'c> = BTreeMap<Option<std::net::IpAddr>, Vec<usize>>;
        let mut sources: BTreeMap<&str, BTreeMap<&str, Networks<'_>>> = BTreeMap::new();
        for (place, Candidate { origin, .. }) in candidates.iter().enumerate().rev() {
            let tenants = sources.entry(origin.source.as_str()).or_default();
            tenants.entry(&origin.tenant).or_default().entry(origin.network).or_default().push(place);
        }
        let network = |members: Vec<usize>| Group {
            held: members.iter().map(|place| weight(candidates, *place)).sum(),
            next: members.last().copied().unwrap_or(usize::MAX),
            parts: Parts::Members(members),
        };
        let tenant = |networks: Networks<'_>| Group::of(networks.into_values().map(network));
        let source = |tenants: BTreeMap<&str, Networks<'_>>| Group::of(tenants.into_values().map(tenant));
        Group::of(sources.into_values().map(source))
    }

    fn of(groups: impl Iterator<Item = Group>) -> Group {
        let groups: BinaryHeap<Group> = groups.collect();
        let next = groups.peek().map_or(usize::MAX, |group| group.next);
        Group { held: groups.iter().map(|group| group.held).sum(), next, parts: Parts::Groups(groups) }
    }

    /// Takes out the candidate that goes next.
    fn take(&mut self, candidates: &[Candidate]) -> Option<usize> {
        let (taken, next) = match &mut self.parts {
            Parts::Members(members) => (members.pop()?, members.last().copied()),
            Parts::Groups(groups) => {
                // Not changed in place: an element of a heap that becomes less has to be put in again.
                let mut most = groups.pop()?;
                let taken = most.take(candidates)?;
                if most.next < usize::MAX {
                    groups.push(most);
                }
                (taken, groups.peek().map(|group| group.next))
            }
        };
        self.held -= weight(candidates, taken);
        self.next = next.unwrap_or(usize::MAX);
        Some(taken)
    }

    fn key(&self) -> (u64, Reverse<usize>) {
        (self.held, Reverse(self.next))
    }
}

impl Ord for Group {
    fn cmp(&self, other: &Group) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Group {
    fn partial_cmp(&self, other: &Group) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Group {
    fn eq(&self, other: &Group) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Group {}

#[cfg(test)]
#[path = "../tests/unit/fair.rs"]
mod tests;
