//! Colours, and columns that stand below each other.

use backstitch_core::render::Style;
use console::{Alignment, measure_text_width, pad_str, truncate_str};

/// What a word is dressed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dress {
    Plain,
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
    Cyan,
}

impl Dress {
    fn code(self) -> &'static str {
        match self {
            Dress::Plain => "",
            Dress::Bold => "\x1b[1m",
            Dress::Dim => "\x1b[2m",
            Dress::Green => "\x1b[1;32m",
            Dress::Yellow => "\x1b[1;33m",
            Dress::Red => "\x1b[1;31m",
            Dress::Cyan => "\x1b[36m",
        }
    }
}

/// The text in this dress, where colours are wanted.
pub(crate) fn paint(style: Style, dress: Dress, text: &str) -> String {
    match style {
        Style::Ansi if dress != Dress::Plain && !text.is_empty() => {
            format!("{}{text}\x1b[0m", dress.code())
        }
        Style::Ansi | Style::Plain => text.to_owned(),
    }
}

/// One field of a [`Table`].
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    dress: Dress,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, dress: Dress) -> Cell {
        let text = text.into();
        Cell { text, dress }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text, Dress::Plain)
    }
}

/// Rows of fields. The last column takes what room is left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// A table that begins so far from the left edge.
    pub(crate) fn indented(indent: usize) -> Table {
        Table {
            rows: Vec::new(),
            indent,
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows, no line longer than `width`.
    pub(crate) fn render(&self, style: Style, width: Option<usize>) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| measure_text_width(&cell.text)).max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        self.rows
            .iter()
            .map(|row| self.line(row, &widths, style, width))
            .collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], style: Style, width: Option<usize>) -> String {
        let mut line = " ".repeat(self.indent);
        for (column, cell) in row.iter().enumerate() {
            line += &paint(style, cell.dress, &cell.text);
            if column + 1 < row.len() {
                let filled = measure_text_width(&cell.text);
                line += &" ".repeat(widths[column].saturating_sub(filled) + 2);
            }
        }
        let line = line.trim_end();
        format!("{}\n", fit(line, width))
    }
}

/// The line, cut to the width of the terminal.
pub(crate) fn fit(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => truncate_str(line, width, "…").into_owned(),
        None => line.to_owned(),
    }
}

/// The text, filled up with blanks to this width.
pub(crate) fn fill(text: &str, width: usize) -> String {
    pad_str(text, width, Alignment::Left, None).into_owned()
}

/// `1 migration`, `2 migrations`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_fit() {
        let mut table = Table::indented(2);
        table.row(["a".into(), Cell::new("long", Dress::Red), "x".into()]);
        table.row(["äöü".into(), "b".into()]);
        assert_eq!(
            table.render(Style::Plain, None),
            "  a    long  x\n  äöü  b\n"
        );
        assert_eq!(table.render(Style::Plain, Some(8)), "  a    …\n  äöü  b\n");
        let colored = table.render(Style::Ansi, None);
        assert!(
            colored.starts_with("  a    \x1b[1;31mlong\x1b[0m  x\n"),
            "{colored:?}"
        );
    }
}
