//! The countries of the world as documents: what den does, on real data.
//!
//! ```sh
//! cargo run --example atlas                                  # in a SQLite file of its own
//! cargo run --example atlas -- sqlite:///atlas.db
//! cargo run --example atlas -- postgres://user:pw@host/name
//! ```
//!
//! It prints the same lines whatever the database, but for the first.

use std::collections::BTreeMap;

use den::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(
    collection = "atlas_countries",
    revision,
    index(fields("region", "area"))
)]
struct Country {
    #[serde(flatten)]
    base: Base<Country>,
    name: Name,
    /// ISO 3166-1 alpha-3.
    #[den(unique)]
    cca3: String,
    region: String,
    #[serde(deserialize_with = "blank_is_none")]
    #[den(index)]
    subregion: Option<String>,
    capital: Vec<String>,
    /// The `cca3` of the neighbours.
    #[den(index)]
    borders: Vec<String>,
    /// In square kilometres.
    area: f64,
    landlocked: bool,
    independent: Option<bool>,
    languages: BTreeMap<String, String>,
    /// What the program does not name is kept all the same.
    #[serde(flatten)]
    rest: serde_json::Map<String, Json>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
struct Name {
    #[den(index)]
    common: String,
    official: String,
}

fn blank_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(Some(text).filter(|it| !it.is_empty()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = match std::env::args().nth(1) {
        Some(url) => url,
        None => format!("sqlite:///{}", folder.path().join("atlas.db").display()),
    };
    let db = Db::open(&url).await?;
    println!("The atlas on {}", db.backend_name());

    db.register::<(Country,)>().await?;
    Country::query(&db).all_rows().delete().await?;
    let mut countries: Vec<Country> = serde_json::from_str(include_str!("data/countries.json"))?;
    Country::insert_many(&db, &mut countries).await?;
    println!("{} countries loaded", Country::query(&db).count().await?);

    find(&db).await?;
    sort(&db).await?;
    pages(&db).await?;
    change(&db).await?;
    plan(&db).await?;
    untyped(&db).await?;
    db.close().await?;
    Ok(())
}

/// Filters: nested fields, array members, text, keys of maps.
async fn find(db: &Db) -> den::Result<()> {
    let c = Country::fields();

    println!("\nNeighbours of Germany with a name in -land:");
    let neighbours = Country::query(db)
        .filter(c.borders.contains("DEU") & c.name.common.ends_with("land"))
        .sort(c.name.common.asc())
        .all()
        .await?;
    for it in &neighbours {
        println!("  {:<12} {}", it.name.common, it.name.official);
    }

    let alone = Country::query(db)
        .filter(c.landlocked.eq(true) & c.borders.len().eq(1))
        .sort(c.name.common.asc())
        .values(c.name.common)
        .await?;
    println!("Landlocked in one other country: {}", alone.join(", "));

    let german = c.languages.has_key("deu") & !c.region.eq("Europe");
    let outside = Country::query(db)
        .filter(german)
        .values(c.name.common)
        .await?;
    println!("German outside of Europe: {}", outside.join(", "));

    let named = Country::query(db)
        .filter(c.name.common.matches("^(.)[a-z]+ (and|&) "))
        .count()
        .await?;
    println!("{named} countries are two in one by their name");
    Ok(())
}

/// Sorts: several keys, nulls where they are wanted.
async fn sort(db: &Db) -> den::Result<()> {
    let c = Country::fields();

    println!("\nThe largest in Asia:");
    let largest = Country::query(db)
        .filter(c.region.eq("Asia"))
        .sort(c.area.desc())
        .limit(3)
        .all()
        .await?;
    for it in &largest {
        println!("  {:<12} {:>9} km²", it.name.common, it.area);
    }

    let undecided = Country::query(db).sort(c.independent.asc()).first().await?;
    println!(
        "Independence unknown comes first: {}",
        undecided.map_or_else(String::new, |it| it.name.common)
    );
    let last = Country::query(db)
        .sort(c.subregion.asc().nulls_last())
        .sort(c.name.common.asc())
        .skip(248)
        .values(c.name.common)
        .await?;
    println!("No subregion comes last: {}", last.join(", "));
    Ok(())
}

/// Pages: forwards to the end, then one back.
async fn pages(db: &Db) -> den::Result<()> {
    let c = Country::fields();
    let query = || {
        Country::query(db)
            .filter(c.region.eq("Europe"))
            .sort(c.subregion.desc())
            .sort(c.area.asc())
    };
    let (mut pages, mut countries, mut request) = (0, 0, PageRequest::first(10));
    let last = loop {
        let page = query().page(request).await?;
        pages += 1;
        countries += page.items.len();
        match page.next.clone() {
            Some(token) => request = PageRequest::first(10).after(token),
            None => break page,
        }
    };
    println!("\n{countries} countries of Europe on {pages} pages");
    if let Some(token) = last.prev {
        let page = query().page(PageRequest::first(10).before(token)).await?;
        let names: Vec<&str> = page.items.iter().map(|it| it.cca3.as_str()).collect();
        println!("The page before the last: {}", names.join(" "));
    }
    Ok(())
}

/// A transaction that is taken back, one that is kept, and a stale copy that is refused.
async fn change(db: &Db) -> den::Result<()> {
    let c = Country::fields();
    let norway = Country::query(db).filter(c.cca3.eq("NOR")).one().await?;

    let undone: den::Result<()> = db
        .transaction(async |tx| {
            Country::query(&tx)
                .filter(c.region.eq("Oceania"))
                .delete()
                .await?;
            let left = Country::query(&tx).count().await?;
            Err(Error::custom(format!("{left} would be left")))
        })
        .await;
    println!(
        "\nTaken back: {}",
        undone.err().map_or_else(String::new, |it| it.to_string())
    );

    db.transaction(async |tx| {
        let mut fresh = Country::find(&tx, norway.id()).await?;
        fresh.capital = vec!["Oslo".into(), "Bergen".into()];
        fresh.save(&tx).await
    })
    .await?;
    let mut stale = norway;
    stale.area = 0.0;
    let refused = stale.save(db).await.map_err(|it| it.kind());
    println!("A copy from before: {refused:?}");
    println!("Countries: {}", Country::query(db).count().await?);
    Ok(())
}

/// What the database does for a query: it uses the declared index.
async fn plan(db: &Db) -> den::Result<()> {
    let c = Country::fields();
    let plan = Country::query(db)
        .filter(c.cca3.eq("ISL"))
        .explain()
        .await?;
    let index = db
        .meta::<Country>()?
        .indexes
        .into_iter()
        .find(|index| plan.plan.iter().any(|line| line.contains(&index.name)));
    let index = index.map_or_else(|| "no index".to_owned(), |it| it.name);
    println!("\nA country by its code is found through {index}");
    Ok(())
}

/// The same documents without a type, keys with odd characters included.
async fn untyped(db: &Db) -> den::Result<()> {
    let countries = db.collection("atlas_countries");
    let francs = countries
        .query()
        .filter(field("currencies").has_key("CHF") | field(["currencies", "XPF"]).exists())
        .sort(field("name.common").asc())
        .values_at("name.common")
        .await?;
    let francs: Vec<&str> = francs.iter().filter_map(Json::as_str).collect();
    println!("Francs: {}", francs.join(", "));
    let bigger = countries
        .query()
        .filter(field("latlng.0").gt(66))
        .count()
        .await?;
    println!("North of the polar circle, by the first number of `latlng`: {bigger}");
    Ok(())
}
