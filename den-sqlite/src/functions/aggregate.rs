//! The aggregates that SQLite computes otherwise: exact sums, and averages of them.

use den_backend::{Result as DenResult, Value, evaluate::aggregate::Sum};
use den_sql::sqlite_functions::{AVG, SUM};
use rusqlite::{
    Connection, Result,
    functions::{Aggregate, Context, FunctionFlags},
    types::ValueRef,
};

use super::{compute::value_of, failure::failure};

/// An aggregate that is computed from a sum.
struct OfSum(fn(&Sum) -> DenResult<Value>);

/// Adds the functions to a connection.
pub(super) fn register(connection: &Connection, flags: FunctionFlags) -> Result<()> {
    connection.create_aggregate_function(SUM, 1, flags, OfSum(Sum::finish))?;
    connection.create_aggregate_function(AVG, 1, flags, OfSum(Sum::average))
}

impl Aggregate<Sum, String> for OfSum {
    fn init(&self, _context: &mut Context<'_>) -> Result<Sum> {
        Ok(Sum::new())
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Sum) -> Result<()> {
        let number = context.get_raw(0);
        if matches!(number, ValueRef::Integer(_) | ValueRef::Real(_)) {
            sum.add(&value_of(number));
        }
        Ok(())
    }

    fn finalize(&self, _context: &mut Context<'_>, sum: Option<Sum>) -> Result<String> {
        let answer = (self.0)(&sum.unwrap_or_default());
        let answer = answer.map_err(|error| failure(&error, None))?;
        Ok(answer.to_string())
    }
}

#[cfg(test)]
mod tests {
    use den_backend::ErrorKind;

    use super::*;
    use crate::functions;

    #[test]
    fn sums_are_exact() {
        let connection = Connection::open_in_memory().unwrap();
        functions::register(&connection).unwrap();
        let sql = "SELECT den_sum(value) || ' ' || den_avg(value) FROM json_each(?1)";
        let ask = |rows: &str| connection.query_row(sql, [rows], |row| row.get::<_, String>(0));
        for (rows, answer) in [
            ("[]", "0 null"),
            ("[1,2,null,\"3\"]", "3 1.5"),
            ("[0.1,0.2]", "0.3 0.15"),
            (
                "[9223372036854775807,1.0]",
                "9223372036854775808.0 4611686018427387904.0",
            ),
        ] {
            assert_eq!(ask(rows).unwrap(), answer, "{rows}");
        }
        let error = ask("[9223372036854775807,1]").unwrap_err().to_string();
        let error = functions::failed(&error).unwrap();
        assert_eq!(error.kind(), ErrorKind::OutOfRange);
    }
}
