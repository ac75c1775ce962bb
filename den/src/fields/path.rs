//! Paths of field handles: plain `const` data.

use den_backend::{FieldPath, Root};

/// How deep a handle can lie: the number of keys from the root of the document.
const MAX_DEPTH: usize = 8;

/// The place a field handle stands for, built by the derive macros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    root: Root,
    segments: [&'static str; MAX_DEPTH],
    len: usize,
}

impl Path {
    /// The document itself.
    pub const ROOT: Self = Self {
        root: Root::Document,
        segments: [""; MAX_DEPTH],
        len: 0,
    };

    /// The element at hand in `any_element` and `all_elements`.
    pub const ELEMENT: Self = Self {
        root: Root::Element,
        segments: [""; MAX_DEPTH],
        len: 0,
    };

    /// One key further down.
    ///
    /// # Panics
    ///
    /// At compile time, below eight keys: reach deeper fields with `field(["a", "b", ..])`.
    #[must_use]
    pub const fn child(mut self, segment: &'static str) -> Self {
        assert!(
            self.len < MAX_DEPTH,
            "field handles reach eight keys deep; use `den::field([..])` below that"
        );
        self.segments[self.len] = segment;
        self.len += 1;
        self
    }

    /// The keys, outermost first.
    pub fn segments(&self) -> &[&'static str] {
        self.segments.get(..self.len).unwrap_or_default()
    }

    /// What the path starts from.
    pub const fn root(&self) -> Root {
        self.root
    }

    /// The path as the contract has it.
    pub fn to_field_path(self) -> FieldPath {
        if self.len == 0 {
            return FieldPath::root();
        }
        FieldPath::from_segments(self.segments().iter().copied())
            .expect("the derive macros refuse empty keys and control characters")
    }
}
