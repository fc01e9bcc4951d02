//! The time to load a thousand rules from a warm cache, and the memory of an idle rule. The rules have a declaration each,
//! with the code of the shipped rules: each is read, admitted, checked against its MAC and mapped separately, but their
//! code is in as many files as there are shipped rules.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use countersign_admission::{admit, sections};
use countersign_declaration::{Ceilings, Refusal};
use countersign_engine::{Cache, Compilation, Engine, EngineConfig};
use countersign_generation::RuleFile;

use crate::Effort;
use crate::figures::{median, timed};
use crate::replay::generation;

/// Rules that are loaded.
const LOADED: usize = 1_000;

/// Measures and prints.
pub(crate) fn measure(effort: Effort) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("cache");
    // Fills the cache.
    let (cold, filled) = timed(|| generation(&engine(&path)?, rules(countersign_shipped::RULES.len())?));
    drop(filled?);
    let mut times = Vec::new();
    let mut largest = 0;
    // The first warms up.
    for round in 0..=effort.replays {
        let engine = engine(&path)?;
        let rules = rules(LOADED)?;
        largest = rules.iter().map(|rule| rule.bytes.len()).max().unwrap_or_default();
        let (time, loaded) = timed(|| generation(&engine, rules));
        drop(loaded?);
        if round > 0 {
            times.push(time.as_secs_f64());
        }
    }
    println!(
        "{LOADED} rules from a warm cache, of {} codes and components of at most {largest} bytes; the codes were compiled in \
         {:.1} s\n",
        countersign_shipped::RULES.len(),
        cold.as_secs_f64()
    );
    println!("{:<44}{:>10.2} s, median of {}", "  admitted and loaded", median(times), effort.replays);
    // Memory that is freed after loading isn't a rule's: the allocator must return it at once.
    let memory = Command::new(std::env::current_exe()?)
        .arg(IDLE_MEMORY)
        .arg(&path)
        .env("MALLOC_MMAP_THRESHOLD_", "32768")
        .stderr(Stdio::inherit())
        .output()?;
    print!("{}", String::from_utf8(memory.stdout)?);
    Ok(())
}

/// Makes this process print the memory of idle rules; the next argument is the cache.
pub(crate) const IDLE_MEMORY: &str = "--idle-memory";

/// Loads the rules and prints their memory, in a process that does nothing else.
pub(crate) fn idle_memory(cache: &Path) -> Result<(), Box<dyn Error>> {
    let engine = engine(cache)?;
    // The first rule's cost includes what all rules share.
    let first = generation(&engine, rules(1)?)?;
    let before = Memory::now()?;
    let loaded = generation(&engine, rules(LOADED)?)?;
    let after = Memory::now()?;
    drop((first, loaded));
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / LOADED as f64;
    println!("{:<44}{:>10.1} KiB", "  resident, an idle rule", each(after.resident, before.resident));
    println!("{:<44}{:>10.1} KiB\n", "  of it anonymous", each(after.anonymous, before.anonymous));
    Ok(())
}

fn engine(cache: &Path) -> Result<Engine, Box<dyn Error>> {
    let cache = Some(Arc::new(Cache::open(cache, Cache::MAX_BYTES)?));
    Ok(Engine::with(&EngineConfig::default(), Compilation { cache, ..Compilation::in_process() })?)
}

/// So many rules with different ids and the shipped rules' code.
fn rules(count: usize) -> Result<Vec<RuleFile>, Box<dyn Error>> {
    let listed = |refusals: Vec<Refusal>| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let shipped = countersign_shipped::RULES
        .iter()
        .map(|(_, bytes)| admit(bytes, &Ceilings::default()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(listed)?;
    let numbered = |(number, of): (usize, &countersign_admission::Admitted)| {
        let mut declaration = of.declaration().clone();
        declaration.id = format!("example/idle-{number}").parse()?;
        let bytes = sections::attach(of.component(), &declaration, of.data()).map_err(listed)?;
        Ok(RuleFile { name: format!("idle-{number}"), bytes })
    };
    // Rules with subscriptions need their feeders, under their own ids.
    let alone: Vec<_> = shipped.iter().filter(|rule| rule.declaration().subscribes.is_empty()).collect();
    alone.into_iter().cycle().take(count).enumerate().map(numbered).collect()
}

/// The memory of the process, KiB.
struct Memory {
    resident: u64,
    anonymous: u64,
}

impl Memory {
    fn now() -> Result<Memory, Box<dyn Error>> {
        let text = fs::read_to_string("/proc/self/smaps_rollup")?;
        let line = |name: &str| -> Result<u64, Box<dyn Error>> {
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"));
            Ok(found.ok_or_else(|| format!("expected a line `{name}` in smaps_rollup"))?.trim().parse()?)
        };
        Ok(Memory { resident: line("Rss:")?, anonymous: line("Anonymous:")? })
    }
}
