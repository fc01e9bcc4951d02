//! Loads a generation again.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use countersign_audit::record::{Component, Generation as GenerationRecord};
use countersign_context::ContextFiles;
use countersign_document::{FileDiagnostics, SourceFile};
use countersign_engine::{ENGINE_VERSION, INTERFACE};
use countersign_gate::VERSION;
use countersign_generation::{Generation, LoadReason, RuleFile, Settings};
use countersign_model::{Digest, RuleId};
use countersign_policy::{Capabilities, Directory, Policy, Trust};
use countersign_signing::{Proof, Statement};

use crate::RecomputeError;
use crate::difference::{Cause, OtherVersion, Versioned};
use crate::recomputer::{Recomputer, Serving};

impl Recomputer<'_> {
    pub(crate) fn load_generation(&mut self, line: u64, record: GenerationRecord) -> Result<(), RecomputeError> {
        let last = self.serving.take().map_or(0, |serving| serving.record.number);
        // One that another version goes on with, or under other options, is on record again under its number.
        if record.number < last.max(1) {
            self.tampered(line, "number of a generation", format!("{} or more", last.max(1)), record.number);
        }
        let components = self.components.remove(&line).unwrap_or_default();
        let generation = self.load(line, &record, &components)?;
        let on_record =
            |id: &RuleId| record.rules.iter().map(|rule| &rule.identity).find(|identity| identity.id == *id);
        // Other code judges again.
        self.stops.renew(|id| on_record(id).map(|identity| identity.code));
        for (line, Component { rule, .. }) in &components {
            let got = generation.rule(rule).map(|rule| &rule.identity);
            self.compare(*line, &format!("identity of `{rule}`"), &on_record(rule), &got);
            if record.trust.is_some() {
                let recorded = record.rules.iter().find(|one| one.identity.id == *rule).and_then(|one| one.proof);
                let got = generation.rule(rule).map(|rule| rule.proof);
                self.compare(*line, &format!("proof of `{rule}`"), &recorded, &got);
            }
        }
        let engine = self.same_version(line, &record, Versioned::Engine, &record.engine, ENGINE_VERSION);
        let interface = self.same_version(line, &record, Versioned::Interface, &record.interface, INTERFACE);
        let (recorded, running) = (record.gate.to_string(), VERSION.to_string());
        let gate = self.same_version(line, &record, Versioned::Gate, &recorded, &running);
        self.serving = Some(Rc::new(Serving {
            answers: if engine && interface { Cause::Tampering } else { Cause::EngineVersion },
            decisions: if gate { Cause::Tampering } else { Cause::GateVersion },
            record,
            generation,
        }));
        Ok(())
    }

    /// Whether the record was judged by the running version; noted if not.
    fn same_version(
        &mut self,
        line: u64,
        record: &GenerationRecord,
        what: Versioned,
        recorded: &str,
        running: &str,
    ) -> bool {
        if recorded == running {
            return true;
        }
        let (recorded, running) = (recorded.to_owned(), running.to_owned());
        self.result.versions.push(OtherVersion { line, generation: record.number, what, recorded, running });
        false
    }

    fn load(
        &self,
        line: u64,
        record: &GenerationRecord,
        components: &[(u64, Component)],
    ) -> Result<Arc<Generation>, RecomputeError> {
        let number = record.number;
        let fail = |reason: String| RecomputeError::Generation { line, number, reason };
        let blob = |name: &Digest| self.log.blob(name, self.key).map_err(|error| fail(error.to_string()));
        let text = |name: &Digest| String::from_utf8(blob(name)?).map_err(|error| fail(error.to_string()));
        let faults = |faults: FileDiagnostics| fail(faults.lines().collect::<Vec<_>>().join("; "));
        let (mut policy, trust) = match &record.trust {
            Some(name) => (
                SourceFile::parse("policy", text(&record.policy)?, Policy::parse).map_err(faults)?,
                SourceFile::parse("trust", text(name)?, Trust::parse).map_err(faults)?,
            ),
            None => before_trust(text(&record.policy)?).map_err(faults)?,
        };
        let wider: Vec<String> = policy
            .content
            .limits()
            .wider_than(self.limits)
            .map(|(limit, recorded, yours)| format!("`{limit}` {recorded} on record, {yours} yours"))
            .collect();
        policy.content = policy.content.within(self.limits);
        let directory = match &record.identities {
            Some(name) => Some(SourceFile::parse("identities", text(name)?, Directory::parse).map_err(faults)?),
            None => None,
        };
        let capabilities =
            SourceFile::parse("capabilities", text(&record.capabilities)?, Capabilities::parse).map_err(faults)?;
        let mut files = Vec::with_capacity(components.len());
        for (_, component) in components {
            files.push(RuleFile { name: component.rule.to_string(), bytes: blob(&component.component)? });
        }
        // A file that isn't kept isn't needed: the values of a finding's context are in its bundle.
        let mut context = ContextFiles::default();
        for file in record.context.iter().filter(|file| file.kept) {
            context.add(&file.table, &file.table, blob(&file.content)?).map_err(faults)?;
        }
        let sources_text = record.sources.as_ref().map(text).transpose()?;
        let settings =
            Settings { trust, shipped: shipped(record), policy, directory, capabilities, context, sources_text };
        let (generation, load_faults) = Generation::load(self.engine, files, settings);
        if load_faults.is_empty() {
            return Ok(generation);
        }
        let reason = load_faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let refused = load_faults.iter().any(|fault| matches!(fault.reason, LoadReason::Refused(_)));
        match wider.as_slice() {
            wider if refused && !wider.is_empty() => {
                Err(RecomputeError::NarrowerLimits { line, number, limits: wider.join(", "), reason })
            }
            _ => Err(fail(reason)),
        }
    }
}

/// The rules that were proved by the digests which the binary carried that wrote the record.
fn shipped(record: &GenerationRecord) -> BTreeSet<Statement> {
    let rules = record.rules.iter().filter(|rule| rule.proof == Some(Proof::Shipped));
    rules.map(|rule| Statement::of(&rule.identity)).collect()
}

/// The policy and the trust of a record from before the two were apart.
///
/// # Errors
/// Every fault of the policy.
fn before_trust(policy: String) -> Result<(SourceFile<Policy>, SourceFile<Trust>), FileDiagnostics> {
    let name = || "policy".to_owned();
    match Policy::parse_before_trust(&policy) {
        Ok((content, trust)) => Ok((
            SourceFile { name: name(), text: policy, content },
            SourceFile { name: name(), text: String::new(), content: trust },
        )),
        Err(diagnostics) => Err(FileDiagnostics { file: name(), diagnostics }),
    }
}
