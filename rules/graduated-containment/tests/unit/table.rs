//! The table of proposals, in `table.txt`: every identity type as it is commonly used, every class, every confidence,
//! and what is proposed instead as each proposed action becomes unavailable.

use std::fmt::Write as _;

use countersign_policy::Capabilities;
use countersign_sdk::testing::{IncidentBuilder, Proposed, ResponseHarness, Value, incident};
use expect_test::expect_file;

use super::*;

/// Available actions, weak to strong.
pub(crate) type Offered = Vec<(Action, Reversibility)>;

/// An identity as it is commonly used.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) identity_type: IdentityType,
    pub(crate) usage: Usage,
    pub(crate) session: bool,
    pub(crate) token: bool,
    pub(crate) grant: bool,
}

const fn who(identity_type: IdentityType, usage: Usage, session: bool, token: bool, grant: bool) -> Who {
    Who { identity_type, usage, session, token, grant }
}

pub(crate) const ALL: [Who; 6] = [
    who(IdentityType::Human, Usage::Interactive, true, true, false),
    who(IdentityType::Human, Usage::Programmatic, false, true, false),
    who(IdentityType::ServiceAccount, Usage::Programmatic, false, true, false),
    who(IdentityType::Workload, Usage::Programmatic, true, true, true),
    who(IdentityType::AiAgent, Usage::Delegated, true, true, true),
    who(IdentityType::Unknown, Usage::Programmatic, false, true, false),
];

impl Who {
    /// Every rung of the type that touches it.
    pub(crate) fn every_rung(&self) -> Offered {
        let rungs = self.identity_type.rungs().iter().copied();
        rungs
            .filter(|action| action.class() != ActionClass::Observe)
            .map(|one| (one, Reversibility::Reversible))
            .collect()
    }

    /// What the shipped connectors can do to an account of this provider with this evidence.
    fn of_provider(&self, provider: &str) -> Offered {
        use countersign_sdk::vocabulary::TargetLevel;
        let tables = Capabilities::shipped().unwrap();
        let has = |level: &TargetLevel| match level {
            TargetLevel::Token => self.token,
            TargetLevel::Grant => self.grant,
            TargetLevel::Session => self.session,
            TargetLevel::Account => true,
            TargetLevel::Trust => false,
        };
        let can = |action: Action| {
            let found = tables.of(provider, self.identity_type).find(|one| one.action.id() == action.id())?;
            found
                .levels
                .iter()
                .any(|level| TargetLevel::from_id(level.id()).as_ref().is_some_and(has))
                .then(|| (action, Reversibility::from_id(found.reversibility.id()).unwrap()))
        };
        self.every_rung().into_iter().filter_map(|(action, _)| can(action)).collect()
    }

    /// An incident of one finding, with the observe actions and these.
    pub(crate) fn incident(
        &self,
        class: SignalClass,
        confidence: u8,
        offered: &[(Action, Reversibility)],
    ) -> IncidentBuilder {
        let mut built = incident(confidence)
            .now("2026-03-04T09:10:00Z")
            .subject(self.identity_type)
            .with(|_, subject| {
                subject.usage = match self.usage {
                    Usage::Interactive => countersign_sdk::bindings::respond::Usage::Interactive,
                    Usage::Programmatic => countersign_sdk::bindings::respond::Usage::Programmatic,
                    Usage::Delegated => countersign_sdk::bindings::respond::Usage::Delegated,
                };
                (subject.has_session, subject.has_token, subject.has_grant) = (self.session, self.token, self.grant);
            })
            .finding(class, confidence);
        let observe = [Action::EnrichAlert, Action::RaiseRiskScore, Action::Notify];
        for (action, reversibility) in observe.map(|action| (action, Reversibility::Reversible)).iter().chain(offered) {
            built = built.available(*action, *reversibility);
        }
        built
    }

    fn description(&self) -> String {
        let evidence = [(self.session, "session"), (self.token, "token"), (self.grant, "grant")];
        let evidence: Vec<&str> = evidence.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
        format!("{}, {}, {} in evidence", self.identity_type, self.usage, evidence.join(" and "))
    }
}

/// The proposals that touch the subject, in order: the rung, and perhaps a challenge beside it.
pub(crate) fn touching(built: &IncidentBuilder) -> Vec<Proposed> {
    let proposed = ResponseHarness::<Rule>::new().proposals(built);
    proposed.into_iter().filter(|one| one.action.class() != ActionClass::Observe).collect()
}

/// The rungs proposed as each in turn becomes unavailable.
pub(crate) fn chain(who: Who, class: SignalClass, confidence: u8, mut offered: Offered) -> Vec<Action> {
    let mut chain = Vec::new();
    while let Some(first) = touching(&who.incident(class, confidence, &offered)).first() {
        chain.push(first.action);
        offered.retain(|(action, _)| *action != first.action);
    }
    chain
}

/// A line for each range of confidence with the same proposals.
fn ranges(who: Who, class: SignalClass, offered: &Offered) -> String {
    let mut out: Vec<(u8, u8, String)> = Vec::new();
    for confidence in 0..=100 {
        let chain: Vec<&str> =
            chain(who, class, confidence, offered.clone()).iter().map(|action| action.id()).collect();
        let mut text = if chain.is_empty() { "-".to_owned() } else { chain.join(" > ") };
        if let [_, meanwhile] = touching(&who.incident(class, confidence, offered)).as_slice() {
            let _ = write!(text, "; meanwhile {}", meanwhile.action);
        }
        match out.last_mut() {
            Some((_, last, same)) if *same == text => *last = confidence,
            _ => out.push((confidence, confidence, text)),
        }
    }
    out.iter().map(|(from, to, text)| format!("    {from:>3}-{to:<3} {text}\n")).collect()
}

fn block(out: &mut String, title: &str, who: Who, offered: &Offered) {
    let _ = write!(out, "\n{}, {title}\n", who.description());
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for class in SignalClass::ALL {
        let lines = ranges(who, *class, offered);
        match groups.iter_mut().find(|(_, same)| *same == lines) {
            Some((classes, _)) => classes.push(class.id()),
            None => groups.push((vec![class.id()], lines)),
        }
    }
    for (classes, lines) in groups {
        let _ = write!(out, "  {}\n{lines}", classes.join(", "));
    }
}

/// All proposals, one line each.
fn whole(out: &mut String, title: &str, built: &IncidentBuilder) {
    let _ = writeln!(out, "  {title}");
    for one in ResponseHarness::<Rule>::new().proposals(built) {
        let lease =
            one.lease.map_or_else(String::new, |seconds| format!(" for {}", Duration::from_secs(seconds.into())));
        let parameters: String = one
            .parameters
            .iter()
            .map(|(name, value)| match value {
                Value::Text(text) => format!(" {name}={text}"),
                Value::Signed(number) => format!(" {name}={number}"),
                other => format!(" {name}={other:?}"),
            })
            .collect();
        let _ = writeln!(out, "    {}{lease}{parameters}", one.action);
    }
}

#[test]
fn the_table_of_proposals_is_pinned() {
    let mut out = String::from(
        "What is proposed, by identity, signal class and combined confidence, severity medium: the rung, then what is\n\
         proposed instead as each becomes unavailable.\n",
    );
    for who in ALL {
        block(&mut out, "every rung available", who, &who.every_rung());
    }
    for who in ALL {
        block(&mut out, "what AWS connectors can do", who, &who.of_provider("aws"));
    }
    out.push_str("\nAll proposals\n");
    let [person, _, pipeline, instance, agent, unknown] = ALL;
    let at = |who: Who, confidence| who.incident(SignalClass::Token, confidence, &who.every_rung());
    for confidence in [40, 60, 80, 90, 95] {
        whole(&mut out, &format!("a person's token, confidence {confidence}"), &at(person, confidence));
    }
    for severity in [Severity::Informational, Severity::Low, Severity::High, Severity::Critical, Severity::Fatal] {
        whole(
            &mut out,
            &format!("a person's token, confidence 80, severity {severity}"),
            &at(person, 80).severity(severity),
        );
    }
    for (name, who) in
        [("a pipeline", pipeline), ("an instance", instance), ("an agent", agent), ("an unknown identity", unknown)]
    {
        whole(&mut out, &format!("{name}'s token, confidence 80"), &at(who, 80));
    }
    use countersign_sdk::bindings::respond;
    let named = at(person, 95).with(|_, subject| subject.evidence_role = respond::EvidenceRole::MerelyNames);
    whole(&mut out, "a person that the evidence merely names, confidence 95", &named);
    whole(&mut out, "a protected person, confidence 95", &at(person, 95).with(|identity, _| identity.protected = true));
    whole(&mut out, "break-glass, confidence 95", &at(person, 95).with(|identity, _| identity.break_glass = true));
    whole(&mut out, "an owner, confidence 95", &at(person, 95).with(|_, one| one.role = respond::SubjectRole::Owner));
    expect_file!["../../table.txt"].assert_eq(&out);
}
