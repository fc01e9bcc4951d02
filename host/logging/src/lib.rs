//! Lines of a process's own log that others may cause, which are bounded.

mod log_rate;

pub use log_rate::LogRate;
