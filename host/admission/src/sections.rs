//! Countersign's own sections in a component: exactly three names, at depth 0. `rule build` writes declaration and data,
//! `rule sign` the signature; admission reads them, and the component without them is what the code digest and the compile
//! cache are about.

use countersign_declaration::{Declaration, Refusal, RefusalCode, to_section};
use countersign_model::Digest;

use crate::binary::{Layer, custom_section, outline};

/// The section with the declaration: canonical JSON.
pub const DECLARATION_SECTION: &str = "countersign-declaration";

/// The section with the rule's data: bytes that only the rule understands.
pub const DATA_SECTION: &str = "countersign-data";

/// The section with the publisher's signature: an envelope of `countersign-signing`. No digest covers it, so a rule has
/// the same identity regardless of who signed it. Whether it proves anything is decided where the rule would serve.
pub const SIGNATURE_SECTION: &str = "countersign-signature";

/// The most bytes of the signature section.
pub const MAX_SIGNATURE_BYTES: usize = 16 << 10;

/// All names.
pub(crate) const OURS: &[&str] = &[DECLARATION_SECTION, DATA_SECTION, SIGNATURE_SECTION];

/// A component with its declaration, and its data if there are any, as sections at its end. The declaration's data
/// digest is set here.
///
/// # Errors
/// If the bytes aren't a component, if it already has one of these sections (only the build step writes them), or if a
/// section would be larger than WebAssembly's format allows.
pub fn attach(component: &[u8], declaration: &Declaration, data: Option<&[u8]>) -> Result<Vec<u8>, Vec<Refusal>> {
    let outline = outline(component, OURS);
    let mut refusals = Vec::new();
    match outline.layer {
        Some(Layer::Component) if outline.whole => {}
        Some(Layer::Module) => refusals.push(core_module()),
        _ => refusals.push(Refusal::new(RefusalCode::WasmMalformed, "component", "a whole component", "other bytes")),
    }
    for (name, code, writer) in [
        (DECLARATION_SECTION, RefusalCode::DeclarationDuplicate, "rule build"),
        (DATA_SECTION, RefusalCode::DataDuplicate, "rule build"),
        (SIGNATURE_SECTION, RefusalCode::SignatureDuplicate, "rule sign"),
    ] {
        if let Some((at, _)) = outline.named(name).first() {
            let expected = format!("no section `{name}` before `{writer}` writes it");
            refusals.push(Refusal::new(code, format!("byte {at}"), expected, "one"));
        }
    }
    let mut declaration = declaration.clone();
    declaration.data = data.map(Digest::of);
    let mut bytes = component.to_vec();
    let ours = [(DECLARATION_SECTION, Some(to_section(&declaration))), (DATA_SECTION, data.map(<[u8]>::to_vec))];
    for (name, contents) in ours.into_iter().filter_map(|(name, contents)| Some((name, contents?))) {
        match custom_section(name, &contents) {
            Some(section) => bytes.extend(section),
            None => refusals.push(too_large(RefusalCode::WasmTooLarge, name, u32::MAX as usize, contents.len())),
        }
    }
    if refusals.is_empty() { Ok(bytes) } else { Err(refusals) }
}

/// The rule with this signature section, in place of those that it has. Nothing else of it changes.
///
/// # Errors
/// If the bytes aren't a component, or the signature is larger than [`MAX_SIGNATURE_BYTES`].
pub fn attach_signature(rule: &[u8], signature: &[u8]) -> Result<Vec<u8>, Refusal> {
    let outline = outline(rule, OURS);
    if outline.layer != Some(Layer::Component) || !outline.whole {
        return Err(Refusal::new(RefusalCode::WasmMalformed, "component", "a whole component", "other bytes"));
    }
    let larger = || too_large(RefusalCode::SignatureTooLarge, SIGNATURE_SECTION, MAX_SIGNATURE_BYTES, signature.len());
    if signature.len() > MAX_SIGNATURE_BYTES {
        return Err(larger());
    }
    let mut bytes = without(rule, &[SIGNATURE_SECTION]);
    bytes.extend(custom_section(SIGNATURE_SECTION, signature).ok_or_else(larger)?);
    Ok(bytes)
}

/// The component without Countersign's sections at depth 0; bytes that aren't a component are returned unchanged.
#[must_use]
pub fn strip(component: &[u8]) -> Vec<u8> {
    without(component, OURS)
}

fn without(component: &[u8], sections: &[&str]) -> Vec<u8> {
    let outline = outline(component, sections);
    if !outline.whole {
        return component.to_vec();
    }
    let mut bytes = Vec::with_capacity(component.len());
    let mut at = 0;
    for custom in &outline.customs {
        bytes.extend_from_slice(component.get(at..custom.range.start).unwrap_or_default());
        at = custom.range.end;
    }
    bytes.extend_from_slice(component.get(at..).unwrap_or_default());
    bytes
}

pub(crate) fn too_large(code: RefusalCode, place: &str, max: usize, got: usize) -> Refusal {
    Refusal::new(code, place, format!("at most {max} bytes"), got.to_string())
}

pub(crate) fn core_module() -> Refusal {
    Refusal::new(RefusalCode::WasmCoreModule, "byte 4", "a component (version 0x1000d)", "a core module (version 1)")
        .with_hint(Some("`rule build` makes one of it".to_owned()))
}
