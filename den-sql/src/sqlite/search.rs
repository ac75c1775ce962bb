//! Full text of SQLite: an FTS5 table beside the collection, kept by triggers.
//!
//! - `_den_<index>` holds the words, and no text. Its rows are numbered by `_den_<index>_keys`, not by
//!   the rows of the collection, which `VACUUM` numbers anew.
//! - The words of one text are kept apart from those of the next by a mark that no search asks for, so
//!   that no phrase is found across two elements of an array.

use den_backend::{IndexMeta, Search, SearchTerm};

use super::{
    Sqlite,
    definitions::{Trigger, members_table, trigger_name},
    locator::{Read, each, id, read},
};
use crate::{
    dialect::Searches,
    layout::Layout,
    search::{divided, has_substrings, language, places, weights},
    source::{Place, Scope},
    statement::Param,
    writer::{Placeholders, SqlWriter},
};

impl Searches for Sqlite {
    fn search_functions(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn add_search_column(&self, _collection: &str, _index: &IndexMeta) -> Option<String> {
        None
    }

    fn search_from(&self, sql: &mut SqlWriter, _layout: &Layout, search: &Search) {
        let index = &search.index;
        let (finding, leaving_out) = divided(search);
        if finding.is_empty() && leaving_out.is_empty() {
            return;
        }
        sql.push(" JOIN (");
        let found = either(index, &finding);
        if !finding.is_empty() {
            sql.push("\n    SELECT k.id AS id, -bm25(");
            members_table(sql, &index.name);
            for weight in weights(index) {
                sql.push(", ").bind(Param::Float(*weight));
            }
            sql.push(") AS score\n    FROM ");
            members_table(sql, &index.name);
            sql.push(" JOIN ");
            keys_table(sql, &index.name);
            sql.push(" AS k ON k.key = ");
            members_table(sql, &index.name);
            sql.push(".rowid\n    WHERE ");
            members_table(sql, &index.name);
            sql.push(" MATCH ").bind(Param::Text(found.clone()));
        }
        if !leaving_out.is_empty() {
            if !finding.is_empty() {
                sql.push("\n    UNION ALL");
            }
            sql.push("\n    SELECT k.id AS id, 0.0 AS score\n    FROM ");
            keys_table(sql, &index.name);
            sql.push(" AS k\n    WHERE (");
            for (i, terms) in leaving_out.iter().enumerate() {
                sql.push(if i > 0 { " OR " } else { "" });
                not_matching(sql, index, any_of(index, terms));
            }
            sql.push(")");
            if !finding.is_empty() {
                sql.push(" AND ");
                not_matching(sql, index, found);
            }
        }
        sql.push("\n) AS s ON s.id = d.id");
    }

    fn found(&self, sql: &mut SqlWriter, _layout: &Layout, search: &Search) {
        // The join leaves nothing else.
        sql.push(match search.query.any.is_empty() {
            true => "FALSE",
            false => "TRUE",
        });
    }

    fn score(&self, sql: &mut SqlWriter, _layout: &Layout, search: &Search) {
        sql.push(match search.query.any.is_empty() {
            true => "0.0",
            false => "s.score",
        });
    }

    fn sorts_whole_rows(&self) -> bool {
        true
    }
}

/// The statements that make a search index, and fill it from the rows there are.
pub(super) fn create(layout: &Layout, index: &IndexMeta) -> Vec<String> {
    let mut statements = vec![words_table(index)];
    let statement = |write: &dyn Fn(&mut SqlWriter)| {
        let mut sql = SqlWriter::of_definition(Placeholders::Question);
        write(&mut sql);
        sql.into_text()
    };
    statements.push(statement(&|sql| {
        sql.push("CREATE TABLE ");
        keys_table(sql, &index.name);
        sql.push(" (\n    key INTEGER PRIMARY KEY NOT NULL,\n    id TEXT NOT NULL\n) STRICT");
    }));
    statements.push(statement(&|sql| {
        sql.push("CREATE UNIQUE INDEX ")
            .ident(&index.name)
            .push(" ON ");
        keys_table(sql, &index.name);
        sql.push(" (id)");
    }));
    statements.push(statement(&|sql| {
        sql.push("INSERT INTO ");
        keys_table(sql, &index.name);
        sql.push(" (id)\n    SELECT d.id FROM ")
            .ident(&layout.collection)
            .push(" AS d ORDER BY d.id");
    }));
    statements.push(statement(&|sql| {
        insert_words(sql, layout, index, Scope::Document);
    }));
    for trigger in Trigger::ALL {
        statements.push(statement(&|sql| write_trigger(sql, layout, index, trigger)));
    }
    statements
}

/// The statements that drop one.
pub(super) fn drop(index: &str) -> Vec<String> {
    let mut statements: Vec<String> = Trigger::ALL
        .iter()
        .map(|trigger| {
            let mut sql = SqlWriter::new(Placeholders::Question);
            sql.push("DROP TRIGGER IF EXISTS ");
            trigger_name(&mut sql, index, *trigger);
            sql.into_text()
        })
        .collect();
    for table in [members_table, keys_table] {
        let mut sql = SqlWriter::new(Placeholders::Question);
        sql.push("DROP TABLE IF EXISTS ");
        table(&mut sql, index);
        statements.push(sql.into_text());
    }
    statements
}

/// Writes the name of the table that numbers the documents of a search index.
fn keys_table(sql: &mut SqlWriter, index: &str) {
    let mut name = String::from("_den_");
    name.push_str(index);
    name.push_str("_keys");
    sql.ident(&name);
}

fn words_table(index: &IndexMeta) -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Question);
    sql.push("CREATE VIRTUAL TABLE ");
    members_table(&mut sql, &index.name);
    sql.push(" USING fts5(");
    for field in 0..index.fields.len() {
        sql.push("f").number(field).push(", ");
    }
    sql.push("content = '', contentless_delete = 1, tokenize = ");
    sql.push(match (has_substrings(index), language(index)) {
        (true, _) => "'trigram'",
        (false, None) => "\"unicode61 remove_diacritics 0 tokenchars '|'\"",
        // The only language that the engine has.
        (false, Some(_)) => "\"porter unicode61 remove_diacritics 0 tokenchars '|'\"",
    });
    sql.push(")");
    sql.into_text()
}

fn write_trigger(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta, trigger: Trigger) {
    let name = &index.name;
    sql.push("CREATE TRIGGER ");
    trigger_name(sql, name, trigger);
    sql.push(match trigger {
        Trigger::Insert => " AFTER INSERT ON ",
        Trigger::Update => " AFTER UPDATE ON ",
        Trigger::Delete => " AFTER DELETE ON ",
    });
    sql.ident(&layout.collection);
    match trigger {
        Trigger::Insert => {
            // `INSERT OR REPLACE` fires no delete trigger for the row it replaces.
            sql.push(" BEGIN\n    ");
            delete_words(sql, name, "NEW");
            sql.push(";\n    ");
            insert_key(sql, name);
            sql.push(";\n    ");
            insert_words(sql, layout, index, Scope::New);
        }
        Trigger::Update => {
            when_changed(sql, layout, index);
            sql.push(" BEGIN\n    ");
            delete_words(sql, name, "OLD");
            sql.push(";\n    ");
            delete_key(sql, name);
            sql.push(" AND id <> NEW.id;\n    ");
            // `UPDATE OR REPLACE` may have put this id in the place of another row's.
            delete_words(sql, name, "NEW");
            sql.push(";\n    ");
            insert_key(sql, name);
            sql.push(";\n    ");
            insert_words(sql, layout, index, Scope::New);
        }
        Trigger::Delete => {
            sql.push(" BEGIN\n    ");
            delete_words(sql, name, "OLD");
            sql.push(";\n    ");
            delete_key(sql, name);
        }
    }
    sql.push(";\nEND");
}

/// Writes the condition that the texts changed: most updates leave them as they were.
fn when_changed(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta) {
    sql.push(" WHEN OLD.id <> NEW.id");
    let old = places(index, layout, Scope::Old);
    for (old, new) in old.zip(places(index, layout, Scope::New)) {
        sql.push(" OR ");
        read(sql, Read::Json, &old);
        sql.push(" IS NOT ");
        read(sql, Read::Json, &new);
    }
}

/// Deletes the words of a trigger's row, `OLD` or `NEW`.
fn delete_words(sql: &mut SqlWriter, index: &str, row: &'static str) {
    sql.push("DELETE FROM ");
    members_table(sql, index);
    sql.push(" WHERE rowid = (SELECT key FROM ");
    keys_table(sql, index);
    sql.push(" WHERE id = ").push(row).push(".id)");
}

fn delete_key(sql: &mut SqlWriter, index: &str) {
    sql.push("DELETE FROM ");
    keys_table(sql, index);
    sql.push(" WHERE id = OLD.id");
}

fn insert_key(sql: &mut SqlWriter, index: &str) {
    // Not `OR IGNORE`: the statement that fires a trigger overrides its conflict rules.
    sql.push("INSERT INTO ");
    keys_table(sql, index);
    sql.push(" (id)\n    SELECT NEW.id WHERE NOT EXISTS (SELECT 1 FROM ");
    keys_table(sql, index);
    sql.push(" WHERE id = NEW.id)");
}

/// Writes the words of one row, or of all rows of the table under alias `d`.
fn insert_words(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta, scope: Scope) {
    sql.push("INSERT INTO ");
    members_table(sql, &index.name);
    sql.push(" (rowid");
    for field in 0..index.fields.len() {
        sql.push(", f").number(field);
    }
    sql.push(")\n    SELECT k.key");
    for place in places(index, layout, scope) {
        sql.push(", ");
        texts(sql, &place, has_substrings(index));
    }
    sql.push("\n    FROM ");
    keys_table(sql, &index.name);
    sql.push(" AS k");
    match scope {
        Scope::Document => {
            sql.push(" JOIN ").ident(&layout.collection);
            sql.push(" AS d ON d.id = k.id");
        }
        Scope::Table | Scope::Old | Scope::New | Scope::Element(_) => {
            sql.push(" WHERE k.id = ");
            id(sql, scope);
        }
    }
}

/// Writes the text at a place, or the texts of an array there, with the mark between them.
fn texts(sql: &mut SqlWriter, place: &Place<'_>, substrings: bool) {
    let (mark, between) = match substrings {
        true => ("char(31)", "char(31)"),
        false => ("'|'", "' | '"),
    };
    sql.push("CASE ");
    read(sql, Read::Type, place);
    sql.push(" WHEN 'text' THEN replace(");
    read(sql, Read::Value, place);
    sql.push(", ").push(mark).push(", ' ')");
    sql.push(" WHEN 'array' THEN (SELECT group_concat(replace(m.value, ");
    sql.push(mark).push(", ' '), ").push(between);
    sql.push(") FROM ");
    each(sql, place);
    sql.push(" AS m WHERE m.type = 'text') END");
}

fn not_matching(sql: &mut SqlWriter, index: &IndexMeta, terms: String) {
    sql.push("k.key NOT IN (SELECT rowid FROM ");
    members_table(sql, &index.name);
    sql.push(" WHERE ");
    members_table(sql, &index.name);
    sql.push(" MATCH ").bind(Param::Text(terms)).push(")");
}

/// The alternatives in the engine's own syntax. What stands in quotes is taken as it is.
fn either(index: &IndexMeta, alternatives: &[&[SearchTerm]]) -> String {
    let all = alternatives.iter().map(|terms| {
        let (without, with): (Vec<&SearchTerm>, Vec<&SearchTerm>) =
            terms.iter().partition(|it| it.negated);
        let mut all = String::from("(");
        all.push_str(&joined(index, &with, " AND "));
        all.push(')');
        if !without.is_empty() {
            all.push_str(" NOT (");
            all.push_str(&joined(index, &without, " OR "));
            all.push(')');
        }
        all
    });
    let all: Vec<String> = all.collect();
    match all.as_slice() {
        [only] => only.clone(),
        several => {
            let mut either = String::from("(");
            either.push_str(&several.join(") OR ("));
            either.push(')');
            either
        }
    }
}

fn any_of(index: &IndexMeta, terms: &[SearchTerm]) -> String {
    joined(index, &terms.iter().collect::<Vec<_>>(), " OR ")
}

fn joined(index: &IndexMeta, terms: &[&SearchTerm], by: &str) -> String {
    let terms: Vec<String> = terms.iter().map(|it| term(index, it)).collect();
    terms.join(by)
}

fn term(index: &IndexMeta, term: &SearchTerm) -> String {
    let mut text = String::new();
    if let Some(field) = term.field {
        text.push('f');
        text.push_str(&field.to_string());
        text.push_str(" : ");
    }
    text.push('"');
    text.push_str(&term.words.join(" ").replace('"', "\"\""));
    text.push('"');
    if term.prefix && !has_substrings(index) {
        text.push_str(" *");
    }
    text
}
