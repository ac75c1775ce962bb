//! What a backend without a capability must do: refuse.

use crate::{
    Access, ArithmeticOp, Backend, Capability, ConflictTarget, ConstraintKind, ConstraintMeta,
    ErrorKind, ExplainMode, Expr, FieldKind, FieldPath, Function, Grouping, IndexKind, IndexMeta,
    Isolation, LockMode, OnConflict, OnRefusal, Patch, Pattern, Query, Returning, SchemaChange,
    Search, SearchOptions, SearchQuery, Sort, TxOptions, Upsert, conformance::support::*,
};

/// Checks that what needs the capability is refused with `Unsupported`.
pub(super) async fn check(backend: &dyn Backend, missing: Capability) {
    ensure(backend, ITEMS).await;
    let transactions = backend.capabilities().has(Capability::Transactions);
    match missing {
        Capability::Transactions => refuses_to_begin(backend, TxOptions::default()).await,
        Capability::Isolation => {
            for isolation in [
                Isolation::ReadCommitted,
                Isolation::RepeatableRead,
                Isolation::Serializable,
            ] {
                let options = TxOptions {
                    isolation,
                    ..TxOptions::default()
                };
                refuses_to_begin(backend, options).await;
            }
            let read_only = TxOptions {
                access: Access::ReadOnly,
                ..TxOptions::default()
            };
            refuses_to_begin(backend, read_only).await;
        }
        Capability::Savepoints if transactions => {
            let tx = begin(backend).await;
            assert_eq!(kind_of(tx.savepoint().await), ErrorKind::Unsupported);
            tx.rollback().await.unwrap();
        }
        Capability::AdvisoryLocks if transactions => {
            let tx = begin(backend).await;
            assert_eq!(kind_of(tx.advisory_lock(1).await), ErrorKind::Unsupported);
            tx.rollback().await.unwrap();
        }
        Capability::Savepoints | Capability::AdvisoryLocks => {
            refuses_to_begin(backend, TxOptions::default()).await;
        }
        Capability::RowLocks => {
            let query = Query {
                lock: Some(LockMode::Wait),
                ..Query::new(ITEMS)
            };
            refuses_query(backend, &query);
            if transactions {
                let tx = begin(backend).await;
                let row = tx.get_for_update(ITEMS, "a", LockMode::Wait).await;
                assert_eq!(kind_of(row), ErrorKind::Unsupported);
                tx.rollback().await.unwrap();
            }
        }
        // Without it each document is written on its own, which the other cases look at.
        Capability::AtomicBatches => {
            let bodies = ["a", "b"].map(|id| body(id, "{}"));
            let puts = [absent("a", &bodies[0]), absent("b", &bodies[1])];
            let outcomes = backend
                .put_many(ITEMS, &puts, OnRefusal::Abort)
                .await
                .unwrap();
            assert_eq!(outcomes.len(), 2);
        }
        Capability::UniqueIndexes => {
            let unique = index(IndexKind::Unique, &[("x", FieldKind::Text)]);
            let meta = declared(&[], vec![unique.clone()]);
            let ensured = backend.ensure_collection(&meta).await;
            assert_eq!(kind_of(ensured), ErrorKind::Unsupported);
            let ensured = backend.ensure_index(ITEMS, &unique).await;
            assert_eq!(kind_of(ensured), ErrorKind::Unsupported);
        }
        Capability::Regex => {
            let matches = Expr::Matches {
                operand: Box::new(field("x")),
                pattern: Pattern::parse("x").unwrap(),
            };
            refuses_query(backend, &filtered(matches));
        }
        Capability::ElementPredicates => {
            refuses_query(backend, &filtered(any_element(field("x"), Expr::always())));
            refuses_query(backend, &filtered(all_elements(field("x"), Expr::always())));
        }
        Capability::Patches => {
            let patch = Patch::new(vec![set("x", "1")]);
            let updated = backend
                .update(&Query::new(ITEMS), &patch, Returning::Nothing)
                .await;
            assert_eq!(kind_of(updated), ErrorKind::Unsupported);
        }
        Capability::LinkedPredicates => {
            refuses_query(
                backend,
                &filtered(linked(field("x"), ITEMS, Expr::always())),
            );
        }
        Capability::SchemaChanges => {
            let change = SchemaChange::RenameCollection {
                from: ITEMS.to_owned(),
                to: "renamed".to_owned(),
            };
            assert_eq!(
                kind_of(backend.alter(&change).await),
                ErrorKind::Unsupported
            );
            if transactions {
                let tx = begin(backend).await;
                let change = SchemaChange::DropCollection(ITEMS.to_owned());
                assert_eq!(kind_of(tx.alter(&change).await), ErrorKind::Unsupported);
                tx.rollback().await.unwrap();
            }
        }
        Capability::Constraints => {
            let field = FieldPath::parse("x").unwrap();
            let change = SchemaChange::CreateConstraint {
                collection: ITEMS.to_owned(),
                constraint: ConstraintMeta::new(ITEMS, ConstraintKind::Required { field }),
            };
            assert_eq!(
                kind_of(backend.alter(&change).await),
                ErrorKind::Unsupported
            );
            let listed = backend.constraints(ITEMS).await;
            assert_eq!(kind_of(listed), ErrorKind::Unsupported);
        }
        Capability::Explain => {
            let explained = backend.explain(&Query::new(ITEMS), ExplainMode::Plan).await;
            assert_eq!(kind_of(explained), ErrorKind::Unsupported);
        }
        Capability::Expressions => {
            let doubled = || arithmetic(ArithmeticOp::Mul, field("x"), literal("2"));
            refuses_query(backend, &filtered(gt(doubled(), literal("1"))));
            let sort = Sort {
                key: doubled(),
                ..by("x", FieldKind::Number)
            };
            refuses_query(backend, &sorted(&[sort]));
            refuses_query(backend, &selected(vec![field("x")]));
            refuses_query(backend, &filtered(is_null(coalesce(vec![field("x")]))));
            let lower = call(Function::Lower, vec![field("x")]);
            refuses_query(backend, &filtered(is_null(lower)));
            let chosen = case_when(vec![(is_null(field("x")), field("y"))], field("x"));
            refuses_query(backend, &filtered(is_null(chosen)));
            let patch = Patch::new(vec![set_expr("x", doubled())]);
            let checked = patch.check(backend.capabilities());
            assert_eq!(kind_of(checked), ErrorKind::Unsupported);
        }
        Capability::Groups => {
            let unwound = Query {
                unwind: Some(path("x")),
                ..Query::new(ITEMS)
            };
            refuses_query(backend, &unwound);
            let distinct = Query {
                distinct_by: vec![field("x")],
                ..Query::new(ITEMS)
            };
            refuses_query(backend, &distinct);
            let grouping = Grouping::new(vec![field("x")], vec![count_all()]);
            let checked = grouping.check(&Query::new(ITEMS), backend.capabilities());
            assert_eq!(kind_of(checked), ErrorKind::Unsupported);
            let grouped = backend.group(&Query::new(ITEMS), &grouping).await;
            assert_eq!(kind_of(grouped), ErrorKind::Unsupported);
        }
        Capability::Upserts => {
            let body = body("a", "{}");
            let upsert = Upsert {
                id: "a",
                body: body.as_bytes(),
                target: ConflictTarget::Id,
                on_conflict: OnConflict::Nothing,
            };
            let upserted = backend.upsert(ITEMS, &upsert).await;
            assert_eq!(kind_of(upserted), ErrorKind::Unsupported);
            assert_eq!(ids(backend, &Query::new(ITEMS)).await, "");
        }
        Capability::FullText | Capability::SubstringSearch => {
            let options = SearchOptions {
                language: None,
                weights: vec![1.0],
                substrings: missing == Capability::SubstringSearch,
            };
            let searched = IndexMeta {
                search: Some(options),
                ..index(IndexKind::Search, &[("x", FieldKind::Text)])
            };
            let meta = declared(&[], vec![searched.clone()]);
            let ensured = backend.ensure_collection(&meta).await;
            assert_eq!(kind_of(ensured), ErrorKind::Unsupported);
            let ensured = backend.ensure_index(ITEMS, &searched).await;
            assert_eq!(kind_of(ensured), ErrorKind::Unsupported);
            if missing == Capability::FullText {
                let query = Query {
                    search: Some(Search {
                        index: searched,
                        query: SearchQuery::default(),
                        ranked: false,
                    }),
                    ..Query::new(ITEMS)
                };
                refuses_query(backend, &query);
            }
        }
        Capability::RawStatements => {
            let found = backend.raw_query("SELECT 1", &[]).await;
            assert_eq!(kind_of(found), ErrorKind::Unsupported);
            let changed = backend.raw_execute("SELECT 1", &[]).await;
            assert_eq!(kind_of(changed), ErrorKind::Unsupported);
        }
    }
}

/// den checks a query before it hands it on, so that is where it is refused.
fn refuses_query(backend: &dyn Backend, query: &Query) {
    let checked = query.check(backend.capabilities());
    assert_eq!(kind_of(checked), ErrorKind::Unsupported);
}

async fn refuses_to_begin(backend: &dyn Backend, options: TxOptions) {
    let begun = backend.begin(options).await.map(|_| ());
    assert_eq!(kind_of(begun), ErrorKind::Unsupported, "{options:?}");
}
