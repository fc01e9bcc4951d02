//! The shipped rules as bytes. They take the same way as anybody's: through admission.

/// Each shipped rule: its id, and the component with its sections. In the order of their folders.
pub const RULES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));
