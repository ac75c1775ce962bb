//! How a case becomes a test: a fresh database for each case and target, a time limit, a name.
//!
//! A theme is a file with a table and private functions, so that a function left out of the table
//! is dead code:
//!
//! ```text
//! pub(super) const CASES: &[Case] = &[
//!     case!(insert_fills_in_the_base),
//!     case!(a_lock_waits, only: [Postgres, PostgresIcu]),
//!     together!(all_give_the_same_answer),
//!     alone!(an_empty_url_is_refused),
//! ];
//!
//! async fn insert_fills_in_the_base(on: &TestDb) { .. }
//! async fn a_lock_waits(on: &TestDb) { .. }
//! async fn all_give_the_same_answer(on: &[TestDb]) { .. }
//! async fn an_empty_url_is_refused() { .. }
//! ```

#![expect(
    clippy::unwrap_used,
    reason = "this is for tests: a panic is how a case fails"
)]

pub mod conformance;
mod database;
mod postgres;
mod run;
mod target;

use std::{fmt, thread};

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Trial};

pub use self::{
    database::TestDb,
    target::{Engine, Target},
};

/// Cases that belong together.
#[derive(Debug)]
pub struct Theme {
    /// The name, a part of the names of the tests.
    pub name: &'static str,
    /// The cases.
    pub cases: &'static [Case],
}

/// One case; made by [`case!`](crate::case), [`together!`](crate::together) and
/// [`alone!`](crate::alone).
pub struct Case {
    /// The name, a part of the names of the tests.
    pub name: &'static str,
    /// Which targets it applies to.
    pub on: fn(Target) -> bool,
    /// What it does.
    pub run: Run,
}

/// What a case does.
#[derive(Clone, Copy)]
pub enum Run {
    /// Once for each target, on a fresh database.
    Each(for<'a> fn(&'a TestDb) -> BoxFuture<'a, ()>),
    /// Once, on a fresh database of each target that is there.
    Together(for<'a> fn(&'a [TestDb]) -> BoxFuture<'a, ()>),
    /// Once, without a database.
    Alone(fn() -> BoxFuture<'static, ()>),
}

/// An entry of a table of cases, run on each target: `case!(function)`,
/// `case!(function, only: [Postgres, ..])` or `case!(function, except: [Memory, ..])`.
#[macro_export]
macro_rules! case {
    ($name:ident) => {
        $crate::case!($name, except: [])
    };
    ($name:ident, only: [$($target:ident),*]) => {
        $crate::Case {
            name: stringify!($name),
            on: |it| [$($crate::Target::$target),*].contains(&it),
            run: $crate::Run::Each(|on| Box::pin($name(on))),
        }
    };
    ($name:ident, except: [$($target:ident),*]) => {
        $crate::Case {
            name: stringify!($name),
            on: |it| !<[$crate::Target]>::contains(
                &[$($crate::Target::$target),*],
                &it,
            ),
            run: $crate::Run::Each(|on| Box::pin($name(on))),
        }
    };
}

/// An entry of a table of cases, run once over a database of each target, to compare them.
#[macro_export]
macro_rules! together {
    ($name:ident) => {
        $crate::Case {
            name: stringify!($name),
            on: |_| true,
            run: $crate::Run::Together(|on| Box::pin($name(on))),
        }
    };
    ($name:ident, only: [$($target:ident),*]) => {
        $crate::Case {
            name: stringify!($name),
            on: |it| [$($crate::Target::$target),*].contains(&it),
            run: $crate::Run::Together(|on| Box::pin($name(on))),
        }
    };
}

/// An entry of a table of cases, run once and without a database.
#[macro_export]
macro_rules! alone {
    ($name:ident) => {
        $crate::Case {
            name: stringify!($name),
            on: |_| true,
            run: $crate::Run::Alone(|| Box::pin($name())),
        }
    };
}

/// A PostgreSQL server takes 100 connections; each case may open eight.
const MOST_AT_ONCE: usize = 8;

/// The arguments with as many threads as the databases bear.
pub fn gently(mut arguments: Arguments) -> Arguments {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // Cases wait for the database and for each other more than they compute.
    let threads = arguments.test_threads.unwrap_or(cores * 2);
    arguments.test_threads = Some(threads.min(MOST_AT_ONCE));
    arguments
}

/// The tests of a theme: `target::theme::case`, `together::theme::case` or `alone::theme::case`.
pub fn trials(theme: &'static Theme) -> Vec<Trial> {
    theme
        .cases
        .iter()
        .flat_map(|case| trials_of(theme, case))
        .collect()
}

/// A test of one target that is not in a table: `target::theme::name`, ignored where the target is
/// not there.
pub fn trial<F>(target: Target, theme: &str, name: &str, body: F) -> Trial
where
    F: for<'a> FnOnce(&'a TestDb) -> BoxFuture<'a, ()> + Send + 'static,
{
    let name = format!("{}::{theme}::{name}", target.name());
    Trial::test(name.clone(), move || run::each(&name, target, body))
        .with_ignored_flag(!target.is_there())
}

fn trials_of(theme: &Theme, case: &'static Case) -> Vec<Trial> {
    let targets = || Target::ALL.into_iter().filter(|it| (case.on)(*it));
    let name = |kind: &str| format!("{kind}::{}::{}", theme.name, case.name);
    match case.run {
        Run::Each(body) => targets()
            .map(|target| {
                let name = name(target.name());
                let ignored = !target.is_there();
                Trial::test(name.clone(), move || run::each(&name, target, body))
                    .with_ignored_flag(ignored)
            })
            .collect(),
        Run::Together(body) => {
            let name = name("together");
            let there: Vec<Target> = targets().filter(|it| it.is_there()).collect();
            vec![Trial::test(name.clone(), move || {
                run::together(&name, &there, body)
            })]
        }
        Run::Alone(body) => {
            let name = name("alone");
            vec![Trial::test(name.clone(), move || run::alone(&name, body))]
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Each(_) => "Each",
            Self::Together(_) => "Together",
            Self::Alone(_) => "Alone",
        })
    }
}
