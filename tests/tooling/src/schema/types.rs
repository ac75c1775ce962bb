//! Types, and the same types in later releases.

use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "books")]
#[den(
    index(fields("pages"), name = "book_pages"),
    index(fields("shelf.room", "title"))
)]
pub(super) struct Book {
    #[serde(flatten)]
    base: Base<Book>,
    #[den(unique(name = "book_title"))]
    pub(super) title: String,
    pub(super) pages: i64,
    #[den(index)]
    tags: Vec<String>,
    shelf: Place,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
pub(super) struct Place {
    room: String,
}

pub(super) fn book(title: &str, pages: i64) -> Book {
    Book {
        title: title.to_owned(),
        pages,
        ..Default::default()
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "shelves")]
pub(super) struct Shelf {
    #[serde(flatten)]
    base: Base<Shelf>,
}

/// A release in which an index became unique.
pub(super) mod unique_pages {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "books")]
    #[den(
        index(fields("pages"), name = "book_pages", unique),
        index(fields("shelf.room", "title"))
    )]
    pub(crate) struct Book {
        #[serde(flatten)]
        base: Base<Book>,
        #[den(unique(name = "book_title"))]
        title: String,
        pages: i64,
        #[den(index)]
        tags: Vec<String>,
        shelf: Place,
    }

    pub(crate) fn book(title: &str, pages: i64) -> Book {
        Book {
            title: title.to_owned(),
            pages,
            ..Default::default()
        }
    }
}

/// A release with other indexes.
pub(super) mod other_indexes {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "books")]
    pub(crate) struct Book {
        #[serde(flatten)]
        base: Base<Book>,
        #[den(unique(name = "book_title"))]
        title: String,
        #[den(index)]
        year: i64,
    }
}

/// A release that searches.
pub(super) mod searched {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "books")]
    pub(crate) struct Book {
        #[serde(flatten)]
        base: Base<Book>,
        #[den(fts)]
        pub(crate) title: String,
        #[serde(default)]
        pub(crate) blurb: String,
    }
}

/// A release that searches in more.
pub(super) mod searched_more {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "books")]
    pub(crate) struct Book {
        #[serde(flatten)]
        base: Base<Book>,
        #[den(fts)]
        title: String,
        #[den(fts)]
        pub(crate) blurb: String,
    }
}

/// A type of the same name, of another part of the program, whose paths look alike.
pub(super) mod dotted {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "other_books")]
    pub(crate) struct Book {
        #[serde(flatten)]
        base: Base<Book>,
        a: Inner,
        a_b: Deeper,
        #[den(index)]
        title: String,
    }

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
    pub(crate) struct Inner {
        #[den(index)]
        b_c: i64,
    }

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
    pub(crate) struct Deeper {
        #[den(index)]
        c: i64,
    }

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "a_collection_with_a_rather_long_name_for_what_it_holds")]
    pub(crate) struct Long {
        #[serde(flatten)]
        base: Base<Long>,
        #[den(index)]
        a_field_with_a_long_name_that_ends_in_one: i64,
        #[den(index)]
        a_field_with_a_long_name_that_ends_in_two: i64,
    }

    pub(crate) fn book(number: i64) -> Book {
        Book {
            a: Inner { b_c: number },
            ..Default::default()
        }
    }
}

/// A release in which the collection has another name.
pub(super) mod renamed {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "tomes")]
    #[den(
        index(fields("pages"), name = "book_pages"),
        index(fields("shelf.room", "title"))
    )]
    pub(crate) struct Tome {
        #[serde(flatten)]
        base: Base<Tome>,
        #[den(unique(name = "book_title"))]
        pub(crate) title: String,
        pub(crate) pages: i64,
        #[den(index)]
        tags: Vec<String>,
        shelf: Place,
    }
}
