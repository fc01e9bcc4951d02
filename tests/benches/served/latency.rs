//! From a record's arrival to the commit that has what came of it, in an open loop: records are sent when their time has come,
//! however the host keeps up. First the highest throughput that is held, then the latency at half of it, beside two fsyncs in
//! the same run; then the same with one more rule that uses nearly all of its fuel on every event.

use std::collections::VecDeque;
use std::error::Error;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign_daemon::Host;

use crate::host::{Answers, folder, material, now, start};
use crate::traffic::records;

/// How often records are sent.
const EVERY: Duration = Duration::from_millis(2);

/// What is found out.
struct Latency {
    p50: Duration,
    p99: Duration,
    p999: Duration,
    /// Of two fsyncs, one after the other.
    fsyncs: (Duration, Duration),
    batches: usize,
}

pub(crate) fn measure(is_quick: bool) -> Result<(), Box<dyn Error>> {
    let seconds = Duration::from_secs(if is_quick { 10 } else { 60 });
    let highest = highest(seconds / 4)?;
    println!("highest throughput held: {highest} records a second, judged and committed\n");
    println!("| at half of it: arrival to durable decision | p50 | p99 | p99.9 | two fsyncs: p50 | p99 | batches |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let rate = highest / 2;
    let alone = at(rate, false, seconds)?;
    print("the shipped rules", &alone);
    let beside = at(rate, true, seconds)?;
    print("with a rule at its limit beside them", &beside);
    let over = alone.p99.saturating_sub(alone.fsyncs.1);
    println!("\np99 above two fsyncs: {:.1} ms", millis(over));
    println!("p99 beside a rule at its limit, times alone: {:.2}", beside.p99.as_secs_f64() / alone.p99.as_secs_f64());
    Ok(())
}

fn print(name: &str, latency: &Latency) {
    let Latency { p50, p99, p999, fsyncs, batches } = latency;
    let [p50, p99, p999, fsync, slow] = [*p50, *p99, *p999, fsyncs.0, fsyncs.1].map(millis);
    println!("| {name} | {p50:.1} ms | {p99:.1} ms | {p999:.1} ms | {fsync:.1} ms | {slow:.1} ms | {batches} |");
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Records a second that are judged and committed while always more are waiting.
fn highest(seconds: Duration) -> Result<u64, Box<dyn Error>> {
    const WAITING: u64 = 16_384;
    let folder = folder()?;
    let host = start(folder.path(), &material(false)?, 8 << 30, i64::MAX / 2)?;
    let (answers, mut sent) = (Answers::default(), 0);
    let mut judged_at_start = None;
    let began = Instant::now();
    // A fourth of the time to warm up.
    while began.elapsed() < seconds {
        let judged = judged(&host) * 512;
        if began.elapsed() > seconds / 4 && judged_at_start.is_none() {
            judged_at_start = Some((judged, Instant::now()));
        }
        if sent < judged + WAITING {
            answers.send(&host, records(sent, 512, now()))?;
            sent += 512;
        } else {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    let (first, since) = judged_at_start.ok_or("nothing was judged")?;
    let rate = (judged(&host) * 512 - first) as f64 / since.elapsed().as_secs_f64();
    host.stop();
    if answers.refused() > 0 {
        return Err(format!("{} bodies were refused", answers.refused()).into());
    }
    Ok(rate as u64)
}

/// Batches that are judged and committed.
fn judged(host: &Host) -> u64 {
    host.status().judged.place.map_or(0, |place| place.batch - 1)
}

/// Latency at a rate.
fn at(rate: u64, at_limit: bool, seconds: Duration) -> Result<Latency, Box<dyn Error>> {
    let folder = folder()?;
    let host = start(folder.path(), &material(at_limit)?, 8 << 30, i64::MAX / 2)?;
    let (count, answers) = ((rate as f64 * EVERY.as_secs_f64()).round().max(1.0) as u64, Answers::default());
    // When each batch arrived, oldest first, with its number.
    let waiting: Mutex<VecDeque<(u64, Instant)>> = Mutex::default();
    let stop = AtomicBool::new(false);
    let mut fsyncs = Vec::new();
    let latencies = std::thread::scope(|scope| -> Result<Vec<Duration>, Box<dyn Error>> {
        let watching = scope.spawn(|| watch(&host, &waiting, &stop));
        let syncing = scope.spawn(|| sync(folder.path(), &stop));
        let began = Instant::now();
        let mut batch = 0;
        while began.elapsed() < seconds {
            batch += 1;
            let due = EVERY * u32::try_from(batch).unwrap_or(u32::MAX);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let bytes = records((batch - 1) * count, count, now());
            // It arrives when it was to be sent, not when this thread came to it.
            let arrived = (began + due).min(Instant::now());
            waiting.lock().map_err(|_| "poisoned")?.push_back((batch, arrived));
            answers.send(&host, bytes)?;
        }
        // The last ones wait for witnesses that never come.
        std::thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Release);
        fsyncs = syncing.join().map_err(|_| "a thread panicked")??;
        watching.join().map_err(|_| "a thread panicked".into())
    })?;
    host.stop();
    let mut latencies: Vec<Duration> = latencies.into_iter().skip(500).collect();
    latencies.sort_unstable();
    fsyncs.sort_unstable();
    let of = |all: &[Duration], share: f64| {
        let place = (all.len().saturating_sub(1) as f64 * share) as usize;
        all.get(place).copied().unwrap_or_default()
    };
    Ok(Latency {
        p50: of(&latencies, 0.5),
        p99: of(&latencies, 0.99),
        p999: of(&latencies, 0.999),
        fsyncs: (of(&fsyncs, 0.5), of(&fsyncs, 0.99)),
        batches: latencies.len(),
    })
}

/// Waits for commits, and notes how long what they have took.
fn watch(host: &Host, waiting: &Mutex<VecDeque<(u64, Instant)>>, stop: &AtomicBool) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let judged = judged(host);
        let now = Instant::now();
        if let Ok(mut waiting) = waiting.lock() {
            while let Some((_, arrived)) = waiting.pop_front_if(|(batch, _)| *batch <= judged) {
                latencies.push(now.saturating_duration_since(arrived));
            }
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    latencies
}

/// How long two fsyncs take, one after the other, on the same disk at the same time.
fn sync(folder: &std::path::Path, stop: &AtomicBool) -> std::io::Result<Vec<Duration>> {
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut took = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let began = Instant::now();
        for _ in 0..2 {
            file.write_all(&[0; 4_096])?;
            file.sync_data()?;
        }
        took.push(began.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(took)
}
