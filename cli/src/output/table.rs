//! Text tables and key-value lists.

use crate::logs::{Style, printable};

/// A table with headings. Each column is as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Control characters in it are escaped.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows
            .push(cells.into_iter().map(|cell| printable(cell.as_ref())).collect());
    }

    /// The width of each column: that of its widest cell.
    pub(crate) fn widths(&self) -> Vec<usize> {
        self.headings
            .iter()
            .enumerate()
            .map(|(column, heading)| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| char_count(cell))
                    .fold(char_count(heading), usize::max)
            })
            .collect()
    }

    /// The table as text, without the last end of line.
    pub(crate) fn render(&self, style: Style) -> String {
        let widths = self.widths();
        let heading = style.dim(format_row(&self.headings, &widths));
        match self.rows.is_empty() {
            true => heading,
            false => format!("{heading}\n{}", self.render_rows(&widths)),
        }
    }

    /// The rows as text, without the headings and the last end of line, for a table that goes on.
    pub(crate) fn render_rows(&self, widths: &[usize]) -> String {
        let lines: Vec<String> = self.rows.iter().map(|row| format_row(row, widths)).collect();
        lines.join("\n")
    }
}

/// A list of names and values, one pair a line, for a single object.
pub(crate) fn key_value_list(pairs: &[(&str, String)], style: Style) -> String {
    let widest = pairs.iter().map(|(name, _)| char_count(name)).max().unwrap_or(0);
    let lines: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            let space = " ".repeat(widest - char_count(name));
            format!("{}{space}  {}", style.dim(name), printable(value))
        })
        .collect();
    lines.join("\n")
}

fn format_row<T: AsRef<str>>(cells: &[T], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, column) in cells.iter().zip(widths) {
        let cell = cell.as_ref();
        line.push_str(cell);
        line.push_str(&" ".repeat(column.saturating_sub(char_count(cell)) + 2));
    }
    line.trim_end().to_owned()
}

fn char_count(text: &str) -> usize {
    text.chars().count()
}
