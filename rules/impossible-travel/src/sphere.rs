//! The earth as a sphere: points, and how far they are apart.

use core::fmt;

/// Mean radius of the earth, kilometres (IUGG).
const RADIUS: f64 = 6_371.0;

/// Half the circumference: no two points are further apart.
pub(crate) const MAX_DISTANCE: f64 = RADIUS * core::f64::consts::PI;

/// A point, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    latitude: f64,
    longitude: f64,
}

impl Point {
    /// A point, if the degrees are valid. 0° north, 0° east lies in the sea: data without a place often has it.
    pub(crate) fn new(latitude: f64, longitude: f64) -> Option<Point> {
        let is_there = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        (is_there && (latitude != 0.0 || longitude != 0.0)).then_some(Point { latitude, longitude })
    }

    /// Latitude and longitude, for state.
    pub(crate) fn degrees(self) -> (f64, f64) {
        (self.latitude, self.longitude)
    }

    /// An upper bound of the distance, without trigonometry: along a meridian, then along a circle of latitude as long as
    /// the equator.
    pub(crate) fn max_distance(self, other: Point) -> f64 {
        let (north, east) = self.degrees_apart(other);
        (north + east).to_radians() * RADIUS
    }

    /// The distance along a great circle, in kilometres (haversine formula).
    pub(crate) fn distance(self, other: Point) -> f64 {
        let (north, east) = self.degrees_apart(other);
        let half = |degrees: f64| libm::sin(degrees.to_radians() / 2.0);
        let cosines = libm::cos(self.latitude.to_radians()) * libm::cos(other.latitude.to_radians());
        let haversine = half(north) * half(north) + cosines * half(east) * half(east);
        2.0 * RADIUS * libm::asin(libm::sqrt(haversine.clamp(0.0, 1.0)))
    }

    /// Degrees between the two, north and east, the short way.
    fn degrees_apart(self, other: Point) -> (f64, f64) {
        let east = libm::fabs(self.longitude - other.longitude);
        (libm::fabs(self.latitude - other.latitude), east.min(360.0 - east))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let north = if self.latitude < 0.0 { 'S' } else { 'N' };
        let east = if self.longitude < 0.0 { 'W' } else { 'E' };
        // Whole numbers: code that prints a float is larger than the rest of the rule.
        let tenths = |degrees: f64| libm::round(libm::fabs(degrees) * 10.0) as u32;
        let (latitude, longitude) = (tenths(self.latitude), tenths(self.longitude));
        write!(f, "{}.{}°{north} {}.{}°{east}", latitude / 10, latitude % 10, longitude / 10, longitude % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(latitude: f64, longitude: f64) -> Point {
        Point::new(latitude, longitude).unwrap()
    }

    #[test]
    fn known_distances() {
        // Great-circle distances of the cities' airports, to the kilometre.
        for (one, other, kilometres) in [
            (point(52.31, 4.76), point(40.64, -73.78), 5_847.0),
            (point(-33.95, 151.18), point(-36.84, 174.74), 2_158.0),
            (point(64.13, -21.94), point(64.13, -21.94), 0.0),
            (point(0.0, 90.0), point(0.0, -90.0), MAX_DISTANCE),
            (point(90.0, 0.0), point(-90.0, 120.0), MAX_DISTANCE),
        ] {
            assert!((one.distance(other) - kilometres).abs() < 5.0, "{one} {other}: {}", one.distance(other));
            assert!((one.distance(other) - other.distance(one)).abs() < 1e-6);
        }
    }

    #[test]
    fn the_bound_is_never_below_the_distance() {
        let degrees = |number: i32| f64::from(number) * 12.5;
        for north in -7..=7 {
            for east in -14..=14 {
                for other in [point(52.3, 4.8), point(-89.9, 179.9), point(0.0, -180.0), point(90.0, 0.0)] {
                    if let Some(one) = Point::new(degrees(north), degrees(east)) {
                        assert!(one.max_distance(other) >= one.distance(other) - 1e-6, "{one} {other}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_short_way_crosses_the_date_line() {
        assert!(point(-17.0, 179.5).distance(point(-17.0, -179.5)) < 110.0);
        assert!(point(-17.0, 179.5).max_distance(point(-17.0, -179.5)) < 112.0);
    }

    #[test]
    fn invalid_degrees_are_no_point() {
        for (latitude, longitude) in [
            (0.0, 0.0),
            (90.1, 0.0),
            (-91.0, 0.0),
            (0.0, 180.5),
            (f64::NAN, 1.0),
            (1.0, f64::NAN),
            (f64::INFINITY, 1.0),
            (1.0, f64::NEG_INFINITY),
        ] {
            assert_eq!(Point::new(latitude, longitude), None, "{latitude} {longitude}");
        }
        assert_eq!(point(-36.84, 174.74).to_string(), "36.8°S 174.7°E");
    }
}
