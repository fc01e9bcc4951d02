//! The entry of a response rule.

use crate::bindings::respond::{self, Answer, Parameter};
use crate::finding::cut;
use crate::incident::Incident;
use crate::parameters::Reader;
use crate::proposal::Proposal;
use crate::rule::{Response, Rule};

/// Answers an incident with the rule `R`: what the component's `propose` does, over the same types.
///
/// # Panics
/// When the call breaks the contract of the WIT; and when the rule does.
#[must_use]
pub fn propose<R: Response>(incident: &respond::Incident, parameters: &[Parameter], data: &[u8]) -> Answer {
    let parameters = R::parameters(&mut Reader::of_response(parameters));
    let answer = Answer { proposals: Vec::new(), diagnostics: Vec::new() };
    let mut cx = ResponseContext { parameters: &parameters, data, answer };
    R::respond(&Incident::new(incident), &mut cx);
    cx.answer
}

/// The surroundings of an incident: parameters and data in; proposals and diagnostics out.
pub struct ResponseContext<'a, 'p, R: Rule> {
    parameters: &'a R::Parameters<'p>,
    data: &'a [u8],
    answer: Answer,
}

impl<'a, 'p, R: Rule> ResponseContext<'a, 'p, R> {
    /// The parameters in force.
    #[must_use]
    pub fn parameters(&self) -> &'a R::Parameters<'p> {
        self.parameters
    }

    /// The rule's data file (`rule.data`), byte for byte; empty if it has none.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Proposes an action. The order is the rule's preference; the gate decides on each proposal on its own.
    pub fn propose(&mut self, proposal: Proposal<R>) {
        self.answer.proposals.push(proposal.into_answer());
    }

    /// Emits a note for the rule's author; it never affects a decision. At most 1,024 bytes, a longer text is cut.
    pub fn inform(&mut self, message: impl Into<String>) {
        self.diagnose(respond::Level::Information, message.into());
    }

    /// Emits a warning for the rule's author; it never affects a decision. At most 1,024 bytes, a longer text is cut.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.diagnose(respond::Level::Warning, message.into());
    }

    /// Emits an error for the rule's author; it never affects a decision. At most 1,024 bytes, a longer text is cut.
    pub fn error(&mut self, message: impl Into<String>) {
        self.diagnose(respond::Level::Error, message.into());
    }

    fn diagnose(&mut self, level: respond::Level, message: String) {
        self.answer.diagnostics.push(respond::Diagnostic { level, message: cut(message) });
    }
}

/// Exports the world `response` for a rule, on `wasm32`. The expansion of `#[response]` calls it.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_response {
    ($rule:ident) => {
        const _: () = {
            use $crate::bindings::respond;

            struct Guest;

            impl respond::Guest for Guest {
                fn propose(
                    incident: respond::Incident,
                    parameters: ::std::vec::Vec<respond::Parameter>,
                    data: ::std::vec::Vec<u8>,
                ) -> respond::Answer {
                    $crate::install_panic_hook::<$rule>();
                    $crate::propose::<$rule>(&incident, &parameters, &data)
                }
            }

    $crate::bindings::response::export_response_world!(Guest with_types_in $crate::bindings::response);
        };
    };
}
