//! Expressions in the language of one engine.

use den_backend::{ArgumentMode, CompareOp, Expr, FieldKind, Native, NativeKind, Piece};
use den_sql::{Layouts, POSTGRES};
use expect_test::{Expect, expect};

use crate::support::{articles, bare, compare, field, kinded, show};

#[track_caller]
fn check_postgres(filter: Expr, expected: &Expect) {
    let statement = den_sql::select(POSTGRES, Layouts::new(&bare()), &articles(filter));
    expected.assert_eq(&show(&statement));
}

fn native(kind: NativeKind, pieces: Vec<Piece>, arguments: Vec<Expr>) -> Expr {
    Expr::Native(Native {
        engine: "postgres",
        feature: "test",
        pieces,
        arguments,
        kind,
    })
}

fn cast(operand: Expr, name: &str) -> Expr {
    native(
        NativeKind::Other,
        vec![
            Piece::Argument(0, ArgumentMode::Text),
            Piece::Sql("::"),
            Piece::Name(name.to_owned()),
        ],
        vec![operand],
    )
}

#[test]
fn values_of_types_of_their_own_compare_as_those() {
    let text = |name: &str| kinded(name, FieldKind::Text);
    check_postgres(
        Expr::compare(
            CompareOp::Lt,
            cast(text("at"), "timestamptz"),
            cast(text("until"), "timestamptz"),
        ),
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((((CASE WHEN jsonb_typeof(d.data->'at') = 'string' THEN d.data->>'at' END) COLLATE "C")::timestamptz) < (((CASE WHEN jsonb_typeof(d.data->'until') = 'string' THEN d.data->>'until' END) COLLATE "C")::timestamptz))
            ORDER BY d.id"#]],
    );
    check_postgres(
        compare(CompareOp::Eq, cast(text("key"), "uuid"), "x"),
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (((CASE WHEN jsonb_typeof(d.data->'key') = 'string' THEN d.data->>'key' END) COLLATE "C")::uuid)::text COLLATE "C" = $1::text
            ORDER BY d.id
            -- 1 Text("x")"#]],
    );
}

#[test]
fn arguments_in_every_mode() {
    let modes = [
        ArgumentMode::Json,
        ArgumentMode::Text,
        ArgumentMode::Number,
        ArgumentMode::Bool,
        ArgumentMode::Document,
    ];
    let mut pieces = vec![Piece::Sql("f(")];
    for mode in modes {
        pieces.extend([Piece::Argument(0, mode), Piece::Sql(", ")]);
    }
    pieces.extend([Piece::Argument(1, ArgumentMode::Native), Piece::Sql(")")]);
    let arguments = vec![field("a"), cast(field("b"), "numeric(10,2)")];
    check_postgres(
        native(NativeKind::Bool, pieces.clone(), arguments.clone()),
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (f((d.data->'a'), ((CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C"), (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END), (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END), d.data, (((CASE WHEN jsonb_typeof(d.data->'b') = 'string' THEN d.data->>'b' END) COLLATE "C")::numeric(10,2))))
            ORDER BY d.id"#]],
    );
    check_postgres(
        compare(
            CompareOp::Gt,
            native(NativeKind::Number, pieces.clone(), arguments.clone()),
            1,
        ),
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (f((d.data->'a'), ((CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C"), (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END), (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END), d.data, (((CASE WHEN jsonb_typeof(d.data->'b') = 'string' THEN d.data->>'b' END) COLLATE "C")::numeric(10,2))))::text::numeric > $1::numeric
            ORDER BY d.id
            -- 1 Int(1)"#]],
    );
    check_postgres(
        compare(
            CompareOp::Gt,
            native(NativeKind::Json, pieces, arguments),
            1,
        ),
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (SELECT CASE WHEN jsonb_typeof(v.j) = 'number' THEN v.j::numeric END FROM (SELECT (f((d.data->'a'), ((CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C"), (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END), (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END), d.data, (((CASE WHEN jsonb_typeof(d.data->'b') = 'string' THEN d.data->>'b' END) COLLATE "C")::numeric(10,2)))) AS j OFFSET 0) AS v) > $1::numeric
            ORDER BY d.id
            -- 1 Int(1)"#]],
    );
}
