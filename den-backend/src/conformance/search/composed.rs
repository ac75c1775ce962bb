//! Searches beside filters, orders, windows and writes.

use super::*;

pub(super) async fn the_index_follows_the_documents(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red", "red blue", "green"]).await;
    put(backend, "a", r#"{"body":"blue"}"#, Expectation::Present)
        .await
        .unwrap();
    put(backend, "c", r#"{"other":1}"#, Expectation::Any)
        .await
        .unwrap();
    finds(backend, &index, "red", "b").await;
    finds(backend, &index, "blue", "a b").await;
    finds(backend, &index, "green", "").await;
    backend.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    finds(backend, &index, "blue", "a").await;
    insert(backend, "b", r#"{"body":"yellow"}"#).await;
    finds(backend, &index, "blue OR yellow", "a b").await;
    finds(backend, &index, "red", "").await;
    put(backend, "d", r#"{"body":"red"}"#, Expectation::Any)
        .await
        .unwrap();
    finds(backend, &index, "red", "d").await;
    backend.delete_matching(&Query::new(ITEMS)).await.unwrap();
    finds(backend, &index, "-nothing", "").await;
}

pub(super) async fn the_index_follows_patches(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red", "blue"]).await;
    let set = vec![Change::Set {
        path: path("body"),
        value: Value::from("green"),
    }];
    let query = searching(&index, "red");
    let updated = update(backend, &query, set).await.unwrap();
    assert_eq!(updated, 1);
    finds(backend, &index, "red", "").await;
    finds(backend, &index, "green", "a").await;
}

pub(super) async fn old_documents_are_found(backend: &dyn Backend) {
    given(backend, &[r#"{"body":"red"}"#, r#"{"body":"blue"}"#, "{}"]).await;
    let index = search_index(&FIELDS);
    backend.ensure_index(ITEMS, &index).await.unwrap();
    finds(backend, &index, "red", "a").await;
    finds(backend, &index, "\"red\" OR -red", "a b c").await;
    insert(backend, "d", r#"{"title":"red"}"#).await;
    finds(backend, &index, "red", "a d").await;
    backend.ensure_index(ITEMS, &index).await.unwrap();
    finds(backend, &index, "red", "a d").await;
    let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].fields, ["title", "body"]);
}

pub(super) async fn a_changed_index_is_made_again(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[r#"{"title":"red","note":"blue"}"#, r#"{"body":"blue"}"#],
    )
    .await;
    finds(backend, &index, "blue", "b").await;
    let mut other = search_index(&[("title", Text), ("note", Text), ("body", Text)]);
    other.name.clone_from(&index.name);
    let fields = [("title", Text), ("note", Text), ("body", Any)];
    let meta = declared(&fields, vec![other.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    finds(backend, &other, "blue", "a b").await;
    finds(backend, &other, "note:blue", "a").await;
    let mut weighted = other.clone();
    weighted.search.as_mut().unwrap().weights = vec![1.0, 2.0, 1.0];
    backend.ensure_index(ITEMS, &weighted).await.unwrap();
    finds(backend, &weighted, "red OR blue", "a b").await;
    let mut fewer = search_index(&[("note", Text)]);
    fewer.name.clone_from(&index.name);
    backend.ensure_index(ITEMS, &fewer).await.unwrap();
    finds(backend, &fewer, "red", "").await;
    finds(backend, &fewer, "blue", "a").await;
    insert(backend, "c", r#"{"note":"blue","body":"red"}"#).await;
    finds(backend, &fewer, "blue", "a c").await;
    let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
    assert_eq!(recorded.len(), 1);
}

pub(super) async fn a_dropped_index_can_be_made_again(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red", "blue"]).await;
    backend.drop_index(ITEMS, &index.name).await.unwrap();
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
    insert(backend, "c", r#"{"body":"red"}"#).await;
    put(backend, "b", r#"{"body":"red"}"#, Expectation::Any)
        .await
        .unwrap();
    backend.ensure_index(ITEMS, &index).await.unwrap();
    finds(backend, &index, "red", "a b c").await;
    backend.drop_collection(ITEMS).await.unwrap();
    let index = given_bodies(backend, &["blue"]).await;
    finds(backend, &index, "red", "").await;
    finds(backend, &index, "blue", "a").await;
}

pub(super) async fn several_indexes_stand_side_by_side(backend: &dyn Backend) {
    let one = search_index(&[("title", Text)]);
    let two = search_index(&[("body", Any)]);
    let meta = declared(&FIELDS, vec![one.clone(), two.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"title":"red","body":"blue"}"#).await;
    finds(backend, &one, "red", "a").await;
    finds(backend, &two, "red", "").await;
    finds(backend, &two, "blue", "a").await;
}

pub(super) async fn better_documents_come_first(backend: &dyn Backend) {
    let filler = "other words that fill the text until it is long enough to tell";
    let bodies = [
        format!("{filler} rust {filler}"),
        format!("rust {filler} rust and rust once more"),
        format!("{filler} {filler}"),
        format!("no {filler}"),
        format!("not {filler}"),
        format!("{filler} rust {filler}"),
    ];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let index = given_bodies(backend, &bodies).await;
    assert_eq!(ids(backend, &ranked(&index, "rust")).await, "b a f");
    let mut second = ranked(&index, "rust");
    second.skip = 1;
    second.limit = Some(1);
    assert_eq!(ids(backend, &second).await, "a");
    let mut down = ranked(&index, "rust");
    down.id_direction = Direction::Desc;
    assert_eq!(ids(backend, &down).await, "b f a");
}

pub(super) async fn fields_weigh_differently(backend: &dyn Backend) {
    let mut index = search_index(&FIELDS);
    index.search.as_mut().unwrap().weights = vec![10.0, 1.0];
    let meta = declared(&FIELDS, vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    let documents = [
        r#"{"title":"some thing","body":"red"}"#,
        r#"{"title":"red","body":"some thing"}"#,
        r#"{"title":"some","body":"thing"}"#,
        r#"{"title":"thing","body":"some"}"#,
        r#"{"title":"no","body":"more"}"#,
    ];
    given(backend, &documents).await;
    assert_eq!(ids(backend, &ranked(&index, "red")).await, "b a");
    let mut turned = index.clone();
    turned.search.as_mut().unwrap().weights = vec![0.5, 2.0];
    backend.ensure_index(ITEMS, &turned).await.unwrap();
    assert_eq!(ids(backend, &ranked(&turned, "red")).await, "a b");
}

pub(super) async fn scores_come_with_documents(backend: &dyn Backend) {
    let index = given_bodies(
        backend,
        &["red", "red red blue green", "yellow", "blue", "x"],
    )
    .await;
    for query in [
        ranked(&index, "red OR -yellow"),
        searching(&index, "red OR -yellow"),
    ] {
        let query = Query {
            select: Select::Scored,
            ..query
        };
        let rows = rows(backend, &query).await;
        assert_eq!(rows.len(), 4);
        let mut best = f64::INFINITY;
        for row in rows {
            let Value::Array(parts) = parsed(&row) else {
                panic!("no pair: {row:?}");
            };
            assert_eq!(parts.len(), 2);
            assert_eq!(
                parts[0].at(&["_id".to_owned()]),
                Some(&Value::from(row.id.as_str()))
            );
            let score: f64 = parts[1].to_string().parse().unwrap();
            let is_found = ["a", "b"].contains(&row.id.as_str());
            assert_eq!(score > 0.0, is_found, "{}: {score}", row.id);
            if query.search.as_ref().unwrap().ranked {
                assert!(score <= best);
                best = score;
            }
        }
    }
}

pub(super) async fn searches_compose_with_queries(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"body":"red","x":3}"#,
            r#"{"body":"red","x":1}"#,
            r#"{"body":"blue","x":2}"#,
            r#"{"body":"red","x":2}"#,
        ],
    )
    .await;
    let mut query = searching(&index, "red");
    query.filter = ge(field("x"), literal("2"));
    assert_eq!(ids(backend, &query).await, "a d");
    assert_eq!(backend.count(&query).await.unwrap(), 2);
    query.sort = vec![by("x", Number)];
    assert_eq!(ids(backend, &query).await, "d a");
    query.limit = Some(1);
    query.select = Select::Id;
    assert_eq!(ids(backend, &query).await, "d");
    query.limit = None;
    query.skip = 1;
    query.select = Select::Value(FieldPath::parse("x").unwrap());
    assert_eq!(rows(backend, &query).await[0].body, b"3");
    query.filter = Expr::never();
    assert_eq!(ids(backend, &query).await, "");
}

pub(super) async fn searches_have_pages(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"body":"red","x":3}"#,
            r#"{"body":"red","x":1}"#,
            r#"{"body":"blue","x":2}"#,
            r#"{"body":"red"}"#,
            r#"{"body":"red","x":1}"#,
        ],
    )
    .await;
    let mut query = searching(&index, "red");
    query.sort = vec![by("x", Number)];
    query.limit = Some(1);
    let mut walked = Vec::new();
    let keys = [
        ("d", Value::Null),
        ("b", 1.into()),
        ("e", 1.into()),
        ("a", 3.into()),
    ];
    for (id, key) in keys {
        walked.push(ids(backend, &query).await);
        query.seek = Some(crate::Seek {
            keys: vec![key],
            id: id.to_owned(),
        });
    }
    assert_eq!(walked.join(" "), "d b e a");
    assert_eq!(ids(backend, &query).await, "");
}

pub(super) async fn what_is_found_is_deleted(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red", "blue", "red blue", "red"]).await;
    let query = searching(&index, "red -blue");
    let deleted = backend.delete_matching(&query);
    assert_eq!(deleted.await.unwrap(), 2);
    finds(backend, &index, "red OR blue", "b c").await;
    let mut first = ranked(&index, "blue");
    first.limit = Some(1);
    assert_eq!(backend.delete_matching(&first).await.unwrap(), 1);
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 1);
    assert_eq!(
        backend
            .delete_matching(&searching(&index, ""))
            .await
            .unwrap(),
        0
    );
}

pub(super) async fn what_is_found_is_changed(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red", "blue", "red blue"]).await;
    let patch = || {
        vec![Change::Set {
            path: path("mark"),
            value: Value::Bool(true),
        }]
    };
    let updated = update(
        backend,
        &searching(&index, "\"red\" -\"red blue\""),
        patch(),
    )
    .await;
    assert_eq!(updated.unwrap(), 1);
    assert_eq!(stored(backend, "a", "mark").await, Value::Bool(true));
    assert_eq!(stored(backend, "c", "mark").await, Value::Null);
    assert_eq!(
        update(backend, &searching(&index, "++"), patch())
            .await
            .unwrap(),
        0
    );
}

pub(super) async fn searches_see_their_transaction(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red"]).await;
    let tx = backend.begin(crate::TxOptions::default()).await.unwrap();
    insert(&*tx, "b", r#"{"body":"red"}"#).await;
    assert_eq!(ids(&*tx, &ranked(&index, "red")).await, "a b");
    tx.rollback().await.unwrap();
    finds(backend, &index, "red", "a").await;
}

pub(super) async fn english_words_lose_their_endings(backend: &dyn Backend) {
    let mut index = search_index(&FIELDS);
    index.search.as_mut().unwrap().language = Some("english".to_owned());
    let meta = declared(&FIELDS, vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    let documents = [
        r#"{"title":"Running shoes"}"#,
        r#"{"title":"He runs","body":"a shoe"}"#,
        r#"{"body":"walking home"}"#,
    ];
    given(backend, &documents).await;
    finds(backend, &index, "run", "a b").await;
    finds(backend, &index, "shoes", "a b").await;
    finds(backend, &index, "\"running shoe\"", "a").await;
    finds(backend, &index, "title:shoe", "a").await;
    finds(backend, &index, "walk -run", "c").await;
    finds(backend, &index, "walk* OR \"run shoe\"", "a c").await;
    let long = "filler ".repeat(300_000);
    insert(backend, "d", &format!("{{\"body\":{}}}", Value::from(long))).await;
    finds(backend, &index, "fillers", "d").await;
}

pub(super) async fn an_unknown_language_is_refused(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let mut index = search_index(&FIELDS);
    for language in ["klingon", "", "eng\"lish'", "pg_catalog.english"] {
        index.search.as_mut().unwrap().language = Some(language.to_owned());
        let error = backend.ensure_index(ITEMS, &index).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{language}");
        assert!(error.to_string().contains("english"), "{error}");
    }
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
}

pub(super) async fn pieces_are_found_inside_of_words(backend: &dyn Backend) {
    let mut index = search_index(&FIELDS);
    index.search.as_mut().unwrap().substrings = true;
    let meta = declared(&FIELDS, vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    let documents = [
        r#"{"title":"Concatenation"}"#,
        r#"{"body":["c++/rust","cat"]}"#,
        r#"{"body":["con","cat"]}"#,
        r#"{"title":"\u00c4RGER 'x' \"y\" % _"}"#,
    ];
    given(backend, &documents).await;
    finds(backend, &index, "cat", "a b c").await;
    finds(backend, &index, "CATEN", "a").await;
    finds(backend, &index, "concat", "a").await;
    finds(backend, &index, "++/", "b").await;
    finds(backend, &index, "title:cat", "a").await;
    finds(backend, &index, "cat -con", "b").await;
    finds(backend, &index, "\u{e4}rg", "d").await;
    finds(backend, &index, "\"'x' \"", "d").await;
    finds(backend, &index, "% _", "").await;
    finds(backend, &index, "\"% _\"", "d").await;
    finds(backend, &index, "ca", "").await;
    finds(backend, &index, "xyz OR rust", "b").await;
    finds(backend, &index, "-cat", "d").await;
}

pub(super) async fn six_fields_are_told_apart(backend: &dyn Backend) {
    let fields = ["f0", "f1", "f2", "f3", "f4", "f5"].map(|it| (it, Text));
    let mut index = search_index(&fields);
    index.search.as_mut().unwrap().weights = vec![1.0, 2.0, 3.0, 4.0, 1.0, 2.0];
    let meta = declared(&fields, vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    let documents: Vec<String> = (0..6)
        .map(|it| format!(r#"{{"f{it}":"red shoes","f{}":"blue"}}"#, (it + 4) % 6))
        .collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    given(backend, &documents).await;
    finds(backend, &index, "f0:red", "a").await;
    finds(backend, &index, "f4:red", "e").await;
    finds(backend, &index, "f4:blue", "a").await;
    finds(backend, &index, "-f4:red f4:*", "a b c d f").await;
    finds(backend, &index, "red -f4:red -f0:re*", "b c d f").await;
    finds(backend, &index, "f5:\"red shoes\" OR f1:blue", "d f").await;
    assert_eq!(
        ids(backend, &ranked(&index, "f3:red OR f0:red")).await,
        "d a"
    );
}

pub(super) async fn paths_of_fields_may_be_odd(backend: &dyn Backend) {
    let odd = [
        &["a.b"][..],
        &["it's"],
        &["say \"hi\""],
        &["o", "na-me"],
        &["x", "0"],
        &["back\\slash"],
    ];
    let mut index = search_index(&[("title", Text)]);
    index.fields.clear();
    for segments in odd {
        let path = FieldPath::from_segments(segments.iter().copied()).unwrap();
        index
            .fields
            .push((crate::FieldMeta { path, kind: Text }, Direction::Asc));
    }
    index.search.as_mut().unwrap().weights = vec![1.0; odd.len()];
    let mut meta = declared(&[], vec![index.clone()]);
    meta.fields = index.fields.iter().map(|it| it.0.clone()).collect();
    backend.ensure_collection(&meta).await.unwrap();
    let fields = r#"{"a.b":"one","it's":"two","say \"hi\"":"three","o":{"na-me":"four"},"x":["five"],"back\\slash":"six"}"#;
    insert(backend, "a", fields).await;
    insert(backend, "b", r#"{"a":{"b":"one"}}"#).await;
    for word in ["one", "two", "three", "four", "five", "six"] {
        finds(backend, &index, word, "a").await;
    }
    finds(backend, &index, "o.na-me:four", "a").await;
    finds(backend, &index, "it's:two", "a").await;
}
