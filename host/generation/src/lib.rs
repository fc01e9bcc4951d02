//! One immutable configuration: rules with their parameters, trust, policy, directory facts, capability tables. A session
//! numbers the generations that serve one after another.

mod fault;
mod graph;
mod proof;
mod spill;
pub mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use countersign_admission::Admitted;
use countersign_context::Context;
use countersign_declaration::{Declaration, Permissions, parameters_digest};
use countersign_document::{FileDiagnostics, SourceFile};
use countersign_engine::{Engine, LoadedRule};
use countersign_gate::RuleAuthority;
use countersign_intake::Judged;
use countersign_model::call::Parameter;
use countersign_model::vocabulary::{RuleKind, Severity};
use countersign_model::{Digest, RuleId, RuleIdentity};
use countersign_policy::{
    Accept, Capabilities, DEFAULT_POLICY, DEFAULT_TRUST, Directory, Policy, SHIPPED_CAPABILITIES, Trust,
};
use countersign_signing::{Proof, Statement};

pub use self::fault::{LoadFault, LoadReason, NotAccepted};
use self::graph::Graph;
pub use self::graph::SubscriptionFault;
pub use self::proof::{Unproved, prove, shipped_rules, signers, statement};
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
    /// What proves it to be its publisher's.
    pub proof: Proof,
    /// The decisions that it may lead to.
    pub authority: RuleAuthority,
    /// The greatest severity that its findings may have.
    pub greatest_severity: Severity,
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
    /// Whose rules the operator believes.
    pub trust: Trust,
    /// The text that the trust was read from.
    pub trust_text: String,
    /// The text that says what sources are bound to, if any does.
    pub sources_text: Option<String>,
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

/// What a generation is made of beside its rules.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose rules the operator believes.
    pub trust: SourceFile<Trust>,
    /// The rules that need no key: those of the running binary, or of the one that wrote a record.
    pub shipped: BTreeSet<Statement>,
    /// The operator's policy.
    pub policy: SourceFile<Policy>,
    /// The operator's facts about identities, if there are any.
    pub directory: Option<SourceFile<Directory>>,
    /// What connectors can do.
    pub capabilities: SourceFile<Capabilities>,
    /// What context tables are made of.
    pub context: ContextFiles,
    /// What says what sources are bound to, if anything does. It has its effect where records are decoded; here it goes
    /// on record.
    pub sources_text: Option<String>,
}

impl Settings {
    /// The trust, the policy and the capability tables that ship, and no file of the operator's.
    ///
    /// # Errors
    /// Never: tests read them.
    pub fn shipped() -> Result<Settings, FileDiagnostics> {
        Ok(Settings {
            trust: SourceFile::parse("the shipped trust", DEFAULT_TRUST, Trust::parse)?,
            shipped: shipped_rules(),
            policy: SourceFile::parse("the shipped policy", DEFAULT_POLICY, Policy::parse)?,
            directory: None,
            capabilities: SourceFile::parse(
                "the shipped capability tables",
                SHIPPED_CAPABILITIES,
                Capabilities::parse,
            )?,
            context: ContextFiles::default(),
            sources_text: None,
        })
    }

    /// What ships, for an author's tools: whose rules are tried doesn't matter.
    ///
    /// # Errors
    /// Never, as [`Settings::shipped`].
    pub fn of_authors() -> Result<Settings, FileDiagnostics> {
        let mut settings = Settings::shipped()?;
        settings.trust.content = Trust::of_authors();
        Ok(settings)
    }
}

impl Generation {
    /// The digests of its detections' code, by their ids.
    #[must_use]
    pub fn codes(&self) -> BTreeMap<RuleId, Digest> {
        self.detections.iter().map(|rule| (rule.identity.id.clone(), rule.identity.code)).collect()
    }

    /// Admits, proves and compiles rules; a rule with a fault is left out and reported, and stops no other.
    #[must_use]
    pub fn load(engine: &Engine, rules: Vec<RuleFile>, settings: Settings) -> (Arc<Generation>, Vec<LoadFault>) {
        let Settings { trust, shipped, policy, directory, capabilities, context, sources_text } = settings;
        let SourceFile { text: trust_text, content: trust, .. } = trust;
        let SourceFile { name: policy_name, text: policy_text, content: policy } = policy;
        let ceilings = policy.limits().ceilings();
        let spill = SpillFile::new();
        let loader =
            Loader { engine, trust: &trust, shipped: &shipped, policy: (&policy_name, &policy), spill: &spill };
        // Admitted together, so that the cost of a process is paid once for several.
        let bytes: Vec<&[u8]> = rules.iter().map(|file| file.bytes.as_slice()).collect();
        let judged = engine.intake().judge(&bytes, &ceilings);
        let mut loaded = workers::map(rules.iter().zip(judged).collect(), |(file, judged)| loader.load(file, judged));
        refuse_duplicates(&mut loaded);
        compare_with_accepted(&mut loaded);

        let mut faults = Vec::new();
        let mut by_id: BTreeMap<RuleId, (String, Unbound)> = BTreeMap::new();
        let (mut off, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for Loaded { name, stands, result, .. } in loaded {
            match result {
                Err(reason) => {
                    // INVARIANT: only a proved rule's id counts. What admission refused isn't read, but the name of a
                    // shipped rule is its id.
                    let shipped = || name.parse().ok().filter(|_| matches!(reason, LoadReason::Refused(_)));
                    refused.extend(stands.map(|rule| rule.rule).or_else(shipped));
                    faults.push(LoadFault { name, reason });
                }
                Ok(rule) if !policy.is_enabled(&rule.identity.id) => {
                    off.insert(rule.identity.id);
                }
                Ok(rule) => {
                    by_id.insert(rule.identity.id.clone(), (name, *rule));
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
            let rule = rule.bind(&graph, &policy, &trust);
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
            trust,
            trust_text,
            sources_text,
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

/// What became of one rule.
struct Loaded {
    /// Its file's name, or a shipped rule's id.
    name: String,
    /// The rule, if it is proved and accepted: then its id counts.
    stands: Option<Statement>,
    /// What it permits, if it was admitted.
    permissions: Option<Permissions>,
    result: Result<Box<Unbound>, LoadReason>,
}

/// Refuses all proved rules of one id: which of them the operator means can't be known.
fn refuse_duplicates(loaded: &mut [Loaded]) {
    let mut by_id: BTreeMap<RuleId, Vec<(String, Statement)>> = BTreeMap::new();
    for one in loaded.iter() {
        if let Some(rule) = &one.stands {
            by_id.entry(rule.rule.clone()).or_default().push((one.name.clone(), rule.clone()));
        }
    }
    for one in loaded {
        let all = one.stands.as_ref().and_then(|rule| by_id.get(&rule.rule)).filter(|all| all.len() > 1);
        if let Some(all) = all {
            one.result = Err(LoadReason::Duplicate(all.clone()));
        }
    }
}

/// Where a declaration isn't accepted and one of the same rule that is was loaded beside it, compares the two.
fn compare_with_accepted(loaded: &mut [Loaded]) {
    let accepted: BTreeMap<RuleId, Permissions> =
        loaded.iter().filter_map(|one| Some((one.stands.as_ref()?.rule.clone(), one.permissions.clone()?))).collect();
    for one in loaded {
        if let Err(LoadReason::NotAccepted(refused)) = &mut one.result
            && let Some(beside) = accepted.get(&refused.rule)
        {
            refused.earlier = Some(beside.clone());
        }
    }
}

/// A loaded rule before its place in the graph of subscriptions is known.
struct Unbound {
    identity: RuleIdentity,
    proof: Proof,
    loaded: Arc<LoadedRule>,
    parameters: Vec<Parameter>,
    data: Vec<u8>,
    bytes: SpilledBytes,
}

impl Unbound {
    fn bind(self, graph: &Graph, policy: &Policy, trust: &Trust) -> Rule {
        let id = &self.identity.id;
        Rule {
            authority: RuleAuthority::new(self.loaded.declaration(), graph.lineage(id), policy, trust),
            greatest_severity: trust.scope(id.publisher()).severity,
            depth: graph.depths.get(id).copied().unwrap_or_default(),
            identity: self.identity,
            proof: self.proof,
            loaded: self.loaded,
            parameters: self.parameters,
            data: self.data,
            bytes: self.bytes,
        }
    }
}

/// What rules are loaded with.
struct Loader<'l> {
    engine: &'l Engine,
    trust: &'l Trust,
    shipped: &'l BTreeSet<Statement>,
    policy: (&'l str, &'l Policy),
    spill: &'l SpillFile,
}

impl Loader<'_> {
    /// Asks for proof of one rule, and compiles it.
    fn load(&self, file: &RuleFile, judged: Judged<'_>) -> Loaded {
        let name = file.name.clone();
        let mut loaded = Loaded { name, stands: None, permissions: None, result: Err(LoadReason::Refused(Vec::new())) };
        let admitted = match judged.admit() {
            Ok(admitted) => admitted,
            Err(refusals) => {
                loaded.result = Err(LoadReason::Refused(refusals));
                return loaded;
            }
        };
        let permissions = Permissions::of(admitted.declaration());
        loaded.result = match self.believe(&admitted, &permissions) {
            Err(reason) => Err(reason),
            Ok(proof) => {
                loaded.stands = Some(statement(&admitted));
                self.granted(&admitted, &permissions).and_then(|()| self.compile(&admitted, proof, &file.bytes))
            }
        };
        loaded.permissions = Some(permissions);
        loaded
    }

    /// Whether the rule is its publisher's, under a declaration that the operator accepts.
    fn believe(&self, admitted: &Admitted, permissions: &Permissions) -> Result<Proof, LoadReason> {
        let declaration = admitted.declaration();
        let id = &declaration.id;
        let unproved = |why| LoadReason::PublisherUnproved(id.clone(), why);
        let proof = prove(admitted, self.trust, self.shipped).map_err(unproved)?;
        let listed = self.trust.publisher(id.publisher()).is_some_and(|known| known.accept == Accept::Listed);
        if !listed || self.trust.accepted(id).any(|one| one.declaration == admitted.declaration_digest()) {
            return Ok(proof);
        }
        Err(LoadReason::NotAccepted(Box::new(NotAccepted {
            rule: id.clone(),
            version: declaration.version.to_string(),
            declaration: admitted.declaration_digest(),
            permissions: permissions.clone(),
            earlier: self.trust.accepted(id).filter_map(|one| one.permits.clone()).last(),
        })))
    }

    /// Whether the publisher is granted rules of this kind, and what this one sees.
    fn granted(&self, admitted: &Admitted, permissions: &Permissions) -> Result<(), LoadReason> {
        let declaration = admitted.declaration();
        let scope = self.trust.scope(declaration.id.publisher());
        let mut lacking = Vec::new();
        if !scope.kinds.contains(&declaration.kind) {
            lacking.push(format!("kind `{}`", declaration.kind));
        }
        let fields = permissions.fields.difference(&scope.fields);
        lacking.extend(fields.map(|field| format!("field `{}`", field.field().path)));
        if lacking.is_empty() { Ok(()) } else { Err(LoadReason::NotGranted(declaration.id.clone(), lacking)) }
    }

    fn compile(&self, admitted: &Admitted, proof: Proof, bytes: &[u8]) -> Result<Box<Unbound>, LoadReason> {
        let (policy_name, policy) = self.policy;
        let parameters = policy.parameters(admitted.declaration()).map_err(|diagnostics| {
            LoadReason::Parameters(FileDiagnostics { file: policy_name.to_owned(), diagnostics })
        })?;
        let names = admitted.declaration().parameters.iter().map(|parameter| parameter.name.as_str());
        let named = names.zip(&parameters);
        let loaded = self.engine.load(admitted).map_err(|error| LoadReason::Compile(error.to_string()))?;
        Ok(Box::new(Unbound {
            identity: admitted.identity(parameters_digest(named)),
            proof,
            data: admitted.data().unwrap_or_default().to_vec(),
            loaded: Arc::new(loaded),
            parameters,
            bytes: self.spill.put(bytes),
        }))
    }
}
