//! Full text of PostgreSQL: one `tsvector` per document under a GIN index.
//!
//! The server's own parser splits text by the rules of its operating system, and no two agree. So the
//! words are made by functions of den's own, from the same tables as everywhere. What a `tsvector`
//! cannot tell exactly (neighbours, and the field of a word) it only narrows down, and the words
//! themselves are looked at.

mod functions;

use den_backend::{IndexMeta, Search, SearchTerm};

use super::{
    Postgres,
    locator::{json, named_column},
};
use crate::{
    dialect::Searches,
    layout::Layout,
    schema::search_column,
    search::{language, places, weights},
    source::Scope,
    spelling::Either,
    statement::Param,
    writer::{Placeholders, SqlWriter},
};

/// The server keeps words of up to 2046 bytes; so many characters of a word are indexed.
const LONGEST: usize = 500;

/// How the server tells fields apart and weighs them.
const LABELS: [char; 4] = ['A', 'B', 'C', 'D'];

impl Searches for Postgres {
    fn search_functions(&self) -> Vec<(&'static str, String)> {
        functions::all()
    }

    fn add_search_column(&self, collection: &str, index: &IndexMeta) -> Option<String> {
        let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
        sql.push("ALTER TABLE ").ident(collection);
        sql.push(" ADD COLUMN IF NOT EXISTS ");
        column(&mut sql, collection, index);
        Some(sql.into_text())
    }

    fn search_from(&self, sql: &mut SqlWriter, _layout: &Layout, search: &Search) {
        let wanted = Reading::of(&search.index).wanted(search);
        if wanted.is_empty() {
            return;
        }
        // Under a name, so that an order by score and a score that is selected are one expression.
        sql.push(" CROSS JOIN (SELECT ");
        tsquery(sql, &search.index, wanted);
        sql.push(" AS wanted) AS s");
    }

    fn found(&self, sql: &mut SqlWriter, layout: &Layout, search: &Search) {
        let reading = Reading::of(&search.index);
        let mut indexed = Vec::new();
        let mut either = Either::default();
        for terms in &search.query.any {
            let (certain, looked_at): (Vec<_>, Vec<_>) =
                terms.iter().partition(|it| reading.is_certain(it));
            let mut all: Vec<String> = certain.iter().map(|it| reading.term(it)).collect();
            // The words of a phrase have to be there, wherever they are.
            let narrowing = looked_at.iter().filter(|it| !it.negated);
            all.extend(narrowing.map(|it| reading.words_of(it)));
            let all = all.join(" & ");
            if looked_at.is_empty() {
                indexed.push(all);
                continue;
            }
            either.next(sql);
            if !all.is_empty() {
                vector(sql, layout, &search.index, Scope::Document);
                sql.push(" @@ ");
                tsquery(sql, &search.index, all);
                sql.push(" AND ");
            }
            for (i, term) in looked_at.iter().enumerate() {
                sql.push(if i > 0 { " AND " } else { "" });
                look_at(sql, layout, &search.index, term);
            }
        }
        if !indexed.is_empty() {
            either.next(sql);
            vector(sql, layout, &search.index, Scope::Document);
            sql.push(" @@ ");
            tsquery(sql, &search.index, any_of(&indexed));
        }
        either.end(sql);
    }

    fn score(&self, sql: &mut SqlWriter, layout: &Layout, search: &Search) {
        let reading = Reading::of(&search.index);
        if reading.wanted(search).is_empty() {
            sql.push("0::real");
            return;
        }
        sql.push("ts_rank(")
            .literal(&reading.weights())
            .push("::real[], ");
        vector(sql, layout, &search.index, Scope::Document);
        sql.push(", s.wanted)");
    }

    fn sorts_whole_rows(&self) -> bool {
        false
    }
}

/// Writes what a search index is over, in parentheses.
pub(super) fn index_key(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta) {
    sql.push(" USING gin (");
    let is_column = layout.has_search(index);
    sql.push(if is_column { "" } else { "(" });
    vector(sql, layout, index, Scope::Table);
    sql.push(if is_column { ")" } else { "))" });
}

/// Writes the definition of the column of a search index.
pub(super) fn column(sql: &mut SqlWriter, collection: &str, index: &IndexMeta) {
    sql.ident(&search_column(index));
    sql.push(" tsvector GENERATED ALWAYS AS (");
    vector(sql, &Layout::new(collection), index, Scope::Table);
    sql.push(") STORED");
}

/// How an index tells its fields apart.
struct Reading<'a> {
    index: &'a IndexMeta,
    /// The weights that the labels stand for.
    labelled: Vec<f64>,
}

impl<'a> Reading<'a> {
    fn of(index: &'a IndexMeta) -> Self {
        let weights = weights(index);
        let mut labelled: Vec<f64> = Vec::new();
        for weight in weights {
            // Each field has a label of its own, as long as there are enough.
            if weights.len() <= LABELS.len() || !labelled.contains(weight) {
                labelled.push(*weight);
            }
        }
        Self { index, labelled }
    }

    fn has_own_labels(&self) -> bool {
        self.labelled.len() == self.index.fields.len()
    }

    fn label(&self, field: usize) -> char {
        let at = match self.has_own_labels() {
            true => field,
            false => {
                let weight = weights(self.index).get(field);
                let at = self.labelled.iter().position(|it| Some(it) == weight);
                at.unwrap_or_default()
            }
        };
        LABELS.get(at).copied().unwrap_or('D')
    }

    fn labels(&self) -> String {
        (0..self.index.fields.len())
            .map(|it| self.label(it))
            .collect()
    }

    /// The weights as the server wants them: those of D, C, B and A, none above 1.
    fn weights(&self) -> String {
        let most = self
            .labelled
            .iter()
            .copied()
            .fold(f64::MIN_POSITIVE, f64::max);
        let of = |at: usize| self.labelled.get(at).map_or(0.0, |it| it / most);
        let mut text = String::from("{");
        for at in (0..LABELS.len()).rev() {
            text.push_str(&of(at).to_string());
            text.push(if at > 0 { ',' } else { '}' });
        }
        text
    }

    /// Whether the `tsvector` tells exactly if a term is found. It forgets the later places of a word
    /// that is found often, and with them its neighbours and its fields.
    fn is_certain(&self, term: &SearchTerm) -> bool {
        match language(self.index) {
            Some(_) => term.field.is_none() || self.has_own_labels(),
            None => match (term.field, term.words.as_slice()) {
                (None, [word]) => word.chars().nth(LONGEST).is_none(),
                (None | Some(_), _) => false,
            },
        }
    }

    /// A term in the server's syntax.
    fn term(&self, term: &SearchTerm) -> String {
        let mut text = String::from(if term.negated { "!(" } else { "(" });
        text.push_str(&self.joined(term, " <-> "));
        text.push(')');
        text
    }

    /// That all words of a term are there, in whatever field.
    fn words_of(&self, term: &SearchTerm) -> String {
        let anywhere = SearchTerm {
            field: None,
            ..term.clone()
        };
        self.joined(&anywhere, " & ")
    }

    fn joined(&self, term: &SearchTerm, by: &str) -> String {
        let mut text = String::new();
        for (i, word) in term.words.iter().enumerate() {
            text.push_str(if i > 0 { by } else { "" });
            // Words hold neither quotes nor backslashes.
            text.push('\'');
            text.extend(word.chars().take(LONGEST));
            text.push('\'');
            let goes_on = term.prefix && i + 1 == term.words.len();
            if goes_on || term.field.is_some() {
                text.push(':');
            }
            text.push_str(if goes_on { "*" } else { "" });
            text.extend(term.field.map(|it| self.label(it)));
        }
        text
    }

    /// What documents are ranked by: the words that are wanted.
    fn wanted(&self, search: &Search) -> String {
        let alternatives = search.query.any.iter().map(|terms| {
            let wanted = terms.iter().filter(|it| !it.negated);
            wanted
                .map(|it| self.words_of(it))
                .collect::<Vec<_>>()
                .join(" & ")
        });
        let alternatives: Vec<String> = alternatives.filter(|it| !it.is_empty()).collect();
        any_of(&alternatives)
    }
}

fn any_of(alternatives: &[String]) -> String {
    match alternatives {
        [] => String::new(),
        [only] => only.clone(),
        several => {
            let mut any = String::from("(");
            any.push_str(&several.join(") | ("));
            any.push(')');
            any
        }
    }
}

/// Writes a query in the server's syntax.
fn tsquery(sql: &mut SqlWriter, index: &IndexMeta, text: String) {
    match language(index) {
        None => {
            sql.push("(").bind(Param::Text(text)).push(")::tsquery");
        }
        Some(language) => {
            sql.push("to_tsquery(");
            configuration(sql, language);
            sql.push("::regconfig, ").bind(Param::Text(text)).push(")");
        }
    }
}

/// Writes the name of the server's configuration for a language.
fn configuration(sql: &mut SqlWriter, language: &str) {
    let mut name = String::from("pg_catalog.\"");
    name.push_str(&language.replace('"', "\"\""));
    name.push('"');
    sql.literal(&name);
}

/// Writes the `tsvector` of a document: its column, or what the column computes.
fn vector(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta, scope: Scope) {
    if layout.has_search(index) {
        return named_column(sql, scope, &search_column(index));
    }
    let reading = Reading::of(index);
    write_vector(sql, layout, index, scope, &reading.labels(), None);
}

/// Writes the `tsvector` of all fields, or of one.
fn write_vector(
    sql: &mut SqlWriter,
    layout: &Layout,
    index: &IndexMeta,
    scope: Scope,
    labels: &str,
    field: Option<usize>,
) {
    sql.push(functions::VECTOR)
        .push("(")
        .literal(labels)
        .push(", ");
    match language(index) {
        Some(language) => configuration(sql, language),
        None => {
            sql.push("''");
        }
    }
    sql.push(", ARRAY[");
    let mut is_first = true;
    for (at, place) in places(index, layout, scope).enumerate() {
        if field.is_none_or(|it| it == at) {
            sql.push(if is_first { "" } else { ", " });
            is_first = false;
            sql.push(functions::WORDS).push("(");
            json(sql, &place);
            sql.push(")");
        }
    }
    sql.push("])");
}

/// Writes that a term is found in the words themselves, or not found if it is negated.
fn look_at(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta, term: &SearchTerm) {
    sql.push(if term.negated { "NOT (" } else { "(" });
    match (language(index), term.field) {
        (Some(_), Some(field)) => {
            let unlabelled = SearchTerm {
                field: None,
                negated: false,
                ..term.clone()
            };
            write_vector(sql, layout, index, Scope::Document, "A", Some(field));
            sql.push(" @@ ");
            tsquery(sql, index, Reading::of(index).term(&unlabelled));
        }
        (Some(_) | None, field) => {
            let mut needle = String::from(" ");
            needle.push_str(&term.words.join(" "));
            if !term.prefix {
                needle.push(' ');
            }
            let needle = sql.add(Param::Text(needle));
            let mut is_first = true;
            for (at, place) in places(index, layout, Scope::Document).enumerate() {
                if field.is_none_or(|it| it == at) {
                    sql.push(if is_first { "" } else { " OR " });
                    is_first = false;
                    sql.push("strpos(").push(functions::WORDS).push("(");
                    json(sql, &place);
                    sql.push(") COLLATE \"C\", ").slot(needle).push(") > 0");
                }
            }
        }
    }
    sql.push(")");
}
