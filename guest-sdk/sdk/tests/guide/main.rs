//! The rule of `docs/guides/writing-a-rule.md`: it compiles, its tests pass, and the guide quotes it line by line.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "tests")]

mod rule;

/// Lines without their indentation, so that parts of a file can be quoted.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_guide_quotes_the_rule() {
    let guide = include_str!("../../../../docs/guides/writing-a-rule.md");
    let code = trimmed(&include_str!("rule.rs").replace(r#"rule!("rule.toml")"#, "rule!()"));
    let declaration = trimmed(include_str!("rule.toml"));
    let mut quotes = 0;
    for (language, source) in [("```rust\n", &code), ("```toml\n", &declaration)] {
        for rest in guide.split(language).skip(1) {
            let quote = trimmed(rest.split("```").next().unwrap_or_default());
            // A case's `expect.toml` is no part of the declaration.
            if quote.starts_with("source = ") {
                continue;
            }
            assert!(source.contains(&quote), "the guide has this block, and tests/guide hasn't:\n{quote}");
            quotes += 1;
        }
    }
    assert!(quotes >= 10, "only {quotes} quotes");
}
