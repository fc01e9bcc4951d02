//! Why a rule is refused: stable codes, with place, expectation and what came.

use std::fmt;

use countersign_document::{Diagnostic, Problem};
use countersign_model::vocabulary::text_ids;
use serde::Serialize;

use crate::reader::Reader;

/// One reason to refuse a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable code.
    pub code: RefusalCode,
    /// Where, what was expected and what was found. Of a declaration the place is a path such as `slot[0].ttl`, of
    /// bytes a position such as `byte 1234`; there is a line if `rule.toml` was read.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
}

impl Refusal {
    /// A refusal without line and hint.
    #[must_use]
    pub fn new(
        code: RefusalCode,
        place: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Refusal {
        Refusal { code, diagnostic: Diagnostic::new(place, expected, got) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Refusal {
        self.diagnostic.hint = hint;
        self
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.diagnostic.place
    }

    /// What a reader found, in the order of reading.
    pub(crate) fn all(reader: Reader) -> Vec<Refusal> {
        reader.into_found().into_iter().map(|(code, diagnostic)| Refusal { code, diagnostic }).collect()
    }
}

/// One line: `code  line 3, place: expected …, got … (hint)`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.code, self.diagnostic)
    }
}

impl From<Problem> for RefusalCode {
    fn from(problem: Problem) -> RefusalCode {
        match problem {
            Problem::UnknownKey => RefusalCode::UnknownKey,
            Problem::MissingKey => RefusalCode::MissingKey,
            Problem::WrongType => RefusalCode::WrongType,
            Problem::OutOfRange => RefusalCode::OutOfRange,
            Problem::InvalidValue => RefusalCode::InvalidValue,
            Problem::DuplicateValue => RefusalCode::DuplicateValue,
            Problem::UnknownWord => RefusalCode::UnknownWord,
            Problem::Conflict => RefusalCode::Inconsistent,
        }
    }
}

text_ids! {
    /// Why a rule is refused. The codes are stable.
    pub enum RefusalCode {
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
        /// Its world isn't one of the interface's.
        WorldMismatch = "world-mismatch",
        /// Admission took more memory, stack or time than reading a rule may take.
        AdmissionLimit = "admission-limit",
        /// The process that was to admit it couldn't be started, or ended without an answer.
        AdmissionFailed = "admission-failed",
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
        /// The declaration has another format number.
        DeclarationFormat = "declaration-format",
        /// More than one data section.
        DataDuplicate = "data-duplicate",
        /// The data section is missing, isn't declared, or differs from the declared one.
        DataMismatch = "data-mismatch",
        /// More than one signature section.
        SignatureDuplicate = "signature-duplicate",
        /// A signature section larger than any signature.
        SignatureTooLarge = "signature-too-large",
        // The declaration's content.
        /// A key that isn't known.
        UnknownKey = "unknown-key",
        /// A required key is missing.
        MissingKey = "missing-key",
        /// A value of another type.
        WrongType = "wrong-type",
        /// A value outside its range.
        OutOfRange = "out-of-range",
        /// Text of another form than required.
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
        /// Another id (kind, partition key, …) that isn't known.
        UnknownWord = "unknown-word",
        /// A remediate-class action.
        RemediateAction = "remediate-action",
        /// The confidence floor isn't 0–100.
        FloorOutOfRange = "floor-out-of-range",
        /// A parameter's default or range is wrong.
        ParameterOutOfRange = "parameter-out-of-range",
        /// A key that a rule of this kind can't have.
        NotForKind = "not-for-kind",
        /// Two parts of the declaration contradict each other.
        Inconsistent = "inconsistent",
        /// A limit above the operator's.
        LimitAboveOperator = "limit-above-operator",
    }
}

#[cfg(test)]
mod tests {
    use countersign_document::quoted;

    use super::*;

    #[test]
    fn a_refusal_is_one_line_and_carries_nothing_that_a_terminal_acts_on() {
        let refusal =
            Refusal::new(RefusalCode::UnknownAction, "actions[0]", "an action", quoted("\x1b[31mre\nd\u{202e}"))
                .with_hint(Some("did you mean `notify`?".to_owned()));
        assert_eq!(
            refusal.to_string(),
            "unknown-action  actions[0]: expected an action, got `\\u{1b}[31mre\\nd\\u{202e}` (did you mean `notify`?)"
        );
    }

    #[test]
    fn codes_are_found_by_their_text() {
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::from_id(code.id()), Some(*code));
        }
    }
}
