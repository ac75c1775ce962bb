//! Interleaved timing: two contestants take turns, so that a drift of the machine hits both alike.

use std::time::{Duration, Instant};

/// One line of the table.
pub(crate) struct Row {
    pub(crate) workload: &'static str,
    pub(crate) den: Times,
    pub(crate) raw: Times,
}

/// The times of one operation, one per round, sorted.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut rounds: Vec<Duration>) -> Self {
        rounds.sort_unstable();
        Self(rounds)
    }

    fn at(&self, part: f64) -> Duration {
        let last = self.0.len().saturating_sub(1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into a short list"
        )]
        let index = (last * part).round() as usize;
        self.0.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.at(0.5)
    }

    /// The middle half: first and third quartile.
    fn quartiles(&self) -> (Duration, Duration) {
        (self.at(0.25), self.at(0.75))
    }
}

/// Measures one operation: `run(round)` runs it `times` times.
pub(crate) async fn measure<F: AsyncFnMut(usize) -> den::Result<()>>(
    times: usize,
    round: usize,
    run: &mut F,
) -> den::Result<Duration> {
    let begin = Instant::now();
    for n in 0..times {
        run(round * times + n).await?;
    }
    Ok(begin.elapsed() / u32::try_from(times).unwrap_or(u32::MAX))
}

/// Lets two contestants take turns over so many rounds, after two that do not count.
pub(crate) async fn duel(
    workload: &'static str,
    rounds: usize,
    times: usize,
    mut den: impl AsyncFnMut(usize) -> den::Result<()>,
    mut raw: impl AsyncFnMut(usize) -> den::Result<()>,
) -> den::Result<Row> {
    const WARM_UP: usize = 2;
    let (mut dens, mut raws) = (Vec::new(), Vec::new());
    for round in 0..rounds + WARM_UP {
        // Who goes first changes, too.
        let (a, b);
        if round % 2 == 0 {
            a = measure(times, round, &mut den).await?;
            b = measure(times, round, &mut raw).await?;
        } else {
            b = measure(times, round, &mut raw).await?;
            a = measure(times, round, &mut den).await?;
        }
        if round >= WARM_UP {
            dens.push(a);
            raws.push(b);
        }
    }
    Ok(Row {
        workload,
        den: Times::of(dens),
        raw: Times::of(raws),
    })
}

/// Prints the table of one engine.
pub(crate) fn print(engine: &str, rows: &[Row]) {
    println!("\n{engine}");
    println!(
        "{:<28} {:>11} {:>23} {:>11} {:>23} {:>9}",
        "workload", "den", "(middle half)", "raw", "(middle half)", "den/raw"
    );
    for row in rows {
        let ratio = row.den.median().as_secs_f64() / row.raw.median().as_secs_f64();
        println!(
            "{:<28} {:>11} {:>23} {:>11} {:>23} {:>9.2}",
            row.workload,
            micros(row.den.median()),
            spread(&row.den),
            micros(row.raw.median()),
            spread(&row.raw),
            ratio
        );
    }
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn spread(times: &Times) -> String {
    let (low, high) = times.quartiles();
    format!(
        "{:.1} – {:.1}",
        low.as_secs_f64() * 1e6,
        high.as_secs_f64() * 1e6
    )
}
