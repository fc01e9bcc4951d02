//! What a component exports, in full: names, versions and every type, compared as text with Countersign's WIT. Documentation
//! and the order of definitions don't count. What would be much longer than Countersign's isn't printed.

use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use countersign_declaration::{Refusal, RefusalCode, quoted};
use countersign_model::vocabulary::RuleKind;
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use crate::length::printed_length;

pub(crate) const DETECTION: &str = include_str!("../../../wit/detection.wit");
pub(crate) const RESPONSE: &str = include_str!("../../../wit/response.wit");

static DETECTION_WORLD: LazyLock<Result<String, String>> = LazyLock::new(|| our_world(DETECTION, RuleKind::Detection));
static RESPONSE_WORLD: LazyLock<Result<String, String>> = LazyLock::new(|| our_world(RESPONSE, RuleKind::Response));

/// Most characters of an interface that is printed: several times Countersign's own. A component of 60 KB can have one
/// that takes gigabytes.
const MAX_PRINTED: u64 = 256 << 10;

/// Maximum number of lines of a difference that are reported.
const MAX_LINES: usize = 3;

/// The exports of Countersign's world for this kind of rule, as admission compares them.
///
/// # Errors
/// Never with the WIT that this crate was built with, which a test parses.
pub fn expected_world(kind: RuleKind) -> Result<&'static str, &'static str> {
    let world = match kind {
        RuleKind::Detection => &DETECTION_WORLD,
        RuleKind::Response => &RESPONSE_WORLD,
    };
    world.as_deref().map_err(String::as_str)
}

/// Compares a valid component's exports with Countersign's world; with either world if the kind isn't known.
pub(crate) fn compare(component: &[u8], exports: &[(String, bool)], kind: Option<RuleKind>) -> Option<Refusal> {
    let kinds = kind.map_or(RuleKind::ALL.to_vec(), |kind| vec![kind]);
    // The decoder gets only components that export one interface by the right name.
    let named = |name: &str| kinds.iter().any(|kind| export_name(*kind) == Some(name));
    if !matches!(exports, [(name, true)] if named(name)) {
        let expected: Vec<String> = kinds.iter().filter_map(|kind| export_name(*kind)).map(quoted).collect();
        let got: Vec<String> = exports.iter().take(2 * MAX_LINES).map(|(name, _)| quoted(name)).collect();
        let got = if got.is_empty() { "none".to_owned() } else { got.join(", ") };
        let expected =
            format!("{}, whose only export is the interface {}", expected_name(&kinds), expected.join(" or "));
        return Some(Refusal::new(RefusalCode::WorldMismatch, "world", expected, format!("exports {got}")));
    }
    let got = match shape_of(component) {
        Ok(got) => got,
        Err(error) => {
            let got = quoted(&format!("{error:#}"));
            return Some(Refusal::new(RefusalCode::WorldMismatch, "world", expected_name(&kinds), got));
        }
    };
    let mut refusal = None;
    for kind in &kinds {
        match expected_world(*kind) {
            Ok(expected) if expected == got => return None,
            Ok(expected) => {
                refusal.get_or_insert_with(|| difference(expected, &got, &kinds));
            }
            Err(error) => {
                refusal.get_or_insert_with(|| {
                    Refusal::new(RefusalCode::WorldMismatch, "world", "a world of Countersign", quoted(error))
                });
            }
        }
    }
    refusal
}

/// The name of the only export of Countersign's world for a kind.
fn export_name(kind: RuleKind) -> Option<&'static str> {
    expected_world(kind).ok()?.strip_prefix("export ")?.split_whitespace().next()
}

fn expected_name(kinds: &[RuleKind]) -> String {
    let worlds: Vec<_> = kinds.iter().map(|kind| format!("`countersign:rules/{kind}`")).collect();
    format!("the world {}", worlds.join(" or "))
}

/// The first lines that differ.
fn difference(expected: &str, got: &str, kinds: &[RuleKind]) -> Refusal {
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let same = expected.iter().zip(&got).take_while(|(one, other)| one == other).count();
    let lines = |text: &[&str]| {
        let shown: Vec<String> = text.iter().skip(same).take(MAX_LINES).map(|line| quoted(line.trim())).collect();
        if shown.is_empty() { "nothing more".to_owned() } else { shown.join(" ") }
    };
    let place = match expected.iter().take(same).rev().find(|line| line.starts_with("  ") && line.ends_with('{')) {
        // Within a definition, its name is more useful than a line number.
        Some(open) if expected.get(same).is_some_and(|line| line.starts_with("    ")) => {
            format!("world, {}", open.trim().trim_end_matches('{').trim())
        }
        _ => "world".to_owned(),
    };
    Refusal::new(
        RefusalCode::WorldMismatch,
        place,
        format!("{}, here {}", expected_name(kinds), lines(&expected)),
        lines(&got),
    )
}

/// The exports of a component as text.
fn shape_of(component: &[u8]) -> Result<String> {
    // The decoder is written for components that tools make, and a valid one can still break its assertions: a
    // panic must become a refusal.
    let decoded = std::panic::catch_unwind(|| wit_component::decode(component));
    match decoded {
        Ok(Ok(DecodedWasm::Component(mut resolve, world))) => shape(&mut resolve, world),
        Ok(Ok(DecodedWasm::WitPackage(..))) => bail!("a WIT package"),
        Ok(Err(error)) => Err(error),
        Err(_) => bail!("a component whose world can't be decoded"),
    }
}

fn our_world(wit: &str, kind: RuleKind) -> Result<String, String> {
    let parse = || -> Result<String> {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("countersign.wit", wit)?;
        let world = resolve.packages.get(package).and_then(|package| package.worlds.get(kind.id())).copied();
        shape(&mut resolve, world.with_context(|| format!("no world `{kind}`"))?)
    };
    parse().map_err(|error| format!("{error:#}"))
}

/// The exports of a world as text, definitions in the order of their names.
fn shape(resolve: &mut Resolve, world: WorldId) -> Result<String> {
    let exports = resolve.worlds.get(world).context("no world")?.exports.clone();
    let mut parts = Vec::new();
    for (key, item) in &exports {
        let name = name(resolve, key)?;
        parts.push(match item {
            WorldItem::Interface { id, .. } => {
                if let Some(interface) = resolve.interfaces.get_mut(*id) {
                    interface.types.sort_keys();
                    interface.functions.sort_keys();
                }
                if printed_length(resolve, *id) > MAX_PRINTED {
                    bail!("an interface that takes more than {MAX_PRINTED} characters to print");
                }
                let mut printer = WitPrinter::default();
                printer.emit_docs(false);
                printer.print_interface(resolve, *id)?;
                format!("export {name} {{\n{}}}\n", indented(&printer.output.to_string()))
            }
            WorldItem::Function(_) => format!("export {name}: func\n"),
            WorldItem::Type { .. } => format!("export {name}: type\n"),
        });
    }
    parts.sort();
    Ok(parts.concat())
}

fn name(resolve: &Resolve, key: &WorldKey) -> Result<String> {
    Ok(match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(id) => resolve.id_of(*id).context("an interface without a name")?,
    })
}

fn indented(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("  {line}\n")).collect()
}
