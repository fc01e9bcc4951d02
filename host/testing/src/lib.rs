//! Test data that the tests of several crates share: hand-made events, declarations, and the way back from columns. It
//! only knows the model and declarations, so that light crates stay light; what needs the stream or the engine stays with
//! the tests.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here fails the test that calls"
)]

mod answer;
mod declaration;
mod event;

pub use answer::{arena_entries, finding, texts};
pub use declaration::{declaration, slot};
pub use event::{SECOND, account, call, event, second, text, with_field};
