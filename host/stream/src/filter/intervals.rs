//! Finds which of many intervals contain a value, without testing each.

/// Intervals of ordered values, both ends included, each with the number of a list.
///
/// Sorted by first value and searched by halves: each interval stores the greatest last value of the half around it, so a
/// half that ends below the value is skipped as a whole.
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
    /// From intervals in any order; one whose first value is above its last contains nothing.
    pub(super) fn new(intervals: impl IntoIterator<Item = (T, T, u32)>) -> Intervals<T> {
        let mut nodes: Vec<Node<T>> =
            intervals.into_iter().map(|(first, last, list)| Node { first, last, greatest: last, list }).collect();
        nodes.sort_by_key(|node| (node.first, node.last, node.list));
        summarise(&mut nodes);
        Intervals { nodes }
    }

    /// Emits the list of each interval that contains the value.
    pub(super) fn for_each_containing(&self, value: T, emit: &mut impl FnMut(u32)) {
        search(&self.nodes, value, emit);
    }
}

fn summarise<T: Copy + Ord>(nodes: &mut [Node<T>]) -> Option<T> {
    let (left, rest) = nodes.split_at_mut(nodes.len() / 2);
    let (node, right) = rest.split_first_mut()?;
    node.greatest = [summarise(left), summarise(right)].into_iter().flatten().fold(node.last, T::max);
    Some(node.greatest)
}

fn search<T: Copy + Ord>(nodes: &[Node<T>], value: T, emit: &mut impl FnMut(u32)) {
    let (left, rest) = nodes.split_at(nodes.len() / 2);
    let Some((node, right)) = rest.split_first() else { return };
    if node.greatest < value {
        return;
    }
    search(left, value, emit);
    if node.first <= value {
        if value <= node.last {
            emit(node.list);
        }
        search(right, value, emit);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn containing(intervals: &[(i128, i128)], value: i128) -> Vec<u32> {
        let numbered = intervals.iter().zip(0..).map(|((first, last), list)| (*first, *last, list));
        let mut lists = Vec::new();
        Intervals::new(numbered).for_each_containing(value, &mut |list| lists.push(list));
        lists.sort_unstable();
        lists
    }

    #[test]
    fn both_ends_are_included() {
        let intervals = [(1, 3), (3, 3), (2, 1), (i128::MIN, i128::MAX)];
        let lists = [0, 1, 3, 4].map(|value| containing(&intervals, value));
        assert_eq!(lists, [vec![3], vec![0, 3], vec![0, 1, 3], vec![3]]);
        assert!(containing(&[], 0).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_interval_that_contains_a_value_is_emitted_once(
            intervals in proptest::collection::vec((-20i128..20, -20i128..20), 0..40),
            value in -22i128..22,
        ) {
            let expected: Vec<u32> = intervals
                .iter()
                .zip(0..)
                .filter(|((first, last), _)| *first <= value && value <= *last)
                .map(|(_, list)| list)
                .collect();
            prop_assert_eq!(containing(&intervals, value), expected);
        }
    }
}
