//! The outbox: an intent on its way through a connector ([`Work`]), and which of several is taken up next ([`Lanes`]). Pure:
//! time and what connectors report are passed in, in the order in which they are on record.
//!
//! The way of an intent that contains: the gate is asked again, *started* is committed, the connector is called, and what it
//! reports is committed. Of a call whose outcome isn't known nobody says that it failed: what is there is read back first.

mod input;
mod lanes;
mod retry;
mod work;

pub use input::{Compared, DeadReason, Effect, Gate, Input, Next, OutOfTurn, Outcome, Phase, Purpose, ReadBack};
pub use lanes::{Candidate, Lanes, Limits};
pub use retry::{LONGEST_WAIT, wait};
pub use work::{Begun, Work};
