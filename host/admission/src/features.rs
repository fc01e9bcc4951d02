//! Validation, and which features of WebAssembly are on: what Rust's `wasm32-unknown-unknown` emits, and no more.
//! Turning one off later would break rules that were admitted, so all others have been off since the first release.

use countersign_declaration::{Refusal, RefusalCode, quoted};
use wasmparser::{BinaryReaderError, FuncValidatorAllocations, Parser, ValidPayload, Validator, WasmFeatures};

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

/// Largest binary, bytes, for which each disabled feature is tried by itself.
const MAX_TRIED: usize = 1 << 20;

/// Maximum nesting of blocks, loops and branches: more than compilers make of a large `match`. The machine-code
/// generator's time grows with its square.
pub(crate) const MAX_NESTED: u32 = 10_000;

/// The features of WebAssembly that rules may use, by the validator's names.
#[must_use]
pub fn feature_names() -> Vec<&'static str> {
    ON.iter_names().map(|(name, _)| name).collect()
}

/// Validates a whole binary, function bodies included. Every disabled feature that is used is reported. Also returns whether
/// the binary is valid apart from such features.
pub(crate) fn validate(bytes: &[u8]) -> (Vec<Refusal>, bool) {
    let error = match with_features(bytes, ON) {
        Ok(deepest) => return (deepest.refusal().into_iter().collect(), true),
        Err(error) => error,
    };
    let Ok(deepest) = with_features(bytes, WasmFeatures::all()) else {
        let refusal = Refusal::new(
            RefusalCode::WasmMalformed,
            format!("byte {}", error.offset()),
            "valid WebAssembly",
            message(&error),
        );
        return (vec![refusal], false);
    };
    // A feature is used if the binary isn't valid without it. In a large one only the first is reported: trying
    // each would take too long.
    let tried = if bytes.len() <= MAX_TRIED { WasmFeatures::all().difference(ON) } else { WasmFeatures::empty() };
    let off = tried.iter_names();
    let used = off.filter(|(_, feature)| with_features(bytes, WasmFeatures::all().difference(*feature)).is_err());
    let mut refusals: Vec<Refusal> =
        used.map(|(name, feature)| feature_off(bytes, &name.to_lowercase().replace('_', "-"), feature)).collect();
    if refusals.is_empty() {
        // A large binary, or an instruction that several features have.
        let place = format!("byte {}", error.offset());
        refusals.push(Refusal::new(RefusalCode::WasmFeatureOff, place, "only enabled features", message(&error)));
    }
    refusals.extend(deepest.refusal());
    (refusals, true)
}

fn feature_off(bytes: &[u8], name: &str, feature: WasmFeatures) -> Refusal {
    let error = with_features(bytes, WasmFeatures::all().difference(feature)).err();
    let place = error.as_ref().map_or_else(|| "component".to_owned(), |error| format!("byte {}", error.offset()));
    let got = error.as_ref().map_or_else(String::new, |error| format!(": {}", message(error)));
    Refusal::new(RefusalCode::WasmFeatureOff, place, "only enabled features", format!("{name}{got}"))
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

fn with_features(bytes: &[u8], features: WasmFeatures) -> Result<Deepest, BinaryReaderError> {
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut functions = Vec::new();
    for payload in parser.parse_all(bytes) {
        if let ValidPayload::Func(function, body) = validator.payload(&payload?)? {
            functions.push((function, body));
        }
    }
    let mut deepest = Deepest::default();
    let mut allocations = FuncValidatorAllocations::default();
    for (function, body) in functions {
        let mut validator = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        reader.set_features(features);
        while !reader.eof() {
            let offset = reader.original_position();
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
