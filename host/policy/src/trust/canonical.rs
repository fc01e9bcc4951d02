//! The canonical form of `trust.toml`: RFC 8785 JSON of what is written, with every default written out.

use countersign_document::Diagnostic;

use super::Written;

pub(super) fn write(written: &Written) -> Vec<u8> {
    // It has no map with keys other than text and no number that isn't finite, so this can't fail.
    serde_json_canonicalizer::to_vec(written).unwrap_or_default()
}

pub(super) fn read(bytes: &[u8]) -> Result<Written, Vec<Diagnostic>> {
    let fault = |got: String| vec![Diagnostic::new("", "what `trust.toml` says in canonical form", got)];
    let written: Written = serde_json::from_slice(bytes).map_err(|error| fault(format!("`{error}`")))?;
    if write(&written) == bytes { Ok(written) } else { Err(fault("the same in another form".to_owned())) }
}
