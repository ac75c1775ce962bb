//! URL schemes and drivers.

use crate::harness::Theme;

/// The themes of this module.
pub const THEMES: &[Theme] = &[];
