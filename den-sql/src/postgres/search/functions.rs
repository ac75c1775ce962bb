//! The functions that PostgreSQL makes words with.
//!
//! They call nothing but the server's own functions, so that they work whatever schemas are looked
//! into (while a dump is restored, say). A function is never changed under its name: an index would not
//! notice.

use den_backend::search::letters::{capitals, letters, marks};

use crate::writer::{Placeholders, SqlWriter};

/// `_den_words_1(jsonb)`: the words of a text or of the texts in an array, each between spaces, those
/// of different texts with `|` between them; empty for anything else.
pub(super) const WORDS: &str = "_den_words_1";

/// `_den_vector_1(labels, configuration, words of each field)`: the `tsvector`. Any text has one: what
/// it has no room for is left out.
pub(super) const VECTOR: &str = "_den_vector_1";

/// Capital letters of one block are looked for together: so many code points.
const BLOCK: u32 = 0x100;

/// The functions by their signatures, and the statements that make them.
pub(super) fn all() -> Vec<(&'static str, String)> {
    vec![
        ("_den_words_1(jsonb)", words()),
        ("_den_vector_1(text, text, text[])", vector()),
    ]
}

fn words() -> String {
    let mut body = String::from(WORDS_START);
    let capitals: Vec<(char, char)> = capitals().collect();
    let block = |it: &(char, char)| u32::from(it.0) / BLOCK;
    for pairs in capitals.chunk_by(|a, b| block(a) == block(b)) {
        let (Some((first, _)), Some((last, _))) = (pairs.first(), pairs.last()) else {
            continue;
        };
        body.push_str("        IF t ~ '[");
        body.push(*first);
        body.push('-');
        body.push(*last);
        body.push_str("]' THEN\n            t := translate(t, '");
        body.extend(pairs.iter().map(|it| it.0));
        body.push_str("', '");
        body.extend(pairs.iter().map(|it| it.1));
        body.push_str("');\n        END IF;\n");
    }
    let begin = class(letters());
    body.push_str("        RETURN regexp_replace(' ' || t || ' ', '[^|");
    body.push_str(&class(marks()));
    body.push_str(&begin);
    body.push_str("][^|");
    body.push_str(&begin);
    body.push_str("]*', ' ', 'g');\n");
    body.push_str(WORDS_END);
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("CREATE FUNCTION ").push(WORDS);
    sql.push("(value jsonb) RETURNS text\nLANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS ");
    sql.literal(&body);
    sql.into_text()
}

fn vector() -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("CREATE FUNCTION ").push(VECTOR);
    sql.push("(labels text, configuration text, words text[]) RETURNS tsvector\n");
    sql.push("LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS ");
    sql.literal(VECTOR_BODY);
    sql.into_text()
}

/// What stands in a bracket expression for these characters, of which none means anything there.
fn class(runs: impl Iterator<Item = (char, char)>) -> String {
    let mut class = String::new();
    for (first, last) in runs {
        class.push(first);
        if first != last {
            class.push('-');
            class.push(last);
        }
    }
    class
}

const WORDS_START: &str = r#"
DECLARE
    t text COLLATE "C";
BEGIN
    IF jsonb_typeof(value) = 'string' THEN
        t := replace(value #>> '{}', '|', ' ');
    ELSIF jsonb_typeof(value) = 'array' THEN
        SELECT string_agg(replace(e.v #>> '{}', '|', ' '), ' | ' ORDER BY e.n) INTO t
        FROM jsonb_array_elements(value) WITH ORDINALITY AS e (v, n)
        WHERE jsonb_typeof(e.v) = 'string';
    END IF;
    IF t IS NULL THEN
        RETURN '';
    END IF;
    t := lower(t);
    IF t ~ '[^\x01-\x7f]' THEN
"#;

const WORDS_END: &str = r"    END IF;
    RETURN regexp_replace(' ' || t || ' ', '[^|0-9a-z]+', ' ', 'g');
END
";

/// The server refuses a `tsvector` above 1 MB, and positions above 16383. A text that comes near has
/// each word once, as far as there is room; with a language, only its beginning.
const VECTOR_BODY: &str = r#"
DECLARE
    size bigint := coalesce((SELECT sum(octet_length(t)) FROM unnest(words) AS a (t)), 0);
    result tsvector := '';
    lexemes text := '';
    list text[];
    -- So many words lie before those of the field at hand: each has a position of its own.
    before bigint := 0;
BEGIN
    IF configuration <> '' THEN
        FOR i IN 1 .. coalesce(array_length(words, 1), 0) LOOP
            result := result || setweight(
                to_tsvector(
                    configuration::regconfig,
                    left(replace(words[i], '|', ' '), 200000 / array_length(words, 1))
                ),
                substr(labels, i, 1)::"char"
            );
        END LOOP;
        RETURN result;
    END IF;
    IF size <= 400000 THEN
        FOR i IN 1 .. coalesce(array_length(words, 1), 0) LOOP
            list := string_to_array(btrim(words[i], ' '), ' ');
            SELECT concat(
                lexemes, ' ',
                string_agg(left(b.w, 500) || ':' || least(b.n + before, 16383)::text || substr(labels, i, 1), ' ')
            ) INTO lexemes
            FROM unnest(list) WITH ORDINALITY AS b (w, n)
            WHERE b.w <> '' AND b.w <> '|';
            before := before + coalesce(array_length(list, 1), 0);
        END LOOP;
        RETURN lexemes::tsvector;
    END IF;
    RETURN coalesce((
        SELECT string_agg(c.w || ':1' || c.label, ' ')
        FROM (
            SELECT b.w, b.label, sum(octet_length(b.w) + 10) OVER (ORDER BY b.first, b.w, b.label) AS size
            FROM (
                SELECT left(w.w, 500) AS w, substr(labels, a.f::integer, 1) AS label,
                    min(a.f * 1000000000 + w.n) AS first
                FROM unnest(words) WITH ORDINALITY AS a (t, f)
                CROSS JOIN LATERAL unnest(string_to_array(btrim(a.t, ' '), ' '))
                    WITH ORDINALITY AS w (w, n)
                WHERE w.w <> '' AND w.w <> '|'
                GROUP BY 1, 2
            ) AS b
        ) AS c
        WHERE c.size < 900000
    ), '')::tsvector;
END
"#;
