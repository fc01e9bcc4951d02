//! Markdown: tables, and paragraphs wrapped at 100 columns.

use countersign_model::vocabulary::TextId;

/// The columns at which prose is wrapped.
const COLUMNS: usize = 100;

/// A page under construction.
pub(crate) struct Markdown(String);

impl Markdown {
    /// A page with a title and the notice that it is generated.
    pub(crate) fn new(title: &str, introduction: &str) -> Markdown {
        let notice = "<!-- Generated: UPDATE_EXPECT=1 cargo test -p countersign-catalogue -->";
        let mut page = Markdown(format!("# {title}\n\n{notice}\n\n"));
        page.paragraph(introduction);
        page
    }

    /// A second-level heading.
    pub(crate) fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("## {text}\n\n"));
    }

    /// A paragraph, wrapped.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let mut column = 0;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            if column > 0 && column + 1 + width > COLUMNS {
                self.0.push('\n');
                column = 0;
            }
            if column > 0 {
                self.0.push(' ');
                column += 1;
            }
            self.0.push_str(word);
            column += width;
        }
        self.0.push_str("\n\n");
    }

    /// A table; `|` in cells is escaped.
    pub(crate) fn table<const N: usize>(&mut self, head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
        self.row(head.map(str::to_owned));
        self.row(head.map(|_| "---".to_owned()));
        rows.into_iter().for_each(|row| self.row(row.map(|cell| cell.replace('|', "\\|"))));
        self.0.push('\n');
    }

    /// A table of ids with their meanings.
    pub(crate) fn ids<T: TextId>(&mut self, head: [&str; 2]) {
        self.table(head, T::ALL.iter().map(|member| [code(member.id()), member.about().to_owned()]));
    }

    /// The page's text.
    pub(crate) fn finish(mut self) -> String {
        self.0.truncate(self.0.trim_end().len());
        self.0.push('\n');
        self.0
    }

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

/// Text in backticks.
pub(crate) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Texts in backticks, separated by `separator`.
pub(crate) fn codes<'t>(texts: impl IntoIterator<Item = &'t str>, separator: &str) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(separator)
}
