//! Bytes that come by and by: batches in time, backpressure, and what is unfinished at the end.

use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use countersign_formats::reader::Content;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{CHUNK, CHUNKS, StreamInput};
use crate::input::InputId;
use crate::{Delivered, MAX_BATCH_RECORDS};

/// Bytes that a test sends.
struct Sent(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Sent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.recv().unwrap_or_default();
        }
        let count = self.1.as_slice().read(buffer)?;
        self.1.drain(..count);
        Ok(count)
    }
}

fn pieces(delivered: &Delivered) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut splitter = delivered.batch.pieces();
    while let Some((piece, _)) = splitter.next_piece() {
        pieces.push(match piece.content {
            Content::Record(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Content::Dead { fault, .. } => format!("dead: {}", fault.reason.code()),
        });
    }
    pieces
}

/// All that comes until the input ends.
fn rest(input: &mut StreamInput) -> Vec<String> {
    let mut all = Vec::new();
    while !input.has_ended() {
        all.extend(input.poll(Duration::from_secs(10)).iter().flat_map(pieces));
    }
    all
}

fn stream(bytes: impl Read + Send + 'static) -> StreamInput {
    StreamInput::new(InputId::from("-"), bytes).unwrap()
}

#[test]
fn a_batch_comes_soon_and_what_is_unfinished_waits() {
    let (sender, receiver) = sync_channel(8);
    let mut input = stream(Sent(receiver, Vec::new()));
    assert!(input.poll(Duration::from_millis(1)).is_none() && !input.has_ended());
    sender.send(b"{\"a\":1}\n{\"a\":".to_vec()).unwrap();
    let begin = Instant::now();
    let first = input.poll(Duration::from_secs(60)).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(30), "it doesn't wait for more");
    assert_eq!(pieces(&first), ["{\"a\":1}"]);
    assert_eq!((&*first.input, &*first.bookmark), ("-", "1.7.line"));
    assert!(input.poll(Duration::from_millis(1)).is_none());
    sender.send(b"2}\nx".to_vec()).unwrap();
    assert_eq!(pieces(&input.poll(Duration::from_secs(60)).unwrap()), ["{\"a\":2}"]);
    drop(sender);
    assert_eq!(rest(&mut input), ["x"]);
    assert!(input.poll(Duration::from_secs(60)).is_none());
}

#[test]
fn batches_are_full_where_there_is_much_packed_or_not() {
    let text: String = (0..20_000).map(|id| format!("{{\"a\":{id}}}\n")).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    for bytes in [text.into_bytes(), encoder.finish().unwrap()] {
        let mut input = stream(Cursor::new(bytes));
        let mut records = 0;
        while !input.has_ended() {
            if let Some(delivered) = input.poll(Duration::from_secs(10)) {
                assert!(delivered.batch.records <= MAX_BATCH_RECORDS);
                assert_eq!(delivered.batch.start.ordinal(), records);
                records += u64::from(delivered.batch.records);
            }
        }
        assert_eq!(records, 20_000);
    }
}

#[test]
fn what_is_wrong_at_the_end_is_a_dead_letter() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(b"{\"a\":1}\n{\"a\":2}\n").unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() - 6);
    assert_eq!(rest(&mut stream(Cursor::new(bytes))), ["{\"a\":1}", "{\"a\":2}", "dead: truncated"]);
    let parquet = [b"PAR1\x15".to_vec(), vec![b'\n'; 3 << 20]].concat();
    assert_eq!(rest(&mut stream(Cursor::new(parquet))), ["dead: not-utf8"]);
    assert_eq!(rest(&mut stream(Cursor::new("x".repeat(20 << 20)))), ["dead: record-too-large"]);
    assert_eq!(rest(&mut stream(io::empty())), [""; 0]);
}

#[test]
fn no_more_is_read_ahead_than_fits() {
    /// Counts what is read.
    struct Endless(Arc<AtomicUsize>);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(buffer.len(), Ordering::Relaxed);
            buffer.fill(b'\n');
            Ok(buffer.len())
        }
    }
    let read = Arc::new(AtomicUsize::new(0));
    let _input = stream(Endless(Arc::clone(&read)));
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let now = read.load(Ordering::Relaxed);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before <= (CHUNKS + 2) * CHUNK, "{before}");
}
