//! Random gate inputs, mostly permissive: otherwise every property would hold because everything is refused.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::{BTreeMap, BTreeSet};

use countersign_gate::{
    Administrators, Budgets, Circumstances, Estimate, Estimates, GateInputs, KillSwitch, RuleAuthority, Sources, Stage,
    Stages, Suppression, Windows,
};
use countersign_model::incident::{ChainIdentity, IncidentFinding, Subject};
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, RuleKind, Severity, SignalClass, SubjectRole, Tier,
    Usage,
};
use countersign_model::{
    Account, Ailment, Binding, ChainRole, ContextState, Finding, Identity, Incident, Line, Proposal, RuleId, SourceId,
    Timestamp,
};
use countersign_policy::{
    Answer, Capabilities, Capability, CellOutcome, Grant, Policy, PolicyView, Reach, ReviewBy, ViewCell, ViewResponses,
};

/// Numbers from a seed (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn percent(&mut self) -> u8 {
        u8::try_from(self.below(101)).unwrap()
    }

    /// Most of a list.
    fn most<T: Copy + Ord>(&mut self, from: &[T]) -> BTreeSet<T> {
        from.iter().copied().filter(|_| !self.once_in(24)).collect()
    }
}

/// A share of a percentage.
fn small(percent: u8, max: u16) -> u8 {
    u8::try_from(u16::from(percent) * max / 100).unwrap()
}

const DETECTIONS: [&str; 3] = ["acme/one", "acme/two", "other/three"];
const RESPONSES: [&str; 2] = ["acme/respond", "other/respond"];

fn rule(text: &str) -> RuleId {
    text.parse().unwrap()
}

/// Inputs from a seed.
pub(crate) fn inputs(seed: u64) -> GateInputs {
    let random = &mut Random(seed);
    let subjects: Vec<Subject> = (0..=random.below(2)).map(|place| subject(random, place)).collect();
    let findings: Vec<IncidentFinding> = (0..=random.below(3)).map(|_| finding(random, subjects.len())).collect();
    let rules = authorities(random);
    let policy = Policy::parse("version = 1").unwrap();
    let incident = Incident { findings, subjects };
    let mut inputs =
        GateInputs::new(CLOCK, Circumstances::unconfigured(), incident, rules, &policy, &Capabilities::default());
    inputs.policy = view(random, &inputs);
    inputs.capabilities = capabilities(random, &inputs);
    inputs.proposals = (0..=random.below(3))
        .map(|_| (random.below(inputs.incident.subjects.len()), random.once_in(12)))
        .collect::<Vec<(usize, bool)>>()
        .into_iter()
        .map(|(subject, odd)| Proposal {
            rule: rule(random.pick(&RESPONSES)),
            action: random.pick(match &inputs.incident.subjects[subject] {
                who if !odd => who.identity.identity_type.rungs(),
                _ => Action::ALL,
            }),
            parameters: Vec::new(),
            subject,
            lease: random.once_in(2).then_some(600),
            reason: String::new(),
        })
        .collect();
    if random.once_in(8) {
        inputs.failed_responses = vec![rule(random.pick(&RESPONSES))];
    }
    inputs
}

/// Random circumstances of an incident.
pub(crate) fn circumstances(random: &mut Random, incident: &Incident) -> Circumstances {
    let mut now = Circumstances::unconfigured();
    if random.once_in(3) {
        now.estimates = Estimates::Asked(estimates(random, incident));
    }
    if random.once_in(20) {
        now.suppression = Suppression::Suppress("seen".to_owned());
    }
    now.kill_switch = random.pick(&[KillSwitch::Unconfigured, KillSwitch::Off, KillSwitch::Off]);
    if random.once_in(20) {
        now.kill_switch = KillSwitch::On;
    }
    if random.once_in(16) {
        now.windows = Windows::Open("w".to_owned());
    }
    if random.once_in(16) {
        now.budgets = Budgets::Exhausted("b".to_owned());
    }
    if random.once_in(3) {
        let stage = |random: &mut Random| if random.once_in(8) { random.pick(Stage::ALL) } else { Stage::Automatic };
        now.stages = Stages::Rules(DETECTIONS.map(|name| (rule(name), stage(random))).to_vec());
    }
    if random.once_in(8) {
        let accounts = incident.subjects.iter().filter_map(|who| who.account.clone()).collect();
        let remaining = u32::try_from(random.below(4)).unwrap();
        now.administrators = Administrators::Counted { accounts, remaining, least: 1 };
    }
    if random.once_in(12) {
        let source = SourceId::from(random.pick(&SOURCES));
        now.sources = Sources::Unwell(BTreeMap::from([(source, BTreeSet::from([random.pick(Ailment::ALL)]))]));
    }
    now
}

/// The sources of random findings.
pub(crate) const SOURCES: [&str; 3] = ["okta", "trail", "windows"];

/// An estimate for most actions on most subjects, mostly low.
fn estimates(random: &mut Random, incident: &Incident) -> Vec<Estimate> {
    let mut estimates = Vec::new();
    for subject in 0..incident.subjects.len() {
        for action in Action::ALL.iter().copied() {
            if !random.once_in(12) {
                let callers = u32::from(random.once_in(12)) * 5;
                estimates.push(Estimate { subject, action, principals: 1, sessions: 2, callers });
            }
        }
    }
    estimates
}

const CLOCK: Timestamp = Timestamp(1_780_000_000_000_000);

fn identity(random: &mut Random) -> Identity {
    Identity {
        tier: random.pick(Tier::ALL),
        protected: random.once_in(24),
        break_glass: random.once_in(24),
        ..Identity::without_fact(Some(random.pick(IdentityType::ALL)), false)
    }
}

fn subject(random: &mut Random, place: usize) -> Subject {
    let text = |there: bool| there.then(|| "x".to_owned());
    Subject {
        role: if random.once_in(24) { SubjectRole::Source } else { SubjectRole::Actor },
        evidence_role: if random.once_in(24) { EvidenceRole::MerelyNames } else { EvidenceRole::AuthenticatedAs },
        account: (!random.once_in(30)).then(|| Account::new("aws", "1", format!("A{place}"))),
        identity: identity(random),
        usage: (!random.once_in(8)).then(|| if random.once_in(3) { Usage::Programmatic } else { Usage::Interactive }),
        session: text(random.once_in(2)),
        named_by_provider: random.once_in(2),
        token: text(random.once_in(2)),
        temporary: random.once_in(3),
        grant: text(random.once_in(2)),
        trust: text(random.once_in(6)),
        shared: random.once_in(6),
        chain: (0..random.below(3).saturating_sub(1))
            .map(|_| ChainIdentity { role: ChainRole::Initiator, account: None, identity: identity(random) })
            .collect(),
    }
}

fn finding(random: &mut Random, subjects: usize) -> IncidentFinding {
    let oldest = if random.once_in(5) { 3_600 } else { 600 };
    // Sometimes dated ahead of the clock.
    let age = i64::try_from(random.below(oldest)).unwrap() * if random.once_in(8) { -1_000_000 } else { 1_000_000 };
    IncidentFinding {
        finding: Finding {
            rule: rule(random.pick(&DETECTIONS)),
            position: 0,
            index: 0,
            occasion: countersign_model::Occasion::Event,
            event_id: format!("e{}", random.below(3)),
            event_time: CLOCK.plus_micros(-age),
            signal_class: random.pick(&[SignalClass::Token, SignalClass::SignIn, SignalClass::Privilege]),
            confidence: 60 + small(random.percent(), 40),
            severity: Severity::High,
            role: SubjectRole::Actor,
            evidence_role: if random.once_in(24) { EvidenceRole::MerelyNames } else { EvidenceRole::AuthenticatedAs },
            evidence: Vec::new(),
            techniques: Vec::new(),
            message: String::new(),
            context: if random.once_in(24) { ContextState::Missing } else { ContextState::Complete },
            line: line(random),
        },
        subject: random.below(subjects),
        rule_suspect: random.once_in(24),
        sources: sources(random),
    }
}

/// The sources that a finding rests on; sometimes they aren't known.
fn sources(random: &mut Random) -> BTreeSet<SourceId> {
    SOURCES.into_iter().filter(|_| random.once_in(2)).map(SourceId::from).collect()
}

/// A line that mostly weakens nothing.
fn line(random: &mut Random) -> Line {
    let mut line = Line::STRONGEST;
    if random.once_in(24) {
        line.evidence_role = EvidenceRole::MerelyNames;
    }
    if random.once_in(24) {
        line.context = ContextState::Missing;
    }
    if random.once_in(16) {
        line.binding = random.pick(&[
            Binding::NOT_BOUND,
            Binding { highest_class: ActionClass::Observe, ..Binding::NOT_BOUND },
            Binding { highest_class: ActionClass::Observe, ..Binding::BOUND },
            Binding { highest_class: ActionClass::Challenge, ..Binding::BOUND },
        ]);
    }
    if random.once_in(8) {
        line.fed_by.insert(rule(random.pick(&DETECTIONS)), random.percent());
    }
    line.unproved = random.once_in(24);
    line
}

fn authorities(random: &mut Random) -> Vec<RuleAuthority> {
    let everything = Grant::everything();
    let actions: Vec<Action> = everything.actions.iter().copied().collect();
    let all = DETECTIONS.map(|name| (name, RuleKind::Detection)).into_iter();
    all.chain(RESPONSES.map(|name| (name, RuleKind::Response)))
        .map(|(name, kind)| RuleAuthority {
            rule: rule(name),
            kind,
            floor: small(random.percent(), 60),
            actions: random.most(&actions),
            identity_types: random.most(IdentityType::ALL),
            signal_classes: random.most(SignalClass::ALL),
            lineage: if kind == RuleKind::Detection && random.once_in(4) { vec![rule("acme/two")] } else { Vec::new() },
            cap: if random.once_in(6) { 50 + small(random.percent(), 50) } else { 100 },
            grant: Grant {
                actions: random.most(&actions),
                identity_types: random.most(IdentityType::ALL),
                signal_classes: random.most(SignalClass::ALL),
            },
            exempt_from_grouping: random.once_in(2),
        })
        .collect()
}

fn outcome(random: &mut Random, name: usize) -> CellOutcome {
    CellOutcome {
        name: format!("cell[{name}]"),
        answer: random.pick(&[Answer::Automatic, Answer::Automatic, Answer::Approval, Answer::Never]),
        floor: small(random.percent(), 80),
        max_age: i64::try_from(random.below(1_800)).unwrap() * 1_000_000,
        owner: Some("o".into()),
        evidence: Some("e".into()),
        review_by: ReviewBy::new(if random.once_in(24) { "2020-01-01" } else { "2099-01-01" }),
    }
}

fn view(random: &mut Random, inputs: &GateInputs) -> PolicyView {
    let mut view = PolicyView { default_lease: 3_600, longest_lease: 7_200, ..PolicyView::default() };
    view.outcomes = (0..8).map(|name| outcome(random, name)).collect();
    let incident = &inputs.incident;
    let classes: BTreeSet<SignalClass> = incident.findings.iter().map(|found| found.finding.signal_class).collect();
    let identities: BTreeSet<(IdentityType, Tier)> =
        identities_of(incident).map(|who| (who.identity_type, who.tier)).collect();
    for class in classes.iter().copied() {
        for (identity_type, tier) in identities.iter().copied() {
            for action in Action::ALL.iter().copied().filter(|action| action.class() != ActionClass::Observe) {
                if !random.once_in(24) {
                    view.cells.push(ViewCell { class, identity_type, tier, action, outcome: random.below(8) });
                }
            }
            if random.once_in(4) {
                let rules = RESPONSES.map(rule).to_vec();
                view.responses.push(ViewResponses { class, identity_type, rules });
            }
        }
    }
    view
}

/// The identities of an incident.
pub(crate) fn identities_of(incident: &Incident) -> impl Iterator<Item = &Identity> {
    incident.subjects.iter().flat_map(members)
}

/// A subject's identity and those of its chain.
pub(crate) fn members(subject: &Subject) -> impl Iterator<Item = &Identity> {
    std::iter::once(&subject.identity).chain(subject.chain.iter().map(|member| &member.identity))
}

fn capabilities(random: &mut Random, inputs: &GateInputs) -> Vec<Capability> {
    let types: BTreeSet<IdentityType> = inputs.incident.subjects.iter().map(|who| who.identity.identity_type).collect();
    let mut capabilities = Vec::new();
    for identity_type in types {
        for action in Action::ALL.iter().copied() {
            if !random.once_in(24) {
                capabilities.push(Capability {
                    provider: "aws".into(),
                    action,
                    identity_type,
                    connector: "c".into(),
                    levels: action.levels().to_vec(),
                    reversibility: random.pick(&[
                        Reversibility::Reversible,
                        Reversibility::Reversible,
                        Reversibility::SelfHealing,
                        Reversibility::Irreversible,
                    ]),
                    reach: if random.once_in(12) { random.pick(Reach::ALL) } else { Reach::One },
                    one_session: random.once_in(3),
                });
            }
        }
    }
    capabilities
}
