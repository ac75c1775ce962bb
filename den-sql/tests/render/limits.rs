//! Sizes at which engines give up, and statements do not get there.

use den_backend::{Expr, Value};
use den_sql::{Layouts, POSTGRES, Param, SQLITE, Statement};

use crate::support::{articles, bare, eq, indexed, is_in};

fn render(filter: Expr) -> [Statement; 2] {
    let query = articles(filter);
    [SQLITE, POSTGRES].map(|dialect| den_sql::select(dialect, Layouts::new(&indexed()), &query))
}

#[test]
fn long_sets_are_one_parameter() {
    let texts: Vec<Value> = (0..100_000).map(|it| Value::from(it.to_string())).collect();
    let numbers: Vec<Value> = (0..100_000).map(Value::Int).collect();
    for values in [texts, numbers] {
        for name in ["title", "price", "other"] {
            for statement in render(is_in(name, values.clone())) {
                assert_eq!(statement.params.len(), 1);
                assert!(statement.sql.len() < 1000);
            }
        }
    }
}

#[test]
fn many_short_sets_stay_below_the_limit_of_parameters() {
    let sets = (0..500).map(|_| is_in("title", (0..200).map(|it| it.to_string())));
    for statement in render(Expr::Or(sets.collect())) {
        assert!(statement.params.len() < 32_766);
    }
}

#[test]
fn sets_of_near_sizes_share_a_text() {
    let text = |len: i64| {
        let query = articles(is_in("price", 0..len));
        den_sql::select(SQLITE, Layouts::new(&indexed()), &query).sql
    };
    assert_eq!(text(5), text(8));
    assert_ne!(text(4), text(5));
}

#[test]
fn parentheses_stay_shallow() {
    let conditions = (0..10_000).map(|it| eq("a", it).not());
    let any = Expr::Or(conditions.collect());
    for statement in render(any) {
        let mut depth = 0_i32;
        let mut deepest = 0;
        for it in statement.sql.chars() {
            match it {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        assert_eq!(depth, 0);
        assert!(deepest < 30, "{deepest}");
    }
}

#[test]
fn floats_keep_their_digits() {
    let query = articles(is_in(
        "price",
        [Value::Float(9_007_199_254_740_994.0), Value::Int(1)],
    ));
    let statement = den_sql::select(POSTGRES, Layouts::new(&indexed()), &query);
    assert_eq!(
        statement.params,
        [Param::NumericArray(vec![
            "9007199254740994.0".into(),
            "1".into()
        ])]
    );
    let statement = den_sql::select(POSTGRES, Layouts::new(&bare()), &query);
    assert_eq!(
        statement.params,
        [Param::JsonArray(vec![
            "9007199254740994.0".into(),
            "1".into()
        ])]
    );
}
