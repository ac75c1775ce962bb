//! Where the fields of one collection lie.

use den_backend::{CollectionMeta, FieldKind, FieldPath, IndexKind, IndexMeta, meta::fnv1a};

use crate::schema::search_column;

/// Where the fields of one collection lie: one locator per field and kind.
///
/// # Behavior
///
/// - A field without an entry is read from the document by a guarded expression, which is always
///   correct; an entry only makes it fast. So a layout may lag behind the database, but MUST NOT
///   name a column that is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The collection, which is the name of its table.
    pub collection: String,
    columns: Vec<Column>,
    expressions: Vec<(FieldPath, FieldKind)>,
    members: Vec<(FieldPath, String)>,
    /// The columns of search indexes.
    searches: Vec<String>,
}

/// Where the fields of a query's collection lie, and those of the collections it links to.
///
/// # Behavior
///
/// - A linked collection that is not given is read as [`Layout::new`] says: correct, but slow.
#[derive(Debug, Clone, Copy)]
pub struct Layouts<'a> {
    /// The query's own collection.
    pub own: &'a Layout,
    /// Collections that [`Expr::Linked`](den_backend::Expr::Linked) leads to; others among them do no harm.
    pub linked: &'a [&'a Layout],
}

#[derive(Debug, Clone, PartialEq)]
struct Column {
    path: FieldPath,
    kind: FieldKind,
    name: String,
}

impl Layout {
    /// A collection of which nothing is known: everything is read from the document.
    pub fn new(collection: impl Into<String>) -> Self {
        Self {
            collection: collection.into(),
            columns: Vec::new(),
            expressions: Vec::new(),
            members: Vec::new(),
            searches: Vec::new(),
        }
    }

    /// The layout of a table that [`schema::create_table`](crate::schema::create_table) made from
    /// `meta`, with all its indexes.
    pub fn of(meta: &CollectionMeta) -> Self {
        let mut layout = Self::new(meta.name.clone());
        for index in &meta.indexes {
            if index.kind == IndexKind::Search {
                layout = layout.with_search(index);
            }
            for (field, _) in &index.fields {
                layout = match index.kind {
                    IndexKind::Plain | IndexKind::Unique => {
                        layout.with_column(field.path.clone(), field.kind)
                    }
                    IndexKind::Search => layout,
                    IndexKind::Members => {
                        layout.with_members(field.path.clone(), index.name.clone())
                    }
                };
            }
        }
        layout
    }

    /// A generated column named [`column_name(path, kind)`](column_name) exists. The path `_id`
    /// needs none and is passed over.
    #[must_use]
    pub fn with_column(mut self, path: FieldPath, kind: FieldKind) -> Self {
        if !path.is_id() && self.column(&path, kind).is_none() {
            let name = column_name(&path, kind);
            self.columns.push(Column { path, kind, name });
        }
        self
    }

    /// No column exists, but an index over the guarded expression of this field does (PostgreSQL,
    /// for a field declared on a table with rows).
    #[must_use]
    pub fn with_expression(mut self, path: FieldPath, kind: FieldKind) -> Self {
        if !self.has_expression(&path, kind) {
            self.expressions.push((path, kind));
        }
        self
    }

    /// A members index of this name exists for the array at `path`.
    #[must_use]
    pub fn with_members(mut self, path: FieldPath, index: impl Into<String>) -> Self {
        if self.members(&path).is_none() {
            self.members.push((path, index.into()));
        }
        self
    }

    /// The column of a search index exists (PostgreSQL); without it the index is over what the column
    /// would hold. SQLite needs none.
    #[must_use]
    pub fn with_search(mut self, index: &IndexMeta) -> Self {
        if !self.has_search(index) {
            self.searches.push(search_column(index));
        }
        self
    }

    /// Whether the column of a search index exists.
    pub fn has_search(&self, index: &IndexMeta) -> bool {
        let column = search_column(index);
        self.searches.contains(&column)
    }

    /// The name of the column that holds the values of this kind at `path`, if there is one.
    pub fn column(&self, path: &FieldPath, kind: FieldKind) -> Option<&str> {
        self.columns
            .iter()
            .find(|it| it.kind == kind && it.path == *path)
            .map(|it| it.name.as_str())
    }

    /// The columns, in the order they were added.
    pub fn columns(&self) -> impl Iterator<Item = (&FieldPath, FieldKind)> {
        self.columns.iter().map(|it| (&it.path, it.kind))
    }

    /// Whether an index over the guarded expression of this field exists.
    pub fn has_expression(&self, path: &FieldPath, kind: FieldKind) -> bool {
        self.expressions
            .iter()
            .any(|(it, of)| *of == kind && it == path)
    }

    /// The name of the members index of the array at `path`, if there is one.
    pub fn members(&self, path: &FieldPath) -> Option<&str> {
        self.members
            .iter()
            .find(|(it, _)| it == path)
            .map(|(_, index)| index.as_str())
    }
}

impl<'a> Layouts<'a> {
    /// A collection, and nothing known of the ones it links to.
    pub const fn new(own: &'a Layout) -> Self {
        Self { own, linked: &[] }
    }

    /// With the collections that it links to.
    #[must_use]
    pub const fn with_linked(self, linked: &'a [&'a Layout]) -> Self {
        Self { linked, ..self }
    }

    /// The layout of a linked collection, if it is known; it may be the query's own.
    pub(crate) fn of(&self, collection: &str) -> Option<&'a Layout> {
        let linked = self.linked.iter().copied();
        [self.own]
            .into_iter()
            .chain(linked)
            .find(|it| it.collection == collection)
    }
}

impl<'a> From<&'a Layout> for Layouts<'a> {
    fn from(own: &'a Layout) -> Self {
        Self::new(own)
    }
}

/// The name of the generated column for the values of one kind at a path.
///
/// # Behavior
///
/// - Deterministic, at most 50 bytes, ASCII, never `id` or `data`, and different for different
///   paths (`a.b_c` and `a_b.c`) and kinds, because it ends in a hash of the exact input.
pub fn column_name(path: &FieldPath, kind: FieldKind) -> String {
    const READABLE: usize = 50 - 9;
    let prefix = match kind {
        FieldKind::Text => "t",
        FieldKind::Number => "n",
        FieldKind::Bool => "b",
        FieldKind::Array => "l",
        FieldKind::Object => "o",
        FieldKind::Any => "a",
    };
    let mut name = String::with_capacity(50);
    name.push_str(prefix);
    for segment in path.segments() {
        name.push('_');
        name.extend(segment.chars().map(|it| match it {
            'A'..='Z' => it.to_ascii_lowercase(),
            'a'..='z' | '0'..='9' => it,
            _ => '_',
        }));
    }
    name.truncate(READABLE);
    let exact = path.segments().join("\u{2}");
    let hash = fnv1a(exact.as_bytes());
    // Folding keeps all 64 bits in play.
    let folded = (hash >> 32) ^ (hash & 0xffff_ffff);
    name.push('_');
    for shift in (0..8).rev() {
        let digit = u32::try_from((folded >> (shift * 4)) & 0xf).unwrap_or(0);
        name.extend(char::from_digit(digit, 16));
    }
    name
}
