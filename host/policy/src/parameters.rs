//! What the operator sets for a rule's parameters, held against the rule's declaration.

use countersign_declaration::{Declaration, resolve_parameters};
use countersign_model::call::Parameter;

use crate::fault::Fault;
use crate::policy::Policy;

impl Policy {
    /// A rule's parameters in declared order: what the operator set, else the declared default.
    ///
    /// # Errors
    /// Everything wrong with what the operator set: unknown names, wrong types, values out of range.
    pub fn parameters(&self, declaration: &Declaration) -> Result<Vec<Parameter>, Vec<Fault>> {
        let settings = self.rule(&declaration.id).cloned().unwrap_or_default();
        resolve_parameters(declaration, &settings.parameters).map_err(|refusals| {
            let fault = |refusal: countersign_declaration::Refusal| Fault {
                line: settings.line,
                place: format!("rule.\"{}\".{}", declaration.id, refusal.place),
                expected: refusal.expected,
                got: refusal.got,
                hint: refusal.hint,
            };
            refusals.into_iter().map(fault).collect()
        })
    }
}
