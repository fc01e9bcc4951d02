//! State of a session: the networks and systems that it was used from.

use countersign_sdk::prelude::*;

use crate::family::Family;

/// The number of uses that are remembered: the first, which is the home, and the latest others.
const MAX_USES: usize = 5;

/// A session. Kept references are the events in which each of the uses was first seen, in the same order.
#[derive(State)]
#[state(slot = "session")]
pub(crate) struct Session {
    /// In order of appearance; unused ones come last.
    uses: [Stored; MAX_USES],
}

/// One network with one family of systems.
#[derive(Clone, Copy, State)]
struct Stored {
    asn: u64,
    /// 0 for none.
    family: u8,
    /// When it was last seen.
    at: Timestamp,
    /// Whether it was reported: each is reported once.
    reported: bool,
}

/// A use of the session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) asn: u64,
    pub(crate) family: Family,
    pub(crate) at: Timestamp,
}

/// What contradicts a use.
pub(crate) struct Seen {
    /// Another use of the session, with another network and another family.
    pub(crate) other: Use,
    /// The events in which the other use and, if it isn't this one, this use were first seen.
    pub(crate) evidence: Vec<Reference>,
}

/// Records a use, and returns what contradicts it, if that wasn't reported yet.
pub(crate) fn record(session: &mut Slot<Session>, this: Use, reference: Reference) -> Option<Seen> {
    let known = session.uses.iter().position(|stored| stored.is(this));
    let place = known.unwrap_or_else(|| add(session, this, reference));
    let stored = session.uses.get_mut(place)?;
    stored.at = stored.at.max(this.at);
    if stored.reported {
        return None;
    }
    // The one nearest in time, the earlier of two. A use that was itself reported contradicts no other: otherwise the
    // owner's next use would be reported as soon as a thief was seen.
    let uses = session.uses.iter().enumerate().filter(|(_, stored)| !stored.reported);
    let others = uses.filter_map(|(place, stored)| stored.to_use().map(|one| (place, one)));
    let (other_place, other) = others
        .filter(|(_, one)| one.asn != this.asn && one.family != this.family)
        .min_by_key(|(_, one)| (this.at.micros().abs_diff(one.at.micros()), one.at))?;
    if let Some(stored) = session.uses.get_mut(place) {
        stored.reported = true;
    }
    let kept = session.kept().enumerate();
    let evidence = kept
        .filter(|(kept, one)| *one != reference && [place, other_place].contains(kept))
        .map(|(_, one)| one)
        .collect();
    Some(Seen { other, evidence })
}

impl Stored {
    fn none() -> Self {
        Stored { asn: 0, family: 0, at: Timestamp::from_micros(0), reported: false }
    }

    fn is(&self, this: Use) -> bool {
        self.asn == this.asn && self.family == this.family as u8
    }

    fn to_use(self) -> Option<Use> {
        Family::from_byte(self.family).map(|family| Use { asn: self.asn, family, at: self.at })
    }
}

/// Adds a use; if there are too many, the oldest except the first is forgotten.
fn add(session: &mut Slot<Session>, this: Use, reference: Reference) -> usize {
    let free = session.uses.iter().position(|stored| stored.family == 0);
    let mut kept: Vec<Reference> = session.kept().collect();
    let place = free.unwrap_or_else(|| {
        let [_, others @ ..] = &mut session.uses;
        others.rotate_left(1);
        if kept.len() == MAX_USES {
            kept.remove(1);
        }
        MAX_USES - 1
    });
    if let Some(stored) = session.uses.get_mut(place) {
        *stored = Stored { asn: this.asn, family: this.family as u8, at: this.at, ..Stored::none() };
    }
    kept.push(reference);
    session.forget_kept();
    for reference in kept {
        session.keep(reference);
    }
    place
}
