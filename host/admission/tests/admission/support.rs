//! Components made for tests: a base of our own world, and fixtures as data that each put one fault into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_admission::sections::{self, DATA_SECTION, DECLARATION_SECTION, SIGNATURE_SECTION};
use countersign_declaration::{Ceilings, RefusalCode, parse_toml, to_section};
use countersign_model::Digest;
use serde::Deserialize;
use serde_json::Value;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// The data that every base carries.
pub(crate) const DATA: &[u8] = b"what the rule was built with";

/// Where the fixtures are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/admission")
}

/// Low limits, so that fixtures above them stay small.
pub(crate) fn ceilings() -> Ceilings {
    Ceilings {
        component_bytes: 256 << 10,
        data_bytes: 16 << 10,
        custom_bytes: 64 << 10,
        function_bytes: 16 << 10,
        functions: 1_000,
        types: 2_000,
        ..Ceilings::default()
    }
}

/// One fault, or none: the change to the base, and the expected refusals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fixture {
    /// What it shows.
    pub(crate) meaning: String,
    /// What kind of fault it is: masks name it.
    pub(crate) part: String,
    /// `detection` (the default) or `response`.
    #[serde(default = "detection")]
    pub(crate) base: String,
    /// Every reason, in order; none if it is admitted.
    #[serde(default)]
    pub(crate) refusal: Vec<Expected>,
    // What is done to the base, in the order of the fields.
    /// Texts replaced in the WIT from which the component is made.
    #[serde(default)]
    pub(crate) wit: Vec<[String; 2]>,
    /// The component is made from the WIT of this kind.
    pub(crate) wit_kind: Option<String>,
    /// The component's core module instead of the component.
    #[serde(default)]
    pub(crate) core_module: bool,
    /// Sections put at the component's end: fields of a component as text. `NOPS` is 20,000 instructions.
    pub(crate) append: Option<String>,
    /// How often they are put there.
    pub(crate) append_times: Option<usize>,
    /// A custom section of so many bytes.
    pub(crate) padding: Option<usize>,
    /// Bytes after all that, as hexadecimal text.
    pub(crate) tail: Option<String>,
    /// Changes of the declaration's value tree.
    #[serde(default)]
    pub(crate) patch: Vec<Patch>,
    /// Text put before the declaration's.
    pub(crate) declaration_before: Option<String>,
    /// Text put after the declaration's.
    pub(crate) declaration_after: Option<String>,
    /// Bytes cut from the declaration's end.
    pub(crate) declaration_cut: Option<usize>,
    /// `none`, `twice` (the second at the end) or `front` (the second before everything).
    pub(crate) declaration: Option<String>,
    /// `none`, `twice` or `other`.
    pub(crate) data: Option<String>,
    /// So many bytes of data beside the base's.
    pub(crate) data_padding: Option<usize>,
    /// How many signature sections it has.
    #[serde(default)]
    pub(crate) signatures: usize,
    /// How many bytes each signature has.
    pub(crate) signature_bytes: Option<usize>,
    /// The share of the file that is kept.
    pub(crate) keep: Option<f64>,
    /// The whole file, as hexadecimal text.
    pub(crate) bytes: Option<String>,
}

fn detection() -> String {
    "detection".to_owned()
}

/// A reason as a fixture names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The code's text.
    pub(crate) code: String,
    /// The place; none where it is a byte that depends on the encoder.
    pub(crate) place: Option<String>,
}

impl Expected {
    /// The code.
    pub(crate) fn code(&self) -> RefusalCode {
        RefusalCode::from_id(&self.code).unwrap_or_else(|| unreachable!("`{}` is not a code", self.code))
    }
}

/// A change at a place of the declaration's value tree.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    /// JSON pointer (RFC 6901); a last part `-` appends to a list.
    pub(crate) path: String,
    /// The new value; none removes.
    pub(crate) value: Option<Value>,
    /// So many letters as the new value.
    pub(crate) letters: Option<usize>,
}

/// Every fixture by its name.
pub(crate) fn fixtures() -> BTreeMap<String, Fixture> {
    let mut fixtures = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "toml") && name != "masks" {
            let text = std::fs::read_to_string(&path).unwrap();
            let fixture: Fixture = toml::from_str(&text).unwrap_or_else(|error| unreachable!("{name}: {error}"));
            fixtures.insert(name, fixture);
        }
    }
    fixtures
}

/// A component of a world, and the core module in it.
pub(crate) fn component(wit: &str, kind: &str) -> (Vec<u8>, Vec<u8>) {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("fixture.wit", wit).unwrap();
    let world = *resolve.packages[package].worlds.get(kind).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    (component, module)
}

/// The base of a kind with all these changes.
pub(crate) fn build(kind: &str, changes: &[&Fixture]) -> Vec<u8> {
    if let Some(bytes) = changes.iter().find_map(|change| change.bytes.as_ref()) {
        return countersign_model::digest::unhex(bytes).unwrap();
    }
    let wit_kind = changes.iter().find_map(|change| change.wit_kind.as_deref()).unwrap_or(kind);
    let mut wit = match wit_kind {
        "detection" => include_str!("../../../../wit/detection.wit"),
        _ => include_str!("../../../../wit/response.wit"),
    }
    .to_owned();
    for [from, to] in changes.iter().flat_map(|change| &change.wit) {
        assert!(wit.contains(from.as_str()), "`{from}` is not in the WIT");
        wit = wit.replacen(from.as_str(), to, 1);
    }
    let (component, module) = component(&wit, wit_kind);
    let mut bytes = if changes.iter().any(|change| change.core_module) { module } else { component };
    for change in changes {
        if let Some(fields) = &change.append {
            let text = format!("(component {})", fields.replace("NOPS", &"nop ".repeat(20_000)));
            let sections = wat::parse_str(&text).unwrap_or_else(|error| unreachable!("{text}: {error}"));
            for _ in 0..change.append_times.unwrap_or(1) {
                bytes.extend_from_slice(&sections[8..]);
            }
        }
    }
    for size in changes.iter().filter_map(|change| change.padding) {
        bytes.extend(section("padding", &vec![0; size]));
    }
    for tail in changes.iter().filter_map(|change| change.tail.as_ref()) {
        bytes.extend(countersign_model::digest::unhex(tail).unwrap());
    }
    bytes = with_sections(bytes, kind, changes);
    if let Some(share) = changes.iter().find_map(|change| change.keep) {
        bytes.truncate((bytes.len() as f64 * share) as usize);
    }
    bytes
}

/// The declaration of a base.
pub(crate) fn base_declaration(kind: &str) -> countersign_declaration::Declaration {
    let text = std::fs::read_to_string(folder().join(format!("base/{kind}.toml"))).unwrap();
    let mut declaration = parse_toml(&text).unwrap_or_else(|refusals| unreachable!("{refusals:#?}"));
    declaration.data = Some(Digest::of(DATA));
    declaration
}

/// Puts our sections on, with their faults: by hand, for `attach` writes none.
fn with_sections(mut bytes: Vec<u8>, kind: &str, changes: &[&Fixture]) -> Vec<u8> {
    let mut tree: Value = serde_json::from_slice(&to_section(&base_declaration(kind))).unwrap();
    for patch in changes.iter().flat_map(|change| &change.patch) {
        apply(&mut tree, patch);
    }
    let mut text = serde_json_canonicalizer::to_vec(&tree).unwrap();
    for change in changes {
        text.truncate(text.len() - change.declaration_cut.unwrap_or(0));
        text.splice(0..0, change.declaration_before.clone().unwrap_or_default().into_bytes());
        text.extend(change.declaration_after.clone().unwrap_or_default().into_bytes());
    }
    let declaration = section(DECLARATION_SECTION, &text);
    let mode = |pick: fn(&Fixture) -> Option<&str>| changes.iter().find_map(|change| pick(change)).unwrap_or("once");
    match mode(|change| change.declaration.as_deref()) {
        "none" => {}
        "front" => {
            bytes.splice(8..8, declaration.clone());
            bytes.extend(declaration);
        }
        "twice" => bytes.extend([declaration.clone(), declaration].concat()),
        _ => bytes.extend(declaration),
    }
    let mut data = DATA.to_vec();
    data.extend(vec![b'.'; changes.iter().filter_map(|change| change.data_padding).sum()]);
    match mode(|change| change.data.as_deref()) {
        "none" => {}
        "twice" => {
            bytes.extend(section(DATA_SECTION, &data));
            bytes.extend(section(DATA_SECTION, &data));
        }
        "other" => bytes.extend(section(DATA_SECTION, b"another one's")),
        _ => bytes.extend(section(DATA_SECTION, &data)),
    }
    for change in changes {
        let signature = vec![b'.'; change.signature_bytes.unwrap_or(1)];
        bytes.extend(section(SIGNATURE_SECTION, &signature).repeat(change.signatures));
    }
    bytes
}

fn apply(tree: &mut Value, patch: &Patch) {
    let (parent, last) = patch.path.rsplit_once('/').unwrap();
    let parent = tree.pointer_mut(parent).unwrap_or_else(|| unreachable!("`{}` is not in the base", patch.path));
    let value = patch.value.clone().or_else(|| patch.letters.map(|count| Value::from("x".repeat(count))));
    match (parent, value) {
        (Value::Array(items), Some(value)) if last == "-" => items.push(value),
        (Value::Array(items), Some(value)) => items[last.parse::<usize>().unwrap()] = value,
        (Value::Object(map), Some(value)) => {
            map.insert(last.to_owned(), value);
        }
        (Value::Object(map), None) => {
            map.remove(last).unwrap_or_else(|| unreachable!("`{}` is not in the base", patch.path));
        }
        _ => unreachable!("`{}` can't be patched", patch.path),
    }
}

/// A custom section.
pub(crate) fn section(name: &str, contents: &[u8]) -> Vec<u8> {
    let custom = wasm_encoder::CustomSection { name: name.into(), data: contents.into() };
    let mut module = wasm_encoder::Component::new();
    module.section(&custom);
    module.finish()[8..].to_vec()
}

/// The base as `rule build` writes it.
pub(crate) fn base(kind: &str) -> Vec<u8> {
    let bytes = build(kind, &[]);
    let stripped = sections::strip(&bytes);
    let attached = sections::attach(&stripped, &base_declaration(kind), Some(DATA)).unwrap();
    assert_eq!(attached, bytes, "the fixtures' sections are those of `attach`");
    attached
}

/// A base with additional fields.
pub(crate) fn with(fields: &str) -> Vec<u8> {
    let fields = wat::parse_str(format!("(component {fields})")).unwrap();
    let component = [&sections::strip(&base("detection")), &fields[8..]].concat();
    sections::attach(&component, &base_declaration("detection"), Some(DATA)).unwrap()
}
