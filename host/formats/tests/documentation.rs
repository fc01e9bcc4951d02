//! `docs/reference/formats.md` says what the code's tables say. `UPDATE_EXPECT=1` writes them anew into it.

use std::path::PathBuf;

use countersign_formats::documentation::{Table, shared};
use countersign_formats::envelope;
use countersign_formats::{DeadReason, FORMATS};

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/formats.md")
}

/// Every table that the page must hold, by its mark.
fn tables() -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    let sources =
        FORMATS.iter().map(|source| vec![format!("`{}`", source.name()), source.about().to_owned()]).collect();
    tables.push(("sources".to_owned(), Table { name: "sources", head: &["`--source`", "reads"], rows: sources }));
    tables.push(("envelopes".to_owned(), envelope::documentation()));
    tables.extend(shared().into_iter().map(|table| (format!("every {}", table.name), table)));
    for source in FORMATS {
        for table in source.tables() {
            tables.push((format!("{} {}", source.name(), table.name), table));
        }
        let rows: Vec<Vec<String>> = source
            .fields()
            .into_iter()
            .map(|(field, from)| vec![format!("`{}`", field.field().path), from.to_owned()])
            .collect();
        if !rows.is_empty() {
            let table = Table { name: "fields", head: &["field", "from"], rows };
            tables.push((format!("{} fields", source.name()), table));
        }
    }
    tables
}

#[test]
fn the_page_holds_every_table_of_the_code() {
    let text = std::fs::read_to_string(page()).unwrap();
    let mut expected = text.clone();
    for (mark, table) in tables() {
        let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->\n"));
        let start =
            expected.find(&begin).unwrap_or_else(|| panic!("expected `{}` in docs/reference/formats.md", begin.trim()));
        let start = start + begin.len();
        let length = expected[start..]
            .find(&end)
            .unwrap_or_else(|| panic!("expected `{}` in docs/reference/formats.md", end.trim()));
        expected.replace_range(start..start + length, &table.markdown());
        for row in &table.rows {
            assert_eq!(row.len(), table.head.len(), "{mark}: {row:?}");
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(page(), &expected).unwrap();
    } else {
        assert!(
            text == expected,
            "docs/reference/formats.md is not what the tables say: run this test with UPDATE_EXPECT=1"
        );
    }
}

#[test]
fn the_page_names_every_reason() {
    let text = std::fs::read_to_string(page()).unwrap();
    for reason in DeadReason::ALL {
        assert!(text.contains(&format!("`{}`", reason.code())), "{}", reason.code());
    }
}
