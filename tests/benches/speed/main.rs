//! Benchmarks: rules in the sandbox against the same code compiled natively, a replay against plain JSON parsing, the cost
//! of loaded rules that no event reaches, and of loading them. Both sides take turns in one run, so that a slow machine
//! slows both. `docs/BENCHMARKS.md` has the figures and how to get them. `--quick` takes fewer rounds; an argument selects
//! the measurements with that text in their name: a rule, `replay`, `loaded`, `loading`.

mod calls;
mod figures;
mod loaded;
mod loading;
mod native;
mod replay;
mod rows;

use std::error::Error;

use countersign_engine::ENGINE_VERSION;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// Rounds of each rule and batch size.
    rounds: usize,
    /// Records of the generated file that is replayed.
    replayed: u64,
    /// Rounds of each replay.
    replays: usize,
}

const WHOLE: Effort = Effort { rounds: 61, replayed: 100_000, replays: 7 };
const QUICK: Effort = Effort { rounds: 7, replayed: 20_000, replays: 3 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut effort = WHOLE;
    let mut wanted = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            loading::IDLE_MEMORY => return loading::idle_memory(arguments.next().unwrap_or_default().as_ref()),
            // Cargo passes this to every benchmark.
            "--bench" => {}
            "--quick" => effort = QUICK,
            option if option.starts_with('-') => {
                return Err(format!("expected `--quick` or a name, got `{option}`").into());
            }
            name => name.clone_into(&mut wanted),
        }
    }
    println!("{ENGINE_VERSION}\n");
    calls::measure(effort, &wanted)?;
    if "replay".contains(&wanted) {
        replay::measure(effort)?;
    }
    if "loaded".contains(&wanted) {
        loaded::measure(effort)?;
    }
    if "loading".contains(&wanted) { loading::measure(effort) } else { Ok(()) }
}
