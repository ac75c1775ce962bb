//! The queries of a dashboard over a generated event log: volume per hour, top groups, search with
//! snippets, counters that are upserted, a queue of work.
//!
//! ```sh
//! cargo run --example analytics                                  # in memory, by SQLite
//! cargo run --example analytics -- sqlite:///events.db
//! cargo run --example analytics -- postgres://user:pw@host/name
//! ```
//!
//! It prints the same lines whatever the database.

use den::prelude::*;
use den::{TimeUnit, case_when, count, site};
use serde::{Deserialize, Serialize};

/// So many events are generated.
const EVENTS: u64 = 3000;

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "analytics_events", index(fields("service", "at")))]
struct Event {
    #[serde(flatten)]
    base: Base<Event>,
    #[den(index)]
    at: Timestamp,
    service: String,
    level: String,
    /// How long it took, in milliseconds.
    duration: f64,
    bytes: i64,
    user: Option<String>,
    tags: Vec<String>,
    #[den(fts)]
    message: String,
}

/// How often something failed: one document for each kind of failure.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "analytics_failures", revision)]
struct Failure {
    #[serde(flatten)]
    base: Base<Failure>,
    #[den(unique)]
    fingerprint: String,
    count: i64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    services: Vec<String>,
}

/// A piece of work, taken by one of several workers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "analytics_jobs", index(fields("state", "priority")))]
struct Job {
    #[serde(flatten)]
    base: Base<Job>,
    name: String,
    state: String,
    priority: i64,
    worker: Option<String>,
}

/// One line of a table: only these values leave the database.
#[derive(Debug, Projection)]
#[den(document = Event)]
struct Slow {
    service: String,
    message: String,
    #[den(value = |e| (e.duration / 1000.0).round(2).coalesce(0.0))]
    seconds: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1);
    let db = Db::open(url.as_deref().unwrap_or("sqlite://:memory:")).await?;
    db.register::<(Event, Failure, Job)>().await?;
    Event::query(&db).all_rows().delete().await?;
    Failure::query(&db).all_rows().delete().await?;
    Job::query(&db).all_rows().delete().await?;

    Event::insert_many(&db, &mut events()).await?;
    overview(&db).await?;
    volume(&db).await?;
    groups(&db).await?;
    selections(&db).await?;
    search(&db).await?;
    count_failures(&db).await?;
    correct(&db).await?;
    work(&db).await?;
    raw(&db).await?;
    db.close().await?;
    Ok(())
}

/// Several reads, one round trip.
async fn overview(db: &Db) -> den::Result<()> {
    let e = Event::fields();
    let (events, errors, totals) = db
        .batch((
            Event::query(db).count(),
            Event::query(db).filter(e.level.eq("error")).count(),
            Event::query(db).aggregate((
                e.bytes.sum(),
                e.duration.avg(),
                e.duration.max(),
                e.user.count_distinct(),
            )),
        ))
        .await;
    let (bytes, average, longest, users) = totals?;
    println!("== overview");
    println!("{} events, {} of them errors", events?, errors?);
    println!("{bytes} bytes, {users} users");
    println!(
        "{:.3} ms on average, {:.1} ms at most",
        average.unwrap_or_default(),
        longest.unwrap_or_default()
    );
    Ok(())
}

/// Events and errors per hour.
async fn volume(db: &Db) -> den::Result<()> {
    let e = Event::fields();
    let hour = e.at.truncate(TimeUnit::Hour);
    let errors = case_when([(e.level.eq("error"), 1)], 0);
    let hours: Vec<(Timestamp, u64, i64)> = Event::query(db)
        .group_by(hour.clone())
        .select((hour.clone(), count(), errors.sum()))
        .sort(hour.desc())
        .limit(6)
        .all()
        .await?;
    println!("== the last hours");
    for (hour, events, errors) in hours {
        println!("{hour}: {events} events, {errors} errors");
    }
    Ok(())
}

/// The services with the most errors, and the tags of slow events.
async fn groups(db: &Db) -> den::Result<()> {
    let e = Event::fields();
    let top: Vec<(String, u64, Option<f64>)> = Event::query(db)
        .filter(e.level.eq("error"))
        .group_by(e.service)
        .select((e.service, count(), e.duration.avg()))
        .having(count().ge(20))
        .sort(count().desc())
        .limit(3)
        .all()
        .await?;
    println!("== most errors");
    for (service, errors, average) in top {
        println!("{service}: {errors}, {:.2} ms", average.unwrap_or_default());
    }

    let tag = e.tags.element();
    let tags: Vec<(String, u64)> = Event::query(db)
        .unwind(e.tags)
        .filter(e.duration.gt(400.0) & tag.ne("ok"))
        .group_by(tag)
        .select((tag, count()))
        .sort(count().desc())
        .all()
        .await?;
    println!("== tags of slow events");
    for (tag, events) in tags {
        println!("{tag}: {events}");
    }
    Ok(())
}

/// Values instead of documents, computed where the documents lie.
async fn selections(db: &Db) -> den::Result<()> {
    let e = Event::fields();
    let slowest: Vec<Slow> = Event::query(db)
        .sort(e.duration.desc())
        .limit(3)
        .project::<Slow>()
        .all()
        .await?;
    println!("== slowest");
    for it in slowest {
        println!("{:.2} s {}: {}", it.seconds, it.service, it.message);
    }

    let last: Vec<Event> = Event::query(db)
        .filter(e.level.eq("error"))
        .distinct_by(e.service)
        .sort(e.at.desc())
        .all()
        .await?;
    println!("== the last error of each service");
    for it in last {
        println!("{} {}: {}", it.at, it.service, it.message);
    }
    Ok(())
}

/// Words, phrases, prefixes; what was typed is never an error.
async fn search(db: &Db) -> den::Result<()> {
    let e = Event::fields();
    for words in [
        "timeout pay*",
        "\"connection refused\" -cache",
        "C++ \"unbalanced",
    ] {
        let errors = || Event::query(db).filter(e.level.eq("error")).search(words);
        let found = errors().count().await?;
        println!("== search for {words}: {found}");
        for hit in errors().sort(e.at.asc()).limit(2).hits().await? {
            println!("{}: {}", hit.document.service, hit.snippet);
        }
    }
    Ok(())
}

/// Each error counts one up, whoever sees it first.
async fn count_failures(db: &Db) -> den::Result<()> {
    let (e, f) = (Event::fields(), Failure::fields());
    let errors = Event::query(db)
        .filter(e.level.eq("error"))
        .sort(e.at.asc())
        .limit(200)
        .all()
        .await?;
    let mut created = 0;
    for error in errors {
        let failure = Failure {
            fingerprint: error
                .message
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned(),
            count: 1,
            first_seen: error.at,
            last_seen: error.at,
            services: vec![error.service],
            ..Default::default()
        };
        let upserted = Failure::upsert(db, failure)
            .on(f.fingerprint)
            .update(|stored, new| {
                stored
                    .inc(f.count, new.count)
                    .max(f.last_seen, new.last_seen)
                    .add_to_set(
                        f.services,
                        new.services.first().cloned().unwrap_or_default(),
                    )
            })
            .await?;
        created += u64::from(upserted.is_inserted());
    }
    println!("== failures: {created} kinds");
    for it in Failure::query(db).sort(f.count.desc()).all().await? {
        println!(
            "{}: {} in {} services, last {}",
            it.fingerprint,
            it.count,
            it.services.len(),
            it.last_seen
        );
    }
    Ok(())
}

/// One statement for all documents that need it.
async fn correct(db: &Db) -> den::Result<()> {
    let e = Event::fields();
    let corrected = Event::query(db)
        .filter(e.service.eq("billing") & e.duration.lt(10.0))
        .update()
        .mul(e.duration, 1000.0)
        .push(e.tags, "corrected")
        .await?;
    println!("== corrected: {corrected}");
    Ok(())
}

/// Workers that never take the same job.
async fn work(db: &Db) -> den::Result<()> {
    let j = Job::fields();
    let mut jobs: Vec<Job> = (0..12)
        .map(|at| Job {
            name: format!("report {at}"),
            state: "ready".into(),
            priority: at % 4,
            ..Default::default()
        })
        .collect();
    Job::insert_many(db, &mut jobs).await?;
    println!("== jobs");
    for worker in ["ada", "grace", "alan"] {
        let mine: Vec<Job> = Job::query(db)
            .filter(j.state.eq("ready"))
            .sort(j.priority.desc())
            .sort(j.name.asc())
            .claim(5)
            .set(j.state, "running")
            .set(j.worker, worker)
            .await?;
        let names: Vec<&str> = mine.iter().map(|it| it.name.as_str()).collect();
        println!("{worker}: {}", names.join(", "));
    }
    let left = Job::query(db).filter(j.state.eq("ready")).count().await?;
    println!("{left} left");
    Ok(())
}

/// What den does not say, said in SQL: a running total.
async fn raw(db: &Db) -> den::Result<()> {
    #[derive(Debug, Deserialize)]
    struct Day {
        day: String,
        total: i64,
    }
    let days: Vec<Day> = db
        .query_raw(
            site!("running_total"),
            "SELECT day, sum(events) OVER (ORDER BY day) AS total
             FROM (
                 SELECT substr(d.data->>'at', 1, 10) AS day, count(*) AS events
                 FROM analytics_events AS d WHERE d.data->>'level' = $1 GROUP BY 1
             ) AS days ORDER BY day",
            ("error",),
        )
        .await?;
    println!("== errors up to the day");
    for it in days {
        println!("{}: {}", it.day, it.total);
    }
    Ok(())
}

/// An event log, always the same.
fn events() -> Vec<Event> {
    const SERVICES: [&str; 5] = ["billing", "cart", "search", "mail", "login"];
    const FAILURES: [&str; 4] = [
        "timeout: payment provider did not answer",
        "connection refused: cache is not there",
        "connection refused: database is not there",
        "disk full: nothing was written",
    ];
    let mut chance = Chance(7);
    let mut at = 1_767_225_600_000_000; // 2026-01-01 in microseconds
    let mut events = Vec::new();
    for number in 0..EVENTS {
        at += 20_000_000 + chance.below(100_000_000).cast_signed();
        let is_error = chance.below(10) == 0;
        let service = SERVICES[chance.index(SERVICES.len())];
        let level = if is_error { "error" } else { "info" };
        let message = match is_error {
            true => FAILURES[chance.index(FAILURES.len())].to_owned(),
            false => format!("request {number} was answered"),
        };
        let tags = [level, if number % 3 == 0 { "mobile" } else { "web" }];
        events.push(Event {
            at: Timestamp::from_unix_micros(at).unwrap_or_default(),
            service: service.into(),
            level: level.into(),
            duration: f64::from(u32::try_from(chance.below(5000)).unwrap_or_default()) / 8.0,
            bytes: chance.below(100_000).cast_signed(),
            user: (number % 4 != 0).then(|| format!("user {}", chance.below(40))),
            tags: tags.map(String::from).to_vec(),
            message,
            ..Default::default()
        });
    }
    events
}

/// Numbers that only look random: a linear congruential generator (Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }
}
