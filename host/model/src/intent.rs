//! What is on record before anything is done: by which decision, and under which key it is done once.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// A decision that may act, as it is stored in the commit of that decision.
///
/// It names the decision and grants nothing: what may be done is decided anew when it is done, by the gate, from the
/// inputs that `inputs` names and the circumstances of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The number of the decision's record.
    pub record: u64,
    /// Names the blob of the gate's inputs.
    pub inputs: Digest,
    /// Which of the decisions that these inputs lead to, from 0.
    pub decision: u32,
    /// Keyed digest of incident, action, account and lease number: doing it again under this key does nothing.
    pub idempotency_key: Digest,
}
