//! Shares of the room.

use proptest::prelude::*;

use super::Room;

#[test]
fn one_source_fills_the_common_half_and_its_share() {
    let mut room = Room::new(100, 5);
    let mut hog = 0;
    while room.fits(0, 1) {
        room.take(0, 1);
        hog += 1;
    }
    assert_eq!(hog, 60);
    for source in 1..5 {
        assert!(room.fits(source, 10));
        assert!(!room.fits(source, 11));
        room.take(source, 10);
        assert!(!room.fits(source, 1));
    }
    assert_eq!(room.taken(), 100);
    room.free(0, 60);
    assert!(room.fits(1, 50));
}

#[test]
fn what_is_larger_than_the_room_fits_when_it_is_empty() {
    let mut room = Room::new(100, 2);
    assert!(room.fits(0, 1_000));
    room.take(0, 1);
    assert!(!room.fits(0, 1_000));
    room.free(0, 1);
    assert!(room.fits(0, 1_000));
}

proptest! {
    /// Whatever others do, a source has its share; and all together never have more than the room.
    #[test]
    fn shares_are_kept(
        steps in prop::collection::vec((0_u32..4, 1_u64..40, any::<bool>()), 0..200),
        source in 0_u32..4,
    ) {
        let mut room = Room::new(240, 4);
        let mut own = 0;
        for (of, bytes, judged) in steps {
            if judged {
                room.free(of, bytes);
                if of == source {
                    own = u64::saturating_sub(own, bytes);
                }
            } else if bytes < 240 && room.fits(of, bytes) {
                room.take(of, bytes);
                if of == source {
                    own += bytes;
                }
            }
            prop_assert!(room.taken() <= 240);
            if own < 30 {
                prop_assert!(room.fits(source, 30 - own));
            }
        }
    }
}
