//! The declared indexes, checked against the fields.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, LitStr, Path, ext::IdentExt, spanned::Spanned};

use crate::{
    den_attrs::{DenContainer, Derive},
    errors::Errors,
    fields::{Field, Stored},
    handles::field_type,
    index_attrs::{IndexOf, IndexOver, IndexedField},
    mixins::Mixin,
    stored::Kind,
    suggest::{did_you_mean, list},
    wire,
};

/// The longest name of an index, in bytes: the contract's `IndexMeta::MAX_NAME`.
const MAX_NAME: usize = 50;

/// How many keys deep a handle reaches: the depth of `den`'s `Path`.
const MAX_DEPTH: usize = 8;

/// One index to declare.
struct Index<'a> {
    at: TokenStream,
    name: Option<&'a LitStr>,
    unique: bool,
    with_deleted: Option<&'a Ident>,
    fields: Vec<Indexed>,
}

struct Indexed {
    segments: Vec<String>,
    kind: IndexedKind,
    descending: bool,
}

/// What an indexed field holds.
pub(crate) enum IndexedKind {
    Known(Kind),
    /// What this type says through `FieldType`.
    Of(TokenStream),
}

/// The statements that tell `schema` about the indexes, where `path` is that of the struct.
pub(crate) fn describe(
    fields: &[Field],
    container: &DenContainer,
    derive: Derive,
    errors: &mut Errors,
) -> TokenStream {
    let mut indexes = Vec::new();
    for field in fields.iter().filter(|it| it.has_key()) {
        indexes.extend(of_field(field, errors));
    }
    indexes.extend(of_groups(fields, errors));
    for over in &container.indexes {
        indexes.extend(of_container(over, fields, derive, errors));
    }
    for index in &indexes {
        check_kinds(index, errors);
        check_name(index, derive, errors);
    }
    check_deleted(&indexes, fields, derive, errors);
    check_repeated(&indexes, errors);
    let declarations = indexes.iter().map(|it| it.tokens(&container.krate));
    quote!(#(#declarations)*)
}

fn of_field<'a>(field: &'a Field, errors: &mut Errors) -> Option<Index<'a>> {
    let (of, unique): (&IndexOf, bool) = match (&field.den.index, &field.den.unique) {
        (Some(index), Some(_)) => {
            errors.push(index, "`unique` makes an index too: leave out `index`");
            return None;
        }
        (Some(index), None) => (index, false),
        (None, Some(unique)) => (unique, true),
        (None, None) => return None,
    };
    Some(Index {
        at: of.to_token_stream(),
        name: of.name.as_ref(),
        unique,
        with_deleted: of.with_deleted.as_ref(),
        fields: vec![indexed(field, false)?],
    })
}

fn of_groups<'a>(fields: &'a [Field], errors: &mut Errors) -> Vec<Index<'a>> {
    let mut groups: Vec<(&LitStr, Index<'_>)> = Vec::new();
    for field in fields {
        let plain = field.den.index_together.iter().map(|it| (it, false));
        let unique = field.den.unique_together.iter().map(|it| (it, true));
        for (group, unique) in plain.chain(unique) {
            let Some(member) = indexed(field, false) else {
                continue;
            };
            let known = groups
                .iter_mut()
                .find(|(it, index)| it.value() == group.value() && index.unique == unique);
            match known {
                Some((_, index)) => index.fields.push(member),
                None => {
                    let index = Index {
                        at: group.to_token_stream(),
                        name: None,
                        unique,
                        with_deleted: None,
                        fields: vec![member],
                    };
                    groups.push((group, index));
                }
            }
        }
    }
    let names: Vec<String> = groups.iter().map(|(group, _)| group.value()).collect();
    for (group, index) in groups.iter().filter(|(_, it)| it.fields.len() == 1) {
        let name = group.value();
        let others = names.iter().map(String::as_str).filter(|it| *it != name);
        let hint = did_you_mean(&name, others, '"');
        let alone = if index.unique { "unique" } else { "index" };
        let message = format!(
            "no other field is in the group {name:?}{hint}\nan index over this field alone is \
             `#[den({alone})]`"
        );
        errors.push(group, message);
    }
    groups.into_iter().map(|(_, index)| index).collect()
}

fn of_container<'a>(
    over: &'a IndexOver,
    fields: &[Field],
    derive: Derive,
    errors: &mut Errors,
) -> Option<Index<'a>> {
    let mut resolved = Vec::new();
    let mut complete = true;
    for it in &over.fields {
        match resolve(it, fields, derive) {
            Ok(indexed) => resolved.push(indexed),
            Err(message) => {
                errors.push(&it.path, message);
                complete = false;
            }
        }
    }
    let index = Index {
        at: over.to_token_stream(),
        name: over.name.as_ref(),
        unique: over.unique,
        with_deleted: over.with_deleted.as_ref(),
        fields: resolved,
    };
    complete.then_some(index)
}

/// Finds the field that a path of stored names leads to.
fn resolve(indexed: &IndexedField, fields: &[Field], derive: Derive) -> Result<Indexed, String> {
    let path = indexed.path.value();
    let with = |segments: Vec<String>, kind| Indexed {
        segments,
        kind,
        descending: indexed.descending,
    };
    let stored = |name: &str| fields.iter().find(|it| it.has_key() && it.wire == name);
    // A stored name may hold dots itself.
    if let Some(field) = stored(&path) {
        let kind = kind_of(field).ok_or_else(|| format!("{path:?} is not stored"))?;
        return Ok(with(vec![path], kind));
    }
    let own = derive == Derive::Document
        && ["_id", "_rev", "_created_at", "_updated_at"].contains(&path.as_str());
    if own {
        return Ok(with(vec![path], IndexedKind::Known(Kind::Text)));
    }
    let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
    if segments.iter().any(|it| wire::complaint(it).is_some()) {
        return Err(format!(
            "{path:?} is no path: write stored names with dots between them"
        ));
    }
    if segments.len() > MAX_DEPTH {
        return Err(format!("{path:?} lies deeper than {MAX_DEPTH} keys"));
    }
    let first = segments.first().map(String::as_str).unwrap_or_default();
    let Some(field) = stored(first) else {
        let may_be_flat = fields
            .iter()
            .any(|it| matches!(it.stored, Stored::Flat { .. }));
        return if may_be_flat {
            Ok(with(segments, IndexedKind::Known(Kind::Any)))
        } else {
            Err(no_such_field(first, fields))
        };
    };
    match kind_of(field) {
        Some(IndexedKind::Known(kind @ (Kind::Text | Kind::Number | Kind::Bool | Kind::Array))) => {
            let kind = kind.name();
            Err(format!(
                "{first:?} is stored as {kind}, so there is nothing at {path:?}"
            ))
        }
        // What lies below is looked up among the declared fields when the type is registered.
        Some(IndexedKind::Known(Kind::Object | Kind::Any) | IndexedKind::Of(_)) | None => {
            Ok(with(segments, IndexedKind::Known(Kind::Any)))
        }
    }
}

fn no_such_field(name: &str, fields: &[Field]) -> String {
    if let Some(field) = fields.iter().find(|it| it.ident.unraw() == name) {
        return if field.has_key() {
            let wire = &field.wire;
            format!("an index names fields as they are stored: write {wire:?} for `{name}`")
        } else {
            format!("`{name}` is not stored under a key of its own, so it cannot be indexed")
        };
    }
    let names: Vec<&str> = fields
        .iter()
        .filter(|it| it.has_key())
        .map(|it| it.wire.as_str())
        .collect();
    let hint = did_you_mean(name, names.iter().copied(), '"');
    format!(
        "no field is stored as {name:?}{hint}\nthe fields: {}",
        list(names, '"')
    )
}

fn indexed(field: &Field, descending: bool) -> Option<Indexed> {
    Some(Indexed {
        segments: vec![field.wire.clone()],
        kind: kind_of(field)?,
        descending,
    })
}

/// What a field holds; none for one that is not stored under a key.
pub(crate) fn kind_of(field: &Field) -> Option<IndexedKind> {
    match &field.stored {
        Stored::Leaf { kind, .. } | Stored::Foreign { kind, .. } => Some(IndexedKind::Known(*kind)),
        Stored::Typed { ty } => Some(IndexedKind::Of(ty.clone())),
        Stored::Flat { .. } | Stored::Base { .. } | Stored::Hidden => None,
    }
}

const NO_OBJECT: &str = "an object has no order and cannot be indexed: index fields inside of it";
const NO_UNIQUE_LIST: &str =
    "a list cannot be unique: its index is over the members, which documents share";
const NO_LIST_TOGETHER: &str = "a list has an index of its own, over its members: it cannot be \
                                indexed together with other fields";

fn check_kinds(index: &Index<'_>, errors: &mut Errors) {
    for field in &index.fields {
        let complaint = match field.kind {
            IndexedKind::Known(Kind::Object) => NO_OBJECT,
            IndexedKind::Known(Kind::Array) if index.fields.len() > 1 => NO_LIST_TOGETHER,
            IndexedKind::Known(Kind::Array) if index.unique => NO_UNIQUE_LIST,
            IndexedKind::Known(_) | IndexedKind::Of(_) => continue,
        };
        errors.push(&index.at, complaint);
    }
}

fn check_name(index: &Index<'_>, derive: Derive, errors: &mut Errors) {
    let Some(name) = index.name else { return };
    let text = name.value();
    if derive == Derive::Embedded {
        errors.push(
            name,
            "an index of an embedded struct cannot have a name: there is one in each place where \
             the struct is embedded",
        );
    } else if let Some(complaint) = wire::complaint(&text) {
        errors.push(name, complaint);
    } else if text.len() > MAX_NAME {
        errors.push(
            name,
            format!("the name of an index has at most {MAX_NAME} bytes"),
        );
    }
}

/// Whether an embedded struct lies in documents that are marked as deleted, only those know.
fn check_deleted(indexes: &[Index<'_>], fields: &[Field], derive: Derive, errors: &mut Errors) {
    let is_marked = fields
        .iter()
        .any(|it| Mixin::of(&it.ty) == Some(Mixin::SoftDelete));
    if derive == Derive::Embedded || is_marked {
        return;
    }
    for at in indexes.iter().filter_map(|it| it.with_deleted) {
        errors.push(
            at,
            "these documents are never marked as deleted: leave out `with_deleted`, or add this \
             field\n\n    #[serde(flatten)]\n    deletion: SoftDelete,",
        );
    }
}

fn check_repeated(indexes: &[Index<'_>], errors: &mut Errors) {
    for (i, index) in indexes.iter().enumerate() {
        let repeats_path = index.fields.iter().enumerate().any(|(j, field)| {
            let before = index.fields.iter().take(j);
            before.into_iter().any(|it| it.segments == field.segments)
        });
        if repeats_path {
            errors.push(&index.at, "this index names a field twice");
        }
        for other in indexes.iter().take(i) {
            let (name, other_name) = (index.name.map(LitStr::value), other.name.map(LitStr::value));
            if name.is_some() && name == other_name {
                errors.push(index.name, "two indexes have this name");
            } else if index.shape() == other.shape() {
                errors.push(&index.at, "this index is declared twice");
            }
        }
    }
}

impl Index<'_> {
    fn shape(&self) -> (bool, Vec<(&[String], bool)>) {
        let fields = self.fields.iter();
        let fields = fields.map(|it| (it.segments.as_slice(), it.descending));
        (self.unique, fields.collect())
    }

    fn tokens(&self, krate: &Path) -> TokenStream {
        let (unique, with_deleted) = (self.unique, self.with_deleted.is_some());
        let name = match self.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => quote!(::core::option::Option::None),
        };
        let paths = self.fields.iter().map(|field| {
            let segments = &field.segments;
            let kind = match &field.kind {
                IndexedKind::Known(kind) => kind.tokens(krate),
                IndexedKind::Of(ty) => field_type(krate, ty, quote!(KIND)),
            };
            let direction = if field.descending {
                quote!(Desc)
            } else {
                quote!(Asc)
            };
            quote!((path #(.child(#segments))*, #kind, #krate::__private::Direction::#direction))
        });
        let assertions = self
            .fields
            .iter()
            .filter_map(|it| self.assertion(it, krate));
        quote! {
            #(#assertions)*
            schema.index(#krate::__private::IndexDecl {
                name: #name,
                paths: ::std::vec![#(#paths),*],
                unique: #unique,
                with_deleted: #with_deleted,
            });
        }
    }

    /// Checks, when the program is compiled, what only the type knows.
    fn assertion(&self, field: &Indexed, krate: &Path) -> Option<TokenStream> {
        let IndexedKind::Of(ty) = &field.kind else {
            return None;
        };
        let kind = quote!(#krate::__private::FieldKind);
        let (refused, message) = if self.fields.len() > 1 {
            let message = "neither a list nor an object can be indexed together with other fields";
            (quote!(#kind::Array | #kind::Object), message)
        } else if self.unique {
            (
                quote!(#kind::Array | #kind::Object),
                "neither a list nor an object can be unique",
            )
        } else {
            (quote!(#kind::Object), NO_OBJECT)
        };
        let at = self.at.span();
        let actual = field_type(krate, ty, quote!(KIND));
        Some(quote_spanned! {at=>
            const _: () = ::core::assert!(!::core::matches!(#actual, #refused), #message);
        })
    }
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use crate::{
        document,
        testing::{assert_holds, messages},
    };

    use super::*;

    #[test]
    fn indexes_are_declared_by_stored_name() {
        let expansion = document::expand(&parse_quote! {
            #[den(index(fields("Name", desc("home.city"), "a.b"), name = "n"), unique(fields("_id", "_rev")))]
            struct A {
                #[serde(flatten)] base: Base<A>,
                #[serde(rename = "Name")] name: String,
                #[serde(rename = "a.b")] odd: u8,
                home: Home,
                #[den(index_together = "g")] x: u8,
                #[den(index_together = "g")] y: u8,
            }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        let kind = |it: Kind| it.tokens(&parse_quote!(::den));
        let (text, number, any) = (kind(Kind::Text), kind(Kind::Number), kind(Kind::Any));
        let direction = quote!(::den::__private::Direction);
        for part in [
            quote!(name: ::core::option::Option::Some("n"), paths: ::std::vec![
                (path.child("Name"), #text, #direction::Asc),
                (path.child("home").child("city"), #any, #direction::Desc),
                (path.child("a.b"), #number, #direction::Asc)
            ], unique: false, with_deleted: false,),
            quote!(::std::vec![(path.child("_id"), #text, #direction::Asc), (path.child("_rev"), #text, #direction::Asc)], unique: true, with_deleted: false,),
            quote!(::std::vec![(path.child("x"), #number, #direction::Asc), (path.child("y"), #number, #direction::Asc)], unique: false, with_deleted: false,),
        ] {
            assert_holds(&expansion, &part);
        }
    }

    #[test]
    fn indexes_that_cannot_be_are_refused() {
        let long = "x".repeat(MAX_NAME + 1);
        let cases: [(DeriveInput, &str); 12] = [
            (
                parse_quote! { #[den(index(fields("naem")))] struct A { name: u8 } },
                "did you mean \"name\"?",
            ),
            (
                parse_quote! { #[den(index(fields("ab")))] struct A { #[serde(rename = "a b")] ab: u8 } },
                "write \"a b\" for `ab`",
            ),
            (
                parse_quote! { #[den(index(fields("ab")))] struct A { #[serde(skip)] ab: u8 } },
                "not stored",
            ),
            (
                parse_quote! { #[den(index(fields("a.b")))] struct A { a: u8 } },
                "stored as number",
            ),
            (
                parse_quote! { #[den(index(fields("a..b")))] struct A { a: B } },
                "no path",
            ),
            (
                parse_quote! { #[den(index(fields("a.b.c.d.e.f.g.h.i")))] struct A { a: B } },
                "deeper",
            ),
            (
                parse_quote! { #[den(index(fields("a", "a")))] struct A { a: u8 } },
                "a field twice",
            ),
            (
                parse_quote! { #[den(index(fields("a")))] struct A { #[den(index)] a: u8 } },
                "declared twice",
            ),
            (
                parse_quote! { struct A { #[den(unique)] a: Vec<u8> } },
                "cannot be unique",
            ),
            (
                parse_quote! { struct A { #[den(index)] a: HashMap<u8, u8> } },
                "an object has no order",
            ),
            (
                parse_quote! { struct A { #[den(index(name = #long))] a: u8 } },
                "at most 50 bytes",
            ),
            (
                parse_quote! { struct A { #[den(unique_together = "g")] a: u8 } },
                "no other field",
            ),
        ];
        for (mut input, expected) in cases {
            let base: DeriveInput = parse_quote! { struct A { #[serde(flatten)] base: Base<A> } };
            let (syn::Data::Struct(data), syn::Data::Struct(base)) = (&mut input.data, base.data)
            else {
                panic!("structs")
            };
            if let (syn::Fields::Named(named), syn::Fields::Named(base)) =
                (&mut data.fields, base.fields)
            {
                named.named.extend(base.named);
            }
            let found = messages(&document::expand(&input));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
