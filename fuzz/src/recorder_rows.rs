//! Rows of a recorder that somebody or the disk has changed: each is read, or said to be damaged, and whatever is read can be
//! cut into its pieces. The first byte chooses what is changed: see [`check`].

use std::cell::OnceCell;

use countersign_database::rusqlite::{Connection, params};
use countersign_formats::reader::Position;
use countersign_inputs::{Batch, Cutter};
use countersign_model::{Digest, HostNote, Place, SourceId, SourceStanding, Timestamp};
use countersign_recorder::{
    Append, HostInputKind, NewContent, NewHostInput, Recorder, RecorderOptions, RecorderReader,
};

/// A recorder with a row of each kind, which a writer beside it changes.
struct Changed {
    writer: Connection,
    reader: RecorderReader,
    content: Digest,
    _folder: tempfile::TempDir,
}

thread_local! {
    static CHANGED: OnceCell<Changed> = const { OnceCell::new() };
}

fn batches(text: &[u8]) -> Vec<Batch> {
    let mut cutter = Cutter::new(Box::new(std::io::Cursor::new(text.to_vec())), Position::START);
    std::iter::from_fn(|| cutter.next_batch()).map(|(batch, _)| batch).collect()
}

fn made() -> Changed {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("recorder.db");
    let options = RecorderOptions { max_bytes: 1 << 30, keep: i64::MAX / 2, clock: || Timestamp(1_000_000) };
    let recorder = Recorder::open(&path, options, Place::START).expect("it can be made");
    let batches = batches(b"{\"Records\":[{\"a\":1},{\"a\":2}]}\n{\"b\":1}\n");
    let append = Append { source: SourceId::from("trail"), batches, bookmarks: Vec::new(), idempotency: None };
    recorder.append(append).expect("there is room");
    let content = b"a policy".to_vec();
    let digest = Digest::of(&content);
    let contents = vec![NewContent { bytes: content, lasts: true }];
    let (kind, before) = (HostInputKind::Generation, Some(1));
    let input = NewHostInput { kind, payload: b"{}".to_vec(), about: None, contents, before };
    recorder.put(input).expect("there is room");
    drop(recorder);
    let writer = Connection::open(&path).expect("it was made");
    // Only what the types of columns allow comes this far otherwise.
    writer.execute_batch("PRAGMA synchronous = off; PRAGMA ignore_check_constraints = on;").expect("it is a database");
    let reader = RecorderReader::open(&path).expect("it was made");
    Changed { writer, reader, content: digest, _folder: folder }
}

/// Checks some bytes: after `b` the compressed bytes of a batch, `r` its bytes before that, `p` text of where it begins, `n`
/// eight bytes each of its length, records and arrival; `h` the payload of a host input, `k` text of its kind; `c` the
/// compressed bytes of a content. True if all could be read.
pub fn check(bytes: &[u8]) -> bool {
    CHANGED.with(|changed| with(changed.get_or_init(made), bytes))
}

fn with(changed: &Changed, bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    let Changed { writer, reader, content, .. } = changed;
    let text = String::from_utf8_lossy(bytes);
    let number = |place: usize| {
        let eight = bytes.get(place * 8..place * 8 + 8).and_then(|eight| eight.try_into().ok());
        eight.map_or(1, i64::from_le_bytes)
    };
    writer.execute_batch("BEGIN").expect("nobody else writes");
    let set = match kind {
        b'b' => writer.execute("UPDATE batch SET bytes = ?1", [bytes]),
        b'r' => {
            let packed = zstd::bulk::compress(bytes, 1).expect("memory can be compressed");
            writer.execute("UPDATE batch SET bytes = ?1, length = ?2", params![packed, bytes.len() as i64])
        }
        b'p' => writer.execute("UPDATE batch SET start = ?1", [&*text]),
        b'n' => writer.execute(
            "UPDATE batch SET length = ?1, records = ?2, arrived = ?3",
            [number(0), number(1), number(2)],
        ),
        b'h' => writer.execute("UPDATE host_input SET payload = ?1", [bytes]),
        b'k' => writer.execute("UPDATE host_input SET kind = ?1", [&*text]),
        b'c' => writer.execute("UPDATE content SET bytes = ?1", [bytes]),
        _ => Ok(0),
    };
    // What the tables refuse can't be in them.
    let set = set.is_ok();
    let end = if set { "COMMIT" } else { "ROLLBACK" };
    writer.execute_batch(end).expect("nobody else writes");
    let read = read(reader, content);
    restore(writer);
    set && read
}

/// Reads all there is. True if nothing is damaged.
fn read(reader: &RecorderReader, content: &Digest) -> bool {
    let batch = reader.batch(1);
    if let Ok(Some(batch)) = &batch {
        let mut pieces = batch.batch.pieces();
        let mut count = 0_u64;
        while pieces.next_piece().is_some() {
            count += 1;
        }
        assert!(count <= u64::from(batch.batch.records), "more pieces than the batch has");
    }
    let inputs = reader.host_inputs(0, 64);
    for input in inputs.iter().flatten() {
        let _ = input.time();
        if let Ok(note) = serde_json::from_slice::<HostNote>(&input.payload) {
            assert!(!note.about().is_empty());
        }
        let _ = serde_json::from_slice::<SourceStanding>(&input.payload);
    }
    let content = reader.content(content);
    let others = reader.extent().is_ok() && reader.standing(0).is_ok() && reader.arrivals(0..=9).is_ok();
    batch.is_ok() && inputs.is_ok() && matches!(content, Ok(Some(_))) && others
}

/// Puts everything back as it was made.
fn restore(writer: &Connection) {
    let batches = batches(b"{\"Records\":[{\"a\":1},{\"a\":2}]}\n{\"b\":1}\n");
    let batch = batches.first().expect("it has records");
    let packed = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).expect("memory can be compressed");
    let (length, packed_batch) = (batch.bytes.len() as i64, packed(&batch.bytes));
    writer
        .execute(
            "UPDATE batch SET bytes = ?1, length = ?2, records = ?3, start = '0.0.start', arrived = 1000000",
            params![packed_batch, length, batch.records],
        )
        .and_then(|_| writer.execute("UPDATE host_input SET payload = x'7b7d', kind = 'generation'", []))
        .and_then(|_| writer.execute("UPDATE content SET bytes = ?1", [packed(b"a policy")]))
        .expect("nobody else writes");
}
