//! The child process of the tests: does what `countersign compile` and `countersign admit` do, which this crate can't
//! depend on.

use std::error::Error;
use std::io;
use std::time::Duration;

use countersign_engine::{COMPILE_LIMITS, ChildLimits, confine, serve};

/// Started as `PROGRAM COMMAND --memory BYTES --cpu SECONDS`.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, memory, bytes, cpu, seconds] = arguments.as_slice() else {
        return Err("expected five arguments".into());
    };
    if [memory, cpu] != ["--memory", "--cpu"] {
        return Err("expected `COMMAND --memory BYTES --cpu SECONDS`".into());
    }
    let cpu = Duration::from_secs(seconds.parse()?);
    confine(&ChildLimits { memory: bytes.parse()?, cpu, ..COMPILE_LIMITS })?;
    match command.as_str() {
        "compile" => serve(io::stdin().lock(), io::stdout().lock())?,
        "admit" => countersign_intake::serve(io::stdin().lock(), io::stdout().lock())?,
        other => return Err(format!("expected `compile` or `admit`, got `{other}`").into()),
    }
    Ok(())
}
