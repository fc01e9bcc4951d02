//! Ten million events through one host: resident memory at every twentieth, and that the last half adds nothing.

use std::error::Error;
use std::time::{Duration, Instant};

use crate::host::{Answers, folder, material, now, start};
use crate::traffic::records;

/// Events.
const EVENTS: u64 = 10_000_000;

/// Records of a body.
const BODY: u64 = 1_000;

/// Bytes that wait to be judged.
const MAX_WAITING: u64 = 2 << 20;

/// By how much the greatest of the last half may exceed that of the half before: what allocators and caches do.
const GROWTH: f64 = 1.05;

pub(crate) fn measure(is_quick: bool) -> Result<(), Box<dyn Error>> {
    let events = if is_quick { EVENTS / 20 } else { EVENTS };
    let folder = folder()?;
    // What was judged is dropped soon, so that the disk is bounded too.
    let host = start(folder.path(), &material(false)?, 256 << 20, 60 * 1_000_000)?;
    let (answers, mut sent) = (Answers::default(), 0);
    let (began, mut resident) = (Instant::now(), Vec::new());
    println!("| events | seconds | resident | recorder | store |\n| --- | --- | --- | --- | --- |");
    while sent < events {
        // Behind by a little always, so that it never rests and never refuses.
        if sent > answers.recorded() + 16 * BODY || host.status().recorder.waiting_bytes > MAX_WAITING {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        answers.send(&host, records(sent, BODY, now()))?;
        sent += BODY;
        if sent % (events / 20) == 0 {
            let status = host.status();
            let bytes = resident_bytes()?;
            resident.push(bytes);
            let [resident, recorder, store] =
                [bytes, status.recorder.bytes, file_bytes(folder.path(), "store.db")?].map(|bytes| bytes >> 20);
            println!("| {sent} | {} | {resident} MiB | {recorder} MiB | {store} MiB |", began.elapsed().as_secs());
        }
    }
    if !host.wait_judged(Duration::from_secs(600)) {
        return Err("not everything was judged".into());
    }
    host.stop();
    let (first, last) = resident.split_at(resident.len() / 2);
    let greatest = |some: &[u64]| some.iter().copied().max().unwrap_or_default() as f64;
    let growth = greatest(last) / greatest(first);
    println!("\n{} bodies refused; the last half's greatest is {growth:.3} times that before", answers.refused());
    if growth > GROWTH { Err("memory grew over the last half".into()) } else { Ok(()) }
}

fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split_whitespace().nth(1).ok_or("no resident memory")?.parse()?;
    Ok(pages * 4_096)
}

fn file_bytes(folder: &std::path::Path, name: &str) -> std::io::Result<u64> {
    Ok(std::fs::metadata(folder.join(name))?.len())
}
