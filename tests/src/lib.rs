//! The guests of the tests: small rules that misbehave or use a single feature, compiled by the build script. The tests
//! are in `tests/`.

/// Each guest: its id, and the component with its sections. In the order of their folders.
pub const GUESTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/guests.rs"));

include!(concat!(env!("OUT_DIR"), "/names.rs"));

/// A `trust.toml` under which the guests serve: nobody signed them, and nothing comes of their findings.
pub const TRUST: &str = "[publisher.example]\nunsigned = true\n\n[publisher.hostile]\nunsigned = true\n";
