//! Compared with a simple list of the last events.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn seen(id: u64, content: u64) -> Fingerprint {
    Fingerprint { content: [id, content], id }
}

/// The arrival of an event by a list of the last `capacity` events.
fn arrive_in_list(list: &mut VecDeque<(u64, u64)>, capacity: usize, id: u64, content: u64) -> Arrival {
    if list.contains(&(id, content)) {
        return Arrival::Duplicate;
    }
    if list.len() == capacity {
        list.pop_front();
    }
    let arrival = if list.iter().any(|other| other.0 == id) { Arrival::IdReused } else { Arrival::New };
    list.push_back((id, content));
    arrival
}

proptest! {
    #[test]
    fn it_agrees_with_a_list(capacity in 1usize..9, events in prop::collection::vec((0u64..6, 0u64..3), 0..300)) {
        let mut horizon = Horizon::new(capacity);
        let mut list = VecDeque::new();
        for (id, content) in events {
            let expected = arrive_in_list(&mut list, capacity, id, content);
            prop_assert_eq!(horizon.arrive(seen(id, content)), expected);
            let held = |places: &Places| places.slots.iter().filter(|slot| **slot != 0).count();
            prop_assert_eq!(held(&horizon.by_content), list.len());
            let ids: std::collections::BTreeSet<_> = list.iter().map(|event| event.0).collect();
            prop_assert_eq!(held(&horizon.by_id), ids.len());
        }
    }
}

#[test]
fn events_beyond_the_horizon_are_new_and_memory_stays_constant() {
    let mut horizon = Horizon::new(HORIZON);
    let bytes = |horizon: &Horizon| {
        horizon.ring.capacity() * size_of::<Fingerprint>()
            + (horizon.by_content.slots.capacity() + horizon.by_id.slots.capacity()) * size_of::<u32>()
    };
    assert_eq!(bytes(&horizon), 40 << 20);
    for event in 0..HORIZON as u64 {
        assert_eq!(horizon.arrive(seen(event, 0)), Arrival::New);
    }
    assert_eq!(horizon.arrive(seen(0, 0)), Arrival::Duplicate, "the last that is remembered");
    assert_eq!(horizon.arrive(seen(HORIZON as u64, 0)), Arrival::New);
    assert_eq!(horizon.arrive(seen(0, 0)), Arrival::New);
    assert_eq!(horizon.arrive(seen(HORIZON as u64, 0)), Arrival::Duplicate);
    assert_eq!(bytes(&horizon), 40 << 20);
}
