//! Statements over documents, as SQLite spells them.

use den_backend::LockMode;

use super::{
    Sqlite,
    changes::{changed, key_path},
    locator::{Read, read},
};
use crate::{
    changes::Kept,
    dialect::Documents,
    document::ExpectationKind,
    source::Place,
    statement::{Param, rows},
    writer::SqlWriter,
};

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

    fn is_no_object(&self, sql: &mut SqlWriter, keys: &[String]) {
        self.type_at(sql, keys);
        sql.push(" NOT IN ('object', 'null')");
    }

    fn type_at(&self, sql: &mut SqlWriter, keys: &[String]) {
        sql.push("json_type(d.data, ").literal(&key_path(keys));
        sql.push(")");
    }

    fn start_failure(&self, sql: &mut SqlWriter) {
        sql.push("den_fail(");
    }

    fn end_failure(&self, sql: &mut SqlWriter) {
        sql.push(")");
    }

    fn changed(&self, sql: &mut SqlWriter, document: &Kept<'_>) {
        changed(sql, document);
    }
}

fn insert(sql: &mut SqlWriter, collection: &str) {
    sql.push("INSERT INTO ").ident(collection);
    sql.push(" (id, data)\nVALUES (").parameter(1, "");
    sql.push(", jsonb(").parameter(2, "").push("))");
}
