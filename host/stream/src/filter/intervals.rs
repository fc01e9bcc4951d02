//! Which of many intervals hold a value, without asking each.

/// Intervals of ordered values, both ends included, with the number of a list each.
///
/// Sorted by their first value and searched by halves: each interval knows the greatest last value of the half around it,
/// so a half that ends below the value is left out whole.
#[derive(Debug)]
pub(super) struct Intervals<T> {
    nodes: Vec<Node<T>>,
}

#[derive(Debug)]
struct Node<T> {
    first: T,
    last: T,
    /// The greatest last value of the nodes of which this is the middle.
    greatest: T,
    list: u32,
}

impl<T> Default for Intervals<T> {
    fn default() -> Self {
        Intervals { nodes: Vec::new() }
    }
}

impl<T: Copy + Ord> Intervals<T> {
    /// Of intervals in any order; one whose first value is above its last holds nothing.
    pub(super) fn new(intervals: impl IntoIterator<Item = (T, T, u32)>) -> Intervals<T> {
        let mut nodes: Vec<Node<T>> =
            intervals.into_iter().map(|(first, last, list)| Node { first, last, greatest: last, list }).collect();
        nodes.sort_by_key(|node| (node.first, node.last, node.list));
        summarise(&mut nodes);
        Intervals { nodes }
    }

    /// Tells the list of each interval that holds the value.
    pub(super) fn holding(&self, value: T, tell: &mut impl FnMut(u32)) {
        search(&self.nodes, value, tell);
    }
}

fn summarise<T: Copy + Ord>(nodes: &mut [Node<T>]) -> Option<T> {
    let (left, rest) = nodes.split_at_mut(nodes.len() / 2);
    let (node, right) = rest.split_first_mut()?;
    node.greatest = [summarise(left), summarise(right)].into_iter().flatten().fold(node.last, T::max);
    Some(node.greatest)
}

fn search<T: Copy + Ord>(nodes: &[Node<T>], value: T, tell: &mut impl FnMut(u32)) {
    let (left, rest) = nodes.split_at(nodes.len() / 2);
    let Some((node, right)) = rest.split_first() else { return };
    if node.greatest < value {
        return;
    }
    search(left, value, tell);
    if node.first <= value {
        if value <= node.last {
            tell(node.list);
        }
        search(right, value, tell);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holding(intervals: &[(i128, i128)], value: i128) -> Vec<u32> {
        let numbered = intervals.iter().zip(0..).map(|((first, last), list)| (*first, *last, list));
        let mut told = Vec::new();
        Intervals::new(numbered).holding(value, &mut |list| told.push(list));
        told.sort_unstable();
        told
    }

    #[test]
    fn both_ends_are_included() {
        let intervals = [(1, 3), (3, 3), (2, 1), (i128::MIN, i128::MAX)];
        let told = [0, 1, 3, 4].map(|value| holding(&intervals, value));
        assert_eq!(told, [vec![3], vec![0, 3], vec![0, 1, 3], vec![3]]);
        assert!(holding(&[], 0).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn those_that_hold_a_value_are_told_once(
            intervals in proptest::collection::vec((-20i128..20, -20i128..20), 0..40),
            value in -22i128..22,
        ) {
            let expected: Vec<u32> = intervals
                .iter()
                .zip(0..)
                .filter(|((first, last), _)| *first <= value && value <= *last)
                .map(|(_, list)| list)
                .collect();
            prop_assert_eq!(holding(&intervals, value), expected);
        }
    }
}
