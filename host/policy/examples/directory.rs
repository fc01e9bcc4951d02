//! Measures how long a large directory takes to read, and how much memory.
//!
//! ```sh
//! cargo run --release -p countersign-policy --example directory -- 200000
//! cargo run --release -p countersign-policy --example directory -- 200000 > identities.ndjson
//! ```
//!
//! Standard output is the directory that was read, as NDJSON; figures are on standard error. Memory is the peak of the
//! whole process (Linux), the text included.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use countersign_policy::Directory;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(200_000), |count| count.parse())?;
    let text = text(count)?;
    let before = peak();
    let start = Instant::now();
    let directory = Directory::parse(&text).map_err(|faults| {
        let faults: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
        faults.join("\n")
    })?;
    let elapsed = start.elapsed();
    let accounts: usize = directory.identities().iter().map(|identity| identity.accounts.len()).sum();
    eprintln!(
        "{} identities with {accounts} accounts, {} MB of text: {} ms; peak of memory {} MB, before reading {} MB; {} warnings",
        directory.identities().len(),
        text.len() >> 20,
        elapsed.as_millis(),
        peak() >> 10,
        before >> 10,
        directory.warnings().len(),
    );
    let mut out = std::io::stdout().lock();
    if !out.is_terminal() {
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// As a directory service would export it: people with two accounts each.
fn text(count: u64) -> Result<String, std::fmt::Error> {
    // As long as it gets, so that the buffer isn't copied into a larger one.
    let mut text = String::with_capacity(usize::try_from(count).unwrap_or_default().saturating_mul(320));
    for number in 0..count {
        writeln!(
            text,
            r#"{{"id":"person-{number:06}","type":"human","tier":"standard","environment":"production","owner":"person-{owner:06}","account":[{{"provider":"aws","tenant":"111122223333","subject":"AIDA{number:016}X","provenance":"hr"}},{{"provider":"okta","tenant":"org","subject":"00u{number:017x}"}}]}}"#,
            owner = number / 10,
        )?;
    }
    Ok(text)
}

/// Peak of the process's memory, KiB; 0 where the system doesn't say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
