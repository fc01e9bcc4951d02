//! What bounds how much is done: blast-radius budgets ([`Budgets`]), the brake on common causes ([`Brakes`]) and the kill switch
//! ([`Kills`]). Pure: time and what is done are passed in, in the order in which they are on record.

mod brake;
mod budget;
mod cause;
mod kill;

pub use brake::{Brakes, Go, Release, Standing, TRANCHES, Threshold, Tripped};
pub use budget::{Budget, Budgets, Exhausted, Measure, Rate};
pub use cause::{Cause, CauseError, Causes};
pub use kill::{Killed, Kills, Switch, SwitchError};
