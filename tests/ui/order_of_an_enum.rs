use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
enum State {
    #[default]
    Open,
    Closed,
}

#[derive(Debug, Default, Serialize, Deserialize, Document)]
struct Task {
    #[serde(flatten)]
    base: Base<Task>,
    state: State,
}

fn main() {
    let _ = Task::fields().state.lt(State::Closed);
}
