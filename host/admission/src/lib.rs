//! Admission: the checks between a file and the engine. It reads the bytes, never runs them, and either refuses them
//! with every reason or returns an [`Admitted`], the only type that the engine loads. No I/O, and no compiler.
//!
//! Faults that hide others are listed in `tests/fixtures/admission/masks.toml`.

mod admit;
mod binary;
mod caps;
mod features;
mod length;
mod precedent;
pub mod sections;
mod work;
mod world;

pub use admit::{Admitted, admit, admit_again};
pub use features::feature_names;
pub use precedent::{code_rules, fingerprint};
pub use world::expected_world;
