//! Tests of `state/dump.rs`.

use super::*;

#[test]
fn bytes_are_shown_in_hexadecimal_and_as_text() {
    let bytes: Vec<u8> = (0x2a..0x3d).collect();
    assert_eq!(
        lines(&bytes, 10),
        [
            "0000  2a 2b 2c 2d 2e 2f 30 31  32 33 34 35 36 37 38 39  *+,-./0123456789",
            "0010  3a 3b 3c                                          :;<",
        ]
    );
    assert_eq!((lines(&bytes, 1).len(), left_out(&bytes, 1), left_out(&bytes, 2)), (1, 3, 0));
    assert_eq!(lines(&[0, 0x7f, 0xff, 0x1b], 1), ["0000  00 7f ff 1b                                       ...."]);
    assert_eq!(lines(&[], 1), [""; 0]);
}
