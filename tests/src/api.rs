//! The public API of `den`, theme by theme: the same cases on every target.

mod support;

mod crud;

use crate::harness::Theme;

macro_rules! themes {
    ($($name:ident),+ $(,)?) => {
        &[$(Theme { name: stringify!($name), cases: $name::CASES }),+]
    };
}

/// The themes of this module.
pub const THEMES: &[Theme] = themes![
    crud,
];
