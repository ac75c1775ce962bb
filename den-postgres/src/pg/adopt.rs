//! Databases of den's predecessor, den for Go.

use den_backend::{Backend, Result};
use den_sql::postgres_only;

use super::shared;
use crate::{
    backend::PostgresBackend,
    call::Call,
    ddl::{run_all, within_ddl},
    runner::Runner as _,
    values::column,
};

/// The collections whose ids compare otherwise than by their bytes.
const OTHERWISE: &str = "SELECT t.relname::text
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_attribute AS i ON i.attrelid = t.oid AND i.attname = 'id' AND i.atttypid = 'text'::regtype
JOIN pg_catalog.pg_attribute AS d ON d.attrelid = t.oid AND d.attname = 'data' AND d.atttypid = 'jsonb'::regtype
JOIN pg_catalog.pg_collation AS c ON c.oid = i.attcollation
WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r'
    AND NOT (c.collname = 'C' AND c.collnamespace = 'pg_catalog'::regnamespace)
ORDER BY t.relname::text COLLATE \"C\"";

/// Has the ids in the predecessor's tables compare by their bytes, as den's order of ids is.
///
/// # Behavior
///
/// - Nothing happens where they do. The server makes the index of the ids anew, and holds up all others
///   that use the table meanwhile.
///
/// # Errors
///
/// `Unsupported` on another database than PostgreSQL.
pub async fn adopt(backend: &dyn Backend) -> Result<()> {
    let shared = shared(backend, "pg::adopt")?;
    let answer = shared.run(Call::read(OTHERWISE.into(), Vec::new())).await?;
    for row in &answer.rows {
        let collection: String = column(row, 0)?;
        let sql = postgres_only::compare_ids_by_bytes(&collection);
        let done = within_ddl(shared, Some(&collection), async |on| {
            run_all(on, vec![sql]).await
        })
        .await;
        shared.collections.forget(&collection);
        done?;
    }
    Ok(())
}

/// Whether the database is PostgreSQL.
pub fn is_postgres(backend: &dyn Backend) -> bool {
    backend.as_any().is::<PostgresBackend>()
}
