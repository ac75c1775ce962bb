//! The only thing that numbers placeholders.

use std::fmt::Write;

use den_backend::value::float_text;

use crate::statement::{Param, Statement};

/// How an engine writes placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholders {
    /// `?1`, without types: SQLite.
    Question,
    /// `$1::numeric`, each with its type: PostgreSQL.
    Dollar,
}

/// A placeholder that was written, to be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize);

/// SQL text in the making.
///
/// # Behavior
///
/// - Text comes from `'static` strings, quoted identifiers, quoted path literals and numbers of
///   den's own; values are bound, or in a definition quoted.
#[derive(Debug)]
pub struct SqlWriter {
    placeholders: Placeholders,
    values: Values,
    text: String,
    params: Vec<Param>,
}

/// What becomes of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Bound,
    Written,
}

impl SqlWriter {
    /// Empty text.
    pub fn new(placeholders: Placeholders) -> Self {
        Self {
            placeholders,
            values: Values::Bound,
            text: String::with_capacity(256),
            params: Vec::new(),
        }
    }

    /// Empty text of a definition, in which nothing can be bound: values are written as literals.
    pub fn of_definition(placeholders: Placeholders) -> Self {
        Self {
            values: Values::Written,
            ..Self::new(placeholders)
        }
    }

    /// Whether values are written as literals.
    pub fn writes_values(&self) -> bool {
        self.values == Values::Written
    }

    /// Writes SQL.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    /// Writes a quoted identifier.
    pub fn ident(&mut self, name: &str) -> &mut Self {
        self.quoted(name, '"')
    }

    /// Writes a name that [`check`](den_backend::check) has passed: lower case letters, digits and `_`, maybe
    /// numbers in parentheses, maybe `[]`.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.text.push_str(name);
        self
    }

    /// Writes a quoted literal: a key or path, which must be in the text for an index to match.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.quoted(text, '\'')
    }

    /// Writes a number, such as that of an alias.
    pub fn number(&mut self, number: usize) -> &mut Self {
        // Writing into a `String` has no way to fail.
        let _ = write!(self.text, "{number}");
        self
    }

    /// Writes a number of an expression, such as that of a character.
    pub fn small(&mut self, number: u32) -> &mut Self {
        // Writing into a `String` has no way to fail.
        let _ = write!(self.text, "{number}");
        self
    }

    /// Binds a value and writes its placeholder.
    pub fn bind(&mut self, param: Param) -> &mut Self {
        let slot = self.add(param);
        self.slot(slot)
    }

    /// Binds a value whose placeholder is written by [`slot`](Self::slot), as often as needed.
    pub fn add(&mut self, param: Param) -> Slot {
        self.params.push(param);
        Slot(self.params.len())
    }

    /// Writes the placeholder of a bound value.
    pub fn slot(&mut self, slot: Slot) -> &mut Self {
        let param = slot.0.checked_sub(1).and_then(|it| self.params.get(it));
        if self.values == Values::Written {
            let param = param.cloned();
            return match (param, self.placeholders) {
                (Some(param), Placeholders::Question) => self.sqlite_literal(&param),
                (Some(param), Placeholders::Dollar) => self.postgres_literal(&param),
                (None, _) => self.push("NULL"),
            };
        }
        match self.placeholders {
            Placeholders::Question => self.push("?").number(slot.0),
            Placeholders::Dollar => {
                let cast = param.map_or("", Param::postgres_cast);
                self.push("$").number(slot.0).push(cast)
            }
        }
    }

    /// Writes the placeholder of parameter `number` of a text that a backend binds itself.
    pub fn parameter(&mut self, number: usize, cast: &'static str) -> &mut Self {
        match self.placeholders {
            Placeholders::Question => self.push("?").number(number),
            Placeholders::Dollar => self.push("$").number(number).push(cast),
        }
    }

    /// Writes a part as in a definition, with values as literals.
    pub fn definition(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        let mut part = Self::of_definition(self.placeholders);
        write(&mut part);
        self.text.push_str(&part.text);
        self
    }

    /// How many values are bound so far.
    pub fn bound(&self) -> usize {
        self.params.len()
    }

    /// The finished statement.
    pub fn finish(self) -> Statement {
        Statement {
            sql: self.text,
            params: self.params,
        }
    }

    /// The text alone, for statements that a backend binds itself.
    pub fn into_text(self) -> String {
        self.text
    }

    fn sqlite_literal(&mut self, param: &Param) -> &mut Self {
        match param {
            Param::Bool(it) => self.push(if *it { "1" } else { "0" }),
            Param::Int(it) | Param::Rows(it) => self.decimal(&it.to_string()),
            Param::Float(it) => self.decimal(&float_text(*it)),
            Param::Text(it) | Param::Json(it) => self.literal(it),
            Param::TextArray(_) | Param::NumericArray(_) | Param::JsonArray(_) => self.push("NULL"),
        }
    }

    fn postgres_literal(&mut self, param: &Param) -> &mut Self {
        match param {
            Param::Bool(it) => self.literal(if *it { "true" } else { "false" }),
            Param::Int(it) | Param::Rows(it) => self.literal(&it.to_string()),
            Param::Float(it) => self.literal(&float_text(*it)),
            Param::Text(it) | Param::Json(it) => self.literal(it),
            Param::TextArray(them) | Param::NumericArray(them) | Param::JsonArray(them) => {
                self.push("ARRAY[");
                for (i, it) in them.iter().enumerate() {
                    if i > 0 {
                        self.push(", ");
                    }
                    self.literal(it);
                }
                self.push("]")
            }
        };
        self.push(param.postgres_cast())
    }

    /// Writes digits of den's own making.
    fn decimal(&mut self, digits: &str) -> &mut Self {
        self.text.push_str(digits);
        self
    }

    fn quoted(&mut self, text: &str, quote: char) -> &mut Self {
        self.text.push(quote);
        for it in text.chars() {
            if it == quote {
                self.text.push(quote);
            }
            self.text.push(it);
        }
        self.text.push(quote);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        let mut sql = SqlWriter::new(Placeholders::Question);
        sql.ident("a\"b").push(" ").literal("it's \"x\"");
        assert_eq!(sql.into_text(), "\"a\"\"b\" 'it''s \"x\"'");
    }

    #[test]
    fn placeholders_are_numbered_in_order_and_can_repeat() {
        let mut sql = SqlWriter::new(Placeholders::Dollar);
        let first = sql.add(Param::Text("x".into()));
        sql.slot(first)
            .push(" ")
            .bind(Param::Int(1))
            .push(" ")
            .slot(first);
        let statement = sql.finish();
        assert_eq!(statement.sql, "$1::text $2::numeric $1::text");
        assert_eq!(statement.params.len(), 2);
    }
}
