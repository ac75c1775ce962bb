//! What a delete does to the documents that link to the one deleted.

use den::{DeleteOptions, ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    linked::{All, Maker, maker, stored},
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(rules_are_followed),
    case!(a_restricted_delete_names_who_links_here),
    case!(a_restriction_holds_at_the_end),
    case!(an_owned_document_may_be_restricted),
    case!(marked_documents_restrict_nothing),
    case!(a_rule_can_be_given_for_one_delete),
    case!(a_rule_for_one_delete_must_be_possible),
    case!(links_in_maps_cannot_be_looked_up),
    case!(deleting_a_query_follows_the_rules),
    case!(deleting_a_list_follows_the_rules),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "teams")]
pub(super) struct Team {
    #[serde(flatten)]
    pub(super) base: Base<Team>,
    pub(super) name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "players")]
pub(super) struct Player {
    #[serde(flatten)]
    pub(super) base: Base<Player>,
    #[den(on_delete = "cascade")]
    pub(super) team: Link<Team>,
    #[den(owned)]
    pub(super) shirt: Option<Link<Shirt>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "shirts")]
pub(super) struct Shirt {
    #[serde(flatten)]
    pub(super) base: Base<Shirt>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "fans")]
pub(super) struct Fan {
    #[serde(flatten)]
    pub(super) base: Base<Fan>,
    pub(super) name: String,
    #[den(on_delete = "set_null")]
    pub(super) team: Option<Link<Team>>,
    #[den(on_delete = "set_null")]
    pub(super) teams: Vec<Link<Team>>,
    /// Of this one nothing is said.
    pub(super) first: Option<Link<Team>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "matches")]
pub(super) struct Match {
    #[serde(flatten)]
    pub(super) base: Base<Match>,
    pub(super) sides: Vec<Side>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Side {
    #[den(on_delete = "cascade")]
    pub(super) team: Link<Team>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "contracts")]
pub(super) struct Contract {
    #[serde(flatten)]
    pub(super) base: Base<Contract>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    #[den(on_delete = "restrict")]
    pub(super) team: Option<Link<Team>>,
    #[den(on_delete = "restrict")]
    pub(super) player: Option<Link<Player>>,
    #[den(on_delete = "restrict")]
    pub(super) shirt: Option<Link<Shirt>>,
}

pub(super) type Teams = (Team, Player, Fan, Match, Contract, Shirt);

pub(super) async fn team(db: &Db, name: &str) -> Team {
    let it = Team {
        name: name.to_owned(),
        ..Default::default()
    };
    stored(db, it).await
}

pub(super) async fn player(db: &Db, team: &Team) -> Player {
    let it = Player {
        team: Link::to(team),
        shirt: Some(Link::new(Shirt::default())),
        ..Default::default()
    };
    stored(db, it).await
}

async fn rules_are_followed(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let (mut red, blue) = (team(db, "red").await, team(db, "blue").await);
    for it in [&red, &red, &blue] {
        player(db, it).await;
    }
    for sides in [vec![&red, &blue], vec![&blue, &blue]] {
        let sides = sides.into_iter().map(|it| Side { team: Link::to(it) });
        let it = Match {
            sides: sides.collect(),
            ..Default::default()
        };
        stored(db, it).await;
    }
    let fan = Fan {
        name: "Ada".into(),
        team: Some(Link::to(&red)),
        teams: vec![Link::to(&blue), Link::to(&red), Link::to(&blue)],
        first: Some(Link::to(&red)),
        ..Default::default()
    };
    let fan = stored(db, fan).await;
    let other = Fan {
        team: Some(Link::to(&blue)),
        ..Default::default()
    };
    let other = stored(db, other).await;
    red.delete(db).await.unwrap();
    assert_eq!(Team::query(db).one().await.unwrap(), blue);
    assert_eq!(Player::query(db).one().await.unwrap().team, Link::to(&blue));
    assert_eq!(count::<Shirt>(db).await, 1);
    assert_eq!(count::<Match>(db).await, 1);
    let found = Fan::find(db, fan.id()).await.unwrap();
    assert_eq!(found.team, None);
    assert_eq!(found.teams, [Link::to(&blue), Link::to(&blue)]);
    assert_eq!(found.first, fan.first);
    assert_eq!(found.name, "Ada");
    assert!(found.base.updated_at > fan.base.updated_at);
    assert_eq!(Fan::find(db, other.id()).await.unwrap(), other);
}

async fn contracts(db: &Db, team: &Team, count: usize) -> Vec<Contract> {
    let mut all = vec![
        Contract {
            team: Some(Link::to(team)),
            ..Default::default()
        };
        count
    ];
    for (n, it) in all.iter_mut().enumerate() {
        it.base.id = Id::new(format!("c{n}"));
    }
    Contract::insert_many(db, &mut all).await.unwrap();
    all
}

async fn a_restricted_delete_names_who_links_here(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let mut red = team(db, "red").await;
    player(db, &red).await;
    contracts(db, &red, 2).await;
    let error = refused(red.delete(db).await, ErrorKind::Restricted);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("teams"), Some(red.id().as_str()))
    );
    assert_eq!(
        error.to_string(),
        format!(
            "documents still link to this one: `team` of contracts in c0, c1: teams/{}",
            red.id()
        )
    );
    assert!(!error.is_retryable());
    // Nothing has happened.
    let totals = (count::<Team>(db).await, count::<Player>(db).await);
    assert_eq!(totals, (1, 1));
    assert_eq!(count::<Shirt>(db).await, 1);
    Contract::query(db)
        .all_rows()
        .delete_with(DeleteOptions::new().hard())
        .await
        .unwrap();
    contracts(db, &red, 9).await;
    let error = refused(red.delete(db).await, ErrorKind::Restricted);
    let text = error.to_string();
    assert!(
        text.contains("in c0, c1, c2, c3, c4 and more: teams/"),
        "{text}"
    );
    // In a transaction of the caller it stays usable.
    db.transaction(async |tx| {
        refused(red.delete(&tx).await, ErrorKind::Restricted);
        assert_eq!(count::<Player>(&tx).await, 1);
        let contracts = Contract::query(&tx).all_rows();
        contracts.delete().await?;
        red.delete(&tx).await
    })
    .await
    .map_err(|error: Error| error)
    .unwrap();
    assert_eq!(count::<Player>(db).await, 0);
}

async fn a_restriction_holds_at_the_end(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let mut red = team(db, "red").await;
    let it = player(db, &red).await;
    // The contract restricts the player, who goes with the team.
    let contract = Contract {
        player: Some(Link::to(&it)),
        ..Default::default()
    };
    let mut contract = stored(db, contract).await;
    let error = refused(red.delete(db).await, ErrorKind::Restricted);
    assert_eq!(error.collection(), Some("players"));
    assert_eq!(count::<Player>(db).await, 1);
    contract.delete(db).await.unwrap();
    red.delete(db).await.unwrap();
    assert_eq!(count::<Player>(db).await, 0);
}

async fn an_owned_document_may_be_restricted(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let red = team(db, "red").await;
    let mut it = player(db, &red).await;
    let contract = Contract {
        shirt: it.shirt.clone(),
        ..Default::default()
    };
    let mut contract = stored(db, contract).await;
    let error = refused(it.delete(db).await, ErrorKind::Restricted);
    assert_eq!(error.collection(), Some("shirts"));
    assert_eq!(
        (count::<Player>(db).await, count::<Shirt>(db).await),
        (1, 1)
    );
    contract.delete(db).await.unwrap();
    it.delete(db).await.unwrap();
}

async fn marked_documents_restrict_nothing(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let mut red = team(db, "red").await;
    let mut contract = contracts(db, &red, 1).await.remove(0);
    contract.delete(db).await.unwrap();
    red.delete(db).await.unwrap();
    let found = Contract::find(db, contract.id()).await.unwrap();
    assert_eq!(found.team, contract.team);
}

async fn a_rule_can_be_given_for_one_delete(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let links_here = |rule| DeleteOptions::new().links_here(rule);
    let mut red = team(db, "red").await;
    player(db, &red).await;
    contracts(db, &red, 1).await;
    let fan = Fan {
        first: Some(Link::to(&red)),
        ..Default::default()
    };
    stored(db, fan).await;
    let outcome = red.delete_with(db, links_here(OnDelete::Restrict)).await;
    refused(outcome, ErrorKind::Restricted);
    red.delete_with(db, links_here(OnDelete::Ignore))
        .await
        .unwrap();
    let totals = (count::<Player>(db).await, count::<Contract>(db).await);
    assert_eq!(totals, (1, 1));
    assert_eq!(count::<Fan>(db).await, 1);
    red = team(db, "red").await;
    let mut contract = Contract::query(db).one().await.unwrap();
    contract.team = Some(Link::to(&red));
    contract.save(db).await.unwrap();
    let mut fan = Fan::query(db).one().await.unwrap();
    fan.first = Some(Link::to(&red));
    fan.save(db).await.unwrap();
    red.delete_with(db, links_here(OnDelete::Cascade))
        .await
        .unwrap();
    assert_eq!(
        (count::<Contract>(db).await, count::<Fan>(db).await),
        (0, 0)
    );
    // The player links to a team that is gone since the first delete.
    assert_eq!(count::<Player>(db).await, 1);
}

async fn a_rule_for_one_delete_must_be_possible(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let mut red = team(db, "red").await;
    let options = DeleteOptions::new().links_here(OnDelete::SetNull);
    let error = refused(red.delete_with(db, options).await, ErrorKind::InvalidQuery);
    let text = error.to_string();
    assert!(text.contains("is neither optional nor a list"), "{text}");
    assert_eq!(count::<Team>(db).await, 1);
}

async fn links_in_maps_cannot_be_looked_up(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut acme = stored(db, maker("Acme")).await;
    let options = DeleteOptions::new().links_here(OnDelete::Cascade);
    let error = refused(acme.delete_with(db, options).await, ErrorKind::InvalidQuery);
    let text = error.to_string();
    assert!(
        text.contains("`regions` of products holds links in a map"),
        "{text}"
    );
    assert_eq!(count::<Maker>(db).await, 1);
    let options = DeleteOptions::new().links_here(OnDelete::Ignore);
    acme.delete_with(db, options).await.unwrap();
}

async fn deleting_a_query_follows_the_rules(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let t = Team::fields();
    for name in ["red", "blue", "green"] {
        let it = team(db, name).await;
        player(db, &it).await;
        if name == "green" {
            contracts(db, &it, 1).await;
        }
    }
    let some = Team::query(db).filter(t.name.is_in(["red", "blue"]));
    assert_eq!(some.delete().await.unwrap(), 2);
    assert_eq!(count::<Player>(db).await, 1);
    refused(
        Team::query(db).all_rows().delete().await,
        ErrorKind::Restricted,
    );
    assert_eq!((count::<Team>(db).await, count::<Player>(db).await), (1, 1));
}

async fn deleting_a_list_follows_the_rules(on: &TestDb) {
    let db = on.with::<Teams>().await;
    let mut teams = Vec::new();
    for name in ["red", "blue", "green"] {
        let it = team(db, name).await;
        player(db, &it).await;
        teams.push(it);
    }
    contracts(db, &teams[1], 1).await;
    let error = refused(
        Team::delete_all(db, &mut teams).await,
        ErrorKind::Restricted,
    );
    assert_eq!(error.id(), Some(teams[1].id().as_str()));
    assert_eq!((count::<Team>(db).await, count::<Player>(db).await), (3, 3));
    teams.remove(1);
    Team::delete_all(db, &mut teams).await.unwrap();
    assert_eq!((count::<Team>(db).await, count::<Player>(db).await), (1, 1));
}
