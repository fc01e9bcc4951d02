//! Declarations and grants: what the detection, the rules that feed it and the response rule may lead to.

use countersign_model::{Effect, Reason, ReasonCode, RuleId};

use super::Question;
use crate::confidence::with_lineage;

impl Question<'_> {
    /// Every declaration and grant that lacks the action, the type or the class.
    pub(super) fn authority(&self, reasons: &mut Vec<Reason>) {
        self.detection(reasons);
        self.response(reasons);
        self.failed_responses(reasons);
    }

    /// Whether the detection, with all that feed it, may lead to the action.
    pub(super) fn detection_may(&self) -> bool {
        let mut reasons = Vec::new();
        self.detection(&mut reasons);
        reasons.is_empty()
    }

    fn detection(&self, reasons: &mut Vec<Reason>) {
        let ty = self.subject.identity.identity_type;
        let class = self.found.finding.signal_class;
        let rule = &self.found.finding.rule;
        let mut refuse = |code, detail: String| reasons.push(self.reason(code, Effect::Refuse, detail));
        let Some(authority) = self.inputs.authority(rule) else {
            refuse(ReasonCode::DetectionActionUndeclared, format!("nothing is known of what `{rule}` declared"));
            return;
        };
        if !authority.signal_classes.contains(&class) {
            refuse(ReasonCode::ClassNotGranted, format!("`{rule}` doesn't declare class `{class}`"));
        }
        // INVARIANT: a rule fed by others has no more authority than the least of them.
        for (place, member) in with_lineage(self.inputs, authority).enumerate() {
            let Some(member) = member else {
                let fed = place.checked_sub(1).and_then(|place| authority.lineage.get(place));
                let fed = fed.map(ToString::to_string).unwrap_or_default();
                let detail = format!("`{rule}` is fed by `{fed}`, of which nothing is known");
                refuse(ReasonCode::DetectionActionUndeclared, detail);
                continue;
            };
            let (action, name) = (self.action, &member.rule);
            let publisher = name.publisher();
            if !member.actions.contains(&action) {
                let detail = format!("`{name}` doesn't declare `{action}`");
                refuse(ReasonCode::DetectionActionUndeclared, detail);
            }
            if !member.identity_types.contains(&ty) {
                refuse(ReasonCode::DetectionTypeUndeclared, format!("`{name}` isn't for type `{ty}`"));
            }
            if !member.grant.actions.contains(&action) {
                let detail = format!("publisher `{publisher}` isn't granted `{action}`");
                refuse(ReasonCode::DetectionActionNotGranted, detail);
            }
            if !member.grant.identity_types.contains(&ty) {
                refuse(ReasonCode::TypeNotGranted, format!("publisher `{publisher}` isn't granted type `{ty}`"));
            }
            if !member.grant.signal_classes.contains(&class) {
                refuse(ReasonCode::ClassNotGranted, format!("publisher `{publisher}` isn't granted class `{class}`"));
            }
        }
    }

    fn response(&self, reasons: &mut Vec<Reason>) {
        let ty = self.subject.identity.identity_type;
        let class = self.found.finding.signal_class;
        let (rule, action) = (self.response, self.action);
        let mut refuse = |code, detail: String| reasons.push(self.reason(code, Effect::Refuse, detail));
        let Some(authority) = self.inputs.authority(rule) else {
            refuse(ReasonCode::ResponseActionUndeclared, format!("nothing is known of what `{rule}` declared"));
            return;
        };
        let publisher = rule.publisher();
        if !authority.actions.contains(&action) {
            refuse(ReasonCode::ResponseActionUndeclared, format!("`{rule}` doesn't declare `{action}`"));
        }
        if !authority.identity_types.contains(&ty) {
            refuse(ReasonCode::ResponseTypeUndeclared, format!("`{rule}` isn't for type `{ty}`"));
        }
        if !authority.signal_classes.contains(&class) {
            refuse(ReasonCode::ResponseClassUndeclared, format!("`{rule}` doesn't answer class `{class}`"));
        }
        if !authority.grant.actions.contains(&action) {
            let detail = format!("publisher `{publisher}` isn't granted `{action}`");
            refuse(ReasonCode::ResponseActionNotGranted, detail);
        }
        if !authority.grant.identity_types.contains(&ty) {
            refuse(ReasonCode::TypeNotGranted, format!("publisher `{publisher}` isn't granted type `{ty}`"));
        }
        if !authority.grant.signal_classes.contains(&class) {
            refuse(ReasonCode::ClassNotGranted, format!("publisher `{publisher}` isn't granted class `{class}`"));
        }
        let Some(named) = self.inputs.policy.responses(class, ty) else { return };
        if !named.contains(rule) {
            let detail = format!("policy names other rules than `{rule}` for class `{class}`, type `{ty}`");
            refuse(ReasonCode::ResponseClassUndeclared, detail);
        } else if let Some((weakest, who)) = self.weakest_of(named)
            && ty.rungs().iter().position(|rung| *rung == action).is_some_and(|rung| rung > weakest)
        {
            let asked = ty.rungs().get(weakest).map_or("less", |rung| rung.id());
            refuse(ReasonCode::WeakerWins, format!("`{who}`, which policy names too, asks for `{asked}`"));
        }
    }

    /// Whether a response rule that policy names is missing or has failed: it might have asked for less.
    fn failed_responses(&self, reasons: &mut Vec<Reason>) {
        if self.observes() {
            return;
        }
        let (ty, class) = (self.subject.identity.identity_type, self.found.finding.signal_class);
        for rule in self.inputs.policy.responses(class, ty).unwrap_or_default() {
            let why = match self.inputs.authority(rule) {
                None => "isn't loaded",
                Some(_) if self.inputs.failed_responses.contains(rule) => "gave no answer that can be used",
                Some(_) => continue,
            };
            let detail =
                format!("`{rule}`, which policy names, {why}: it might have asked for less, so by approval only");
            reasons.push(self.reason(ReasonCode::ResponseFailed, Effect::Approval, detail));
        }
    }

    /// The weakest of what the named response rules propose for this subject, each taken at its strongest rung, and the
    /// rule that proposes it. A rule's authority doesn't count here: losing some must never remove the weaker proposal.
    fn weakest_of<'n>(&self, named: &'n [RuleId]) -> Option<(usize, &'n RuleId)> {
        let rungs = self.subject.identity.identity_type.rungs();
        let subjects = &self.inputs.incident.subjects;
        named
            .iter()
            .filter_map(|rule| {
                let asked = self.inputs.proposals.iter().filter(|proposal| {
                    proposal.rule == *rule
                        && subjects.get(proposal.subject).is_some_and(|who| {
                            std::ptr::eq(who, self.subject)
                                || (who.account.is_some() && who.account == self.subject.account)
                        })
                });
                let strongest =
                    asked.filter_map(|proposal| rungs.iter().position(|rung| *rung == proposal.action)).max()?;
                Some((strongest, rule))
            })
            .min()
    }
}
