//! Loads admitted rules, and calls them.

use std::sync::Arc;
use std::time::Instant;

use countersign_admission::Admitted;
use countersign_confine::ChildLimit;
use countersign_declaration::{Declaration, quoted};
use countersign_intake::Intake;
use countersign_model::RuleId;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind};
use countersign_model::response::{Responder, ResponseAnswer, ResponseCall};
use countersign_model::vocabulary::RuleKind;
use wasmtime::component::Linker;

use crate::bindings::{detection, response};
use crate::call::{self, Allowance, Usage};
use crate::canary;
use crate::compilation::{CodeSource, Compilation};
use crate::config::{EngineConfig, ROOM, wasmtime_config};
use crate::limiter::Limiter;
use crate::meter::{Meter, Metered};
use crate::slots::Slots;
use crate::ticker::Ticker;

/// The sandbox. Cheap to clone; the last owner stops its epoch thread.
#[derive(Clone)]
pub struct Engine {
    sandbox: Arc<Sandbox>,
}

/// The state that all calls share.
pub(crate) struct Sandbox {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) slots: Slots,
    code_source: CodeSource,
    deadline_ticks: u64,
    _ticker: Ticker,
}

/// Why the sandbox couldn't be set up, or a rule couldn't be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The sandbox couldn't be set up on this machine.
    #[error("the sandbox couldn't be set up: {0}")]
    Setup(String),
    /// The component passed admission but couldn't be compiled.
    #[error("`{rule}` couldn't be compiled: {reason}")]
    Compile {
        /// The rule.
        rule: String,
        /// The compiler's message.
        reason: String,
    },
    /// Compiling it hit a limit of the compiler process.
    #[error("`{rule}` couldn't be compiled within the limit `{limit}` of {value}: {remedy}")]
    CompileLimit {
        /// The rule.
        rule: String,
        /// The limit.
        limit: ChildLimit,
        /// Its value.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The compiler process couldn't be started, or ended without an answer.
    #[error("`{rule}` couldn't be compiled: the compiler process gave no answer: {reason}")]
    Compiler {
        /// The rule.
        rule: String,
        /// How it ended.
        reason: String,
    },
    /// A call of it would take more instances, memories or tables than a call has.
    #[error("`{rule}` takes more than a call has room for, which is {ROOM}: {reason}")]
    Room {
        /// The rule.
        rule: String,
        /// What it takes too much of.
        reason: String,
    },
}

impl LoadError {
    pub(crate) fn compile(rule: &RuleId, error: &wasmtime::Error) -> LoadError {
        LoadError::Compile { rule: rule.to_string(), reason: quoted(&format!("{error:#}")) }
    }

    pub(crate) fn room(rule: &RuleId, error: &wasmtime::Error) -> LoadError {
        LoadError::Room { rule: rule.to_string(), reason: format!("{error:#}") }
    }
}

impl Engine {
    /// Sets up the sandbox and starts its epoch thread. Rules are compiled in this process, without limits: only for
    /// trusted bytes. For others use [`Engine::with`].
    ///
    /// # Errors
    /// When the machine lacks what it needs: address space for the pool, a thread.
    pub fn new(config: &EngineConfig) -> Result<Engine, LoadError> {
        Engine::with(config, Compilation::in_process())
    }

    /// Sets up the sandbox and starts its epoch thread; rules are compiled in the given way.
    ///
    /// # Errors
    /// When the machine lacks what it needs: address space for the pool, a thread.
    pub fn with(config: &EngineConfig, compilation: Compilation) -> Result<Engine, LoadError> {
        let wasmtime =
            wasmtime::Engine::new(&wasmtime_config(config)).map_err(|error| LoadError::Setup(format!("{error:#}")))?;
        let ticker = Ticker::start(wasmtime.clone()).map_err(|error| LoadError::Setup(error.to_string()))?;
        let deadline = config.deadline.max(EngineConfig::MIN_DEADLINE);
        let slots = Slots::new(config.concurrent_calls);
        let deadline_ticks = Ticker::ticks(deadline);
        let code_source = CodeSource::new(&wasmtime, compilation);
        Ok(Engine { sandbox: Arc::new(Sandbox { wasmtime, slots, code_source, deadline_ticks, _ticker: ticker }) })
    }

    /// Whether this machine makes a small call within the deadline. Call it when a rule has missed the deadline twice: if
    /// this is false, the machine is stalled and the host must stop, rather than silence its rules one by one.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let _slot = self.sandbox.slots.take();
        canary::beats(&self.sandbox.wasmtime, self.sandbox.deadline_ticks)
    }

    /// What admits the rules that this engine loads.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        self.sandbox.code_source.intake()
    }

    /// Loads an admitted rule: its code comes from the cache, or is compiled. No guest instruction runs before its first
    /// call.
    ///
    /// # Errors
    /// When the component can't be compiled, hits a limit of the compiler, or needs more than a call has room for.
    pub fn load(&self, admitted: &Admitted) -> Result<LoadedRule, LoadError> {
        let declaration = admitted.declaration();
        let compile_error = |error: wasmtime::Error| LoadError::compile(&declaration.id, &error);
        let component = self.sandbox.code_source.component(&self.sandbox.wasmtime, admitted)?;
        // No function is ever linked: a rule has no imports, and one that had would fail here.
        let pre = Linker::<Limiter>::new(&self.sandbox.wasmtime).instantiate_pre(&component).map_err(compile_error)?;
        let world = match declaration.kind {
            RuleKind::Detection => World::Detection(detection::DetectionPre::new(pre).map_err(compile_error)?),
            RuleKind::Response => World::Response(response::ResponsePre::new(pre).map_err(compile_error)?),
        };
        let allowance = Allowance { limits: declaration.limits, deadline_ticks: self.sandbox.deadline_ticks };
        Ok(LoadedRule {
            engine: self.clone(),
            declaration: declaration.clone(),
            allowance,
            world,
            meter: Meter::default(),
        })
    }
}

/// A compiled rule. Every call runs in a fresh instance, so several threads may call it at once.
pub struct LoadedRule {
    engine: Engine,
    declaration: Declaration,
    allowance: Allowance,
    world: World,
    meter: Meter,
}

enum World {
    Detection(detection::DetectionPre<Limiter>),
    Response(response::ResponsePre<Limiter>),
}

impl LoadedRule {
    /// What it declared.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// What it has used since it was loaded, whoever called it.
    #[must_use]
    pub fn metered(&self) -> Metered {
        self.meter.read()
    }

    /// The same as [`Detector::detect`], and what the call used, with or without an answer.
    ///
    /// # Errors
    /// As there.
    pub fn measured_detect(&self, call: &DetectionCall) -> (Result<DetectionAnswer, CallFailure>, Usage) {
        let mut usage = Usage::default();
        let answer = match &self.world {
            World::Detection(pre) => call::detect(&self.engine.sandbox, pre, self.allowance, call, Some(&mut usage)),
            World::Response(_) => Err(self.wrong_kind()),
        };
        (answer, usage)
    }

    /// The same as [`Responder::respond`], and what the call used, with or without an answer.
    ///
    /// # Errors
    /// As there.
    pub fn measured_respond(&self, call: &ResponseCall) -> (Result<ResponseAnswer, CallFailure>, Usage) {
        let mut usage = Usage::default();
        let answer = match &self.world {
            World::Response(pre) => call::respond(&self.engine.sandbox, pre, self.allowance, call, Some(&mut usage)),
            World::Detection(_) => Err(self.wrong_kind()),
        };
        (answer, usage)
    }

    fn wrong_kind(&self) -> CallFailure {
        CallFailure {
            kind: FailureKind::InvalidAnswer,
            message: format!("`{}` is a {} rule", self.declaration.id, self.declaration.kind),
        }
    }
}

impl Detector for LoadedRule {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let World::Detection(pre) = &self.world else { return Err(self.wrong_kind()) };
        let (began, mut usage) = (Instant::now(), Usage::default());
        let answer = call::detect(&self.engine.sandbox, pre, self.allowance, call, Some(&mut usage));
        self.meter.count(began, usage.fuel, &answer);
        answer
    }

    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure> {
        let World::Detection(pre) = &self.world else { return Err(self.wrong_kind()) };
        call::migrate(&self.engine.sandbox, pre, self.allowance, slot, from_version, blob)
    }
}

impl Responder for LoadedRule {
    fn respond(&self, call: &ResponseCall) -> Result<ResponseAnswer, CallFailure> {
        let World::Response(pre) = &self.world else { return Err(self.wrong_kind()) };
        let (began, mut usage) = (Instant::now(), Usage::default());
        let answer = call::respond(&self.engine.sandbox, pre, self.allowance, call, Some(&mut usage));
        self.meter.count(began, usage.fuel, &answer);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_passes_on_a_running_machine_and_fails_past_its_deadline() {
        let engine = Engine::new(&EngineConfig::default()).unwrap();
        assert!(engine.is_alive());
        assert!(!canary::beats(&engine.sandbox.wasmtime, 0));
    }
}
