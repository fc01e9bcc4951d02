//! Tables for people, no wider than the terminal.

use std::fmt;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, TableStyle};

use crate::out::Out;
use crate::text;

/// A table without frames.
pub(crate) struct Table {
    inner: comfy_table::Table,
    columns: usize,
}

/// The meaning of a text, shown by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Success.
    Good,
    /// Needs attention.
    Care,
    /// Failure.
    Bad,
    /// Less important.
    Faint,
    /// A title.
    Title,
}

impl Tone {
    const ALL: [Tone; 5] = [Tone::Good, Tone::Care, Tone::Bad, Tone::Faint, Tone::Title];

    pub(crate) fn style(self) -> Style {
        match self {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Care => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Title => Style::new().bold(),
        }
    }

    /// Text in this tone, for lines outside of tables.
    pub(crate) fn paint(self, text: impl fmt::Display) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }

    /// Marks the beginning of this tone within a cell. It has no width, so it doesn't change the layout, and it occurs in
    /// no printed text, because [`text::line`] escapes it.
    const fn mark(self) -> char {
        match self {
            Tone::Good => '\u{e0101}',
            Tone::Care => '\u{e0102}',
            Tone::Bad => '\u{e0103}',
            Tone::Faint => '\u{e0104}',
            Tone::Title => '\u{e0105}',
        }
    }
}

/// Marks the end of any tone.
const END: char = '\u{e01ef}';

/// Ends any style.
const RESET: anstyle::Reset = anstyle::Reset;

/// A cell's text with its tone. Each word is marked on its own, because text is wrapped between words.
pub(crate) fn toned(tone: Tone, text: &str) -> Cell {
    let marked = |word: &str| if word.is_empty() { String::new() } else { format!("{}{word}{END}", tone.mark()) };
    Cell(text::line(text).split(' ').map(marked).collect::<Vec<_>>().join(" "))
}

/// The content of a cell.
#[derive(Clone)]
pub(crate) struct Cell(String);

impl<T: fmt::Display> From<T> for Cell {
    fn from(value: T) -> Cell {
        Cell(text::line(&value.to_string()))
    }
}

impl Table {
    /// A table with these titles, for this output.
    pub(crate) fn new<const N: usize>(out: &Out, titles: [&str; N]) -> Table {
        Table::with_titles(out, titles)
    }

    /// The same, where the number of columns isn't known before.
    pub(crate) fn with_titles<'t>(out: &Out, titles: impl IntoIterator<Item = &'t str>) -> Table {
        let titles: Vec<String> = titles.into_iter().map(|title| toned(Tone::Title, title).0).collect();
        let columns = titles.len();
        let rule = LineStyle::none().fill('─').junction('─');
        let mut inner = comfy_table::Table::new();
        inner
            .load_style(
                TableStyle::new()
                    .header_lines(ContentLineStyle::none())
                    .header_separator(rule)
                    .content_lines(ContentLineStyle::none()),
            )
            .set_header(titles);
        let width = u16::try_from(out.width()).unwrap_or(u16::MAX);
        inner.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        inner.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        Table { inner, columns }
    }

    /// Aligns a column to the right.
    pub(crate) fn right(mut self, column: usize) -> Table {
        if let Some(column) = self.inner.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self
    }

    /// Adds a row; cells missing at its end stay empty.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.cells(cells);
    }

    /// The same, where the number of columns isn't known before.
    pub(crate) fn cells(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.0).collect();
        debug_assert!(cells.len() <= self.columns);
        self.inner.add_row(cells);
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The rows as text, where the titles were printed before.
    pub(crate) fn rows(&self) -> String {
        // Titles end with a rule, whatever they take.
        let text = self.text("");
        let titles = text.split_inclusive('\n').take_while(|line| !line.starts_with('─')).map(str::len).sum::<usize>();
        let rows = text.get(titles..).and_then(|rest| rest.split_once('\n')).map(|(_, rows)| rows.to_owned());
        rows.unwrap_or(text)
    }

    /// The table as text, each line after `indent`, with colours.
    pub(crate) fn text(&self, indent: &str) -> String {
        let mut shown = String::new();
        for line in self.inner.lines() {
            let line = line.trim_end();
            if !line.is_empty() {
                shown.push_str(indent);
            }
            let mut open = false;
            for c in line.chars() {
                if let Some(tone) = Tone::ALL.into_iter().find(|tone| tone.mark() == c) {
                    open = true;
                    shown.push_str(&tone.style().to_string());
                } else if c == END {
                    open = false;
                    shown.push_str(&RESET.to_string());
                } else {
                    shown.push(c);
                }
            }
            // A word longer than its column is split, and its end is on another line.
            if open {
                shown.push_str(&RESET.to_string());
            }
            shown.push('\n');
        }
        shown
    }
}

/// The lines of a value. A text is one, whatever is in it.
pub(crate) trait Lines {
    /// The lines, which aren't safe to print yet.
    fn lines(&self) -> &[String];
}

impl Lines for String {
    fn lines(&self) -> &[String] {
        std::slice::from_ref(self)
    }
}

impl Lines for Vec<String> {
    fn lines(&self) -> &[String] {
        self
    }
}

/// Rows of a name and a value, the names as wide as the widest.
pub(crate) fn pairs(out: &Out, indent: &str, rows: &[(&str, impl Lines)]) -> String {
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let width = out.width().saturating_sub(indent.len() + widest + 2);
    let mut shown = String::new();
    for (name, value) in rows {
        for (place, line) in value.lines().iter().flat_map(|line| text::wrap(line, width)).enumerate() {
            let name = if place == 0 { *name } else { "" };
            let name = format!("{name:widest$}");
            shown.push_str(&format!("{indent}{}  {line}\n", Tone::Faint.paint(name)));
        }
    }
    shown
}
