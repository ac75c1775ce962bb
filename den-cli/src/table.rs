//! Tables that fit the terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, TableStyle, Width};
use unicode_width::UnicodeWidthStr as _;

/// Rows under headings.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// Whether a long value takes several lines, rather than being cut.
    wrap: bool,
}

#[derive(Debug)]
struct Column {
    name: String,
    align: Align,
}

/// Where values stand in their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A column is not made narrower than this.
const NARROWEST: usize = 8;

/// The length of an id that den makes.
const WHOLE_ID: usize = 26;

/// What lies between columns.
const GAP: usize = 2;

impl Table {
    /// Adds a column.
    pub(crate) fn column(mut self, name: impl Into<String>, align: Align) -> Self {
        self.columns.push(Column {
            name: clean(&name.into()),
            align,
        });
        self
    }

    /// Lets long values take several lines.
    pub(crate) fn wrapped(mut self) -> Self {
        self.wrap = true;
        self
    }

    /// Adds a row.
    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let cells = cells.into_iter().map(|it| clean(&it.into()));
        self.rows.push(cells.collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines: the heading, a rule, the rows.
    pub(crate) fn lines(&self, width: Option<usize>) -> impl Iterator<Item = String> {
        let shown = self.shown(width);
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new());
        table.set_truncation_indicator("…");
        match width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                // The gap behind the last column need not be there.
                table.set_width(u16::try_from(width + GAP).unwrap_or(u16::MAX));
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        let columns = || self.columns.iter().take(shown);
        let mut header: Row = columns()
            .map(|it| it.name.as_str())
            .collect::<Vec<_>>()
            .into();
        header.max_height(1);
        table.set_header(header);
        let widths: Vec<usize> = (0..shown).map(|at| self.natural(at)).collect();
        table.add_row(widths.iter().map(|it| "─".repeat(*it)).collect::<Vec<_>>());
        if let Some(rule) = table.row_mut(0) {
            rule.max_height(1);
        }
        for row in &self.rows {
            let mut row: Row = row.iter().take(shown).collect::<Vec<_>>().into();
            if !self.wrap {
                row.max_height(1);
            }
            table.add_row(row);
        }
        for (at, column) in columns().enumerate() {
            let Some(it) = table.column_mut(at) else {
                continue;
            };
            it.set_padding((0, u16::try_from(GAP).unwrap_or(2)));
            it.set_cell_alignment(match column.align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
            if let Some(width) = width {
                let width = Some(width);
                let narrowest = self.narrowest(at, width) + GAP;
                let narrowest = u16::try_from(narrowest).unwrap_or(u16::MAX);
                it.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(narrowest)));
            }
        }
        // A rule that was cut is a rule all the same.
        let line = |(at, line): (usize, String)| match at {
            1 => line.trim_end().replace('…', "─"),
            _ => line.trim_end().to_owned(),
        };
        table
            .lines()
            .enumerate()
            .map(line)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// What does not fit, in words.
    pub(crate) fn notes(&self, width: Option<usize>) -> Vec<String> {
        let left_out: Vec<&str> = self
            .columns
            .iter()
            .skip(self.shown(width))
            .map(|it| it.name.as_str())
            .collect();
        match left_out.is_empty() {
            true => Vec::new(),
            false => vec![format!(
                "{} more: {}  (see --select, --json)",
                left_out.len(),
                left_out.join(", ")
            )],
        }
    }

    /// How many columns fit, the first ones.
    fn shown(&self, width: Option<usize>) -> usize {
        let Some(width) = width else {
            return self.columns.len();
        };
        let mut taken = 0;
        let fits = (0..self.columns.len()).take_while(|at| {
            let narrowest = self.narrowest(*at, Some(width));
            let fits = *at == 0 || taken + narrowest <= width;
            taken += narrowest + GAP;
            fits
        });
        fits.count()
    }

    /// How narrow a column may become. The first one says which row it is: an id is not cut, if there is
    /// room for anything else.
    fn narrowest(&self, at: usize, width: Option<usize>) -> usize {
        let half = width.map_or(usize::MAX, |it| it / 2);
        let least = match at {
            0 => half.clamp(NARROWEST, WHOLE_ID),
            _ => NARROWEST,
        };
        self.natural(at).min(least)
    }

    /// How wide a column would be if there was room.
    fn natural(&self, at: usize) -> usize {
        let name = self.columns.get(at).map_or(0, |it| it.name.width());
        let cells = self.rows.iter().filter_map(|it| it.get(at));
        cells.map(|it| it.width()).fold(name, usize::max)
    }
}

/// The text in one line, without anything that a terminal would act upon.
pub(crate) fn clean(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\n' => clean.push('⏎'),
            '\t' => clean.push(' '),
            '\r' => {}
            it if it.is_control() => clean.extend(it.escape_default()),
            it => clean.push(it),
        }
    }
    clean
}
