//! Acts that a provider records more than once: in every tenant that they concern.

use std::sync::Arc;

use countersign_model::vocabulary::FieldId;

/// The act of which a record is one copy. Records of one act with different recipients, that agree in all but the fields that
/// differ between copies, are one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedAct {
    /// What the provider calls the act, the same in each copy.
    pub id: String,
    /// Who received this copy.
    pub recipient: Arc<str>,
    /// The fields that may differ between copies.
    pub differing: Vec<FieldId>,
}
