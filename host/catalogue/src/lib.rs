//! The generated pages of `docs/reference`, made from the lists in the code: fields, actions, and every stable code with
//! its meaning. `tests/pages.rs` compares them with the files. No other crate depends on this one.

mod actions;
mod codes;
mod fields;
mod markdown;

/// One generated page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its file name in `docs/reference`.
    pub name: &'static str,
    /// Its Markdown.
    pub text: String,
}

/// Every generated page.
#[must_use]
pub fn pages() -> Vec<Page> {
    vec![fields::page(), actions::page(), codes::reasons(), codes::refusals(), codes::dead_letters(), codes::faults()]
}
