//! Progress of long work, shown where a person waits for it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use den::transfer::{self, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{context::Context, table::clean};

/// A bar with a rate and the time left; nothing where the error output is no terminal.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
    wanted: bool,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    shown: bool,
    /// What is being done, to what.
    what: String,
}

/// Work that is done by then shows nothing.
const PATIENCE: Duration = Duration::from_millis(400);

/// So often a second the bar changes.
const HERTZ: u8 = 10;

const COUNTED: &str = "{prefix:.bold} {wide_bar} {human_pos}/{human_len}  {rate}  {eta} left";
const BYTES: &str = "{prefix:.bold} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const UNKNOWN: &str = "{prefix:.bold} {spinner} {human_pos}  {rate}  {elapsed}";

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// So many, of so many.
    Documents(u64, Option<u64>),
    /// So many bytes, of so many.
    Bytes(u64, u64),
}

impl Progress {
    /// Nothing is shown until the work turns out to take its time.
    pub(crate) fn new(cx: &Context) -> Self {
        Self {
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
            state: Arc::new(Mutex::new(State {
                begun: Instant::now(),
                shown: false,
                what: String::new(),
            })),
            wanted: !cx.out.is_quiet(),
        }
    }

    /// Says how far `what` is.
    pub(crate) fn tell(&self, what: &str, amount: Amount) {
        if !self.wanted {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.what != what {
            state.what = what.to_owned();
            self.begin(what, amount);
        }
        match amount {
            Amount::Documents(position, _) | Amount::Bytes(position, _) => {
                self.bar.set_position(position);
            }
        }
        if !state.shown && state.begun.elapsed() > PATIENCE {
            state.shown = true;
            let target = ProgressDrawTarget::stderr_with_hz(HERTZ);
            self.bar.set_draw_target(target);
        }
    }

    fn begin(&self, what: &str, amount: Amount) {
        let (template, total) = match amount {
            Amount::Documents(_, Some(total)) => (COUNTED, Some(total)),
            Amount::Documents(_, None) => (UNKNOWN, None),
            Amount::Bytes(_, total) => (BYTES, Some(total)),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                // There is nowhere to say that this failed.
                let _ = write!(out, "{:.0}/s", state.per_sec());
            };
            let style = style.with_key("rate", rate);
            self.bar.set_style(style.progress_chars("━╸─"));
        }
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_prefix(clean(what));
        self.bar.reset();
    }

    /// What a transfer calls to say how far it is.
    pub(crate) fn of_transfer(&self) -> impl Fn(&transfer::Progress) + Send + Sync + 'static {
        let progress = self.clone();
        move |it| {
            let stage = match it.stage {
                Stage::Export => "export",
                Stage::Check => "check",
                Stage::Import => "import",
                Stage::Copy => "copy",
                Stage::Verify => "verify",
                Stage::Compare => "compare",
                _ => "at",
            };
            let amount = match (it.total_documents, it.total_bytes) {
                (None, Some(total)) => Amount::Bytes(it.bytes, total),
                (total, _) => Amount::Documents(it.documents, total),
            };
            progress.tell(&format!("{stage} {}", it.collection), amount);
        }
    }

    /// Writes something else in between.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
