//! Graphs on which den once did otherwise, so that it does not again.

use super::{
    plan::{Deleted, How, Place, Plan, Step, Turn, Vertex, Which},
    play::play,
    slots::Kind,
    types::All,
};
use crate::harness::TestDb;

/// One of them.
pub(super) struct Kept {
    pub(super) name: &'static str,
    plan: fn() -> Plan,
}

/// The table of them.
pub(super) const KEPT: &[Kept] = &[
    // The link was taken out before the document was deleted, which then had another revision.
    Kept {
        name: "a_document_that_loses_a_link_to_itself",
        plan: || Plan {
            given: vec![vertex(Kind::Hooked, "h1", &[(0, "h1")])],
            turns: turns(&[Step::Delete(Kind::Hooked, "h1".into(), How::default())]),
        },
    },
    Kept {
        name: "an_owner_that_loses_the_link_to_what_it_owned",
        plan: || Plan {
            given: vec![
                vertex(Kind::Hooked, "h1", &[]),
                vertex(Kind::Soft, "s1", &[]),
                vertex(Kind::Full, "f4", &[(3, "h1"), (4, "s1")]),
            ],
            turns: turns(&[
                Step::Delete(Kind::Soft, "s1".into(), How::default()),
                // The revision in hand is the stored one.
                Step::Restore(Kind::Full, "f4".into()),
                Step::Delete(Kind::Full, "f4".into(), How::default()),
            ]),
        },
    },
    Kept {
        name: "a_list_in_which_one_loses_a_link_to_another",
        plan: || Plan {
            given: vec![
                vertex(Kind::Hooked, "h1", &[]),
                vertex(Kind::Hooked, "h2", &[(0, "h1")]),
            ],
            turns: turns(&[Step::DeleteAll(
                Kind::Hooked,
                vec!["h1".into(), "h2".into()],
                How::default(),
            )]),
        },
    },
    // The second was deleted as one that goes with the first, without what was said of both.
    Kept {
        name: "a_list_in_which_one_goes_with_another",
        plan: || Plan {
            given: vec![
                vertex(Kind::Soft, "s1", &[]),
                vertex(Kind::Soft, "s2", &[(0, "s1"), (1, "p1")]),
                vertex(Kind::Plain, "p1", &[]),
            ],
            turns: turns(&[Step::DeleteAll(
                Kind::Soft,
                vec!["s1".into(), "s2".into()],
                How {
                    with_links: true,
                    ..How::default()
                },
            )]),
        },
    },
    // It was not counted.
    Kept {
        name: "a_query_in_which_one_goes_with_another",
        plan: || Plan {
            given: vec![
                vertex(Kind::Soft, "s1", &[]),
                vertex(Kind::Soft, "s2", &[(0, "s1")]),
            ],
            turns: turns(&[Step::DeleteQuery(
                Kind::Soft,
                Which {
                    ids: None,
                    deleted: Deleted::LeftOut,
                    limit: None,
                    hooks: true,
                },
                How::default(),
            )]),
        },
    },
];

/// Plays it.
pub(super) async fn check(on: &TestDb, kept: &Kept) {
    on.with::<All>().await;
    if let Err(why) = play(on, &(kept.plan)()).await {
        panic!("{why}");
    }
}

fn vertex(kind: Kind, id: &str, links: &[(usize, &str)]) -> Vertex {
    let links = links.iter().map(|(at, id)| (*at, (*id).to_owned()));
    Vertex {
        kind,
        id: id.to_owned(),
        name: None,
        marked: false,
        links: links.collect(),
    }
}

fn turns(steps: &[Step]) -> Vec<Turn> {
    let turns = steps.iter().map(|step| Turn {
        step: step.clone(),
        place: Place::Db,
    });
    turns.collect()
}
