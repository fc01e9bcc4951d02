//! Turns an admitted component into code: from the cache, or by the compiler and then into the cache.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_admission::{Admitted, code_rules};
use countersign_artefacts::{Cache, Lookup, Name};
use countersign_confine::ChildLimits;
use countersign_intake::Intake;
use countersign_model::vocabulary::RuleKind;
use countersign_model::{Digest, RuleId};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::compile::{self, CompileError, Compiler};
use crate::native;
use crate::rule::LoadError;

/// How often an entry that changes between check and mapping is looked up.
const MAX_LOOKUPS: usize = 3;

/// Where admitted rules and their code come from, and who observes it.
pub struct Compilation {
    /// What admits rules.
    pub intake: Intake,
    /// What compiles code that isn't in the cache.
    pub compiler: Compiler,
    /// Code that was compiled before. Without a cache everything is compiled at every start, into memory that isn't
    /// backed by a file.
    pub cache: Option<Arc<Cache>>,
    /// What is notified.
    pub observer: Arc<dyn LoadObserver>,
}

impl Compilation {
    /// In this process, without limits, cache or observer: only for trusted bytes.
    #[must_use]
    pub fn in_process() -> Compilation {
        Compilation { intake: Intake::in_process(), compiler: Compiler::InProcess, cache: None, observer: Arc::new(()) }
    }
}

/// Observes the loading of rules. Called from several threads at once.
pub trait LoadObserver: Send + Sync {
    /// A rule's code isn't in the cache: it is being compiled, which takes a while.
    fn compiling(&self, _rule: &RuleId) {}

    /// Compiling has ended, successfully or not.
    fn compiled(&self, _rule: &RuleId) {}

    /// An entry of the cache can't be used or written; the rule is loaded anyway.
    fn cache_fault(&self, _rule: &RuleId, _what: &str) {}
}

impl LoadObserver for () {}

/// The source of code for one engine.
pub(crate) struct CodeSource {
    compilation: Compilation,
    /// Digest of what the code depends on besides the component.
    compiler: Digest,
    /// Digest of the rules of admission.
    admission: Digest,
    /// Code that is being compiled: a second rule with the same code waits for it.
    compiling: Mutex<BTreeMap<Digest, Arc<Mutex<()>>>>,
}

impl CodeSource {
    pub(crate) fn new(engine: &wasmtime::Engine, compilation: Compilation) -> CodeSource {
        let mut hasher = Sha256Hasher(Sha256::new());
        // The version, the target with its processor's features, and every setting that the code depends on.
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compiler = Digest(hasher.0.finalize().into());
        CodeSource { compilation, compiler, admission: code_rules(), compiling: Mutex::default() }
    }

    fn name(&self, code: Digest, kind: RuleKind) -> Name {
        Name::new(code, self.compiler, &[&self.admission.0, kind.id().as_bytes()])
    }

    /// What admits rules.
    pub(crate) fn intake(&self) -> &Intake {
        &self.compilation.intake
    }

    /// The code of an admitted component.
    pub(crate) fn component(&self, engine: &wasmtime::Engine, admitted: &Admitted) -> Result<Component, LoadError> {
        let rule = &admitted.declaration().id;
        let Some(cache) = &self.compilation.cache else {
            return self.compile(rule, admitted, |compiled| match compiled {
                Some(compiled) => native::adopt(engine, compiled),
                None => Component::from_binary(engine, admitted.component()),
            });
        };
        let lock = Arc::clone(
            self.compiling.lock().unwrap_or_else(PoisonError::into_inner).entry(admitted.code()).or_default(),
        );
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.name(admitted.code(), admitted.declaration().kind);
        if let Some(component) = self.cached(engine, cache, &name, rule)? {
            return Ok(component);
        }
        self.compile(rule, admitted, |compiled| {
            let made;
            let compiled = match compiled {
                Some(compiled) => compiled,
                None => {
                    made = engine.precompile_component(admitted.component())?;
                    &made
                }
            };
            match cache.put(&name, compiled) {
                // Mapped from the file, as at any later start; None if it was too large to be kept.
                Ok(()) => match self.cached(engine, cache, &name, rule) {
                    Ok(Some(component)) => return Ok(component),
                    Ok(None) => {}
                    Err(error) => return Err(wasmtime::Error::msg(error.to_string())),
                },
                Err(error) => {
                    let what = format!("can't write to `{}`: {error}", cache.path().display());
                    self.compilation.observer.cache_fault(rule, &what);
                }
            }
            native::adopt(engine, compiled)
        })
    }

    /// The component from the cache, if it is there. An entry that mustn't be used is reported and removed.
    fn cached(
        &self,
        engine: &wasmtime::Engine,
        cache: &Cache,
        name: &Name,
        rule: &RuleId,
    ) -> Result<Option<Component>, LoadError> {
        for _ in 0..MAX_LOOKUPS {
            let fault = match cache.get(name) {
                Lookup::Missing => return Ok(None),
                Lookup::Refused(fault) => fault,
                Lookup::Entry(entry) => match native::map(engine, &entry) {
                    Ok(Some(component)) => {
                        entry.note_use();
                        return Ok(Some(component));
                    }
                    // Another process has evicted or replaced it, or noted its use.
                    Ok(None) => continue,
                    Err(error) if exceeds_the_pool(&error) => return Err(LoadError::room(rule, &error)),
                    Err(error) => cache.refuse(name, &format!("can't be mapped ({error:#})")),
                },
            };
            self.compilation.observer.cache_fault(rule, &fault);
            return Ok(None);
        }
        Ok(None)
    }

    /// Compiles, and has `finish` make a component of the code; it gets None where this process compiles by itself.
    fn compile(
        &self,
        rule: &RuleId,
        admitted: &Admitted,
        finish: impl FnOnce(Option<&[u8]>) -> wasmtime::Result<Component>,
    ) -> Result<Component, LoadError> {
        let observer = &self.compilation.observer;
        observer.compiling(rule);
        let compiled = match &self.compilation.compiler {
            Compiler::InProcess => Ok(None),
            Compiler::Child { program, limits } => compile::compile(program, limits, admitted.component())
                .map(Some)
                .map_err(|error| load_error(rule, limits, error)),
        };
        let component = compiled.and_then(|compiled| {
            finish(compiled.as_deref()).map_err(|error| match exceeds_the_pool(&error) {
                true => LoadError::room(rule, &error),
                false => LoadError::compile(rule, &error),
            })
        });
        observer.compiled(rule);
        component
    }
}

fn load_error(rule: &RuleId, limits: &ChildLimits, error: CompileError) -> LoadError {
    let rule = rule.to_string();
    match error {
        CompileError::Limit(limit) => {
            LoadError::CompileLimit { rule, limit, value: limits.value(limit), remedy: compile::remedy(limit) }
        }
        CompileError::Refused(reason) => {
            LoadError::Compile { rule, reason: countersign_declaration::quoted(reason.trim()) }
        }
        CompileError::Failed(reason) => LoadError::Compiler { rule, reason },
    }
}

/// wasmtime has no error type for it. The text is that of the one place that checks the pool, when code becomes a
/// component.
fn exceeds_the_pool(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("pooling allocator"))
}

/// Hashes with SHA-256, so that the result is the same in every process of this build.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = Digest(self.0.clone().finalize().into());
        digest.prefix_u64()
    }
}
