//! The page of fields.

use countersign_formats::FORMATS;
use countersign_model::vocabulary::{FIELDS, FieldType};

use crate::Page;
use crate::markdown::{Markdown, code};

pub(crate) fn page() -> Page {
    let mut page = Markdown::new(
        "Fields",
        "The closed table of fields: what `fields` and `where` of a [rule.toml](rule.md) may name. A path is an OCSF \
         attribute path; in the SDK the accessor is the path with underscores. What each format fills a field from is \
         in [formats](formats.md). A field that the record doesn't have is absent, and tests on it are false.",
    );
    page.table(
        ["field", "type", "meaning", "filled by"],
        FIELDS
            .iter()
            .map(|field| [code(field.path), code(field.ty.id()), field.meaning.to_owned(), filled_by(field.path)]),
    );
    page.heading("Types");
    page.ids::<FieldType>(["type", "values"]);
    Page { name: "fields.md", text: page.finish() }
}

/// The formats that fill a field.
fn filled_by(path: &str) -> String {
    if path.starts_with("finding.") {
        return "the host, on rows of findings".to_owned();
    }
    let fills = FORMATS.iter().filter(|format| format.fields().iter().any(|(field, _)| field.field().path == path));
    let names: Vec<&str> = fills.map(|format| format.name()).collect();
    if names.is_empty() { "every format".to_owned() } else { names.join(", ") }
}
