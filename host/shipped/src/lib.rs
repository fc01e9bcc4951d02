//! The shipped rules as bytes. They pass admission like any others.

/// Each shipped rule: its id, and the component with its sections. In the order of their folders.
pub const RULES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));
