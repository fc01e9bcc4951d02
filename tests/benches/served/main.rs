//! A host under load: how long it takes from a record's arrival to a durable decision on it (`latency`), and whether memory
//! stays bounded over ten million events (`soak`, only when asked for). `docs/BENCHMARKS.md` has the figures and how to get
//! them. `--quick` takes less time; an argument selects a measurement by its name.

mod host;
mod latency;
mod soak;
mod traffic;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut is_quick, mut wanted) = (false, "latency".to_owned());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            // Cargo passes this to every benchmark.
            "--bench" => {}
            "--quick" => is_quick = true,
            "latency" | "soak" => wanted = argument,
            other => return Err(format!("expected `latency`, `soak` or `--quick`, got `{other}`").into()),
        }
    }
    if wanted == "soak" { soak::measure(is_quick) } else { latency::measure(is_quick) }
}
