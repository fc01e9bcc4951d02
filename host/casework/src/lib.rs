//! From a finding to decisions: findings → incident → response rules → gate → decision. Pure but for the calls of response
//! rules; a session records what comes of it.

pub mod bundle;
pub mod deliberate;
pub mod respond;
pub mod subject;
