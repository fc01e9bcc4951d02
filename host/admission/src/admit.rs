//! Admission itself: every possible check is made, and all reasons are returned together.

use countersign_declaration::{
    Ceilings, Declaration, Peek, Refusal, RefusalCode, check_peek_ceilings, parse_section, peek, quoted,
};
use countersign_model::{Digest, RuleIdentity};

use crate::binary::{Layer, Outline, outline};
use crate::sections::{
    DATA_SECTION, DECLARATION_SECTION, MAX_SIGNATURE_BYTES, OURS, SIGNATURE_SECTION, core_module, strip, too_large,
};
use crate::{caps, features, world};

/// A rule whose bytes passed every check. Only [`admit`] and [`admit_again`] make one, so everything that the engine compiles was admitted.
#[derive(Clone, Debug)]
pub struct Admitted {
    declaration: Declaration,
    data: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
    component: Vec<u8>,
    code: Digest,
    declaration_digest: Digest,
    data_digest: Option<Digest>,
}

impl Admitted {
    /// What the rule declares.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// The data that the rule was built with, if any.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }

    /// The signature section, if there is one: bytes that nobody has looked at. Admission says nothing about who
    /// published a rule.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8]> {
        self.signature.as_deref()
    }

    /// The component without Countersign's sections, which is what is compiled.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        &self.component
    }

    /// SHA-256 of [`Admitted::component`].
    #[must_use]
    pub fn code(&self) -> Digest {
        self.code
    }

    /// SHA-256 of the declaration section.
    #[must_use]
    pub fn declaration_digest(&self) -> Digest {
        self.declaration_digest
    }

    /// SHA-256 of the data section, if there is one.
    #[must_use]
    pub fn data_digest(&self) -> Option<Digest> {
        self.data_digest
    }

    /// The rule's identity with parameters in force: see `countersign_declaration::parameters_digest`.
    #[must_use]
    pub fn identity(&self, parameters: Digest) -> RuleIdentity {
        RuleIdentity {
            id: self.declaration.id.clone(),
            version: self.declaration.version.to_string(),
            code: self.code,
            declaration: self.declaration_digest,
            data: self.data_digest,
            parameters,
        }
    }
}

/// Admits a rule's bytes, or refuses them. Bytes from anywhere may be given: nothing of the rule runs, and what is known
/// to take more time or memory than the bytes are worth is refused. What nobody knows of yet is bounded only where this
/// runs in a child process: `countersign_intake` does that.
///
/// # Errors
/// Every reason. `tests/fixtures/admission/masks.toml` lists the faults that hide others.
pub fn admit(bytes: &[u8], ceilings: &Ceilings) -> Result<Admitted, Vec<Refusal>> {
    read(bytes, ceilings, binary)
}

/// The same as [`admit`], for bytes that were admitted before, under these ceilings and the same [`crate::code_rules`]:
/// the WebAssembly isn't looked at again; sections, sizes, declaration and data are. The caller must be as trustworthy
/// as admission itself.
///
/// # Errors
/// As [`admit`], but for reasons that are in the WebAssembly.
pub fn admit_again(bytes: &[u8], ceilings: &Ceilings) -> Result<Admitted, Vec<Refusal>> {
    read(bytes, ceilings, |_, _, _, _| Vec::new())
}

/// The checks of the WebAssembly itself.
type Binary = fn(&[u8], &Outline<'_>, &Ceilings, &Peek) -> Vec<Refusal>;

fn read(bytes: &[u8], ceilings: &Ceilings, binary: Binary) -> Result<Admitted, Vec<Refusal>> {
    let outline = outline(bytes, OURS);
    let mut refusals: Vec<Refusal> = layer(bytes, &outline).into_iter().collect();
    let (too_large, component_fits) = sizes(bytes, &outline, ceilings);
    refusals.extend(too_large);
    let (declared, peek) = declaration(&outline, ceilings, &mut refusals);
    refusals.extend(check_peek_ceilings(&peek, ceilings));
    let data = data(&outline, &peek, ceilings, &mut refusals);
    let signature = signature(&outline, &mut refusals);
    // Of a component beyond the cap, only the outline is read.
    if outline.layer.is_some() && component_fits {
        refusals.extend(binary(bytes, &outline, ceilings, &peek));
    }

    match declared {
        Some((declaration, declaration_digest)) if refusals.is_empty() => {
            let component = strip(bytes);
            Ok(Admitted {
                code: Digest::of(&component),
                component,
                declaration_digest,
                data_digest: declaration.data,
                data: data.map(<[u8]>::to_vec),
                signature: signature.map(<[u8]>::to_vec),
                declaration,
            })
        }
        // INVARIANT: without a declaration, or without code that could be checked, there is a reason.
        _ => Err(refusals),
    }
}

/// Checks the header.
fn layer(bytes: &[u8], outline: &Outline<'_>) -> Option<Refusal> {
    match outline.layer {
        Some(Layer::Component) => None,
        Some(Layer::Module) => Some(core_module()),
        None => {
            let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(8)).unwrap_or_default()).into_owned();
            let got = if bytes.is_empty() { "nothing".to_owned() } else { quoted(&start) };
            Some(Refusal::new(RefusalCode::WasmMalformed, "byte 0", "a WebAssembly component", got))
        }
    }
}

/// The caps on the bytes of the component and of Countersign's sections, and whether the component is within its cap.
fn sizes(bytes: &[u8], outline: &Outline<'_>, ceilings: &Ceilings) -> (Vec<Refusal>, bool) {
    let sizes_of = |name: &str| outline.named(name).iter().map(|(_, contents)| contents.len()).collect::<Vec<_>>();
    let (declarations, data) = (sizes_of(DECLARATION_SECTION), sizes_of(DATA_SECTION));
    let signatures = sizes_of(SIGNATURE_SECTION);
    let ours: usize = declarations.iter().chain(&data).chain(&signatures).sum();
    let largest = |sizes: &[usize]| sizes.iter().copied().max().unwrap_or_default();
    let component = bytes.len().saturating_sub(ours);
    let too_large = [
        (RefusalCode::WasmTooLarge, "component", component, ceilings.component_bytes),
        (RefusalCode::WasmTooLarge, DECLARATION_SECTION, largest(&declarations), ceilings.declaration_bytes),
        (RefusalCode::WasmTooLarge, DATA_SECTION, largest(&data), ceilings.data_bytes),
        (RefusalCode::SignatureTooLarge, SIGNATURE_SECTION, largest(&signatures), MAX_SIGNATURE_BYTES),
    ]
    .into_iter()
    .filter(|(_, _, got, max)| got > max)
    .map(|(code, place, got, max)| too_large(code, place, max, got));
    (too_large.collect(), component <= ceilings.component_bytes)
}

/// The declaration with its digest, and what could be read of it in any case. A second section is a fault; the first
/// is still read for other faults.
fn declaration(
    outline: &Outline<'_>,
    ceilings: &Ceilings,
    refusals: &mut Vec<Refusal>,
) -> (Option<(Declaration, Digest)>, Peek) {
    let sections = outline.named(DECLARATION_SECTION);
    for (at, _) in sections.iter().skip(1).take(1) {
        let got = format!("{} of them", sections.len());
        let expected = format!("one section `{DECLARATION_SECTION}`");
        refusals.push(Refusal::new(RefusalCode::DeclarationDuplicate, format!("byte {at}"), expected, got));
    }
    let Some((_, contents)) = sections.first() else {
        // Truncated bytes may have lost it: the truncation is reported instead.
        if outline.whole {
            let expected = format!("a section `{DECLARATION_SECTION}`");
            let refusal = Refusal::new(RefusalCode::DeclarationMissing, "component", expected, "none")
                .with_hint(Some("`rule build` writes it from `rule.toml`".to_owned()));
            refusals.push(refusal);
        }
        return (None, Peek::default());
    };
    if contents.len() > ceilings.declaration_bytes {
        return (None, Peek::default());
    }
    match parse_section(contents) {
        Ok(declaration) => {
            let peek = Peek::of(&declaration);
            (Some((declaration, Digest::of(contents))), peek)
        }
        Err(reasons) => {
            refusals.extend(reasons);
            (None, peek(contents))
        }
    }
}

/// The data, held against the digest that the declaration carries.
fn data<'a>(outline: &Outline<'a>, peek: &Peek, ceilings: &Ceilings, refusals: &mut Vec<Refusal>) -> Option<&'a [u8]> {
    let sections = outline.named(DATA_SECTION);
    for (at, _) in sections.iter().skip(1).take(1) {
        let expected = format!("at most one section `{DATA_SECTION}`");
        let got = format!("{} of them", sections.len());
        refusals.push(Refusal::new(RefusalCode::DataDuplicate, format!("byte {at}"), expected, got));
    }
    let first = sections.first().map(|(_, contents)| *contents);
    // Data beyond their cap are reported as such, and not read.
    if first.is_some_and(|contents| contents.len() > ceilings.data_bytes) {
        return None;
    }
    let (expected, got) = match (peek.data?, first) {
        (Some(digest), Some(contents)) if Digest::of(contents) == digest => return first,
        (None, None) => return None,
        (Some(digest), Some(contents)) => (format!("data with SHA-256 {digest}"), Digest::of(contents).to_string()),
        // Truncated bytes may have lost it.
        (Some(_), None) if !outline.whole => return None,
        (Some(digest), None) => (format!("data with SHA-256 {digest}"), "none".to_owned()),
        (None, Some(contents)) => ("no data".to_owned(), format!("{} bytes of it", contents.len())),
    };
    refusals.push(Refusal::new(RefusalCode::DataMismatch, DATA_SECTION, expected, got));
    None
}

/// The signature, unread.
fn signature<'a>(outline: &Outline<'a>, refusals: &mut Vec<Refusal>) -> Option<&'a [u8]> {
    let sections = outline.named(SIGNATURE_SECTION);
    for (at, _) in sections.iter().skip(1).take(1) {
        let expected = format!("at most one section `{SIGNATURE_SECTION}`");
        let got = format!("{} of them", sections.len());
        refusals.push(Refusal::new(RefusalCode::SignatureDuplicate, format!("byte {at}"), expected, got));
    }
    sections.first().map(|(_, contents)| *contents)
}

/// The checks of the WebAssembly itself.
fn binary(bytes: &[u8], outline: &Outline<'_>, ceilings: &Ceilings, peek: &Peek) -> Vec<Refusal> {
    let memory = peek.limits.map_or(ceilings.memory, |limits| limits.memory);
    let mut refusals = Vec::new();
    let census = caps::census(bytes, |name| OURS.contains(&name));
    let above = census.above(ceilings, memory);
    // A binary that is too complex is so for the validator and the decoder too.
    let simple = !above.iter().any(|refusal| refusal.code == RefusalCode::WasmTooComplex);
    refusals.extend(above);
    refusals.extend(census.imports.iter().map(|(at, name, what)| {
        let got = format!("{what} {}", quoted(name));
        Refusal::new(RefusalCode::ImportPresent, format!("byte {at}"), "no imports", got)
    }));
    if !simple {
        return refusals;
    }
    let (invalid, decodable) = features::validate(bytes);
    refusals.extend(invalid);
    // The decoder is safe only on valid binaries.
    if decodable && outline.layer == Some(Layer::Component) {
        refusals.extend(world::compare(bytes, &census.exports, peek.kind));
    }
    refusals
}
