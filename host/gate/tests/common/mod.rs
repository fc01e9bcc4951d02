//! Compact descriptions of incidents as gate inputs, and decisions as one line each.
#![allow(dead_code, reason = "each test binary uses a part")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use countersign_gate::{
    Administrators, Approvals, Budgets, Circumstances, Estimate, Estimates, GateInputs, GivenApproval, KillSwitch,
    RuleAuthority, Sources, Stage, Stages, Suppression, Windows,
};
use countersign_model::incident::{ChainIdentity, IncidentFinding, Subject};
use countersign_model::time::parse_duration;
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, RuleKind, Severity, SignalClass, SubjectRole, Tier, Usage,
};
use countersign_model::{
    Account, Ailment, Binding, ChainRole, ContextState, Decision, Effect, Evidence, Finding, Identity, Incident, Line,
    Proposal, RuleId, SourceId, Timestamp,
};
use countersign_policy::{Capabilities, Grant, Policy, Trust};
use serde::Deserialize;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CaseFile {
    /// `policy.toml` text; without it the shipped policy.
    pub(crate) policy: Option<String>,
    /// `trust.toml` text; without it the shipped trust.
    pub(crate) trust: Option<String>,
    /// Capability tables; without them the shipped ones.
    pub(crate) capabilities: Option<String>,
    #[serde(rename = "case")]
    pub(crate) cases: Vec<Case>,
}

/// One case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default = "clock")]
    pub(crate) clock: Timestamp,
    #[serde(default)]
    pub(crate) subject: Vec<CaseSubject>,
    #[serde(default)]
    pub(crate) finding: Vec<CaseFinding>,
    /// Actions that `countersign/respond` proposes for the first subject.
    #[serde(default)]
    pub(crate) ask: Vec<Action>,
    /// Proposals in full.
    #[serde(default)]
    pub(crate) proposal: Vec<CaseProposal>,
    /// What rules declare, where that isn't everything.
    #[serde(default)]
    pub(crate) rule: BTreeMap<String, CaseRule>,
    #[serde(default)]
    pub(crate) kill_switch: bool,
    pub(crate) window: Option<String>,
    pub(crate) budget: Option<String>,
    pub(crate) suppress: Option<String>,
    pub(crate) stages: Option<BTreeMap<String, Stage>>,
    pub(crate) estimates: Option<Vec<Estimate>>,
    pub(crate) remaining_administrators: Option<u32>,
    /// What people approved.
    #[serde(default)]
    pub(crate) approved: Vec<GivenApproval>,
    /// Sources that aren't well, with what is wrong with each.
    #[serde(default)]
    pub(crate) unwell: BTreeMap<String, BTreeSet<Ailment>>,
    /// Response rules that gave no answer.
    #[serde(default)]
    pub(crate) failed_responses: Vec<RuleId>,
    pub(crate) expect: Vec<String>,
}

fn clock() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CaseIdentity {
    #[serde(rename = "type")]
    pub(crate) identity_type: IdentityType,
    pub(crate) tier: Tier,
    pub(crate) protected: bool,
    pub(crate) break_glass: bool,
}

impl Default for CaseIdentity {
    fn default() -> Self {
        CaseIdentity { identity_type: IdentityType::Human, tier: Tier::Standard, protected: false, break_glass: false }
    }
}

impl CaseIdentity {
    fn identity(&self, id: Option<String>) -> Identity {
        Identity {
            directory_id: id,
            tier: self.tier,
            protected: self.protected,
            break_glass: self.break_glass,
            ..Identity::without_fact(Some(self.identity_type), false)
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CaseSubject {
    #[serde(rename = "type")]
    pub(crate) identity_type: IdentityType,
    pub(crate) tier: Tier,
    pub(crate) protected: bool,
    pub(crate) break_glass: bool,
    pub(crate) usage: Usage,
    /// Whether it wasn't used in the event.
    pub(crate) unused: bool,
    pub(crate) role: SubjectRole,
    pub(crate) evidence: EvidenceRole,
    pub(crate) unresolved: bool,
    pub(crate) provider: String,
    pub(crate) session: bool,
    pub(crate) named_by_provider: bool,
    pub(crate) token: bool,
    pub(crate) temporary: bool,
    pub(crate) grant: bool,
    pub(crate) trust: bool,
    pub(crate) shared: bool,
    pub(crate) chain: Vec<CaseIdentity>,
}

impl Default for CaseSubject {
    fn default() -> Self {
        CaseSubject {
            identity_type: IdentityType::Human,
            tier: Tier::Standard,
            protected: false,
            break_glass: false,
            usage: Usage::Interactive,
            unused: false,
            role: SubjectRole::Actor,
            evidence: EvidenceRole::AuthenticatedAs,
            unresolved: false,
            provider: "aws".into(),
            session: true,
            named_by_provider: false,
            token: false,
            temporary: false,
            grant: false,
            trust: false,
            shared: false,
            chain: Vec::new(),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CaseFinding {
    pub(crate) rule: String,
    pub(crate) class: SignalClass,
    pub(crate) confidence: u8,
    pub(crate) event: String,
    pub(crate) age: String,
    pub(crate) evidence: EvidenceRole,
    pub(crate) context: ContextState,
    pub(crate) line: CaseLine,
    pub(crate) suspect: bool,
    pub(crate) sources: BTreeSet<String>,
    pub(crate) subject: usize,
}

impl Default for CaseFinding {
    fn default() -> Self {
        CaseFinding {
            rule: "countersign/detect".into(),
            class: SignalClass::Token,
            confidence: 90,
            event: "e1".into(),
            age: "1m".into(),
            evidence: EvidenceRole::AuthenticatedAs,
            context: ContextState::Complete,
            line: CaseLine::default(),
            suspect: false,
            sources: BTreeSet::new(),
            subject: 0,
        }
    }
}

/// What weakens a finding's line.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CaseLine {
    pub(crate) merely_names: bool,
    pub(crate) unproved: bool,
    pub(crate) context_missing: bool,
    pub(crate) not_bound: bool,
    pub(crate) highest_class: Option<ActionClass>,
    pub(crate) fed_by: BTreeMap<RuleId, u8>,
}

impl CaseLine {
    fn line(&self) -> Line {
        let mut line = Line { unproved: self.unproved, fed_by: self.fed_by.clone(), ..Line::STRONGEST };
        if self.merely_names {
            line.evidence_role = EvidenceRole::MerelyNames;
        }
        if self.context_missing {
            line.context = ContextState::Missing;
        }
        if self.not_bound {
            line.binding = Binding::NOT_BOUND;
        }
        if let Some(class) = self.highest_class {
            line.binding.highest_class = class;
        }
        line
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CaseProposal {
    #[serde(default = "respond")]
    pub(crate) rule: String,
    pub(crate) action: Action,
    #[serde(default)]
    pub(crate) subject: usize,
    pub(crate) lease: Option<u32>,
}

fn respond() -> String {
    "countersign/respond".into()
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CaseRule {
    pub(crate) floor: u8,
    pub(crate) actions: Option<BTreeSet<Action>>,
    pub(crate) types: Option<BTreeSet<IdentityType>>,
    pub(crate) classes: Option<BTreeSet<SignalClass>>,
    pub(crate) lineage: Vec<String>,
    /// Whether its authority is left out of the inputs.
    pub(crate) unknown: bool,
}

impl Case {
    /// The gate's inputs, under the shipped trust.
    pub(crate) fn inputs(&self, policy: &Policy, capabilities: &Capabilities) -> GateInputs {
        self.inputs_under(policy, &Trust::shipped().unwrap(), capabilities)
    }

    /// The gate's inputs.
    pub(crate) fn inputs_under(&self, policy: &Policy, trust: &Trust, capabilities: &Capabilities) -> GateInputs {
        let or_one =
            |given: &[CaseSubject]| if given.is_empty() { vec![CaseSubject::default()] } else { given.to_vec() };
        let subjects: Vec<Subject> = or_one(&self.subject).iter().enumerate().map(subject).collect();
        let findings = if self.finding.is_empty() { vec![CaseFinding::default()] } else { self.finding.clone() };
        let short =
            self.ask.iter().map(|action| CaseProposal { rule: respond(), action: *action, subject: 0, lease: None });
        let proposals: Vec<CaseProposal> = short.chain(self.proposal.iter().cloned()).collect();
        let mut rules: BTreeMap<String, (RuleKind, CaseRule)> = BTreeMap::new();
        for finding in &findings {
            rules.insert(finding.rule.clone(), (RuleKind::Detection, CaseRule::default()));
        }
        for proposal in &proposals {
            rules.insert(proposal.rule.clone(), (RuleKind::Response, CaseRule::default()));
        }
        for (name, given) in &self.rule {
            let kind = rules.get(name).map_or(RuleKind::Detection, |(kind, _)| *kind);
            rules.insert(name.clone(), (kind, given.clone()));
        }
        let authorities = rules.iter().filter(|(_, (_, rule))| !rule.unknown);
        let authorities = authorities.map(|(name, (kind, rule))| authority(name, *kind, rule, policy, trust)).collect();
        let incident =
            Incident { findings: findings.iter().map(|given| self.finding(given, &subjects)).collect(), subjects };
        let mut inputs =
            GateInputs::new(self.clock, self.circumstances(&incident), incident, authorities, policy, capabilities);
        inputs.proposals = proposals
            .iter()
            .map(|given| Proposal {
                rule: given.rule.parse().unwrap(),
                action: given.action,
                parameters: Vec::new(),
                subject: given.subject,
                lease: given.lease,
                reason: "because".into(),
            })
            .collect();
        inputs.failed_responses.clone_from(&self.failed_responses);
        inputs
    }

    fn circumstances(&self, incident: &Incident) -> Circumstances {
        let mut now = Circumstances::unconfigured();
        if self.kill_switch {
            now.kill_switch = KillSwitch::On;
        }
        if let Some(name) = &self.window {
            now.windows = Windows::Open(name.clone());
        }
        if let Some(name) = &self.budget {
            now.budgets = Budgets::Exhausted(name.clone());
        }
        if let Some(why) = &self.suppress {
            now.suppression = Suppression::Suppress(why.clone());
        }
        if let Some(stages) = &self.stages {
            now.stages = Stages::Rules(stages.iter().map(|(rule, stage)| (rule.parse().unwrap(), *stage)).collect());
        }
        if !self.unwell.is_empty() {
            let unwell = self.unwell.iter();
            now.sources = Sources::Unwell(unwell.map(|(name, what)| (SourceId::from(&**name), what.clone())).collect());
        }
        if let Some(estimates) = &self.estimates {
            now.estimates = Estimates::Asked(estimates.clone());
        }
        if let Some(remaining) = self.remaining_administrators {
            let accounts = incident.subjects.iter().filter_map(|who| who.account.clone()).collect();
            now.administrators = Administrators::Counted { accounts, remaining, least: 2 };
        }
        if !self.approved.is_empty() {
            now.approvals = Approvals::Given(self.approved.clone());
        }
        now
    }

    fn finding(&self, given: &CaseFinding, subjects: &[Subject]) -> IncidentFinding {
        let age = match given.age.strip_prefix('-') {
            Some(ahead) => -parse_duration(ahead).unwrap(),
            None => parse_duration(&given.age).unwrap(),
        };
        let event_time = self.clock.plus_micros(-age);
        IncidentFinding {
            finding: Finding {
                rule: given.rule.parse().unwrap(),
                position: 0,
                index: 0,
                occasion: countersign_model::Occasion::Event,
                event_id: given.event.clone(),
                event_time,
                signal_class: given.class,
                confidence: given.confidence,
                severity: Severity::High,
                role: subjects.get(given.subject).map_or(SubjectRole::Actor, |who| who.role),
                evidence_role: given.evidence,
                evidence: vec![Evidence {
                    reference: 1,
                    event_id: given.event.clone(),
                    event_time,
                    raw: countersign_model::Digest::of(given.event.as_bytes()),
                }],
                techniques: Vec::new(),
                message: "seen".into(),
                context: given.context,
                line: given.line.line(),
            },
            subject: given.subject,
            rule_suspect: given.suspect,
            sources: given.sources.iter().map(|name| SourceId::from(&**name)).collect(),
        }
    }
}

fn subject((place, given): (usize, &CaseSubject)) -> Subject {
    let facts = CaseIdentity {
        identity_type: given.identity_type,
        tier: given.tier,
        protected: given.protected,
        break_glass: given.break_glass,
    };
    let account = (!given.unresolved).then(|| Account::new(&given.provider, "111122223333", format!("AIDA{place}")));
    Subject {
        role: given.role,
        evidence_role: given.evidence,
        account,
        identity: facts.identity(Some(format!("id-{place}")).filter(|_| !given.unresolved)),
        usage: (!given.unused).then_some(given.usage),
        session: given.session.then(|| "session-1".into()),
        named_by_provider: given.named_by_provider,
        token: given.token.then(|| "AKIA1".into()),
        temporary: given.temporary,
        grant: given.grant.then(|| "role-1".into()),
        trust: given.trust.then(|| "trust-1".into()),
        shared: given.shared,
        chain: given
            .chain
            .iter()
            .map(|member| ChainIdentity { role: ChainRole::Initiator, account: None, identity: member.identity(None) })
            .collect(),
    }
}

fn authority(name: &str, kind: RuleKind, rule: &CaseRule, policy: &Policy, trust: &Trust) -> RuleAuthority {
    let id: countersign_model::RuleId = name.parse().unwrap();
    let everything = Grant::everything();
    RuleAuthority {
        kind,
        floor: rule.floor,
        actions: rule.actions.clone().unwrap_or(everything.actions),
        identity_types: rule.types.clone().unwrap_or(everything.identity_types),
        signal_classes: rule.classes.clone().unwrap_or(everything.signal_classes),
        lineage: rule.lineage.iter().map(|rule| rule.parse().unwrap()).collect(),
        cap: policy.cap(&id).min(trust.scope(id.publisher()).confidence),
        grant: trust.grant(id.publisher()),
        exempt_from_grouping: policy.publisher(id.publisher()).is_some_and(|known| known.exempt_from_grouping),
        rule: id,
    }
}

/// A decision as one line: `kind requested -> granted [lease] confidence/floor by ANCHOR: reasons`, where the
/// anchor is left out if it is the first finding, a reason about another action than the one before it names it, `?`
/// needs approval and `!` refuses.
pub(crate) fn line(decision: &Decision) -> String {
    let name = |action: Option<Action>| action.map_or("-", Action::id);
    let mut text = format!("{} {}", decision.kind.id(), name(decision.requested_action));
    if decision.action != decision.requested_action {
        let _ = write!(text, " -> {}", name(decision.action));
    }
    if let Some(lease) = decision.lease {
        let _ = write!(text, " [{lease} s]");
    }
    let _ = write!(text, " {}/{}", decision.confidence, decision.floor);
    if decision.anchor > 0 {
        let _ = write!(text, " by {}", decision.anchor);
    }
    text.push(':');
    let mut about = decision.requested_action;
    for reason in &decision.reasons {
        if about != Some(reason.action) {
            let _ = write!(text, " ({})", reason.action);
            about = Some(reason.action);
        }
        let mark = match reason.effect {
            Effect::Allow => "",
            Effect::Approval => "?",
            Effect::Refuse => "!",
        };
        let _ = write!(text, " {}{mark}", reason.code.id());
    }
    text
}

/// Whether an action does more than observe.
pub(crate) fn touches(action: Action) -> bool {
    action.class() != ActionClass::Observe
}
