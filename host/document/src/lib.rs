//! The one reader of the files that operators and rule authors write. TOML text or a JSON value becomes a tree of
//! [`Node`]s that know their path and line; an [`Item`] reads a node, a [`Table`] reads the keys of one, and every
//! fault becomes a [`Diagnostic`] in a [`Reader`]: nothing stops at the first.
//!
//! ```
//! use countersign_document::{Document, Problem, Reader};
//!
//! let document = Document::parse("name = \"a\"\nfloor = 101\nlabell = 1", 1_024).unwrap();
//! let reader = Reader::<Problem>::new();
//! let table = reader.root(&document).table().unwrap();
//! let name = table.required("name", "a name").and_then(|item| item.text());
//! let floor: Option<u8> = table.get("floor").and_then(|item| item.integer(0, 100));
//! let label = table.get("label").and_then(|item| item.text());
//! table.finish();
//! assert_eq!((name, floor, label), (Some("a"), None, None));
//! let lines: Vec<String> = reader.finish(()).unwrap_err().iter().map(ToString::to_string).collect();
//! assert_eq!(lines, [
//!     "line 2, floor: expected 0 to 100, got 101",
//!     "line 3, labell: expected a known key, got `labell` (did you mean `label`?)",
//! ]);
//! ```

mod diagnostic;
mod document;
mod file;
mod item;
mod json;
mod list;
mod nearest;
mod node;
mod reader;
mod table;

pub use countersign_text::quoted;
pub use diagnostic::Diagnostic;
pub use document::Document;
pub use file::{FileDiagnostics, SourceFile, read_capped};
pub use item::{Item, MAX_DURATION, MAX_INTEGER};
pub use nearest::nearest;
pub use node::{Node, NodeValue};
pub use reader::{MAX_DIAGNOSTICS, Problem, Reader};
pub use table::Table;
