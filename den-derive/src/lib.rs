//! The derive macros of den: [`Document`](macro@Document), [`Embedded`](macro@Embedded) and
//! [`Projection`](macro@Projection).
//!
//! Use them through the `den` crate; what they expand to names its items.
//!
//! | module | holds |
//! |---|---|
//! | `document` | what `Document` expands to |
//! | `embedded` | what `Embedded` expands to, for structs with named fields |
//! | `embedded_leaf` | what `Embedded` expands to, for newtypes, tuple structs and enums |
//! | `projection` | what `Projection` expands to |
//! | `fields` | reads the named fields of a struct |
//! | `stored` | how a field is stored, judged by its type as written |
//! | `handles` | the struct of field handles |
//! | `names` | the names of the fields in Rust and in the stored document |
//! | `indexes` | the declared indexes, checked against the fields |
//! | `search` | the fields that full text looks into |
//! | `holds` | where links and attachments lie |
//! | `rules` | what a field declares about its links |
//! | `mixins` | `SoftDelete` and `Tracked` as fields |
//! | `den_attrs` | `#[den(..)]` |
//! | `index_attrs` | `index(..)` and `unique(..)` in it |
//! | `serde_attrs` | `#[serde(..)]`, as far as it decides the stored form |
//! | `wire` | serde's rules for names |
//! | `suggest` | the name that was probably meant |
//! | `errors` | collects mistakes, so that all are reported at once |

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are those of `syn`, which grow, and of whose variants few matter here"
)]

mod den_attrs;
mod document;
mod embedded;
mod embedded_leaf;
mod errors;
mod fields;
mod handles;
mod holds;
mod index_attrs;
mod indexes;
mod mixins;
mod names;
mod projection;
mod rules;
mod search;
mod serde_attrs;
mod stored;
mod suggest;
#[cfg(test)]
mod testing;
mod wire;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct with named fields a document of its own collection.
///
/// The struct also derives `Serialize` and `Deserialize`, and has one field
/// `#[serde(flatten)] base: Base<Self>`. The derive adds `Type::fields()`, the handles of its
/// fields for filters and sorts; they hold the names serde gives the fields.
///
/// # On the struct
///
/// | attribute | meaning |
/// |---|---|
/// | `#[den(collection = "products")]` | the collection; the type's name in lower case by default |
/// | `#[den(revision)]` | every write checks and changes a revision |
/// | `#[den(hooks)]` | the hooks of `impl Hooks` run before and after reads and writes |
/// | `#[den(validate)]` | every write checks the rules declared with `validator` |
/// | `#[den(index(fields("category", desc("price"))))]` | an index over several fields, by their stored names; with `unique` and `name = ".."` where wanted |
/// | `#[den(unique(fields("shop", "number")))]` | a unique index over several fields |
/// | `#[den(search(language = "english"))]` | a search finds words whatever their endings; with `search(substrings)`, pieces inside of words |
/// | `#[den(crate = "path")]` | where the `den` crate is found, if not as `::den` |
///
/// # On a field
///
/// | attribute | meaning |
/// |---|---|
/// | `#[den(index)]` | an index; on a list, over its members |
/// | `#[den(unique)]` | no two documents have the same value |
/// | `#[den(index(name = ".."))]` | the same with a name of your own |
/// | `#[den(unique(with_deleted))]` | nor a document that is only marked as deleted |
/// | `#[den(index_together = "group")]` | one index over all fields of the group, in order |
/// | `#[den(unique_together = "group")]` | a unique one |
/// | `#[den(fts)]` | a search looks into this text, or list of texts |
/// | `#[den(fts(weight = 2.0))]` | finds in it count more |
/// | `#[den(kind = "text")]` | what a type den does not know is stored as: `text`, `number`, `bool`, `array`, `object` or `any` |
/// | `#[den(eager)]` | the links in this field are loaded with the document |
/// | `#[den(on_delete = "cascade")]` | what happens to this document when one it links to is deleted: `cascade`, `restrict`, `set_null` or `ignore` |
/// | `#[den(owned)]` | what the links point to is saved and deleted with this document |
///
/// # Fields with a meaning
///
/// | field | meaning |
/// |---|---|
/// | `#[serde(flatten)] deletion: SoftDelete` | documents are marked as deleted, not taken away |
/// | `#[serde(skip)] tracked: Tracked` | the document remembers what is stored, and tells what was changed |
#[proc_macro_derive(Document, attributes(den, serde))]
pub fn derive_document(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    document::expand(&input).into()
}

/// Makes a type usable as a field of a document.
///
/// - A struct with named fields gets handles of its own: `p.address.city`. Its fields take the
///   same attributes as a document's.
/// - A newtype is stored, compared and indexed as what it wraps.
/// - An enum without data is text; one with data is an object. Its fields take the attributes about
///   links.
///
/// On the type itself, `#[den(kind = "number")]` says what a hand-written `Serialize` writes, and
/// `#[den(crate = "path")]` where the `den` crate is found.
#[proc_macro_derive(Embedded, attributes(den, serde))]
pub fn derive_embedded(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    embedded::expand(&input).into()
}

/// Makes a struct what a query selects of each document, or of each group: only its fields travel.
///
/// # On the struct
///
/// | attribute | meaning |
/// |---|---|
/// | `#[den(document = Product)]` | the type of the documents: the compiler checks that the fields are there and of the right type; without it, it fits documents of any type |
/// | `#[den(crate = "path")]` | where the `den` crate is found, if not as `::den` |
///
/// # On a field
///
/// | attribute | meaning |
/// |---|---|
/// | none | the field of the document that is called the same |
/// | `#[den(path = "address.city")]` | another field: by its name in Rust, or without `document` by its stored name |
/// | `#[den(path = ["a.b", "c"])]` | another field by its stored keys, not checked by the compiler |
/// | `#[den(value = \|p\| p.price * p.stock)]` | what the closure makes of the fields; an aggregate too, in groups |
///
/// A field that may be null is an `Option`.
#[proc_macro_derive(Projection, attributes(den))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    projection::expand(&input).into()
}
