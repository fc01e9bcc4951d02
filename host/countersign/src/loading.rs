//! How commands compile rules: the cache, the compiler process and its limits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use countersign_engine::{COMPILE_LIMITS, Cache, Compilation, Compiler, Engine, EngineConfig, LoadObserver};
use countersign_intake::Intake;
use countersign_model::RuleId;
use countersign_model::size::parse_size;
use countersign_model::time::parse_duration;

use crate::exit::unusable;
use crate::intake::{self, default_cache, this_program};
use crate::progress::Progress;
use crate::stderr;

/// The least memory that a compiler process can start with, bytes.
const MIN_MEMORY: u64 = 32 << 20;

/// The options of the cache and the compiler process.
#[derive(Debug, Args)]
#[command(next_help_heading = "Compiling rules")]
pub(crate) struct Loading {
    /// Keep compiled rules in a directory that only you can access: at most 1 GiB, the least recently used are removed
    /// [default: countersign in $XDG_CACHE_HOME, else in ~/.cache]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Compile every rule again, and keep nothing
    #[arg(long)]
    no_cache: bool,
    /// Limit the process that compiles a rule: memory, cpu (processor time) or elapsed (time); may be given several times
    /// [default: memory=1GiB cpu=60s elapsed=120s]
    #[arg(long = "compile-limit", value_name = "NAME=VALUE", value_parser = parse_limit)]
    limits: Vec<Limit>,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    Memory(u64),
    Cpu(Duration),
    Elapsed(Duration),
}

impl Loading {
    /// The sandbox for so many threads, and for rules with at most so many bytes of memory.
    ///
    /// # Errors
    /// When the machine lacks what it needs, or the cache can't be used.
    pub(crate) fn engine(&self, workers: usize, max_memory: u64) -> Result<Engine> {
        let base = EngineConfig::default();
        let config = EngineConfig {
            concurrent_calls: base.concurrent_calls.max(u32::try_from(workers).unwrap_or(u32::MAX)),
            max_memory: base.max_memory.max(usize::try_from(max_memory).unwrap_or(usize::MAX)),
            ..base
        };
        Ok(Engine::with(&config, self.compilation()?)?)
    }

    /// What admits rules, for a command that needs it before the sandbox.
    ///
    /// # Errors
    /// When the cache can't be used: `Unusable`.
    pub(crate) fn intake(&self) -> Result<Intake> {
        intake::with_cache(self.open_cache()?.map(Arc::new))
    }

    /// What admits and compiles, and the cache. The command ends if the cache named by the user can't be used, or if any cache can't be
    /// trusted.
    ///
    /// # Errors
    /// When the cache can't be used: `Unusable`.
    fn compilation(&self) -> Result<Compilation> {
        let mut limits = COMPILE_LIMITS;
        for limit in &self.limits {
            match *limit {
                Limit::Memory(bytes) => limits.memory = bytes,
                Limit::Cpu(time) => limits.cpu = time,
                Limit::Elapsed(time) => limits.elapsed = time,
            }
        }
        let cache = self.open_cache()?.map(Arc::new);
        Ok(Compilation {
            intake: intake::with_cache(cache.clone())?,
            compiler: Compiler::Child { program: this_program()?, limits },
            cache,
            observer: Arc::new(Reporter::default()),
        })
    }

    fn open_cache(&self) -> Result<Option<Cache>> {
        if self.no_cache {
            return Ok(None);
        }
        let Some(path) = self.cache.clone().or_else(default_cache) else {
            stderr::note(
                "neither XDG_CACHE_HOME nor HOME is set: compiled rules aren't kept; name a directory by `--cache`",
            );
            return Ok(None);
        };
        match Cache::open(&path, Cache::MAX_BYTES) {
            Ok(cache) => Ok(Some(cache)),
            Err(error) if self.cache.is_none() && error.is_absence() => {
                stderr::warning(format_args!("compiled rules aren't kept: {error}"));
                Ok(None)
            }
            Err(error) => Err(unusable(format_args!("{error}; `--no-cache` runs without a cache"))),
        }
    }
}

fn parse_limit(text: &str) -> Result<Limit, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, got `{text}`"))?;
    let time = || match parse_duration(value) {
        Ok(micros) => match u64::try_from(micros) {
            Ok(micros) if micros > 0 => Ok(Duration::from_micros(micros)),
            _ => Err(format!("expected a time above zero, got `{value}`")),
        },
        Err(error) => Err(error.to_string()),
    };
    match name {
        "memory" => parse_memory(value).map(Limit::Memory),
        "cpu" => time().map(Limit::Cpu),
        "elapsed" => time().map(Limit::Elapsed),
        other => Err(format!("expected `memory`, `cpu` or `elapsed`, got `{other}`")),
    }
}

fn parse_memory(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text).ok().filter(|bytes| *bytes >= MIN_MEMORY);
    bytes.ok_or_else(|| format!("expected a size of at least 32MiB, such as `512MiB` or `2GiB`, got `{text}`"))
}

/// Shows the rules that are being compiled, and reports faults of the cache.
#[derive(Default)]
struct Reporter(Mutex<Compiling>);

#[derive(Default)]
struct Compiling {
    /// Rules that are being compiled now.
    rules: Vec<RuleId>,
    compiled: u64,
    progress: Option<Progress>,
}

impl Compiling {
    fn show(&mut self) {
        match self.rules.first() {
            Some(rule) => {
                let progress = self.progress.get_or_insert_with(Progress::waiting);
                progress.message(format!("compiling {rule} ({} compiled)", self.compiled));
            }
            None => self.progress = None,
        }
    }
}

impl Reporter {
    fn change(&self, change: impl FnOnce(&mut Compiling)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.show();
    }
}

impl LoadObserver for Reporter {
    fn compiling(&self, rule: &RuleId) {
        self.change(|state| state.rules.push(rule.clone()));
        tracing::debug!(%rule, "compiling");
    }

    fn compiled(&self, rule: &RuleId) {
        self.change(|state| {
            if let Some(place) = state.rules.iter().position(|compiling| compiling == rule) {
                state.rules.remove(place);
            }
            state.compiled += 1;
        });
    }

    fn cache_fault(&self, rule: &RuleId, what: &str) {
        let warn =
            || stderr::warning(format_args!("the cache's entry for `{rule}`: {what}; the rule is compiled again"));
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.progress {
            Some(progress) => progress.aside(warn),
            None => warn(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_by_name() {
        assert!(matches!(parse_limit("memory=512MiB"), Ok(Limit::Memory(bytes)) if bytes == 512 << 20));
        assert!(matches!(parse_limit("cpu=90s"), Ok(Limit::Cpu(time)) if time == Duration::from_secs(90)));
        assert!(matches!(parse_limit("elapsed=5m"), Ok(Limit::Elapsed(time)) if time == Duration::from_secs(300)));
        for (text, wrong) in [
            ("memory", "NAME=VALUE"),
            ("fuel=1s", "`memory`, `cpu` or `elapsed`, got `fuel`"),
            ("memory=12", "32MiB"),
            ("memory=31MiB", "32MiB"),
            ("memory=99999999999GiB", "32MiB"),
            ("cpu=0s", "above zero"),
            ("cpu=", "duration"),
        ] {
            let error = parse_limit(text).unwrap_err();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}
