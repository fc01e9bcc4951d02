//! What the operator sets for a rule's parameters, held against the rule's declaration.

use countersign_declaration::{Declaration, resolve_nodes};
use countersign_document::{Diagnostic, Node};
use countersign_model::call::Parameter;

use crate::policy::Policy;

impl Policy {
    /// A rule's parameters in declared order: what the operator set, else the declared default.
    ///
    /// # Errors
    /// Everything wrong with what the operator set: unknown names, wrong types, values out of range. Lines are those
    /// of the policy's text, if it was read from text.
    pub fn parameters(&self, declaration: &Declaration) -> Result<Vec<Parameter>, Vec<Diagnostic>> {
        let settings = self.rule(&declaration.id).cloned().unwrap_or_default();
        let nodes: Vec<(&str, Node)> = settings
            .parameters
            .iter()
            .map(|(name, value)| {
                let place = format!("rule.\"{}\".parameters.{name}", declaration.id);
                (name.as_str(), Node::from_json(value, place).at_line(settings.lines.get(name).copied()))
            })
            .collect();
        resolve_nodes(declaration, &nodes)
            .map_err(|refusals| refusals.into_iter().map(|refusal| refusal.diagnostic).collect())
    }
}
