//! The canonical form of a policy: RFC 8785 JSON of what is written, with every default written out.

use countersign_document::Diagnostic;

use super::{Policy, Written};

pub(super) fn write(written: &Written) -> Vec<u8> {
    // A policy has no map with keys other than text and no number that isn't finite, so this can't fail.
    serde_json_canonicalizer::to_vec(written).unwrap_or_default()
}

pub(super) fn read(bytes: &[u8]) -> Result<Policy, Vec<Diagnostic>> {
    let fault = |got: String| {
        vec![Diagnostic::new("", "a policy in canonical form", got)]
    };
    let written: Written = serde_json::from_slice(bytes).map_err(|error| fault(format!("`{error}`")))?;
    if write(&written) != bytes {
        return Err(fault("the same policy in another form".to_owned()));
    }
    Policy::of(written)
}
