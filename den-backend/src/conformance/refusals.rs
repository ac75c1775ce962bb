//! What a backend without a capability must do: refuse.

use crate::{
    Access, Backend, Capability, ErrorKind, ExplainMode, Expr, FieldKind, IndexKind, Isolation,
    LockMode, Patch, Pattern, Query, TxOptions, conformance::support::*,
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
            let outcomes = backend.put_many(ITEMS, &puts).await.unwrap();
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
            let updated = backend.update(&Query::new(ITEMS), &patch).await;
            assert_eq!(kind_of(updated), ErrorKind::Unsupported);
        }
        Capability::LinkedPredicates => {
            refuses_query(
                backend,
                &filtered(linked(field("x"), ITEMS, Expr::always())),
            );
        }
        Capability::Explain => {
            let explained = backend.explain(&Query::new(ITEMS), ExplainMode::Plan).await;
            assert_eq!(kind_of(explained), ErrorKind::Unsupported);
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
