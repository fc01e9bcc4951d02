//! State of a person: the places from which it signed in.

use countersign_sdk::prelude::*;

use crate::sphere::{MAX_DISTANCE, Point};

/// The number of places that are remembered; beyond it the one visited longest ago is forgotten.
const MAX_PLACES: usize = 6;

/// Two sign-ins less far apart are at one place, in kilometres.
const ONE_PLACE: f64 = 50.0;

/// A person's places. Kept references are the sign-ins in which each was last visited, in the same order.
#[derive(State)]
#[state(slot = "places")]
pub(crate) struct Places {
    /// Unused places come last.
    places: [Place; MAX_PLACES],
}

/// One place, as it was last visited.
#[derive(Clone, Copy, State)]
struct Place {
    is_there: bool,
    at: Timestamp,
    latitude: f64,
    longitude: f64,
    radius: f64,
    /// Hash of the device, 0 for not known.
    device: u64,
    /// When travel from or to it was last reported.
    reported: Option<Timestamp>,
}

/// One sign-in.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) at: Timestamp,
    pub(crate) point: Point,
    /// Kilometres by which the point may be wrong.
    pub(crate) radius: f64,
    /// Hash of the device, 0 for not known.
    pub(crate) device: u64,
}

/// What counts as impossible.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Kilometres.
    pub(crate) distance: f64,
    /// Kilometres an hour.
    pub(crate) speed: f64,
    pub(crate) repeat: Duration,
}

/// Impossible travel.
pub(crate) struct Travel {
    /// The other place.
    pub(crate) elsewhere: Point,
    /// The least distance, in kilometres.
    pub(crate) distance: f64,
    /// How long before this sign-in the other was; negative if it was after.
    pub(crate) gap: Duration,
    /// Both records name their device, and the devices differ.
    pub(crate) devices_differ: bool,
    pub(crate) evidence: Option<Reference>,
}

/// Records a sign-in, and returns the travel that it would take if that is impossible and wasn't reported yet. Of
/// several it is the one nearest in time.
pub(crate) fn record(places: &mut Slot<Places>, this: Visit, reference: Reference, limits: Limits) -> Option<Travel> {
    let here = places.places.iter().position(|place| place.is_near(this));
    let was_reported = |place: &Place| place.reported.is_some_and(|reported| this.at - reported < limits.repeat);
    let here_reported = here.and_then(|here| places.places.get(here)).is_some_and(was_reported);
    let others = places.places.iter().enumerate().filter(|(place, _)| Some(*place) != here);
    let found = others
        .filter(|(_, other)| !(here_reported && was_reported(other)))
        .filter_map(|(place, other)| Some((place, other.travel(this, limits)?)))
        .min_by_key(|(_, travel)| travel.gap.micros().unsigned_abs());
    let found = found.map(|(place, travel)| {
        if let Some(other) = places.places.get_mut(place) {
            other.reported = Some(this.at);
        }
        Travel { evidence: places.kept().nth(place), ..travel }
    });
    visit(places, here, this, reference, found.is_some());
    found
}

/// Keeps a sign-in as the last one of its place, or as a place of its own if there is room for it.
fn visit(places: &mut Slot<Places>, here: Option<usize>, this: Visit, reference: Reference, report: bool) {
    let mut kept: Vec<Reference> = places.kept().collect();
    let place = match here {
        Some(here) => here,
        None if kept.len() < MAX_PLACES => {
            kept.push(reference);
            kept.len() - 1
        }
        None => {
            let oldest = places.places.iter().enumerate().min_by_key(|(place, known)| (known.at, *place));
            match oldest {
                Some((oldest, known)) if known.at <= this.at => oldest,
                _ => return,
            }
        }
    };
    let Some(known) = places.places.get_mut(place) else { return };
    if here.is_none() {
        *known = Place { reported: None, ..Place::of(this) };
    }
    if known.at <= this.at {
        *known = Place { reported: known.reported, ..Place::of(this) };
        if let Some(kept) = kept.get_mut(place) {
            *kept = reference;
        }
    }
    if report {
        known.reported = Some(this.at);
    }
    places.forget_kept();
    for reference in kept {
        places.keep(reference);
    }
}

impl Place {
    fn of(visit: Visit) -> Place {
        let (latitude, longitude) = visit.point.degrees();
        let Visit { at, radius, device, .. } = visit;
        Place { is_there: true, at, latitude, longitude, radius, device, reported: None }
    }

    fn point(&self) -> Option<Point> {
        self.is_there.then(|| Point::new(self.latitude, self.longitude)).flatten()
    }

    fn is_near(&self, visit: Visit) -> bool {
        let near = ONE_PLACE.max(self.radius + visit.radius);
        self.point().is_some_and(|point| point.max_distance(visit.point) <= near)
    }

    /// The travel between the place and a sign-in, if it is impossible.
    fn travel(&self, visit: Visit, limits: Limits) -> Option<Travel> {
        let point = self.point()?;
        if self.device != 0 && self.device == visit.device {
            return None;
        }
        let gap = visit.at - self.at;
        let hours = gap.micros().unsigned_abs() as f64 / 3_600e6;
        let (min, uncertain) = (limits.distance.max(limits.speed * hours), self.radius + visit.radius);
        // Most sign-ins end here, before any trigonometry.
        if min >= MAX_DISTANCE || point.max_distance(visit.point) - uncertain <= min {
            return None;
        }
        let distance = point.distance(visit.point) - uncertain;
        let devices_differ = self.device != 0 && visit.device != 0;
        (distance > min).then_some(Travel { elsewhere: point, distance, gap, devices_differ, evidence: None })
    }
}
