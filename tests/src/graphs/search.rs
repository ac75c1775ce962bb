//! Searches for graphs on which den does otherwise than the model.

use std::{
    env,
    time::{Duration, Instant},
};

use super::{
    chance::Chance,
    plan::Plan,
    play::{Tally, play},
    types::All,
};
use crate::harness::TestDb;

/// So many graphs make up one test.
const GRAPHS: u64 = 40;
/// So many steps are done on each.
const TURNS: usize = 12;
/// How long a failing plan is made smaller.
const SHRINKING: Duration = Duration::from_secs(40);

/// How many tests there are for each target.
pub(super) fn chunks() -> u64 {
    number("DEN_GRAPHS").unwrap_or(4 * GRAPHS).div_ceil(GRAPHS)
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Plays the graphs of this chunk.
pub(super) async fn search(on: &TestDb, chunk: u64) {
    on.with::<All>().await;
    let first = number("DEN_GRAPHS_SEED").unwrap_or(0) + chunk * GRAPHS;
    let mut all = Tally::default();
    for seed in first..first + GRAPHS {
        let plan = Plan::random(&mut Chance::new(seed), TURNS);
        match play(on, &plan).await {
            Ok(tally) => {
                all.refused += tally.refused;
                all.spread += tally.spread;
            }
            Err(why) => {
                let (plan, why) = shrink(on, plan, why).await;
                panic!("DEN_GRAPHS_SEED={seed}: {why}\n{plan:#?}");
            }
        }
    }
    let turns = GRAPHS * TURNS as u64;
    let percent = |count: u64| count * 100 / turns;
    let (refused, spread) = (percent(all.refused), percent(all.spread));
    assert!(
        refused > 15 && spread > 15,
        "{refused} % of the steps are refused, {spread} % change several documents"
    );
}

/// The smallest plan found that still fails.
async fn shrink(on: &TestDb, plan: Plan, why: String) -> (Plan, String) {
    let until = Instant::now() + SHRINKING;
    let mut best = (plan, why);
    loop {
        let mut is_smaller = false;
        for plan in best.0.smaller() {
            if Instant::now() > until {
                return best;
            }
            if let Err(why) = play(on, &plan).await {
                best = (plan, why);
                is_smaller = true;
                break;
            }
        }
        if !is_smaller {
            return best;
        }
    }
}
