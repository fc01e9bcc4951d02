//! How fast the bulk preset is made: `cargo run --release -p countersign-generate --example generator`.

use std::time::Instant;

use countersign_generate::{Preset, Telemetry, write_ndjson};

fn main() -> std::io::Result<()> {
    let start = Instant::now();
    let records = Preset::Bulk.scenario(Telemetry::CloudTrail, 1, Some(1_000_000)).build().records;
    let count = write_ndjson(records, &mut std::io::sink())?;
    let millis = start.elapsed().as_millis().max(1);
    println!("{count} records in {millis} ms, {} a second", u128::from(count) * 1000 / millis);
    Ok(())
}
