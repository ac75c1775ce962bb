//! Documents that are inserted, or change what is in the way.

use den_backend::{
    Change, ConflictTarget, Direction, Expr, FieldKind, IndexKind, OnConflict, Patch, Upsert,
};
use den_sql::{Layout, Layouts, POSTGRES, SQLITE};
use expect_test::{Expect, expect};

use crate::support::{bare, check_statements, compare, eq, field, index, indexed, path};

#[track_caller]
fn check_upsert(
    layout: &Layout,
    target: ConflictTarget<'_>,
    on_conflict: OnConflict<'_>,
    sqlite: &Expect,
    postgres: &Expect,
) {
    let upsert = Upsert {
        id: "x",
        body: br#"{"_id":"x","price":1}"#,
        target,
        on_conflict,
    };
    check_statements(
        &den_sql::upsert(SQLITE, Layouts::new(layout), &upsert),
        &den_sql::upsert(POSTGRES, Layouts::new(layout), &upsert),
        sqlite,
        postgres,
    );
}

fn count() -> Patch {
    Patch::new(vec![Change::Inc {
        path: path("n"),
        by: 1.into(),
    }])
}

#[test]
fn the_same_id_is_in_the_way() {
    check_upsert(
        &bare(),
        ConflictTarget::Id,
        OnConflict::Nothing,
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT (id) DO NOTHING
            RETURNING id AS id, json(data) AS body, NULL AS inserted
            -- 1 Text("x")
            -- 2 Json("{\"_id\":\"x\",\"price\":1}")"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES ($1::text, $2::jsonb)
            ON CONFLICT (id) DO NOTHING
            RETURNING d.id AS id, d.data AS body, (d.xmax = 0) AS inserted
            -- 1 Text("x")
            -- 2 Json("{\"_id\":\"x\",\"price\":1}")"#]],
    );
}

#[test]
fn a_value_of_a_column_is_in_the_way() {
    let target = index(
        "ux",
        IndexKind::Unique,
        &[
            ("title", FieldKind::Text, Direction::Asc),
            ("price", FieldKind::Number, Direction::Desc),
        ],
    );
    check_upsert(
        &indexed(),
        ConflictTarget::Index(&target),
        OnConflict::Change(&count()),
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT ("t_title_d62a4945", "n_price_a39347ce") DO UPDATE
            SET data = jsonb(den_patch(?3, json(d.data), d.id, NULL))
            RETURNING id AS id, json(data) AS body, NULL AS inserted
            -- 1 Text("x")
            -- 2 Json("{\"_id\":\"x\",\"price\":1}")
            -- 3 Json("{\"changes\":[{\"inc\":{\"path\":[\"n\"],\"by\":1}}]}")"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES ($1::text, $2::jsonb)
            ON CONFLICT ("t_title_d62a4945", "n_price_a39347ce") DO UPDATE
            SET data = CASE
                WHEN jsonb_typeof(d.data->'n') NOT IN ('number', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'n') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['n']::text[], (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->'n')::numeric ELSE 0 END AS a, $3::numeric AS b OFFSET 0) AS n)::text::jsonb)
            END
            RETURNING d.id AS id, d.data AS body, (d.xmax = 0) AS inserted
            -- 1 Text("x")
            -- 2 Json("{\"_id\":\"x\",\"price\":1}")
            -- 3 Int(1)"#]],
    );
}

#[test]
fn a_partial_index_is_known_by_its_filter() {
    let mut target = index(
        "ux",
        IndexKind::Unique,
        &[
            ("sku", FieldKind::Text, Direction::Asc),
            ("n", FieldKind::Number, Direction::Asc),
            ("any", FieldKind::Any, Direction::Asc),
        ],
    );
    let live = Expr::IsNull(Box::new(field("_deleted_at")));
    let cheap = compare(den_backend::CompareOp::Lt, field("price"), 10);
    target.filter = live.and(cheap).and(eq("kind", "it's"));
    let layout = bare()
        .with_expression(path("sku"), FieldKind::Text)
        .with_expression(path("n"), FieldKind::Number)
        .with_expression(path("any"), FieldKind::Any);
    check_upsert(
        &layout,
        ConflictTarget::Index(&target),
        OnConflict::Nothing,
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT ((CASE json_type(data, '$.sku') WHEN 'text' THEN data ->> '$.sku' END), (CASE WHEN json_type(data, '$.n') IN ('integer', 'real') THEN data ->> '$.n' END), (CASE json_type(data, '$.any') WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'array' THEN CAST(data -> '$.any' AS BLOB) WHEN 'object' THEN CAST(data -> '$.any' AS BLOB) ELSE data ->> '$.any' END), (x'')) WHERE (ifnull(json_type(data, '$._deleted_at'), 'null') = 'null' AND CASE WHEN json_type(data, '$.price') IN ('integer', 'real') THEN data ->> '$.price' END < 10 AND CASE json_type(data, '$.kind') WHEN 'text' THEN data ->> '$.kind' END = 'it''s') DO NOTHING
            RETURNING id AS id, json(data) AS body, NULL AS inserted
            -- 1 Text("x")
            -- 2 Json("{\"_id\":\"x\",\"price\":1}")"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES ($1::text, $2::jsonb)
            ON CONFLICT ((CASE WHEN jsonb_typeof(data->'sku') = 'string' THEN data->>'sku' END) COLLATE "C", (CASE WHEN jsonb_typeof(data->'n') = 'number' THEN (data->>'n')::numeric END), nullif(data->'any', 'null'::jsonb)) WHERE (coalesce(data->'_deleted_at', 'null'::jsonb) = 'null'::jsonb AND (CASE WHEN jsonb_typeof(data->'price') = 'number' THEN (data->>'price')::numeric END) < '10'::numeric AND (data->'kind') = '"it''s"'::jsonb) DO NOTHING
            RETURNING d.id AS id, d.data AS body, (d.xmax = 0) AS inserted
            -- 1 Text("x")
            -- 2 Json("{\"_id\":\"x\",\"price\":1}")"#]],
    );
}
