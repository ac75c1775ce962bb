//! Which links are loaded with the documents of a query.

use den_backend::{Error, ErrorKind, Result};

use super::rules::{Step, Trail, keys};
use crate::{Document, fields::path::Path};

/// Which links are loaded with the documents of a query.
#[derive(Debug, Clone)]
pub struct LinkPlan {
    mode: Mode,
    /// The way to links that were named, or to a field above them.
    named: Vec<Path>,
    depth: usize,
    dangling: Dangling,
}

/// Which links are loaded without being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Those of fields that are `#[den(eager)]`.
    Eager,
    /// All.
    All,
    /// None.
    None,
}

/// What becomes of a link to a document that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dangling {
    /// It is an error.
    Fail,
    /// It is left as it is.
    Leave,
}

/// So deep links are loaded unless something else is said.
const DEPTH: usize = 3;

impl Default for LinkPlan {
    /// What is declared: eager links.
    fn default() -> Self {
        Self {
            mode: Mode::Eager,
            named: Vec::new(),
            depth: DEPTH,
            dangling: Dangling::Fail,
        }
    }
}

impl LinkPlan {
    /// All links of the documents at hand, and none of theirs.
    pub(super) fn one_level() -> Self {
        Self {
            mode: Mode::All,
            depth: 1,
            ..Self::default()
        }
    }

    /// All links at hand, and below them what is eager.
    pub(super) fn fetch() -> Self {
        Self {
            named: vec![Path::ROOT],
            ..Self::default()
        }
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.named.clear();
    }

    pub(super) fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
    }

    pub(super) fn leave_dangling(&mut self) {
        self.dangling = Dangling::Leave;
    }

    /// Adds links by name.
    pub(super) fn name<D: Document>(&mut self, path: Path) -> Result<()> {
        let mut is_link = false;
        D::describe_links(&mut Trail::default(), &mut |link| {
            is_link |= lies_in(&path, &link.steps);
        });
        if !is_link {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                format!(
                    "there is no link in the field `{}`, so there is nothing to load",
                    path.to_field_path()
                ),
            ));
        }
        self.named.push(path);
        Ok(())
    }

    /// Whether nothing will be loaded with documents of this type.
    pub(crate) fn is_idle<D: Document>(&self) -> bool {
        let nothing_declared = match self.mode {
            Mode::Eager => !D::EAGER,
            Mode::All => false,
            Mode::None => true,
        };
        !D::LINKS || self.depth == 0 || (nothing_declared && self.named.is_empty())
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn fails_when_dangling(&self) -> bool {
        self.dangling == Dangling::Fail
    }

    /// Whether the link at the end of this way is loaded; `level` counts from 1, the links of the
    /// documents of the query.
    pub(super) fn picks(&self, level: usize, trail: &Trail) -> bool {
        let is_declared = match self.mode {
            Mode::Eager => trail.rules().eager,
            Mode::All => true,
            Mode::None => false,
        };
        is_declared || (level == 1 && self.named.iter().any(|it| lies_in(it, trail.steps())))
    }
}

/// Whether what lies at the end of the steps is in the field at `path`.
fn lies_in(path: &Path, steps: &[Step]) -> bool {
    let mut keys = keys(steps);
    path.segments().iter().all(|it| keys.next() == Some(*it))
}
