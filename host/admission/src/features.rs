//! Validation, and which features of WebAssembly are on: what Rust's `wasm32-unknown-unknown` emits, and no more.
//! Turning one off later would break rules that were admitted, so all others have been off since the first release.

use countersign_declaration::{Refusal, RefusalCode, quoted};
use wasmparser::{BinaryReaderError, FuncValidatorAllocations, Parser, ValidPayload, Validator, WasmFeatures};

use crate::work::{Meter, TooMuch, weight};

/// The features that rules may use.
const ON: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Maximum nesting of blocks, loops and branches: more than compilers make of a large `match`. The machine-code
/// generator's time grows with its square.
pub(crate) const MAX_NESTED: u32 = 10_000;

/// The features of WebAssembly that rules may use, by the validator's names.
#[must_use]
pub fn feature_names() -> Vec<&'static str> {
    ON.iter_names().map(|(name, _)| name).collect()
}

/// The most work of validating once. A component of the largest size that compilers make is a third of it.
const MAX_WORK: u64 = 64 << 20;

/// The most work of finding out which disabled features a binary uses.
const MAX_NAMING: u64 = 8 << 20;

/// Validates a whole binary, function bodies included. Every disabled feature that is used is reported, as far as a
/// bounded amount of work finds them out. Also returns whether the binary is valid apart from such features.
pub(crate) fn validate(bytes: &[u8]) -> (Vec<Refusal>, bool) {
    let error = match with_features(bytes, ON, &mut Meter::new(MAX_WORK)) {
        Ok(deepest) => return (deepest.refusal().into_iter().collect(), true),
        Err(Fault::TooMuch(_)) => return (vec![too_much()], false),
        Err(Fault::Invalid(error)) => error,
    };
    let deepest = match with_features(bytes, WasmFeatures::all(), &mut Meter::new(MAX_WORK)) {
        Ok(deepest) => deepest,
        Err(Fault::TooMuch(_)) => return (vec![too_much()], false),
        Err(Fault::Invalid(_)) => {
            let place = format!("byte {}", error.offset());
            let refusal = Refusal::new(RefusalCode::WasmMalformed, place, "valid WebAssembly", message(&error));
            return (vec![refusal], false);
        }
    };
    // A feature is used if the binary isn't valid without it.
    let mut naming = Meter::new(MAX_NAMING);
    let mut refusals = Vec::new();
    for (name, feature) in WasmFeatures::all().difference(ON).iter_names() {
        match with_features(bytes, WasmFeatures::all().difference(feature), &mut naming) {
            Ok(_) => {}
            Err(Fault::Invalid(error)) => refusals.push(feature_off(&name.to_lowercase().replace('_', "-"), &error)),
            Err(Fault::TooMuch(_)) => break,
        }
    }
    if refusals.is_empty() {
        // A large binary, or an instruction that several features have.
        let place = format!("byte {}", error.offset());
        refusals.push(Refusal::new(RefusalCode::WasmFeatureOff, place, "only enabled features", message(&error)));
    }
    refusals.extend(deepest.refusal());
    (refusals, true)
}

fn feature_off(name: &str, error: &BinaryReaderError) -> Refusal {
    let place = format!("byte {}", error.offset());
    let got = format!("{name}: {}", message(error));
    Refusal::new(RefusalCode::WasmFeatureOff, place, "only enabled features", got)
}

fn too_much() -> Refusal {
    let expected = format!("at most {MAX_WORK} values taken and left by instructions, bytes included");
    Refusal::new(RefusalCode::WasmTooComplex, "work of validation", expected, "more")
        .with_hint(Some("functions of fewer parameters and results, or fewer calls of them".to_owned()))
}

/// Why a binary isn't known to be valid.
enum Fault {
    /// It isn't valid.
    Invalid(BinaryReaderError),
    /// It takes too much work to find out.
    TooMuch(TooMuch),
}

impl From<BinaryReaderError> for Fault {
    fn from(error: BinaryReaderError) -> Fault {
        Fault::Invalid(error)
    }
}

impl From<TooMuch> for Fault {
    fn from(too_much: TooMuch) -> Fault {
        Fault::TooMuch(too_much)
    }
}

/// The deepest nesting of blocks, and the function that has it.
#[derive(Clone, Copy, Default)]
struct Deepest {
    blocks: u32,
    function: usize,
}

impl Deepest {
    fn refusal(self) -> Option<Refusal> {
        let expected = format!("at most {MAX_NESTED} nested blocks");
        let place = format!("the function at byte {}", self.function);
        (self.blocks > MAX_NESTED)
            .then(|| Refusal::new(RefusalCode::WasmTooComplex, place, expected, self.blocks.to_string()))
    }
}

fn with_features(bytes: &[u8], features: WasmFeatures, meter: &mut Meter) -> Result<Deepest, Fault> {
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut functions = Vec::new();
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        meter.take(payload.as_section().map_or(1, |(_, range)| range.len() as u64))?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            functions.push((function, body));
        }
    }
    let mut deepest = Deepest::default();
    let mut allocations = FuncValidatorAllocations::default();
    for (function, body) in functions {
        let mut validator = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        meter.take(u64::from(validator.len_locals()))?;
        reader.set_features(features);
        while !reader.eof() {
            let offset = reader.original_position();
            meter.take(weight(bytes, &reader, &validator.visitor(offset)))?;
            reader.visit_operator(&mut validator.visitor(offset))??;
            // The function itself is a block too.
            let blocks = validator.control_stack_height().saturating_sub(1);
            if blocks > deepest.blocks {
                deepest = Deepest { blocks, function: body.range().start };
            }
        }
        reader.finish_expression(&validator.visitor(reader.original_position()))?;
        allocations = validator.into_allocations();
    }
    Ok(deepest)
}

/// The validator's message, which may repeat names from the binary.
fn message(error: &BinaryReaderError) -> String {
    quoted(error.message())
}
