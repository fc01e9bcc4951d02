//! Packed inputs, whole and damaged.

use countersign_formats::Record;
use expect_test::expect;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::{check, gzip, record, records, summary, utf_16, zstd};

#[test]
fn gzip_is_recognised_by_content_and_members_follow_one_another() {
    let (a, b) = (record("a"), record("b"));
    let whole = [gzip(format!("{a}\n").as_bytes()), gzip(format!(r#"{{"Records":[{b}]}}"#).as_bytes())].concat();
    check(
        &whole,
        expect![[r#"
        0 0+66 event a
        1 79+66 event b
    "#]],
    );
    check(
        &whole[..whole.len() - 12],
        expect![[r#"
        0 0+66 event a
        1 79+63 truncated: expected the rest of the gzip data, got: incomplete deflate stream; what came before was delivered | {\"eventID\":\"b\",\"eventTime\":\"2024-05-01T00:00:00Z\",
    "#]],
    );
    check(
        [whole.as_slice(), b"junk behind the data"].concat(),
        expect![[r#"
        0 0+66 event a
        1 79+66 event b
        2 147+0 damaged-compression: expected gzip data (RFC 1952), got: invalid gzip header; what came before was delivered | 
    "#]],
    );
    check(
        b"\x1f\x8b\x08",
        expect![[r#"
        0 0+0 truncated: expected the rest of the gzip data, got: unexpected end of file; what came before was delivered | 
    "#]],
    );
    check(
        b"\x1f",
        expect![[r#"
        0 0+1 malformed-json: expected a JSON object, got: expected value at line 1 column 1 | \u{1f}
    "#]],
    );
}

#[test]
fn zstd_and_utf_16_are_recognised_by_content() {
    let (a, b) = (record("a"), record("b"));
    let plain = format!("{a}\n{b}\n");
    for bytes in [zstd(plain.as_bytes()), utf_16(&plain), zstd(&gzip(&utf_16(&plain)))] {
        check(
            bytes,
            expect![[r#"
                0 0+66 event a
                1 67+66 event b
            "#]],
        );
    }
}

#[test]
fn what_comes_before_damage_in_gzip_does_not_depend_on_the_sizes_of_the_reads() {
    let plain: String = (0..200).map(|line| record(&format!("{line}-{}", line * 7919 % 1009)) + "\n").collect();
    let whole = gzip(plain.as_bytes());
    for at in [whole.len() / 4, whole.len() / 2, whole.len() - 40] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let expected = summary(&records(&bytes, usize::MAX));
        for step in [1, 3, 64] {
            assert_eq!(summary(&records(&bytes, step)), expected, "byte {at}, {step} bytes a read");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        // The same cases in every run.
        rng_seed: RngSeed::Fixed(20_230_710),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_gzip_never_panics_and_keeps_what_came_before(
        lines in 1_usize..20, cut in any::<prop::sample::Index>(), flip in any::<Option<prop::sample::Index>>(),
    ) {
        let plain: String = (0..lines).map(|line| record(&line.to_string()) + "\n").collect();
        let mut bytes = gzip(plain.as_bytes());
        let length = 2 + cut.index(bytes.len() - 1);
        bytes.truncate(length);
        if let Some(flip) = flip {
            // Flipping the first two bytes would make it another kind of input.
            let at = 2 + flip.index(length - 1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x10;
            }
        }
        let whole = bytes == gzip(plain.as_bytes());
        let records = records(&bytes, usize::MAX);
        let dead = records.iter().filter(|record| matches!(record, Record::DeadLetter(_))).count();
        prop_assert!(!whole || (dead == 0 && records.len() == lines));
        if flip.is_none() && !whole {
            prop_assert_eq!(dead, 1);
            prop_assert!(matches!(records.last(), Some(Record::DeadLetter(_))));
        }
    }
}
