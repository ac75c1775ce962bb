//! Statements over documents, as PostgreSQL spells them.

use den_backend::{FieldKind, LockMode, Patch};

use super::{
    Postgres,
    changes::{at, changed, type_of},
    compute::json_of,
    locator::{elements, generated, json_argument, named_column},
};
use crate::{
    changes::{Base, Kept, Staged},
    dialect::Documents,
    document::ExpectationKind,
    source::{Place, Source},
    statement::{Param, rows},
    writer::SqlWriter,
};

/// So many arguments one call of a function is given; the server allows 100.
const MOST_ARGUMENTS: usize = 100;

impl Documents for Postgres {
    fn document(&self, sql: &mut SqlWriter) {
        sql.push("d.data AS body");
    }

    fn value(&self, sql: &mut SqlWriter, place: &Place<'_>) {
        sql.push("coalesce(");
        json_argument(sql, place);
        sql.push(", 'null'::jsonb) AS body");
    }

    fn no_body(&self, sql: &mut SqlWriter) {
        sql.push("NULL::jsonb AS body");
    }

    fn window(&self, sql: &mut SqlWriter, limit: Option<u64>, skip: u64) {
        if let Some(limit) = limit {
            sql.push("\nLIMIT ").bind(Param::Rows(rows(limit)));
        }
        if skip > 0 {
            sql.push(if limit.is_some() {
                " OFFSET "
            } else {
                "\nOFFSET "
            });
            sql.bind(Param::Rows(rows(skip)));
        }
    }

    fn unwound(&self, sql: &mut SqlWriter, array: &Place<'_>) {
        sql.push("\nCROSS JOIN LATERAL ");
        elements(sql, array);
        sql.push(" AS e0 (v)");
    }

    fn array(
        &self,
        sql: &mut SqlWriter,
        count: usize,
        write: &mut dyn FnMut(&mut SqlWriter, usize),
    ) {
        sql.push("jsonb_build_array(");
        for at in 0..count {
            if at > 0 {
                sql.push(if at % MOST_ARGUMENTS == 0 {
                    ") || jsonb_build_array("
                } else {
                    ", "
                });
            }
            write(sql, at);
        }
        sql.push(")");
    }

    fn element(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        json_of(sql, source);
    }

    fn document_element(&self, sql: &mut SqlWriter) {
        sql.push("d.data");
    }

    fn lock(&self, sql: &mut SqlWriter, mode: LockMode) {
        sql.push(match mode {
            LockMode::Wait => "\nFOR UPDATE",
            LockMode::SkipLocked => "\nFOR UPDATE SKIP LOCKED",
            LockMode::NoWait => "\nFOR UPDATE NOWAIT",
        });
    }

    fn get_many(&self, sql: &mut SqlWriter, _n: usize) {
        sql.push("d.id = ANY(").parameter(1, "::text[]").push(")");
    }

    fn put(&self, sql: &mut SqlWriter, collection: &str, expect: ExpectationKind) {
        match expect {
            ExpectationKind::Any | ExpectationKind::Absent => {
                sql.push("INSERT INTO ").ident(collection);
                sql.push(" AS d (id, data)\nVALUES (")
                    .parameter(1, "::text");
                sql.push(", ").parameter(2, "::jsonb").push(")");
                conflict(sql, expect);
            }
            ExpectationKind::Present | ExpectationKind::Live | ExpectationKind::Revision => {
                sql.push("UPDATE ").ident(collection);
                sql.push(" AS d\nSET data = ").parameter(2, "::jsonb");
                sql.push("\nWHERE d.id = ").parameter(1, "::text");
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
                sql.push("\nRETURNING FALSE AS inserted");
            }
        }
    }

    fn put_many(&self, sql: &mut SqlWriter, collection: &str, expect: ExpectationKind) {
        match expect {
            ExpectationKind::Any | ExpectationKind::Absent => {
                sql.push("INSERT INTO ").ident(collection);
                sql.push(" AS d (id, data)\nSELECT r.id, r.data FROM unnest(");
                arrays(sql, expect);
                conflict_returning_id(sql, expect);
            }
            ExpectationKind::Present | ExpectationKind::Live | ExpectationKind::Revision => {
                sql.push("UPDATE ").ident(collection);
                sql.push(" AS d\nSET data = r.data\nFROM unnest(");
                arrays(sql, expect);
                sql.push("\nWHERE d.id = r.id");
                match expect {
                    ExpectationKind::Any | ExpectationKind::Absent | ExpectationKind::Present => {}
                    ExpectationKind::Live => {
                        sql.push(" AND ");
                        self.is_live(sql);
                    }
                    ExpectationKind::Revision => {
                        sql.push(" AND (d.data->>'_rev') IS NOT DISTINCT FROM r.rev AND ");
                        revision_is_text(sql);
                    }
                }
                sql.push("\nRETURNING d.id AS id, FALSE AS inserted");
            }
        }
    }

    fn is_live(&self, sql: &mut SqlWriter) {
        sql.push("(d.data->>'_deleted_at') IS NULL");
    }

    fn revision_is(&self, sql: &mut SqlWriter, number: usize) {
        sql.push("(d.data->>'_rev') IS NOT DISTINCT FROM ");
        sql.parameter(number, "::text").push(" AND ");
        revision_is_text(sql);
    }

    fn revision(&self, sql: &mut SqlWriter) {
        sql.push("(d.data->'_rev')::text");
    }

    // A sub-select sees a row as it was when the statement began; a row that had to be waited for
    // is only looked at again by what stands outside.
    fn looks_again(&self) -> bool {
        true
    }

    fn holds_other(&self, sql: &mut SqlWriter, base: Base, keys: &[String], kind: FieldKind) {
        self.type_at(sql, base, keys);
        sql.push(match kind {
            FieldKind::Object => " NOT IN ('object', 'null')",
            FieldKind::Array => " NOT IN ('array', 'null')",
            FieldKind::Number => " NOT IN ('number', 'null')",
            FieldKind::Text => " NOT IN ('string', 'null')",
            FieldKind::Bool => " NOT IN ('boolean', 'null')",
            FieldKind::Any => " IS NULL AND FALSE",
        });
    }

    fn holds(&self, sql: &mut SqlWriter, base: Base, keys: &[String]) {
        at(sql, base, keys);
        sql.push(" IS NOT NULL");
    }

    fn type_at(&self, sql: &mut SqlWriter, base: Base, keys: &[String]) {
        type_of(sql, base, keys);
    }

    // Text that is no number, made from the row so that it is not computed ahead of time.
    fn start_failure(&self, sql: &mut SqlWriter) {
        sql.push("(");
    }

    fn end_failure(&self, sql: &mut SqlWriter) {
        sql.push(")::integer::text::jsonb");
    }

    fn patched(&self, _sql: &mut SqlWriter, _patch: &Patch) -> bool {
        false
    }

    fn changed(&self, sql: &mut SqlWriter, document: &Kept<'_>, staged: &Staged<'_>) {
        changed(sql, document, staged);
    }

    fn new_document(&self, sql: &mut SqlWriter, json: String) {
        sql.bind(Param::Json(json));
    }

    fn conflict_key(&self, sql: &mut SqlWriter, place: &Place<'_>, kind: FieldKind) {
        match place.column(kind) {
            Some(column) => named_column(sql, place.scope, column),
            None => generated(sql, place, kind),
        }
    }

    fn partial_end(&self, _sql: &mut SqlWriter) {}

    fn upserted(&self, sql: &mut SqlWriter) {
        sql.push("d.id AS id, d.data AS body, ");
        inserted(sql, ExpectationKind::Any);
    }
}

/// Writes that the stored revision is no number or other thing whose text happens to be equal.
fn revision_is_text(sql: &mut SqlWriter) {
    sql.push("coalesce(jsonb_typeof(d.data->'_rev'), 'null') IN ('string', 'null')");
}

fn arrays(sql: &mut SqlWriter, expect: ExpectationKind) {
    sql.parameter(1, "::text[]")
        .push(", ")
        .parameter(2, "::jsonb[]");
    match expect {
        ExpectationKind::Any
        | ExpectationKind::Absent
        | ExpectationKind::Present
        | ExpectationKind::Live => {
            sql.push(") AS r (id, data)");
        }
        ExpectationKind::Revision => {
            sql.push(", ")
                .parameter(3, "::text[]")
                .push(") AS r (id, data, rev)");
        }
    }
}

fn conflict(sql: &mut SqlWriter, expect: ExpectationKind) {
    on_conflict(sql, expect);
    sql.push("\nRETURNING ");
    inserted(sql, expect);
}

fn conflict_returning_id(sql: &mut SqlWriter, expect: ExpectationKind) {
    on_conflict(sql, expect);
    sql.push("\nRETURNING d.id AS id, ");
    inserted(sql, expect);
}

fn on_conflict(sql: &mut SqlWriter, expect: ExpectationKind) {
    sql.push(match expect {
        ExpectationKind::Any => "\nON CONFLICT (id) DO UPDATE SET data = excluded.data",
        ExpectationKind::Absent
        | ExpectationKind::Present
        | ExpectationKind::Live
        | ExpectationKind::Revision => "\nON CONFLICT (id) DO NOTHING",
    });
}

fn inserted(sql: &mut SqlWriter, expect: ExpectationKind) {
    // An upsert that updates has locked the row before, which is noted in `xmax`.
    sql.push(match expect {
        ExpectationKind::Any => "(d.xmax = 0) AS inserted",
        ExpectationKind::Absent
        | ExpectationKind::Present
        | ExpectationKind::Live
        | ExpectationKind::Revision => "TRUE AS inserted",
    });
}
