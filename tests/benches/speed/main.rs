//! How fast rules are judged in the sandbox against the same code compiled natively, and a replay against plain JSON
//! parsing: both sides by turns in one run, so that what slows the machine slows both. `host/BENCHMARKS.md` has figures
//! and how to get them. `--quick` takes fewer rounds.

mod calls;
mod figures;
mod native;
mod replay;
mod rows;

use std::error::Error;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// Rows of each rule.
    rows: usize,
    /// Rounds of each rule and batch size.
    rounds: usize,
    /// Records of the generated file that is replayed.
    replayed: u64,
    /// Rounds of each replay.
    replays: usize,
}

const WHOLE: Effort = Effort { rows: 8_192, rounds: 41, replayed: 100_000, replays: 7 };
const QUICK: Effort = Effort { rows: 2_048, rounds: 7, replayed: 20_000, replays: 3 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut effort = WHOLE;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            // Cargo says this to every benchmark.
            "--bench" => {}
            "--quick" => effort = QUICK,
            other => return Err(format!("expected `--quick` or nothing, got `{other}`").into()),
        }
    }
    let optimised = if cfg!(debug_assertions) { "with debug assertions" } else { "without debug assertions" };
    println!("{}, {optimised}\n", countersign_engine::ENGINE_VERSION);
    calls::measure(effort)?;
    replay::measure(effort)
}
