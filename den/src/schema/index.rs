//! Indexes that are described in code.

use den_backend::{
    Direction, Error, ErrorKind, Expr, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta,
    Result,
};

use crate::{Db, Filter};

/// An index to be made; made by [`index`].
#[derive(Debug, Clone)]
#[must_use = "an index does nothing until it is given to `db.schema().create_index(..)`"]
pub struct NewIndex {
    fields: Vec<String>,
    kinds: Vec<(String, FieldKind)>,
    name: Option<String>,
    unique: bool,
    filter: Result<Expr>,
}

/// What can be made an index: a [`NewIndex`], or the contract's own [`IndexMeta`].
pub trait IntoIndex {
    /// The index of this collection.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a bad field or filter.
    fn into_index(self, db: &Db, collection: &str) -> Result<IndexMeta>;
}

/// An index of these fields, in order: dotted paths, each with `:DESC` behind it to go down.
///
/// # Behavior
///
/// - What a field holds is taken from the type of the collection, if this handle has one, or from
///   [`of_kind`](NewIndex::of_kind). One that is known to hold an array has its members indexed.
/// - The name is made of the collection and the fields, as that of a declared index.
pub fn index(fields: impl IntoIterator<Item = impl Into<String>>) -> NewIndex {
    NewIndex {
        fields: fields.into_iter().map(Into::into).collect(),
        kinds: Vec::new(),
        name: None,
        unique: false,
        filter: Ok(Expr::always()),
    }
}

impl NewIndex {
    /// Names it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Refuses documents with the same values, where they are there and of the kind the fields have.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Says what the field at this dotted path holds.
    pub fn of_kind(mut self, field: impl Into<String>, kind: FieldKind) -> Self {
        self.kinds.push((field.into(), kind));
        self
    }

    /// Covers only the documents that pass this filter: comparisons of fields with values, tests for null
    /// and presence, and such joined.
    pub fn filter<D>(mut self, filter: Filter<D>) -> Self {
        self.filter = match (self.filter, filter.into_expr()) {
            (Ok(one), Ok(other)) => Ok(one.and(other)),
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        };
        self
    }

    fn kind_of(&self, db: &Db, collection: &str, field: &str, path: &FieldPath) -> FieldKind {
        if let Some((_, kind)) = self.kinds.iter().rev().find(|(it, _)| it == field) {
            return *kind;
        }
        let declared = db.declared(collection);
        let declared = declared.as_ref().map_or(&[][..], |it| &it.fields);
        let declared = declared.iter().find(|it| it.path == *path);
        declared.map_or(FieldKind::Any, |it| it.kind)
    }
}

impl IntoIndex for NewIndex {
    fn into_index(self, db: &Db, collection: &str) -> Result<IndexMeta> {
        let mut fields = Vec::new();
        for text in &self.fields {
            let (field, direction) = parse(text)?;
            let path = FieldPath::parse(field)?;
            let kind = self.kind_of(db, collection, field, &path);
            fields.push((FieldMeta { path, kind }, direction));
        }
        let kind = match fields.as_slice() {
            [(only, _)] if only.kind == FieldKind::Array && !self.unique => IndexKind::Members,
            _ if self.unique => IndexKind::Unique,
            _ => IndexKind::Plain,
        };
        let paths: Vec<&FieldPath> = fields.iter().map(|(it, _)| &it.path).collect();
        let name = match self.name {
            Some(name) => name,
            None => IndexMeta::default_name(collection, kind, &paths),
        };
        Ok(IndexMeta {
            name,
            fields,
            kind,
            filter: self.filter?,
            search: None,
        })
    }
}

impl IntoIndex for IndexMeta {
    fn into_index(self, _db: &Db, _collection: &str) -> Result<Self> {
        Ok(self)
    }
}

/// Splits `price:DESC` into the path and the direction.
fn parse(text: &str) -> Result<(&str, Direction)> {
    let Some((field, direction)) = text.rsplit_once(':') else {
        return Ok((text, Direction::Asc));
    };
    match direction.trim() {
        it if it.eq_ignore_ascii_case("asc") => Ok((field.trim(), Direction::Asc)),
        it if it.eq_ignore_ascii_case("desc") => Ok((field.trim(), Direction::Desc)),
        _ => Err(Error::new(
            ErrorKind::InvalidQuery,
            format!(
                "`{text}` is not a field of an index: a field is written `price`, `price:ASC` or \
                 `price:DESC`"
            ),
        )),
    }
}
