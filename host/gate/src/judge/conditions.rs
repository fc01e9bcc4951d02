//! Checks of the subject, the evidence, and the present circumstances.

use countersign_model::time::format_duration;
use countersign_model::vocabulary::{Action, ActionClass, EvidenceRole, IdentityType};
use countersign_model::{Binding, ContextState, Effect, Identity, Reason, ReasonCode};
use countersign_policy::Reach;

use super::{Question, capability};
use crate::circumstances::{Administrators, Budgets, Estimate, Estimates, KillSwitch, Sources, Stage, Stages, Windows};

impl Question<'_> {
    /// What the subject and its chain are, and how they are tied to the evidence. Observe actions touch no account.
    pub(super) fn standing(&self, reasons: &mut Vec<Reason>) {
        if self.observes() {
            return;
        }
        let mut add = |code, effect, detail: &str| reasons.push(self.reason(code, effect, detail));
        let anyone = |test: fn(&Identity) -> bool| {
            if test(&self.subject.identity) {
                return Some("the subject");
            }
            self.subject.chain.iter().any(|member| test(&member.identity)).then_some("a member of the chain")
        };
        if let Some(who) = anyone(|identity| identity.protected) {
            add(ReasonCode::ProtectedIdentity, Effect::Approval, &format!("{who} is protected: never automatic"));
        }
        if let Some(who) = anyone(|identity| identity.break_glass) {
            add(ReasonCode::BreakGlass, Effect::Approval, &format!("{who} is break-glass: never automatic"));
        }
        self.line(reasons);
        let mut add = |code, effect, detail: &str| reasons.push(self.reason(code, effect, detail));
        if !self.contains() {
            if self.evidence_role() == EvidenceRole::MerelyNames {
                let detail = format!("{}: challenged by approval only", self.merely_names());
                add(ReasonCode::MerelyNames, Effect::Approval, &detail);
            }
            return;
        }
        if let Some(who) = anyone(|identity| identity.identity_type == IdentityType::Unknown) {
            let detail = format!("{who} is of type `unknown`: contained by approval only");
            add(ReasonCode::UnknownType, Effect::Approval, &detail);
        }
        if self.is_source() {
            let detail = "the subject is a source address, which is never contained";
            add(ReasonCode::SourceNeverContained, Effect::Refuse, detail);
        }
        if self.evidence_role() == EvidenceRole::MerelyNames {
            let detail = format!("{}: a challenge at most", self.merely_names());
            add(ReasonCode::MerelyNames, Effect::Refuse, &detail);
        }
        if self.context() == ContextState::Missing {
            let whose = match self.found.finding.context {
                ContextState::Missing => "declared context",
                ContextState::Complete => "context of a finding that fed this one",
            };
            let detail = format!("{whose} was missing or too old: a challenge at most");
            add(ReasonCode::ContextMissing, Effect::Refuse, &detail);
        }
    }

    fn merely_names(&self) -> &'static str {
        match self.own_evidence_role() {
            EvidenceRole::MerelyNames => "the evidence merely names the subject",
            EvidenceRole::AuthenticatedAs => "a finding that fed this one merely names its subject",
        }
    }

    /// How far all that the finding was made of is believed.
    fn line(&self, reasons: &mut Vec<Reason>) {
        let mut add = |code, effect, detail: String| reasons.push(self.reason(code, effect, detail));
        let line = &self.found.finding.line;
        if !line.binding.bound && self.contains() {
            let detail =
                "a source isn't bound to the tenant of the account that it names: a challenge at most".to_owned();
            add(ReasonCode::SourceNotBound, Effect::Refuse, detail);
        } else if !line.binding.bound {
            let detail = "a source isn't bound to the tenant of the account that it names: by approval only".to_owned();
            add(ReasonCode::SourceNotBound, Effect::Approval, detail);
        }
        let (asked, highest) = (self.effect_class(), line.binding.highest_class);
        // What isn't bound leads to a challenge at most anyway; a source may be limited to less.
        let limits = line.binding.bound || highest < Binding::NOT_BOUND.highest_class;
        if asked > highest && limits && self.class() != ActionClass::Remediate {
            let detail = format!("a source may lead to class `{highest}` at most, and this is decided as `{asked}`");
            add(ReasonCode::SourceLimited, Effect::Refuse, detail);
        }
        if line.unproved {
            let detail = "the rule's state was made of acts that authenticated nobody too, which anybody can bring about: \
                          by approval only; a rule that doesn't need such acts leaves them out by `where`";
            add(ReasonCode::EvidenceUnproved, Effect::Approval, detail.to_owned());
        }
        for (rule, confidence) in &line.fed_by {
            let authority = self.inputs.authority(rule);
            let (cap, floor) = authority.map_or((0, 100), |authority| (authority.cap, authority.floor));
            let effective = cap.min(*confidence);
            if effective < floor {
                let detail = format!(
                    "`{rule}`, which fed it, found something of confidence {effective}, below its floor {floor}"
                );
                add(ReasonCode::BelowDetectionFloor, Effect::Refuse, detail);
            }
        }
    }

    /// The present circumstances: age, doubt about the rule, reach, and the operator's switches.
    pub(super) fn conditions(&self, max_age: i64, reasons: &mut Vec<Reason>) {
        self.stage(reasons);
        if self.observes() {
            return;
        }
        let mut add = |code, effect, detail: String| reasons.push(self.reason(code, effect, detail));
        if self.found.rule_suspect {
            let detail = format!("`{}` is in quarantine or not deterministic", self.found.finding.rule);
            add(ReasonCode::RuleSuspect, Effect::Approval, detail);
        }
        if let Some(detail) = self.unwell_sources() {
            add(ReasonCode::SourceUnwell, Effect::Approval, detail);
        }
        // Evidence dated ahead of the clock may be of any age.
        let age = self.inputs.clock.micros_since(self.found.finding.event_time);
        if age.saturating_abs() > max_age {
            let (old, max) = (format_duration(age.saturating_abs()), format_duration(max_age));
            let detail = match age < 0 {
                true => format!("the evidence is dated {old} ahead of the clock, more than {max}"),
                false => format!("the evidence is {old} old, more than {max}"),
            };
            add(ReasonCode::EvidenceStale, Effect::Approval, detail);
        }
        if self.contains()
            && let Some(detail) = self.reach()
        {
            add(ReasonCode::EstimateHigh, Effect::Approval, detail);
        }
        if self.inputs.circumstances.kill_switch == KillSwitch::On {
            let detail = "the kill switch is on: nothing new begins".to_owned();
            add(ReasonCode::KillSwitch, Effect::Refuse, detail);
        }
        if let Windows::Open(name) = &self.inputs.circumstances.windows {
            add(ReasonCode::WindowOpen, Effect::Approval, format!("window `{name}` is open"));
        }
        if let Budgets::Exhausted(name) = &self.inputs.circumstances.budgets {
            add(ReasonCode::BudgetExhausted, Effect::Approval, format!("budget `{name}` is used up"));
        }
        if let Administrators::Counted { accounts, remaining, least } = &self.inputs.circumstances.administrators
            && self.subject.account.as_ref().is_some_and(|account| accounts.contains(account))
        {
            let detail = format!("{remaining} administrators would remain, and {least} must");
            match (self.contains(), remaining < least) {
                (true, true) => add(ReasonCode::LastAdministrator, Effect::Refuse, detail),
                (true, false) | (false, true) => add(ReasonCode::LastAdministrator, Effect::Approval, detail),
                (false, false) => {}
            }
        }
    }

    /// What is wrong with the sources that the finding rests on, if anything is. Of a finding of which they aren't known each
    /// may be one.
    fn unwell_sources(&self) -> Option<String> {
        let Sources::Unwell(unwell) = &self.inputs.circumstances.sources else { return None };
        let rests_on = &self.found.sources;
        let concerned = unwell.iter().filter(|(source, _)| rests_on.is_empty() || rests_on.contains(*source));
        let concerned: Vec<String> = concerned
            .map(|(source, ailments)| {
                let ailments: Vec<&str> = ailments.iter().map(|ailment| ailment.id()).collect();
                format!("`{source}` is {}", ailments.join(" and "))
            })
            .collect();
        (!concerned.is_empty()).then(|| format!("{}: what rests on it needs approval", concerned.join(", ")))
    }

    /// Why the reach of the action is high, if it is: by the connector's estimate, or until one can be asked by the
    /// capability table.
    fn reach(&self) -> Option<String> {
        match &self.inputs.circumstances.estimates {
            Estimates::Unconfigured => self.reach_by_table(),
            Estimates::Asked(estimates) => self.reach_by_estimate(estimates),
        }
    }

    /// An action that no row has isn't available, and that is its reason.
    fn reach_by_table(&self) -> Option<String> {
        let row = capability(self.inputs, self.subject, self.action)?;
        (row.reach != Reach::One).then(|| {
            format!(
                "the capability row for `{}`, `{}`, type `{}` has `reach = \"{}\"`: only `reach = \"one\"` or a \
                 connector's estimate needs no approval",
                row.provider, row.action, row.identity_type, row.reach
            )
        })
    }

    fn reach_by_estimate(&self, estimates: &[Estimate]) -> Option<String> {
        let subjects = &self.inputs.incident.subjects;
        let estimate = estimates.iter().find(|estimate| {
            estimate.action == self.action
                && subjects.get(estimate.subject).is_some_and(|who| std::ptr::eq(who, self.subject))
        });
        match estimate {
            None => Some("the connector can't say what it would hit: that counts as high".to_owned()),
            Some(estimate) if estimate.principals > 1 || estimate.callers > 1 => Some(format!(
                "it would hit {} principals, {} sessions and {} callers",
                estimate.principals, estimate.sessions, estimate.callers
            )),
            Some(_) => None,
        }
    }

    fn stage(&self, reasons: &mut Vec<Reason>) {
        let Stages::Rules(stages) = &self.inputs.circumstances.stages else { return };
        let rule = &self.found.finding.rule;
        let stage = stages.iter().find(|(name, _)| name == rule).map_or(Stage::Shadow, |(_, stage)| *stage);
        let (effect, progress) = match stage {
            Stage::Shadow if self.action != Action::EnrichAlert => (Effect::Refuse, "in shadow"),
            Stage::Notify if !self.observes() => (Effect::Refuse, "rolled out to observe"),
            Stage::Approve if !self.observes() => (Effect::Approval, "rolled out to approval"),
            _ => return,
        };
        reasons.push(self.reason(ReasonCode::RolloutStage, effect, format!("`{rule}` is {progress}")));
    }
}
