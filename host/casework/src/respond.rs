//! Calls response rules, and checks that their answers keep the contract.

use countersign_declaration::{Declaration, quoted};
use countersign_engine::ENGINE_VERSION;
use countersign_gate::{GateInputs, incident_view};
use countersign_model::call::{CallFailure, FailureKind};
use countersign_model::format::Format;
use countersign_model::response::{
    ActionValue, AnswerProposal, Responder, ResponseAnswer, ResponseCall, ResponseDiagnostic,
};
use countersign_model::vocabulary::{Action, ActionClass, ActionParameterType};
use countersign_model::{Incident, Proposal};

use crate::bundle::ResponseBundle;
use countersign_generation::Rule;

/// Maximum of proposals in an answer.
const MAX_PROPOSALS: usize = 16;

/// Maximum of diagnostics in an answer.
const MAX_DIAGNOSTICS: usize = 16;

/// Maximum length of a reason or diagnostic, bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// A response rule's checked answer to an incident.
#[derive(Debug)]
pub struct Response {
    /// Everything needed to make it again.
    pub bundle: ResponseBundle,
    /// Its proposals; none when it failed.
    pub proposals: Vec<Proposal>,
    /// Why it failed, or why its answer was refused.
    pub failure: Option<CallFailure>,
}

/// Calls a response rule. A call that misses the deadline is repeated once.
#[must_use]
pub fn call_response_rule(rule: &Rule, inputs: &GateInputs) -> Response {
    let call = ResponseCall {
        incident: incident_view(inputs, &rule.identity.id),
        parameters: rule.parameters.clone(),
        data: rule.data.clone(),
    };
    let mut answer = rule.loaded.respond(&call);
    if answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Deadline) {
        answer = rule.loaded.respond(&call);
    }
    let call = ResponseCall { data: Vec::new(), ..call };
    let engine = ENGINE_VERSION.to_owned();
    let bundle = ResponseBundle { format: Format, rule: rule.identity.clone(), engine, call, answer };
    Response::check(rule.declaration(), &inputs.incident, bundle)
}

impl Response {
    /// Checks the answer in a bundle.
    #[must_use]
    pub fn check(declaration: &Declaration, incident: &Incident, bundle: ResponseBundle) -> Response {
        let checked = match &bundle.answer {
            Ok(answer) => check_answer(declaration, incident.subjects.len(), answer),
            Err(failure) => Err(failure.clone()),
        };
        match checked {
            Ok(proposals) => Response { bundle, proposals, failure: None },
            Err(failure) => Response { bundle, proposals: Vec::new(), failure: Some(failure) },
        }
    }

    /// The same answer by a rule that failed: none of it is used.
    pub(crate) fn fail(&mut self, failure: CallFailure) {
        self.proposals.clear();
        self.failure.get_or_insert(failure);
    }

    /// What the rule says to its author, whether or not its proposals were accepted; none where there are more or longer
    /// ones than may be.
    #[must_use]
    pub fn diagnostics(&self) -> &[ResponseDiagnostic] {
        match &self.bundle.answer {
            Ok(answer) if check_diagnostics(&answer.diagnostics).is_ok() => &answer.diagnostics,
            _ => &[],
        }
    }
}

/// Checks an answer on an incident of so many subjects, and turns it into proposals.
///
/// # Errors
/// When any part of it breaks the contract: then none of it is used.
pub fn check_answer(
    declaration: &Declaration,
    subjects: usize,
    answer: &ResponseAnswer,
) -> Result<Vec<Proposal>, CallFailure> {
    if answer.proposals.len() > MAX_PROPOSALS {
        return invalid(format!("{} proposals, at most {MAX_PROPOSALS} are allowed", answer.proposals.len()));
    }
    check_diagnostics(&answer.diagnostics)?;
    let mut proposals: Vec<Proposal> = Vec::with_capacity(answer.proposals.len());
    for proposal in &answer.proposals {
        let proposal = check_proposal(declaration, subjects, proposal)?;
        if proposals.iter().any(|known| known.action == proposal.action && known.subject == proposal.subject) {
            return invalid(format!("`{}` is proposed twice for one subject", proposal.action));
        }
        proposals.push(proposal);
    }
    Ok(proposals)
}

fn check_diagnostics(diagnostics: &[ResponseDiagnostic]) -> Result<(), CallFailure> {
    if diagnostics.len() > MAX_DIAGNOSTICS {
        return invalid(format!("{} diagnostics, at most {MAX_DIAGNOSTICS} are allowed", diagnostics.len()));
    }
    match diagnostics.iter().find(|diagnostic| diagnostic.message.len() > MAX_TEXT_BYTES) {
        Some(long) => {
            invalid(format!("a diagnostic of {} bytes, at most {MAX_TEXT_BYTES} are allowed", long.message.len()))
        }
        None => Ok(()),
    }
}

fn check_proposal(
    declaration: &Declaration,
    subjects: usize,
    proposal: &AnswerProposal,
) -> Result<Proposal, CallFailure> {
    let action = Action::from_id(&proposal.action).filter(|action| declaration.actions.contains(action));
    let Some(action) = action else {
        return invalid(format!("action {} isn't declared", quoted(&proposal.action)));
    };
    let subject = proposal.subject as usize;
    if subject >= subjects {
        return invalid(format!("subject {subject}, there are {subjects}"));
    }
    if proposal.reason.len() > MAX_TEXT_BYTES {
        return invalid(format!("a reason of {} bytes, at most {MAX_TEXT_BYTES} are allowed", proposal.reason.len()));
    }
    if action.class() == ActionClass::Observe && proposal.lease.is_some() {
        return invalid(format!("`{action}` only observes and has no lease"));
    }
    let mut parameters: Vec<(String, ActionValue)> = Vec::new();
    for (name, value) in &proposal.parameters {
        let Some(known) = action.parameters().iter().find(|parameter| parameter.name == name) else {
            return invalid(format!("`{action}` has no parameter {}", quoted(name)));
        };
        let fits = match (known.ty, value) {
            (ActionParameterType::Integer { min, max }, ActionValue::Integer(value)) => (min..=max).contains(value),
            (ActionParameterType::Text { max_bytes }, ActionValue::Text(text)) => text.len() <= max_bytes,
            _ => false,
        };
        if !fits {
            return invalid(format!("parameter `{name}` of `{action}` isn't of its type or range"));
        }
        if parameters.iter().any(|(seen, _)| seen == name) {
            return invalid(format!("parameter `{name}` of `{action}` is given twice"));
        }
        parameters.push((name.clone(), value.clone()));
    }
    Ok(Proposal {
        rule: declaration.id.clone(),
        action,
        parameters,
        subject,
        lease: proposal.lease,
        reason: proposal.reason.clone(),
    })
}

fn invalid<T>(message: String) -> Result<T, CallFailure> {
    Err(CallFailure { kind: FailureKind::InvalidAnswer, message })
}

#[cfg(test)]
#[path = "../tests/unit/respond.rs"]
mod tests;
