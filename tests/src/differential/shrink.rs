//! Makes a failing case smaller for as long as it fails.

use std::time::{Duration, Instant};

use proptest::strategy::ValueTree;

/// How long shrinking may go on.
#[derive(Debug)]
pub(super) struct Budget {
    tries: u32,
    until: Instant,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            tries: 800,
            until: Instant::now() + Duration::from_secs(60),
        }
    }

    fn is_spent(&mut self) -> bool {
        self.tries = self.tries.saturating_sub(1);
        self.tries == 0 || Instant::now() > self.until
    }
}

/// Returns the smallest value found that still fails, and whether it is smaller than `worst`.
pub(super) fn shrink<T: std::fmt::Debug>(
    tree: &mut dyn ValueTree<Value = T>,
    worst: T,
    budget: &mut Budget,
    mut fails: impl FnMut(&T) -> bool,
) -> (T, bool) {
    let mut best = worst;
    let mut is_smaller = false;
    let mut goes_on = tree.simplify();
    while goes_on && !budget.is_spent() {
        let smaller = tree.current();
        if fails(&smaller) {
            best = smaller;
            is_smaller = true;
            goes_on = tree.simplify();
        } else {
            goes_on = tree.complicate();
        }
    }
    (best, is_smaller)
}
