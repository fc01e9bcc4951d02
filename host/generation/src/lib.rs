//! One immutable configuration: rules with their parameters, policy, directory facts, capability tables. A session numbers
//! the generations that serve one after another.

mod graph;
mod spill;
pub mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;

use countersign_context::Context;
use countersign_declaration::{Ceilings, Declaration, Refusal, parameters_digest};
use countersign_document::{FileDiagnostics, SourceFile};
use countersign_engine::{Engine, LoadedRule};
use countersign_gate::RuleAuthority;
use countersign_model::call::Parameter;
use countersign_model::vocabulary::RuleKind;
use countersign_model::{RuleId, RuleIdentity};
use countersign_policy::{Capabilities, DEFAULT_POLICY, Directory, Policy, SHIPPED_CAPABILITIES};
use countersign_text::line;

use self::graph::Graph;
pub use self::graph::SubscriptionFault;
use self::spill::{SpillFile, SpilledBytes};
pub use countersign_context::{ContextFiles, FILE_TABLES, FileTable};

/// A component's bytes, with a name for messages.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// A file's name, or a shipped rule's id.
    pub name: String,
    /// The component with its sections.
    pub bytes: Vec<u8>,
}

/// A rule of a generation.
pub struct Rule {
    /// Its identity.
    pub identity: RuleIdentity,
    /// The decisions that it may lead to.
    pub authority: RuleAuthority,
    /// The compiled component.
    pub loaded: Arc<LoadedRule>,
    /// The parameters in force, in declared order.
    pub parameters: Vec<Parameter>,
    /// The data it was built with.
    pub data: Vec<u8>,
    /// The component's bytes, sections included.
    bytes: SpilledBytes,
    /// Its depth in the graph of subscriptions; 0 subscribes to nothing.
    pub depth: usize,
}

impl Rule {
    /// What it declared.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        self.loaded.declaration()
    }

    /// The component's bytes, sections included. They aren't kept in memory.
    ///
    /// # Errors
    /// When they can't be read back from the temporary file.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        self.bytes.read()
    }
}

/// One immutable configuration.
pub struct Generation {
    /// The engine that runs its rules.
    pub engine: Engine,
    /// Detection rules, by id.
    pub detections: Vec<Rule>,
    /// Response rules, by id.
    pub responses: Vec<Rule>,
    /// The operator's policy.
    pub policy: Policy,
    /// The text that the policy was read from.
    pub policy_text: String,
    /// The operator's facts about identities.
    pub directory: Arc<Directory>,
    /// The text that the directory was read from.
    pub directory_text: Option<String>,
    /// The connectors' capabilities.
    pub capabilities: Capabilities,
    /// The text that the capabilities were read from.
    pub capabilities_text: String,
    /// The context tables.
    pub context: Arc<Context>,
}

/// Why a rule isn't part of a generation. The others are.
#[derive(Clone, Debug)]
pub struct LoadFault {
    /// The rule's name.
    pub name: String,
    /// Why.
    pub reason: LoadReason,
}

/// Why a rule isn't part of a generation.
#[derive(Clone, Debug)]
pub enum LoadReason {
    /// Admission refused it.
    Refused(Vec<Refusal>),
    /// The policy sets parameters that it doesn't have, or out of their ranges.
    Parameters(FileDiagnostics),
    /// It couldn't be compiled.
    Compile(String),
    /// Another rule has the same id.
    Duplicate(RuleId),
    /// Its subscriptions can't be served; every reason.
    Subscriptions(Vec<SubscriptionFault>),
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", line(&self.name))?;
        match &self.reason {
            LoadReason::Refused(refusals) => {
                write!(f, "refused at admission")?;
                refusals.iter().try_for_each(|refusal| write!(f, "\n  {refusal}"))
            }
            LoadReason::Parameters(faults) => {
                write!(f, "the policy's parameters don't fit")?;
                faults.lines().try_for_each(|line| write!(f, "\n  {line}"))
            }
            LoadReason::Compile(reason) => f.write_str(&line(reason)),
            LoadReason::Duplicate(id) => write!(f, "another rule has the id `{id}` already"),
            LoadReason::Subscriptions(faults) => {
                write!(f, "what it subscribes to can't be served")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

/// What a generation is made of beside its rules.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The operator's policy.
    pub policy: SourceFile<Policy>,
    /// The operator's facts about identities, if there are any.
    pub directory: Option<SourceFile<Directory>>,
    /// What connectors can do.
    pub capabilities: SourceFile<Capabilities>,
    /// What context tables are made of.
    pub context: ContextFiles,
}

impl Settings {
    /// The policy and the capability tables that ship, and no file of the operator's.
    ///
    /// # Errors
    /// Never: tests read both.
    pub fn shipped() -> Result<Settings, FileDiagnostics> {
        Ok(Settings {
            policy: SourceFile::parse("the shipped policy", DEFAULT_POLICY, Policy::parse)?,
            directory: None,
            capabilities: SourceFile::parse(
                "the shipped capability tables",
                SHIPPED_CAPABILITIES,
                Capabilities::parse,
            )?,
            context: ContextFiles::default(),
        })
    }
}

impl Generation {
    /// Admits and compiles rules; a rule with a fault is left out and reported, and stops no other.
    #[must_use]
    pub fn load(engine: &Engine, rules: Vec<RuleFile>, settings: Settings) -> (Arc<Generation>, Vec<LoadFault>) {
        let Settings { policy, directory, capabilities, context } = settings;
        let SourceFile { name: policy_name, text: policy_text, content: policy } = policy;
        let ceilings = policy.limits().ceilings();
        let spill = SpillFile::new();
        let loaded = workers::map(rules, |file| load(engine, (&policy_name, &policy), &ceilings, &spill, file));

        let mut faults = Vec::new();
        let mut by_id: BTreeMap<RuleId, (String, Unbound)> = BTreeMap::new();
        let (mut off, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for (name, result) in loaded {
            match result {
                Err((id, reason)) => {
                    refused.extend(id);
                    faults.push(LoadFault { name, reason });
                }
                Ok(rule) if !policy.is_enabled(&rule.identity.id) => {
                    off.insert(rule.identity.id);
                }
                Ok(rule) if by_id.contains_key(&rule.identity.id) => {
                    faults.push(LoadFault { name, reason: LoadReason::Duplicate(rule.identity.id) });
                }
                Ok(rule) => {
                    by_id.insert(rule.identity.id.clone(), (name, rule));
                }
            }
        }
        let mut graph = Graph::build(by_id.values().map(|(_, rule)| rule.loaded.declaration()), &off, &refused);
        let (mut detections, mut responses) = (Vec::new(), Vec::new());
        for (id, (name, rule)) in by_id {
            if let Some(reasons) = graph.faults.remove(&id) {
                faults.push(LoadFault { name, reason: LoadReason::Subscriptions(reasons.into_iter().collect()) });
                continue;
            }
            let rule = rule.bind(&graph, &policy);
            match rule.declaration().kind {
                RuleKind::Detection => detections.push(rule),
                RuleKind::Response => responses.push(rule),
            }
        }
        let (directory_text, directory) =
            directory.map_or((None, Directory::default()), |file| (Some(file.text), file.content));
        let directory = Arc::new(directory);
        // Without a directory the facts are missing, which differs from an empty directory.
        let context = Context::new(context, directory_text.is_some().then(|| Arc::clone(&directory)));
        let generation = Generation {
            engine: engine.clone(),
            detections,
            responses,
            policy,
            policy_text,
            directory,
            directory_text,
            capabilities: capabilities.content,
            capabilities_text: capabilities.text,
            context: Arc::new(context),
        };
        (Arc::new(generation), faults)
    }

    /// The rule with this id, of either kind.
    #[must_use]
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.detections.iter().chain(&self.responses).find(|rule| rule.identity.id == *id)
    }
}

/// A loaded rule before its place in the graph of subscriptions is known.
struct Unbound {
    identity: RuleIdentity,
    loaded: Arc<LoadedRule>,
    parameters: Vec<Parameter>,
    data: Vec<u8>,
    bytes: SpilledBytes,
}

impl Unbound {
    fn bind(self, graph: &Graph, policy: &Policy) -> Rule {
        let id = &self.identity.id;
        Rule {
            authority: RuleAuthority::new(self.loaded.declaration(), graph.lineage(id), policy),
            depth: graph.depths.get(id).copied().unwrap_or_default(),
            identity: self.identity,
            loaded: self.loaded,
            parameters: self.parameters,
            data: self.data,
            bytes: self.bytes,
        }
    }
}

fn load(
    engine: &Engine,
    (policy_name, policy): (&str, &Policy),
    ceilings: &Ceilings,
    spill: &SpillFile,
    file: RuleFile,
) -> (String, Result<Unbound, (Option<RuleId>, LoadReason)>) {
    let RuleFile { name, bytes } = file;
    // The declared id of a refused rule isn't trusted; the name of a shipped rule is its id.
    let refused = |refusals| (name.parse().ok(), LoadReason::Refused(refusals));
    let result = engine.admit(&bytes, ceilings).map_err(refused).and_then(move |admitted| {
        let refuse = |reason| (Some(admitted.declaration().id.clone()), reason);
        let parameters = policy.parameters(admitted.declaration()).map_err(|diagnostics| {
            refuse(LoadReason::Parameters(FileDiagnostics { file: policy_name.to_owned(), diagnostics }))
        })?;
        let names = admitted.declaration().parameters.iter().map(|parameter| parameter.name.as_str());
        let named = names.zip(&parameters);
        let loaded = engine.load(&admitted).map_err(|error| refuse(LoadReason::Compile(error.to_string())))?;
        Ok(Unbound {
            identity: admitted.identity(parameters_digest(named)),
            data: admitted.data().unwrap_or_default().to_vec(),
            loaded: Arc::new(loaded),
            parameters,
            bytes: spill.put(bytes),
        })
    });
    (name, result)
}
