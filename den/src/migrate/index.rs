//! Indexes as steps describe them.

mod parse;

use den_backend::{
    Direction, Error, ErrorKind, Expr, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta,
    Result, SearchOptions,
};

use crate::{Filter, IntoFieldPath, Json};

/// One field of an index: where it lies, its direction, and what it holds.
///
/// # Behavior
///
/// - As text: the dotted path, then the kind (`text`, `number`, `bool`) and the direction (`ASC`, `DESC`),
///   each behind a colon and each optional: `"received_at:DESC"`, `"address.city:text"`.
///
/// ```
/// use den::{FieldKind, migrate::IndexField};
///
/// let same: [IndexField; 2] = [
///     "received_at:text:DESC".into(),
///     IndexField::new("received_at").of_kind(FieldKind::Text).desc(),
/// ];
/// # let _ = same;
/// ```
#[derive(Debug, Clone)]
#[must_use = "a field does nothing until an index is made over it"]
pub struct IndexField {
    path: Result<FieldPath>,
    kind: FieldKind,
    direction: Direction,
}

/// What an index is beyond its fields.
///
/// ```
/// use den::{field, migrate::IndexOptions};
///
/// let same = [
///     IndexOptions::new().name("open_orders").unique().filter(field("status").eq("open")),
///     IndexOptions::parse("name:open_orders unique:true where:status = 'open'"),
/// ];
/// # let _ = same;
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing until an index is made with them"]
pub struct IndexOptions {
    name: Option<String>,
    kind: IndexKind,
    filter: Option<Filter<Json>>,
    search: Option<SearchOptions>,
    /// The first mistake made while building.
    mistake: Option<Error>,
}

impl IndexField {
    /// A field, smallest first, of any kind.
    pub fn new(path: impl IntoFieldPath) -> Self {
        Self {
            path: path.into_field_path(),
            kind: FieldKind::Any,
            direction: Direction::Asc,
        }
    }

    /// Largest first.
    pub fn desc(mut self) -> Self {
        self.direction = Direction::Desc;
        self
    }

    /// Says what the field holds: what a document type that is registered for the collection declares.
    pub fn of_kind(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }

    pub(super) fn path(&self) -> Result<FieldPath> {
        self.path.clone()
    }
}

impl From<&str> for IndexField {
    fn from(text: &str) -> Self {
        parse::field(text).unwrap_or_else(|mistake| Self {
            path: Err(mistake),
            kind: FieldKind::Any,
            direction: Direction::Asc,
        })
    }
}

impl From<&&str> for IndexField {
    fn from(text: &&str) -> Self {
        Self::from(*text)
    }
}

impl From<String> for IndexField {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            name: None,
            kind: IndexKind::Plain,
            filter: None,
            search: None,
            mistake: None,
        }
    }
}

impl IndexOptions {
    /// A plain index over all documents, with a name made from the collection and the fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads options from text: `key:value`, with spaces between them.
    ///
    /// # Behavior
    ///
    /// - `name:..`, `unique:true`, `members:true`; and at last `where:` with a condition: `status = 'open'`,
    ///   `deleted_at IS NULL` or `owner IS NOT NULL`. A literal is a text in quotes (`''` is a quote in it), a
    ///   number, `true` or `false`.
    /// - A mistake is reported when the index is made.
    pub fn parse(text: &str) -> Self {
        parse::options(text).unwrap_or_else(|mistake| Self {
            mistake: Some(mistake),
            ..Self::default()
        })
    }

    /// The name, at most 50 bytes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Refuses that two documents have the same values. One without all of them takes no part.
    pub fn unique(self) -> Self {
        self.of_kind(IndexKind::Unique)
    }

    /// Over the members of an array, for `contains`.
    pub fn members(self) -> Self {
        self.of_kind(IndexKind::Members)
    }

    /// For full text, in a language such as `english`, or in none.
    pub fn search(mut self, language: Option<&str>) -> Self {
        self.search = Some(SearchOptions {
            language: language.map(str::to_owned),
            weights: Vec::new(),
            substrings: false,
        });
        self.of_kind(IndexKind::Search)
    }

    /// Only documents that pass this filter. Such an index needs a name.
    pub fn filter(mut self, filter: Filter<Json>) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(other) => other & filter,
            None => filter,
        });
        self
    }

    fn of_kind(mut self, kind: IndexKind) -> Self {
        if self.kind != IndexKind::Plain && self.kind != kind {
            self.mistake.get_or_insert(invalid(
                "an index is unique, over members or for search: one of these",
            ));
        }
        self.kind = kind;
        self
    }

    /// The contract's form.
    pub(super) fn into_meta(self, collection: &str, fields: Vec<IndexField>) -> Result<IndexMeta> {
        self.meta(collection, fields)
            .map_err(|error| error.with_collection(collection))
    }

    fn meta(self, collection: &str, fields: Vec<IndexField>) -> Result<IndexMeta> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let of_arrays = self.kind == IndexKind::Members;
        let mut metas = Vec::new();
        for field in fields {
            let kind = if of_arrays {
                FieldKind::Array
            } else {
                field.kind
            };
            let path = field.path?;
            if metas.iter().any(|(it, _): &(FieldMeta, _)| it.path == path) {
                return Err(invalid(format!("the index has the field `{path}` twice")));
            }
            metas.push((FieldMeta { path, kind }, field.direction));
        }
        let filter = match self.filter {
            Some(filter) => filter.into_expr()?,
            None => Expr::always(),
        };
        let name = match self.name {
            Some(name) => name,
            // Of two over the same fields, one would take the place of the other.
            None if !filter.is_always() => {
                return Err(invalid("an index with a filter needs a name"));
            }
            None => {
                let mut paths: Vec<&FieldPath> = metas.iter().map(|(it, _)| &it.path).collect();
                if self.kind == IndexKind::Search {
                    // A collection has one, which is made again in its place when its fields change.
                    paths.clear();
                }
                IndexMeta::default_name(collection, self.kind, &paths)
            }
        };
        let weights = metas.iter().map(|_| 1.0).collect();
        Ok(IndexMeta {
            name,
            fields: metas,
            kind: self.kind,
            filter,
            search: self.search.map(|it| SearchOptions { weights, ..it }),
        })
    }
}

impl From<()> for IndexOptions {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<&str> for IndexOptions {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for IndexOptions {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

#[cfg(test)]
mod tests;
