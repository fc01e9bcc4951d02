//! How an admitted component becomes code: from the cache, else from the compiler, and then into the cache.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_admission::{Admitted, code_rules};
use countersign_artefacts::{Cache, Found, Name};
use countersign_model::vocabulary::RuleKind;
use countersign_model::{Digest, RuleId};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::compile::{self, ChildError, CompileLimits, Compiler};
use crate::native;
use crate::rule::LoadError;

/// An entry that somebody changes between the check and the mapping is looked for again, so often.
const LOOKS: usize = 3;

/// Where code comes from, and who is told about it.
pub struct Compilation {
    /// Who compiles what isn't in the cache.
    pub compiler: Compiler,
    /// What was compiled before. Without one, everything is compiled at every start, and its code lies in memory that no
    /// file stands behind.
    pub cache: Option<Cache>,
    /// Who is told.
    pub observer: Arc<dyn LoadObserver>,
}

impl Compilation {
    /// In this process, without limits, cache or listener: only for bytes that are trusted.
    #[must_use]
    pub fn in_process() -> Compilation {
        Compilation { compiler: Compiler::InProcess, cache: None, observer: Arc::new(()) }
    }
}

/// Is told what loading rules comes to beside the rules. Called from several threads at once.
pub trait LoadObserver: Send + Sync {
    /// A rule's code isn't in the cache: it is being compiled, which takes a while.
    fn compiling(&self, _rule: &RuleId) {}

    /// That has ended, well or not.
    fn compiled(&self, _rule: &RuleId) {}

    /// An entry of the cache can't be used, or none be written; the rule is loaded all the same.
    fn cache_fault(&self, _rule: &RuleId, _what: &str) {}
}

impl LoadObserver for () {}

/// Makes code for one engine.
pub(crate) struct Source {
    compilation: Compilation,
    /// What the code depends on beside the component.
    compiler: Digest,
    /// What it was admitted under.
    rules: Digest,
    /// Code that is being made: a second rule with the same waits for it.
    under_way: Mutex<BTreeMap<Digest, Arc<Mutex<()>>>>,
}

impl Source {
    pub(crate) fn new(engine: &wasmtime::Engine, compilation: Compilation) -> Source {
        let mut hasher = Sha256Hasher(Sha256::new());
        // The version, the target with its processor's features, and every setting that the code depends on.
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compiler = Digest(hasher.0.finalize().into());
        Source { compilation, compiler, rules: code_rules(), under_way: Mutex::default() }
    }

    fn name(&self, code: Digest, kind: RuleKind) -> Name {
        Name::new(code, self.compiler, &[&self.rules.0, kind.id().as_bytes()])
    }

    /// Whether the cache has this code: nothing but what was admitted for this kind under the same rules is compiled
    /// into it, and whoever could put something else there would have us run it as it is.
    pub(crate) fn has(&self, code: Digest, kind: RuleKind) -> bool {
        self.compilation.cache.as_ref().is_some_and(|cache| cache.has(&self.name(code, kind)))
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
        let alone = Arc::clone(
            self.under_way.lock().unwrap_or_else(PoisonError::into_inner).entry(admitted.code()).or_default(),
        );
        let _alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
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
                // Mapped from the file, as at any later start; not if it was too large to be kept.
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

    /// From the cache, if it has it. What it has and mustn't be used is told, and isn't there any more.
    fn cached(
        &self,
        engine: &wasmtime::Engine,
        cache: &Cache,
        name: &Name,
        rule: &RuleId,
    ) -> Result<Option<Component>, LoadError> {
        for _ in 0..LOOKS {
            let fault = match cache.get(name) {
                Found::Nothing => return Ok(None),
                Found::Refused(fault) => fault,
                Found::Entry(entry) => match native::map(engine, &entry) {
                    Ok(Some(component)) => {
                        entry.note_use();
                        return Ok(Some(component));
                    }
                    // Another process has evicted or replaced it, or noted its use.
                    Ok(None) => continue,
                    Err(error) if is_too_much_for_the_pool(&error) => return Err(LoadError::room(rule, &error)),
                    Err(error) => cache.refuse(name, &format!("can't be mapped ({error:#})")),
                },
            };
            self.compilation.observer.cache_fault(rule, &fault);
            return Ok(None);
        }
        Ok(None)
    }

    /// Compiles, and makes a component of what came of it: None where this process compiles by itself.
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
                .map_err(|error| refusal(rule, limits, error)),
        };
        let component = compiled.and_then(|compiled| {
            finish(compiled.as_deref()).map_err(|error| match is_too_much_for_the_pool(&error) {
                true => LoadError::room(rule, &error),
                false => LoadError::compile(rule, &error),
            })
        });
        observer.compiled(rule);
        component
    }
}

fn refusal(rule: &RuleId, limits: &CompileLimits, error: ChildError) -> LoadError {
    let rule = rule.to_string();
    match error {
        ChildError::Limit(limit) => {
            LoadError::CompileLimit { rule, limit, value: limits.value(limit), remedy: limit.remedy() }
        }
        ChildError::Refused(reason) => {
            LoadError::Compile { rule, reason: countersign_declaration::quoted(reason.trim()) }
        }
        ChildError::Failed(reason) => LoadError::Compiler { rule, reason },
    }
}

/// wasmtime has no type for it. Its words are those of the one place that asks the pool, when code becomes a component.
fn is_too_much_for_the_pool(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("pooling allocator"))
}

/// Feeds what is hashed to SHA-256, which gives the same in every process of this build.
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
