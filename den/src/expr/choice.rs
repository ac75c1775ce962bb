//! Choices between values, and functions of several.

use den_backend::{Expr, Function, Result};

use super::functions::call;
use crate::{Computed, Filter, IntoComputed, Nullability, Number};

/// What `N` and `M` are together: null if one is.
type Either<N, M> = <N as Nullability>::Either<M>;

/// What `N` and `M` are as alternatives: null if both are.
type Both<N, M> = <N as Nullability>::Both<M>;

/// The value beside the first filter that holds, else `otherwise`.
///
/// # Behavior
///
/// - The values are of one type: fields, computed or plain values. Where some are fields and others
///   are not, make them computed values with `.computed()`, [`value`](crate::value) and `.nullable()`.
/// - What is not chosen is not computed.
/// - Without any pair it is a mistake, which is reported when the query is run.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Issue { #[serde(flatten)] base: Base<Issue>, status: String, votes: i64 }
/// let i = Issue::fields();
/// let state = den::case_when(
///     [
///         (i.status.eq("resolved"), "closed"),
///         (i.votes.gt(100), "hot"),
///     ],
///     "open",
/// );
/// # let _ = state.label("state");
/// ```
pub fn case_when<D, V, O>(
    branches: impl IntoIterator<Item = (Filter<D>, V)>,
    otherwise: O,
) -> Computed<D, V::Value, Either<V::Nulls, O::Nulls>>
where
    V: IntoComputed<D>,
    O: IntoComputed<D, Value = V::Value>,
{
    let branch = |(filter, value): (Filter<D>, V)| {
        Ok((filter.into_expr()?, value.into_computed().into_result()?))
    };
    let branches: Result<Vec<_>> = branches.into_iter().map(branch).collect();
    let otherwise = otherwise.into_computed().into_result();
    let case = branches.and_then(|branches| {
        Ok(Expr::Case {
            branches,
            otherwise: Box::new(otherwise?),
        })
    });
    Computed::new(case)
}

/// Several values of one type: a list, or a tuple of up to eight of which some may be fields and
/// others computed or plain values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of values of one type",
    label = "expected a list or a tuple of values of one type"
)]
pub trait Several<D> {
    /// The type of the values.
    type Value;

    /// Whether one of them may be null.
    type Either: Nullability;

    /// Whether all of them may be null at once.
    type Both: Nullability;

    /// The values.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a mistake made while building.
    #[doc(hidden)]
    fn exprs(self) -> Result<Vec<Expr>>;
}

impl<D, V: IntoComputed<D>, const LEN: usize> Several<D> for [V; LEN] {
    type Value = V::Value;
    type Either = V::Nulls;
    type Both = V::Nulls;

    fn exprs(self) -> Result<Vec<Expr>> {
        Vec::from(self).exprs()
    }
}

impl<D, V: IntoComputed<D>> Several<D> for Vec<V> {
    type Value = V::Value;
    type Either = V::Nulls;
    type Both = V::Nulls;

    fn exprs(self) -> Result<Vec<Expr>> {
        let all = self.into_iter().map(|it| it.into_computed().into_result());
        all.collect()
    }
}

macro_rules! several {
    ($first:ident $($name:ident)*) => {
        impl<D, $first: IntoComputed<D>, $($name: IntoComputed<D, Value = $first::Value>),*> Several<D>
            for ($first, $($name,)*)
        {
            type Value = $first::Value;
            type Either = several!(@Either $first $($name)*);
            type Both = several!(@Both $first $($name)*);

            #[expect(non_snake_case, reason = "a parameter of a macro names both")]
            fn exprs(self) -> Result<Vec<Expr>> {
                let ($first, $($name,)*) = self;
                Ok(vec![
                    $first.into_computed().into_result()?,
                    $($name.into_computed().into_result()?,)*
                ])
            }
        }
    };
    (@$how:ident $only:ident) => { $only::Nulls };
    (@$how:ident $first:ident $($rest:ident)+) => { $how<$first::Nulls, several!(@$how $($rest)+)> };
}

several!(A);
several!(A B);
several!(A B C);
several!(A B C E);
several!(A B C E F);
several!(A B C E F G);
several!(A B C E F G H);
several!(A B C E F G H I);

/// The first of the values that is not null.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Person { #[serde(flatten)] base: Base<Person>, nick: Option<String>, name: Option<String> }
/// let p = Person::fields();
/// let shown = den::coalesce((p.nick, p.name, "somebody"));
/// # let _ = shown.starts_with("s");
/// ```
pub fn coalesce<D, S: Several<D>>(values: S) -> Computed<D, S::Value, S::Both> {
    Computed::new(values.exprs().map(Expr::Coalesce))
}

/// All texts one after the other; null if one of them is.
pub fn concat<D, S: Several<D, Value = String>>(texts: S) -> Computed<D, String, S::Either> {
    Computed::new(call_with(Function::Concat, texts))
}

/// The smallest of the numbers; what is null is passed over.
pub fn least<D, S>(numbers: S) -> Computed<D, S::Value, S::Both>
where
    S: Several<D>,
    S::Value: Number,
{
    Computed::new(call_with(Function::Least, numbers))
}

/// The largest of the numbers; what is null is passed over.
pub fn greatest<D, S>(numbers: S) -> Computed<D, S::Value, S::Both>
where
    S: Several<D>,
    S::Value: Number,
{
    Computed::new(call_with(Function::Greatest, numbers))
}

fn call_with<D>(function: Function, arguments: impl Several<D>) -> Result<Expr> {
    call(function, arguments.exprs()?.into_iter().map(Ok))
}
