//! How fast a CloudTrail file becomes events, against parsing the same lines into `serde_json::Value` and nothing else:
//! `cargo run --release -p countersign-formats --example throughput -- FILE.ndjson`. Prints the median of 15 rounds.

use std::error::Error;
use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use countersign_formats::{CloudTrail, Format, Record};

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected the path of an NDJSON file")?;
    let bytes = std::fs::read(path)?;
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();

    let plain = median(lines.len(), || {
        for line in &lines {
            black_box(serde_json::from_slice::<serde_json::Value>(line).ok());
        }
    });
    let copy = bytes.clone();
    let events = median(lines.len(), || {
        let records = CloudTrail.read(Box::new(Cursor::new(copy.clone())), 0);
        let events = records.filter(|record| matches!(black_box(record), Record::Event { .. })).count();
        black_box(events);
    });
    println!("{} records, {} bytes", lines.len(), bytes.len());
    println!("serde_json::Value alone  {plain:>8.0} ns a record");
    println!("records into events      {events:>8.0} ns a record, {:.2} times", events / plain);
    Ok(())
}

/// The median time of a round, nanoseconds a record.
fn median(records: usize, mut round: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            round();
            begun.elapsed().as_nanos() as f64 / records.max(1) as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(ROUNDS / 2).copied().unwrap_or_default()
}
