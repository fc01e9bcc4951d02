//! The compiler process of the tests: does what `countersign compile` does, which this crate can't depend on.

use std::error::Error;
use std::io;
use std::time::Duration;

use countersign_engine::{CompileLimits, confine, serve};

/// Started as `PROGRAM compile --memory BYTES --cpu SECONDS`.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, memory, bytes, cpu, seconds] = arguments.as_slice() else {
        return Err("expected five arguments".into());
    };
    if [command, memory, cpu] != ["compile", "--memory", "--cpu"] {
        return Err("expected `compile --memory BYTES --cpu SECONDS`".into());
    }
    let cpu = Duration::from_secs(seconds.parse()?);
    confine(&CompileLimits { memory: bytes.parse()?, cpu, ..CompileLimits::default() })?;
    serve(io::stdin().lock(), io::stdout().lock())?;
    Ok(())
}
