//! How constraints are made while others write, and what is left where they are not.

use std::time::Duration;

use tokio::time::sleep;

use super::*;

/// What there is of constraints, indexes and functions in the schema.
const OBJECTS: &str = "SELECT
    (SELECT count(*) FROM pg_constraint AS k WHERE k.connamespace = n.oid)
    || ' ' || (SELECT count(*) FROM pg_class AS c WHERE c.relnamespace = n.oid)
    || ' ' || (SELECT count(*) FROM pg_proc AS p WHERE p.pronamespace = n.oid)
    FROM pg_namespace AS n WHERE n.nspname = current_schema()";

pub(super) async fn a_writer_that_came_first_is_looked_at(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let writer = "BEGIN; INSERT INTO things (id, data) VALUES ('late', '{\"_id\": \"late\"}')";
    schema.plain.batch_execute(writer).await.unwrap();
    let change = constrain(&*backend, "n_there", required("n"));
    let commit = async {
        sleep(Duration::from_millis(200)).await;
        schema.plain.batch_execute("COMMIT").await.unwrap();
    };
    let error = join(change, commit).await.0.unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("late"),
        "n_there",
        ConstraintRule::Required,
    );
    assert_eq!(error.offenders(), ["late"]);
}

pub(super) async fn no_writer_slips_through(schema: &Schema) {
    let backend = schema.open("max_connections=8").await;
    backend.ensure_collection(&things()).await.unwrap();
    for round in 0..5 {
        let name = format!("few_{round}");
        let writers = (0..4).map(|w| {
            let backend = &backend;
            async move {
                for i in 0..30 {
                    let id = format!("{round}-{w}-{i}");
                    // A refusal is right; what matters is what is there in the end.
                    let _refused = write(&**backend, &id, i, &id).await;
                }
            }
        });
        let making = constrain(&*backend, &name, check(n(CompareOp::Lt, 25)));
        let (_, made) = join(join_all(writers), making).await;
        let mut query = Query::new("things");
        query.filter = n(CompareOp::Ge, 25);
        match made {
            Ok(_) => assert_eq!(backend.count(&query).await.unwrap(), 0),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Validation, "{error:?}");
                assert!(!error.offenders().is_empty());
            }
        }
        backend
            .delete_matching(&Query::new("things"))
            .await
            .unwrap();
        if backend.constraints("things").await.unwrap().len() == 1 {
            drop_constraint(&*backend, &name).await;
        }
    }
}

pub(super) async fn a_constraint_that_is_not_made_leaves_nothing(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "a", 1, "a").await.unwrap();
    write(&*backend, "b", 1, "b").await.unwrap();
    let before = schema.ask(OBJECTS).await;
    let key = ConstraintKind::Key {
        fields: vec![path("n")],
    };
    for (kind, failure) in [
        (required("m"), ErrorKind::Validation),
        (check(any_tag()), ErrorKind::Validation),
        (unique("n"), ErrorKind::Duplicate),
        // Its check was made already.
        (key, ErrorKind::Duplicate),
    ] {
        let error = constrain(&*backend, "rule", kind.clone())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), failure, "{error:?}");
        assert_eq!(error.offenders(), ["a", "b"]);
        assert_eq!(schema.ask(OBJECTS).await, before);
        // The same in a transaction, which goes on.
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        write(&*tx, "c", 2, "c").await.unwrap();
        let error = constrain(&*tx, "rule", kind).await.unwrap_err();
        assert_eq!(error.kind(), failure, "{error:?}");
        tx.commit().await.unwrap();
        assert_eq!(schema.ask(OBJECTS).await, before);
        assert!(backend.get("things", "c").await.unwrap().is_some());
        let gone = backend.delete("things", "c", Expectation::Any).await;
        gone.unwrap();
    }
    assert_eq!(backend.constraints("things").await.unwrap(), []);
}

pub(super) async fn a_check_with_a_sub_select_is_a_function(schema: &Schema) {
    let functions = "SELECT count(*) FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = current_schema()";
    let backend = schema.open("").await;
    let bare = CollectionMeta::new("things");
    backend.ensure_collection(&bare).await.unwrap();
    let made = ConstraintMeta::new("things", check(any_tag()));
    constrain(&*backend, &made.name, made.kind).await.unwrap();
    assert_eq!(schema.ask(functions).await, "1");
    let raw = "INSERT INTO things (id, data) VALUES ($1, $2)";
    let tagged = |tag: &str| {
        let json = format!(r#"{{"tags":["b","{tag}"]}}"#);
        serde_json::from_str::<Value>(&json).unwrap()
    };
    backend
        .raw_execute(raw, &["a".into(), tagged("ab")])
        .await
        .unwrap();
    let error = backend
        .raw_execute(raw, &["b".into(), tagged("ba")])
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("b"),
        &made.name,
        ConstraintRule::Check,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["tags"]);

    let rename = SchemaChange::RenameCollection {
        from: "things".to_owned(),
        to: "other things".to_owned(),
    };
    backend.alter(&rename).await.unwrap();
    let body = r#"{"_id":"b","tags":[]}"#;
    let error = backend
        .put("other things", put("b", body, Expectation::Any))
        .await
        .unwrap_err();
    let listed = backend.constraints("other things").await.unwrap();
    assert_eq!(
        listed,
        [ConstraintMeta::new("other things", check(any_tag()))]
    );
    assert_eq!(error.constraint().unwrap().name(), listed[0].name);
    // The names that the first had are free.
    backend.ensure_collection(&bare).await.unwrap();
    constrain(&*backend, &made.name, check(any_tag()))
        .await
        .unwrap();
    assert_eq!(schema.ask(functions).await, "2");
    drop_constraint(&*backend, &made.name).await;
    assert_eq!(schema.ask(functions).await, "1");
    backend.drop_collection("other things").await.unwrap();
    assert_eq!(schema.ask(functions).await, "0");
    assert_eq!(
        schema.ask("SELECT count(*) FROM _den_constraints").await,
        "0"
    );
}

pub(super) async fn literals_stay_literals(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let odd = "it's $1 $$ \\' \" ? ); DROP TABLE things; -- SELECT";
    let is_odd = Expr::Compare {
        op: CompareOp::Eq,
        left: Box::new(text_field("code")),
        right: Box::new(Expr::Value(odd.into())),
    };
    let is_one = Expr::In {
        operand: Box::new(text_field("code")),
        values: vec![odd.into(), "o'k".into()],
    };
    let tag_is_odd = Expr::AnyElement {
        array: Box::new(Expr::Field(Field::document(path("tags"), FieldKind::Array))),
        predicate: Box::new(Expr::Compare {
            op: CompareOp::Eq,
            left: Box::new(element()),
            right: Box::new(Expr::Value(odd.into())),
        }),
    };
    for (name, filter) in [
        ("equal", is_odd),
        ("in", is_one),
        ("within \"'", tag_is_odd),
    ] {
        constrain(&*backend, name, check(filter)).await.unwrap();
    }
    let body = |code: &str| {
        Value::Object(
            [
                ("code".to_owned(), Value::from(code)),
                ("tags".to_owned(), Value::from(vec![Value::from(code)])),
            ]
            .into(),
        )
        .to_string()
    };
    let good = body(odd);
    backend
        .put("things", put("a", &good, Expectation::Any))
        .await
        .unwrap();
    let bad = body("o'k");
    let error = backend
        .put("things", put("b", &bad, Expectation::Any))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    for name in ["equal", "in", "within \"'"] {
        drop_constraint(&*backend, name).await;
    }
}

pub(super) async fn a_name_of_another_program_is_taken(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let foreign = "CREATE TABLE theirs (x integer);
        ALTER TABLE things ADD CONSTRAINT their_check CHECK (id <> 'x')";
    schema.plain.batch_execute(foreign).await.unwrap();
    for name in [
        "theirs",
        "their_check",
        "things_code",
        "things_pkey",
        "things",
    ] {
        for kind in [unique("n"), required("n")] {
            let error = constrain(&*backend, name, kind).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Duplicate, "{name}");
        }
    }
    assert_eq!(backend.constraints("things").await.unwrap(), []);
    // Nor is an index made under such a name, with rows or without.
    constrain(&*backend, "mine", required("n")).await.unwrap();
    for rows in [false, true] {
        if rows {
            write(&*backend, "a", 1, "a").await.unwrap();
        }
        for name in ["theirs", "mine"] {
            let late = index(name, IndexKind::Plain, "m", FieldKind::Number);
            let error = backend.ensure_index("things", &late).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Duplicate, "{name}");
            assert!(error.to_string().contains(name), "{error}");
            let mut meta = things();
            meta.indexes.push(late);
            let error = backend.plan_collection(&meta).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Duplicate, "{name}");
        }
    }
    let listed = backend.list_recorded_indexes("things").await.unwrap();
    assert_eq!(listed.len(), 2);
}

pub(super) async fn a_table_dropped_behind_dens_back_has_no_constraints(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    constrain(&*backend, "n_there", required("n"))
        .await
        .unwrap();
    constrain(&*backend, "n_once", unique("n")).await.unwrap();
    schema
        .plain
        .batch_execute("DROP TABLE things")
        .await
        .unwrap();
    backend.ensure_collection(&things()).await.unwrap();
    assert_eq!(backend.constraints("things").await.unwrap(), []);
    constrain(&*backend, "n_once", unique("n")).await.unwrap();
    let names: Vec<String> = backend
        .constraints("things")
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["n_once"]);
    write(&*backend, "a", 1, "a").await.unwrap();
    assert!(write(&*backend, "b", 1, "b").await.is_err());
}

pub(super) async fn many_processes_make_one_constraint(schema: &Schema) {
    let backends = join_all((0..4).map(|_| schema.open("max_connections=2"))).await;
    backends[0].ensure_collection(&things()).await.unwrap();
    let makings = backends
        .iter()
        .map(|it| constrain(&**it, "n_there", required("n")));
    for made in join_all(makings).await {
        made.unwrap();
    }
    until(schema, "SELECT count(*) FROM _den_constraints", "1").await;
}
