//! Single aggregates of a query.

use den_backend::Result;
use serde::de::DeserializeOwned;

use crate::{IntoComputed, Number, Ordered, QuerySet, Record};

/// Order, limit and skip are mistakes here: they say nothing about an aggregate.
impl<T: Record> QuerySet<T> {
    /// Returns the sum of a field or computed value, 0 for none, in its own type.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64, stock: i64 }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// # Product { price: 2.5, stock: 4, ..Default::default() }.insert(&db).await?;
    /// let p = Product::fields();
    /// let stock: i64 = Product::query(&db).sum(p.stock).await?;
    /// let worth: f64 = Product::query(&db).sum(p.price * p.stock).await?;
    /// assert_eq!((stock, worth), (4, 10.0));
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - `OutOfRange` for a sum that does not fit; integers never lose digits.
    /// - Else as [`aggregate`](Self::aggregate).
    pub async fn sum<V>(self, value: V) -> Result<V::Value>
    where
        V: IntoComputed<T>,
        V::Value: Number + DeserializeOwned,
    {
        self.aggregate(value.into_computed().sum()).await
    }

    /// Returns the average of a field or computed value, `None` for none.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate).
    pub async fn avg<V>(self, value: V) -> Result<Option<f64>>
    where
        V: IntoComputed<T>,
        V::Value: Number,
    {
        self.aggregate(value.into_computed().avg()).await
    }

    /// Returns the smallest value of a field or computed value, `None` for none.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate).
    pub async fn min<V>(self, value: V) -> Result<Option<V::Value>>
    where
        V: IntoComputed<T>,
        V::Value: Ordered + DeserializeOwned,
    {
        self.aggregate(value.into_computed().min()).await
    }

    /// Returns the largest value of a field or computed value, `None` for none.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate).
    pub async fn max<V>(self, value: V) -> Result<Option<V::Value>>
    where
        V: IntoComputed<T>,
        V::Value: Ordered + DeserializeOwned,
    {
        self.aggregate(value.into_computed().max()).await
    }

    /// Returns how many different values a field or computed value has; null does not count.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate).
    pub async fn count_distinct<V: IntoComputed<T>>(self, value: V) -> Result<u64> {
        self.aggregate(value.into_computed().count_distinct()).await
    }
}
