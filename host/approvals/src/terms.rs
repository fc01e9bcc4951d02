//! Under which terms a card is answered: by whom, how many of them, until when.

use countersign_model::vocabulary::text_ids;
use countersign_policy::PersonRole;
use serde::{Deserialize, Serialize};

text_ids! {
    /// What holds from an escalation until an answer.
    pub enum Meanwhile {
        /// Nothing is done.
        Nothing = "nothing",
        /// The strongest rung that may be automatic is done.
        StrongestAutomatic = "strongest-automatic",
    }
}

/// What happens where nobody answers for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Escalation {
    /// How long after the question, seconds.
    pub after: u32,
    /// Who may answer from then on too.
    pub role: PersonRole,
    /// What holds until somebody does.
    pub meanwhile: Meanwhile,
}

/// Under which terms a card is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Terms {
    /// Who may answer.
    pub role: PersonRole,
    /// How many people must approve; at least 1. It doesn't shrink where fewer can be reached.
    pub needed: u8,
    /// What happens where nobody answers for a while; none where nothing does until it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
}
