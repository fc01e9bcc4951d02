//! What an author is told who uses what `rule.toml` doesn't declare. The texts are part of the SDK.

#[test]
fn undeclared_is_refused_with_what_to_add() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
