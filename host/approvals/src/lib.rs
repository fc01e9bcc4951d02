//! Approvals: what a person is asked (a [`Card`]), what a person says ([`Statement`], signed with an SSH key), who may say it
//! ([`Electorate`]), and what becomes of it ([`Approval`], [`Desk`]). Pure: time and everything else is passed in, so that the
//! same inputs end the same way when a record is recomputed.

mod answer;
mod approval;
mod card;
mod desk;
mod electorate;
#[cfg(test)]
#[path = "../tests/unit/model.rs"]
mod model;
#[cfg(test)]
#[path = "../tests/unit/people.rs"]
mod people;
mod sshsig;
mod terms;

pub use answer::{Answer, AnswerError, MAX_REASON, NAMESPACE, Signed, Statement};
pub use approval::{Approval, Outcome, Refusal, RefusalCode, State, Vote};
pub use card::{Card, Change, Evidence, Undoing};
pub use desk::{Asked, Counter, Desk, Ended, Limits};
pub use electorate::{Bar, Electorate};
pub use terms::{Escalation, Meanwhile, Terms};
