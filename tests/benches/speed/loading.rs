//! What loading a thousand rules from a warm cache takes, and what an idle rule keeps of the machine's memory. The rules
//! have a declaration each, over the code of the shipped rules: every one is read, admitted, checked against its MAC and
//! mapped by itself, but their code lies in as many files as there are shipped rules.

use std::error::Error;
use std::fs;

use countersign_admission::{admit, sections};
use countersign_declaration::{Ceilings, Refusal};
use countersign_engine::{Cache, Compilation, Engine, EngineConfig};
use countersign_pipeline::RuleFile;

use crate::Effort;
use crate::figures::{median, timed};
use crate::replay::generation;

/// Rules that are loaded.
const LOADED: usize = 1_000;

/// Measures and prints.
pub(crate) fn measure(effort: Effort) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("cache");
    let engine = || -> Result<Engine, Box<dyn Error>> {
        let cache = Some(Cache::open(&path, Cache::MOST_BYTES)?);
        Ok(Engine::with(&EngineConfig::default(), Compilation { cache, ..Compilation::in_process() })?)
    };
    // Fills the cache.
    let (cold, filled) = timed(|| generation(&engine()?, rules(countersign_shipped::RULES.len())?));
    drop(filled?);
    let (mut times, mut resident, mut anonymous) = (Vec::new(), Vec::new(), Vec::new());
    let mut largest = 0;
    for round in 0..=effort.replays {
        let engine = engine()?;
        let before = Memory::now()?;
        let rules = rules(LOADED)?;
        largest = rules.iter().map(|rule| rule.bytes.len()).max().unwrap_or_default();
        let (time, loaded) = timed(|| generation(&engine, rules));
        let loaded = loaded?;
        let after = Memory::now()?;
        // The first warms up the allocator too, whose memory later rounds find there.
        if round == 0 {
            resident.push(after.resident.saturating_sub(before.resident) as f64 / LOADED as f64);
            anonymous.push(after.anonymous.saturating_sub(before.anonymous) as f64 / LOADED as f64);
        } else {
            times.push(time.as_secs_f64());
        }
        drop(loaded);
    }
    println!(
        "{LOADED} rules from a warm cache, of {} codes and components of at most {largest} bytes; the codes were compiled in \
         {:.1} s\n",
        countersign_shipped::RULES.len(),
        cold.as_secs_f64()
    );
    println!("{:<44}{:>10.2} s, median of {}", "  admitted and loaded", median(times), effort.replays);
    println!("{:<44}{:>10.1} KiB", "  resident, an idle rule", median(resident));
    println!("{:<44}{:>10.1} KiB\n", "  of it anonymous", median(anonymous));
    Ok(())
}

/// So many rules with ids of their own, over the shipped rules' code.
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
    // Who subscribes needs its feeders, under their own names.
    let alone: Vec<_> = shipped.iter().filter(|rule| rule.declaration().subscribes.is_empty()).collect();
    alone.into_iter().cycle().take(count).enumerate().map(numbered).collect()
}

/// What the process has in memory, KiB.
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
