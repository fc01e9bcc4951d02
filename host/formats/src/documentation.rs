//! The tables that document a format: `docs/reference/formats.md` is tested equal to them.

use countersign_model::vocabulary::EventClass;

/// A table of the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Which of the format's tables it is.
    pub name: &'static str,
    /// The heads of its columns.
    pub head: &'static [&'static str],
    /// Its rows, of as many cells each, in Markdown.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of constant rows.
    pub(crate) fn new<const COLUMNS: usize>(
        name: &'static str,
        head: &'static [&'static str; COLUMNS],
        rows: &[[&str; COLUMNS]],
    ) -> Table {
        let rows = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        Table { name, head, rows }
    }

    /// As Markdown, with a line end after each row.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<&str> = cells.collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text = line(&mut self.head.iter().copied());
        text.push_str(&line(&mut self.head.iter().map(|_| "---")));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }
}

/// The tables that hold for every format.
#[must_use]
pub fn shared() -> Vec<Table> {
    vec![Table::new("times", &["form", "read as"], crate::times::FORMS)]
}

/// A class by its name and its OCSF number.
pub(crate) fn class_words(class: EventClass) -> String {
    format!("{class} {}", class.uid())
}
