//! Money between accounts: transactions that are tried again, and revisions.
//!
//! ```sh
//! cargo run --example transfer
//! cargo run --example transfer -- postgres://user:pw@host/name
//! ```

use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "transfer_accounts", revision)]
struct Account {
    #[serde(flatten)]
    base: Base<Account>,
    #[den(unique)]
    owner: String,
    /// In cents.
    balance: i64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1);
    let url = url.as_deref().unwrap_or("sqlite://:memory:");
    let db = Db::open(url).await?;
    db.register::<(Account,)>().await?;
    Account::query(&db).all_rows().delete().await?;

    let mut accounts = ["Ada", "Bob"].map(|owner| Account {
        owner: owner.into(),
        balance: 10_000,
        ..Default::default()
    });
    Account::insert_many(&db, &mut accounts).await?;
    let [ada, bob] = accounts;

    // Ten transfers at once, five in each direction.
    let transfers = (0..10).map(|n| {
        let (from, to) = if n % 2 == 0 {
            (&ada, &bob)
        } else {
            (&bob, &ada)
        };
        transfer(&db, from.id(), to.id(), 100 * (n + 1))
    });
    futures_util::future::try_join_all(transfers).await?;
    for id in [ada.id(), bob.id()] {
        let account = Account::find(&db, id).await?;
        println!(
            "{}: {}.{:02}",
            account.owner,
            account.balance / 100,
            account.balance % 100
        );
    }

    // More than there is: the whole transfer is taken back.
    let refused = transfer(&db, ada.id(), bob.id(), 1_000_000).await;
    println!(
        "Too much: {}",
        refused.err().map_or_else(String::new, |it| it.to_string())
    );

    // A name that is taken: the error says which field it was.
    let mut second = Account {
        owner: "Ada".into(),
        ..Default::default()
    };
    if let Err(error) = second.insert(&db).await {
        let fields = error.constraint().map(|it| it.fields().join(", "));
        println!("{:?} in {}", error.kind(), fields.unwrap_or_default());
    }
    db.close().await?;
    Ok(())
}

async fn transfer(db: &Db, from: &Id<Account>, to: &Id<Account>, cents: i64) -> den::Result<()> {
    let options = TxOptions::new()
        .isolation(Isolation::RepeatableRead)
        .retry(Retry::times(20));
    db.transaction_with(options, async |tx| {
        let mut source = Account::find(&tx, from).await?;
        let mut target = Account::find(&tx, to).await?;
        source.balance -= cents;
        target.balance += cents;
        if source.balance < 0 {
            return Err(Error::custom("not enough money"));
        }
        source.save(&tx).await?;
        target.save(&tx).await
    })
    .await
}
