//! Countersign's own sections in a component: exactly two names, at depth 0. `rule build` writes them, admission reads
//! them, and the component without them is what the code digest and the compile cache are about.

use countersign_declaration::{Declaration, Refusal, RefusalCode, to_section};
use countersign_model::Digest;

use crate::binary::{Layer, custom_section, outline};

/// The section with the declaration: canonical JSON.
pub const DECLARATION_SECTION: &str = "countersign-declaration";

/// The section with the rule's data: bytes that only the rule understands.
pub const DATA_SECTION: &str = "countersign-data";

/// Both names.
pub(crate) const OURS: &[&str] = &[DECLARATION_SECTION, DATA_SECTION];

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
    for (name, code) in
        [(DECLARATION_SECTION, RefusalCode::DeclarationDuplicate), (DATA_SECTION, RefusalCode::DataDuplicate)]
    {
        if let Some((at, _)) = outline.named(name).first() {
            let expected = format!("no section `{name}` before `rule build` writes it");
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
            None => refusals.push(Refusal::new(
                RefusalCode::WasmTooLarge,
                name,
                format!("at most {} bytes", u32::MAX),
                contents.len().to_string(),
            )),
        }
    }
    if refusals.is_empty() { Ok(bytes) } else { Err(refusals) }
}

/// The component without Countersign's sections at depth 0; bytes that aren't a component are returned unchanged.
#[must_use]
pub fn strip(component: &[u8]) -> Vec<u8> {
    let outline = outline(component, OURS);
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

pub(crate) fn core_module() -> Refusal {
    Refusal::new(RefusalCode::WasmCoreModule, "byte 4", "a component (version 0x1000d)", "a core module (version 1)")
        .with_hint(Some("`rule build` makes one of it".to_owned()))
}
