//! Ranges of numbers and times.

use crate::declaration::Literal;

/// Numbers between two ends, of which one may be open.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The lower end; none if open.
    pub lower: Option<Bound>,
    /// The upper end; none if open.
    pub upper: Option<Bound>,
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// Where: an integer or a float, by the field's type.
    pub value: Literal,
    /// Whether it is itself in the range.
    pub included: bool,
}

/// The numbers of a range, both ends included; empty where the first is above the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Whole numbers; open ends are those of the type.
    Integers(i128, i128),
    /// Floats by their [`float_key`].
    Floats(i128, i128),
}

impl Range {
    /// The numbers in it.
    #[must_use]
    pub fn span(&self) -> Span {
        let floats =
            [&self.lower, &self.upper].into_iter().flatten().any(|bound| matches!(bound.value, Literal::Float(_)));
        let key = |bound: &Bound| match bound.value {
            Literal::Integer(number) => i128::from(number),
            Literal::Float(number) => float_key(number).map_or(0, i128::from),
            // The parsers leave only numbers here.
            Literal::Text(_) | Literal::Boolean(_) => 0,
        };
        let min = self.lower.as_ref().map_or(i128::MIN, |bound| key(bound) + i128::from(!bound.included));
        let max = self.upper.as_ref().map_or(i128::MAX, |bound| key(bound) - i128::from(!bound.included));
        if floats { Span::Floats(min, max) } else { Span::Integers(min, max) }
    }
}

/// A whole number that orders as floats do; neighbouring floats have neighbouring numbers; none for NaN, which
/// orders with nothing. Both zeros have one.
#[must_use]
pub fn float_key(number: f64) -> Option<i64> {
    if number.is_nan() {
        return None;
    }
    // Negative floats order the other way round by their bits. Adding zero makes of negative zero the other.
    let bits = (number + 0.0).to_bits().cast_signed();
    Some(if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_floats_do() {
        let ordered = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.5,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            0.5,
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        for pair in ordered.windows(2) {
            assert!(float_key(pair[0]) < float_key(pair[1]), "{pair:?}");
        }
        assert_eq!(float_key(0.0), float_key(-0.0));
        assert_eq!(float_key(f64::NAN), None);
        for number in [-1.0, -5e-324, 0.0, 1.0, 1e300] {
            assert_eq!(float_key(f64::next_up(number)), float_key(number).map(|key| key + 1), "{number}");
        }
    }

    #[test]
    fn ends_count_where_they_are_included() {
        let bound = |value, included| Some(Bound { value, included });
        let integer = |number, included| bound(Literal::Integer(number), included);
        let span = |lower, upper| Range { lower, upper }.span();
        assert_eq!(span(integer(2, true), integer(10, false)), Span::Integers(2, 9));
        assert_eq!(span(integer(2, false), None), Span::Integers(3, i128::MAX));
        assert_eq!(span(None, integer(-2, true)), Span::Integers(i128::MIN, -2));
        let zero = i128::from(float_key(0.0).unwrap());
        assert_eq!(span(None, bound(Literal::Float(0.0), false)), Span::Floats(i128::MIN, zero - 1));
    }
}
