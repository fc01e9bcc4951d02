//! The SDK's macros. `rule!` turns `rule.toml` into types, so that undeclared names don't compile; the attributes turn
//! the author's function into the rule's entry point; `derive(State)` gives state its layout.

mod entry;
mod names;
mod rule;
mod state;
mod vocabulary;

use proc_macro::TokenStream;

/// Reads `rule.toml`, and generates the marker `Rule` and the names and modules that the rule's function uses.
///
/// `rule!()` reads `rule.toml` beside the crate's `Cargo.toml`; `rule!("path.toml")` reads a file beside the
/// source file with the call. Every fault of the file is a compile error; editing it rebuilds the rule.
#[proc_macro]
pub fn rule(input: TokenStream) -> TokenStream {
    rule::expand(input.into(), proc_macro::Span::call_site().local_file()).into()
}

/// Makes a function the rule's entry point: `fn(event: &Event, …, cx: &mut Context)`, with one `&mut Slot<S>` between them
/// for each state slot that it uses, in any order.
///
/// On `wasm32` the crate exports the world `detection`. On all targets it has `pub fn evaluate` with the same signature.
#[proc_macro_attribute]
pub fn detection(arguments: TokenStream, input: TokenStream) -> TokenStream {
    entry::detection(&arguments.into(), input.into()).into()
}

/// Makes a function the rule's entry point: `fn(incident: &Incident, cx: &mut Context)`.
///
/// On `wasm32` the crate exports the world `response`. On all targets it has `pub fn propose` with the same signature.
#[proc_macro_attribute]
pub fn response(arguments: TokenStream, input: TokenStream) -> TokenStream {
    entry::response(&arguments.into(), input.into()).into()
}

/// Gives a struct a fixed layout: its fields one after another. With `#[state(slot = "name")]` it is the state of that
/// slot, in `version = 1` by default. `migrate = function` names a `fn(u32, &[u8]) -> Option<Self>` that
/// turns the blob of an older version into this one.
#[proc_macro_derive(State, attributes(state))]
pub fn state(input: TokenStream) -> TokenStream {
    state::expand(input.into()).into()
}

/// For the SDK itself: traits, markers and accessors for the whole vocabulary.
#[doc(hidden)]
#[proc_macro]
pub fn __vocabulary(_input: TokenStream) -> TokenStream {
    vocabulary::expand().into()
}
