//! What functions compute.

use den_backend::{Function, TimeUnit};
use expect_test::expect;

use crate::computed::{call, check_value, check_values, number, text, value};

#[test]
fn functions_of_text() {
    let substr = |start, length| Function::Substr { start, length };
    check_values(
        vec![
            call(Function::Lower, vec![text("t")]),
            call(Function::Upper, vec![text("t")]),
            call(Function::Length, vec![text("t")]),
            call(Function::Trim, vec![text("t")]),
            call(substr(2, Some(3)), vec![text("t")]),
            call(substr(u32::MAX, None), vec![text("t")]),
            call(Function::Concat, vec![text("t"), value("-"), text("u")]),
            call(Function::Replace, vec![text("t"), value("'"), value("")]),
            call(Function::TypeName, vec![text("t")]),
        ],
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ',' || den_value(?2, json(d.data), NULL) || ',' || den_value(?3, json(d.data), NULL) || ',' || den_value(?4, json(d.data), NULL) || ',' || den_value(?5, json(d.data), NULL) || ',' || den_value(?6, json(d.data), NULL) || ',' || den_value(?7, json(d.data), NULL) || ',' || den_value(?8, json(d.data), NULL) || ',' || den_value(?9, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"call\":{\"function\":\"lower\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")
            -- 2 Json("{\"call\":{\"function\":\"upper\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")
            -- 3 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")
            -- 4 Json("{\"call\":{\"function\":\"trim\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")
            -- 5 Json("{\"call\":{\"function\":{\"substr\":{\"start\":2,\"length\":3}},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")
            -- 6 Json("{\"call\":{\"function\":{\"substr\":{\"start\":4294967295,\"length\":null}},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")
            -- 7 Json("{\"call\":{\"function\":\"concat\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}},{\"value\":\"-\"},{\"field\":{\"root\":\"document\",\"path\":[\"u\"],\"kind\":\"text\"}}]}}")
            -- 8 Json("{\"call\":{\"function\":\"replace\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}},{\"value\":\"'\"},{\"value\":\"\"}]}}")
            -- 9 Json("{\"call\":{\"function\":\"type_name\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}]}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array((jsonb_object(ARRAY['v', lower((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C" COLLATE "C") COLLATE "C"])->'v'), (jsonb_object(ARRAY['v', upper((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C" COLLATE "C") COLLATE "C"])->'v'), (char_length((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C")::numeric)::text::jsonb, (jsonb_object(ARRAY['v', btrim((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C", E' \t\n\r\x0b\f') COLLATE "C"])->'v'), (jsonb_object(ARRAY['v', substr((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C", 3, 3) COLLATE "C"])->'v'), (jsonb_object(ARRAY['v', substr((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C", 1000000001) COLLATE "C"])->'v'), (jsonb_object(ARRAY['v', ((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C" || $1::text || (CASE WHEN jsonb_typeof(d.data->'u') = 'string' THEN d.data->>'u' END) COLLATE "C") COLLATE "C"])->'v'), (jsonb_object(ARRAY['v', replace((CASE WHEN jsonb_typeof(d.data->'t') = 'string' THEN d.data->>'t' END) COLLATE "C", $2::text, $3::text) COLLATE "C"])->'v'), (jsonb_object(ARRAY['v', (SELECT CASE WHEN v.t = 'string' THEN 'text' WHEN v.t = 'boolean' THEN 'bool' ELSE coalesce(v.t, 'null') END FROM (SELECT jsonb_typeof((d.data->'t')) AS t OFFSET 0) AS v) COLLATE "C"])->'v')) AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Text("-")
            -- 2 Text("'")
            -- 3 Text("")"#]],
    );
}

#[test]
fn functions_of_numbers() {
    check_values(
        vec![
            call(Function::Abs, vec![number("n")]),
            call(Function::Round { digits: 2 }, vec![number("n")]),
            call(Function::Least, vec![number("n"), number("m"), value(1.5)]),
            call(Function::Greatest, vec![number("n"), value(2)]),
        ],
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ',' || den_value(?2, json(d.data), NULL) || ',' || den_value(?3, json(d.data), NULL) || ',' || den_value(?4, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"call\":{\"function\":\"abs\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"n\"],\"kind\":\"number\"}}]}}")
            -- 2 Json("{\"call\":{\"function\":{\"round\":{\"digits\":2}},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"n\"],\"kind\":\"number\"}}]}}")
            -- 3 Json("{\"call\":{\"function\":\"least\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"n\"],\"kind\":\"number\"}},{\"field\":{\"root\":\"document\",\"path\":[\"m\"],\"kind\":\"number\"}},{\"value\":1.5}]}}")
            -- 4 Json("{\"call\":{\"function\":\"greatest\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"n\"],\"kind\":\"number\"}},{\"value\":2}]}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array(((SELECT CASE WHEN n.a = -9223372036854775808 AND scale(n.a) = 0 THEN abs(n.a::bigint)::numeric ELSE abs(n.a) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) AS a OFFSET 0) AS n))::text::jsonb, ((SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 THEN n.a ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT round(n.a, 2)::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) AS a OFFSET 0) AS n))::text::jsonb, (least((CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END), (CASE WHEN jsonb_typeof(d.data->'m') = 'number' THEN (d.data->>'m')::numeric END), $1::numeric))::text::jsonb, (greatest((CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END), $2::numeric))::text::jsonb) AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Float(1.5)
            -- 2 Int(2)"#]],
    );
}

#[test]
fn functions_of_times() {
    check_value(
        call(Function::Truncate(TimeUnit::Hour), vec![text("at")]),
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"call\":{\"function\":{\"truncate\":\"hour\"},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"at\"],\"kind\":\"text\"}}]}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array((jsonb_object(ARRAY['v', (SELECT CASE WHEN t.v ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' THEN left(t.v, 14) || '00:00.000000Z' END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'at') = 'string' THEN d.data->>'at' END) COLLATE "C" AS v OFFSET 0) AS t) COLLATE "C"])->'v')) AS body
            FROM "articles" AS d
            ORDER BY d.id"#]],
    );
    check_value(
        call(Function::Truncate(TimeUnit::Week), vec![text("at")]),
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"call\":{\"function\":{\"truncate\":\"week\"},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"at\"],\"kind\":\"text\"}}]}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array((jsonb_object(ARRAY['v', (SELECT CASE WHEN t.v ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' THEN (SELECT lpad(date_part('year', w.d)::integer::text, 4, '0') || '-' || lpad(date_part('month', w.d)::integer::text, 2, '0') || '-' || lpad(date_part('day', w.d)::integer::text, 2, '0') || 'T00:00:00.000000Z' FROM (SELECT x.d - (x.d - make_date(1, 1, 1)) % 7 AS d FROM (SELECT make_date(substr(t.v, 1, 4)::integer, substr(t.v, 6, 2)::integer, substr(t.v, 9, 2)::integer) AS d OFFSET 0) AS x OFFSET 0) AS w) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'at') = 'string' THEN d.data->>'at' END) COLLATE "C" AS v OFFSET 0) AS t) COLLATE "C"])->'v')) AS body
            FROM "articles" AS d
            ORDER BY d.id"#]],
    );
    check_value(
        call(Function::SecondsBetween, vec![text("at"), text("since")]),
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"call\":{\"function\":\"seconds_between\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"at\"],\"kind\":\"text\"}},{\"field\":{\"root\":\"document\",\"path\":[\"since\"],\"kind\":\"text\"}}]}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array(((SELECT CASE WHEN t.a ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' AND t.b ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' THEN (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT ((make_date(substr(t.a, 1, 4)::integer, substr(t.a, 6, 2)::integer, substr(t.a, 9, 2)::integer) - make_date(substr(t.b, 1, 4)::integer, substr(t.b, 6, 2)::integer, substr(t.b, 9, 2)::integer))::numeric * 86400 + substr(t.a, 12, 2)::numeric * 3600 - substr(t.b, 12, 2)::numeric * 3600 + substr(t.a, 15, 2)::numeric * 60 - substr(t.b, 15, 2)::numeric * 60 + substr(t.a, 18, 9)::numeric - substr(t.b, 18, 9)::numeric)::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'at') = 'string' THEN d.data->>'at' END) COLLATE "C" AS a, (CASE WHEN jsonb_typeof(d.data->'since') = 'string' THEN d.data->>'since' END) COLLATE "C" AS b OFFSET 0) AS t))::text::jsonb) AS body
            FROM "articles" AS d
            ORDER BY d.id"#]],
    );
}
