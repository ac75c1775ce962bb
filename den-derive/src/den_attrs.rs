//! `#[den(..)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    parse_quote,
    punctuated::Punctuated,
    token,
};

use crate::{
    errors::Errors,
    stored::Kind,
    suggest::{did_you_mean, list},
};

const DOCUMENT_KEYS: &[&str] = &["collection", "revision", "index", "unique", "crate"];
const EMBEDDED_KEYS: &[&str] = &["kind", "index", "unique", "crate"];
const FIELD_KEYS: &[&str] = &[
    "index",
    "unique",
    "index_together",
    "unique_together",
    "kind",
];

/// Keys that people look for here, though they are serde's.
const SERDE_KEYS: &[&str] = &[
    "rename",
    "rename_all",
    "skip",
    "flatten",
    "default",
    "with",
    "alias",
    "tag",
    "untagged",
    "transparent",
];

/// Which derive reads the attributes of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derive {
    Document,
    Embedded,
}

/// What the attributes of a type say.
pub(crate) struct DenContainer {
    /// Where the `den` crate is.
    pub(crate) krate: Path,
    pub(crate) collection: Option<LitStr>,
    pub(crate) revision: bool,
    pub(crate) kind: Option<Kind>,
    pub(crate) indexes: Vec<IndexOver>,
}

/// What the attributes of a field say.
#[derive(Default)]
pub(crate) struct DenField {
    pub(crate) index: Option<IndexOf>,
    pub(crate) unique: Option<IndexOf>,
    pub(crate) kind: Option<Kind>,
    pub(crate) index_together: Vec<LitStr>,
    pub(crate) unique_together: Vec<LitStr>,
    /// All of the above, to point at.
    pub(crate) all: TokenStream,
}

/// `index` or `unique` on a field.
pub(crate) struct IndexOf {
    pub(crate) at: TokenStream,
    pub(crate) name: Option<LitStr>,
}

/// `index(fields(..))` or `unique(fields(..))` on a struct.
pub(crate) struct IndexOver {
    pub(crate) at: TokenStream,
    pub(crate) fields: Vec<IndexedField>,
    pub(crate) name: Option<LitStr>,
    pub(crate) unique: bool,
}

/// `"path"`, or `desc("path")`.
pub(crate) struct IndexedField {
    pub(crate) path: LitStr,
    pub(crate) descending: bool,
}

impl DenContainer {
    pub(crate) fn parse(attrs: &[Attribute], derive: Derive, errors: &mut Errors) -> Self {
        let mut container = Self {
            krate: parse_quote!(::den),
            collection: None,
            revision: false,
            kind: None,
            indexes: Vec::new(),
        };
        let known = match derive {
            Derive::Document => DOCUMENT_KEYS,
            Derive::Embedded => EMBEDDED_KEYS,
        };
        let mut seen = Vec::new();
        for meta in metas(attrs, errors) {
            let key = key_of(&meta);
            let repeatable = matches!(key.as_str(), "index" | "unique");
            if !repeatable && is_repeated(&meta, &mut seen, errors) {
                continue;
            }
            match key.as_str() {
                "crate" => {
                    let path = text(&meta).and_then(|it| it.parse());
                    container.krate = errors.ok(path).unwrap_or(container.krate);
                }
                "index" | "unique" => {
                    container.indexes.extend(errors.ok(index_over(&meta)));
                }
                "collection" if derive == Derive::Document => {
                    container.collection = errors.ok(text(&meta));
                }
                "revision" if derive == Derive::Document => {
                    container.revision = errors.ok(flag(&meta)).is_some();
                }
                "kind" if derive == Derive::Embedded => {
                    container.kind = errors.ok(kind(&meta));
                }
                _ => unknown(&meta, &key, known, derive, errors),
            }
        }
        container
    }
}

impl DenField {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut field = Self::default();
        let mut seen = Vec::new();
        for meta in metas(attrs, errors) {
            let key = key_of(&meta);
            let repeatable = matches!(key.as_str(), "index_together" | "unique_together");
            if !repeatable && is_repeated(&meta, &mut seen, errors) {
                continue;
            }
            field.all.extend(meta.to_token_stream());
            match key.as_str() {
                "index" => field.index = errors.ok(index_of(&meta)),
                "unique" => field.unique = errors.ok(index_of(&meta)),
                "kind" => field.kind = errors.ok(kind(&meta)),
                "index_together" => field.index_together.extend(errors.ok(text(&meta))),
                "unique_together" => field.unique_together.extend(errors.ok(text(&meta))),
                _ => unknown_on_field(&meta, &key, errors),
            }
        }
        field
    }

    /// Refuses `#[den(..)]` where it would have no effect.
    pub(crate) fn refuse(&self, why: &str, errors: &mut Errors) {
        if !self.all.is_empty() {
            errors.push(&self.all, why);
        }
    }
}

fn metas(attrs: &[Attribute], errors: &mut Errors) -> Vec<Meta> {
    let mut metas = Vec::new();
    for attr in attrs.iter().filter(|it| it.path().is_ident("den")) {
        let parsed = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        metas.extend(errors.ok(parsed).into_iter().flatten());
    }
    metas
}

fn key_of(meta: &Meta) -> String {
    meta.path()
        .get_ident()
        .map(|it| it.unraw().to_string())
        .unwrap_or_default()
}

fn is_repeated(meta: &Meta, seen: &mut Vec<String>, errors: &mut Errors) -> bool {
    let key = key_of(meta);
    if seen.contains(&key) {
        errors.push(meta, format!("`{key}` is said twice"));
        return true;
    }
    seen.push(key);
    false
}

fn unknown(meta: &Meta, key: &str, known: &[&str], derive: Derive, errors: &mut Errors) {
    let hint = if FIELD_KEYS.contains(&key) {
        "; it belongs on a field".to_owned()
    } else if DOCUMENT_KEYS.contains(&key) && derive == Derive::Embedded {
        "; it belongs on a document".to_owned()
    } else {
        hint(key, known)
    };
    report_unknown(meta, key, &hint, known, errors);
}

fn unknown_on_field(meta: &Meta, key: &str, errors: &mut Errors) {
    let hint = if DOCUMENT_KEYS.contains(&key) {
        "; it belongs on the struct".to_owned()
    } else {
        hint(key, FIELD_KEYS)
    };
    report_unknown(meta, key, &hint, FIELD_KEYS, errors);
}

fn hint(key: &str, known: &[&str]) -> String {
    if SERDE_KEYS.contains(&key) {
        return format!("; it is serde's: write `#[serde({key} ..)]`");
    }
    did_you_mean(key, known.iter().copied(), '`')
}

fn report_unknown(meta: &Meta, key: &str, hint: &str, known: &[&str], errors: &mut Errors) {
    let known = list(known.iter().copied(), '`');
    let message = format!("den has no attribute `{key}` here{hint}\nknown here: {known}");
    errors.push(meta.path(), message);
}

fn flag(meta: &Meta) -> syn::Result<()> {
    meta.require_path_only().map(|_| ())
}

/// The text in `key = "text"`.
fn text(meta: &Meta) -> syn::Result<LitStr> {
    let key = key_of(meta);
    let refuse = |at: &dyn ToTokens| {
        let message = format!("write text here: `{key} = \"..\"`");
        syn::Error::new_spanned(at.to_token_stream(), message)
    };
    let Meta::NameValue(pair) = meta else {
        return Err(refuse(meta));
    };
    let mut value = &pair.value;
    // What a `macro_rules` parameter stood for comes in an invisible group.
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text.clone()),
        other => Err(refuse(other)),
    }
}

fn kind(meta: &Meta) -> syn::Result<Kind> {
    let text = text(meta)?;
    let name = text.value();
    Kind::parse(&name).ok_or_else(|| {
        let hint = did_you_mean(&name, Kind::NAMES.iter().copied(), '"');
        let known = list(Kind::NAMES.iter().copied(), '"');
        let message = format!("{name:?} is no kind of stored value{hint}\nthe kinds: {known}");
        syn::Error::new_spanned(&text, message)
    })
}

/// `index`, or `index(name = "..")`.
fn index_of(meta: &Meta) -> syn::Result<IndexOf> {
    let at = meta.to_token_stream();
    match meta {
        Meta::Path(_) => Ok(IndexOf { at, name: None }),
        Meta::NameValue(pair) => {
            let key = key_of(meta);
            let message =
                format!("write `{key}`, or `{key}(name = \"..\")` for a name of your own");
            Err(syn::Error::new_spanned(&pair.value, message))
        }
        Meta::List(list) => {
            let arguments: IndexArguments = list.parse_args()?;
            if let Some(fields) = arguments.fields {
                let message = "an index over several fields belongs on the struct";
                return Err(syn::Error::new_spanned(fields.at, message));
            }
            if let Some(unique) = arguments.unique {
                let message = "write `unique` in place of `index(unique)`";
                return Err(syn::Error::new_spanned(unique, message));
            }
            Ok(IndexOf {
                at,
                name: arguments.name,
            })
        }
    }
}

/// `index(fields("a", desc("b")), name = "..", unique)`.
fn index_over(meta: &Meta) -> syn::Result<IndexOver> {
    let key = key_of(meta);
    let refuse = || {
        let message = format!(
            "name the fields: `{key}(fields(\"a\", desc(\"b\")))`; an index over one field can be \
             said on the field: `#[den({key})]`"
        );
        syn::Error::new_spanned(meta, message)
    };
    let Meta::List(list) = meta else {
        return Err(refuse());
    };
    let arguments: IndexArguments = list.parse_args()?;
    let fields = arguments.fields.ok_or_else(refuse)?;
    if fields.list.is_empty() {
        return Err(refuse());
    }
    Ok(IndexOver {
        at: meta.to_token_stream(),
        fields: fields.list,
        name: arguments.name,
        unique: key == "unique" || arguments.unique.is_some(),
    })
}

/// What may stand in the parentheses of `index(..)` and `unique(..)`.
#[derive(Default)]
struct IndexArguments {
    fields: Option<FieldList>,
    name: Option<LitStr>,
    unique: Option<Ident>,
}

struct FieldList {
    at: Ident,
    list: Vec<IndexedField>,
}

impl Parse for IndexArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            if input.peek(LitStr) {
                return Err(input.error("name the fields in `fields(..)`: `fields(\"a\", \"b\")`"));
            }
            let key: Ident = input.call(Ident::parse_any)?;
            let repeated = if key == "fields" {
                let at = key.clone();
                let list = field_list(input)?;
                arguments.fields.replace(FieldList { at, list }).is_some()
            } else if key == "name" {
                input.parse::<Token![=]>()?;
                arguments.name.replace(input.parse()?).is_some()
            } else if key == "unique" {
                arguments.unique.replace(key.clone()).is_some()
            } else {
                let known = ["fields", "name", "unique"];
                let name = key.to_string();
                let message = format!(
                    "an index has no `{name}`{}\nknown here: {}",
                    did_you_mean(&name, known, '`'),
                    list(known, '`')
                );
                return Err(syn::Error::new_spanned(key, message));
            };
            if repeated {
                let message = format!("`{key}` is said twice");
                return Err(syn::Error::new_spanned(key, message));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

fn field_list(input: ParseStream<'_>) -> syn::Result<Vec<IndexedField>> {
    let content;
    parenthesized!(content in input);
    let fields = Punctuated::<IndexedField, Token![,]>::parse_terminated(&content)?;
    Ok(fields.into_iter().collect())
}

impl Parse for IndexedField {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return Ok(Self {
                path: input.parse()?,
                descending: false,
            });
        }
        let usage = "write the stored name of a field as text: \"price\", or desc(\"price\")";
        if !(input.peek(Ident) && input.peek2(token::Paren)) {
            return Err(input.error(usage));
        }
        let direction: Ident = input.parse()?;
        if direction != "asc" && direction != "desc" {
            return Err(syn::Error::new_spanned(direction, usage));
        }
        let content;
        parenthesized!(content in input);
        let path = content.parse()?;
        if !content.is_empty() {
            return Err(content.error("one field at a time"));
        }
        Ok(Self {
            path,
            descending: direction == "desc",
        })
    }
}

impl ToTokens for IndexOf {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.at.clone());
    }
}

impl ToTokens for IndexOver {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let at = &self.at;
        tokens.extend(quote!(#at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::mistakes;

    fn container(attr: Attribute) -> Result<DenContainer, Vec<String>> {
        let mut errors = Errors::default();
        let container = DenContainer::parse(&[attr], Derive::Document, &mut errors);
        mistakes(errors).map(|()| container)
    }

    fn field(attr: Attribute) -> Result<DenField, Vec<String>> {
        let mut errors = Errors::default();
        let field = DenField::parse(&[attr], &mut errors);
        mistakes(errors).map(|()| field)
    }

    #[test]
    fn containers_are_read() {
        let read = container(parse_quote!(#[den(
            collection = "c", revision, crate = "a::den",
            index(fields("a", desc("b"), asc("c.d"),), name = "n", unique),
            unique(fields("a"))
        )]))
        .unwrap();
        assert_eq!(read.collection.unwrap().value(), "c");
        assert!(read.revision);
        assert_eq!(read.krate.to_token_stream().to_string(), "a :: den");
        let [first, second] = read.indexes.as_slice() else {
            panic!("two indexes")
        };
        let fields: Vec<_> = first
            .fields
            .iter()
            .map(|it| (it.path.value(), it.descending))
            .collect();
        let expected = [("a", false), ("b", true), ("c.d", false)];
        assert_eq!(fields, expected.map(|(path, desc)| (path.to_owned(), desc)));
        assert!(first.unique && second.unique);
        assert_eq!(first.name.as_ref().unwrap().value(), "n");
    }

    #[test]
    fn fields_are_read() {
        let read = field(parse_quote!(#[den(index(name = "n"), kind = "text", unique_together = "g", unique_together = "h")])).unwrap();
        assert_eq!(read.index.unwrap().name.unwrap().value(), "n");
        assert_eq!(read.kind, Some(Kind::Text));
        assert_eq!(read.unique_together.len(), 2);
        assert!(read.unique.is_none());
    }

    #[test]
    fn mistakes_on_a_struct_say_what_to_write() {
        let cases: [(Attribute, &str); 12] = [
            (
                parse_quote!(#[den(colection = "x")]),
                "did you mean `collection`?",
            ),
            (parse_quote!(#[den(kind = "text")]), "belongs on a field"),
            (
                parse_quote!(#[den(rename_all = "x")]),
                "#[serde(rename_all ..)]",
            ),
            (parse_quote!(#[den(hooks)]), "no attribute `hooks`"),
            (parse_quote!(#[den(a::b)]), "no attribute"),
            (parse_quote!(#[den(revision = true)]), "unexpected"),
            (parse_quote!(#[den(collection = 3)]), "collection = \"..\""),
            (parse_quote!(#[den(revision, revision)]), "said twice"),
            (parse_quote!(#[den(index)]), "name the fields"),
            (parse_quote!(#[den(index("a", "b"))]), "in `fields(..)`"),
            (parse_quote!(#[den(index(fields()))]), "name the fields"),
            (
                parse_quote!(#[den(index(feilds("a")))]),
                "did you mean `fields`?",
            ),
        ];
        for (attr, expected) in cases {
            let found = container(attr).err().unwrap();
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }

    #[test]
    fn mistakes_on_a_field_say_what_to_write() {
        let cases: [(Attribute, &str); 9] = [
            (parse_quote!(#[den(indx)]), "did you mean `index`?"),
            (parse_quote!(#[den(revision)]), "belongs on the struct"),
            (parse_quote!(#[den(flatten)]), "#[serde(flatten ..)]"),
            (parse_quote!(#[den(kind = "txt")]), "did you mean \"text\"?"),
            (parse_quote!(#[den(kind = "uuid")]), "the kinds: \"text\""),
            (parse_quote!(#[den(kind)]), "kind = \"..\""),
            (parse_quote!(#[den(index = "x")]), "index(name = \"..\")"),
            (parse_quote!(#[den(index(unique))]), "write `unique`"),
            (
                parse_quote!(#[den(index(fields("a")))]),
                "belongs on the struct",
            ),
        ];
        for (attr, expected) in cases {
            let found = field(attr).err().unwrap();
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
