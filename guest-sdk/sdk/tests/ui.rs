//! The compiler's messages for code that uses what `rule.toml` doesn't declare. The texts are part of the SDK.

#[test]
fn undeclared_is_refused_with_a_hint() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
