//! How strong the evidence about a subject is, and the step that it reaches.

use countersign_sdk::prelude::*;

use crate::{Incident, Parameters};

/// How far a response may go, weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Notify, and touch nothing.
    Observe,
    /// Ask for proof.
    Challenge,
    /// The first third of what contains.
    Narrow,
    /// Two thirds of it.
    Part,
    /// All of it.
    Whole,
}

/// The assessment of a subject.
pub(crate) struct Assessment {
    /// 0–100.
    pub(crate) strength: u8,
    /// The step reached, within the cap.
    pub(crate) step: Step,
    /// The step that the strength alone would reach.
    pub(crate) uncapped: Step,
    /// The furthest step allowed for this subject.
    pub(crate) cap: Step,
    /// The highest severity of its findings.
    pub(crate) severity: Severity,
    /// When the newest of its findings happened.
    pub(crate) newest: Timestamp,
    /// Whether a finding is of class privilege, and whether one is of class credential.
    pub(crate) about_privilege: bool,
    pub(crate) about_credential: bool,
    /// The explanation for people: where the strength comes from, and what caps the step.
    pub(crate) explanation: String,
}

impl Assessment {
    pub(crate) fn of(incident: &Incident, subject: Subject<'_>, parameters: &Parameters) -> Assessment {
        let identity = subject.identity();
        let about = |finding: &countersign_sdk::IncidentFinding<'_>| {
            finding.subject() == subject || finding.subject().identity().account() == identity.account()
        };
        let own = || incident.findings().filter(about);
        let alone = own().map(|finding| finding.confidence()).max().unwrap_or_default();
        // The combined confidence is that of all findings: a subject of only some of them has no more than its own.
        let confidence = if own().count() == incident.findings().len() { incident.confidence() } else { alone };
        let severity = own().map(|finding| finding.severity()).max().unwrap_or(Severity::Informational);
        let newest = own().map(|finding| finding.time()).max().unwrap_or(incident.now());
        let classes: Vec<SignalClass> =
            SignalClass::ALL.iter().copied().filter(|class| own().any(|one| one.class() == Some(*class))).collect();
        let points = i64::from(confidence)
            + classes.iter().map(|class| of_class(*class)).max().unwrap_or_default()
            + of_severity(severity);
        let strength = u8::try_from(points.clamp(0, 100)).unwrap_or_default();
        let (cap, why) = cap(subject);
        let uncapped = reached(confidence, points - later(identity.identity_type()), points, parameters);
        let names: Vec<&str> = classes.iter().map(|class| class.id()).collect();
        let explanation = format!(
            "strength {strength} from confidence {confidence}, class {}, severity {severity}, {}{why}",
            names.join(" and "),
            identity.identity_type(),
        );
        Assessment {
            strength,
            step: uncapped.min(cap),
            uncapped,
            cap,
            severity,
            newest,
            about_privilege: classes.contains(&SignalClass::Privilege),
            about_credential: classes.contains(&SignalClass::Credential),
            explanation,
        }
    }
}

/// In the classes with 5 points the account itself did what it shouldn't, and could do it again in another session.
fn of_class(class: SignalClass) -> i64 {
    match class {
        SignalClass::SignIn | SignalClass::Token | SignalClass::Agent => 0,
        SignalClass::Credential | SignalClass::Privilege | SignalClass::Federation | SignalClass::Evasion => 5,
    }
}

fn of_severity(severity: Severity) -> i64 {
    match severity {
        Severity::Informational => -20,
        Severity::Low => -10,
        Severity::Medium | Severity::High => 0,
        Severity::Critical => 5,
        Severity::Fatal => 10,
    }
}

/// By how many points the steps beyond ending sessions come later. A machine can't answer a challenge, and all that
/// depends on it stops with it; an identity of unknown type may be one.
fn later(identity_type: IdentityType) -> i64 {
    match identity_type {
        IdentityType::Human | IdentityType::AiAgent => 0,
        IdentityType::ServiceAccount | IdentityType::Workload | IdentityType::Unknown => 10,
    }
}

/// The furthest step allowed for a subject, and why.
fn cap(subject: Subject<'_>) -> (Step, &'static str) {
    let identity = subject.identity();
    if identity.is_break_glass() {
        (Step::Observe, "; emergency access: people decide")
    } else if matches!(subject.role(), Role::Owner | Role::Source) {
        (Step::Observe, "; it did nothing itself")
    } else if identity.is_protected() {
        (Step::Challenge, "; protected: no more than a challenge")
    } else if subject.evidence_role() == countersign_sdk::vocabulary::EvidenceRole::MerelyNames {
        (Step::Challenge, "; the evidence merely names it: no more than a challenge")
    } else {
        (Step::Whole, "")
    }
}

/// The step that a strength reaches, in points that may exceed 100. A confidence too low for a challenge by itself isn't
/// raised by class or severity.
fn reached(confidence: u8, for_more: i64, points: i64, parameters: &Parameters) -> Step {
    if i64::from(confidence) < parameters.challenge_from {
        return Step::Observe;
    }
    let steps = [
        (for_more, parameters.whole_from, Step::Whole),
        (for_more, parameters.part_from, Step::Part),
        (points, parameters.narrow_from, Step::Narrow),
        (points, parameters.challenge_from, Step::Challenge),
    ];
    let reached = steps.into_iter().find(|(points, from, _)| points >= from);
    reached.map_or(Step::Observe, |(_, _, step)| step)
}
