//! Statements over documents, as SQLite spells them.

use std::ops::Range;

use den_backend::{FieldKind, LockMode, Patch};

use super::{
    Sqlite,
    changes::{changed, key_path, patched},
    compute::json,
    definitions::{index_key, partial_end},
    locator::{Read, each, read},
};
use crate::{
    changes::{Base, Kept, Staged},
    dialect::Documents,
    document::ExpectationKind,
    source::{Place, Source},
    statement::{Param, rows},
    writer::SqlWriter,
};

/// So many elements of an array stand side by side.
const FLAT: usize = 32;

impl Documents for Sqlite {
    fn document(&self, sql: &mut SqlWriter) {
        sql.push("json(d.data) AS body");
    }

    fn value(&self, sql: &mut SqlWriter, place: &Place<'_>) {
        sql.push("coalesce(");
        read(sql, Read::Json, place);
        sql.push(", 'null') AS body");
    }

    fn no_body(&self, sql: &mut SqlWriter) {
        sql.push("NULL AS body");
    }

    fn window(&self, sql: &mut SqlWriter, limit: Option<u64>, skip: u64) {
        match limit {
            Some(limit) => {
                sql.push("\nLIMIT ").bind(Param::Rows(rows(limit)));
            }
            // SQLite has no `OFFSET` without a `LIMIT`; a negative one is none.
            None if skip > 0 => {
                sql.push("\nLIMIT -1");
            }
            None => {}
        }
        if skip > 0 {
            sql.push(" OFFSET ").bind(Param::Rows(rows(skip)));
        }
    }

    fn unwound(&self, sql: &mut SqlWriter, array: &Place<'_>) {
        sql.push("\n    JOIN ");
        each(sql, array);
        // Of an object it makes rows too, and of a scalar one.
        sql.push(" AS e0 ON ");
        read(sql, Read::Type, array);
        sql.push(" = 'array'");
    }

    // A function takes 1000 arguments at most, and writes some reals as others.
    fn array(
        &self,
        sql: &mut SqlWriter,
        count: usize,
        write: &mut dyn FnMut(&mut SqlWriter, usize),
    ) {
        sql.push("'[' || ");
        elements(sql, 0..count, write);
        sql.push(" || ']'");
    }

    fn element(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        json(sql, source);
    }

    fn document_element(&self, sql: &mut SqlWriter) {
        sql.push("json(d.data)");
    }

    // A write transaction holds the only write lock there is.
    fn lock(&self, _sql: &mut SqlWriter, _mode: LockMode) {}

    fn get_many(&self, sql: &mut SqlWriter, n: usize) {
        if n == 0 {
            sql.push("d.id IN (SELECT m.value FROM json_each(");
            sql.parameter(1, "").push(") AS m)");
            return;
        }
        sql.push("d.id IN (");
        for number in 1..=n {
            if number > 1 {
                sql.push(", ");
            }
            sql.parameter(number, "");
        }
        sql.push(")");
    }

    fn put(&self, sql: &mut SqlWriter, collection: &str, expect: ExpectationKind) {
        match expect {
            ExpectationKind::Any => {
                insert(sql, collection);
                sql.push("\nON CONFLICT (id) DO UPDATE SET data = excluded.data");
            }
            ExpectationKind::Absent => {
                insert(sql, collection);
                sql.push("\nON CONFLICT (id) DO NOTHING");
            }
            ExpectationKind::Present | ExpectationKind::Live | ExpectationKind::Revision => {
                sql.push("UPDATE ").ident(collection);
                sql.push(" AS d\nSET data = jsonb(").parameter(2, "");
                sql.push(")\nWHERE d.id = ").parameter(1, "");
                match expect {
                    ExpectationKind::Any | ExpectationKind::Absent | ExpectationKind::Present => {}
                    ExpectationKind::Live => {
                        sql.push(" AND ");
                        self.is_live(sql);
                    }
                    ExpectationKind::Revision => {
                        sql.push(" AND ");
                        self.revision_is(sql, 3);
                    }
                }
            }
        }
    }

    fn put_many(&self, sql: &mut SqlWriter, collection: &str, expect: ExpectationKind) {
        self.put(sql, collection, expect);
    }

    fn is_live(&self, sql: &mut SqlWriter) {
        sql.push("(d.data ->> '$._deleted_at') IS NULL");
    }

    fn revision_is(&self, sql: &mut SqlWriter, number: usize) {
        sql.push("(d.data ->> '$._rev') IS ").parameter(number, "");
        sql.push(" AND ifnull(json_type(d.data, '$._rev'), 'null') IN ('text', 'null')");
    }

    fn revision(&self, sql: &mut SqlWriter) {
        sql.push("d.data -> '$._rev'");
    }

    // Writes exclude each other, sub-selects included.
    fn looks_again(&self) -> bool {
        false
    }

    // What needs other kinds is made by a function.
    fn holds_other(&self, sql: &mut SqlWriter, base: Base, keys: &[String], _kind: FieldKind) {
        self.type_at(sql, base, keys);
        sql.push(" NOT IN ('object', 'null')");
    }

    fn holds(&self, sql: &mut SqlWriter, base: Base, keys: &[String]) {
        self.type_at(sql, base, keys);
        sql.push(" IS NOT NULL");
    }

    // A patch that is written as SQL has one stage.
    fn type_at(&self, sql: &mut SqlWriter, _base: Base, keys: &[String]) {
        sql.push("json_type(d.data, ").literal(&key_path(keys));
        sql.push(")");
    }

    fn start_failure(&self, sql: &mut SqlWriter) {
        sql.push("den_fail(");
    }

    fn end_failure(&self, sql: &mut SqlWriter) {
        sql.push(")");
    }

    fn patched(&self, sql: &mut SqlWriter, patch: &Patch) -> bool {
        patched(sql, patch)
    }

    fn changed(&self, sql: &mut SqlWriter, document: &Kept<'_>, _staged: &Staged<'_>) {
        changed(sql, document);
    }

    fn new_document(&self, sql: &mut SqlWriter, json: String) {
        sql.push("jsonb(").bind(Param::Json(json)).push(")");
    }

    fn conflict_key(&self, sql: &mut SqlWriter, place: &Place<'_>, kind: FieldKind) {
        index_key(sql, place, kind);
    }

    fn partial_end(&self, sql: &mut SqlWriter) {
        partial_end(sql);
    }

    // The columns are named without the alias here.
    fn upserted(&self, sql: &mut SqlWriter) {
        sql.push("id AS id, json(data) AS body, NULL AS inserted");
    }
}

/// Writes the elements of an array, with commas between them: as a balanced tree, because SQLite
/// allows a depth of 1000.
fn elements(
    sql: &mut SqlWriter,
    range: Range<usize>,
    write: &mut dyn FnMut(&mut SqlWriter, usize),
) {
    if range.len() <= FLAT {
        for i in range.clone() {
            if i > range.start {
                sql.push(" || ',' || ");
            }
            write(sql, i);
        }
        return;
    }
    let middle = range.start + range.len() / 2;
    sql.push("(");
    elements(sql, range.start..middle, write);
    sql.push(") || ',' || (");
    elements(sql, middle..range.end, write);
    sql.push(")");
}

fn insert(sql: &mut SqlWriter, collection: &str) {
    sql.push("INSERT INTO ").ident(collection);
    sql.push(" (id, data)\nVALUES (").parameter(1, "");
    sql.push(", jsonb(").parameter(2, "").push("))");
}
