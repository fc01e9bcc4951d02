//! State of a role session: its home network, other networks that it was used from, and the credentials seen in each.

use core::net::IpAddr;

use countersign_sdk::prelude::*;

use crate::network::{Prefixes, from_bits, to_bits};

/// The number of networks that are remembered: the home, and the last three others.
const MAX_PLACES: usize = 4;

/// Access keys remembered of the home.
const KEYS: usize = 4;

/// A role session. `kept` references go with it: the event in which each of the places was first seen, in the same
/// order.
#[derive(State)]
#[state(slot = "session")]
pub(crate) struct Session {
    /// The home first, then others in order of appearance; unused ones come last.
    places: [Place; MAX_PLACES],
    /// Hashes of access keys used at home, 0 for none.
    home_keys: [u64; KEYS],
    /// When the home was last used.
    home_used: Timestamp,
}

/// One network.
#[derive(Clone, Copy, State)]
struct Place {
    /// The first address seen of it, 0 for none.
    address: u128,
    /// When it was first used.
    since: Timestamp,
    /// When the newest credentials used from it were issued; 1970 if no record states it.
    issued: Timestamp,
    /// The confidence with which it was reported last, 0 if never, and when.
    reported: u8,
    reported_at: Timestamp,
}

/// The parts of a call that matter here.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) address: IpAddr,
    pub(crate) at: Timestamp,
    /// When its credentials were issued.
    pub(crate) issued: Option<Timestamp>,
    /// Hash of its access key, 0 for none.
    pub(crate) key: u64,
    pub(crate) reference: Reference,
}

/// A call away from home.
pub(crate) struct Away {
    place: usize,
    /// An address of the home.
    pub(crate) home: IpAddr,
    /// How long before this call the home was first used.
    pub(crate) known_for: Duration,
    /// With an access key that wasn't used at home.
    pub(crate) other_key: bool,
    /// The home was used after the session was first seen here.
    pub(crate) both_in_use: bool,
    /// No other network of this address family was seen before.
    pub(crate) first_of_family: bool,
}

/// Records a call, and returns how it deviates if it is away from home. `own` is whether an address is in one of the
/// operator's own networks, which are home for all sessions.
pub(crate) fn record(
    session: &mut Slot<Session>,
    call: Call,
    prefixes: Prefixes,
    settle: Duration,
    own: impl FnOnce(IpAddr) -> bool,
) -> Option<Away> {
    let known = session.places.iter().position(|place| place.is_there() && place.is_at(call.address, prefixes));
    let place = match known {
        Some(0) => 0,
        Some(place) => place,
        None if !session.home().is_there() => {
            *session.home_mut() = Place::new(call);
            session.keep(call.reference);
            0
        }
        None if own(call.address) => 0,
        None => add(session, call),
    };
    if place == 0 {
        session.at_home(call);
        return None;
    }
    let fresh = session.is_fresher_than_elsewhere(call, place);
    let away = session.away(call, place);
    let silent = !away.both_in_use || call.at - session.home_used >= settle;
    if !fresh || !silent {
        return Some(away);
    }
    // Credentials not seen elsewhere before, and a silent home: an instance that was restarted elsewhere looks like this.
    if call.at - session.place(place).since >= settle {
        move_home(session, place);
        session.at_home(call);
    }
    None
}

/// Records that the call is reported, and returns the evidence: the events in which home and place were first seen.
/// None if it was reported before, less than `repeat` ago and with no less confidence.
pub(crate) fn report(
    session: &mut Slot<Session>,
    away: &Away,
    call: Call,
    confidence: u8,
    repeat: Duration,
) -> Option<Vec<Reference>> {
    let known = session.place(away.place);
    if known.reported >= confidence && call.at - known.reported_at < repeat {
        return None;
    }
    if let Some(place) = session.places.get_mut(away.place) {
        (place.reported, place.reported_at) = (confidence, call.at);
    }
    let kept = session.kept().enumerate();
    Some(kept.filter(|(place, _)| [0, away.place].contains(place)).map(|(_, reference)| reference).collect())
}

impl Session {
    fn home(&self) -> Place {
        self.place(0)
    }

    fn home_mut(&mut self) -> &mut Place {
        let [home, ..] = &mut self.places;
        home
    }

    fn place(&self, place: usize) -> Place {
        self.places.get(place).copied().unwrap_or_else(Place::none)
    }

    fn at_home(&mut self, call: Call) {
        let home = self.home_mut();
        home.see(call);
        self.home_used = self.home_used.max(call.at);
        if call.key != 0 && !self.home_keys.contains(&call.key) {
            self.home_keys.rotate_left(1);
            let [.., last] = &mut self.home_keys;
            *last = call.key;
        }
    }

    /// Whether the call's credentials were issued after all that were seen at other places.
    fn is_fresher_than_elsewhere(&self, call: Call, place: usize) -> bool {
        let newest = self.others(place).map(|other| other.issued).max();
        call.issued.is_some_and(|issued| Some(issued) > newest)
    }

    /// Every place but one.
    fn others(&self, place: usize) -> impl Iterator<Item = &Place> {
        let places = self.places.iter().enumerate();
        places.filter(move |(other, known)| *other != place && known.is_there()).map(|(_, known)| known)
    }

    fn away(&mut self, call: Call, place: usize) -> Away {
        let is_ipv4 = call.address.is_ipv4();
        let first_of_family = !self.others(place).any(|known| from_bits(known.address).is_ipv4() == is_ipv4);
        let home = self.home();
        let mut since = call.at;
        if let Some(known) = self.places.get_mut(place) {
            known.see(call);
            since = known.since;
        }
        Away {
            place,
            home: from_bits(home.address),
            known_for: call.at - home.since,
            other_key: call.key != 0 && !self.home_keys.contains(&call.key),
            both_in_use: self.home_used > since,
            first_of_family,
        }
    }
}

impl Place {
    fn none() -> Place {
        let zero = Timestamp::from_micros(0);
        Place { address: 0, since: zero, issued: zero, reported: 0, reported_at: zero }
    }

    fn new(call: Call) -> Place {
        Place { address: to_bits(call.address), since: call.at, ..Place::none() }
    }

    fn is_there(&self) -> bool {
        self.address != 0
    }

    fn is_at(&self, address: IpAddr, prefixes: Prefixes) -> bool {
        prefixes.same_network(from_bits(self.address), address)
    }

    fn see(&mut self, call: Call) {
        self.since = self.since.min(call.at);
        self.issued = call.issued.map_or(self.issued, |issued| self.issued.max(issued));
    }
}

/// Adds a place; if there are too many, the oldest except the home is forgotten.
fn add(session: &mut Slot<Session>, call: Call) -> usize {
    let mut kept: Vec<Reference> = session.kept().collect();
    let free = session.places.iter().position(|place| !place.is_there());
    let place = free.unwrap_or_else(|| {
        let [_, others @ ..] = &mut session.places;
        others.rotate_left(1);
        if kept.len() == MAX_PLACES {
            kept.remove(1);
        }
        MAX_PLACES - 1
    });
    if let Some(new) = session.places.get_mut(place) {
        *new = Place::new(call);
    }
    kept.push(call.reference);
    keep_only(session, kept);
    place
}

/// Makes a place the home, and forgets all others.
fn move_home(session: &mut Slot<Session>, place: usize) {
    let kept: Vec<Reference> = session.kept().skip(place).take(1).collect();
    let new = session.place(place);
    session.places = [Place::none(); MAX_PLACES];
    *session.home_mut() = new;
    session.home_keys = [0; KEYS];
    keep_only(session, kept);
}

fn keep_only(session: &mut Slot<Session>, references: Vec<Reference>) {
    session.forget_kept();
    for reference in references {
        session.keep(reference);
    }
}
