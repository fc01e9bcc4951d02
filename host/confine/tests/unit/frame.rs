//! Frames, whole and broken.

use super::*;

fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write(&mut frame, kind, bytes).unwrap();
    frame
}

#[test]
fn a_series_of_frames_is_read_as_it_was_written() {
    let all = [(b'a', vec![]), (b'b', b"bytes".to_vec()), (0, vec![0; 100_000])];
    let stream: Vec<u8> = all.iter().flat_map(|(kind, bytes)| frame(*kind, bytes)).collect();
    let mut stream = &stream[..];
    for (kind, bytes) in all {
        assert_eq!(read(&mut stream, 100_000).unwrap(), Some(Frame { kind, bytes }));
    }
    assert_eq!(read(&mut stream, 100_000).unwrap(), None);
}

#[test]
fn anything_else_is_refused() {
    let whole = frame(b'c', b"bytes");
    for length in 1..whole.len() {
        assert!(read(&whole[..length], 5).is_err(), "{length}");
    }
    assert!(matches!(read(&whole[..], 4), Err(FrameError::TooLarge { got: 5, max: 4 })));
    for at in 0..8 {
        let mut other = whole.clone();
        other[at] ^= 0x80;
        assert!(matches!(read(&other[..], 5), Err(FrameError::Form)), "{at}");
    }
    // A length that no memory has room for is refused before any is allocated.
    let mut vast = whole;
    vast[9..17].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(read(&vast[..], u64::MAX - 1), Err(FrameError::TooLarge { .. })));
    assert!(matches!(read(&vast[..], u64::MAX), Err(FrameError::Length { got: 5, .. })));
}
