//! What is undone, what is refused, and that the sizes of reads don't show.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;
use crate::{DeadReason, Fault};

const TEXT: &str = "{\"name\":\"Zoë 𝄞\"}\n{\"name\":\"b\"}\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
}

/// Gives one byte at a time.
struct Bytewise(Cursor<Vec<u8>>);

impl Read for Bytewise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

/// All that can be read, and why no more.
fn read(bytes: &[u8]) -> (Vec<u8>, Option<DeadReason>) {
    let drain = |mut bytes: Bytes, size: usize| {
        let (mut text, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => return (text, None),
                Ok(count) => text.extend_from_slice(&buffer[..count]),
                Err(error) => return (text, Some(error.downcast::<Fault>().unwrap().reason)),
            }
        }
    };
    let once = || -> Bytes { unpacked(Box::new(Cursor::new(bytes.to_vec()))) };
    let whole = drain(once(), 10_000);
    let bytewise = unpacked(Box::new(Bytewise(Cursor::new(bytes.to_vec()))));
    assert!(drain(bytewise, 10_000) == whole, "the size of the reads shows");
    for size in [1, 7, 561] {
        assert!(drain(once(), size) == whole, "the size of the buffer shows: {size}");
    }
    whole
}

#[test]
fn what_an_input_is_packed_in_is_undone() {
    let text = TEXT.as_bytes();
    let little = utf_16(TEXT, u16::to_le_bytes);
    let skippable = [&b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"[..], &zstd(text)].concat();
    for (packed, times) in [
        (text.to_vec(), 1),
        (gzip(text), 1),
        ([gzip(text), gzip(text)].concat(), 2),
        (zstd(text), 1),
        ([zstd(text), skippable, zstd(b"")].concat(), 2),
        (little.clone(), 1),
        (utf_16(TEXT, u16::to_be_bytes), 1),
        (gzip(&gzip(text)), 1),
        (gzip(&zstd(&little)), 1),
        (Vec::new(), 0),
    ] {
        assert_eq!(read(&packed), (text.repeat(times), None), "{packed:?}");
        assert_eq!(Beginning::read(&mut &*packed).unwrap().is_packed(), packed != text && !packed.is_empty());
    }
    // Deeper than is undone, it stays as it is.
    assert_eq!(read(&gzip(&gzip(&gzip(&gzip(text))))).0, gzip(text));
}

#[test]
fn damage_is_reported_after_what_came_before_it() {
    let text: Vec<u8> =
        (0..100_000).flat_map(|line: u32| format!("{}\n", line.wrapping_mul(7_919)).into_bytes()).collect();
    for packed in [gzip(&text), zstd(&text)] {
        let (part, reason) = read(&packed[..packed.len() / 2]);
        assert_eq!(reason, Some(DeadReason::Truncated));
        assert!(text.starts_with(&part) && (packed[0] == 0x1f || !part.is_empty()), "{}", part.len());
        let (whole, reason) = read(&[&packed[..], b"junk behind it"].concat());
        assert_eq!((whole == text, reason), (true, Some(DeadReason::DamagedCompression)));
    }
    // Half a pair and half a unit are no characters: the record with them isn't UTF-8.
    let mut odd = utf_16("{\"a\":\"", u16::to_le_bytes);
    odd.extend_from_slice(b"\x34\xd8\"\x00}\x00\n");
    assert_eq!(read(&odd), (b"{\"a\":\"\xff\"}\xff".to_vec(), None));
}

#[test]
fn what_comes_to_far_more_than_it_is_made_of_is_not_read_on() {
    // Blocks of 128 KiB of one byte, of four bytes each.
    let header = b"\x28\xb5\x2f\xfd\x00\x58";
    let block = [0x02, 0x00, 0x10, b'x'];
    let bomb = [&header[..], &block.repeat(4_000), &[0x03, 0, 0, b'x']].concat();
    let mut bytes = unpacked(Box::new(Cursor::new(bomb)));
    let mut buffer = vec![0; 64 << 10];
    let (mut given, mut fault) = (0_u64, None);
    while fault.is_none() {
        match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => given += count as u64,
            Err(error) => fault = Some(error.downcast::<Fault>().unwrap()),
        }
    }
    assert_eq!(fault.map(|fault| fault.reason), Some(DeadReason::ExpandsTooFar), "{given}");
    assert!(given < 128 << 20, "{given}");
    // A window is bounded too: this frame asks for one of a gigabyte.
    let huge = [&b"\x28\xb5\x2f\xfd\x00\xa0"[..], &block.repeat(4)].concat();
    assert_eq!(read(&huge), (Vec::new(), Some(DeadReason::DamagedCompression)));
}

/// Gzip data whose checksum is wrong. The decoder delivers all of it, or all but the end, by how much it is asked for.
const WRONG_CHECKSUM: &[u8] = include_bytes!("../../../../fuzz/seeds/envelopes/bad-damaged.json.gz");

#[test]
fn where_damage_begins_depends_on_the_bytes_alone() {
    assert_eq!(read(WRONG_CHECKSUM).1, Some(DeadReason::DamagedCompression));
    let text: String = (0..200).map(|number| format!("{{\"name\":\"{}\"}}\n", number % 7)).collect();
    for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        for place in 0..packed.len() {
            for bit in 0..8 {
                let mut damaged = packed.clone();
                damaged[place] ^= 1 << bit;
                read(&damaged);
            }
        }
    }
}
