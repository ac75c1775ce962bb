//! `+ - * /` on fields and computed values.

use std::ops::{Add, Div, Mul, Neg, Sub};

use den_backend::{ArithmeticOp, Expr, Result, Value};

use crate::{Aggregated, Computed, Field, Json, Nullability, Nullable, Untyped};

/// A type whose values den computes with.
///
/// # Contract
///
/// - It is stored as a JSON number. Implement it for a newtype of your own around a number:
///   `impl den::Number for Cents { type Wide = i64; }`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number that den computes with",
    label = "not a number",
    note = "for a type of your own that is stored as a number: `impl den::Number for {Self} {{ type Wide = i64; }}`"
)]
pub trait Number {
    /// What arithmetic makes of it: `i64` or `f64`.
    type Wide;

    /// The least and the greatest of its values; none for one that is no integer, and where nobody
    /// knows.
    #[doc(hidden)]
    const __RANGE: Option<(i64, i64)> = None;
}

macro_rules! numbers {
    ($wide:ty: $($type:ty),+) => {$(
        impl Number for $type {
            type Wide = $wide;
        }
    )+};
}

macro_rules! integers {
    ($($type:ty: $least:expr, $most:expr;)+) => {$(
        impl Number for $type {
            type Wide = i64;

            const __RANGE: Option<(i64, i64)> = Some(($least, $most));
        }
    )+};
}

// A document holds no integer above `i64::MAX`.
integers! {
    i8: -0x80, 0x7f;
    i16: -0x8000, 0x7fff;
    i32: -0x8000_0000, 0x7fff_ffff;
    i64: i64::MIN, i64::MAX;
    isize: i64::MIN, i64::MAX;
    u8: 0, 0xff;
    u16: 0, 0xffff;
    u32: 0, 0xffff_ffff;
    u64: 0, i64::MAX;
    usize: 0, i64::MAX;
}

numbers!(f64: f32, f64);
numbers!(Json: Json);

/// What two kinds of number are together: `i64` with `i64` stays exact, anything with `f64` is an
/// `f64`.
pub trait Mix<Other> {
    /// The type of the result.
    type Output;
}

macro_rules! mix {
    ($($left:ty, $right:ty => $output:ty;)+) => {$(
        impl Mix<$right> for $left {
            type Output = $output;
        }
    )+};
}

mix! {
    i64, i64 => i64;
    i64, f64 => f64;
    f64, i64 => f64;
    f64, f64 => f64;
    i64, Json => Json;
    f64, Json => Json;
    Json, i64 => Json;
    Json, f64 => Json;
    Json, Json => Json;
}

/// What `N` and `M` are together.
type Either<N, M> = <N as Nullability>::Either<M>;

/// What two numbers are together.
type Mixed<T, U> = <<T as Number>::Wide as Mix<<U as Number>::Wide>>::Output;

pub(super) fn arithmetic(
    op: ArithmeticOp,
    left: Result<Expr>,
    right: Result<Expr>,
) -> Result<Expr> {
    Ok(Expr::Arithmetic {
        op,
        left: Box::new(left?),
        right: Box::new(right?),
    })
}

fn int(value: i64) -> Result<Expr> {
    Ok(Expr::Value(Value::Int(value)))
}

fn float(value: f64) -> Result<Expr> {
    Ok(Expr::Value(Value::Float(value)))
}

// Literals are `i64` and `f64` alone: then the compiler knows what a plain `2` is, and the type of
// what comes out of `p.price * 2`, at once.

macro_rules! with_literals {
    ($op:ident, $method:ident, $handle:ident, $result:ident, $literal:ty, $expr:ident) => {
        impl<D, T: Number, N: Nullability> $op<$literal> for $handle<D, T, N>
        where
            T::Wide: Mix<$literal>,
        {
            type Output = $result<D, Mixed<T, $literal>, N>;

            fn $method(self, other: $literal) -> Self::Output {
                $result::new(arithmetic(
                    ArithmeticOp::$op,
                    self.into_result(),
                    $expr(other),
                ))
            }
        }

        impl<D, T: Number, N: Nullability> $op<$handle<D, T, N>> for $literal
        where
            $literal: Mix<T::Wide>,
        {
            type Output = $result<D, Mixed<$literal, T>, N>;

            fn $method(self, other: $handle<D, T, N>) -> Self::Output {
                $result::new(arithmetic(
                    ArithmeticOp::$op,
                    $expr(self),
                    other.into_result(),
                ))
            }
        }
    };
}

macro_rules! with_handles {
    ($op:ident, $method:ident, $left:ident, $right:ident, $result:ident) => {
        impl<D, T: Number, N: Nullability, U: Number, M: Nullability> $op<$right<D, U, M>>
            for $left<D, T, N>
        where
            T::Wide: Mix<U::Wide>,
        {
            type Output = $result<D, Mixed<T, U>, Either<N, M>>;

            fn $method(self, other: $right<D, U, M>) -> Self::Output {
                let (left, right) = (self.into_result(), other.into_result());
                $result::new(arithmetic(ArithmeticOp::$op, left, right))
            }
        }
    };
}

macro_rules! operators {
    ($($op:ident $method:ident),+) => {$(
        with_literals!($op, $method, Field, Computed, i64, int);
        with_literals!($op, $method, Field, Computed, f64, float);
        with_literals!($op, $method, Computed, Computed, i64, int);
        with_literals!($op, $method, Computed, Computed, f64, float);
        with_literals!($op, $method, Aggregated, Aggregated, i64, int);
        with_literals!($op, $method, Aggregated, Aggregated, f64, float);
        with_handles!($op, $method, Field, Field, Computed);
        with_handles!($op, $method, Field, Computed, Computed);
        with_handles!($op, $method, Computed, Field, Computed);
        with_handles!($op, $method, Computed, Computed, Computed);
        with_handles!($op, $method, Aggregated, Aggregated, Aggregated);
    )+};
}

operators!(Add add, Sub sub, Mul mul);

// A division answers a float, and null where the divisor is zero.

macro_rules! division {
    ($($left:ident, $right:ident => $result:ident;)+) => {$(
        impl<D, T: Number, N, U: Number, M> Div<$right<D, U, M>> for $left<D, T, N> {
            type Output = $result<D, f64, Nullable>;

            fn div(self, other: $right<D, U, M>) -> Self::Output {
                let (left, right) = (self.into_result(), other.into_result());
                $result::new(arithmetic(ArithmeticOp::Div, left, right))
            }
        }
    )+};
    ($($handle:ident with $literal:ty, $expr:ident => $result:ident;)+) => {$(
        impl<D, T: Number, N> Div<$literal> for $handle<D, T, N> {
            type Output = $result<D, f64, Nullable>;

            fn div(self, other: $literal) -> Self::Output {
                let (left, right) = (self.into_result(), $expr(other));
                $result::new(arithmetic(ArithmeticOp::Div, left, right))
            }
        }

        impl<D, T: Number, N> Div<$handle<D, T, N>> for $literal {
            type Output = $result<D, f64, Nullable>;

            fn div(self, other: $handle<D, T, N>) -> Self::Output {
                let (left, right) = ($expr(self), other.into_result());
                $result::new(arithmetic(ArithmeticOp::Div, left, right))
            }
        }
    )+};
}

division! {
    Field, Field => Computed;
    Field, Computed => Computed;
    Computed, Field => Computed;
    Computed, Computed => Computed;
    Aggregated, Aggregated => Aggregated;
}

division! {
    Field with i64, int => Computed;
    Field with f64, float => Computed;
    Computed with i64, int => Computed;
    Computed with f64, float => Computed;
    Aggregated with i64, int => Aggregated;
    Aggregated with f64, float => Aggregated;
}

macro_rules! negation {
    ($($handle:ident),+) => {$(
        impl<D, T: Number, N: Nullability> Neg for $handle<D, T, N> {
            type Output = Computed<D, T::Wide, N>;

            fn neg(self) -> Self::Output {
                Computed::new(arithmetic(ArithmeticOp::Sub, int(0), self.into_result()))
            }
        }
    )+};
}

negation!(Field, Computed);

// Untyped fields compute with anything; what comes out is untyped as well.

macro_rules! untyped {
    ($($op:ident $method:ident),+) => {$(
        untyped!(@literal $op $method i64, int);
        untyped!(@literal $op $method f64, float);
        untyped!(@handle $op $method Field);
        untyped!(@handle $op $method Computed);

        impl $op for Untyped {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                let (left, right) = (self.into_result(), other.into_result());
                Self::new(arithmetic(ArithmeticOp::$op, left, right))
            }
        }
    )+};
    (@literal $op:ident $method:ident $literal:ty, $expr:ident) => {
        impl $op<$literal> for Untyped {
            type Output = Self;

            fn $method(self, other: $literal) -> Self {
                Self::new(arithmetic(ArithmeticOp::$op, self.into_result(), $expr(other)))
            }
        }

        impl $op<Untyped> for $literal {
            type Output = Untyped;

            fn $method(self, other: Untyped) -> Untyped {
                Untyped::new(arithmetic(ArithmeticOp::$op, $expr(self), other.into_result()))
            }
        }
    };
    (@handle $op:ident $method:ident $handle:ident) => {
        impl<D, T: Number, N> $op<$handle<D, T, N>> for Untyped {
            type Output = Self;

            fn $method(self, other: $handle<D, T, N>) -> Self {
                let (left, right) = (self.into_result(), other.into_result());
                Self::new(arithmetic(ArithmeticOp::$op, left, right))
            }
        }

        impl<D, T: Number, N> $op<Untyped> for $handle<D, T, N> {
            type Output = Untyped;

            fn $method(self, other: Untyped) -> Untyped {
                let (left, right) = (self.into_result(), other.into_result());
                Untyped::new(arithmetic(ArithmeticOp::$op, left, right))
            }
        }
    };
}

untyped!(Add add, Sub sub, Mul mul, Div div);
