//! How fast a whole replay is, records to sealed audit, against parsing the same lines as JSON and nothing else.

use std::error::Error;
use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign_engine::{Engine, EngineConfig};
use countersign_formats::{CloudTrail, Format, Record};
use countersign_generate::{Preset, Telemetry, write_ndjson};
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_model::DigestKey;
use countersign_policy::{SourceFile, Trust};
use countersign_session::{Replay, Report, SessionOptions, run};
use countersign_store::{Durability, Existing, FileStore, HeadStore, SqliteStore, Store};

use crate::Effort;
use crate::figures::{median, nanos_each, timed};

const WORKERS: [usize; 2] = [1, 2];

/// Measures and prints.
pub(crate) fn measure(effort: Effort) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&EngineConfig::default())?;
    let generation = shipped(&engine)?;
    println!(
        "A replay with the {} shipped rules, records to sealed audit, against serde_json::Value of each line alone;\n\
         medians of {} rounds\n",
        generation.detections.len() + generation.responses.len(),
        effort.replays
    );
    println!("{:<44}{:>12}{:>12}{:>12}{:>8}", "", "ns a record", "records/s", "MB/s", "times");

    let mut bytes = Vec::new();
    write_ndjson(Preset::Bulk.scenario(Telemetry::CloudTrail, 1, Some(effort.replayed)).build().records, &mut bytes)?;
    one("generated", &bytes, &generation, effort)?;
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cloudtrail-invictus.ndjson");
    match std::fs::read(&real) {
        Ok(bytes) => one("cloudtrail-invictus.ndjson", &bytes, &generation, effort)?,
        Err(error) => println!("skipped: cloudtrail-invictus.ndjson isn't here ({error})"),
    }
    Ok(())
}

fn one(name: &str, bytes: &[u8], generation: &Arc<Generation>, effort: Effort) -> Result<(), Box<dyn Error>> {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut plain = Vec::new();
    let mut reading = Vec::new();
    let mut replays = WORKERS.map(|_| Vec::new());
    let (mut files, mut stores) = (Vec::new(), Vec::new());
    let mut findings = 0;
    // The first warms up.
    for round in 0..=effort.replays {
        let (time, parsed) = timed(|| parse(&lines));
        let parsed_time = nanos_each(time, lines.len());
        if parsed != lines.len() {
            return Err(format!("{name}: {parsed} of {} lines are JSON", lines.len()).into());
        }
        let records = records(bytes);
        let (time, _) = timed(|| records.for_each(|record| drop(black_box(record))));
        let read_time = nanos_each(time, lines.len());
        let mut times = WORKERS.map(|_| 0.0);
        for (workers, slot) in WORKERS.into_iter().zip(&mut times) {
            let (time, found) = replay(bytes, generation, workers)?;
            findings = found;
            *slot = nanos_each(time, lines.len());
        }
        let (file, store) = kept(bytes, generation)?;
        if round > 0 {
            files.push(nanos_each(file, lines.len()));
            stores.push(nanos_each(store, lines.len()));
            plain.push(parsed_time);
            reading.push(read_time);
            replays.iter_mut().zip(times).for_each(|(replays, time)| replays.push(time));
        }
    }
    println!("{name}: {} records, {:.1} MB, {findings} findings", lines.len(), megabytes(bytes));
    let line = |what: &str, times: &[f64]| {
        let nanos = median(times.iter().copied());
        let ratio = median(times.iter().zip(&plain).map(|(time, plain)| time / plain));
        let per_second = 1e9 / nanos;
        let mega = per_second * megabytes(bytes) / megabytes_count(lines.len());
        println!("  {what:<42}{nanos:>12.0}{per_second:>12.0}{mega:>12.1}{ratio:>8.2}");
    };
    line("serde_json::Value of each line", &plain);
    line("records into events", &reading);
    for (workers, times) in WORKERS.into_iter().zip(&replays) {
        line(&format!("replay, workers {workers}"), times);
    }
    line("replay into an audit file", &files);
    line("replay into a store", &stores);
    let ratio = median(stores.iter().zip(&files).map(|(store, file)| store / file));
    println!("  a store takes {ratio:.2} times as long as an audit file");
    Ok(())
}

/// A replay into an audit file, and one into a store, each with two workers and in a folder of its own.
fn kept(bytes: &[u8], generation: &Arc<Generation>) -> Result<(Duration, Duration), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let options = SessionOptions { workers: 2, ..SessionOptions::default() };
    let judge = |store: &mut dyn Store| run(records(bytes), generation, store, &options, Replay::default(), &mut ());
    let (file, done) = timed(|| -> Result<(), Box<dyn Error>> {
        let mut store = FileStore::create(&folder.path().join("audit"), Existing::Refuse, Durability::Seal)?;
        judge(&mut store)?;
        store.seal()?;
        Ok(())
    });
    done?;
    let (store, done) = timed(|| -> Result<(), Box<dyn Error>> {
        judge(&mut SqliteStore::open(&folder.path().join("store.db"))?)?;
        Ok(())
    });
    done?;
    Ok((file, store))
}

fn parse(lines: &[&[u8]]) -> usize {
    lines.iter().filter(|line| black_box(serde_json::from_slice::<serde_json::Value>(line)).is_ok()).count()
}

fn records(bytes: &[u8]) -> impl Iterator<Item = Record> + Send + use<> {
    CloudTrail.read(Box::new(Cursor::new(bytes.to_vec())), 0)
}

fn replay(bytes: &[u8], generation: &Arc<Generation>, workers: usize) -> Result<(Duration, u64), Box<dyn Error>> {
    let (time, report) = replayed(Cursor::new(bytes.to_vec()), generation, workers)?;
    Ok((time, report.summary.findings))
}

/// A replay of CloudTrail records whose audit is hashed and not kept.
pub(crate) fn replayed(
    bytes: Cursor<Vec<u8>>,
    generation: &Arc<Generation>,
    workers: usize,
) -> Result<(Duration, Report), Box<dyn Error>> {
    let records = CloudTrail.read(Box::new(bytes), 0);
    let options = SessionOptions { workers, key: DigestKey::public(), ..SessionOptions::default() };
    let mut store = HeadStore::new();
    let (time, report) = timed(|| run(records, generation, &mut store, &options, Replay::default(), &mut ()));
    Ok((time, report?))
}

/// The shipped rules under the shipped policy.
fn shipped(engine: &Engine) -> Result<Arc<Generation>, Box<dyn Error>> {
    let rules = countersign_shipped::RULES.iter();
    generation(engine, rules.map(|(id, bytes)| RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() }).collect())
}

/// Lets copies of shipped rules serve, and rules made for a measurement.
const TRUST: &str = "[publisher.countersign]\nunsigned = true\n\n[publisher.example]\nunsigned = true\n";

/// Rules under the shipped policy.
pub(crate) fn generation(engine: &Engine, rules: Vec<RuleFile>) -> Result<Arc<Generation>, Box<dyn Error>> {
    let settings = Settings { trust: SourceFile::parse("trust", TRUST, Trust::parse)?, ..Settings::shipped()? };
    let (generation, faults) = Generation::load(engine, rules, settings);
    match faults.first() {
        None => Ok(generation),
        Some(fault) => Err(fault.to_string().into()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "files of gigabytes at most")]
fn megabytes(bytes: &[u8]) -> f64 {
    bytes.len() as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "files of gigabytes at most")]
fn megabytes_count(count: usize) -> f64 {
    count as f64
}
