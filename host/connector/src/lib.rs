//! What acts on identities. Only connectors speak to identity providers, and a [`Connector`] takes nothing but what the
//! gate authorised. Nothing executes yet: this is the boundary that it will go through.

use countersign_gate::Authorised;
use countersign_model::Digest;

/// Acts on identities. It gets nothing but what the gate authorised.
///
/// ```
/// use countersign_connector::{Connector, Execution, Undo};
/// use countersign_gate::Authorised;
///
/// struct Nothing;
///
/// impl Connector for Nothing {
///     fn name(&self) -> &str {
///         "nothing"
///     }
///
///     fn execute(&self, action: Authorised) -> Execution {
///         Execution { idempotency_key: action.idempotency_key(), result: Ok(Undo::Nothing) }
///     }
/// }
///
/// fn once(authorised: Authorised, connector: &dyn Connector) -> Execution {
///     connector.execute(authorised)
/// }
/// ```
///
/// What was authorised can be executed only once:
///
/// ```compile_fail,E0382
/// fn twice(authorised: countersign_gate::Authorised, connector: &dyn countersign_connector::Connector) {
///     let _ = connector.execute(authorised);
///     let _ = connector.execute(authorised);
/// }
/// ```
///
/// and a decision isn't enough:
///
/// ```compile_fail,E0308
/// fn decided(decision: countersign_model::Decision, connector: &dyn countersign_connector::Connector) {
///     let _ = connector.execute(decision);
/// }
/// ```
pub trait Connector {
    /// Its name, as in the capability tables.
    fn name(&self) -> &str;

    /// Does what was authorised. The right is consumed. What was done under its idempotency key already isn't done again.
    fn execute(&self, action: Authorised) -> Execution;
}

/// What a connector did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The key of the intent that it was done for.
    pub idempotency_key: Digest,
    /// How it went: what it takes to undo it, or why it failed.
    pub result: Result<Undo, String>,
}

/// What undoing takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Nothing is to be undone: it heals by itself.
    Nothing,
    /// The state before, in the connector's own format.
    Restore(String),
    /// It can't be undone.
    Impossible,
}
