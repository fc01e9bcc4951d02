//! Why a rule is refused: stable codes, with place, expectation and what came.

use serde::Serialize;

/// One reason to refuse a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable code.
    pub code: RefusalCode,
    /// Where: a path in the declaration such as `slot[0].ttl`, or a place in the bytes such as `byte 1234`.
    pub place: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    /// What to do, such as the nearest known name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Declares refusal codes: the variants with their stable text.
macro_rules! refusal_codes {
    ($($(#[$meta:meta])* $variant:ident = $id:literal,)+) => {
        /// Why a rule is refused. The codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum RefusalCode { $($(#[$meta])* #[serde(rename = $id)] $variant,)+ }

        impl RefusalCode {
            /// Every code.
            pub const ALL: &'static [RefusalCode] = &[$(RefusalCode::$variant,)+];

            /// The stable text.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(RefusalCode::$variant => $id,)+ }
            }
        }
    };
}

refusal_codes! {
    // The bytes.
    /// Not WebAssembly, truncated, or broken.
    WasmMalformed = "wasm-malformed",
    /// A core module instead of a component.
    WasmCoreModule = "wasm-core-module",
    /// Uses a WebAssembly feature that is off.
    WasmFeatureOff = "wasm-feature-off",
    /// Larger than the cap.
    WasmTooLarge = "wasm-too-large",
    /// More of something (modules, functions, types, nesting) than the cap.
    WasmTooComplex = "wasm-too-complex",
    /// Imports something.
    ImportPresent = "import-present",
    /// Its world isn't ours.
    WorldMismatch = "world-mismatch",
    // The sections.
    /// No declaration section.
    DeclarationMissing = "declaration-missing",
    /// More than one declaration section.
    DeclarationDuplicate = "declaration-duplicate",
    /// Something after the declaration's object.
    DeclarationTrailing = "declaration-trailing",
    /// The declaration isn't UTF-8 JSON (or `rule.toml` isn't TOML).
    DeclarationSyntax = "declaration-syntax",
    /// The declaration isn't in canonical form (RFC 8785).
    DeclarationNotCanonical = "declaration-not-canonical",
    /// The declaration's format number is another one.
    DeclarationFormat = "declaration-format",
    /// More than one data section.
    DataDuplicate = "data-duplicate",
    /// The data section is lost, or there is one that isn't declared, or another one.
    DataMismatch = "data-mismatch",
    // The declaration's content.
    /// A key that isn't known.
    UnknownKey = "unknown-key",
    /// A key that must be there isn't.
    MissingKey = "missing-key",
    /// A value of another type.
    WrongType = "wrong-type",
    /// A value outside its range.
    OutOfRange = "out-of-range",
    /// Text that isn't in the form it should have.
    InvalidValue = "invalid-value",
    /// The same name or value twice.
    DuplicateValue = "duplicate-value",
    /// An action that isn't in the catalogue.
    UnknownAction = "unknown-action",
    /// A field that isn't in the table.
    UnknownField = "unknown-field",
    /// An identity type that isn't known.
    UnknownIdentityType = "unknown-identity-type",
    /// A signal class that isn't known.
    UnknownSignalClass = "unknown-signal-class",
    /// An event class that isn't known.
    UnknownEventClass = "unknown-event-class",
    /// A context table or column that isn't known.
    UnknownContext = "unknown-context",
    /// Another word (kind, partition key, …) that isn't known.
    UnknownWord = "unknown-word",
    /// A remediate-class action.
    RemediateAction = "remediate-action",
    /// The confidence floor isn't 0–100.
    FloorOutOfRange = "floor-out-of-range",
    /// A parameter's default or range is wrong.
    ParameterOutOfRange = "parameter-out-of-range",
    /// A key that a rule of this kind can't have.
    NotForKind = "not-for-kind",
    /// Two parts of the declaration that can't be together.
    Inconsistent = "inconsistent",
    /// A limit above the operator's.
    LimitAboveOperator = "limit-above-operator",
}
