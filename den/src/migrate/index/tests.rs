use super::*;
use crate::field;

fn meta(fields: &[&str], options: &str) -> Result<IndexMeta> {
    let fields = fields.iter().map(|it| IndexField::from(*it)).collect();
    IndexOptions::parse(options).into_meta("issues", fields)
}

#[test]
fn fields_have_kinds_and_directions() {
    let meta = meta(
        &["issue_id", "received_at:DESC", "a.b:text:asc", "n:number"],
        "",
    )
    .unwrap();
    let read: Vec<_> = meta
        .fields
        .iter()
        .map(|(it, direction)| (it.path.to_string(), it.kind, *direction))
        .collect();
    assert_eq!(
        read,
        [
            ("issue_id".to_owned(), FieldKind::Any, Direction::Asc),
            ("received_at".to_owned(), FieldKind::Any, Direction::Desc),
            ("a.b".to_owned(), FieldKind::Text, Direction::Asc),
            ("n".to_owned(), FieldKind::Number, Direction::Asc),
        ]
    );
    assert_eq!(meta.kind, IndexKind::Plain);
}

#[test]
fn options_as_text_are_options_in_code() {
    let built = |options: IndexOptions| options.into_meta("issues", vec!["a".into()]).unwrap();
    let open = field("status").eq("it's = open");
    assert_eq!(
        meta(
            &["a"],
            "  name:idx  unique:true where:status = 'it''s = open' "
        )
        .unwrap(),
        built(IndexOptions::new().name("idx").unique().filter(open))
    );
    for (text, filter) in [
        ("name:i where:n = -1.5", field("n").eq(-1.5)),
        ("name:i where:n=1", field("n").eq(1)),
        ("name:i where:done = true", field("done").eq(true)),
        ("name:i where:a.b is null", field("a.b").is_null()),
        ("name:i where: a IS NOT NULL", field("a").is_not_null()),
    ] {
        let expected = built(IndexOptions::new().name("i").filter(filter));
        assert_eq!(meta(&["a"], text).unwrap(), expected, "{text}");
    }
    assert_eq!(
        meta(&["a"], "members:true").unwrap(),
        built(IndexOptions::new().members())
    );
}

#[test]
fn mistakes_are_told() {
    for (fields, options) in [
        (&["a:DOWN"] as &[&str], ""),
        (&["a:DESC:text"], ""),
        (&["a:DESC:ASC"], ""),
        (&[""], ""),
        (&["a", "a:DESC"], ""),
        (&["a"], "unique"),
        (&["a"], "unique:yes"),
        (&["a"], "name:"),
        (&["a"], "name:a name:b"),
        (&["a"], "colour:red"),
        (&["a"], "unique:true members:true"),
        (&["a"], "where:status = 'open'"),
        (&["a"], "name:i where:status"),
        (&["a"], "name:i where:status = 'open"),
        (&["a"], "name:i where:status = open"),
        (&["a"], "name:i where:status = 'a' OR 'b'"),
        (&["a"], "name:i where:status = null"),
        (&["a"], "name:i where:status > 1"),
        (&["a"], "name:i where:lower(status) = 'a'; drop"),
    ] {
        let outcome = meta(fields, options);
        match outcome {
            Ok(meta) => panic!("{fields:?} {options}: {meta:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{options}"),
        }
    }
}
