//! From findings to decisions: findings → incident → response rules → gate → decisions. Pure but for the calls of response
//! rules; a session puts on record what it is given.

mod bounds;
pub mod bundle;
mod case;
mod casework;
mod intent;
pub mod respond;
pub mod subject;

pub use bounds::CaseError;
pub use case::{Case, CaseDecision, CaseFinding, CaseResponse};
pub use casework::Casework;
pub use intent::IntentDraft;
