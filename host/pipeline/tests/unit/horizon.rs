//! Against the plain way: a list of the last events.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn seen(id: u64, content: u64) -> Seen {
    Seen { content: [id, content], id }
}

/// What the last `most` events say about one.
fn plainly(list: &mut VecDeque<(u64, u64)>, most: usize, id: u64, content: u64) -> Arrival {
    if list.contains(&(id, content)) {
        return Arrival::Duplicate;
    }
    if list.len() == most {
        list.pop_front();
    }
    let arrival = if list.iter().any(|other| other.0 == id) { Arrival::IdReused } else { Arrival::New };
    list.push_back((id, content));
    arrival
}

proptest! {
    #[test]
    fn it_tells_what_a_list_would(most in 1usize..9, events in prop::collection::vec((0u64..6, 0u64..3), 0..300)) {
        let mut horizon = Horizon::new(most);
        let mut list = VecDeque::new();
        for (id, content) in events {
            let expected = plainly(&mut list, most, id, content);
            prop_assert_eq!(horizon.note(seen(id, content)), expected);
            let held = |places: &Places| places.slots.iter().filter(|slot| **slot != 0).count();
            prop_assert_eq!(held(&horizon.by_content), list.len());
            let ids: std::collections::BTreeSet<_> = list.iter().map(|event| event.0).collect();
            prop_assert_eq!(held(&horizon.by_id), ids.len());
        }
    }
}

#[test]
fn what_lies_beyond_the_horizon_is_new_and_memory_stays_as_it_is() {
    let mut horizon = Horizon::new(HORIZON);
    let bytes = |horizon: &Horizon| {
        horizon.ring.capacity() * size_of::<Seen>()
            + (horizon.by_content.slots.capacity() + horizon.by_id.slots.capacity()) * size_of::<u32>()
    };
    assert_eq!(bytes(&horizon), 40 << 20);
    for event in 0..HORIZON as u64 {
        assert_eq!(horizon.note(seen(event, 0)), Arrival::New);
    }
    assert_eq!(horizon.note(seen(0, 0)), Arrival::Duplicate, "the last that is remembered");
    assert_eq!(horizon.note(seen(HORIZON as u64, 0)), Arrival::New);
    assert_eq!(horizon.note(seen(0, 0)), Arrival::New);
    assert_eq!(horizon.note(seen(HORIZON as u64, 0)), Arrival::Duplicate);
    assert_eq!(bytes(&horizon), 40 << 20);
}
